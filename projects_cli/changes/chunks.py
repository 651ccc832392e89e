"""The chunks of a plan: what it does to which documents, with how they were before."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import groupby, islice
from operator import methodcaller
from typing import TYPE_CHECKING, cast

from projects_cli.changes import tagging
from projects_cli.changes.conditions import among, by_id, is_comparable, shown
from projects_cli.changes.edits import edit_chunks
from projects_cli.changes.records import Edits, Entry, Kind, Members, Projects, Tagging
from projects_cli.errors import CannotUndo
from projects_cli.extended_json import identity
from projects_cli.store import bson_codec
from projects_cli.store.bson_codec import NULL, Value, decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from projects_cli.changes.records import Chunk
    from projects_cli.messages import Document, Step
    from projects_cli.store.collections import Store

IDS = 10_000
"""Ids in a chunk of tasks or models, about half a megabyte; also how many documents one write changes."""

ENTRIES = 2000
"""Projects in a chunk; BYTES ends it sooner if their documents are large."""

BYTES = 4_000_000

COMMAND = 15_500_000
"""Bytes of values that fit into one command beside everything else: MongoDB's limit is 16 MiB."""

WITHOUT_UNDO = "change it without undo: --no-journal"


def chunks_of(steps: Sequence[Step], store: Store, *, journaled: bool = True) -> Iterator[Chunk]:
    """Stream the chunks of a plan, with the before-images as they are now.

    Raises:
        CannotUndo: a document is too large for its change to be undone; only if the change is `journaled`.
    """
    # Only neighbours are joined: the order of the plan is one in which no reference dangles.
    for on_projects, run in groupby(steps, lambda step: step.collection == "project" and step.tags is None):
        if on_projects:
            yield from _project_chunks(run, store, journaled=journaled)
        else:
            for step in run:
                if step.tags is not None:
                    yield from tagging.tag_chunks(step, step.tags, store, limit=IDS)
                elif step.edits is not None or step.action == "delete":
                    yield from edit_chunks(step, store, journaled=journaled)
                else:
                    target = bson_codec.value_of(step.change["$set"]["project"])
                    yield from member_chunks(cast("Kind", step.collection), step.filter, store, target)


def _project_chunks(steps: Iterable[Step], store: Store, *, journaled: bool) -> Iterator[Chunk]:
    entries: list[Entry] = []
    size = 0
    for step, before in _with_befores(steps, store):
        entry = _entry(step, before)
        if journaled:
            _check_undoable(entry)
        size += len(entry.after) + len(entry.before or b"")
        entries.append(entry)
        if len(entries) >= ENTRIES or size >= BYTES:
            yield _with_surroundings(entries, store)
            entries, size = [], 0
    if entries:
        yield _with_surroundings(entries, store)


def _with_befores(steps: Iterable[Step], store: Store) -> Iterator[tuple[Step, bytes | None]]:
    """Stream the steps, each with the document of its project as it is now.

    The documents of a chunk are read by one query, as far as `BYTES` of them: they are all in memory.
    """
    rest = iter(steps)
    while some := list(islice(rest, ENTRIES)):
        ids = [bson_codec.value_of(step.filter["_id"]) for step in some if step.action != "insert"]
        befores: dict[Value, bytes] = {}
        size = 0
        for raw in store.projects.raw(among(ids)) if len(ids) > 1 else ():
            befores[bson_codec.identifier(raw)] = raw
            size += len(raw)
            if size > BYTES:
                break
        for step in some:
            identifier = step.filter["_id"]
            before = befores.get(bson_codec.value_of(identifier)) if step.action != "insert" else None
            if before is None and step.action != "insert":  # alone, too much, or an id that does not compare as bytes
                before = store.projects.read({"_id": identifier})
            yield step, before


def _entry(step: Step, before: bytes | None) -> Entry:
    """Return what a step does to its project, whose document is `before`."""
    stored = {} if before is None or not step.expects else decode(before)
    return Entry(
        id=bson_codec.value_of(step.filter["_id"]) if before is None else bson_codec.identifier(before),
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
    if entry.action != "update" or entry.before is None or 2 * len(entry.before) + len(entry.after) <= COMMAND:
        return
    before = entry.old
    replaced = not entry.change["$unset"].keys().isdisjoint(before)
    changed = sum(len(before[name].data) for name in entry.changed_fields & before.keys())
    size = 2 * len(entry.before) if replaced else changed
    if size + len(entry.after) > COMMAND:
        raise CannotUndo(
            f"the document of '{entry.name}' is too large for this change to be undone: "
            f"{max(len(entry.before), len(entry.after)) / 1024**2:.1f} MiB",
            hint=f"make it smaller first, or {WITHOUT_UNDO}",
        )


def _with_surroundings(entries: list[Entry], store: Store) -> Projects:
    """Add to entries what an undo compares with: the names of the parents, and other projects of the same name."""
    befores = [(entry, entry.old) for entry in entries if entry.before is not None]
    parents = {before["parent"] for _, before in befores if is_comparable(before.get("parent"))}
    named = {before["name"] for _, before in befores if is_comparable(before.get("name"))}
    stored = store.projects.raw(among(parents), {"name": 1}) if parents else ()
    parent_names = {values["_id"]: values.get("name", NULL) for values in map(bson_codec.fields, stored)}
    # A database may have two projects of a name. If it had them before the change, an undo brings both back.
    twins: dict[Value, set[Value]] = defaultdict(set)
    for values in map(bson_codec.fields, store.projects.raw(among(named, "name"), {"name": 1}) if named else ()):
        twins[values.get("name", NULL)].add(values["_id"])
    for entry, before in befores:
        entry.parent = parent_names.get(before.get("parent", NULL))
        entry.twins = frozenset(twins[before["name"]] - {entry.id}) if "name" in before else frozenset()
    return Projects(entries)


def member_chunks(kind: Kind, filter_: Document, store: Store, target: Value) -> Iterator[Chunk]:
    """Stream chunks for tasks or models that leave their projects for `target`: the ids that match now, by project."""
    project = methodcaller("get", "project", NULL)
    # Sorted, because a chunk has the members of one project: `groupby` joins neighbours only.
    stored = map(bson_codec.fields, store.named(kind).raw(filter_, {"project": 1}, sort=[("project", 1)]))
    while some := list(islice(stored, IDS)):
        groups = [(source, [values["_id"] for values in members]) for source, members in groupby(some, project)]
        sources = store.projects.raw(among(source for source, _ in groups if is_comparable(source)), {"_id": 1})
        existing = set(map(bson_codec.identifier, sources))
        for source, ids in groups:
            # Numbers that are equal as ids may differ as bytes.
            existed = source in existing or store.projects.find_one(by_id(source), {"_id": 1}) is not None
            yield Members(kind, source, target, bson_codec.array(ids), len(ids), existed)


# --- the part that an undo has left ---------------------------------------------------------------------------------


def part_of(chunks: Iterable[Chunk], left: frozenset[str]) -> Iterator[Chunk]:
    """Stream the parts of chunks that are about the documents with these ids, or whole chunks if there are none.

    Tasks and models that were left because of their project are meant by its id.
    """
    parts = (_part(chunk, left) if left else chunk for chunk in chunks)
    return (part for part in parts if part.size)


def _part(chunk: Chunk, left: frozenset[str]) -> Chunk:
    if isinstance(chunk, Projects):
        return replace(chunk, entries=[entry for entry in chunk.entries if shown(entry.id) in left])
    if isinstance(chunk, Edits):
        return replace(chunk, edits=[edit for edit in chunk.edits if shown(edit.id) in left])
    if isinstance(chunk, Tagging):
        groups = [(group, _among(group.ids, left)) for group in chunk.groups]
        return replace(
            chunk, groups=[group._replace(ids=bson_codec.array(ids), size=len(ids)) for group, ids in groups if ids]
        )
    if shown(chunk.source) in left:
        return chunk
    ids = _among(chunk.ids, left)
    return replace(chunk, ids=bson_codec.array(ids), size=len(ids))


def _among(ids: Value, left: frozenset[str]) -> list[Value]:
    return [identifier for identifier in bson_codec.items(ids) if shown(identifier) in left]
