"""Processes: the identity of one that holds a lease, a lock or a server, whether it still lives, and how to end it.

A process id alone is not an identity, since the kernel uses it again: its start time is the other half.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

if sys.platform == "linux":
    from projects_cli import proc_filesystem as processes
else:
    from projects_cli import process_library as processes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from projects_cli.messages import Document


def machine() -> str:
    """Return a name for the range in which process ids are unique: host, boot and pid namespace."""
    import socket  # a command that uses a running private server needs only the functions below

    return f"{socket.gethostname()}/{processes.boot()}/{processes.namespace()}"


def dated_id(time: datetime) -> str:
    """Return an id that sorts by a time and that hardly another process has: 20260131-235959-999abcd."""
    import secrets  # only changes and logs have such ids

    return f"{time:%Y%m%d-%H%M%S}-{time.microsecond // 1000:03}{secrets.token_hex(2)}"


def born(pid: int) -> str | None:
    """Return when a process started, in the system's own unit; None if it is dead or cannot be seen."""
    return processes.start_time(pid)


def process() -> Document:
    """Return this process's identity, from which another process can see whether it is alive."""
    # A process id of another host or container means nothing here.
    name = machine()
    return {"host": name.partition("/")[0], "machine": name, "pid": os.getpid(), "born": born(os.getpid())}


def is_dead(holder: Mapping[str, object]) -> bool:
    """Return whether a process is certainly dead: it was on this machine, and does not exist any more.

    A process that cannot be seen may still live. The kernel knows of each process id whether it exists; only the start
    time distinguishes an old process from a new one.
    """
    pid = holder.get("pid")
    # When in doubt a process lives: a lease of a living one must not be taken.
    if not isinstance(pid, int) or pid <= 0 or holder.get("machine") != machine() or "//" in machine():
        return False
    if not processes.exists(pid):
        return True
    if not processes.is_visible(pid):
        return False
    # The process exists and can be seen: the start time decides whether it is the same.
    return born(pid) != holder.get("born")


def is_this_process(holder: Mapping[str, object]) -> bool:
    """Return whether an identity is that of this process."""
    return all(holder.get(name) == value for name, value in process().items())


def arguments(pid: int) -> list[str]:
    """Return the command line of a process; empty if it is dead or cannot be seen."""
    return processes.arguments(pid)


def end(pid: int, timeout: float) -> None:
    """Send SIGTERM to a process, and SIGKILL if it still lives after `timeout` seconds; return when it is dead."""
    # Compared again before each signal: the id may belong to another process by then.
    start_time = born(pid)
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + timeout
        if start_time is None or born(pid) != start_time:
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        while born(pid) == start_time and time.monotonic() < deadline:
            time.sleep(0.01)
