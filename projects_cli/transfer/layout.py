"""Where the projects of a file go: which are created, which exist already, their names and their places."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from projects_cli.endpoints import hierarchy
from projects_cli.errors import DamagedFile, ImportConflict, Problem, ProjectPathExceedsMax
from projects_cli.extended_json import id_text
from projects_cli.store import bson_codec
from projects_cli.store.bson_codec import NULL, Value, python_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from projects_cli.messages import Document
    from projects_cli.store.collections import Store

Item = TypeVar("Item")
OnConflict = Literal["fail", "skip", "update", "rename"]

IDS = 10_000
"""Projects that one query looks up."""

PROBLEMS = 10
"""Conflicts that an error names."""

STRING = 0x02


class Incoming(NamedTuple):
    """A project of a file: its id, whether it is there for its place only, its name (None: not text), its place."""

    id: Value
    is_parent: bool
    name: str | None
    parent: Value
    path: tuple[Value, ...]

    @classmethod
    def of(cls, raw: bytes, *, is_parent: bool) -> Incoming:
        """Return what matters of a document."""
        values = bson_codec.fields(raw)
        path = values.get("path", NULL)
        items = tuple(bson_codec.items(path)) if path.type == bson_codec.ARRAY else ()
        return cls(values.get("_id", NULL), is_parent, text(values.get("name")), values.get("parent", NULL), items)

    @property
    def shown(self) -> str:
        """Return the name, or the id of a project without one."""
        return self.name or id_text(python_value(self.id))


class Stored(NamedTuple):
    """A project of the database."""

    id: Value
    name: str | None
    company: str | None
    path: tuple[Value, ...]


class Place(NamedTuple):
    """Where a project goes: its id and name here, and the ids above it; None if they are those of the file."""

    id: Value
    name: str | None
    path: tuple[Value, ...] | None
    action: Literal["insert", "update", "keep", "skip"]


def text(value: Value | None) -> str | None:
    """Return a stored text, or None if a value is not text in UTF-8."""
    if value is None or value.type != STRING:
        return None
    try:
        return value.data[4:-1].decode()
    except UnicodeDecodeError:
        return None


@dataclass(slots=True)
class Layout:
    """The places of the projects of a file, by their ids in it.

    `new_id` returns the same new id for the same old one whenever it is called, since a change is planned several
    times. `location` is the project below which all of them go, and the ids above and including it. With `is_foreign`
    the file is of another company, whose ids may be taken although this one can't see it: with `rename` everything gets
    a new id then.
    """

    store: Store
    on_conflict: OnConflict
    new_id: Callable[[str, Value], Value]
    roots: Sequence[str] = ()
    location: tuple[str, tuple[Value, ...]] | None = None
    is_foreign: bool = False
    places: dict[Value, Place] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    conflicts: list[Problem] = field(default_factory=list)
    _by_id: dict[Value, Stored] = field(default_factory=dict)
    _by_name: dict[str, Stored] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)

    def add(self, projects: Iterable[Incoming]) -> None:
        """Find the place of each project.

        Raises:
            DamagedFile: two projects have the same id, or would have the same name.
            ProjectPathExceedsMax: a project would be too deep.
        """
        incoming = [project for project in projects if self.location is None or not project.is_parent]
        if len({project.id for project in incoming}) < len(incoming):
            raise DamagedFile("the file has two projects with the same id")
        self._look_up(incoming)
        # Parents are decided before what is below them.
        for project in sorted(incoming, key=lambda project: project.name or ""):
            self.places[project.id] = self._place(project)

    def refuse(self, what: str) -> None:
        """Refuse the file if something of it is in conflict with what is stored.

        Raises:
            ImportConflict: it is.
        """
        if self.conflicts:
            raise ImportConflict(
                f"{what}: {self.conflicts[0].path}: {self.conflicts[0].message}"
                + (f", and {len(self.conflicts) - 1} more conflicts" if len(self.conflicts) > 1 else ""),
                problems=self.conflicts[:PROBLEMS],
            )

    def _look_up(self, incoming: Sequence[Incoming]) -> None:
        wanted = {"name": 1, "company": 1, "path": 1}
        names = [name for project in incoming if (name := self._moved(project.name)) is not None]
        ids = [project.id for project in incoming]
        for some in _chunks(ids):
            among: Document = {"_id": bson_codec.embedded({"$in": bson_codec.array(some)})}
            self._by_id |= {project.id: project for project in map(_stored, self.store.projects.raw(among, wanted))}
        for some_names in _chunks(names):
            for project in map(_stored, self.store.projects.raw({"name": {"$in": some_names}}, wanted)):
                # Of an own and a public one the own one is in the way.
                is_own = project.company == self.store.company
                if project.name is not None and (is_own or project.name not in self._by_name):
                    self._by_name[project.name] = project

    def _moved(self, name: str | None) -> str | None:
        """Return the name of a project below the location: without what is above the named root that it belongs to."""
        if name is None or self.location is None:
            return name
        # Of what was exported only the tree of the named project goes below the location, not the path to it.
        for root in self.roots:
            if name == root or name.startswith(f"{root}/"):
                name = name[len(root.rpartition("/")[0]) :].removeprefix("/")
                break
        return f"{self.location[0]}/{name}"

    def _place(self, project: Incoming) -> Place:
        above = self.places.get(project.parent)
        # Without the project above it there is no place for it.
        if above is not None and above.action == "skip":
            return Place(project.id, project.name, None, "skip")
        name = self._renamed(self._moved(project.name))
        if name is not None and name.count("/") >= hierarchy.MAX_DEPTH:
            raise ProjectPathExceedsMax(f"'{name}' would be deeper than {hierarchy.MAX_DEPTH} levels")
        path = self._path(project, above)
        # Names and ids are both unique here: each may be taken by another project.
        holder, same = self._by_name.get(name or ""), self._by_id.get(project.id)
        is_new = holder is None and same is None
        if is_new and not (self.is_foreign and self.on_conflict == "rename"):
            return self._inserted(project.id, name, path)
        return self._conflicting(project, name, path, holder, same)

    def _conflicting(
        self,
        project: Incoming,
        name: str | None,
        path: tuple[Value, ...] | None,
        holder: Stored | None,
        same: Stored | None,
    ) -> Place:
        """Return the place of a project whose name (`holder`) or id (`same`) exists already."""
        mode: str = "parent" if project.is_parent and holder is not None else self.on_conflict
        if holder is not None and holder.company == self.store.company and mode in {"parent", "skip", "update"}:
            return Place(holder.id, holder.name, holder.path, "update" if mode == "update" else "keep")
        if mode == "rename":
            return self._as_another(project, name, path, has_name=holder is not None)
        if mode == "skip" and holder is None:
            return Place(project.id, project.name, None, "skip")
        self.conflicts.append(Problem(project.shown, _why(project, holder, same, self.store)))
        return Place(project.id, name, path, "insert")

    def _as_another(
        self, project: Incoming, name: str | None, path: tuple[Value, ...] | None, *, has_name: bool
    ) -> Place:
        """Return the place of a project that gets another name if it is taken, and another id if that is."""
        if has_name and name is not None:
            projects = self.store.projects
            candidates = (f"{name}-{number}" for number in count(2))
            free = (new for new in candidates if new not in self._taken and not projects.find_one({"name": new}))
            self.renamed[name] = name = next(free)
        identifier = self.new_id("project", project.id) if project.id in self._by_id or self.is_foreign else project.id
        return self._inserted(identifier, name, path)

    def _renamed(self, name: str | None) -> str | None:
        """Return a name with that of the nearest renamed project above it."""
        if name is None or not self.renamed:
            return name
        parts = name.split("/")
        for depth in range(len(parts) - 1, 0, -1):
            if new := self.renamed.get("/".join(parts[:depth])):
                return "/".join([new, *parts[depth:]])
        return name

    def _inserted(self, identifier: Value, name: str | None, path: tuple[Value, ...] | None) -> Place:
        if name is not None and name in self._taken:
            raise DamagedFile(f"two projects of the file would be named '{name}'")
        if name is not None:
            self._taken.add(name)
        return Place(identifier, name, path, "insert")

    def _path(self, project: Incoming, above: Place | None) -> tuple[Value, ...] | None:
        """Return the ids above a project if they are others than in the file."""
        if above is not None:
            is_same = above.id == project.parent and (above.path is None or (*above.path, above.id) == project.path)
            return None if is_same else (*(above.path if above.path is not None else project.path[:-1]), above.id)
        return None if self.location is None else self.location[1]


def _stored(raw: bytes) -> Stored:
    values = bson_codec.fields(raw)
    path = values.get("path", NULL)
    items = tuple(bson_codec.items(path)) if path.type == bson_codec.ARRAY else ()
    return Stored(values["_id"], text(values.get("name")), text(values.get("company")), items)


def _why(project: Incoming, holder: Stored | None, same: Stored | None, store: Store) -> str:
    if holder is not None and holder.company != store.company:
        return "a public project has this name"
    if same is not None and holder is None:
        return f"the project with its id is named '{same.name}' here"
    return "it exists already" if holder is not None and holder.id == project.id else "another project has this name"


def _chunks(values: Sequence[Item]) -> Iterator[list[Item]]:
    for start in range(0, len(values), IDS):
        yield list(values[start : start + IDS])
