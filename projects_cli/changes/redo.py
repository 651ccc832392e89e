"""What is in the way of a redo: others have changed since the undo what the operation would change.

A redo is refused then, as a whole: the change was planned for what was stored at that time.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from projects_cli.changes import conditions, conflicts, edits, effects, tagging
from projects_cli.changes.records import Edits, Members, Projects, Tagging
from projects_cli.store import bson_codec
from projects_cli.store.bson_codec import NULL, Value, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from projects_cli.changes.records import Chunk, Entry
    from projects_cli.store.collections import Store

PROJECTS = 500
"""Removed projects whose contents are counted by one command."""

Known = Counter[tuple[str, Value]]
"""How many of the tasks or models that an operation moves or removes are in each project, by kind and project."""


def obstacles(chunks: Callable[[], Iterable[Chunk]], store: Store, earlier: conflicts.Context) -> Iterator[str]:
    """Stream why an operation can't be done again; the projects of `earlier` ones of its run change before it."""
    context = earlier.including(conflicts.Context.of(chunks()))
    known: Known = Counter()
    removed: dict[Value, str] = {}
    for chunk in chunks():
        if isinstance(chunk, Projects):
            own = Projects([entry for entry in chunk.entries if entry.id not in earlier.ids])
            removed.update((entry.id, entry.name) for entry in own.entries if entry.action == "delete")
            yield from _of_projects(own, store, context)
            yield from conflicts.hindrances(own, store, context)
        elif isinstance(chunk, Members):
            inside = {**conditions.within(chunk.ids), **conditions.is_value("project", chunk.source)}
            known[chunk.kind, chunk.source] += store.named(chunk.kind).count(inside)
        elif isinstance(chunk, Tagging):
            yield from (f"{skipped.name} {skipped.id}: {skipped.why}" for skipped in tagging.conflicts(chunk, store))
        else:
            yield from _of_edits(chunk, store, known)
    yield from _of_contents(removed, known, store)


def _of_projects(chunk: Projects, store: Store, context: conflicts.Context) -> Iterator[str]:
    ids = [entry.id for entry in chunk.entries]
    stored = {bson_codec.identifier(raw): raw for raw in store.projects.raw(conditions.among(ids))}
    for entry in chunk.entries:
        current = stored.get(entry.id)
        if current is None and entry.action != "insert":  # an id that does not compare as bytes
            current = store.projects.read(conditions.by_id(entry.id))
        why = _of_entry(entry, current)
        if why is not None:
            yield f"'{entry.name}': {why}"
    removed = {entry.id: entry.name for entry in chunk.entries if entry.action == "delete"}
    below = store.projects.raw(conditions.among(removed, "parent"), {"parent": 1}) if removed else ()
    for child in map(bson_codec.fields, below):
        if child["_id"] not in context.ids:
            yield f"'{removed.get(child['parent'], '?')}': projects were created below it in the meantime"


def _of_entry(entry: Entry, current: bytes | None) -> str | None:
    """Return why a project is not as it was before the operation, or None; a server sets `last_update` at any time."""
    if entry.action == "insert":
        return None if current is None or effects.is_as_created(current, entry) else "it exists, and was changed"
    if entry.before is None or entry.stale:  # the operation left it as it was
        return None
    if current is None:
        return effects.REMOVED if entry.action == "update" else None
    now, before = bson_codec.fields(current), bson_codec.fields(entry.before)
    if entry.action == "update":
        names = entry.changed_fields - {"last_update"}
        same = not names or effects.is_unchanged(now, entry) or effects.has_change(now, entry)
    else:
        names = {name for name in now | before if now.get(name) != before.get(name)} - {"last_update"}
        same = not names
    return None if same else f"{effects.CHANGED}: {', '.join(sorted(names))}"


def _of_edits(chunk: Edits, store: Store, known: Known) -> Iterator[str]:
    documents = edits.stored(chunk.kind, chunk.edits, store)
    for edit in chunk.edits:
        current = documents.get(edit.id)
        if edit.after is None and current is not None:
            known[chunk.kind, bson_codec.fields(current).get("project", NULL)] += 1
        states = (edit.before, edit.after), (edit.after, edit.before)
        if not any(edits.has_state(current, before, after) for before, after in states):
            yield f"{chunk.kind} {conditions.shown(edit.id)}: {edits.reason(chunk.kind, current)}"


def _of_contents(removed: dict[Value, str], known: Known, store: Store) -> Iterator[str]:
    """Yield the removed projects that hold tasks or models which the operation does not know."""
    holders = [project for project in removed if project not in {NULL, value_of("")}]
    for start in range(0, len(holders), PROJECTS):
        some = holders[start : start + PROJECTS]
        for kind in ("task", "model"):
            collection = store.named(kind)
            if collection.count(conditions.among(some, "project")) <= sum(known[kind, project] for project in some):
                continue
            for project in some:
                if collection.count(conditions.is_value("project", project)) > known[kind, project]:
                    yield f"'{removed[project]}': it holds {kind}s that came in the meantime"
