"""The lease: the right to write, for a limited time by the database's clock.

Changes of structure share one lease for each company, so only one of them runs at a time, across hosts. Every other
change has a lease of its own. The end of the lease is the fence of each write: see `store.collections.Guard`.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from projects_cli.errors import LeaseLost, LockHeld, ProjectsError
from projects_cli.process_identity import is_dead
from projects_cli.store.collections import Guard, LeaseId
from projects_cli.store.journal import Term

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

    from projects_cli.messages import Document
    from projects_cli.store.journal import JournalStore

TERM = 30.0
"""Seconds that a lease lasts; it is renewed three times in that time."""

MARGIN = 5.0
"""Seconds after its end before another process takes a lease.

The members of a replica set have clocks of their own. After a failover the new primary's clock may not have reached the
end of a lease that the old one's had passed; the doctor warns of clocks that differ by more.
"""

POLL, LONGEST_POLL = 0.05, 0.25
"""Seconds between two attempts to take a lease that is held, at first and at most: many changes are over sooner."""


def key_of(database: str, company: str, operation: str | None = None) -> str:
    """Return the key of the lease on a company's structure, or of a single operation's own."""
    return f"{database}/{company}" + ("" if operation is None else f"/{operation}")


class Lease:
    """A lease that is held for as long as a `with` block lasts, and renewed in the background."""

    def __init__(self, journal: JournalStore, key: str, holder: Document, wait: float, *, shared: bool = True) -> None:
        """`holder` is stored: `owner` (a unique word), user, command and process. `wait` is in seconds."""
        self._journal = journal
        self.key = key
        self.owner = str(holder["owner"])
        self._holder = holder
        self._wait = wait
        self._shared = shared
        self._stop = threading.Event()
        self.deadline: datetime | None = None

    def __enter__(self) -> Self:
        """Take the lease, at once or when its holder frees it.

        Raises:
            LockHeld: it is still held after the time to wait.
        """
        deadline = time.monotonic() + self._wait
        pause = POLL
        instead_of: str | None = None
        while True:
            term = self._journal.take_lease(self.key, self._holder, TERM, MARGIN, instead_of=instead_of)
            if isinstance(term, Term):
                break
            # A killed process would block all others until its lease ends. It is named in the filter of the next
            # attempt, so that a third process which was faster keeps the lease.
            if instead_of is None and is_dead(term):
                instead_of = str(term.get("owner"))
                continue
            instead_of = None
            if time.monotonic() >= deadline:
                raise LockHeld(
                    f"another change is running: {describe_holder(term)}",
                    hint="try again, or wait longer: --lock-wait 1m",
                )
            time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
            pause = min(LONGEST_POLL, pause * 1.5)
        self.deadline = term.expires
        # A daemon: a renewal that waits for a server must not keep the process from ending.
        threading.Thread(target=self._keep, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Free the lease. If that fails it ends by itself, and what was done under it stays done."""
        self._stop.set()
        with suppress(ProjectsError):
            self._journal.release_lease(self.key, self.owner, shared=self._shared)

    def guard(self, operation: str) -> Guard:
        """Return the fence for the next write of an operation."""
        return Guard(operation, self.deadline, LeaseId(self._journal.name, self.key, self.owner))

    def is_before(self, deadline: datetime | None) -> bool:
        """Return whether the server's clock has not reached a deadline."""
        if deadline is None:
            return True
        return self._journal.is_before(self.key, deadline)

    def check(self) -> None:
        """Renew the lease. Only the database knows its state, since this process may have been suspended.

        Raises:
            LeaseLost: another process took it.
        """
        term = self._journal.renew_lease(self.key, self.owner, TERM)
        if term is None:
            raise LeaseLost("the lease was lost: it was not renewed in time", hint="see: projects history")
        self.deadline = term.expires

    def _keep(self) -> None:
        """Renew the lease until it is freed. A failure is retried; a loss is noticed by `check`."""
        while not self._stop.wait(TERM / 3):
            with suppress(ProjectsError):
                term = self._journal.renew_lease(self.key, self.owner, TERM)
                if term is not None:
                    self.deadline = term.expires


def describe_holder(holder: Document) -> str:
    """Return the holder of a lease in words."""
    by, host, pid, command = (holder.get(name, "?") for name in ("by", "host", "pid", "command"))
    return f"{by} on {host}, pid {pid}: {command}"
