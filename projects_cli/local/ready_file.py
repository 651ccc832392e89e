"""The ready file: which process serves a folder, who watches it, and where it listens.

Lines of `name value`, written whole or not at all. It is believed only as far as /proc confirms it.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from projects_cli.local import process
from projects_cli.private_files import replace

if TYPE_CHECKING:
    from projects_cli.local.paths import Place

WATCHER = "/watch.py"
"""The end of the program's path in a watcher's command line."""


@dataclass(frozen=True, slots=True)
class Record:
    """A server that takes commands; times of birth are the kernel's, `started` is seconds since 1970."""

    pid: int
    born: str
    watcher: int
    watcher_born: str
    socket: str
    started: float
    version: str

    def text(self) -> str:
        """Give the file's text; the watcher knows its own server by the first line."""
        return "".join(f"{field.name} {getattr(self, field.name)}\n" for field in fields(self))


def write(place: Place, record: Record) -> None:
    """Put the record in its place at once, so that nobody reads half of it."""
    replace(place.ready, record.text().encode(errors="surrogateescape"))


def read(place: Place) -> Record | None:
    """Give what the ready file says, or None where it says nothing that can be understood."""
    try:
        lines = place.ready.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        found = dict(line.split(" ", 1) for line in lines)
        return Record(
            pid=int(found["pid"]),
            born=found["born"],
            watcher=int(found["watcher"]),
            watcher_born=found["watcher_born"],
            socket=found["socket"],
            started=float(found["started"]),
            version=found["version"],
        )
    except (FileNotFoundError, ValueError, KeyError):
        return None


def current(place: Place) -> Record | None:
    """Give the record of a server that runs and is watched now, or None; costs a few reads of /proc."""
    record = read(place)
    if record is None or not serves(place, record):
        return None
    return record if process.born(record.watcher) == record.watcher_born else None


def serves(place: Place, record: Record) -> bool:
    """Tell whether the recorded process lives, is a mongod of this folder, and listens on a socket of ours."""
    alive = process.born(record.pid) == record.born
    return alive and is_server_of(place, record.pid) and _is_own_socket(Path(record.socket))


def is_server_of(place: Place, pid: int) -> bool:
    """Tell whether a process is a mongod on this folder's data."""
    return not process.HAS_PROC or serves_data(process.arguments(pid), place.data)


def serves_data(arguments: list[str], data: Path) -> bool:
    """Tell whether a command line is that of a mongod on this data (its watcher's line ends with the same words)."""
    return f"--dbpath={data}" in arguments and not any(word.endswith(WATCHER) for word in arguments[:5])


def _is_own_socket(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISSOCK(found.st_mode) and found.st_uid == os.geteuid()
