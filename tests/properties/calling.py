"""Calling endpoints as a command does, on a database that is filled anew for each example."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from projects_cli import endpoints
from projects_cli.changes.journal import Author
from projects_cli.changes.runner import Runner
from projects_cli.errors import ProjectsError
from projects_cli.extended_json import plain
from projects_cli.messages import Plan, Request, Response, Step
from projects_cli.schema.cache import load
from projects_cli.store.client import connect
from projects_cli.store.collections import open_store
from tests.worlds.world import Planning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pymongo.database import Database

    from projects_cli.schema.model import Catalog
    from projects_cli.store.collections import Store
    from tests.servers import Server

OWN = "0" * 31 + "1"
"""The caller's company."""

NOW = datetime(2024, 5, 1, 12, 30, 15, 250_000, tzinfo=UTC)
COLLECTIONS = ("project", "task", "model", "user", "company")

Document = dict[str, Any]
Documents = dict[str, list[Document]]
"""What is in a database, by collection."""


@dataclass(frozen=True)
class Failure:
    """An error as the service's users know it."""

    code: int | None
    subcode: int | None
    name: str = field(default="", compare=False)
    message: str = field(default="", compare=False)
    hint: str | None = field(default=None, compare=False)


Answer = Document | Failure


@cache
def catalog() -> Catalog:
    """Return the shipped schema."""
    return load(None)


class Caller:
    """A database, and the endpoints of the service on it."""

    def __init__(self, database: Database[Document], store: Store) -> None:
        self.database = database
        self.store = store
        self._ids = count(1)

    def fill(self, documents: Mapping[str, Sequence[Document]]) -> None:
        """Replace all documents with these."""
        self._ids = count(1)
        for name in COLLECTIONS:
            self.database[name].delete_many({})
            if documents.get(name):
                self.database[name].insert_many([dict(document) for document in documents[name]])

    def answer(self, endpoint: str, params: Mapping[str, Any]) -> Answer:
        """Return an endpoint's whole answer, or its error."""
        try:
            version = catalog().version(endpoint)
            request = Request(
                version.endpoint, version.number, version.validate(params), OWN, "caller", NOW, self._new_id
            )
            found = endpoints.handler(version.endpoint)(request, self.store)
            return _read(_applied(found, self.store) if isinstance(found, Plan) else found)
        except ProjectsError as error:
            return Failure(error.code, error.subcode, error.name, error.message, error.hint)

    def stored(self) -> dict[tuple[str, str], bytes]:
        """Return every document, byte for byte, by collection and id."""
        raw: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
        database: Database[RawBSONDocument] = self.database.with_options(raw)
        return {(name, one["_id"]): bytes(one.raw) for name in COLLECTIONS for one in database[name].find()}

    def documents(self) -> dict[tuple[str, str], Document]:
        """Return every document by collection and id."""
        return {(name, one["_id"]): one for name in COLLECTIONS for one in self.database[name].find()}

    def _new_id(self) -> str:
        return f"{next(self._ids):032d}"


def _applied(plan: Plan[Step], store: Store) -> Response:
    """Apply a plan without a journal."""
    runner = Runner(
        store=store,
        stored=None,
        author=Author(by="caller", command="projects test"),
        database=store.connection.database.name,
        clock=lambda: NOW,
        lock_wait=0,
        progress=lambda _done, _all: None,
    )
    return runner.apply(Planning.always(plan), plan)[0]


def _read(response: Response) -> Document:
    """Return a response's data, with streams read to the end, and dates as they are written."""
    return {name: _written(value) for name, value in response.data.items()}


def _written(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _written(item) for name, item in value.items()}
    if isinstance(value, list) or hasattr(value, "__next__"):
        return [_written(item) for item in value]
    return plain(value) if isinstance(value, datetime) else value


@contextmanager
def calling(server: Server) -> Iterator[Caller]:
    """Yield a caller on a database of its own."""
    name = server.borrow_indexed()
    connection = connect(server.uri, name, shown="the test's server")
    try:
        yield Caller(server.client[name], open_store(connection, OWN))
    finally:
        connection.close()
        server.give_back(name)
