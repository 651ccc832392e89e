"""What stands in the way of unmaking or finishing an operation: changes that somebody made later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projects_cli.safety import changes
from projects_cli.store.documents import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from projects_cli.messages import Document
    from projects_cli.store.collections import Collection, Store

# --- what stands in the way of unmaking it ------------------------------------------------------------------------


def obstacles(chunk: Document, store: Store, together: Together) -> Iterator[str]:
    """Give the reasons why a chunk can't be unmade: changes that came later."""
    if chunk["kind"] != "project":
        yield from _moved_since(chunk, store.named(chunk["kind"]))
        return
    for entry in chunk["entries"]:
        yield from _OBSTACLES[entry["action"]](entry, store, together)


@dataclass(frozen=True, slots=True)
class Together:
    """The projects of one operation, which do not stand in each other's way: by what happens to them."""

    ids: frozenset[str]
    restored: frozenset[str]


def _moved_since(chunk: Document, collection: Collection) -> Iterator[str]:
    elsewhere = {"_id": {"$in": chunk["ids"]}, "project": {"$nin": [chunk["to"], chunk["project"]]}}
    count = collection.count(elsewhere)
    if count:
        yield f"{count} {chunk['kind']}s were put into another project since"


def _obstacles_of_insert(entry: Document, store: Store, together: Together) -> Iterator[str]:
    current = store.projects.read(entry["id"])
    if current is None:
        return
    own = {"has projects below it now"}  # those of the operation itself are no obstacle
    yield from (f"'{entry['name']}' {why}" for why in changes.why_it_stays(entry, current, store) if why not in own)
    yield from _new_below(entry, store, together)


def _obstacles_of_update(entry: Document, store: Store, together: Together) -> Iterator[str]:
    current = store.projects.read(entry["id"])
    if entry["before"] is None:  # it was gone already when the operation began
        return
    if current is None:
        yield f"'{entry['name']}' was removed since"
        return
    if current == entry["before"] or changes.is_unchanged(entry, current):
        return
    change = decode(entry["change"])
    if changes.restored_document(current, entry["before"], change) is None:
        own = changes.changed_fields(change) - {"last_update"}
        yield f"'{entry['name']}' was changed since: {', '.join(sorted(own))}"
    if changes.changed_fields(change) & {"name", "company"}:
        yield from _taken(entry, store, together)
    if "name" in change.get("$set", {}):
        yield from _new_below(entry, store, together)


def _new_below(entry: Document, store: Store, together: Together) -> Iterator[str]:
    children = store.projects.find({"parent": entry["id"]}, {"_id": 1})
    if any(child["_id"] not in together.ids for child in children):
        yield f"projects were made below '{entry['name']}' since"


def _obstacles_of_delete(entry: Document, store: Store, together: Together) -> Iterator[str]:
    if entry["before"] is None or store.projects.read(entry["id"]) is not None:
        return
    yield from _taken(entry, store, together)
    before = decode(entry["before"])
    if before.get("parent") not in together.restored:
        yield from _misplaced(before, entry.get("above"), store)


def _misplaced(project: Document, above: str | None, store: Store) -> Iterator[str]:
    """Give the reason why a project can't be put below the one that was above it, which had this name."""
    parent = store.projects.find_one({"_id": project["parent"]}, {"name": 1}) if project.get("parent") else None
    if parent is None and project.get("parent"):
        yield f"the project above '{project.get('name')}' was removed since"
    elif parent is not None and parent.get("name") != above:
        yield f"the project above '{project.get('name')}' has another name since: '{parent.get('name')}'"


def _taken(entry: Document, store: Store, together: Together) -> Iterator[str]:
    name = decode(entry["before"]).get("name")
    holders = store.projects.find({"name": name}, {"_id": 1})
    if any(holder["_id"] not in together.ids for holder in holders):
        yield f"the name '{name}' is taken by another project"


_OBSTACLES: dict[str, Callable[[Document, Store, Together], Iterator[str]]] = {
    "insert": _obstacles_of_insert,
    "update": _obstacles_of_update,
    "delete": _obstacles_of_delete,
}


# --- what stands in the way of finishing it -----------------------------------------------------------------------


def hindrances(chunk: Document, store: Store, together: Together) -> Iterator[str]:
    """Give the reasons why what is left of an interrupted chunk can't be made any longer.

    Others may have worked in the same tree since: then its names and places would contradict each other.
    """
    for entry in chunk.get("entries", ()):
        current = store.projects.read(entry["id"])
        if entry["action"] == "insert" and current is None:
            yield from _hindrances_of_insert(decode(entry["change"]), store, together)
        elif entry["action"] == "update" and current is not None and entry["before"] is not None:
            yield from _hindrances_of_update(entry, current, store, together)


def _hindrances_of_insert(project: Document, store: Store, together: Together) -> Iterator[str]:
    if project.get("parent") not in together.ids or store.projects.read(project["parent"]) is not None:
        yield from _misplaced(project, project["name"].rpartition("/")[0], store)
    if store.projects.find_one({"name": project["name"], "company": project["company"]}, {"_id": 1}):
        yield f"the name '{project['name']}' is taken by another project"


def _hindrances_of_update(entry: Document, current: bytes, store: Store, together: Together) -> Iterator[str]:
    change = decode(entry["change"])
    above = change.get("$set", {}).get("parent")
    if above is not None and decode(current).get("parent") != above and store.projects.read(above) is None:
        yield f"the project that '{entry['name']}' belongs below was removed since"
    place = changes.changed_fields(change) & {"name", "company"}
    if not place or changes.has(
        decode(current), {"$set": {name: change["$set"][name] for name in place & change["$set"].keys()}}
    ):
        return
    if not changes.is_unchanged(entry, current):
        yield f"'{entry['name']}' was changed since: {', '.join(sorted(place))}"
    if "name" in place:
        yield from _new_below(entry, store, together)
    wanted = {name: change["$set"].get(name, decode(current).get(name)) for name in ("name", "company")}
    holders = store.projects.find(wanted, {"_id": 1})
    if any(holder["_id"] not in together.ids for holder in holders):
        yield f"the name '{wanted['name']}' is taken by another project"


def ids_in(chunks: Iterable[Document]) -> Together:
    """Give the projects that the chunks of an operation change."""
    entries = [(entry["id"], entry["action"]) for chunk in chunks for entry in chunk.get("entries", ())]
    return Together(
        frozenset(identifier for identifier, _ in entries),
        frozenset(identifier for identifier, action in entries if action == "delete"),
    )
