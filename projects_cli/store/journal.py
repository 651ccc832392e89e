"""The journal's documents, in a database of their own on the same deployment, written to a majority and to the disk.

`operation` has a record of each change, `change` its content in chunks far below MongoDB's 16 MB, and `lease` the
process that may change a company's projects. docs/safety.md describes them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial, wraps
from typing import TYPE_CHECKING, Concatenate, NamedTuple, ParamSpec, TypeVar

from pymongo import ReturnDocument, WriteConcern
from pymongo import errors as driver

from projects_cli.errors import DatabaseRefused
from projects_cli.store import filters
from projects_cli.store.bson_codec import RAW_OPTIONS, unchanged
from projects_cli.store.client import PRIMARY
from projects_cli.store.driver_errors import translation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pymongo.client_session import ClientSession

    from projects_cli.messages import Document
    from projects_cli.store.client import Connection

DURABLE = WriteConcern(w="majority", j=True)
"""On a standalone, j keeps the order through a power loss: the journal is on the disk before what it announces."""

DUPLICATE_KEY = 11000
PAGE = 2  # chunks that are read and held at the same time: each may have 10,000 ids, or projects of several megabytes
FREE: Document = {"owner": "", "expires": datetime(1970, 1, 1, tzinfo=UTC)}  # the content of a lease that is free


class Term(NamedTuple):
    """A lease that is held until it `expires`, by the server's clock, in UTC without a zone."""

    expires: datetime


Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


if TYPE_CHECKING:
    Method = Callable[Concatenate["JournalStore", Parameters], Result]


def _once(method: Method[Parameters, Result]) -> Method[Parameters, Result]:
    """Name the right that is missing if the database refuses a method, whose exceptions are translated."""

    @wraps(method)
    def call(self: JournalStore, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            with translation():
                return method(self, *args, **kwargs)
        except DatabaseRefused as error:
            raise self._refusal(error) from error

    return call


def _retried(method: Method[Parameters, Result]) -> Method[Parameters, Result]:
    """Do the same, and repeat the method after a transient failure."""

    @wraps(method)
    def call(self: JournalStore, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return self.connection.retry.command(lambda: method(self, *args, **kwargs))
        except DatabaseRefused as error:
            raise self._refusal(error) from error

    return call


class JournalStore:
    """The documents of the journal. Every method may be repeated, except those that free or remove something."""

    def __init__(
        self, connection: Connection, database: str, session: ClientSession | None = None, *, only_read: bool = False
    ) -> None:
        """`database` is the journal's. With `only_read` an error asks for no more than the right to read."""
        self.connection = connection
        self.name = database
        self._session = session
        self._only_read = only_read
        concern = None if session else DURABLE
        stored = connection.client.get_database(database, write_concern=concern, read_preference=PRIMARY)
        self._records, self._chunks = stored["operation"], stored["change"]
        # A lease is renewed often, and its loss is noticed: it need not be on the disk.
        self._leases = stored.get_collection("lease", write_concern=WriteConcern(w="majority"))

    def within(self, session: ClientSession) -> JournalStore:
        """Return the same journal inside a transaction, whose own write concern holds."""
        return JournalStore(self.connection, self.name, session, only_read=self._only_read)

    @_retried
    def now(self) -> datetime:
        """Return the server's time, in UTC without a zone."""
        time: datetime = self.connection.client.admin.command("hello", read_preference=PRIMARY)["localTime"]
        return time

    # --- records --------------------------------------------------------------------------------------------------

    @_retried
    def add_operation(self, record: Document) -> bool:
        """Insert a record. Return False if another operation has its id."""
        try:
            self._records.insert_one(record)
        except driver.DuplicateKeyError:
            # A repetition finds the record that its first try has inserted: that is not another operation.
            same = {"_id": record["_id"], "worker.owner": record["worker"]["owner"]}
            return self._records.find_one(same, {"_id": 1}) is not None
        return True

    def operations(self, filter_: Document, *, limit: int = 0) -> Iterator[Document]:
        """Stream records, the newest first; ids begin with the server's time."""
        find = partial(self._records.find, filter_, sort=[("_id", -1)], limit=limit, session=self._session)
        return self._stream(find)

    def runs(self, filter_: Document) -> Iterator[Document]:
        """Stream the runs of the matching operations, the newest first: each with what its operations have in sum."""
        of_the_first = ("started", "by", "database_user", "host", "pid", "command", "summary")
        group: Document = {
            "_id": {"$ifNull": ["$run", "$_id"]},  # a record without a run is a run of its own
            "newest": {"$first": "$_id"},
            "finished": {"$max": "$finished"},
            "operations": {"$sum": 1},
            "states": {"$addToSet": "$state"},
            "undone_by": {"$addToSet": "$undone_by.by"},
            **{name: {"$last": f"${name}"} for name in of_the_first},
            **{name: {"$sum": f"$counts.{name}"} for name in ("projects", "tasks", "models")},
        }
        stages = [{"$match": filter_}, {"$sort": {"_id": -1}}, {"$group": group}, {"$sort": {"newest": -1}}]
        return self._stream(partial(self._records.aggregate, stages, session=self._session, allowDiskUse=True))

    def _stream(self, begin: Callable[[], Iterator[Document]]) -> Iterator[Document]:
        try:
            yield from self.connection.retry.stream(begin)
        except DatabaseRefused as error:
            raise self._refusal(error) from error

    @_retried
    def advance(self, identifier: str, condition: Document, fields: Document, *, finished: bool = False) -> bool:
        """Set fields of a record that meets a condition. Return whether it did."""
        change: Document = {"$set": fields, **({"$currentDate": {"finished": True}} if finished else {})}
        result = self._records.update_one({"_id": identifier, **condition}, change, session=self._session)
        return result.matched_count == 1

    @_retried
    def has_operation(self, condition: Document) -> bool:
        """Return whether a record meets a condition."""
        return self._records.find_one(condition, {"_id": 1}, session=self._session) is not None

    @_retried
    def operations_touching(self, project: str) -> list[str]:
        """Return the operations whose chunks name a project by its id, the beginning of one, or its full name."""
        named: list[Document] = [{field: project} for field in ("entries.id", "entries.name", "project", "groups.ids")]
        if filters.begins_an_id(project):
            named += [filters.pattern(field, f"^{project}") for field in ("entries.id", "project")]
        return self._chunks.distinct("operation", {"$or": named})

    # --- chunks: as bytes, since they hold before-images ------------------------------------------------------------

    @_retried
    def add_chunks(self, chunks: Sequence[bytes]) -> bool:
        """Insert chunks. Return False if an id is taken; some of them may have been inserted then."""
        try:
            self._chunks.insert_many([unchanged(raw) for raw in chunks], session=self._session)
        except driver.BulkWriteError as error:
            if [fault.get("code") for fault in (error.details or {}).get("writeErrors", ())] == [DUPLICATE_KEY]:
                return False
            raise
        return True

    @_retried
    def replace_chunk(self, identifier: str, raw: bytes) -> None:
        """Write a chunk, instead of any with its id."""
        self._chunks.replace_one({"_id": identifier}, unchanged(raw), upsert=True)

    def chunks(self, operation: str, *, backwards: bool = False) -> Iterator[bytes]:
        """Stream the chunks of an operation in their order, or from the last to the first.

        They are read a few at a time, without a cursor that would be lost with its server.
        """
        # The ids are `operation/number`, and 0 is the character after the slash.
        bounds, beyond = {"$gte": f"{operation}/", "$lt": f"{operation}0"}, "$lt" if backwards else "$gt"
        while page := self._page(bounds, backwards=backwards):
            yield from (raw for _, raw in page)
            bounds = {**bounds, beyond: page[-1][0]}

    @_retried
    def _page(self, bounds: Document, *, backwards: bool) -> list[tuple[str, bytes]]:
        """Return the next chunks with their ids, in one reply of the server."""
        order = [("_id", -1 if backwards else 1)]
        raw = self._chunks.with_options(codec_options=RAW_OPTIONS)
        # A negative limit: the server sends one reply, and leaves no cursor open.
        page = list(raw.find({"_id": bounds}, sort=order, limit=-PAGE, session=self._session))
        return [(chunk["_id"], bytes(chunk.raw)) for chunk in page]

    @_once
    def forget(self, operations: Sequence[str], condition: Document) -> int:
        """Remove operations that still meet a condition, each record before its chunks. Return how many."""
        removed = 0
        for identifier in operations:
            result = self._records.delete_one({"_id": identifier, **condition})
            if result.deleted_count:
                removed += 1
                self._forget_chunks(identifier)
        return removed

    @_retried
    def forget_strays(self, before: str) -> None:
        """Remove the chunks of operations older than an id that have no record: their process died."""
        older = {"_id": {"$lt": before}}
        written = self._chunks.distinct("operation", older)
        known = set(self._records.distinct("_id", older))
        for identifier in written:
            if identifier not in known:
                self._forget_chunks(identifier)

    def _forget_chunks(self, operation: str) -> None:
        self._chunks.delete_many({"_id": {"$gte": f"{operation}/", "$lt": f"{operation}0"}})

    # --- leases ---------------------------------------------------------------------------------------------------

    @_retried
    def take_lease(
        self, key: str, holder: Document, seconds: float, margin: float, *, instead_of: str | None = None
    ) -> Term | Document:
        """Take a lease that is free, over for `margin` seconds, or held by `instead_of`. Else return its holder."""
        # Held by this holder already: a repetition finds what its first try has taken.
        free: list[Document] = [_expired(margin), {"$eq": ["$owner", holder["owner"]]}]
        if instead_of is not None:
            free.append({"$eq": ["$owner", {"$literal": instead_of}]})
        # A command line may contain a word that begins with a $, which is the path of a field here.
        content = {name: {"$literal": value} for name, value in {"_id": key, **holder}.items()}
        condition: Document = {"_id": key, "$expr": {"$or": free}}
        while True:
            taken = self._changed_lease(condition, [{"$replaceWith": content | _times(seconds)}])
            if taken is not None:
                return taken
            lease = self._leases.find_one({"_id": key})
            if lease is not None:
                return lease
            try:  # an upsert can't have an expression in its filter
                self._leases.insert_one({"_id": key, **FREE})
            except driver.DuplicateKeyError:
                continue

    @_retried
    def renew_lease(self, key: str, owner: str, seconds: float) -> Term | None:
        """Extend a lease that is still held by its owner. Return None if it is not."""
        return self._changed_lease({"_id": key, "owner": owner}, [{"$set": _times(seconds)}])

    def _changed_lease(self, condition: Document, change: list[Document]) -> Term | None:
        lease = self._leases.find_one_and_update(condition, change, return_document=ReturnDocument.AFTER)
        return None if lease is None else Term(lease["expires"])

    @_retried
    def is_before(self, key: str, deadline: datetime) -> bool:
        """Return whether the server's clock has not reached a deadline. `key` names any lease that exists."""
        condition = {"_id": key, "$expr": {"$lt": ["$$NOW", deadline]}}
        return self._leases.find_one(condition, {"_id": 1}) is not None

    @_retried
    def holds(self, key: str, owner: str, margin: float) -> bool:
        """Return whether a lease is held by this owner, or was until less than `margin` seconds ago."""
        held = {"_id": key, "owner": owner, "$expr": {"$not": [_expired(margin)]}}
        return self._leases.find_one(held, {"_id": 1}) is not None

    @_retried
    def break_lease(self, key: str, owner: str, margin: float, *, dead: bool) -> bool:
        """End a lease that has expired, or whose owner is dead. Return whether its owner can no longer renew it."""
        over = {} if dead else {"$expr": _expired(margin)}
        self._leases.update_one({"_id": key, "owner": owner, **over}, {"$set": FREE})
        # Looked up afterwards: in a repetition the update matches nothing.
        return self._leases.find_one({"_id": key, "owner": owner}, {"_id": 1}) is None

    @_retried
    def lease(self, key: str) -> Document | None:
        """Return a lease that is held, with `expired` by the server's clock, or None."""
        held: list[Document] = [
            {"$match": {"_id": key, "owner": {"$ne": FREE["owner"]}}},
            {"$set": {"expired": {"$lte": ["$expires", "$$NOW"]}}},
        ]
        return next(iter(self._leases.aggregate(held)), None)

    @_once
    def release_lease(self, key: str, owner: str, *, shared: bool) -> None:
        """Free a lease. One that only a single operation uses is removed."""
        if shared:
            self._leases.update_one({"_id": key, "owner": owner}, {"$set": FREE})
        else:
            self._leases.delete_one({"_id": key, "owner": owner})

    @_retried
    def forget_leases(self, prefix: str) -> None:
        """Remove the leases of single operations, by the beginning of their keys, that ended over a day ago."""
        day = 24 * 60 * 60 * 1000
        old = {"$expr": {"$lt": ["$expires", {"$subtract": ["$$NOW", day]}]}}
        # U+FFFF is behind every character that a key has.
        self._leases.delete_many({"_id": {"$gte": prefix, "$lt": f"{prefix}\uffff"}, **old})

    def _refusal(self, error: DatabaseRefused) -> DatabaseRefused:
        """Return the error for a refusal, with the right that is missing."""
        role, verb = ("read", "read") if self._only_read else ("readWrite", "write")
        without = "" if self._only_read else ", or do without undo: --no-journal"
        return DatabaseRefused(
            f"cannot {verb} the journal: {error.message}",
            hint=f'grant it: db.grantRolesToUser("USER", [{{role: "{role}", db: "{self.name}"}}]), '
            f"name another database with --journal-db{without}",
        )


def _expired(margin: float) -> Document:
    return {"$lte": [{"$add": ["$expires", int(margin * 1000)]}, "$$NOW"]}


def _times(seconds: float) -> Document:
    return {"expires": {"$add": ["$$NOW", int(seconds * 1000)]}, "heartbeat": "$$NOW"}
