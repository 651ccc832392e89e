"""The lease: one change of structure at a time for each company, across hosts, by the database's clock."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from projects_cli.errors import LeaseLost, LockHeld, ProjectsError
from projects_cli.store.retries import persistently

if TYPE_CHECKING:
    from types import TracebackType

    from projects_cli.messages import Document
    from projects_cli.store.journal import JournalStore

TERM = 30.0
"""Seconds that a lease holds; it is renewed three times in that."""

POLL = 0.05
"""Seconds between two looks at a lease that somebody else holds, at first; they grow to a second."""


def here() -> str:
    """Give the name of this machine, as far as process ids reach: host, boot and pid namespace."""
    return "/".join([socket.gethostname(), _text("/proc/sys/kernel/random/boot_id"), _link("/proc/self/ns/pid")])


def born(pid: int) -> str | None:
    """Give when a living process started, in the kernel's count; None where there is none, or no way to tell.

    One that has ended and that nobody has waited for is dead.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return None if fields[0] in {b"Z", b"X"} else fields[19].decode()
    except (OSError, IndexError):
        return None


def process() -> Document:
    """Describe this process, so that another one can tell whether it lives."""
    return {"host": socket.gethostname(), "machine": here(), "pid": os.getpid(), "born": born(os.getpid())}


def is_dead(holder: Document) -> bool:
    """Tell whether a process is surely dead: it was on this machine, and is not there any longer."""
    if holder.get("machine") != here() or not Path("/proc/self/stat").exists():
        return False
    return born(int(holder["pid"])) != holder.get("born")


def is_this_one(holder: Document) -> bool:
    """Tell whether a process is the one that asks."""
    return all(holder.get(name) == value for name, value in process().items())


def key_of(database: str, company: str) -> str:
    """Give the name of the lease on a company's structure."""
    return f"{database}/{company}"


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""


class Lease:
    """A lease on one company's structure, held while a `with` lasts and renewed in the background."""

    def __init__(self, journal: JournalStore, key: str, owner: Document, wait: float) -> None:
        """`key` is what is locked; `owner` has `owner` (unique), who and where; `wait` is in seconds."""
        self._journal = journal
        self._key = key
        self._owner = owner
        self._wait = wait
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        """Take the lease, at once or when its holder gives it back.

        Raises:
            LockHeld: it did not, in time.
        """
        deadline = time.monotonic() + self._wait
        pause = POLL
        instead_of: str | None = None
        while (holder := self._take(instead_of)) is not None:
            instead_of = str(holder["owner"]) if is_dead(holder) else None
            if instead_of is not None:
                continue
            if time.monotonic() >= deadline:
                raise LockHeld(
                    f"another change is under way: {words(holder)}", hint="try again, or wait longer: --lock-wait 1m"
                )
            time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
            pause = min(1.0, pause * 1.5)
        threading.Thread(target=self._keep, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Give the lease back; where that fails it expires by itself, and what was done under it stays done."""
        self._stop.set()
        with suppress(ProjectsError):
            self._journal.release_lease(self._key, self.owner)

    @property
    def owner(self) -> str:
        """Give the word by which this holder is known."""
        return str(self._owner["owner"])

    def check(self) -> None:
        """Make sure that the lease is still held, and renew it; the database is asked, since clocks stop in sleep.

        Raises:
            LeaseLost: somebody else took it over.
        """
        if not persistently(lambda: self._journal.renew_lease(self._key, self.owner, TERM), self._journal.patience):
            raise LeaseLost("the lock was lost: it could not be renewed in time", hint="see: projects history")

    def _take(self, instead_of: str | None) -> Document | None:
        return persistently(
            lambda: self._journal.take_lease(self._key, self._owner, TERM, instead_of=instead_of),
            self._journal.patience,
        )

    def _keep(self) -> None:
        """Renew the lease until it is given back; a failure is tried again, a loss is found by `check`."""
        while not self._stop.wait(TERM / 3):
            with suppress(ProjectsError):
                self._journal.renew_lease(self._key, self.owner, TERM)


def words(holder: Document) -> str:
    """Say who holds a lease."""
    by, host, pid, command = (holder.get(name, "?") for name in ("by", "host", "pid", "command"))
    return f"{by} on {host}, pid {pid}: {command}"
