"""The tasks and models directly in a project (docs/architecture.md, Packages)."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from projects_cli.endpoints.catalog import Lookup
from projects_cli.endpoints.fields import as_date
from projects_cli.errors import UsageError
from projects_cli.store import filters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projects_cli.messages import Document
    from projects_cli.store.collections import Store

    State = Literal["active", "archived", "all"]

KINDS = ("task", "model")

SORT_FIELDS = {
    "name": "name",
    "type": "type",
    "status": "status",
    "owner": "user",
    "created": "created",
    "age": "created",
    "updated": "last_update",
}
"""Columns by which contents can be sorted -> the stored field."""

STATES: dict[State, Document] = {"active": filters.not_archived(), "archived": filters.archived(), "all": {}}

CHUNK = 500
"""Documents whose owners are read with one query."""


class Choice(NamedTuple):
    """Which of the contents are listed, and in which order: a stored field and 1 or -1."""

    kinds: Sequence[str] = KINDS
    state: State = "active"
    statuses: Sequence[str] = ()
    order: tuple[str, int] = ("name", 1)


def sort_order(column: str) -> tuple[str, int]:
    """Parse `COLUMN` or `-COLUMN`; an age grows as the time of creation falls.

    Raises:
        UsageError: the column is unknown.
    """
    name = column.removeprefix("-")
    if name not in SORT_FIELDS:
        raise UsageError(f"--sort-by: unknown column {name!r}", hint=f"columns: {', '.join(SORT_FIELDS)}")
    return SORT_FIELDS[name], -1 if column.startswith("-") != (name == "age") else 1


def contents(project: Document, choice: Choice, store: Store) -> Iterator[Document]:
    """Stream the tasks of a stored project, then its models, each in the chosen order, own and public ones.

    A record has `id`, `kind`, `name`, `type` (a task's type, a model's framework), `status` (a model is `published` or
    `created`), `owner` (`{id, name}`), `created`, `last_update` and `archived`.
    """
    owners = Lookup("user", ("name",), store)
    for kind in choice.kinds:
        collection = store.tasks if kind == "task" else store.models
        # MongoDB can't sort by two lists at once, and the id, a scalar, makes the order definite.
        field, direction = choice.order
        sort = [("framework" if kind == "model" and field == "type" else field, direction), ("_id", direction)]
        parts = [filters.in_projects([project["_id"]]), STATES[choice.state]]
        if choice.statuses:
            parts.append(_with_status(kind, choice.statuses))
        names = ("name", "type", "status", "framework", "ready", "user", "created", "last_update", "system_tags")
        documents = collection.find(filters.all_of(parts), dict.fromkeys(names, 1), sort=sort)
        while chunk := list(islice(documents, CHUNK)):
            owners.read(stored.get("user") for stored in chunk)
            yield from (_record(kind, stored, owners) for stored in chunk)


def _with_status(kind: str, statuses: Sequence[str]) -> Document:
    """Match documents that are shown with one of these statuses."""
    if kind == "task":
        return {"status": {"$in": list(statuses)}}
    ready = [value for status, value in (("published", True), ("created", False)) if status in statuses]
    matches: list[Document] = [{"ready": True} if value else {"ready": {"$ne": True}} for value in ready]
    return filters.any_of(matches) if matches else {"_id": {"$in": []}}


def _record(kind: str, stored: Document, owners: Lookup) -> Document:
    tags = stored.get("system_tags")
    is_task = kind == "task"
    owner: Any = owners.of(stored.get("user"))
    return {
        "id": stored["_id"],
        "kind": kind,
        "name": stored.get("name"),
        "type": stored.get("type") if is_task else stored.get("framework"),
        "status": stored.get("status") if is_task else "published" if stored.get("ready") is True else "created",
        "owner": owner,
        "created": as_date(stored.get("created")),
        "last_update": as_date(stored.get("last_update")),
        "archived": filters.ARCHIVED in tags if isinstance(tags, list) else tags == filters.ARCHIVED,
    }
