"""The projects that a company can see, as a tree, and the parent of each by three of its fields.

The fields are its name, its `parent`, and the last item of its `path`; they may contradict each other. Only the
company's own projects are checked. Public ones count as parents and as names.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli.extended_json import identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from projects_cli.messages import Document

LEVELS = 10  # how deep projects may be nested (docs/data-model.md, `project`)

MAX_ANCESTORS = 100
"""Ancestors after which a chain of parents is not followed any further: far more levels than can be right."""

FIELDS = ("name", "basename", "parent", "path", "company")  # fields of a document that the tree needs


class Unknown(Enum):
    """The answer of a field that does not determine the parent."""

    NOWHERE = "the field is absent, or names a project that cannot be seen"
    AMBIGUOUS = "several projects have that name"


NOWHERE = Unknown.NOWHERE
AMBIGUOUS = Unknown.AMBIGUOUS
TOP_LEVEL = None

Parent = Hashable  # the key of the parent's id, an `Unknown`, or `TOP_LEVEL`


class Project(NamedTuple):
    """The fields of a document, which may have any types.

    `id`, `parent` and the items of `path` are keys (`identity`); `stored` is the id as it is stored.
    """

    id: Hashable
    stored: Any
    name: Any
    basename: Any
    parent: Any
    path: Any
    own: bool

    @property
    def last_part(self) -> str:
        """Return the last part of the name, which must be a text."""
        return str(self.name.rpartition("/")[2])

    def has_path(self, ancestors: list[Hashable]) -> bool:
        """Return whether `path` is these ids; at the top level it may be absent or null."""
        return bool(self.path == ancestors) or (self.path is None and not ancestors)


class ProjectTree:
    """The projects of a company and the public ones, by id and by name."""

    def __init__(self, company: str) -> None:
        """Create an empty tree."""
        self.projects: dict[Hashable, Project] = {}
        self._company = company
        self._by_name: dict[str, Parent] = {}
        self._texts: dict[str, str] = {}

    def add(self, document: Document) -> Project:
        """Add a document. Return its fields."""
        path = document.get("path")
        name, basename = document.get("name"), document.get("basename")
        project = Project(
            self._key(document["_id"]),
            self._interned(document["_id"]),
            name,
            # Equal texts are kept once: most projects at the top level have such a pair.
            name if basename == name else basename,
            None if (parent := document.get("parent")) is None else self._key(parent),
            [self._key(item) for item in path] if isinstance(path, list) else path,
            document["company"] == self._company,
        )
        if type(name) is str:
            # A name that two projects have determines no parent.
            self._by_name[name] = AMBIGUOUS if name in self._by_name else project.id
        self.projects[project.id] = project
        return project

    def _interned(self, value: Any) -> Any:
        """Return an equal text that was seen before: every id occurs many times, which would cost memory."""
        return self._texts.setdefault(value, value) if type(value) is str else value

    def _key(self, value: Any) -> Hashable:
        return identity(self._interned(value))

    def own(self) -> Iterator[Project]:
        """Yield the company's own projects that have a name; the others cannot be checked."""
        return (project for project in self.projects.values() if project.own and type(project.name) is str)

    def get(self, parent: Parent) -> Project | None:
        """Return the project with this key, or None."""
        return self.projects.get(parent)

    def has_name(self, name: str) -> bool:
        """Return whether a project has that name."""
        return name in self._by_name

    def is_ambiguous(self, name: str) -> bool:
        """Return whether several projects have that name."""
        return self._by_name.get(name) is AMBIGUOUS

    # --- the parent by each field ---------------------------------------------------------------------------------

    def parent(self, project: Project) -> Parent:
        """Return the parent as it is stored; `NOWHERE` if it does not exist, or cannot be seen."""
        if project.parent in (None, ""):
            return TOP_LEVEL
        return project.parent if project.parent in self.projects else NOWHERE

    def is_consistent(self, project: Project) -> bool:
        """Return whether name and parent match."""
        parent_name = project.name.rpartition("/")[0]
        if (parent := self.parent(project)) is TOP_LEVEL:
            return "/" not in project.name
        return (above := self.get(parent)) is not None and above.name == parent_name

    def parent_by_name(self, project: Project) -> Parent:
        """Return the only project that has the parent's name."""
        name, slash, _ = project.name.rpartition("/")
        return self._by_name.get(name, NOWHERE) if slash else TOP_LEVEL

    def parent_by_field(self, project: Project) -> Parent:
        """Return the stored parent; if it is absent, `NOWHERE` unless the name is at the top level as well."""
        parent = self.parent(project)
        return NOWHERE if parent is TOP_LEVEL and "/" in project.name else parent

    def parent_by_path(self, project: Project) -> Parent:
        """Return the last item of `path`; if it is empty, `NOWHERE` unless the name is at the top level as well."""
        if project.path == []:
            return NOWHERE if "/" in project.name else TOP_LEVEL
        last = project.path[-1] if isinstance(project.path, list) else None
        return last if last in self.projects else NOWHERE

    # --- ancestors ------------------------------------------------------------------------------------------------

    def ancestors(self, project: Project, parent: Callable[[Project], Parent]) -> list[Hashable] | None:
        """Return the keys of the ancestors, topmost first; None if the chain is broken or does not end."""
        keys: list[Hashable] = []
        while (key := parent(project)) is not TOP_LEVEL:
            above = self.get(key)
            if above is None or len(keys) == MAX_ANCESTORS:
                return None
            keys.append(above.id)
            project = above
        return keys[::-1]

    def cycles(self, parent: Callable[[Project], Parent]) -> set[Hashable]:
        """Return the keys of the projects that are their own ancestors.

        Each walk upwards marks the projects with its start, and ends at a marked one. If the mark is its own, the walk
        has closed a cycle, which is walked once more to collect it. So each project is visited at most twice.
        """
        start_of: dict[Hashable, Hashable] = {}
        cyclic: set[Hashable] = set()
        for start in self.projects:
            project = self.get(start)
            while project is not None and project.id not in start_of:
                start_of[project.id] = start
                project = self.get(parent(project))
            while project is not None and start_of[project.id] == start and project.id not in cyclic:
                cyclic.add(project.id)
                project = self.get(parent(project))
        return cyclic
