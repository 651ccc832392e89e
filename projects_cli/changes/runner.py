"""The entry point of this package: one object through which a run makes, resumes and undoes changes."""

from __future__ import annotations

import gc
import secrets
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from projects_cli import process_identity
from projects_cli.changes.engine import SMALL, Engine
from projects_cli.changes.history import Operations
from projects_cli.changes.journal import Author, Journal, MemoryStore
from projects_cli.changes.lease import Lease, key_of
from projects_cli.changes.undo import Undo
from projects_cli.errors import ChangedMeanwhile, UsageError
from projects_cli.messages import NO_OUTCOME, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime

    from projects_cli.changes.engine import Progress
    from projects_cli.messages import Document, Outcome, Plan, Step
    from projects_cli.store.collections import Store
    from projects_cli.store.journal import JournalStore

TRIES = 10
"""How often a change is computed from what is stored, if others change that at the same time."""

COLLECT_AFTER = 1_000_000
"""New objects before the garbage collector runs during a change: a run of it looks through the whole plan, in vain."""


class Planner(Protocol):
    """A change of documents as a value. It is planned again once no other change can run."""

    def plan(self, store: Store) -> Plan[Step]:
        """Check the change against what is stored, and return its plan; nothing is written."""


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let the garbage collector run less often, but only meanwhile: a batch leaves cycles with each of its lines."""
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@dataclass(frozen=True, slots=True)
class Runner:
    """What a run needs to change anything; `stored` is None for `--no-journal`, which has no lease and no undo."""

    store: Store
    stored: JournalStore | None
    author: Author
    database: str
    clock: Callable[[], datetime]
    lock_wait: float
    progress: Progress
    small: int = SMALL

    @_rare_collections()
    def apply(
        self,
        planner: Planner,
        plan: Plan[Step],
        *,
        max_delete: int | None = None,
        already: int = 0,
        begin: Callable[[Plan[Step]], None] | None = None,
    ) -> tuple[Response, Outcome]:
        """Make a change. A change of structure is planned again once no other one can run.

        A computed one is planned again as often as another process is faster, up to a limit. What a user
        agreed to are the projects; how many tasks they hold may differ, since a server creates tasks at any time.
        `max_delete` limits how many projects are removed, with those that the run has
        removed `already`. `begin` is called with the plan that is going to be applied, before the first write.

        Raises:
            ChangedMeanwhile: it would change other projects than those that the user agreed to, or others keep
                changing what it was computed from.
            OverMaxDelete: it would remove too many projects by now.
            LockHeld, ServiceError, Interrupted: see `Lease` and `Engine.apply`.
        """
        with self._lease(shared=plan.structural) as lease:
            if lease is not None:
                self.operations.settle()
            engine, fresh = self._engine(lease), plan
            for attempt in range(TRIES):
                if attempt or (lease is not None and plan.structural):
                    fresh = self.store.connection.retry(lambda: planner.plan(self.store))
                    fresh.check_max_delete(max_delete, already)
                if plan.agreed and {sample.id for sample in fresh.samples} != {sample.id for sample in plan.samples}:
                    raise ChangedMeanwhile(
                        f"{plan.summary}: the projects that it would change are not the same any more"
                    )
                if begin is not None:
                    begin(fresh)
                # Without steps another process has just made the same change.
                outcome = engine.apply(fresh) if fresh.steps else NO_OUTCOME
                if not fresh.steps or not fresh.computed or outcome.changed:
                    return Response(fresh.endpoint, fresh.data(outcome), skipped=outcome.skipped), outcome
        raise ChangedMeanwhile(f"{plan.summary}: another process keeps changing the same")

    def resume(self, identifier: str | None) -> Response:
        """Finish an interrupted operation, or all those of a run."""
        with self._lease(shared=True) as lease:
            self.operations.settle()
            return self.undoing.resume(identifier, self._engine(lease))

    def undo(self, identifier: str | None, *, all_or_nothing: bool = False) -> Response:
        """Undo an operation or a run by its id, or the caller's newest run."""
        with self._lease(shared=True) as lease:
            self.operations.settle()
            return self.undoing.undo(identifier, self._engine(lease), all_or_nothing=all_or_nothing)

    def redo(self, identifier: str | None) -> Response:
        """Do an undone operation or run again, by its id, or what the caller undid last."""
        with self._lease(shared=True) as lease:
            self.operations.settle()
            return self.undoing.redo(identifier, self._engine(lease))

    @property
    def undoing(self) -> Undo:
        """Return what undoes, redoes and resumes operations.

        Raises:
            UsageError: there is no journal.
        """
        return Undo(self.operations)

    @property
    def operations(self) -> Operations:
        """Return what the journal knows.

        Raises:
            UsageError: there is no journal.
        """
        if self.stored is None:
            raise UsageError("there is no journal with --no-journal")
        return Operations(self.stored, self.store, self.database, self.author.by)

    def _engine(self, lease: Lease | None) -> Engine:
        journal = Journal(self.stored or MemoryStore(), self.author, self.database)
        return Engine(self.store, journal, self.progress, lease, self.small)

    def _lease(self, *, shared: bool) -> AbstractContextManager[Lease | None]:
        """Return the lease to hold: the company's shared one, or one for this change alone."""
        if self.stored is None:
            return nullcontext()
        owner = secrets.token_hex(16)
        holder: Document = {
            "owner": owner,
            "by": self.author.by,
            "command": self.author.command,
            **process_identity.process(),
        }
        key = key_of(self.database, self.store.company, None if shared else owner)
        return Lease(self.stored, key, holder, self.lock_wait, shared=shared)
