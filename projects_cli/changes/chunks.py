"""From a plan's steps to chunks, and what a chunk does to the stored documents.

Everything here may be repeated: what is done already is left as it is. Each write carries the fence of the lease in its
filter, so that the server refuses it once another process may have taken over (docs/safety.md).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import TYPE_CHECKING, cast

from projects_cli.changes.records import Entry, Kind, Members, Projects
from projects_cli.errors import CannotUndo, ExpectedUniqueData
from projects_cli.extended_json import id_text, identity
from projects_cli.messages import Skipped
from projects_cli.store import bson_codec, filters
from projects_cli.store.bson_codec import NULL, Value, decode, encode
from projects_cli.store.collections import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from projects_cli.changes.lease import Lease
    from projects_cli.changes.records import Chunk
    from projects_cli.messages import Document, Step
    from projects_cli.store.collections import Store

IDS = 10_000
"""Ids in a chunk of tasks or models, about half a megabyte; also how many documents one write changes."""

ENTRIES = 500
"""Projects in a chunk; BYTES ends it sooner if their documents are large."""

BYTES = 4_000_000

COMMAND = 15_500_000
"""Bytes of values that fit into one command beside everything else: MongoDB's limit is 16 MiB."""

TRIES = 10
"""How often a deletion is attempted while another writer changes the project."""

WITHOUT_UNDO = "change it without undo: --no-journal"

CHANGED = "it was changed in the meantime"
REMOVED = "it was removed in the meantime"

NAMED = 100
"""Documents of a chunk that are named when they are left as they are."""


@dataclass(slots=True)
class Tally:
    """What was done so far: counts by (collection, action), and what was left as it is, with the reason.

    `repeated` is for a second try after a connection broke: what is done already then counts too, since the first try
    may have done it.
    """

    changed: dict[tuple[str, str], int] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    repeated: bool = False

    def add(self, collection: str, action: str, count: int) -> None:
        """Count changed documents."""
        if count:
            self.changed[collection, action] = self.changed.get((collection, action), 0) + count

    def count_done(self, action: str) -> None:
        """Count a project that is as it should be already."""
        if self.repeated:
            self.add("project", action, 1)

    def skip(self, entry: Entry, why: str) -> None:
        """Note a project that was left as it is."""
        self.skipped.append(Skipped(shown(entry.id), entry.name, why))

    def include(self, other: Tally) -> None:
        """Add what another tally has."""
        for (collection, action), count in other.changed.items():
            self.add(collection, action, count)
        self.skipped += other.skipped


def shown(identifier: Value) -> str:
    """Return an id for display."""
    return id_text(bson_codec.python_value(identifier))


def by_id(identifier: Value) -> Document:
    """Match the document with an id."""
    return is_value("_id", identifier)


def is_value(name: str, value: Value) -> Document:
    """Match documents of which a field is a value, or a list with it; null does not match an absent field."""
    condition: Document = {name: bson_codec.embedded({"$eq": value})}
    return {**condition, "$expr": {"$eq": [{"$type": f"${name}"}, "null"]}} if value == NULL else condition


def among(identifiers: Iterable[Value], name: str = "_id") -> Document:
    """Match documents of which a field is one of these values."""
    return within(bson_codec.array(identifiers), name)


def within(array: Value, name: str = "_id") -> Document:
    """Match documents of which a field is an item of a stored array."""
    return {name: bson_codec.embedded({"$in": array})}


def stored_as(name: str, value: Value | None) -> Document:
    """Match documents in which a field has exactly this value, or is absent."""
    if value is None:
        return {name: {"$exists": False}}
    return {"$expr": {"$eq": [f"${name}", bson_codec.embedded({"$literal": value})]}}


@dataclass(slots=True)
class Writer:
    """Writes the documents of one operation, behind the fence of its lease."""

    store: Store
    operation: str
    lease: Lease | None
    renew: Callable[[Projects], None] = lambda _: None

    def insert(self, raw: bytes) -> None:
        """Insert a project, unless one with its id exists.

        Raises:
            ExpectedUniqueData: another document has its name. LeaseLost: another process took over.
        """
        collection, same = self.store.projects, by_id(bson_codec.fields(raw)["_id"])
        if collection.in_transaction:  # one that is refused is over, and one that is repeated begins anew
            collection.insert(raw, Guard(self.operation))
            return

        def write(guard: Guard) -> int:
            try:
                collection.insert(raw, guard)
            except ExpectedUniqueData:
                if collection.read(same) is None:
                    raise
            return int(collection.read(same) is not None)

        self._fenced(write)

    def update(self, kind: str, filter_: Document, change: Document) -> int:
        """Change the matching documents. Return how many matched."""
        return self._fenced(lambda guard: self.store.named(kind).update(filter_, change, guard))

    def delete(self, filter_: Document) -> int:
        """Remove a matching project. Return how many were removed."""
        return self._fenced(lambda guard: self.store.projects.delete_one(filter_, guard))

    def replace(self, filter_: Document, raw: bytes) -> int:
        """Replace a matching project. Return how many matched."""
        return self._fenced(lambda guard: self.store.projects.replace(filter_, raw, guard))

    def _fenced(self, write: Callable[[Guard], int]) -> int:
        """Write; again with a renewed lease if nothing matched because the fence had closed.

        The server evaluates the fence once for a command: if one document matched, it was open. If none did, either the
        documents are not as expected or the deadline had passed. The server's clock only goes forward, so a deadline
        that has not passed now had not passed then.

        Raises:
            LeaseLost: another process took over.
        """
        while True:
            guard = Guard(self.operation) if self.lease is None else self.lease.guard(self.operation)
            count = write(guard)
            if count or self.lease is None or self.lease.is_before(guard.deadline):
                return count
            self.lease.check()


# --- from the steps of a plan to chunks ---------------------------------------------------------------------------


def chunks_of(steps: Sequence[Step], store: Store, *, journaled: bool = True) -> Iterator[Chunk]:
    """Stream the chunks of a plan, with the before-images as they are now.

    Raises:
        CannotUndo: a document is too large for its change to be undone; only if the change is `journaled`.
    """
    for on_projects, run in groupby(steps, lambda step: step.collection == "project"):
        if on_projects:
            yield from _project_chunks(run, store, journaled=journaled)
        else:
            for step in run:
                yield from member_chunks(cast("Kind", step.collection), step.filter, store)


def _project_chunks(steps: Iterable[Step], store: Store, *, journaled: bool) -> Iterator[Chunk]:
    entries: list[Entry] = []
    size = 0
    for step in steps:
        entry = _entry(step, store)
        if journaled:
            _check_undoable(entry)
        size += len(entry.after) + len(entry.before or b"")
        entries.append(entry)
        if len(entries) >= ENTRIES or size >= BYTES:
            yield _with_surroundings(entries, store)
            entries, size = [], 0
    if entries:
        yield _with_surroundings(entries, store)


def _entry(step: Step, store: Store) -> Entry:
    """Return what a step does to its project, with the document as it is now."""
    identifier = step.filter["_id"]
    before = None if step.action == "insert" else store.projects.read({"_id": identifier})
    stored = {} if before is None else decode(before)
    return Entry(
        id=bson_codec.value_of(identifier) if before is None else bson_codec.fields(before)["_id"],
        name=step.name,
        action=step.action,
        after=b"" if step.action == "delete" else encode(step.change),
        before=before,
        condition={name: value for name, value in step.filter.items() if name != "_id"},
        essential=step.essential,
        stale=any(identity(stored.get(name)) != identity(value) for name, value in step.expects.items()),
    )


def _check_undoable(entry: Entry) -> None:
    """Refuse an update that could not be undone in one command of at most 16 MB.

    A command that sets fields has their old and their new values. A field that the update removes returns to its place
    only if the whole document is replaced, and the filter has the whole document as well.

    Raises:
        CannotUndo: the document is too large for that, or could not be inserted again.
    """
    if entry.action == "delete" and entry.id == NULL:  # the fenced insert takes every id but this one
        raise CannotUndo(f"'{entry.name}' has the id null: a delete of it could not be undone", hint=WITHOUT_UNDO)
    if entry.action != "update" or entry.before is None:
        return
    before = bson_codec.fields(entry.before)
    replaced = not entry.change["$unset"].keys().isdisjoint(before)
    changed = sum(len(before[name].data) for name in entry.changed_fields & before.keys())
    size = 2 * len(entry.before) if replaced else changed
    if size + len(entry.after) > COMMAND:
        raise CannotUndo(
            f"the document of '{entry.name}' is too large for this change to be undone: "
            f"{len(entry.before) / 1024**2:.1f} MiB",
            hint=f"make it smaller first, or {WITHOUT_UNDO}",
        )


def _with_surroundings(entries: list[Entry], store: Store) -> Projects:
    """Add to entries what an undo compares with: the names of the parents, and other projects of the same name."""
    befores = [(entry, bson_codec.fields(entry.before)) for entry in entries if entry.before is not None]
    parents = {before["parent"] for _, before in befores if _is_comparable(before.get("parent"))}
    named = {before["name"] for _, before in befores if _is_comparable(before.get("name"))}
    stored = store.projects.raw(among(parents), {"name": 1}) if parents else ()
    parent_names = {values["_id"]: values.get("name", NULL) for values in map(bson_codec.fields, stored)}
    twins: dict[Value, set[Value]] = defaultdict(set)
    for values in map(bson_codec.fields, store.projects.raw(among(named, "name"), {"name": 1}) if named else ()):
        twins[values["name"]].add(values["_id"])
    for entry, before in befores:
        entry.parent = parent_names.get(before.get("parent", NULL))
        entry.twins = frozenset(twins[before["name"]] - {entry.id}) if "name" in before else frozenset()
    return Projects(entries)


def _is_comparable(value: Value | None) -> bool:
    """Return whether a list of a filter may have a value.

    MongoDB takes a regular expression in it as a pattern, and refuses `undefined`, and documents that look like an
    operator.
    """
    if value is None or value.type in {bson_codec.UNDEFINED.type, bson_codec.REGEX}:
        return False
    return value.type != bson_codec.DOCUMENT or not next(iter(bson_codec.fields(value.data)), "").startswith("$")


def member_chunks(kind: Kind, filter_: Document, store: Store) -> Iterator[Chunk]:
    """Stream chunks for tasks or models that leave their projects: the ids that match now, by project."""
    own = filters.all_of([filter_, filters.not_a_list()])
    stored = store.named(kind).raw(own, {"project": 1}, sort=[("project", 1)])
    for source, members in groupby(map(bson_codec.fields, stored), lambda values: values.get("project", NULL)):
        ids = (values["_id"] for values in members)
        existed = store.projects.find_one(by_id(source), {"_id": 1}) is not None
        while batch := list(islice(ids, IDS)):
            yield Members(kind, source, NULL, bson_codec.array(batch), len(batch), existed)


# --- making a change ----------------------------------------------------------------------------------------------


def make(chunk: Chunk, writer: Writer, tally: Tally) -> bool:
    """Make what a chunk says. Return False if an essential change could not be made.

    Raises:
        ExpectedUniqueData: another project got the name in the meantime.
        LeaseLost: another process took over.
    """
    if isinstance(chunk, Members):
        move(chunk, chunk.source, chunk.target, writer, tally)
        return True
    return all(_MAKE[entry.action](entry, chunk, writer, tally) or not entry.essential for entry in chunk.entries)


def move(chunk: Members, source: Value, target: Value, writer: Writer, tally: Tally) -> None:
    """Move the tasks or models of a chunk from one project into another, as far as they are still in the first."""
    ids = within(chunk.ids)
    change = {"$set": bson_codec.embedded({"project": target})}
    condition = {**ids, **is_value("project", source), **filters.not_a_list()}
    count = writer.update(chunk.kind, condition, change)
    if tally.repeated:
        count = writer.store.named(chunk.kind).count({**ids, **is_value("project", target)})
    tally.add(chunk.kind, "update", count)


def _insert(entry: Entry, _: Projects, writer: Writer, tally: Tally) -> bool:
    if writer.store.projects.read(by_id(entry.id)) is not None:
        tally.count_done("insert")
        return True
    writer.insert(entry.after)
    tally.add("project", "insert", 1)
    return True


def _update(entry: Entry, _: Projects, writer: Writer, tally: Tally) -> bool:
    if entry.before is None or entry.stale:
        tally.skip(entry, REMOVED if entry.before is None else CHANGED)
        return False
    before, change = bson_codec.fields(entry.before), entry.change
    names = sorted(entry.changed_fields - {"last_update"})
    as_before = [stored_as(name, before.get(name)) for name in names]
    condition = filters.all_of([by_id(entry.id), entry.condition, *as_before])
    parts = {word: bson_codec.embedded(values) for word, values in change.items() if values}
    if writer.update("project", condition, cast("Document", parts)):
        tally.add("project", "update", 1)
        return True
    current = writer.store.projects.read(by_id(entry.id))
    if current is not None and has_change(bson_codec.fields(current), entry):
        tally.count_done("update")
        return True
    tally.skip(entry, CHANGED if current else REMOVED)
    return False


def _delete(entry: Entry, chunk: Projects, writer: Writer, tally: Tally) -> bool:
    """Remove a project, unless another one is below it; what was put into it in the meantime is moved out later.

    Its `last_update` must be that of the before-image: if another writer changed the project since, the image in the
    journal is renewed first, so that an undo brings the latest state back.
    """
    projects = writer.store.projects
    for _ in range(TRIES):
        below = projects.find_one(is_value("parent", entry.id), {"name": 1})
        if below is not None:
            tally.skip(entry, f"'{below.get('name')}' ({below['_id']}) is below it")
            return False
        if entry.before is not None:
            version = stored_as("last_update", bson_codec.fields(entry.before).get("last_update"))
            if writer.delete(filters.all_of([by_id(entry.id), entry.condition, version])):
                tally.add("project", "delete", 1)
                return True
        current = projects.read(filters.all_of([by_id(entry.id), entry.condition]))
        if current is None:
            break
        entry.before = current
        writer.renew(chunk)
    if projects.read(by_id(entry.id)) is not None:
        tally.skip(entry, CHANGED)
        return False
    tally.count_done("delete")
    return True


_MAKE: dict[str, Callable[[Entry, Projects, Writer, Tally], bool]] = {
    "insert": _insert,
    "update": _update,
    "delete": _delete,
}


def has_change(stored: dict[str, Value], entry: Entry) -> bool:
    """Return whether a document has the values that an update gives it; a server sets `last_update` at any time."""
    change = entry.change
    as_set = all(stored.get(name) == value for name, value in change["$set"].items() if name != "last_update")
    return as_set and change["$unset"].keys().isdisjoint(stored)


def is_untouched(chunk: Chunk, store: Store) -> bool:
    """Return whether nothing of a chunk was made."""
    if isinstance(chunk, Members):
        left = {**within(chunk.ids), **is_value("project", chunk.source)}
        return store.named(chunk.kind).count(left) == chunk.size
    return all(store.projects.read(by_id(entry.id)) == entry.before for entry in chunk.entries)


# --- undoing it ---------------------------------------------------------------------------------------------------


def unmake(entry: Entry, writer: Writer, tally: Tally) -> str | None:
    """Put a project back as it was before a change. Return why it was left as it is, or None.

    Raises:
        LeaseLost: another process took over.
    """
    return _UNMAKE[entry.action](entry, writer, tally)


def _uninsert(entry: Entry, writer: Writer, tally: Tally) -> str | None:
    """Remove a project that was created, or put it back at once if a server used it at that moment."""
    projects = writer.store.projects
    current = projects.read(by_id(entry.id))
    if current is not None:
        if not is_as_created(current, entry):
            return CHANGED
        version = stored_as("last_update", bson_codec.fields(current).get("last_update"))
        if not writer.delete(filters.all_of([by_id(entry.id), version])):
            return CHANGED
    contents = next(contents_of(entry.id, writer.store), None)
    if contents is None:
        tally.add("project", "delete", 1) if current is not None else tally.count_done("delete")
        return None
    try:
        writer.insert(current or entry.after)
    except ExpectedUniqueData:
        return f"it was removed, but holds {contents} now (see: projects doctor)"
    return f"it holds {contents} now"


def is_as_created(current: bytes, entry: Entry) -> bool:
    """Return whether a project is as it was created; a server sets `last_update` at any time."""
    now, created = bson_codec.fields(current), bson_codec.fields(entry.after)
    return (now | {"last_update": NULL}) == (created | {"last_update": NULL})


def contents_of(project: Value, store: Store) -> Iterator[str]:
    """Stream what a project holds: tasks, models, projects."""
    for kind in ("task", "model"):
        if store.named(kind).find_one(is_value("project", project), {"_id": 1}):
            yield f"{kind}s"
    if store.projects.find_one(is_value("parent", project), {"_id": 1}):
        yield "projects"


def _unupdate(entry: Entry, writer: Writer, tally: Tally) -> str | None:
    """Restore the old values of the changed fields.

    Setting a field leaves it in its place, removing one that was added removes its place. Only a field that the change
    removed has to return to its place: then the whole document is replaced, if nothing else changed it since.
    A later `last_update` stays: a server sets it whenever a task of the project changes.
    """
    current = writer.store.projects.read(by_id(entry.id))
    if current is None or entry.before is None:
        return None
    now, before = bson_codec.fields(current), bson_codec.fields(entry.before)
    ours = entry.change["$set"].get("last_update")
    touched = ours is not None and now.get("last_update") == ours != before.get("last_update")
    if is_unchanged(now, entry) and not touched:
        tally.count_done("update")
        return None
    if not has_change(now, entry):
        return CHANGED
    names = sorted(entry.changed_fields - (set() if touched else {"last_update"}))
    if not names:
        return None
    if any(name in before and name not in now for name in names):
        same = {"$expr": {"$eq": ["$$ROOT", bson_codec.embedded({"$literal": bson_codec.document_value(current)})]}}
        count = writer.replace(filters.all_of([by_id(entry.id), same]), _merged(now, before, names))
    else:
        as_changed = filters.all_of([by_id(entry.id), *(stored_as(name, now.get(name)) for name in names)])
        restored = {name: before[name] for name in names if name in before}
        added = dict.fromkeys([name for name in names if name not in before], 1)
        change = {"$set": bson_codec.embedded(restored)} if restored else {}
        count = writer.update("project", as_changed, {**change, **({"$unset": added} if added else {})})
    if not count:
        return CHANGED
    tally.add("project", "update", 1)
    return None


def is_unchanged(now: dict[str, Value], entry: Entry) -> bool:
    """Return whether an update was never made, or is undone: its fields are as before, whoever set `last_update`."""
    before = bson_codec.fields(entry.before or b"")
    own = entry.changed_fields - {"last_update"}
    if not own:
        return now.get("last_update") == before.get("last_update")
    return all(now.get(name) == before.get(name) for name in own)


def _merged(now: dict[str, Value], before: dict[str, Value], names: Sequence[str]) -> bytes:
    """Return a document as it is now, with these fields as they were, each in its old place."""
    merged = {name: before[name] if name in names else now[name] for name in before if name in names or name in now}
    merged |= {name: value for name, value in now.items() if name not in names and name not in merged}
    return bson_codec.document(merged)


def _undelete(entry: Entry, writer: Writer, tally: Tally) -> str | None:
    if entry.before is None or writer.store.projects.read(by_id(entry.id)) is not None:
        tally.count_done("insert")
        return None
    try:
        writer.insert(entry.before)
    except ExpectedUniqueData:
        return "its name is taken by another project"
    tally.add("project", "insert", 1)
    return None


_UNMAKE: dict[str, Callable[[Entry, Writer, Tally], str | None]] = {
    "insert": _uninsert,
    "update": _unupdate,
    "delete": _undelete,
}


def missing(projects: Sequence[Value], store: Store) -> list[Value]:
    """Return the projects of these that do not exist any more."""
    existing = {bson_codec.fields(raw)["_id"] for raw in store.projects.raw(among(projects), {"_id": 1})}
    return [identifier for identifier in projects if identifier not in existing]
