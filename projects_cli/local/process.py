"""Processes, as /proc shows them: is it still the one that was meant, and what does it run?

Without /proc (macOS) only the process id counts.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PROC = Path("/proc")
HAS_PROC = Path("/proc/self/stat").exists()

DEAD = frozenset("ZXx")
"""States of a process that has ended, though its parent may not have asked how."""


def born(pid: int) -> str:
    """Give when a living process started, in the kernel's own count; empty where there is none."""
    if not HAS_PROC:
        return "unknown" if _exists(pid) else ""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0].decode() in DEAD else fields[19].decode()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def arguments(pid: int) -> list[str]:
    """Give the command line of a process; empty where there is none."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return [os.fsdecode(part) for part in raw.split(b"\0")]


def find(wanted: Callable[[list[str]], bool]) -> int | None:
    """Give one of this user's processes whose command line is the wanted one."""
    for entry in PROC.iterdir() if HAS_PROC else ():
        if entry.name.isdecimal() and wanted(arguments(int(entry.name))) and _own(entry):
            return int(entry.name)
    return None


def _own(entry: Path) -> bool:
    try:
        return entry.stat().st_uid == os.geteuid()
    except OSError:
        return False


def end(pid: int, patience: float) -> None:
    """Ask a process to end, and make it end when it has not done so in time; return when it has."""
    birth = born(pid)
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, patience)):
        deadline = time.monotonic() + seconds
        _send(pid, number) if birth and born(pid) == birth else None
        while birth and born(pid) == birth and time.monotonic() < deadline:
            time.sleep(0.01)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
