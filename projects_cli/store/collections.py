"""The collections of one company: every read and write here carries the company, so none can forget it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import pymongo
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.errors import PyMongoError

from projects_cli.errors import CollectionMissing, DatabaseRefused
from projects_cli.store.client import LONG_WRITE, UNLIMITED, Connection, check_server, translated
from projects_cli.store.documents import decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from pymongo.client_session import ClientSession
    from pymongo.collection import Collection as DriverCollection
    from pymongo.command_cursor import CommandCursor
    from pymongo.cursor import Cursor

    from projects_cli.messages import Document, Pipeline

BATCH = 1000
"""Documents in one batch of a cursor: the driver's default of 16 MB costs memory and time (bars.md)."""

GOODBYE = 1.0
"""Seconds to tell the server that a cursor is not needed any longer."""

Sort = list[tuple[str, Any]]


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
            yield from self._streamed(cursor)

    def find_one(self, filter_: Document, projection: Document | None = None) -> Document | None:
        """Give one matching document, or None."""
        return next(self.find(filter_, projection, limit=1), None)

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
                return [dict(index) for index in found]
        except (DatabaseRefused, CollectionMissing):
            return []

    def aggregate(self, filter_: Document, stages: Pipeline) -> Iterator[Document]:
        """Stream what the stages make of the matching documents; no limit of time unless one was asked for."""
        with translated():
            with self._patience(UNLIMITED):
                cursor = self._raw.aggregate(
                    [{"$match": self.scoped(filter_)}, *stages],
                    allowDiskUse=True,
                    batchSize=BATCH,
                    session=self._session,
                )
            yield from self._streamed(cursor)

    def insert(self, document: Document) -> None:
        """Insert one document."""
        with translated():
            self._raw.insert_one(document, session=self._session)

    def update(self, filter_: Document, change: Document, *, comment: str | None = None) -> int:
        """Change the matching documents; gives how many there were. Others can find the write by its comment."""
        with translated(), self._patience(LONG_WRITE):
            found = self._raw.update_many(self.scoped(filter_), change, session=self._session, comment=comment)
        return found.matched_count

    def delete_one(self, filter_: Document) -> bool:
        """Remove one matching document; tells whether there was one."""
        with translated():
            return self._raw.delete_one(self.scoped(filter_), session=self._session).deleted_count == 1

    # --- as bytes: exactly as stored ------------------------------------------------------------------------------

    def read(self, identifier: str) -> bytes | None:
        """Give a document's bytes, or None."""
        with translated():
            found = self._bytes().find_one(self.scoped({"_id": identifier}), session=self._session)
        return None if found is None else bytes(found.raw)

    def write(self, raw: bytes) -> None:
        """Insert a document as these bytes have it."""
        with translated():
            self._bytes().insert_one(RawBSONDocument(raw), session=self._session)

    def replace(self, stored: bytes, raw: bytes) -> bool:
        """Put a document in another's place, where that is still exactly as given; tells whether it was."""
        with translated():
            found = self._bytes().replace_one(self._exactly(stored), RawBSONDocument(raw), session=self._session)
        return found.matched_count == 1

    def remove(self, stored: bytes) -> bool:
        """Remove a document that is still exactly as given; tells whether it was."""
        with translated():
            return self._raw.delete_one(self._exactly(stored), session=self._session).deleted_count == 1

    def _exactly(self, stored: bytes) -> Document:
        document = decode(stored)
        return self.scoped(
            {"_id": document["_id"], "$expr": {"$eq": ["$$ROOT", {"$literal": RawBSONDocument(stored)}]}}
        )

    def _bytes(self) -> DriverCollection[RawBSONDocument]:
        options: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
        return self._raw.with_options(codec_options=options)

    def scoped(self, filter_: Document) -> Document:
        """Give the filter with this company's part of the database added."""
        return {"$and": [self._scope, filter_]} if filter_ else self._scope

    def _streamed(self, cursor: Cursor[Document] | CommandCursor[Document]) -> Iterator[Document]:
        """Stream what a cursor has; a server that went away is not waited for, though the driver would.

        Where the reader goes away the server is told: it would keep the cursor for ten minutes.
        """
        try:
            while batch := list(islice(cursor, BATCH)):
                yield from batch
                if cursor.alive and cursor.address is not None:
                    check_server(self._raw.database.client, cursor.address)
        except (GeneratorExit, KeyboardInterrupt):
            with pymongo.timeout(GOODBYE), suppress(PyMongoError):
                cursor.close()
            raise

    def _patience(self, seconds: float) -> AbstractContextManager[object]:
        return pymongo.timeout(self._timeout or seconds)


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
    return Store(
        company=company,
        projects=collection("project", visible),
        tasks=collection("task", visible),
        models=collection("model", visible),
        users=collection("user", visible),
        companies=collection("company", {"_id": company}),
        connection=connection,
    )
