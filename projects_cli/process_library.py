"""Processes of systems without /proc (macOS, Windows), by psutil; `proc_filesystem.py` has the same functions."""

from __future__ import annotations

from functools import cache

import psutil


@cache
def boot() -> str:
    """Return when the system started, in seconds since 1970.

    Read once: macOS moves this time with the clock, and a process must not become another one by that. A process with
    another time counts as one of another machine, so it counts as alive.
    """
    return str(int(psutil.boot_time()))


def namespace() -> str:
    """Return the range in which process ids are unique: the host, because other systems have no namespaces."""
    return "host"


def start_time(pid: int) -> str | None:
    """Return when a process started, in seconds since 1970; None if it is dead or cannot be seen.

    A process that has ended but was not waited for is dead.
    """
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else repr(process.create_time())
    except psutil.Error:
        return None


def exists(pid: int) -> bool:
    """Return whether there is a process, also if this user may not see it."""
    return psutil.pid_exists(pid)  # on Windows `os.kill` with any number would do more than ask


def is_visible(pid: int) -> bool:
    """Return whether this user may see a process."""
    try:
        psutil.Process(pid).create_time()
    except psutil.Error:
        return False
    return True


def arguments(pid: int) -> list[str]:
    """Return the command line of a process; empty if it is dead or cannot be seen."""
    try:
        return psutil.Process(pid).cmdline()
    except psutil.Error:
        return []
