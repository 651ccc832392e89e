"""What a chunk does to the stored documents (`restoring` is the way back).

Everything here may be repeated: what is done already is left as it is.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, cast

from projects_cli.changes import combined, edits, tagging
from projects_cli.changes.conditions import among, by_id, is_comparable, is_value, stored_as, within
from projects_cli.changes.records import Edits, Entry, Members, Projects, Tagging
from projects_cli.store import bson_codec, filters
from projects_cli.store.bson_codec import NULL, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from projects_cli.changes.records import Chunk
    from projects_cli.changes.writer import Tally, Writer
    from projects_cli.messages import Document, Pipeline
    from projects_cli.store.collections import Store

TRIES = 10
"""How often a deletion is attempted while another writer changes the project."""

CHANGED = "it was changed in the meantime"
REMOVED = "it was removed in the meantime"


def make(chunk: Chunk, writer: Writer, tally: Tally) -> bool:
    """Make what a chunk says. Return False if an essential change could not be made.

    Raises:
        ExpectedUniqueData: another project got the name in the meantime.
        LeaseLost: another process took over.
    """
    if isinstance(chunk, Edits):
        edits.make_edits(chunk, writer, tally)
        return True
    if isinstance(chunk, Tagging):
        tagging.make(chunk, writer, tally)
        return True
    if isinstance(chunk, Members):
        move(chunk, chunk.source, chunk.target, writer, tally)
        return True
    for action, run in groupby(chunk.entries, lambda entry: entry.action):
        entries = list(run)
        # A round trip for each project would make a large change slow. After a broken connection the first try may have
        # made some of them, so each is looked at by itself.
        for batch in [entries] if action == "update" else by_level(entries, deepest_first=action == "delete"):
            if len(batch) > 1 and not tally.repeated and _MAKE_ALL[action](batch, writer, tally):
                continue
            if not all(_MAKE[action](entry, chunk, writer, tally) or not entry.essential for entry in batch):
                return False
    return True


def _update_all(entries: Sequence[Entry], writer: Writer, tally: Tally) -> bool:
    """Make updates in one command. Return False unless all of them matched: then each has to be looked at by itself."""
    if any(entry.before is None or entry.stale for entry in entries):
        return False
    count = writer.update_each(list(_updates(entries)))
    tally.add("project", "update", count)
    return count == len(entries)


def _updates(entries: Iterable[Entry]) -> Iterator[tuple[Document, Document | Pipeline]]:
    """Yield the updates of entries, in order: one for several that set the same fields, if that may be one."""
    for (names, condition), run in groupby(entries, _kind_of_update):
        alike = list(run)
        for start in range(0, len(alike), combined.AT_ONCE):
            some = alike[start : start + combined.AT_ONCE]
            new = [entry.change["$set"] for entry in some]
            # The order inside one update is the server's: a name that is still in use has to become free before.
            taken = {entry.old.get("name") for entry in some}
            if len(some) == 1 or not names or not taken.isdisjoint(values.get("name") for values in new):
                yield from map(_conditional, some)
                continue
            old = [{name: entry.old[name] for name in names} for entry in some]
            filter_, change = combined.update([entry.id for entry in some], old, new)
            yield filters.all_of([filter_, condition]), change


def _kind_of_update(entry: Entry) -> tuple[list[str], Document]:
    """Return which fields an entry sets, `last_update` aside, and its condition; no fields if it has to be alone."""
    new = entry.change["$set"]
    names = sorted(new.keys() - {"last_update"})
    alone = entry.change["$unset"] or not all(map(str.isidentifier, names))
    if alone or not combined.is_combinable(entry.id, [entry.old.get(name) for name in names], new.values()):
        names = []
    return names, entry.condition


def _conditional(entry: Entry) -> tuple[Document, Document]:
    """Return the filter of an update, by which its fields must be as in the before-image, and its change."""
    before, change = entry.old, entry.change
    # A server sets `last_update` whenever a task of the project changes: it may differ.
    names = sorted({*change["$set"], *change["$unset"]} - {"last_update"})
    as_before = [stored_as(name, before.get(name)) for name in names]
    parts = {word: bson_codec.embedded(values) for word, values in change.items() if values}
    return filters.all_of([by_id(entry.id), entry.condition, *as_before]), cast("Document", parts)


def move(chunk: Members, source: Value, target: Value, writer: Writer, tally: Tally) -> None:
    """Move the tasks or models of a chunk from one project into another, as far as they are still in the first."""
    ids = within(chunk.ids)
    change = {"$set": bson_codec.embedded({"project": target})}
    count = writer.update(chunk.kind, {**ids, **is_value("project", source)}, change)
    if tally.repeated:
        # The first try may have moved some, which the filter does not match any more: what has arrived is counted.
        count = writer.store.named(chunk.kind).count({**ids, **is_value("project", target)})
    tally.add(chunk.kind, "update", count)


def by_level(entries: Sequence[Entry], *, deepest_first: bool = False) -> list[list[Entry]]:
    """Divide new or removed projects for one command each: none of them has its parent in the same one.

    A reader never sees a project without its parent, wherever the commands are interrupted.
    """
    documents = ((entry.id, bson_codec.fields(entry.after) if entry.after else entry.old) for entry in entries)
    parents = {identifier: values.get("parent") for identifier, values in documents}
    levels: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        above, level = parents[entry.id], 0
        while above in parents and level < len(parents):  # as long as that only in a circle of parents
            above, level = parents[above], level + 1
        levels[level].append(entry)
    return [levels[level] for level in sorted(levels, reverse=deepest_first)]


def _insert_all(batch: Sequence[Entry], writer: Writer, tally: Tally) -> bool:
    """Insert projects in one command. Return False if it refused any: inserted by itself, each has its own error."""
    new = missing([entry.id for entry in batch], writer.store)
    if new:
        writer.insert_all("project", [entry.after for entry in batch if entry.id in new])
    # The command reports neither how many documents it inserted nor which it refused.
    refused = missing(new, writer.store) if new else []
    tally.add("project", "insert", len(new) - len(refused))
    return not refused


def _delete_all(batch: Sequence[Entry], writer: Writer, tally: Tally) -> bool:
    """Remove projects in one command. Return False unless all of them went: then each has to be looked at by itself."""
    ids = [entry.id for entry in batch]
    if any(entry.before is None for entry in batch) or not all(map(is_comparable, ids)):
        return False
    if writer.store.projects.find_one(among(ids, "parent"), {"_id": 1}) is not None:
        return False
    count = writer.delete_each([_as_kept(entry) for entry in batch])
    tally.add("project", "delete", count)
    return count == len(batch)


def _as_kept(entry: Entry) -> Document:
    """Return the filter of a removal, by which the project must be the one of the before-image."""
    return filters.all_of([by_id(entry.id), entry.condition, stored_as("last_update", entry.old.get("last_update"))])


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
    if writer.update("project", *_conditional(entry)):
        tally.add("project", "update", 1)
        return True
    current = writer.store.projects.read(by_id(entry.id))
    # A change of `last_update` alone leaves no trace to compare: then its own precondition decides.
    holds = entry.changed_fields - {"last_update"} or writer.store.projects.read(
        filters.all_of([by_id(entry.id), entry.condition])
    )
    if current is not None and holds and has_change(bson_codec.fields(current), entry):
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
        # A server may have created a project below since the plan. Removing this one would orphan it. Another tool may
        # have made a project its own parent.
        below = projects.find_one({**is_value("parent", entry.id), "$nor": [by_id(entry.id)]}, {"name": 1})
        if below is not None:
            tally.skip(entry, f"'{below.get('name')}' ({below['_id']}) is below it")
            return False
        if entry.before is not None and writer.delete(_as_kept(entry)):
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


_MAKE_ALL: dict[str, Callable[[Sequence[Entry], Writer, Tally], bool]] = {
    "insert": _insert_all,
    "update": _update_all,
    "delete": _delete_all,
}
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


def is_unchanged(now: dict[str, Value], entry: Entry) -> bool:
    """Return whether an update was never made, or is undone: its fields are as before, whoever set `last_update`."""
    before = entry.old
    own = entry.changed_fields - {"last_update"}
    if not own:
        return now.get("last_update") == before.get("last_update")
    return all(now.get(name) == before.get(name) for name in own)


def is_as_created(current: bytes, entry: Entry) -> bool:
    """Return whether a project is as it was created; a server sets `last_update` at any time."""
    now, created = bson_codec.fields(current), bson_codec.fields(entry.after)
    return (now | {"last_update": NULL}) == (created | {"last_update": NULL})


def is_untouched(chunk: Chunk, store: Store) -> bool:
    """Return whether nothing of a chunk was made."""
    if isinstance(chunk, Edits):
        return edits.is_untouched(chunk, store)
    if isinstance(chunk, Tagging):
        return tagging.is_untouched(chunk, store)
    if isinstance(chunk, Members):
        left = {**within(chunk.ids), **is_value("project", chunk.source)}
        return store.named(chunk.kind).count(left) == chunk.size
    return all(store.projects.read(by_id(entry.id)) == entry.before for entry in chunk.entries)


def contents_of(project: Value, store: Store, own: frozenset[Value] = frozenset()) -> Iterator[str]:
    """Stream what a project holds: tasks, models, projects; the tasks and models with these ids do not count."""
    inside = is_value("project", project)
    for kind in ("task", "model"):
        if any(bson_codec.identifier(raw) not in own for raw in store.named(kind).raw(inside, {"_id": 1})):
            yield f"{kind}s"
    if store.projects.find_one(is_value("parent", project), {"_id": 1}):
        yield "projects"


def missing(projects: Sequence[Value], store: Store) -> list[Value]:
    """Return the projects of these that do not exist any more."""
    existing = {bson_codec.fields(raw)["_id"] for raw in store.projects.raw(among(projects), {"_id": 1})}
    return [identifier for identifier in projects if identifier not in existing]
