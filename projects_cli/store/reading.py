"""Reading a collection as one company may see it.

Reads are retried after a transient failure (`store.retry`): a stream until its first batch has come, everything else as
a whole.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext, suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import pymongo
from bson import MaxKey
from pymongo.errors import OperationFailure, PyMongoError

from projects_cli.errors import CollectionMissing, DatabaseRefused
from projects_cli.store.client import PRIMARY, UNLIMITED, Connection, check_server
from projects_cli.store.cursors import BATCH, Progress, batches, split
from projects_cli.store.driver_errors import translation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pymongo.client_session import ClientSession
    from pymongo.collection import Collection as DriverCollection
    from pymongo.command_cursor import CommandCursor
    from pymongo.cursor import Cursor, RawBatchCursor

    from projects_cli.messages import Document, Pipeline

GOODBYE = 1.0  # seconds to close a cursor that is not needed any longer
NATURAL = "$natural"  # as a hint: no index, the documents in the order of the disk
TOO_LARGE = 17217  # MongoDB's code for distinct values that are over 16 MB together

Sort = list[tuple[str, Any]]
Item = TypeVar("Item")
Result = TypeVar("Result")


class ReadCollection:
    """What can be read of a collection: the documents of one company and the public ones."""

    def __init__(
        self,
        connection: Connection,
        raw: DriverCollection[dict[str, Any]],
        scope: Document,
        session: ClientSession | None = None,
    ) -> None:
        """`raw` is the driver's collection, `scope` a part of every filter, `session` that of a transaction."""
        self._connection = connection
        self._raw = raw
        self._scope = scope
        self._session = session

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
    ) -> Iterator[Document]:
        """Stream the matching documents."""

        def begin() -> Iterator[list[Document]]:
            with translation():
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
                yield from self._batches(cursor, _key(projection))

        return self._stream(begin)

    def find_one(self, filter_: Document, projection: Document | None = None) -> Document | None:
        """Return one matching document, or None."""
        return next(self.find(filter_, projection, limit=1), None)

    def scan(self, filter_: Document, projection: Document, *, hint: str | None = None) -> Iterator[Document]:
        """Stream very many documents, without a time limit unless `--timeout` is set.

        `hint` names the index to use; `NATURAL` reads the documents in the order of the disk.

        Raises:
            IndexGone: the index is missing, or was dropped meanwhile.
        """

        def begin() -> Iterator[list[Document]]:
            with translation():
                cursor = self._raw.find(
                    self.scoped(filter_), projection, batch_size=BATCH, hint=_hint(hint), session=self._session
                )
                yield from self._batches(cursor, _key(projection), UNLIMITED)

        return self._stream(begin)

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
            with translation():
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
                yield from self._batches(cursor, "_id")

        return self._stream(begin)

    def raw(
        self, filter_: Document, projection: Document | None = None, *, sort: Sort | None = None, limit: int = 0
    ) -> Iterator[bytes]:
        """Stream the matching documents as bytes, exactly as stored."""

        def begin() -> Iterator[Iterator[bytes]]:
            with translation():
                cursor = self._raw.find_raw_batches(
                    self.scoped(filter_),
                    projection,
                    sort=sort,
                    limit=limit,
                    batch_size=BATCH,
                    allow_disk_use=True if sort else None,
                    session=self._session,
                )
                yield from map(split, self._raw_batches(cursor, _key(projection)))

        return self._stream(begin)

    def read(self, filter_: Document) -> bytes | None:
        """Return the bytes of one matching document, or None."""
        return next(self.raw(filter_, limit=1), None)

    def count(self, filter_: Document) -> int:
        """Count the matching documents."""
        return self._read(lambda: self._raw.count_documents(self.scoped(filter_), session=self._session))

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
            return self._read(described)
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
        return self._read(self._raw.estimated_document_count)

    def has_others(self, companies: Sequence[str], index: str) -> bool:
        """Return whether a document belongs to none of these companies, by an index that begins with the company.

        This is one step in the index, which skips from company to company.

        Raises:
            IndexGone: the index is missing.
        """
        others = {"company": {"$nin": list(companies)}}
        return self._read(lambda: self._raw.find_one(others, {"_id": 1}, hint=index, session=self._session) is not None)

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
            values = self._read(items)
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
            return self._read(distinct)

    # --- retries and cursors ----------------------------------------------------------------------------------------

    def _read(self, work: Callable[[], Result]) -> Result:
        def attempt() -> Result:
            with translation():
                return work()

        return self._connection.retry(attempt)

    def _stream(self, begin: Callable[[], Iterator[Iterable[Item]]]) -> Iterator[Item]:
        return chain.from_iterable(self._connection.retry.stream(begin))

    def _batches(
        self, cursor: Cursor[Document] | CommandCursor[Document], key: str | None, limit: float | None = None
    ) -> Iterator[list[Document]]:
        """Yield the batches of a cursor; `limit` is the time for each, in seconds.

        A server that went away is not waited for, although the driver would wait.
        """
        rows = batches(cursor, self._connection.command_timeout, key=key)
        with self._closing(cursor):
            while True:
                with nullcontext() if limit is None else self._connection.within(limit):
                    batch = next(rows, None)
                if batch is None:
                    return
                yield batch
                self._check(cursor)

    def _raw_batches(self, cursor: RawBatchCursor[Any], key: str | None) -> Iterator[bytes]:
        """Yield the batches of a cursor as bytes."""
        progress = Progress(self._connection.command_timeout)
        with self._closing(cursor):
            while cursor.alive:
                if batch := next(cursor, None):
                    progress.batch([batch], unique=key is not None)
                    yield batch
                    self._check(cursor)
                elif cursor.alive:
                    progress.empty()

    def _check(self, cursor: Cursor[Any] | CommandCursor[Any]) -> None:
        if cursor.alive and cursor.address is not None:
            check_server(self._connection.client, cursor.address)

    @contextmanager
    def _closing(self, cursor: Cursor[Any] | CommandCursor[Any]) -> Iterator[None]:
        """Close the cursor if its reader stops early: the server would keep it for ten minutes."""
        try:
            yield
        except (GeneratorExit, KeyboardInterrupt):
            with pymongo.timeout(GOODBYE), suppress(PyMongoError):
                cursor.close()
            raise


def _key(projection: Document | None) -> str | None:
    """Return the field that every document of a find has with a value of its own: the id, unless it is left out."""
    return "_id" if (projection or {}).get("_id", True) else None


def _hint(hint: str | None) -> Any:
    return {NATURAL: 1} if hint == NATURAL else hint
