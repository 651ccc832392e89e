"""What the journal knows: operations that were interrupted, that can be finished or taken back, and their history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from projects_cli.errors import CannotUndo, OperationNotFound, Problem
from projects_cli.messages import Response
from projects_cli.safety import changes, locks, obstacles
from projects_cli.safety.journal import UNFINISHED
from projects_cli.store import transactions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from projects_cli.messages import Document
    from projects_cli.safety.engine import Engine
    from projects_cli.store.collections import Store
    from projects_cli.store.journal import JournalStore

GRACE = timedelta(seconds=60)
"""How long an operation of another machine that needed no lease counts as under way."""

STRAY = timedelta(days=1)
"""How old before-images without a record are that nobody is still writing: of a process that died before its record."""

REASONS = 10
"""Reasons that a refusal lists."""

SHOWN = (
    "_id",
    "state",
    "started",
    "finished",
    "by",
    "host",
    "pid",
    "command",
    "endpoint",
    "summary",
    "counts",
    "skipped",
)


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations on one company's documents in one database."""

    stored: JournalStore
    store: Store
    database: str
    clock: Callable[[], datetime]

    # --- looking --------------------------------------------------------------------------------------------------

    def interrupted(self) -> list[Document]:
        """Give the operations that were interrupted in the middle, the newest first."""
        found = self.stored.operations(self._mine({"state": {"$in": list(UNFINISHED)}}))
        return [operation for operation in map(self.settled, found) if operation is not None]

    def stopped(self) -> list[Document]:
        """Give the unfinished operations that nobody works on, as they stand in the journal; nothing is written."""
        found = self.stored.operations(self._mine({"state": {"$in": list(UNFINISHED)}}))
        return [operation for operation in found if not self._is_alive(operation)]

    def lease(self) -> Document | None:
        """Give the lease on the company's structure, with `expired`; None where nobody holds it."""
        return self.stored.lease(locks.key_of(self.database, self.store.company))

    def stale_lease(self) -> Document | None:
        """Give the company's lease where it has expired, or its holder is dead; the next change takes it over."""
        held = self.lease()
        return held if held is not None and (held["expired"] or locks.is_dead(held)) else None

    def history(self, *, project: str | None, since: timedelta | None, by: str | None) -> Response:
        """Give who changed what, when, from where, and how it ended; the newest first.

        `project` is an id, the beginning of one or a full name, of projects that are gone too.
        """
        wanted: Document = {}
        if since is not None:
            wanted["started"] = {"$gte": self.clock() - since}
        if by is not None:
            wanted["by"] = by
        if project is not None:
            wanted["_id"] = {"$in": self.stored.operations_touching(project)}
        rows = (_shown(operation) for operation in self.stored.operations(self._mine(wanted)))
        return Response("history", {"operations": rows}, view="history filtered" if wanted else None)

    def prune(self, before: datetime, *, dry_run: bool) -> Response:
        """Forget finished operations that began before a moment; they can't be undone after that."""
        ended = {"state": {"$nin": list(UNFINISHED)}, "started": {"$lt": before}}
        old = [operation["_id"] for operation in self.stored.operations(self._mine(ended))]
        if not dry_run:
            self.stored.forget(old)
            self.stored.forget_strays(f"{min(before, self.clock() - STRAY):%Y%m%d-%H%M%S}")
        return Response("history.prune", {"pruned": 0 if dry_run else len(old), "found": len(old)})

    def chosen(self, identifier: str | None, states: tuple[str, ...]) -> Document:
        """Give an operation: the one named, else the newest interrupted one, else the newest in these states.

        Raises:
            OperationNotFound: there is none.
        """
        if identifier is not None:
            found = next(self.stored.operations(self._mine({"_id": identifier}), limit=1), None)
            if found is None:
                raise OperationNotFound(f"the journal has no operation {identifier!r}")
            return self.settled(found) or self.stored.operation(identifier) or found
        interrupted = self.interrupted()
        if interrupted:
            return interrupted[0]
        found = next(self.stored.operations(self._mine({"state": {"$in": list(states)}}), limit=1), None)
        if found is None:
            raise OperationNotFound("the journal has nothing to work on")
        return found

    def settled(self, operation: Document) -> Document | None:
        """Give an unfinished operation, once it is sure that nobody works on it and that it changed something."""
        if operation["state"] not in UNFINISHED or self._is_alive(operation):
            return None
        transactions.await_writes(self.store.connection, operation["_id"])
        if operation["mode"] == "transaction" and operation["state"] == "applying":
            transactions.end_session(self.store.connection, operation["session"])
            return self._void(operation)
        if operation["state"] == "applying":
            first = next(self.stored.chunks(operation["_id"]), None)
            if first is None or changes.is_untouched(first, self.store):
                return self._void(operation)
        return operation

    def _void(self, operation: Document) -> Document | None:
        """Close a record whose operation changed nothing; gives it back if it ended otherwise in the meantime."""
        if self.stored.advance(operation, ("applying",), {"state": "void", "finished": self.clock()}):
            return None
        again = self.stored.operation(operation["_id"])
        return again if again is not None and again["state"] in UNFINISHED else None

    def _is_alive(self, operation: Document) -> bool:
        """Tell whether a process may still be working on an operation."""
        worker: Document = operation.get("worker", operation)
        if worker.get("machine") == locks.here():
            return not locks.is_dead(worker) and not locks.is_this_one(worker)
        if worker.get("lease"):
            return self.stored.holds(locks.key_of(self.database, self.store.company), worker["lease"])
        return self.stored.was_seen(operation, GRACE)

    def _mine(self, condition: Document) -> Document:
        return {"database": self.database, "company": self.store.company, **condition}

    # --- finishing, taking back -----------------------------------------------------------------------------------

    def resume(self, identifier: str | None, engine: Engine) -> Response:
        """Finish an interrupted operation, in the direction in which it was going.

        Raises:
            OperationNotFound: nothing was interrupted. CannotUndo: it has ended.
        """
        operation = self._resumable(identifier)
        go_on = engine.take_back if operation["state"] == "undoing" else engine.resume
        return _ended_response(operation, go_on(operation))

    def _resumable(self, identifier: str | None) -> Document:
        operation = self.chosen(identifier, UNFINISHED)
        if operation["state"] not in UNFINISHED:
            raise CannotUndo(f"operation {operation['_id']} is {_ended(operation)}: there is nothing to finish")
        self._check_stopped(operation)
        if operation["state"] == "undoing":
            self._check_undoable(operation)
        else:
            self._refuse(operation, "finished", obstacles.hindrances)
        return operation

    def what_resume_would_do(self, identifier: str | None) -> Response:
        """Give the whole of what an interrupted operation is about, what was done of it too, without changing anything.

        Raises:
            OperationNotFound, CannotUndo: as `resume`.
        """
        operation = self._resumable(identifier)
        if operation["state"] == "undoing":
            return self._as_plan(operation, "undo", backwards=True)
        return self._as_plan(operation, "resume", backwards=False)

    def undo(self, identifier: str | None, engine: Engine) -> Response:
        """Take back an operation, interrupted or done.

        Raises:
            OperationNotFound: there is none. CannotUndo: later changes are in the way.
        """
        operation = self.chosen(identifier, ("done",))
        self._check_undoable(operation)
        return _ended_response(operation, engine.take_back(operation))

    def what_undo_would_do(self, identifier: str | None) -> Response:
        """Give what taking back an operation would change, without changing anything.

        Raises:
            OperationNotFound, CannotUndo: as `undo`.
        """
        operation = self.chosen(identifier, ("done",))
        self._check_undoable(operation)
        return self._as_plan(operation, "undo", backwards=True)

    def _as_plan(self, operation: Document, word: str, *, backwards: bool) -> Response:
        chunks = self.stored.chunks(operation["_id"], backwards=backwards)
        steps = [step for chunk in chunks for step in (_unmaking(chunk) if backwards else _making(chunk))]
        return Response(
            "plan",
            {
                "plan": f"{word} {operation['_id']}: {operation['summary']}",
                "endpoint": operation["endpoint"],
                "counts": operation["counts"],
                "samples": [{"id": step["id"], "name": step["name"]} for step in steps if step["id"]],
                "steps": steps,
            },
        )

    def _check_undoable(self, operation: Document) -> None:
        if operation["state"] in {"undone", "void"}:
            raise CannotUndo(f"operation {operation['_id']} is {_ended(operation)}: there is nothing to undo")
        self._check_stopped(operation)
        self._refuse(operation, "undone", obstacles.obstacles)

    def _check_stopped(self, operation: Document) -> None:
        if operation["state"] in UNFINISHED and self._is_alive(operation):
            raise CannotUndo(f"operation {operation['_id']} is under way: {operation['by']} on {operation['host']}")

    def _refuse(
        self,
        operation: Document,
        word: str,
        reasons_of: Callable[[Document, Store, obstacles.Together], Iterator[str]],
    ) -> None:
        """Refuse what later changes make impossible, with the reasons."""
        together = obstacles.ids_in(self.stored.chunks(operation["_id"]))
        found = (
            reason
            for chunk in self.stored.chunks(operation["_id"])
            for reason in reasons_of(chunk, self.store, together)
        )
        reasons = list(dict.fromkeys(found))
        if reasons:
            raise CannotUndo(
                f"operation {operation['_id']} can't be {word}, later changes are in the way: {reasons[0]}",
                hint="undo the later ones first: projects history",
                problems=[Problem(operation["_id"], reason) for reason in reasons[:REASONS]],
            )


_WORDS = {"void": "over: it was stopped before its first change", "undone": "undone", "done": "done"}


def _ended(operation: Document) -> str:
    state = str(operation["state"])
    return _WORDS.get(state, state)


def _ended_response(operation: Document, tally: changes.Tally) -> Response:
    changed = {f"{collection}s": 0 for collection in ("project", "task", "model")}
    for (collection, _), count in tally.changed.items():
        changed[f"{collection}s"] += count
    skipped = [{"id": one.id, "name": one.name, "why": one.why} for one in tally.skipped]
    return Response(
        "operation",
        {
            "operation": operation["_id"],
            "state": operation["state"],
            "summary": operation["summary"],
            **changed,
            "skipped": skipped,
        },
    )


_OPPOSITE = {"insert": "delete", "update": "restore", "delete": "insert"}


def _unmaking(chunk: Document) -> Iterator[Document]:
    if chunk["kind"] == "project":
        for entry in reversed(chunk["entries"]):
            yield _step(_OPPOSITE[entry["action"]], "project", "undo", entry=entry)
        return
    yield _step("update", chunk["kind"], f"back into {chunk['project']}", documents=len(chunk["ids"]))


def _making(chunk: Document) -> Iterator[Document]:
    if chunk["kind"] == "project":
        for entry in chunk["entries"]:
            yield _step(entry["action"], "project", "resume", entry=entry)
        return
    yield _step("update", chunk["kind"], f"leave {chunk['project']}", documents=len(chunk["ids"]))


def _step(action: str, kind: str, why: str, *, entry: Mapping[str, Any] | None = None, documents: int = 1) -> Document:
    """Give a step as a plan shows it: of one project with its id and name, of tasks or models with their number."""
    about = entry or {"id": None, "name": None}
    return {
        "action": action,
        "collection": kind,
        "documents": documents,
        "id": about["id"],
        "name": about["name"],
        "why": why,
    }


def _shown(operation: Document) -> Document:
    """Give a record as people and programs see it."""
    shown: dict[str, Any] = {name.removeprefix("_"): operation[name] for name in SHOWN if name in operation}
    for name in ("started", "finished"):
        if name in shown:
            shown[name] = f"{shown[name].isoformat()}+00:00"
    return shown
