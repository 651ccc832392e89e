"""The one way in which anything is changed: journalled first, then applied in one transaction or in safe steps.

- On a replica set or a sharded cluster a plan of up to `SMALL` documents runs in one transaction, with the end of its
  journal record in it: it happens wholly or not at all.
- Everything else runs in steps that may be repeated, each with its precondition in the filter of its own write, in an
  order in which a reader never sees anything dangling.

A record goes `applying` → `applied` → `done`; undone ones go `undoing` → `undone`; one that was stopped before its
first change is `void`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from projects_cli.errors import ServiceError
from projects_cli.messages import Outcome, Response
from projects_cli.safety import changes, locks
from projects_cli.safety.changes import Tally
from projects_cli.safety.signals import Deferred
from projects_cli.store import filters, transactions
from projects_cli.store.collections import open_store
from projects_cli.store.retries import persistently

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from projects_cli.messages import Document, Plan
    from projects_cli.safety.journal import Journal
    from projects_cli.safety.locks import Lease
    from projects_cli.store.collections import Store
    from projects_cli.store.transactions import Session

    Progress = Callable[[int, int], None]

Made = TypeVar("Made")

SMALL = 1000
"""Documents that one transaction may change; more could outlive its time limit."""


@dataclass(slots=True)
class Engine:
    """Applies plans to a store, and finishes or takes back what was interrupted."""

    store: Store
    journal: Journal
    progress: Progress
    lease: Lease | None = None
    small: int = SMALL

    def apply(self, plan: Plan) -> tuple[Response, Outcome]:
        """Make a change; gives the endpoint's response, and what happened.

        Raises:
            ServiceError: the database refused a step (a name was taken in the meantime); nothing is left of the plan.
            Interrupted: a signal came; what was begun can be resumed or undone.
        """
        tally = self._in_transaction(plan) if self._fits_a_transaction(plan) else self._in_steps(plan)
        outcome = Outcome(tally.changed, tally.skipped)
        return Response(plan.endpoint, plan.answer(outcome)), outcome

    def _fits_a_transaction(self, plan: Plan) -> bool:
        return sum(step.count for step in plan.steps) <= self.small and transactions.available(self.store.connection)

    def _in_transaction(self, plan: Plan) -> Tally:
        """Make all chunks and end the record in one transaction."""
        transaction = transactions.Transaction(self.store.connection)
        details = {"mode": "transaction", "session": transaction.number, "lease": self._lease_owner}
        operation = self.journal.begin(plan, self.store, details)
        chunks = list(self.journal.chunks(operation))
        state = "applied" if _removes(chunks) else "done"

        def work(session: Session) -> Tally:
            inside = open_store(self.store.connection, self.store.company, session)
            tally = Tally()
            for chunk in chunks:
                if not changes.make(chunk, inside, tally):
                    break
            self.journal.within(session).finish(operation, state, tally)
            return tally

        with Deferred(operation["_id"]):
            try:
                tally = transaction.run(work)
            except ServiceError:
                self.journal.finish(operation, "void", Tally())
                raise
            if state == "applied":
                self._sweep(operation, tally)
        return tally

    def _in_steps(self, plan: Plan) -> Tally:
        """Make one chunk after the other; where the database refuses one, everything is put back."""
        operation = self.journal.begin(plan, self.store, {"mode": "steps", "lease": self._lease_owner})
        try:
            return self._make(operation)
        except ServiceError:
            self.take_back(operation)
            raise

    # --- again, and back ------------------------------------------------------------------------------------------

    def resume(self, operation: Document) -> Tally:
        """Make what a record says, from wherever it was left; what is done already is left as it is."""
        self.journal.note(operation, {"worker": self._worker()})
        return self._make(operation)

    def _make(self, operation: Document) -> Tally:
        tally = Tally()
        with Deferred(operation["_id"]) as signals:
            self._make_all(operation, self._watched(operation, signals), tally)
            self.journal.finish(operation, "applied", tally)
            self._sweep(operation, tally)
        return tally

    def _make_all(self, operation: Document, chunks: Iterable[Document], tally: Tally) -> None:
        """Make one chunk after the other, until an essential change can't be made."""
        for chunk in chunks:
            if not self._persistently(operation, changes.make, chunk, tally):
                return

    def _persistently(
        self, operation: Document, work: Callable[[Document, Store, Tally], Made], chunk: Document, tally: Tally
    ) -> Made:
        """Make or unmake a chunk, again where a connection breaks or the replica set gets another primary.

        This process may have been cut off for so long that another one took the operation over: that is looked at
        first. What the broken connection asked for may still be under way on the server: that is waited for. This is
        not for transactions, which the driver repeats as a whole.

        Raises:
            LeaseLost: another one did.
        """
        tries = count()
        connection = self.store.connection

        def before_again() -> None:
            self._check(operation)
            transactions.await_writes(connection, operation["_id"])

        def attempt() -> tuple[Made, Tally]:
            own = Tally(repeated=next(tries) > 0)
            return work(chunk, self.store, own), own

        found, own = persistently(attempt, connection.patience, before_again=before_again)
        tally.include(own)
        return found

    def take_back(self, operation: Document) -> Tally:
        """Put everything back as it was, projects first, the last change first; may be interrupted and done again."""
        self.journal.note(operation, {"state": "undoing", "worker": self._worker()})
        tally = Tally()
        with Deferred(operation["_id"]) as signals:
            for of_projects in (True, False):
                for chunk in self._watched(operation, signals, backwards=True):
                    if (chunk["kind"] == "project") is of_projects:
                        self._persistently(operation, changes.unmake, chunk, tally)
            self.journal.finish(operation, "undone", tally)
        return tally

    @property
    def _lease_owner(self) -> str | None:
        return self.lease.owner if self.lease is not None else None

    def _worker(self) -> Document:
        """Say who works on an operation from now on, so that others can tell whether it is under way."""
        return {**locks.process(), "lease": self._lease_owner}

    def _check(self, operation: Document) -> None:
        """Make sure that this process may go on with an operation.

        Raises:
            LeaseLost: another one took the lock, or the operation itself.
        """
        if self.lease is not None:
            self.lease.check()
        self.journal.check(operation)

    def _watched(self, operation: Document, signals: Deferred, *, backwards: bool = False) -> Iterable[Document]:
        """Stream the chunks; between two of them a signal or the loss of the lease stops the work."""
        done = 0
        for chunk in self.journal.chunks(operation, backwards=backwards):
            signals.check()
            self._check(operation)
            yield chunk
            done += changes.size(chunk)
            self.progress(min(done, operation["documents"]), operation["documents"])

    def _sweep(self, operation: Document, tally: Tally) -> None:
        """Take out what came into a removed project in the meantime, journalled like the rest; then end the record."""
        removed = [identifier for chunk in self.journal.chunks(operation) for identifier in changes.removed(chunk)]
        for start in range(0, len(removed), changes.ENTRIES):
            gone = self._gone(removed[start : start + changes.ENTRIES])
            for kind in ("task", "model") if gone else ():
                self._sweep_members(operation, kind, gone, tally)
        self.journal.finish(operation, "done", tally)

    def _gone(self, projects: Sequence[str]) -> list[str]:
        return persistently(lambda: changes.gone(projects, self.store), self.store.connection.patience)

    def _late(self, kind: str, projects: Sequence[str]) -> list[Document]:
        """Give the chunks for what is in these projects now."""
        leave: Document = {"$set": {"project": None}}
        inside = filters.in_projects(projects)
        return persistently(
            lambda: list(changes.member_chunks(kind, inside, leave, self.store)), self.store.connection.patience
        )

    def _sweep_members(self, operation: Document, kind: str, projects: Sequence[str], tally: Tally) -> None:
        while late := self._late(kind, projects):
            self._make_all(operation, self.journal.add(operation, late), tally)


def _removes(chunks: Iterable[Document]) -> bool:
    return any(changes.removed(chunk) for chunk in chunks)
