"""Reading a collection as one company may see it.

Reads are retried after a transient failure (`Retry`): a stream until its first batch has come, everything else as a
whole. A cursor is read to its end, although a broken server may never reach one.
"""

from __future__ import annotations

import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import pymongo
from bson import MaxKey
from pymongo.cursor import CursorType
from pymongo.errors import OperationFailure

from projects_cli.errors import CollectionMissing, DatabaseRefused, MalformedReply
from projects_cli.store.client import PRIMARY, UNLIMITED, Connection, check_server
from projects_cli.store.driver_errors import malformed_reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pymongo.client_session import ClientSession
    from pymongo.collection import Collection as DriverCollection
    from pymongo.command_cursor import CommandCursor
    from pymongo.cursor import Cursor

    from projects_cli.messages import Document, Pipeline

    AnyCursor = Cursor[Any] | CommandCursor[Any]

GOODBYE = 1.0  # seconds to close a cursor that is not needed any longer
NATURAL = "$natural"  # as a hint: no index, the documents in the order of the disk
TOO_LARGE = 17217  # MongoDB's code for distinct values that are over 16 MB together

BATCH = 1000
"""Documents in one batch of a cursor: the driver's default of 16 MB costs memory and time (docs/performance.md)."""

REPEATS = 50  # how often a cursor may return its first document. One that is moved while it is read may come twice
EMPTY_DOCUMENT = 5  # bytes of an empty document

Sort = list[tuple[str, Any]]


@dataclass(slots=True, eq=False)
class ReadCollection:
    """What can be read of a collection: the documents of one company and the public ones.

    `_raw` is the driver's collection, `_scope` a part of every filter, `_session` that of a transaction.
    """

    _connection: Connection
    _raw: DriverCollection[dict[str, Any]]
    _scope: Document
    _session: ClientSession | None = None

    def scoped(self, filter_: Document) -> Document:
        """Return the filter with the company's scope added."""
        return {"$and": [self._scope, filter_]} if filter_ else self._scope

    def find(
        self,
        filter_: Document,
        projection: Document | None = None,
        *,
        sort: Sort | None = None,
        skip: int = 0,
        limit: int = 0,
        hint: str | None = None,
    ) -> Iterator[Document]:
        """Stream the matching documents; `hint` is as for `scan`."""

        def begin() -> Iterator[list[Document]]:
            cursor = self._raw.find(
                self.scoped(filter_),
                projection,
                sort=sort,
                skip=skip,
                limit=limit,
                cursor_type=self._cursor_type(limit),
                batch_size=BATCH,
                allow_disk_use=True if sort else None,
                hint=_hint(hint),
                session=self._session,
            )
            return self._watched(cursor, key=_key(projection))

        return chain.from_iterable(self._connection.retry.stream(begin))

    def find_one(self, filter_: Document, projection: Document | None = None) -> Document | None:
        """Return one matching document, or None."""
        return next(self.find(filter_, projection, limit=1), None)

    def scan(
        self, filter_: Document, projection: Document, *, hint: str | None = None, covered: bool = False
    ) -> Iterator[Document]:
        """Stream very many documents, without a time limit unless `--timeout` is set.

        `hint` names the index to use; `NATURAL` reads the documents in the order of the disk. A `covered` scan reads
        nothing but the index, which does not distinguish the items of a list from other values.

        Raises:
            IndexGone: the index is missing, or was dropped meanwhile.
        """
        scope: Document = {"company": {"$in": self.companies}} if covered else self._scope

        def begin() -> Iterator[list[Document]]:
            cursor = self._raw.find(
                {"$and": [scope, filter_]} if filter_ else scope,
                projection,
                cursor_type=self._cursor_type(),
                batch_size=BATCH,
                hint=_hint(hint),
                session=self._session,
            )
            return self._watched(cursor, key=_key(projection), limit=UNLIMITED)

        return chain.from_iterable(self._connection.retry.stream(begin))

    def aggregate(self, filter_: Document, stages: Pipeline, *, hint: str | None = None) -> Iterator[Document]:
        """Stream the result of stages on the matching documents, without a time limit unless `--timeout` is set.

        `hint` is as for `scan`; without its index the stages are not started.

        Raises:
            IndexGone: the index is missing, or was dropped meanwhile.
        """
        # The driver's own method takes a reply without a cursor for an empty result.
        concern = self._raw.read_concern.document if self._session is None else {}
        options = {"hint": _hint(hint), "readConcern": concern}

        def begin() -> Iterator[list[Document]]:
            with self._connection.within(UNLIMITED):
                cursor = self._raw.database.cursor_command(
                    "aggregate",
                    self._raw.name,
                    pipeline=[{"$match": self.scoped(filter_)}, *stages],
                    allowDiskUse=True,
                    cursor={"batchSize": BATCH},
                    read_preference=self._raw.read_preference,
                    codec_options=self._raw.codec_options,
                    session=self._session,
                    **{name: value for name, value in options.items() if value},
                )
            return self._watched(cursor, key="_id")

        return chain.from_iterable(self._connection.retry.stream(begin))

    def raw(
        self, filter_: Document, projection: Document | None = None, *, sort: Sort | None = None, limit: int = 0
    ) -> Iterator[bytes]:
        """Stream the matching documents as bytes, exactly as stored."""

        def begin() -> Iterator[Iterator[bytes]]:
            cursor = self._raw.find_raw_batches(
                self.scoped(filter_),
                projection,
                sort=sort,
                limit=limit,
                batch_size=BATCH,
                allow_disk_use=True if sort else None,
                session=self._session,
            )
            return (split(batch) for [batch] in self._watched(cursor, key=_key(projection), raw=True))

        return chain.from_iterable(self._connection.retry.stream(begin))

    def read(self, filter_: Document) -> bytes | None:
        """Return the bytes of one matching document, or None."""
        return next(self.raw(filter_, limit=1), None)

    def count(self, filter_: Document) -> int:
        """Count the matching documents."""
        scoped = self.scoped(filter_)
        return self._connection.retry.command(lambda: self._raw.count_documents(scoped, session=self._session))

    def indexes(self, *, required: bool = False) -> list[Document]:
        """Return the collection's indexes as the server describes them; none if there is no collection.

        If the user lacks the right to list them, there are none either, unless they are `required`.

        Raises:
            DatabaseRefused: they are required.
        """
        database = self._raw.database

        def described() -> list[Document]:
            # The driver's own method would insist on the primary.
            cursor = database.cursor_command(
                "listIndexes", self._raw.name, read_preference=self._raw.read_preference, session=self._session
            )
            return list(chain.from_iterable(batches(cursor, self._connection.command_timeout, key="name")))

        try:
            return self._connection.retry.command(described)
        except CollectionMissing:
            return []
        except DatabaseRefused:
            if required:
                raise
            return []

    # --- statistics and index tricks, by which plans are chosen -----------------------------------------------------

    @property
    def companies(self) -> list[str]:
        """Return the companies whose documents can be seen."""
        companies: list[str] = self._scope["company"]["$in"]
        return companies

    def estimated_count(self) -> int:
        """Return about how many documents all companies have: for choosing a plan, never to be shown."""
        return self._connection.retry.command(self._raw.estimated_document_count)

    def has_others(self, companies: Sequence[str], index: str) -> bool:
        """Return whether a document belongs to none of these companies, by an index that begins with the company.

        This is one step in the index, which skips from company to company.

        Raises:
            IndexGone: the index is missing.
        """
        others = {"company": {"$nin": list(companies)}}
        return self._connection.retry.command(
            lambda: self._raw.find_one(others, {"_id": 1}, hint=index, session=self._session) is not None
        )

    def items_of_all(self, company: str, field: str, *, index: str, by_company: str) -> list[Any] | None:
        """Return each item of a list field once, if all documents are one company's and no list has inner lists.

        MongoDB answers from the index of this field alone, and would return the items of inner lists too. Other
        companies' documents are looked for before and after, so that none can come and go in between; this is certain
        only if the same member, the primary, answers everything. Otherwise, and if the answer is too large, the result
        is None.

        Raises:
            IndexGone: an index is missing.
        """
        after_texts: Any = [(field, [])], [(field, MaxKey())]

        def items() -> list[Any] | None:
            nested = self._raw.find({}, return_key=True, limit=1, session=self._session).hint(index)
            if list(nested.min(after_texts[0]).max(after_texts[1])):
                return None
            try:
                return self._raw.distinct(field, session=self._session)
            except OperationFailure as error:
                if error.code != TOO_LARGE:
                    raise
                return None

        if self._raw.read_preference != PRIMARY or self.has_others([company], by_company):
            return None
        with self._connection.within(UNLIMITED):
            values = self._connection.retry.command(items)
        return None if self.has_others([company], by_company) else values

    def texts(self, company: str, field: str, index: str, most: int) -> list[str] | None:
        """Return each text of a list field once, in order, of one company's documents; None if more than `most`.

        This takes one step in the index of (company, field) per text: the cost is the number of texts, not documents.

        Raises:
            IndexGone: the index is missing.
        """

        def distinct() -> list[str] | None:
            texts: list[str] = []
            while len(texts) <= most:
                # A text and a NUL is the very next text; an object sorts behind all texts.
                least = f"{texts[-1]}\0" if texts else ""
                keys = self._raw.find({}, return_key=True, limit=1, session=self._session).hint(index)
                keys = keys.min([("company", company), (field, least)]).max([("company", company), (field, {})])
                key = next(keys, None)
                if key is None:
                    return texts
                texts.append(key[field])
            return None

        with self._connection.within(UNLIMITED):
            return self._connection.retry.command(distinct)

    # --- cursors --------------------------------------------------------------------------------------------------

    def _cursor_type(self, limit: int = 0) -> int:
        """Return the type with which the server reads a batch while this process works on the one before."""
        ahead = not limit and self._session is None and self._connection.sends_ahead()
        return CursorType.EXHAUST if ahead else CursorType.NON_TAILABLE

    def _watched(
        self, cursor: AnyCursor, *, key: str | None, limit: float | None = None, raw: bool = False
    ) -> Iterator[list[Any]]:
        """Yield the `batches` of a cursor; `limit` is the time for each, in seconds.

        A server that went away is not waited for, although the driver would wait. If the reader stops early the cursor
        is closed: the server would keep it for ten minutes.
        """
        read = batches(cursor, self._connection.command_timeout, key=key, raw=raw)
        try:
            while True:
                with nullcontext() if limit is None else self._connection.within(limit):
                    batch = next(read, None)
                if batch is None:
                    return
                yield batch
                if cursor.alive and cursor.address is not None:
                    check_server(self._connection.client, cursor.address)
        except BaseException:
            # After a reply that cannot be read, too: a connection that is the cursor's would stay open.
            with pymongo.timeout(GOODBYE), suppress(Exception):
                cursor.close()
            raise


def _key(projection: Document | None) -> str | None:
    """Return the field that every document of a find has with a value of its own: the id, unless it is left out."""
    return "_id" if (projection or {}).get("_id", True) else None


def _hint(hint: str | None) -> Any:
    return {NATURAL: 1} if hint == NATURAL else hint


def batches(cursor: AnyCursor, seconds: float, *, key: str | None, raw: bool = False) -> Iterator[list[Any]]:
    """Yield the batches of a cursor, without empty ones; a `raw` one is its bytes, alone in a list.

    `key` is a field that every document has, with a value of its own; None if there is none.

    Raises:
        MalformedReply: the items are not documents, or empty batches come for longer than `seconds`, or the same
            documents again and again.
    """
    deadline = time.monotonic() + seconds
    first: Any = None
    repeats = 0
    while cursor.alive:
        batch: list[Any] = list(filter(None, islice(cursor, 1))) if raw else cursor.to_list(BATCH)
        if batch:
            if not (raw or all(isinstance(item, dict) and (key is None or key in item) for item in batch)):
                raise MalformedReply("the server sent documents without the fields that were requested")
            deadline = time.monotonic() + seconds
            first = batch[0] if first is None else first
            repeats += batch.count(first) if key is not None else 0
            if repeats > REPEATS:
                raise MalformedReply("the server sends the same documents again and again")
            yield batch
        elif time.monotonic() > deadline and cursor.alive:  # a router of a cluster may send a few
            raise MalformedReply("the server sends one empty batch after the other, and no end")


def split(batch: bytes) -> Iterator[bytes]:
    """Split a batch of bytes into its documents, each of which begins with its length.

    Raises:
        MalformedReply: a length cannot be right.
    """
    position = 0
    while position < len(batch):
        size = int.from_bytes(batch[position : position + 4], "little")
        if not EMPTY_DOCUMENT <= size <= len(batch) - position:
            raise malformed_reply()
        yield batch[position : position + size]
        position += size
