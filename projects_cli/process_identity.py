"""Processes: the identity of one that holds a lease, a lock or a server, whether it still lives, and how to end it.

A process id alone is not an identity, since the kernel uses it again: the start time from /proc is the other half.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projects_cli.messages import Document


def machine() -> str:
    """Return a name for the range in which process ids are unique: host, boot and pid namespace."""
    import socket  # a command that uses a running private server needs only the functions below

    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        boot = ""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return f"{socket.gethostname()}/{boot}/{namespace}"


def born(pid: int) -> str | None:
    """Return when a process started, in the kernel's clock ticks since boot; None if it is dead or cannot be seen.

    A process that has ended but was not waited for (states Z and X) is dead.
    """
    try:
        # The second field is the program's name in parentheses, which may contain spaces and parentheses itself.
        values = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return None if values[0] in {b"Z", b"X", b"x"} else values[19].decode()
    except (OSError, IndexError):
        return None


def process() -> Document:
    """Return this process's identity, from which another process can see whether it is alive."""
    # A process id of another host or container means nothing here.
    name = machine()
    return {"host": name.partition("/")[0], "machine": name, "pid": os.getpid(), "born": born(os.getpid())}


def is_dead(holder: Mapping[str, object]) -> bool:
    """Return whether a process is certainly dead: it was on this machine, and does not exist any more.

    A process that cannot be seen may still live: with `hidepid`, /proc hides the processes of other users. The kernel
    knows of each process id whether it exists; only /proc distinguishes an old process from a new one.
    """
    pid = holder.get("pid")
    # When in doubt a process lives: a lease of a living one must not be taken.
    if not isinstance(pid, int) or pid <= 0 or holder.get("machine") != machine() or "//" in machine():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    if not Path(f"/proc/{pid}/stat").exists():
        return False
    # The process exists and can be seen: the start time decides whether it is the same.
    return born(pid) != holder.get("born")


def is_this_process(holder: Mapping[str, object]) -> bool:
    """Return whether an identity is that of this process."""
    return all(holder.get(name) == value for name, value in process().items())


def arguments(pid: int) -> list[str]:
    """Return the command line of a process; empty if it is dead or cannot be seen."""
    try:
        return [os.fsdecode(part) for part in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]
    except OSError:
        return []


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
