"""Which process holds a lease or works on an operation, and whether it is certainly dead."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projects_cli.messages import Document


def machine() -> str:
    """Return a name for the range in which process ids are unique: host, boot and pid namespace."""
    return "/".join([socket.gethostname(), _text("/proc/sys/kernel/random/boot_id"), _link("/proc/self/ns/pid")])


def born(pid: int) -> str | None:
    """Return when a process started, in the kernel's count; None if it is dead, or can't be seen.

    A process that has ended and was not waited for yet is dead.
    """
    try:
        values = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return None if values[0] in {b"Z", b"X"} else values[19].decode()
    except (OSError, IndexError):
        return None


def process() -> Document:
    """Return this process's identity, from which another process can see whether it is alive."""
    return {"host": socket.gethostname(), "machine": machine(), "pid": os.getpid(), "born": born(os.getpid())}


def is_dead(holder: Mapping[str, object]) -> bool:
    """Return whether a process is certainly dead: it was on this machine, and does not exist any more.

    A process that can't be seen may still live: with `hidepid`, /proc hides the processes of other users. The kernel
    knows of each process id whether it exists; only /proc distinguishes an old process from a new one.
    """
    pid = holder.get("pid")
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
    return born(pid) != holder.get("born")


def is_this_process(holder: Mapping[str, object]) -> bool:
    """Return whether a process is the one that asks."""
    return all(holder.get(name) == value for name, value in process().items())


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
