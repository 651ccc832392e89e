"""The ready file: which process serves a folder, which watches it, and the socket it listens on.

One value a line, written atomically. It is believed only as far as the system's list of processes confirms it.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from projects_cli.private_files import replace
from projects_cli.process_identity import arguments, born

if TYPE_CHECKING:
    from projects_cli.local.paths import ServerPaths


class Server(NamedTuple):
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
    replace(paths.ready, "\n".join(map(str, server)).encode(errors="surrogateescape"))


def running_server(paths: ServerPaths) -> Server | None:
    """Return the server that runs and is watched now, or None; on Linux that costs a few reads of /proc.

    Of a folder that was copied or moved with its ready file, the process serves another folder.
    """
    try:
        lines = paths.ready.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
        pid, birth, watchdog, watchdog_birth, socket, started, version = lines
        server = Server(int(pid), birth, int(watchdog), watchdog_birth, socket, float(started), version)
        # A server whose socket was removed cannot be reached: it counts as not running.
        information = os.lstat(socket)
    except (OSError, ValueError):
        return None
    # Both have to live: without its watchdog a server would never stop.
    alive = born(server.pid) == birth and born(server.watchdog) == watchdog_birth
    own_socket = stat.S_ISSOCK(information.st_mode) and information.st_uid == os.geteuid()
    return server if alive and own_socket and f"--dbpath={paths.data}" in arguments(server.pid) else None
