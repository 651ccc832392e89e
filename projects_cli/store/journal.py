"""Where the journal is stored: a database of its own on the same deployment, written with majority and to the disk.

`operation` has a record for each change, `change` what it does, in chunks far below MongoDB's 16 MB, `lease` who may
change the structure of a company's projects.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pymongo
from pymongo import ReturnDocument, WriteConcern
from pymongo import errors as driver

from projects_cli.errors import DatabaseRefused
from projects_cli.store import filters
from projects_cli.store.client import PRIMARY, translated
from projects_cli.store.retries import persistently

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pymongo.client_session import ClientSession

    from projects_cli.messages import Document
    from projects_cli.store.client import Connection

DURABLE = WriteConcern(w="majority", j=True)
"""On a standalone, j keeps the order through a power loss: the journal is on the disk before what it announces."""

PAGE = 2
"""Chunks that are read and held at once: each may have 10,000 ids, or projects of several megabytes."""

NOBODY: Document = {"owner": "", "expires": datetime(1970, 1, 1, tzinfo=UTC)}
"""What a lease has that nobody holds."""


SEEN: Document = {"$currentDate": {"seen": True}}
"""Notes in a record when its worker last wrote to it, by the server's clock."""


class JournalStore:
    """The documents of the journal."""

    def __init__(
        self, connection: Connection, database: str, session: ClientSession | None = None, *, only_read: bool = False
    ) -> None:
        """Keep the deployment and the name of the journal's database; with `only_read`, errors ask for that right."""
        self._connection = connection
        self._name = database
        self._session = session
        self._only_read = only_read
        concern = None if session else DURABLE
        self._database = connection.client.get_database(database, write_concern=concern, read_preference=PRIMARY)

    @property
    def patience(self) -> float:
        """Give for how many seconds a fault that passes is waited out; a transaction is repeated as a whole instead."""
        return 0.0 if self._session else self._connection.patience

    def within(self, session: ClientSession) -> JournalStore:
        """Give the same journal inside a transaction, whose own write concern holds."""
        return JournalStore(self._connection, self._name, session)

    def add_operation(self, record: Document) -> None:
        """Write a new record; may be repeated."""
        with self._granted():
            self._database["operation"].update_one({"_id": record["_id"]}, {"$set": record, **SEEN}, upsert=True)

    def operation(self, identifier: str) -> Document | None:
        """Give a record, or None."""
        return next(self.operations({"_id": identifier}, limit=1), None)

    def operations(self, filter_: Document, *, limit: int = 0) -> Iterator[Document]:
        """Stream records, the newest first."""
        with self._granted():
            yield from self._database["operation"].find(filter_, sort=[("_id", -1)], limit=limit, session=self._session)

    def advance(self, operation: Document, states: Sequence[str], fields: Document) -> bool:
        """Set fields of a record that is in one of these states; tells whether it was. May be repeated.

        Its worker must be the one that `operation` or `fields` names: nobody took it over.
        """
        workers = [operation.get("worker"), fields.get("worker", operation.get("worker"))]
        condition = {"_id": operation["_id"], "state": {"$in": list(states)}, "worker": {"$in": workers}}
        with self._granted():
            found = self._database["operation"].update_one(condition, {"$set": fields, **SEEN}, session=self._session)
        return found.matched_count == 1

    def stands(self, operation: Document) -> bool:
        """Tell whether a record still has this state and this worker."""
        same = {"_id": operation["_id"], "state": operation["state"], "worker": operation.get("worker")}
        with self._granted():
            return self._database["operation"].find_one(same, {"_id": 1}, session=self._session) is not None

    def was_seen(self, operation: Document, within: timedelta) -> bool:
        """Tell whether a record was written to in this time, by the server's clock."""
        since = {"$subtract": ["$$NOW", within // timedelta(milliseconds=1)]}
        with self._granted():
            found = self._database["operation"].find_one(
                {"_id": operation["_id"], "$expr": {"$gt": ["$seen", since]}}, {"_id": 1}
            )
        return found is not None

    def add_chunks(self, chunks: Iterable[Document]) -> None:
        """Write chunks; may be repeated."""
        with self._granted():
            for chunk in chunks:
                self._database["change"].replace_one({"_id": chunk["_id"]}, chunk, upsert=True, session=self._session)

    def chunks(self, operation: str, *, backwards: bool = False) -> Iterator[Document]:
        """Stream the chunks of an operation in their order, or from the last to the first.

        They are read some at a time, without a cursor that would be lost with its server.
        """
        bounds, beyond = {"$gte": f"{operation}/", "$lt": f"{operation}0"}, "$lt" if backwards else "$gt"
        while page := persistently(partial(self._page, bounds, backwards=backwards), self._connection.patience):
            yield from page
            bounds = {**bounds, beyond: page[-1]["_id"]}

    def _page(self, bounds: Document, *, backwards: bool) -> list[Document]:
        """Give the next chunks: as many as go into one answer of the server."""
        order = [("_id", -1 if backwards else 1)]
        with self._granted():
            return list(self._database["change"].find({"_id": bounds}, sort=order, limit=-PAGE, session=self._session))

    def operations_touching(self, project: str) -> list[str]:
        """Give the operations whose chunks name a project by its id, the beginning of one, or its full name."""
        named: list[Document] = [{field: project} for field in ("entries.id", "entries.name", "project")]
        if filters.begins_an_id(project):
            named += [filters.pattern(field, f"^{project}") for field in ("entries.id", "project")]
        with self._granted():
            return self._database["change"].distinct("operation", {"$or": named})

    def forget(self, operations: Sequence[str]) -> None:
        """Remove operations: each record before its chunks, so that no record ever lacks them."""
        with self._granted():
            for identifier in operations:
                self._database["operation"].delete_one({"_id": identifier})
                self._database["change"].delete_many({"_id": {"$gte": f"{identifier}/", "$lt": f"{identifier}0"}})

    def forget_strays(self, before: str) -> None:
        """Remove the chunks of operations older than an id that have no record: their process died."""
        older = {"_id": {"$lt": before}}
        with self._granted():
            written = self._database["change"].distinct("operation", older)
            known = set(self._database["operation"].distinct("_id", older))
        self.forget([identifier for identifier in written if identifier not in known])

    # --- the lease ------------------------------------------------------------------------------------------------

    def take_lease(
        self, key: str, owner: Document, seconds: float, *, instead_of: str | None = None
    ) -> Document | None:
        """Take a lease that is free, expired by the server's clock, or held by `instead_of`; else gives its holder."""
        free: list[Document] = [{"$lte": ["$expires", "$$NOW"]}, {"$eq": ["$owner", owner["owner"]]}]
        if instead_of is not None:
            free.append({"$eq": ["$owner", {"$literal": instead_of}]})
        content = {name: {"$literal": value} for name, value in {"_id": key, **owner}.items()}
        times = {"expires": {"$add": ["$$NOW", int(seconds * 1000)]}, "heartbeat": "$$NOW"}
        with self._granted():
            while True:
                condition: Document = {"_id": key, "$expr": {"$or": free}}
                if self._leases().find_one_and_update(condition, [{"$replaceWith": content | times}]) is not None:
                    return None
                holder = self._leases().find_one({"_id": key})
                if holder is not None:
                    return holder
                with suppress(driver.DuplicateKeyError):  # an upsert can't have an expression in its filter
                    self._leases().insert_one({"_id": key, **NOBODY})

    def renew_lease(self, key: str, owner: str, seconds: float) -> bool:
        """Keep a lease for longer; tells whether it is still held."""
        times = {"expires": {"$add": ["$$NOW", int(seconds * 1000)]}, "heartbeat": "$$NOW"}
        with self._granted():
            found = self._leases().find_one_and_update(
                {"_id": key, "owner": owner}, [{"$set": times}], return_document=ReturnDocument.AFTER
            )
        return found is not None

    def holds(self, key: str, owner: str) -> bool:
        """Tell whether a lease is held by this owner now, by the server's clock."""
        held = {"_id": key, "owner": owner, "$expr": {"$gt": ["$expires", "$$NOW"]}}
        with self._granted():
            return self._leases().find_one(held, {"_id": 1}) is not None

    def lease(self, key: str) -> Document | None:
        """Give a lease that somebody holds, with `expired` by the server's clock; None where nobody does."""
        held: list[Document] = [
            {"$match": {"_id": key, "owner": {"$ne": NOBODY["owner"]}}},
            {"$set": {"expired": {"$lte": ["$expires", "$$NOW"]}}},
        ]
        with self._granted():
            return next(iter(self._leases().aggregate(held)), None)

    def release_lease(self, key: str, owner: str) -> None:
        """Give a lease back."""
        with self._granted():
            self._leases().update_one({"_id": key, "owner": owner}, {"$set": NOBODY})

    def _leases(self) -> pymongo.collection.Collection[dict[str, Any]]:
        majority = WriteConcern(w="majority")
        database = self._connection.client.get_database(self._name, write_concern=majority, read_preference=PRIMARY)
        return database["lease"]

    @contextmanager
    def _granted(self) -> Iterator[None]:
        """Name the right that is missing if the database refuses."""
        try:
            with translated():
                yield
        except DatabaseRefused as error:
            role, done = ("read", "read") if self._only_read else ("readWrite", "written")
            without = "" if self._only_read else ", or do without undo: --no-journal"
            raise DatabaseRefused(
                f"the journal can't be {done}: {error.message}",
                hint=f'grant it: db.grantRolesToUser("USER", [{{role: "{role}", db: "{self._name}"}}]), '
                f"name another database with --journal-db{without}",
            ) from error
