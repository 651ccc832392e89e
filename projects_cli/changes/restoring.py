"""How an undo brings the documents of a chunk back, except those that others have changed since."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from projects_cli.changes import conditions, conflicts, edits, effects, tagging
from projects_cli.changes.conditions import by_id, stored_as
from projects_cli.changes.effects import CHANGED
from projects_cli.changes.records import Edits, Entry, Members, Tagging
from projects_cli.changes.stored import Stored
from projects_cli.errors import ExpectedUniqueData
from projects_cli.extended_json import id_text
from projects_cli.messages import Skipped
from projects_cli.store import bson_codec, filters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from projects_cli.changes.writer import Tally, Writer
    from projects_cli.messages import Document
    from projects_cli.store.bson_codec import Value

Left = list[tuple[Entry, str]]
"""Projects that were left as they are, each with the reason."""

URLS = "url_to_delete"

NAMED = 100
"""Documents of a chunk that are named when they are left as they are."""


def comes_first(chunk: Members | Edits | Tagging) -> bool:
    """Return whether documents go back before projects: URLs, of which the clean-up job takes more, and inserted ones.

    A project that the operation created can be removed only when its inserted tasks and models are gone.
    """
    return isinstance(chunk, Edits) and (chunk.kind == URLS or chunk.inserts)


def undone_together(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Divide entries, the last one first: the same action, and none is the parent of another.

    Whether a project can be restored, or removed, depends on what became of its parent, or of those below it.
    """
    for action, run in groupby(reversed(entries), lambda entry: entry.action):
        if action == "update":
            yield from _independent(run)
        else:
            yield from effects.by_level(list(run), deepest_first=action == "insert")


def _independent(updates: Iterable[Entry]) -> Iterator[list[Entry]]:
    some: list[Entry] = []
    ids: set[Value] = set()
    for entry in updates:
        parent = entry.old.get("parent")
        if some and (entry.id in ids or parent in ids):
            yield some
            some, ids = [], set()
        some.append(entry)
        ids.add(entry.id)
    yield some


def unmake(entries: Sequence[Entry], context: conflicts.Context, writer: Writer, tally: Tally) -> Left:
    """Put projects back unless others changed them since. Return what was left as it is, each with the reason."""
    stored = Stored(writer.store, entries)
    reasons = [(entry, conflicts.conflict_of_entry(entry, stored, context)) for entry in entries]
    left = [(entry, why) for entry, why in reasons if why is not None]
    free = [entry for entry, why in reasons if why is None]
    if len(entries) == 1:
        return left or [
            (entry, why) for entry in free if (why := _UNMAKE[entry.action](entry, writer, tally)) is not None
        ]
    if not tally.repeated and (late := UNMAKE_ALL[entries[0].action](free, stored, writer, tally)) is not None:
        return left + late
    return [*left, *(found for entry in free for found in unmake([entry], context, writer, tally))]


def _uninsert(entry: Entry, writer: Writer, tally: Tally) -> str | None:
    """Remove a project that was created, or put it back at once if a server used it at that moment."""
    projects = writer.store.projects
    current = projects.read(by_id(entry.id))
    if current is not None and (
        not effects.is_as_created(current, entry) or not writer.delete(_as_read(entry, current))
    ):
        return CHANGED
    # Looked for after the removal: before it, a server could still put something in between the look and the removal.
    why = _put_back_if_used(entry, current, writer)
    if why is None:
        tally.add("project", "delete", 1) if current is not None else tally.count_done("delete")
    return why


def _as_read(entry: Entry, current: bytes) -> Document:
    version = stored_as("last_update", bson_codec.fields(current).get("last_update"))
    return filters.all_of([by_id(entry.id), version])


def _put_back_if_used(entry: Entry, current: bytes | None, writer: Writer) -> str | None:
    """Put a project back that was removed, if a server put something into it at that moment. Return what, or None."""
    contents = next(effects.contents_of(entry.id, writer.store), None)
    if contents is None:
        return None
    try:
        writer.insert(current or entry.after)
    except ExpectedUniqueData:
        return f"it was removed, but holds {contents} now (see: projects doctor)"
    return f"it holds {contents} now"


def _unmake_inserts(entries: Sequence[Entry], stored: Stored, writer: Writer, tally: Tally) -> Left | None:
    """Remove projects that were created in one command, and put those back that a server used at that moment.

    Return what was left, or None unless all others were removed: then each has to be looked at by itself.
    """
    existing = {entry.id: raw for entry in entries if (raw := stored.project(entry.id)) is not None}
    versions = [_as_read(entry, existing[entry.id]) for entry in entries if entry.id in existing]
    count = writer.delete_each(versions) if versions else 0
    left: Left = []
    # Also those that were removed before: the process that did that may have been killed before it looked.
    for entry in () if Stored(writer.store, entries).are_empty else entries:
        why = _put_back_if_used(entry, existing.get(entry.id), writer)
        left += [(entry, why)] if why else []
    tally.add("project", "delete", count - sum(entry.id in existing for entry, _ in left))
    return left if count == len(existing) else None


def _unupdate(entry: Entry, writer: Writer, tally: Tally) -> str | None:
    current = writer.store.projects.read(by_id(entry.id))
    restored = _restoration(entry, current)
    if restored is None:
        if current is not None:
            tally.count_done("update")
        return None
    if isinstance(restored, str) or not writer.update_each([restored]):
        return CHANGED
    tally.add("project", "update", 1)
    return None


def _unmake_updates(entries: Sequence[Entry], stored: Stored, writer: Writer, tally: Tally) -> Left | None:
    """Restore the old values of several projects in one command.

    Return None unless all of it was done: then each has to be looked at by itself.
    """
    restored = [_restoration(entry, stored.project(entry.id)) for entry in entries]
    updates = [one for one in restored if one is not None and not isinstance(one, str)]
    count = writer.update_each(updates) if updates else 0
    tally.add("project", "update", count)
    return [] if count == len(updates) and CHANGED not in restored else None


def _restoration(entry: Entry, current: bytes | None) -> tuple[Document, Document | bytes] | str | None:
    """Return a filter and a change, or a whole document, that restore the old values of the changed fields.

    Return None if there is nothing to restore, or why it can't be done.

    Setting a field leaves it in its place, removing one that was added removes its place. Only a field that the change
    removed has to return to its place: then the whole document is replaced, if nothing else changed it since.
    A later `last_update` stays: a server sets it whenever a task of the project changes.
    """
    if current is None or entry.before is None:
        return None
    now, before = bson_codec.fields(current), entry.old
    # `last_update` is put back only if no server has set it since this change did.
    ours = entry.change["$set"].get("last_update")
    touched = ours is not None and now.get("last_update") == ours != before.get("last_update")
    if effects.is_unchanged(now, entry) and not touched:
        return None
    if not effects.has_change(now, entry):
        return CHANGED
    names = sorted(entry.changed_fields - (set() if touched else {"last_update"}))
    if not names:
        return None
    # Nothing else can put a field that was removed back into its place. The whole document is replaced, so the whole
    # document is compared.
    if any(name in before and name not in now for name in names):
        same = {"$expr": {"$eq": ["$$ROOT", bson_codec.embedded({"$literal": bson_codec.document_value(current)})]}}
        return filters.all_of([by_id(entry.id), same]), _merged(now, before, names)
    as_changed = filters.all_of([by_id(entry.id), *(stored_as(name, now.get(name)) for name in names)])
    restored = {name: before[name] for name in names if name in before}
    added = dict.fromkeys([name for name in names if name not in before], 1)
    change = {"$set": bson_codec.embedded(restored)} if restored else {}
    return as_changed, {**change, **({"$unset": added} if added else {})}


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


def _unmake_deletes(entries: Sequence[Entry], _: Stored, writer: Writer, tally: Tally) -> Left | None:
    """Insert removed projects in one command.

    Return None unless all of them are there: then each has to be looked at by itself.
    """
    absent = set(effects.missing([entry.id for entry in entries], writer.store))
    new = [(entry.id, entry.before) for entry in entries if entry.before is not None and entry.id in absent]
    if new:
        writer.insert_all("project", [raw for _, raw in new])
    refused = effects.missing([identifier for identifier, _ in new], writer.store) if new else []
    tally.add("project", "insert", len(new) - len(refused))
    return None if refused else []


UNMAKE_ALL: dict[str, Callable[[Sequence[Entry], Stored, Writer, Tally], Left | None]] = {
    "insert": _unmake_inserts,
    "update": _unmake_updates,
    "delete": _unmake_deletes,
}
"""How several projects are put back, of which none is the parent of another."""

_UNMAKE: dict[str, Callable[[Entry, Writer, Tally], str | None]] = {
    "insert": _uninsert,
    "update": _unupdate,
    "delete": _undelete,
}


def restore(chunk: Members | Edits | Tagging, context: conflicts.Context, writer: Writer, tally: Tally) -> None:
    """Bring the documents of a chunk back into their former state, except those that others changed."""
    if isinstance(chunk, Members):
        _move_back(chunk, context, writer, tally)
    elif isinstance(chunk, Tagging):
        tagging.unmake(chunk, writer, tally)
    else:
        # What others changed, or has no project any more, stays.
        left = {skipped.id: skipped for skipped in conflicts.conflicts_of_edits(chunk, writer.store, context)}
        edits.unmake_edits(chunk, left, writer, tally)


def _move_back(chunk: Members, context: conflicts.Context, writer: Writer, tally: Tally) -> None:
    """Move tasks or models back into their project; what others moved stays, and is named."""
    listed = 0
    for document, why in conflicts.conflicts_of_members(chunk, writer.store, context):
        if document is None:
            tally.skipped.append(Skipped(conditions.shown(chunk.source), f"{chunk.size} {chunk.kind}s", why))
            return
        listed += 1
        identifier = id_text(document["_id"])
        if listed <= NAMED:
            tally.skipped.append(Skipped(identifier, f"{chunk.kind} {document.get('name')!r}", why))
        else:
            tally.left.append(identifier)
    if listed > NAMED:
        tally.skipped.append(Skipped("", f"{listed - NAMED} more {chunk.kind}s", "they were moved as well"))
    effects.move(chunk, chunk.target, chunk.source, writer, tally)
