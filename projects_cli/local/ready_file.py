"""The ready file: which process serves a folder, which watches it, and the socket it listens on.

Lines of `name value`, written atomically. It is believed only as far as /proc confirms it.
"""

from __future__ import annotations

import os
import stat
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from projects_cli.private_files import replace
from projects_cli.process_identity import arguments, born

if TYPE_CHECKING:
    from projects_cli.local.paths import ServerPaths


@dataclass(frozen=True, slots=True)
class Server:
    """A server that accepts commands; start times are the kernel's, `started` is in seconds since 1970."""

    pid: int
    born: str | None
    watchdog: int
    watchdog_born: str | None
    socket: str
    started: float
    version: str


def write(paths: ServerPaths, server: Server) -> None:
    """Write the ready file of a server."""
    text = "".join(f"{name} {value}\n" for name, value in asdict(server).items())
    replace(paths.ready, text.encode(errors="surrogateescape"))


def running_server(paths: ServerPaths) -> Server | None:
    """Return the server that runs and is watched now, or None; costs a few reads of /proc.

    Of a folder that was copied or moved with its ready file, the process serves another folder.
    """
    try:
        lines = paths.ready.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        values = dict(line.split(" ", 1) for line in lines)
        server = Server(
            pid=int(values["pid"]),
            born=values["born"],
            watchdog=int(values["watchdog"]),
            watchdog_born=values["watchdog_born"],
            socket=values["socket"],
            started=float(values["started"]),
            version=values["version"],
        )
        socket = os.lstat(server.socket)
    except (OSError, ValueError, KeyError):
        return None
    alive = born(server.pid) == server.born and born(server.watchdog) == server.watchdog_born
    own_socket = stat.S_ISSOCK(socket.st_mode) and socket.st_uid == os.geteuid()
    return server if alive and own_socket and f"--dbpath={paths.data}" in arguments(server.pid) else None
