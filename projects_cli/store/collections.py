"""The collections of one company: every read and write here carries the company, so none can forget it."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import bson
import pymongo
from bson import MaxKey
from pymongo.errors import OperationFailure, PyMongoError

from projects_cli.errors import CollectionMissing, DatabaseRefused
from projects_cli.store import filters
from projects_cli.store.client import (
    DEFAULT_TIMEOUT,
    LONG_WRITE,
    PRIMARY,
    UNLIMITED,
    Connection,
    check_server,
    malformed,
    translated,
)
from projects_cli.store.cursors import BATCH, Progress, check_key, documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from pymongo.client_session import ClientSession
    from pymongo.collection import Collection as DriverCollection
    from pymongo.command_cursor import CommandCursor
    from pymongo.cursor import Cursor, RawBatchCursor

    from projects_cli.messages import Document, Pipeline

SMALLEST = 5
"""Bytes of an empty document."""

GOODBYE = 1.0
"""Seconds to tell the server that a cursor is not needed any longer."""

NATURAL = "$natural"
"""As a hint: no index, the documents as they lie."""

TOO_LARGE = 17217
"""MongoDB's code for distinct values that are over 16 MB together."""

Sort = list[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class LeaseId:
    """Where a lease is stored, and as whose."""

    database: str
    key: str
    owner: str


@dataclass(frozen=True, slots=True)
class Guard:
    """What a write of the change engine carries to the server.

    `comment` is the operation's id: another process finds the writes of a process that was killed by it. `deadline` is
    the end of the lease by the server's clock, in UTC: the server evaluates it with each write, so a process that was
    stopped for longer than its lease changes nothing when it wakes. Without a lease there is no deadline.
    """

    comment: str
    deadline: datetime | None = None
    lease: LeaseId | None = None

    @property
    def filter(self) -> Document:
        """Return the condition that every write has in its filter."""
        return {} if self.deadline is None else {"$expr": {"$lt": ["$$NOW", self.deadline]}}


class Collection:
    """One collection, as one company may see it: its own documents and the public ones."""

    def __init__(
        self,
        raw: DriverCollection[dict[str, Any]],
        scope: Document,
        timeout: float | None,
        session: ClientSession | None = None,
    ) -> None:
        """Keep the driver's collection, the scope that every filter gets, and the transaction's session."""
        self._raw = raw
        self._scope = scope
        self._timeout = timeout
        self._session = session

    def find(
        self,
        filter_: Document,
        projection: Document | None = None,
        *,
        sort: Sort | None = None,
        skip: int = 0,
        limit: int = 0,
    ) -> Iterator[Document]:
        """Stream the matching documents."""
        with translated():
            cursor = self._raw.find(
                self.scoped(filter_),
                projection,
                sort=sort,
                skip=skip,
                limit=limit,
                batch_size=BATCH,
                allow_disk_use=True if sort else None,
                session=self._session,
            )
            yield from self._streamed(cursor, _key(projection))

    def find_one(self, filter_: Document, projection: Document | None = None) -> Document | None:
        """Give one matching document, or None."""
        return next(self.find(filter_, projection, limit=1), None)

    def scan(self, filter_: Document, projection: Document, *, hint: str | None = None) -> Iterator[Document]:
        """Stream what may be very many documents; no limit of time unless one was asked for.

        `hint` names the index to go by; `NATURAL` reads the documents as they lie.

        Raises:
            IndexGone: the index is not there, or was dropped in the middle.
        """
        return chain.from_iterable(self._batches(filter_, projection, hint))

    def _batches(self, filter_: Document, projection: Document, hint: str | None) -> Iterator[list[Document]]:
        """Stream whole batches: a million small documents are decoded faster so than one by one."""
        with translated():
            cursor = self._raw.find_raw_batches(
                self.scoped(filter_), projection, batch_size=BATCH, hint=_hint(hint), session=self._session
            )
            key = _key(projection)
            for raw in self._raw_batches(cursor, key, lambda: self._next(cursor)):
                batch = bson.decode_all(raw, self._raw.codec_options)
                check_key(batch, key)
                yield batch

    def _raw_batches(self, cursor: RawBatchCursor[Any], key: str | None, ask: Callable[[], Any]) -> Iterator[bytes]:
        """Yield the batches of a cursor that `ask` returns; see `cursors.documents`."""
        progress = Progress(self._timeout or DEFAULT_TIMEOUT)
        with self._closing(cursor):
            while cursor.alive:
                if batch := ask():
                    progress.batch([batch], unique=key is not None)
                    yield batch
                    self._check(cursor)
                elif cursor.alive:
                    progress.empty()

    def _next(self, cursor: RawBatchCursor[Any]) -> Any:
        with self._patience(UNLIMITED):
            return next(cursor, None)

    def count(self, filter_: Document) -> int:
        """Count the matching documents."""
        with translated():
            return self._raw.count_documents(self.scoped(filter_), session=self._session)

    def indexes(self) -> list[Document]:
        """Give the collection's indexes as the server describes them; none where the user may not know them.

        Asked where the rest is read: the driver's own method would insist on the primary.
        """
        database = self._raw.database
        try:
            with translated():
                found = database.cursor_command(
                    "listIndexes", self._raw.name, read_preference=self._raw.read_preference, session=self._session
                )
                return list(documents(found, self._timeout or DEFAULT_TIMEOUT, key="name"))
        except (DatabaseRefused, CollectionMissing):
            return []

    def aggregate(self, filter_: Document, stages: Pipeline, *, hint: str | None = None) -> Iterator[Document]:
        """Stream what the stages make of the matching documents; no limit of time unless one was asked for.

        `hint` is as for `scan`; the stages are not begun where its index is missing.

        Raises:
            IndexGone: the index is not there, or was dropped in the middle.
        """
        with translated():
            with self._patience(UNLIMITED):
                cursor = self._aggregated([{"$match": self.scoped(filter_)}, *stages], hint)
            yield from self._streamed(cursor)

    def _aggregated(self, pipeline: Pipeline, hint: str | None) -> CommandCursor[Document]:
        """Start an aggregation; the driver's own method takes a reply without a cursor for an empty result."""
        concern = self._raw.read_concern.document if self._session is None else {}
        options: Document = {} if hint is None else {"hint": _hint(hint)}
        options |= {"readConcern": concern} if concern else {}
        return self._raw.database.cursor_command(
            "aggregate",
            self._raw.name,
            pipeline=pipeline,
            allowDiskUse=True,
            cursor={"batchSize": BATCH},
            read_preference=self._raw.read_preference,
            codec_options=self._raw.codec_options,
            session=self._session,
            **options,
        )

    # --- what plans are chosen by, and fast ways that not every collection allows -----------------------------------

    @property
    def companies(self) -> list[str]:
        """Give the companies whose documents can be seen."""
        seen: list[str] = self._scope["company"]["$in"]
        return seen

    def estimated_count(self) -> int:
        """Give about how many documents there are, whoever's they are: for choosing a plan, never to be shown."""
        with translated():
            return self._raw.estimated_document_count()

    def has_others(self, companies: Sequence[str], index: str) -> bool:
        """Tell whether there is a document of none of these companies, by an index that begins with the company.

        One step into the index tells: it goes from gap to gap between the companies.

        Raises:
            IndexGone: the index is not there.
        """
        with translated():
            others = {"company": {"$nin": list(companies)}}
            return self._raw.find_one(others, {"_id": 1}, hint=index, session=self._session) is not None

    def items_of_all(self, company: str, field: str, *, index: str, by_company: str) -> list[Any] | None:
        """Give each item of a list once, where all documents are one company's and no list has lists in it; else None.

        MongoDB answers from the index of this field alone, and would give the items of inner lists too. Who else has
        documents is looked at before and after, so that nobody's come or go in between; that tells something only
        where all is asked of one member, the primary. Where there is too much for one answer it is None too.

        Raises:
            IndexGone: an index is not there.
        """
        if self._raw.read_preference != PRIMARY or self.has_others([company], by_company):
            return None
        behind_texts: Any = [(field, [])], [(field, MaxKey())]
        with translated(), self._patience(UNLIMITED):
            nested = self._raw.find({}, return_key=True, limit=1, session=self._session).hint(index)
            if list(nested.min(behind_texts[0]).max(behind_texts[1])):
                return None
            try:
                found = self._raw.distinct(field, session=self._session)
            except OperationFailure as error:
                if error.code != TOO_LARGE:
                    raise
                return None
        return None if self.has_others([company], by_company) else found

    def texts(self, company: str, field: str, index: str, most: int) -> list[str] | None:
        """Give each text of a list once, in order, of one company's documents; None where there are more than `most`.

        One step into the index of (company, field) for each: its cost is the number of texts, not of documents.

        Raises:
            IndexGone: the index is not there.
        """
        found: list[str] = []
        with translated(), self._patience(UNLIMITED):
            while len(found) <= most:
                # A text and a NUL is the very next text; an object is what comes behind all texts.
                least = f"{found[-1]}\0" if found else ""
                keys = self._raw.find({}, return_key=True, limit=1, session=self._session).hint(index)
                keys = keys.min([("company", company), (field, least)]).max([("company", company), (field, {})])
                key = next(keys, None)
                if key is None:
                    return found
                found.append(key[field])
        return None

    # --- writing: what the change engine needs (docs/safety.md) ------------------------------------------------------

    def insert(self, raw: bytes, guard: Guard) -> None:
        """Insert a document exactly as these bytes have it.

        An insert has no filter that could carry the fence. With a lease the document therefore goes through an
        aggregation over the lease itself: if the lease is no longer held, nothing is inserted and no error is raised.
        `$merge` is not allowed in a transaction, which needs no fence (see `changes.engine`): its guard has no lease.

        Raises:
            ExpectedUniqueData: the id, or the name, exists already.
        """
        from projects_cli.store.bson_codec import unchanged  # only changes need it

        document = unchanged(raw)
        with translated(), self._patience(LONG_WRITE):
            if guard.lease is None:
                self._raw.insert_one(document, session=self._session, comment=guard.comment)
                return
            place = {"db": self._raw.database.name, "coll": self._raw.name}
            held = {"_id": guard.lease.key, "owner": guard.lease.owner, **guard.filter}
            merge = {"into": place, "on": "_id", "whenMatched": "fail", "whenNotMatched": "insert"}
            stages: Pipeline = [{"$match": held}, {"$replaceWith": {"$literal": document}}, {"$merge": merge}]
            client = self._raw.database.client
            # The driver would read the lease where the URI prefers to read: a secondary may lag behind.
            database = client.get_database(
                guard.lease.database, write_concern=self._raw.write_concern, read_preference=PRIMARY
            )
            database["lease"].aggregate(stages, comment=guard.comment)

    def update(self, filter_: Document, change: Document, guard: Guard) -> int:
        """Change the matching documents, while the guard holds. Return how many matched."""
        with translated(), self._patience(LONG_WRITE):
            result = self._raw.update_many(
                self._guarded(filter_, guard), change, session=self._session, comment=guard.comment
            )
        return result.matched_count

    def delete_one(self, filter_: Document, guard: Guard) -> int:
        """Remove one matching document, while the guard holds. Return how many were removed: 0 or 1."""
        with translated():
            return self._raw.delete_one(
                self._guarded(filter_, guard), session=self._session, comment=guard.comment
            ).deleted_count

    def replace(self, filter_: Document, raw: bytes, guard: Guard) -> int:
        """Replace one matching document, while the guard holds. Return how many matched: 0 or 1."""
        from projects_cli.store.bson_codec import unchanged  # only changes need it

        with translated():
            return self._raw.replace_one(
                self._guarded(filter_, guard), unchanged(raw), session=self._session, comment=guard.comment
            ).matched_count

    @property
    def in_transaction(self) -> bool:
        """Return whether everything here is a part of a transaction."""
        return self._session is not None

    def _guarded(self, filter_: Document, guard: Guard) -> Document:
        return {"$and": [self._scope, filter_, guard.filter]} if guard.filter else self.scoped(filter_)

    # --- as bytes: exactly as stored ------------------------------------------------------------------------------

    def read(self, filter_: Document) -> bytes | None:
        """Return the bytes of one matching document, or None."""
        return next(self.raw(filter_, limit=1), None)

    def raw(
        self, filter_: Document, projection: Document | None = None, *, sort: Sort | None = None, limit: int = 0
    ) -> Iterator[bytes]:
        """Stream the matching documents as bytes."""
        with translated():
            cursor = self._raw.find_raw_batches(
                self.scoped(filter_),
                projection,
                sort=sort,
                limit=limit,
                batch_size=BATCH,
                allow_disk_use=True if sort else None,
                session=self._session,
            )
            for batch in self._raw_batches(cursor, _key(projection), lambda: next(cursor, None)):
                yield from _documents(batch)

    def scoped(self, filter_: Document) -> Document:
        """Give the filter with this company's part of the database added."""
        return {"$and": [self._scope, filter_]} if filter_ else self._scope

    def _streamed(
        self, cursor: Cursor[Document] | CommandCursor[Document], key: str | None = "_id"
    ) -> Iterator[Document]:
        """Yield what a cursor has; a server that went away is not waited for, though the driver would."""
        with self._closing(cursor):
            yield from documents(cursor, self._timeout or DEFAULT_TIMEOUT, key=key, check=lambda: self._check(cursor))

    def _check(self, cursor: Cursor[Any] | CommandCursor[Any]) -> None:
        if cursor.alive and cursor.address is not None:
            check_server(self._raw.database.client, cursor.address)

    @contextmanager
    def _closing(self, cursor: Cursor[Any] | CommandCursor[Any]) -> Iterator[None]:
        """Tell the server where the reader goes away: it would keep the cursor for ten minutes."""
        try:
            yield
        except (GeneratorExit, KeyboardInterrupt):
            with pymongo.timeout(GOODBYE), suppress(PyMongoError):
                cursor.close()
            raise

    def _patience(self, seconds: float) -> AbstractContextManager[object]:
        return pymongo.timeout(self._timeout or seconds)


def _documents(batch: bytes) -> Iterator[bytes]:
    """Split a batch into its documents; each begins with its length."""
    place = 0
    while place < len(batch):
        size = int.from_bytes(batch[place : place + 4], "little")
        if not SMALLEST <= size <= len(batch) - place:
            raise malformed("the database")
        yield batch[place : place + size]
        place += size


def _key(projection: Document | None) -> str | None:
    """Return the field that every document of a find has with a value of its own: the id, unless it is left out."""
    return "_id" if (projection or {}).get("_id", True) else None


def _hint(hint: str | None) -> Any:
    return {NATURAL: 1} if hint == NATURAL else hint


@dataclass(frozen=True, slots=True)
class Store:
    """The documents of one company, and the public ones."""

    company: str
    projects: Collection
    tasks: Collection
    models: Collection
    users: Collection
    companies: Collection
    connection: Connection

    def named(self, collection: str) -> Collection:
        """Give the collection that a step of a plan names."""
        return {"project": self.projects, "task": self.tasks, "model": self.models}[collection]


def open_store(
    connection: Connection, company: str, session: ClientSession | None = None, *, reading: bool = False
) -> Store:
    """Give the collections of a connection as one company may see them; with a session, inside its transaction.

    With `reading` they are read where the read preference says, which may be a member that lags behind: for answers
    only, never for what a change is planned from.
    """
    database = connection.reading if reading else connection.database

    def collection(name: str, scope: Document) -> Collection:
        return Collection(database[name], scope, connection.timeout, session)

    visible: Document = {"company": {"$in": [company, ""]}}
    # A list that holds the company is not the company. Counts of tasks are made by an index alone, which can't tell.
    alone: Document = {"company": {**visible["company"], **filters.not_a_list()["company"]}}
    return Store(
        company=company,
        projects=collection("project", alone),
        tasks=collection("task", visible),
        models=collection("model", visible),
        users=collection("user", alone),
        companies=collection("company", {"_id": company}),
        connection=connection,
    )
