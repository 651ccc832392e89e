"""The import of a file as a change: planned from the file and from what is stored, made by the change engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, overload

from projects_cli.endpoints import hierarchy, naming
from projects_cli.errors import DamagedFile, Problem, ProjectPathExceedsMax, UsageError
from projects_cli.extended_json import id_text
from projects_cli.messages import Count, Edit, Plan, Sample, Step
from projects_cli.store import bson_codec
from projects_cli.store.bson_codec import ARRAY, DOCUMENT, NULL, Value, python_value, value_of
from projects_cli.transfer.layout import Incoming, Layout, OnConflict, Place, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Store
    from projects_cli.transfer.archive import Archive, Header
    from projects_cli.transfer.exports import Kind

CONTENTS: tuple[Kind, ...] = ("task", "model")

LOOKED_UP = 1000
"""Tasks or models that one query looks up, and that are in memory at a time."""

PLACE = frozenset({"_id", "name", "basename", "parent", "path", "company", "company_origin"})
"""Fields that an update leaves as they are: they say which project it is, and where."""

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is imported: below which project, what to do with what exists, and which ids stand for others."""

    on_conflict: OnConflict = "fail"
    location: str | None = None
    companies: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Import:
    """The import of an archive that was checked. `request` has the company, and the owner of a new location.

    New ids are kept, so that the change is the same whenever it is planned.
    """

    archive: Archive
    header: Header
    options: Options
    request: Request
    _new_ids: dict[tuple[str, Value], Value] = field(default_factory=dict)

    def plan(self, store: Store) -> Plan[Step]:
        """Return the plan: insertions, and with `update` changes of what exists.

        Raises:
            UsageError: the file is of another company. ImportConflict: what it has exists already.
            DamagedFile, ServiceError: it has something that can't be stored here.
        """
        above, location = self._location(store)
        layout = Layout(store, self.options.on_conflict, self.new_id, self.header.roots, location, self.is_foreign)
        layout.add(
            Incoming.of(raw, is_parent=kind == "parent") for kind, raw in self.archive.documents("parent", "project")
        )
        adapted = Adapted(self, layout, store.company)
        numbers = {kind: adapted.count(kind, store) for kind in CONTENTS}
        # Not before tasks and models were looked up: the error has their conflicts too.
        layout.refuse(f"{self.archive.name} can't be imported")
        steps = Steps(adapted, above, numbers, store)
        places = [place for place in layout.places.values() if place.action in {"insert", "update"}]
        created = len(above) + sum(place.action == "insert" for place in places)
        counts = {"projects": created, **{f"{kind}s": sum(numbers[kind][:2]) for kind in CONTENTS}}
        if updated := sum(place.action == "update" for place in places):
            counts["updated projects"] = updated
        kept = sum(place.action in {"keep", "skip"} for place in layout.places.values())
        notes = [f"'{old}' is imported as '{new}'" for old, new in islice(layout.renamed.items(), SHOWN)]
        if self.options.on_conflict == "skip" and (kept or any(number[2] for number in numbers.values())):
            notes.append(
                f"skipped because they exist: {kept} projects, "
                + ", ".join(f"{numbers[kind][2]} {kind}s" for kind in CONTENTS)
            )
        return Plan(
            endpoint="import",
            summary=f"import {', '.join(f'{count} {name}' for name, count in counts.items() if count) or 'nothing'} "
            f"from {self.archive.name}",
            steps=steps if len(steps) else (),
            answer={
                "projects": Count("project", "insert"),
                "tasks": Count("task", "insert"),
                "models": Count("model", "insert"),
                "updated": [Count("project", "update"), Count("task", "update"), Count("model", "update")],
            },
            counts=counts,
            samples=[Sample(id_text(python_value(place.id)), place.name or "") for place in places[:SHOWN]],
            notes=notes,
            question="yes",
        )

    @property
    def is_foreign(self) -> bool:
        """Return whether the file is of another company."""
        return self.header.company != self.request.company

    def new_id(self, kind: str, old: Value) -> Value:
        """Return the new id of a document, the same one at each call."""
        key = kind, old
        if key not in self._new_ids:
            self._new_ids[key] = value_of(self.request.new_id())
        return self._new_ids[key]

    def _location(self, store: Store) -> tuple[list[Document], tuple[str, tuple[Value, ...]] | None]:
        """Return the projects to create for the location, and its name with the ids above and including it."""
        if self.options.location is None:
            return [], None
        parts = hierarchy.segments(self.options.location)
        if len(parts) >= hierarchy.MAX_DEPTH:
            raise ProjectPathExceedsMax(f"nothing can be below level {len(parts)}")
        missing, parent = naming.missing_projects(parts, store)
        documents: list[Document] = []
        # Their ids must not change when the import is planned again.
        for path in missing:
            parent = naming.new_project(path, parent, {}, self.request)
            parent["_id"] = python_value(self.new_id("location", value_of("/".join(path))))
            documents.append(parent)
        if parent is None:
            raise UsageError(f"there is no project {self.options.location!r}")
        ids = tuple(value_of(item) for item in (*hierarchy.path_of(parent), parent["_id"]))
        return documents, ("/".join(parts), ids)


@dataclass(slots=True)
class Adapted:
    """The documents of a file as they will be stored: with the ids, names, places, company and users of this database.

    A document in which nothing changes keeps its bytes.
    """

    source: Import
    layout: Layout
    company: str
    ids: dict[str, dict[Value, Value]] = field(default_factory=lambda: {"task": {}, "model": {}})

    def count(self, kind: Kind, store: Store) -> tuple[int, int, int]:
        """Return how many tasks or models are new, how many are replaced, and how many are skipped.

        With `fail`, those that exist are conflicts; with `rename` they get new ids.
        """
        new = replaced = skipped = 0
        mode = self.source.options.on_conflict
        for some in _batches(raw for _, raw in self.source.archive.documents(kind)):
            existing = _existing(kind, some, store)
            for raw in some:
                identifier = bson_codec.identifier(raw)
                if mode == "skip" and (identifier in existing or not self.is_wanted(raw)):
                    skipped += 1
                elif identifier not in existing and not (mode == "rename" and self.source.is_foreign):
                    new += 1
                elif mode == "update" and text(bson_codec.fields(existing[identifier]).get("company")) == self.company:
                    replaced += self.content(kind, raw) != existing[identifier]
                elif mode == "rename":
                    self.ids[kind][identifier] = self.source.new_id(kind, identifier)
                    new += 1
                else:
                    shown = id_text(python_value(identifier))
                    why = "it exists already" if mode == "fail" else "a public one has its id"
                    self.layout.conflicts.append(Problem(f"{kind} {shown}", why))
        return new, replaced, skipped

    def is_wanted(self, raw: bytes) -> bool:
        """Return whether a task or model is imported: not if its project exists and is skipped."""
        place = self._place_of(bson_codec.fields(raw))
        return place is None or place.action in {"insert", "update"}

    def _place_of(self, member: Mapping[str, Value]) -> Place | None:
        """Return where the project of a task or model goes. Null refers to none, even if a project has that id."""
        project = member.get("project", NULL)
        return None if project == NULL else self.layout.places.get(project)

    def project(self, raw: bytes) -> tuple[Place, bytes] | None:
        """Return the place of a project, and its document as it will be stored; None if it is not imported."""
        values = bson_codec.fields(raw)
        place = self.layout.places.get(values.get("_id", NULL))
        if place is None or place.action in {"keep", "skip"}:
            return None
        changes = self._common(values)
        if place.id != values.get("_id"):
            changes["_id"] = place.id
        if place.name is not None and place.name != text(values.get("name")):
            changes |= {"name": value_of(place.name), "basename": value_of(place.name.rpartition("/")[2])}
        if place.path:
            changes |= {"parent": place.path[-1], "path": bson_codec.array(place.path)}
        return place, self._changed(raw, values, changes)

    def content(self, kind: Kind, raw: bytes) -> bytes:
        """Return a task or model as it will be stored."""
        values = bson_codec.fields(raw)
        changes = self._common(values)
        place = self._place_of(values)
        if place is not None and place.id != values["project"]:
            changes["project"] = place.id
        # References change only if something got a new id; otherwise the document keeps its bytes.
        if any(self.ids.values()):
            for name, other in (("_id", kind), ("parent", kind), ("task", "task")):
                old = values.get(name, NULL)
                new = self.ids[other].get(old)
                if new is not None and (old != NULL or name == "_id") and (name != "task" or kind == "model"):
                    changes[name] = new
            if kind == "task" and values.get("models", NULL).type == DOCUMENT:
                changes["models"] = self._models(values["models"])
        return self._changed(raw, values, changes)

    def _models(self, models: Value) -> Value:
        """Return the models of a task with their new ids."""
        lists = {}
        for name, items in bson_codec.fields(models.data).items():
            if items.type != ARRAY:
                continue
            renewed = []
            for item in bson_codec.items(items):
                old = bson_codec.fields(item.data).get("model") if item.type == DOCUMENT else None
                new = None if old is None or old == NULL else self.ids["model"].get(old)
                renewed.append(
                    item if new is None else Value(DOCUMENT, bson_codec.with_fields(item.data, {"model": new}))
                )
            lists[name] = bson_codec.array(renewed)
        return Value(DOCUMENT, bson_codec.with_fields(models.data, lists))

    def _common(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Return the changes of company and users.

        Raises:
            DamagedFile: the document does not belong to the company of the file.
        """
        options, header = self.source.options, self.source.header
        changes: dict[str, Value] = {}
        company, origin = text(values.get("company")), text(values.get("company_origin"))
        if company != header.company and not (company == "" and origin == header.company):
            identifier = id_text(python_value(values.get("_id", NULL)))
            raise DamagedFile(f"the document {identifier!r} belongs to another company than its file")
        if self.source.is_foreign:
            name = "company" if company else "company_origin"
            changes[name] = value_of(self.company)
            if company and origin == header.company:
                changes["company_origin"] = value_of(self.company)
        for name in ("user", "last_changed_by") if options.users else ():
            user = text(values.get(name))
            if user is not None and user in options.users:
                changes[name] = value_of(options.users[user])
        return changes

    @staticmethod
    def _changed(raw: bytes, values: Mapping[str, Value], changes: dict[str, Value]) -> bytes:
        changes = {name: value for name, value in changes.items() if values.get(name) != value}
        return bson_codec.with_fields(raw, changes) if changes else raw


@dataclass(frozen=True, slots=True)
class Contents:
    """The edits of an import for its tasks or models: those that are new, or those that replace others."""

    adapted: Adapted
    kind: Kind
    are_new: bool

    def edits(self, store: Store) -> Iterator[Edit]:
        """Stream the edits, from the file and from what is stored now."""
        adapted, mode = self.adapted, self.adapted.source.options.on_conflict
        for some in _batches(raw for _, raw in adapted.source.archive.documents(self.kind)):
            # With `rename` nothing of the file is the same as something stored.
            existing = {} if mode == "rename" else _existing(self.kind, some, store)
            for raw in some:
                before = existing.get(bson_codec.identifier(raw))
                if (before is None) is not self.are_new or (mode == "skip" and not adapted.is_wanted(raw)):
                    continue
                after = adapted.content(self.kind, raw)
                if after != before:
                    yield Edit(bson_codec.identifier(after), before, after)


@dataclass(frozen=True, slots=True)
class Steps(Sequence[Step]):
    """The steps of an import, read from the file whenever they are iterated: their documents are not all in memory."""

    adapted: Adapted
    above: list[Document]
    numbers: dict[Kind, tuple[int, int, int]]
    store: Store

    def __len__(self) -> int:
        """Return whether there is anything to do: the number of projects and of kinds of contents."""
        places = self.adapted.layout.places.values()
        projects = sum(place.action in {"insert", "update"} for place in places)
        return (
            len(self.above)
            + projects
            + sum(bool(number) for numbers in self.numbers.values() for number in numbers[:2])
        )

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> list[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | list[Step]:
        """Return a step by its number."""
        return list(self)[index]

    def __iter__(self) -> Iterator[Step]:
        """Stream the steps: projects before what is in them."""
        for document in self.above:
            yield Step("project", "insert", {"_id": document["_id"]}, document, why="location", name=document["name"])
        yield from chain.from_iterable(
            map(self._of_project, self.adapted.source.archive.documents("parent", "project"))
        )
        for kind in CONTENTS:
            new, replaced, _ = self.numbers[kind]
            # Of their lines, which are longer than the documents: it only decides that large ones get no transaction.
            size = self.adapted.source.archive.sizes.get(kind, 0)
            for count, are_new, action in ((new, True, "insert"), (replaced, False, "update")):
                if count:
                    edits = Contents(self.adapted, kind, are_new)
                    yield Step(kind, action, {}, count=count, why="import", edits=edits, size=size)  # type: ignore[arg-type]  # not "parent"

    def _of_project(self, item: tuple[Kind, bytes]) -> Iterator[Step]:
        adapted = self.adapted.project(item[1])
        if adapted is None:
            return
        place, after = adapted
        identifier = python_value(place.id)
        # Decoding is lossy: text that is not UTF-8 would become another id. MongoDB merges no document with a null id.
        if place.id == NULL or value_of(identifier) != place.id:
            raise DamagedFile(f"the id of the project '{place.name}' is null, or text that is not UTF-8")
        name = place.name or id_text(identifier)
        if place.action == "insert":
            yield Step("project", "insert", {"_id": identifier}, bson_codec.unchanged(after), why="import", name=name)  # type: ignore[arg-type]  # a document as bytes
            return
        change = self._update(identifier, after)
        if change:
            own = {"_id": identifier, "company": self.store.company}
            yield Step("project", "update", own, change, why="import", name=name)

    def _update(self, identifier: Any, after: bytes) -> Any:
        """Return the change that gives a project the fields that it has in the file, except those of its place."""
        stored = self.store.projects.read({"_id": identifier})
        if stored is None:
            return None
        wanted = {name: value for name, value in bson_codec.fields(after).items() if name not in PLACE}
        now = bson_codec.fields(stored)
        parts: dict[str, Value] = {}
        if values := {name: value for name, value in wanted.items() if now.get(name) != value}:
            parts["$set"] = Value(DOCUMENT, bson_codec.document(values))
        if names := [name for name in now if name not in wanted and name not in PLACE]:
            parts["$unset"] = Value(DOCUMENT, bson_codec.document(dict.fromkeys(names, value_of(1))))
        return bson_codec.embedded(parts) if parts else None


def _batches(documents: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = iter(documents)
    while some := list(islice(rest, LOOKED_UP)):
        yield some


def _existing(kind: Kind, some: Sequence[bytes], store: Store) -> dict[Value, bytes]:
    """Return the stored documents with the ids of these."""
    among: Document = {"_id": bson_codec.embedded({"$in": bson_codec.array(map(bson_codec.identifier, some))})}
    return {bson_codec.identifier(raw): raw for raw in store.named(kind).raw(among)}
