"""The collections as one company may see them: every filter here carries the company, so no caller can forget it.

Reads are retried after a transient failure (`store.reading`); writes are not: only the change engine knows how to
repeat one safely.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pymongo

from projects_cli.store.bson_codec import unchanged
from projects_cli.store.client import LONG_WRITE, PRIMARY, Connection
from projects_cli.store.driver_errors import translation
from projects_cli.store.reading import ReadCollection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pymongo.client_session import ClientSession

    from projects_cli.messages import Document, Pipeline


class LeaseId(NamedTuple):
    """The database, key and owner of a lease."""

    database: str
    key: str
    owner: str


class Guard(NamedTuple):
    """What a write of the change engine carries to the server.

    `comment` is the operation's id, by which another process finds the writes of a killed one. `deadline` is the end of
    the lease by the server's clock, in UTC: the server evaluates it with each write, so a process that was suspended
    for longer than its lease changes nothing when it wakes. Without a lease there is no deadline.
    """

    comment: str
    deadline: datetime | None = None
    lease: LeaseId | None = None

    @property
    def filter(self) -> Document:
        """Return the condition that every write has in its filter."""
        return {} if self.deadline is None else {"$expr": {"$lt": ["$$NOW", self.deadline]}}


class Collection(ReadCollection):
    """One collection, read and written: what the change engine needs is here (docs/safety.md)."""

    @property
    def in_transaction(self) -> bool:
        """Return whether reads and writes are a part of a transaction."""
        return self._session is not None

    def insert(self, raw: bytes, guard: Guard) -> None:
        """Insert a document exactly as these bytes have it.

        An insert has no filter that could carry the fence. With a lease the document therefore goes through an
        aggregation over the lease itself: if the lease is no longer held, nothing is inserted and no error is raised.
        `$merge` is not allowed in a transaction, which needs no fence (see `changes.engine`): its guard has no lease.

        Raises:
            ExpectedUniqueData: the id, or the name, exists already.
        """
        if guard.lease is None:
            with translation(), self._connection.within(LONG_WRITE):
                self._raw.insert_one(unchanged(raw), session=self._session, comment=guard.comment)
            return
        self._merge(guard, guard.lease, [{"$replaceWith": {"$literal": unchanged(raw)}}])

    def insert_all(self, documents: Sequence[bytes], guard: Guard) -> None:
        """Insert documents as `insert` does; if one exists, others may have been inserted."""
        if guard.lease is None:  # an undo at once, without a journal
            for raw in documents:
                self.insert(raw, guard)
            return
        values = {"$literal": [unchanged(raw) for raw in documents]}
        stages: Pipeline = [
            {"$project": {"_id": 0, "documents": values}},
            {"$unwind": "$documents"},
            {"$replaceWith": "$documents"},
        ]
        self._merge(guard, guard.lease, stages)

    def _merge(self, guard: Guard, lease: LeaseId, stages: Pipeline) -> None:
        # "keepExisting" would be an upsert, which sorts the fields of the document.
        with translation(), self._connection.within(LONG_WRITE):
            target = {"db": self._raw.database.name, "coll": self._raw.name}
            held = {"_id": lease.key, "owner": lease.owner, **guard.filter}
            merge = {"into": target, "on": "_id", "whenMatched": "fail", "whenNotMatched": "insert"}
            # The driver would read the lease where the URI prefers to read: a secondary may lag behind.
            database = self._connection.client.get_database(
                lease.database, write_concern=self._raw.write_concern, read_preference=PRIMARY
            )
            database["lease"].aggregate([{"$match": held}, *stages, {"$merge": merge}], comment=guard.comment)

    def update(self, filter_: Document, change: Document, guard: Guard) -> int:
        """Change the matching documents, while the guard holds. Return how many matched."""
        with translation(), self._connection.within(LONG_WRITE):
            return self._raw.update_many(
                self._guarded(filter_, guard), change, session=self._session, comment=guard.comment
            ).matched_count

    def update_each(self, updates: Sequence[tuple[Document, Document | Pipeline | bytes]], guard: Guard) -> int:
        """Change one document for each filter, or replace it by these bytes, in one command, while the guard holds.

        A pipeline changes all that match. Return how many matched.
        """
        requests: list[pymongo.ReplaceOne[Document] | pymongo.UpdateOne | pymongo.UpdateMany] = [
            pymongo.ReplaceOne(self._guarded(filter_, guard), unchanged(change))
            if isinstance(change, bytes)
            else (pymongo.UpdateMany if isinstance(change, list) else pymongo.UpdateOne)(
                self._guarded(filter_, guard), change
            )
            for filter_, change in updates
        ]
        with translation(), self._connection.within(LONG_WRITE):
            return self._raw.bulk_write(requests, session=self._session, comment=guard.comment).matched_count

    def update_groups(self, updates: Sequence[tuple[Document, Document | Pipeline]], guard: Guard) -> int:
        """Change the documents that match each filter, in one command, while the guard holds. Return how many matched.

        The command is not transiently retried by the driver; the change engine repeats it.
        """
        requests = [pymongo.UpdateMany(self._guarded(filter_, guard), change) for filter_, change in updates]
        with translation(), self._connection.within(LONG_WRITE):
            return self._raw.bulk_write(requests, session=self._session, comment=guard.comment).matched_count

    def delete(self, filter_: Document, guard: Guard) -> int:
        """Remove the matching documents, while the guard holds. Return how many were removed."""
        with translation(), self._connection.within(LONG_WRITE):
            return self._raw.delete_many(
                self._guarded(filter_, guard), session=self._session, comment=guard.comment
            ).deleted_count

    def delete_each(self, filters_: Sequence[Document], guard: Guard) -> int:
        """Remove one document for each filter, in one command, while the guard holds. Return how many were removed."""
        requests = [pymongo.DeleteOne(self._guarded(filter_, guard)) for filter_ in filters_]
        with translation(), self._connection.within(LONG_WRITE):
            return self._raw.bulk_write(requests, session=self._session, comment=guard.comment).deleted_count

    def delete_one(self, filter_: Document, guard: Guard) -> int:
        """Remove one matching document, while the guard holds. Return how many were removed: 0 or 1."""
        with translation():
            return self._raw.delete_one(
                self._guarded(filter_, guard), session=self._session, comment=guard.comment
            ).deleted_count

    def replace(self, filter_: Document, raw: bytes, guard: Guard) -> int:
        """Replace one matching document, while the guard holds. Return how many matched: 0 or 1."""
        with translation():
            return self._raw.replace_one(
                self._guarded(filter_, guard), unchanged(raw), session=self._session, comment=guard.comment
            ).matched_count

    def _guarded(self, filter_: Document, guard: Guard) -> Document:
        return {"$and": [self._scope, filter_, guard.filter]} if guard.filter else self.scoped(filter_)


class Store(NamedTuple):
    """The documents of one company, and the public ones."""

    company: str
    projects: Collection
    tasks: Collection
    models: Collection
    users: Collection
    companies: Collection
    urls: Collection
    connection: Connection

    def named(self, collection: str) -> Collection:
        """Return the collection that a step of a plan names."""
        return {
            "project": self.projects,
            "task": self.tasks,
            "model": self.models,
            "url_to_delete": self.urls,
        }[collection]


def open_store(
    connection: Connection, company: str, session: ClientSession | None = None, *, reading: bool = False
) -> Store:
    """Return the collections of a connection as one company may see them; with a session, inside its transaction.

    With `reading` the read preference applies, which may choose a member that lags behind: for answers only, never for
    what a change is planned from.
    """
    database = connection.reading if reading else connection.database
    # MongoDB would match a list by each of its items: one that holds the company is not the company.
    visible: Document = {"company": {"$in": [company, ""], "$not": {"$type": "array"}}}
    return Store(
        company=company,
        projects=Collection(connection, database["project"], visible, session),
        tasks=Collection(connection, database["task"], visible, session),
        models=Collection(connection, database["model"], visible, session),
        users=Collection(connection, database["user"], visible, session),
        companies=Collection(connection, database["company"], {"_id": company}, session),
        urls=Collection(connection, database["url_to_delete"], {"company": company}, session),
        connection=connection,
    )
