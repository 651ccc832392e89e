"""All projects that a company can see, as a forest: who is above whom, as stored, and where that contradicts itself.

Only the company's own projects are judged; public ones are places and names, no more.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli.extended_json import identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from projects_cli.messages import Document

LEVELS = 10
"""How deep projects may lie (data-model.md, `project`)."""

FARTHEST = 100
"""Steps upwards after which a place is not followed any further: far more levels than can be right."""

FIELDS = ("name", "basename", "parent", "path", "company")
"""What the forest keeps of a document."""


class Word(Enum):
    """What a field says where it names no place."""

    SILENT = "it points nowhere: it is absent, or what it points to can't be seen"
    AMBIGUOUS = "several projects have that name"


SILENT = Word.SILENT
AMBIGUOUS = Word.AMBIGUOUS
TOP = None
"""The place at the top level; every other place is the id of the project above."""

Place = Hashable
"""The key of a project's id, a `Word`, or `TOP`."""


class Project(NamedTuple):
    """What is kept of a document, whatever the types of its values.

    `id`, `parent` and the items of `path` are keys (`identity`); `stored` is the id as it is stored.
    """

    id: Hashable
    stored: Any
    name: Any
    basename: Any
    parent: Any
    path: Any
    own: bool


class Forest:
    """The projects of a company and the public ones, by id and by name."""

    def __init__(self, company: str) -> None:
        """Start empty."""
        self.projects: dict[Hashable, Project] = {}
        self._company = company
        self._named: dict[str, Place] = {}
        self._texts: dict[str, str] = {}

    def add(self, document: Document) -> Project:
        """Add a document; returns what is kept of it."""
        path = document.get("path")
        name, basename = document.get("name"), document.get("basename")
        project = Project(
            self._key(document["_id"]),
            self._once(document["_id"]),
            name,
            name if basename == name else basename,
            None if (parent := document.get("parent")) is None else self._key(parent),
            [self._key(one) for one in path] if isinstance(path, list) else path,
            document["company"] == self._company,
        )
        if type(name) is str:
            self._named[name] = AMBIGUOUS if name in self._named else project.id
        self.projects[project.id] = project
        return project

    def _once(self, value: Any) -> Any:
        """Return a text that was seen before as the same object: a site has each id many times over."""
        return self._texts.setdefault(value, value) if type(value) is str else value

    def _key(self, value: Any) -> Hashable:
        return identity(self._once(value))

    def own(self) -> Iterator[Project]:
        """Give the company's own projects that have a name; without one nothing can be said of a place."""
        return (project for project in self.projects.values() if project.own and type(project.name) is str)

    def get(self, place: Place) -> Project | None:
        """Give the project at a place, or None where there is none that the company can see."""
        return self.projects.get(place)

    def is_named(self, name: str) -> bool:
        """Tell whether a project has that name."""
        return name in self._named

    def is_shared(self, name: str) -> bool:
        """Tell whether several projects have that name."""
        return self._named.get(name) is AMBIGUOUS

    # --- what each field says of the place ------------------------------------------------------------------------

    def parent(self, project: Project) -> Place:
        """Give the place that `parent` says; it is silent where that project is gone, or can't be seen."""
        if project.parent is None or project.parent == "":
            return TOP
        return project.parent if project.parent in self.projects else SILENT

    def is_placed(self, project: Project) -> bool:
        """Tell whether name and parent agree."""
        place = self.parent(project)
        if place is TOP:
            return "/" not in project.name
        above = self.get(place)
        return above is not None and above.name == project.name.rpartition("/")[0]

    def said_by_name(self, project: Project) -> Place:
        """Give the place that the name says: the one project that has the parent's name."""
        above, slash, _ = project.name.rpartition("/")
        return self._named.get(above, SILENT) if slash else TOP

    def said_by_parent(self, project: Project) -> Place:
        """Give the place that `parent` says; a missing one says nothing where the name has a parent."""
        place = self.parent(project)
        return SILENT if place is TOP and "/" in project.name else place

    def said_by_path(self, project: Project) -> Place:
        """Give the place that the end of `path` says; an empty one says nothing where the name has a parent."""
        if project.path == []:
            return SILENT if "/" in project.name else TOP
        last = project.path[-1] if isinstance(project.path, list) else None
        return last if last in self.projects else SILENT

    # --- walking upwards ------------------------------------------------------------------------------------------

    def above(self, project: Project, parent: Callable[[Project], Place]) -> list[Hashable] | None:
        """Return the keys of the projects above, topmost first; None where the way is broken, or has no end."""
        found: list[Hashable] = []
        while (place := parent(project)) is not TOP:
            above = self.get(place)
            if above is None or len(found) == FARTHEST:
                return None
            found.append(above.id)
            project = above
        return found[::-1]

    def cycles(self, parent: Callable[[Project], Place]) -> set[Hashable]:
        """Return the keys of the projects that lie above themselves."""
        walked: dict[Hashable, Hashable] = {}
        found: set[Hashable] = set()
        for start in self.projects:
            project = self.get(start)
            while project is not None and project.id not in walked:
                walked[project.id] = start
                project = self.get(parent(project))
            while project is not None and walked[project.id] == start and project.id not in found:
                found.add(project.id)
                project = self.get(parent(project))
        return found


def is_at(project: Project, above: list[Hashable]) -> bool:
    """Tell whether `path` is these ids; at the top level it may be absent or null."""
    return bool(project.path == above) or (project.path is None and not above)
