"""The watchdog: a small process that runs the private mongod, and stops it when no command has used it for a while.

It is run as a file (`python -I -S watchdog.py FOLDER MONGOD OPTION…`) and imports nothing of the project. Its standard
input is the locked file `running`, which mongod inherits: the lock lasts until both have ended, however they end.

The file `in-use` records all use: each command shares its lock while it runs, its access time is the last use, and its
modification time is when the server may stop.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys
import time
from pathlib import Path

NOT_RUN = 126
"""Exit status if the system refused to run mongod; the reason is on standard error."""

CHECK_INTERVAL = 15.0
"""Seconds between two checks at most: how late the end of a long command may be noticed."""

STOP_TIMEOUT = 60.0
"""Seconds for mongod to stop before it is killed."""

SIGNALS = frozenset({signal.SIGCHLD, signal.SIGTERM})


class Signals:
    """The signals of this process, in a pipe: none is lost between two checks, and macOS has no `sigtimedwait`."""

    def __init__(self) -> None:
        """Have the numbers of `SIGNALS` written into the pipe from now on."""
        self._read, write = os.pipe()
        for descriptor in (self._read, write):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in SIGNALS:
            # A handler is required; without one Python does not write the number.
            signal.signal(number, lambda *_: None)

    def wait(self, seconds: float) -> bytes:
        """Return the numbers of the signals that have arrived; wait at most `seconds` for the first."""
        ready, _, _ = select.select([self._read], [], [], seconds)
        return os.read(self._read, 100) if ready else b""


class Watchdog:
    """One mongod, a child of this process, and the folder that it serves."""

    def __init__(self, folder: Path, pid: int, signals: Signals) -> None:
        """Watch the child `pid`."""
        self.pid = pid
        self._signals = signals
        self.status: int | None = None
        self._folder = folder
        self._in_use = os.open(folder / "in-use", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)

    def run(self) -> int:
        """Wait until mongod has ended, by itself or because it was idle; return its exit status."""
        while not self._ended():
            if self._may_stop():
                self._stop()
                break
            self._wait(max(0.05, min(CHECK_INTERVAL, self._seconds_left())))
        return self.status or 0

    def _may_stop(self) -> bool:
        """Return whether the server is unused and its time is over; the lock is then kept, so that it stays unused."""
        try:
            if not os.path.samestat((self._folder / "in-use").stat(), os.fstat(self._in_use)):
                return True  # another folder is at this path now: no command will reach this server again
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(self._in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # a command runs: its idle time begins anew
            times, now = os.fstat(self._in_use), time.time()
            os.utime(self._in_use, (now, now + times.st_mtime - times.st_atime))
            return False
        if self._seconds_left() <= 0:
            return True
        fcntl.flock(self._in_use, fcntl.LOCK_UN)
        return False

    def _seconds_left(self) -> float:
        return os.fstat(self._in_use).st_mtime - time.time()

    def _stop(self) -> None:
        deadline = time.monotonic() + STOP_TIMEOUT
        os.kill(self.pid, signal.SIGTERM)
        while not self._ended():
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
            self._wait(0.2)

    def _wait(self, seconds: float) -> None:
        """Sleep until mongod ends or the time is over; a signal that ends the watchdog ends mongod first."""
        if signal.SIGTERM in self._signals.wait(seconds) and not self._ended():
            os.kill(self.pid, signal.SIGTERM)

    def _ended(self) -> bool:
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
        return self.status is not None


def main(folder: str, *command: str) -> int:
    """Run mongod and stay until it has ended; return its exit status, as a shell counts it."""
    if os.getpgrp() != os.getpid():
        os.setsid()  # a terminal's Ctrl-C or hang-up must not reach it
    # It must not keep the user's folder busy.
    os.chdir("/")
    os.umask(0o077)
    signals = Signals()
    try:
        pid = os.posix_spawn(command[0], command, os.environ, setsigmask=())
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode(errors="surrogateescape"))
        return NOT_RUN
    # Only now: the starting process reads the id from the lock file.
    os.pwrite(0, str(pid).encode(), 0)
    status = Watchdog(Path(folder), pid, signals).run()
    # A negative status is the number of the signal that ended mongod.
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
