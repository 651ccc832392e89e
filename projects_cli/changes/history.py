"""What the journal knows: interrupted operations, who changed what and when, and which operation an undo means.

Only `settle` and `prune` write; everything else is a query.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from projects_cli import process_identity
from projects_cli.changes import effects
from projects_cli.changes import lease as leases
from projects_cli.changes.records import FINISHED, FORMAT, UNFINISHED, Operation, decode_chunk
from projects_cli.changes.steps import steps_made
from projects_cli.errors import OperationNotFound, UnreadableRecord
from projects_cli.messages import Response
from projects_cli.store import transactions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projects_cli.messages import Document
    from projects_cli.store.collections import Store
    from projects_cli.store.journal import JournalStore

STRAY = timedelta(days=1)
"""How old chunks without a record are that no living process is still writing."""

SHOWN = (
    "_id",
    "run",
    "state",
    "started",
    "finished",
    "by",
    "database_user",
    "host",
    "pid",
    "command",
    "endpoint",
    "summary",
    "counts",
    "skipped",
    "undone_by",
    "redone_by",
)

DETAILS = ("mode", "documents", "projects")
"""Fields of a record that only the view of a single operation has."""

STEPS = 100
"""Steps that the view of a single operation lists; a dry run of its undo has all of them."""


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations on one company's documents in one database."""

    stored: JournalStore
    store: Store
    database: str
    by: str

    # --- queries --------------------------------------------------------------------------------------------------

    def interrupted(self) -> list[Operation]:
        """Return the operations that were interrupted after their first write, the newest first."""
        return self.unfinished()[0]

    def unfinished(self) -> tuple[list[Operation], list[str]]:
        """Return the interrupted operations likewise, and why other unfinished records can't be read."""
        stopped, unreadable = self._stopped()
        return [operation for operation in stopped if not self.is_void(operation)], unreadable

    def _stopped(self) -> tuple[list[Operation], list[str]]:
        """Return the unfinished operations whose process has ended, or has lost its lease, the newest first.

        Also return why records can't be read: damaged, or of another version of this program.
        """
        stopped: list[Operation] = []
        unreadable: list[str] = []
        # Every change looks for both, by one query.
        for record in self.stored.operations(self._mine({"state": {"$nin": list(FINISHED)}})):
            try:
                operation = Operation.parse(record)
            except UnreadableRecord as error:
                unreadable.append(error.message)
                continue
            if operation.is_unfinished and not self.is_running(operation):
                stopped.append(operation)
        return stopped, unreadable

    def _readable(self, condition: Document, limit: int = 0) -> Iterator[Operation]:
        for record in self.stored.operations(self._mine({"format": FORMAT, **condition}), limit=limit):
            try:
                yield Operation.parse(record)
            except UnreadableRecord:
                continue

    def is_running(self, operation: Operation) -> bool:
        """Return whether a process may still be working on an operation."""
        worker = operation.worker
        identity = worker.as_document()
        # Of this process, an earlier change that failed: it does not run any more.
        if process_identity.is_this_process(identity) or process_identity.is_dead(identity):
            return False
        return self.stored.holds(worker.key, worker.owner, leases.MARGIN)

    def is_void(self, operation: Operation) -> bool:
        """Return whether an interrupted operation changed nothing."""
        if operation.state != "applying":
            return False
        if operation.mode == "transaction":  # its record would be in another state if it had been committed
            return True
        # All chunks: others may have changed what the first ones had changed. The first one usually answers.
        return all(
            effects.is_untouched(chunk, self.store) for chunk in map(decode_chunk, self.stored.chunks(operation.id))
        )

    def lease(self) -> Document | None:
        """Return the lease on the company's structure, with `expired`, or None if it is free."""
        return self.stored.lease(leases.key_of(self.database, self.store.company))

    def stale_lease(self) -> Document | None:
        """Return the company's lease if it has expired, or its holder is dead: the next change takes it over."""
        held = self.lease()
        return held if held is not None and (held["expired"] or process_identity.is_dead(held)) else None

    def history(self, *, project: str | None, since: datetime | None, by: str | None, each: bool = False) -> Response:
        """Return who changed what, when, from where, and how it ended: by run, or `each` operation; the newest first.

        `project` is an id, the beginning of one, or a full name, of removed projects too.
        """
        wanted: Document = {}
        if since is not None:
            wanted["started"] = {"$gte": since}
        if by is not None:
            wanted["by"] = by
        if project is not None:
            wanted["_id"] = {"$in": self.stored.operations_touching(project)}
        if not each:
            runs = map(_shown_run, self.stored.runs(self._mine(wanted)))
            return Response("history", {"runs": runs}, view="history filtered" if wanted else None)
        return Response("history.operations", {"operations": map(_shown, self.stored.operations(self._mine(wanted)))})

    def shown(self, identifier: str) -> Response:
        """Return all that the journal knows of an operation, or the operations of a run that has several.

        Raises:
            OperationNotFound: the journal has neither with that id.
        """
        records = self._records(identifier)
        if len(records) > 1:
            return Response("history.operations", {"operations": map(_shown, records)})
        record = records[0]
        chunks = map(decode_chunk, self.stored.chunks(record["_id"]))
        steps = list(islice((step for chunk in chunks for step in steps_made(chunk, "change")), STEPS))
        details = {name: record[name] for name in DETAILS if record.get(name) is not None}
        return Response("history.show", {**_shown(record, whole=True), **details, "steps": steps})

    def now(self) -> datetime:
        """Return the server's time, in UTC without a zone: all times of the journal are the server's."""
        return self.stored.now()

    def named(self, identifier: str) -> list[Operation]:
        """Return the operation with an id, or the operations of the run with it, the newest first.

        Raises:
            OperationNotFound: the journal has neither with that id. UnreadableRecord: no record can be read.
        """
        records = self._records(identifier)
        if len(records) == 1:
            return [Operation.parse(records[0])]
        readable: list[Operation] = []
        for record in records:
            with suppress(UnreadableRecord):
                readable.append(Operation.parse(record))
        return readable or [Operation.parse(records[0])]

    def _records(self, identifier: str) -> list[Document]:
        """Return the record of an operation, or those of a run.

        Raises:
            OperationNotFound: the journal has neither with that id.
        """
        records = list(self.stored.operations(self._mine({"$or": [{"_id": identifier}, {"run": identifier}]})))
        if not records:
            raise OperationNotFound(f"the journal has no operation or run {identifier!r}", hint="see: projects history")
        return records

    def of_others_since(self, operation: Operation) -> Operation | None:
        """Return another user's newest operation that is newer than this one and not undone, or None."""
        newer = {"_id": {"$gt": operation.id}, "by": {"$ne": self.by}, "state": {"$in": [*UNFINISHED, "done"]}}
        return next(self._readable(newer, limit=1), None)

    def newest_undone(self) -> list[Operation]:
        """Return the operations that the caller's newest undo has undone, the newest first.

        Raises:
            OperationNotFound: there are none.
        """
        mine = {"undone_by.by": self.by, "state": "undone"}
        newest = max(
            self._readable(mine),
            # An old record has no time of its undo.
            key=lambda operation: (str((operation.undone_by or {}).get("at", "")), operation.id),
            default=None,
        )
        if newest is None:
            raise OperationNotFound(
                f"the journal has no operation that {self.by!r} has undone",
                hint="see: projects history; name an undone run or operation: projects redo ID",
            )
        run = (newest.undone_by or {}).get("run")
        return list(self._readable({**mine, "undone_by.run": run})) if run else [newest]

    def newest_own(self) -> Operation:
        """Return the caller's newest operation that can be undone, by the server's time.

        Raises:
            OperationNotFound: there is none.
        """
        for operation in self._readable({"by": self.by, "state": {"$in": [*UNFINISHED, "done"]}}):
            # A running operation is refused later: an older one is not what the caller means.
            if not operation.is_unfinished or self.is_running(operation) or not self.is_void(operation):
                return operation
        raise OperationNotFound(
            f"the journal has no operation of {self.by!r} to undo",
            hint="see: projects history; name another user's operation: projects undo ID",
        )

    def newest_interrupted(self) -> Operation:
        """Return the newest interrupted operation.

        Raises:
            OperationNotFound: there is none.
        """
        for operation in self.interrupted():
            return operation
        raise OperationNotFound("no interrupted operation")

    def _mine(self, condition: Document) -> Document:
        return {"database": self.database, "company": self.store.company, **condition}

    # --- what writes ----------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Close the records of processes that died before their first write, and end their open transactions.

        Their leases are broken first, so that a process that only seemed dead can't write any more.
        """
        for operation in self._stopped()[0]:
            self.take_from_worker(operation)
            if self.is_void(operation):
                condition = {"state": "applying", "worker": operation.worker.as_document()}
                ended = "void" if operation.undone_by is None else "undone"  # its redo has changed nothing
                self.stored.advance(operation.id, condition, {"state": ended}, finished=True)

    def take_from_worker(self, operation: Operation) -> bool:
        """Make sure that an operation's former process can't write any more. Return False if it is still running.

        The server refuses its writes once its lease is over. What it had sent before is waited for.
        """
        worker = operation.worker
        dead = process_identity.is_dead(worker.as_document())
        if worker.owner and not self.stored.break_lease(worker.key, worker.owner, leases.MARGIN, dead=dead):
            return process_identity.is_this_process(worker.as_document())
        # Its open transaction would hold the documents until the server ends it, after a minute.
        if operation.mode == "transaction" and operation.state == "applying":
            transactions.end_session(self.store.connection, operation.session)
        transactions.await_writes(self.store.connection, operation.id)
        return True

    def prunable(self, before: datetime) -> list[str]:
        """Return the finished operations that began before a moment of the server's time."""
        old = {"state": {"$in": list(FINISHED)}, "started": {"$lt": before}}
        return [record["_id"] for record in self.stored.operations(self._mine(old))]

    def prune(self, operations: Sequence[str], before: datetime) -> int:
        """Remove operations from the journal if they are still finished. Return how many were removed.

        An operation whose undo has begun in the meantime stays.
        """
        # Records go before their chunks. A record whose chunks are gone could not be undone.
        removed = self.stored.forget(operations, {"state": {"$in": list(FINISHED)}})
        # A process writes its chunks before its record: young ones may still get one.
        self.stored.forget_strays(f"{min(before, self.now() - STRAY):%Y%m%d-%H%M%S}")
        self.stored.forget_leases(f"{leases.key_of(self.database, self.store.company)}/")
        return removed


def _shown(record: Document, *, whole: bool = False) -> Document:
    """Return a record as it is shown; with `whole`, who undid or redid it with host, process and command."""
    shown: dict[str, Any] = {name.removeprefix("_"): record[name] for name in SHOWN if record.get(name) is not None}
    shown.setdefault("run", shown["id"])
    _show_times(shown, "started", "finished")
    for name in ("undone_by", "redone_by"):
        signature = shown.get(name)
        if isinstance(signature, dict) and whole:
            names = ("by", "database_user", "at", "host", "pid", "command", "run")
            shown[name] = {each: signature[each] for each in names if signature.get(each) is not None}
            _show_times(shown[name], "at")
        elif isinstance(signature, dict):
            shown[name] = signature.get("by")
    return shown


def _show_times(shown: Document, *names: str) -> None:
    for name in names:
        if isinstance(shown.get(name), datetime):
            shown[name] = shown[name].replace(tzinfo=UTC).isoformat()


def _shown_run(run: Document) -> Document:
    """Return a run as it is shown: its first operation, and the sums of all of them."""
    names = ("started", "finished", "by", "database_user", "host", "pid", "command", "operations")
    shown: Document = {"id": run["_id"], **{name: run[name] for name in names if run.get(name) is not None}}
    _show_times(shown, "started", "finished")
    # The state of the operations, an unfinished one first; void ones count only if all are void.
    states = [str(state) for state in run["states"] if state != "void"] or ["void"]
    unfinished = [state for state in states if state not in FINISHED]
    shown["state"] = unfinished[0] if unfinished else states[0] if len(states) == 1 else "partly undone"
    more = run["operations"] - 1
    shown["summary"] = f"{run.get('summary')}" + (f" and {more} more" if more else "")
    shown["counts"] = {name: run[name] for name in ("projects", "tasks", "models") if run[name]}
    if run["undone_by"]:
        shown["undone_by"] = sorted(map(str, run["undone_by"]))
    return shown
