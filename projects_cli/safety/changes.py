"""What a plan does to the stored documents, in chunks: written to the journal first, then made, made again, unmade.

A chunk is a plain document. For projects it has `entries`, one for each: `{id, name, action, filter, change,
before}`, where `filter`, `change` and `before` are BSON. For tasks and models it has `project` (where they are),
`to` (where they go) and `ids`. Everything here may be repeated: what is done already is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import TYPE_CHECKING

from projects_cli.messages import Skipped
from projects_cli.store import filters
from projects_cli.store.documents import decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from projects_cli.messages import Document, Step
    from projects_cli.store.collections import Store

IDS = 10_000
"""Ids in a chunk of tasks or models, about half a megabyte; also how many are changed at once."""

ENTRIES = 500
"""Projects in a chunk; BYTES ends it sooner where their documents are large."""

BYTES = 4_000_000


@dataclass(slots=True)
class Tally:
    """What was done so far: counts by (collection, action), and what was skipped.

    `repeated` is for doing something again whose first try may have done it unheard, when a connection broke: then
    what is found done counts too.
    """

    changed: dict[tuple[str, str], int] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    repeated: bool = False

    def add(self, collection: str, action: str, count: int) -> None:
        """Count changed documents."""
        if count:
            self.changed[collection, action] = self.changed.get((collection, action), 0) + count

    def found(self, action: str) -> None:
        """Count a project that is as it should be already."""
        if self.repeated:
            self.add("project", action, 1)

    def skip(self, entry: Document, why: str) -> None:
        """Note a document that was not changed."""
        self.skipped.append(Skipped(entry["id"], entry["name"], why))

    def include(self, other: Tally) -> None:
        """Add what another one has."""
        for (collection, action), count in other.changed.items():
            self.add(collection, action, count)
        self.skipped += other.skipped


# --- from the steps of a plan to chunks ---------------------------------------------------------------------------


def chunks_of(steps: Sequence[Step], store: Store) -> Iterator[Document]:
    """Stream the chunks of a plan, with the before-images as they are now; they have neither id nor operation yet."""
    removed_ids = frozenset(step.filter["_id"] for step in steps if step.action == "delete")
    for on_projects, run in groupby(steps, lambda step: step.collection == "project"):
        if on_projects:
            yield from _project_chunks(run, store, removed_ids)
        else:
            for step in run:
                yield from member_chunks(step.collection, step.filter, step.change, store)


def _project_chunks(steps: Iterable[Step], store: Store, removed_ids: frozenset[str]) -> Iterator[Document]:
    entries: list[Document] = []
    size = 0
    for step in steps:
        entry = _entry(step, store, removed_ids)
        size += len(entry["change"]) + len(entry["before"] or b"")
        entries.append(entry)
        if len(entries) >= ENTRIES or size >= BYTES:
            yield {"kind": "project", "entries": entries}
            entries, size = [], 0
    if entries:
        yield {"kind": "project", "entries": entries}


def _entry(step: Step, store: Store, removed_ids: frozenset[str]) -> Document:
    identifier = step.filter["_id"]
    before = None if step.action == "insert" else store.projects.read(identifier)
    condition = step.filter
    if step.action == "update" and before is not None:
        condition = filters.all_of([condition, _as_it_was(decode(before), step.change)])
    return {
        "id": identifier,
        "name": step.name,
        "action": step.action,
        "filter": encode(condition),
        "change": encode(step.change),
        "before": before,
        "essential": step.essential,
        "above": _above(before, store, removed_ids) if step.action == "delete" and before is not None else None,
    }


def _above(before: bytes, store: Store, removed_ids: frozenset[str]) -> str | None:
    """Give the name of the project above one, where that stays."""
    parent = decode(before).get("parent")
    found = store.projects.find_one({"_id": parent}, {"name": 1}) if parent and parent not in removed_ids else None
    return found.get("name") if found is not None else None


def _as_it_was(before: Document, change: Document) -> Document:
    """Match a document whose fields that are to change still have their old values."""
    names = sorted(changed_fields(change) - {"last_update"})
    return filters.all_of([filters.stored_as(name, before.get(name), present=name in before) for name in names])


def member_chunks(kind: str, filter_: Document, change: Document, store: Store) -> Iterator[Document]:
    """Stream chunks for tasks or models: the ids that match now, by the project that they are in."""
    found = store.named(kind).find(filter_, {"project": 1}, sort=[("project", 1)])
    for project, members in groupby(found, lambda member: member.get("project")):
        ids = (member["_id"] for member in members)
        while batch := list(islice(ids, IDS)):
            yield {"kind": kind, "project": project, "to": change["$set"]["project"], "ids": batch}


# --- making a change ----------------------------------------------------------------------------------------------


def make(chunk: Document, store: Store, tally: Tally) -> bool:
    """Make what a chunk says; false where an essential change could not be made.

    Raises:
        ExpectedUniqueData: somebody took a name in the meantime.
    """
    if chunk["kind"] != "project":
        _move(chunk, chunk["project"], chunk["to"], store, tally)
        return True
    return all(_MAKE[entry["action"]](entry, store, tally) or not entry["essential"] for entry in chunk["entries"])


def _move(chunk: Document, source: str | None, target: str | None, store: Store, tally: Tally) -> None:
    """Put the tasks or models of a chunk from one project into another, as far as they are still in the first."""
    members, ids = store.named(chunk["kind"]), {"_id": {"$in": chunk["ids"]}}
    count = members.update({**ids, "project": source}, {"$set": {"project": target}}, comment=chunk["operation"])
    tally.add(chunk["kind"], "update", members.count({**ids, "project": target}) if tally.repeated else count)


def _insert(entry: Document, store: Store, tally: Tally) -> bool:
    if store.projects.read(entry["id"]) is None:
        store.projects.write(entry["change"])
        tally.add("project", "insert", 1)
    else:
        tally.found("insert")
    return True


def _update(entry: Document, store: Store, tally: Tally) -> bool:
    change = decode(entry["change"])
    if store.projects.update(decode(entry["filter"]), change):
        tally.add("project", "update", 1)
        return True
    current = store.projects.read(entry["id"])
    if current is not None and has(decode(current), _steady(change)):
        tally.found("update")
        return True
    tally.skip(entry, "it was changed in the meantime" if current else "it was removed in the meantime")
    return False


def _delete(entry: Document, store: Store, tally: Tally) -> bool:
    """Remove a project, unless somebody made another below it; what was put into it meanwhile leaves first."""
    if store.projects.find_one({"parent": entry["id"]}, {"_id": 1}):
        tally.skip(entry, "a project was made below it in the meantime")
        return False
    if store.projects.delete_one(decode(entry["filter"])):
        tally.add("project", "delete", 1)
        return True
    if store.projects.read(entry["id"]) is not None:
        tally.skip(entry, "it was changed in the meantime")
        return False
    tally.found("delete")
    return True


_MAKE: dict[str, Callable[[Document, Store, Tally], bool]] = {"insert": _insert, "update": _update, "delete": _delete}


def has(document: Document, change: Document) -> bool:
    """Tell whether a document has the values that a change gives it."""
    return all(document.get(name, _ABSENT) == value for name, value in change.get("$set", {}).items()) and not (
        document.keys() & change.get("$unset", {}).keys()
    )


def _steady(change: Document) -> Document:
    """Give a change without `last_update`, which a server sets at any time."""
    steady = {name: value for name, value in change.get("$set", {}).items() if name != "last_update"}
    return {"$set": steady, "$unset": change.get("$unset", {})}


_ABSENT = object()


def is_untouched(chunk: Document, store: Store) -> bool:
    """Tell whether nothing of a chunk was made."""
    if chunk["kind"] != "project":
        there = {"_id": {"$in": chunk["ids"]}, "project": chunk["project"]}
        return store.named(chunk["kind"]).count(there) == len(chunk["ids"])
    return all(store.projects.read(entry["id"]) == entry["before"] for entry in chunk["entries"])


# --- unmaking it --------------------------------------------------------------------------------------------------


def unmake(chunk: Document, store: Store, tally: Tally) -> None:
    """Put back what a chunk changed; what is back already, and what is gone for good, stays as it is."""
    if chunk["kind"] != "project":
        _move(chunk, chunk["to"], chunk["project"], store, tally)
        return
    for entry in reversed(chunk["entries"]):
        _UNMAKE[entry["action"]](entry, store, tally)


def _uninsert(entry: Document, store: Store, tally: Tally) -> None:
    current = store.projects.read(entry["id"])
    if current is None:
        tally.found("delete")
        return
    why = next(why_it_stays(entry, current, store), None)
    if why is None and store.projects.remove(current):
        tally.add("project", "delete", 1)
    else:
        tally.skip(entry, why or "it was changed in the meantime")


def why_it_stays(entry: Document, current: bytes, store: Store) -> Iterator[str]:
    """Give the reasons why a project that was made can't be removed again."""
    if _without(current, "last_update") != _without(entry["change"], "last_update"):
        yield "was changed since"
    for kind in ("task", "model"):
        if store.named(kind).find_one(filters.in_projects([entry["id"]]), {"_id": 1}):
            yield f"holds {kind}s now"
    if store.projects.find_one({"parent": entry["id"]}, {"_id": 1}):
        yield "has projects below it now"


def _unupdate(entry: Document, store: Store, tally: Tally) -> None:
    current = store.projects.read(entry["id"])
    if current is None or entry["before"] is None:
        return
    if current == entry["before"]:
        tally.found("update")
        return
    restored = restored_document(current, entry["before"], decode(entry["change"]))
    if restored is not None and store.projects.replace(current, restored):
        tally.add("project", "update", 1)
    elif not is_unchanged(entry, current):
        tally.skip(entry, "it was changed in the meantime")


def is_unchanged(entry: Document, current: bytes) -> bool:
    """Tell whether a change was never made: its own fields are still as they were, whoever set `last_update`."""
    document, before = decode(current), decode(entry["before"])
    own = changed_fields(decode(entry["change"])) - {"last_update"}
    return all(document.get(name, _ABSENT) == before.get(name, _ABSENT) for name in own)


def _undelete(entry: Document, store: Store, tally: Tally) -> None:
    if store.projects.read(entry["id"]) is None and entry["before"] is not None:
        store.projects.write(entry["before"])
        tally.add("project", "insert", 1)
    else:
        tally.found("insert")


_UNMAKE: dict[str, Callable[[Document, Store, Tally], None]] = {
    "insert": _uninsert,
    "update": _unupdate,
    "delete": _undelete,
}


def changed_fields(change: Document) -> set[str]:
    """Give the names of the fields that a change sets or removes."""
    return {*change.get("$set", {}), *change.get("$unset", {})}


def restored_document(current: bytes, before: bytes, change: Document) -> bytes | None:
    """Give a document with the fields of a change as they were before it; None where they are not as it made them.

    A later `last_update` is no obstacle and stays: a server sets it whenever a task of the project changes.
    Where nothing else has changed since, this is the old document, byte for byte.
    """
    now, old = decode(current), decode(before)
    ours = changed_fields(change)
    if not has(now, _steady(change)):
        return None
    if now.get("last_update") != change.get("$set", {}).get("last_update", now.get("last_update")):
        ours -= {"last_update"}
    if ours == changed_fields(change) and encode(_others(now, ours)) == encode(_others(old, ours)):
        return before
    merged = {name: old[name] if name in ours else now[name] for name in old if name in ours or name in now}
    merged |= {name: value for name, value in now.items() if name not in ours and name not in merged}
    return encode(merged)


def _others(document: Document, ours: set[str]) -> Document:
    return {name: value for name, value in document.items() if name not in ours}


def _without(raw: bytes, name: str) -> bytes:
    document = decode(raw)
    document.pop(name, None)
    return encode(document)


def size(chunk: Document) -> int:
    """Give how many documents a chunk is about."""
    return len(chunk["entries"] if chunk["kind"] == "project" else chunk["ids"])


def removed(chunk: Document) -> list[str]:
    """Give the projects that a chunk removes."""
    return [entry["id"] for entry in chunk.get("entries", ()) if entry["action"] == "delete"]


def gone(projects: Sequence[str], store: Store) -> list[str]:
    """Give those of these projects that are not there any longer."""
    there = {found["_id"] for found in store.projects.find({"_id": {"$in": list(projects)}}, {"_id": 1})}
    return [identifier for identifier in projects if identifier not in there]
