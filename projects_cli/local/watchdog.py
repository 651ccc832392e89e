"""The watcher: a small process that owns the private mongod, and stops it when nobody has used it for a while.

Run as a file (`python -I -S watch.py FOLDER start MONGOD…` or `… FOLDER adopt PID`), so it imports nothing of the
project. The file `in-use` says all about use: its lock, which every command shares while it runs; its access time,
when it was last used; its modification time, when the server may stop.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from pathlib import Path

ANOTHER = 75
"""Exit status where another watcher is at work."""

NOT_RUN = 126
"""Exit status where the system refused to run the file; the reason is on standard error."""

LOOK_EVERY = 15.0
"""Seconds between two looks at most: how late the end of a long command may be noticed."""

LOOK_AT_ADOPTED = 0.2
"""Seconds between two looks at a server that is no child: its end sends no signal."""

CLAIMS = 100
"""Times, 10 ms apart, to ask for the watcher's lock: a predecessor may be about to leave."""

PATIENCE = 60.0
"""Seconds for mongod to stop, before it is killed."""

SIGNALS = frozenset({signal.SIGCHLD, signal.SIGTERM})


class Watch:
    """One mongod, and the folder that it serves."""

    def __init__(self, folder: Path, pid: int, *, adopted: bool) -> None:
        """Watch the process `pid`, a child of this process or not."""
        self.pid = pid
        self.status = 0
        self._folder = folder
        self._adopted = adopted
        self._gone = False
        self._in_use = os.open(folder / "in-use", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)

    def run(self) -> None:
        """Return when mongod has ended, by itself or for idleness."""
        while not self._ended():
            if self._may_stop():
                self._stop()
                return
            self._wait(max(0.05, min(LOOK_EVERY, self._seconds_left())))

    def _may_stop(self) -> bool:
        """Tell whether nobody uses the server and its time is over; then the lock is kept, so that nobody can."""
        if self._folder_is_gone():
            return True
        try:
            fcntl.flock(self._in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._used_now()
            return False
        if self._seconds_left() <= 0:
            return True
        fcntl.flock(self._in_use, fcntl.LOCK_UN)
        return False

    def _folder_is_gone(self) -> bool:
        """Tell whether somebody removed the folder: nobody will come back to this server."""
        try:
            return not os.path.samestat((self._folder / "in-use").stat(), os.fstat(self._in_use))
        except FileNotFoundError:
            return True

    def _seconds_left(self) -> float:
        return os.fstat(self._in_use).st_mtime - time.time()

    def _used_now(self) -> None:
        """Count the idle time from now on: a command still runs."""
        found, now = os.fstat(self._in_use), time.time()
        os.utime(self._in_use, (now, now + found.st_mtime - found.st_atime))

    def _stop(self) -> None:
        deadline = time.monotonic() + PATIENCE
        self._send(signal.SIGTERM)
        while not self._ended():
            if time.monotonic() > deadline:
                self._send(signal.SIGKILL)
            self._wait(LOOK_AT_ADOPTED)

    def _wait(self, seconds: float) -> None:
        """Sleep until mongod ends or the time is over; who ends the watcher ends mongod."""
        found = signal.sigtimedwait(SIGNALS, min(seconds, LOOK_AT_ADOPTED) if self._adopted else seconds)
        if found is not None and found.si_signo == signal.SIGTERM:
            self._send(signal.SIGTERM)

    def _send(self, number: signal.Signals) -> None:
        if not self._ended():
            os.kill(self.pid, number)

    def _ended(self) -> bool:
        if self._adopted:
            return not serves(self.pid, self._folder)
        if not self._gone:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._gone = pid != 0
            self.status = os.waitstatus_to_exitcode(status) if self._gone else 0
        return self._gone


def serves(pid: int, folder: Path) -> bool:
    """Tell whether a living process is a mongod of the folder (a dead one has no command line)."""
    try:
        return os.fsencode(f"--dbpath={folder / 'data'}") in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def main(arguments: list[str]) -> int:
    """Start or adopt a mongod and stay until it has ended; gives its exit status."""
    folder, action, rest = Path(arguments[0]), arguments[1], arguments[2:]
    os.chdir("/")
    os.umask(0o077)
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    if not _claim(folder):
        return ANOTHER
    adopted = action == "adopt"
    try:
        pid = int(rest[0]) if adopted else os.posix_spawn(rest[0], rest, os.environ, setsigmask=())
    except OSError as error:
        os.write(2, f"{rest[0]}: {error.strerror}\n".encode(errors="surrogateescape"))
        return NOT_RUN
    watch = Watch(folder, pid, adopted=adopted)
    watch.run()
    _withdraw(folder, pid)
    return watch.status if watch.status >= 0 else 128 - watch.status


def _claim(folder: Path) -> bool:
    """Become the folder's only watcher; the lock lasts as long as this process."""
    handle = os.open(folder / "watcher", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    for _ in range(CLAIMS):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            os.truncate(handle, 0)
            os.write(handle, str(os.getpid()).encode())
            return True
    return False


def _withdraw(folder: Path, pid: int) -> None:
    """Remove the ready file, if it is about the server that has ended."""
    ready = folder / "ready"
    try:
        if ready.read_bytes().startswith(b"pid %d\n" % pid):
            ready.unlink()
    except OSError:
        return


if __name__ == "__main__":
    if os.getpgrp() != os.getpid():
        os.setsid()  # no terminal's Ctrl-C or hang-up reaches it
    sys.exit(main(sys.argv[1:]))
