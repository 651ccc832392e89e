"""Processes as Linux shows them in /proc; `process_library.py` has the same functions for other systems."""

from __future__ import annotations

import os
from pathlib import Path


def boot() -> str:
    """Return the identity of the running kernel, a UUID; empty if it cannot be read."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def namespace() -> str:
    """Return the range in which process ids are unique: this container's, or the host's; empty if unknown."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def start_time(pid: int) -> str | None:
    """Return when a process started, in the kernel's clock ticks since boot; None if it is dead or cannot be seen.

    A process that has ended but was not waited for (states Z and X) is dead.
    """
    try:
        # The second field is the program's name in parentheses, which may contain spaces and parentheses itself.
        values = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return None if values[0] in {b"Z", b"X", b"x"} else values[19].decode()
    except (OSError, IndexError):
        return None


def exists(pid: int) -> bool:
    """Return whether there is a process, also if this user may not see it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def is_visible(pid: int) -> bool:
    """Return whether this user may see a process: with `hidepid`, /proc hides those of other users."""
    return Path(f"/proc/{pid}/stat").exists()


def arguments(pid: int) -> list[str]:
    """Return the command line of a process; empty if it is dead or cannot be seen."""
    try:
        return [os.fsdecode(part) for part in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]
    except OSError:
        return []
