"""The door of this room: one object through which a run makes, finishes and takes back changes."""

from __future__ import annotations

import secrets
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from projects_cli.errors import ChangedMeanwhile, UsageError
from projects_cli.safety import locks
from projects_cli.safety.engine import SMALL, Engine
from projects_cli.safety.journal import Author, Journal, MemoryStore
from projects_cli.safety.operations import Operations

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from projects_cli.messages import Document, Outcome, Plan, Response
    from projects_cli.safety.engine import Progress
    from projects_cli.safety.locks import Lease
    from projects_cli.store.collections import Store
    from projects_cli.store.journal import JournalStore

TRIES = 10
"""How often a change is computed from what is stored, where others change that at the same time."""


@dataclass(frozen=True, slots=True)
class Safety:
    """What a run needs to change anything; `stored` is None for `--no-journal`, which has no lock and no undo."""

    store: Store
    stored: JournalStore | None
    author: Author
    database: str
    clock: Callable[[], datetime]
    lock_wait: float
    progress: Progress
    small: int = SMALL

    def apply(self, plan: Plan, again: Callable[[], Plan]) -> tuple[Response, Outcome]:
        """Make a change; one of structure alone, planned `again` once nobody else can change the structure.

        Raises:
            ChangedMeanwhile: it would do something else than what the person agreed to.
            LockHeld, ServiceError, Interrupted: see `Lease` and `Engine.apply`.
        """
        if not plan.structural:
            return self._applied(self._engine(None), plan, again)
        with self._lease() as lease:
            fresh = again() if lease is not None else plan
            if plan.question != "none" and _touched(fresh) != _touched(plan):
                raise ChangedMeanwhile(f"{plan.summary}: what it would change is not the same any longer")
            return self._applied(self._engine(lease), fresh, again)

    def _applied(self, engine: Engine, plan: Plan, again: Callable[[], Plan]) -> tuple[Response, Outcome]:
        """Make a change; a computed one is planned `again` as often as somebody else is faster, up to a limit."""
        for _ in range(TRIES):
            response, outcome = engine.apply(plan)
            if not plan.computed or outcome.changed:
                return response, outcome
            plan = again()
        raise ChangedMeanwhile(f"{plan.summary}: somebody else changes the same all the time")

    def resume(self, identifier: str | None) -> Response:
        """Finish an interrupted operation."""
        with self._lease() as lease:
            return self.operations.resume(identifier, self._engine(lease))

    def undo(self, identifier: str | None) -> Response:
        """Take an operation back."""
        with self._lease() as lease:
            return self.operations.undo(identifier, self._engine(lease))

    @property
    def operations(self) -> Operations:
        """Give what the journal knows.

        Raises:
            UsageError: there is no journal.
        """
        if self.stored is None:
            raise UsageError("there is no journal with --no-journal")
        return Operations(self.stored, self.store, self.database, self.clock)

    def _engine(self, lease: Lease | None) -> Engine:
        journal = Journal(self.stored or MemoryStore(), self.author, self.database, self.clock)
        return Engine(self.store, journal, self.progress, lease, self.small)

    def _lease(self) -> AbstractContextManager[Lease | None]:
        if self.stored is None:
            return nullcontext()
        owner: Document = {
            "owner": secrets.token_hex(16),
            "by": self.author.by,
            "command": self.author.command,
            **locks.process(),
        }
        return locks.Lease(self.stored, locks.key_of(self.database, self.store.company), owner, self.lock_wait)


def _touched(plan: Plan) -> object:
    return dict(plan.counts), {sample.id for sample in plan.samples}
