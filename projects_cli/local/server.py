"""The private server as commands use it: started when needed, stopped, described, reset.

Every command calls `ensure`. It shares a lock for its whole life *before* it checks whether a server runs, so it cannot
meet one that is about to stop. If one runs, nothing else happens.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from projects_cli.config.connection import socket_uri
from projects_cli.errors import NoPrivateServer
from projects_cli.local.paths import make_private, server_paths
from projects_cli.local.ready_file import running_server
from projects_cli.private_files import lock, open_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projects_cli.config.settings import Settings
    from projects_cli.local.paths import ServerPaths

LOCK_TIMEOUT = 90.0
"""Seconds to wait for another command that starts or stops the server; either takes less."""

_in_use: dict[Path, int] = {}
"""The descriptor of the locked file `in-use` of each folder that this process uses, until it ends."""


def ensure(settings: Settings) -> str:
    """Return the URI of the private server, which runs from now on until this process ends.

    Raises:
        NoPrivateServer: there is no mongod, it does not start, or its folder cannot be used.
    """
    paths = server_paths(settings)
    with _translated(paths):
        make_private(paths.folder)
        _share_use(paths, settings.local_idle)
        server = running_server(paths)
        if server is None:
            from projects_cli.local import lifecycle  # a running server is used without it

            with _starting(paths):
                # Another command may have started the server while this one waited for the lock.
                server = running_server(paths) or lifecycle.start(paths, settings)
    return socket_uri(Path(server.socket))


def _share_use(paths: ServerPaths, idle: float) -> None:
    """Share the lock that keeps the server from stopping, and set when it may stop after this command."""
    descriptor = _in_use.get(paths.in_use)
    try:
        is_open = descriptor is not None and os.path.samestat(os.fstat(descriptor), paths.in_use.stat())
    except FileNotFoundError:  # the folder was removed meanwhile
        is_open = False
    if descriptor is None or not is_open:
        # Kept open until the process ends: the kernel then releases the lock, whatever happens.
        descriptor = open_lock(paths.in_use)
        if not lock(descriptor, shared=True, timeout=LOCK_TIMEOUT):
            os.close(descriptor)
            raise NoPrivateServer("the private server is about to stop, but does not end", hint="projects local stop")
        _in_use[paths.in_use] = descriptor
    # The two times of the file are the protocol with the watchdog: last use, and when it may stop.
    now = time.time()
    os.utime(descriptor, (now, now + idle))


@contextmanager
def _starting(paths: ServerPaths) -> Iterator[None]:
    """Hold the lock of the one command that starts or stops the server.

    Raises:
        NoPrivateServer: another command still holds it after `LOCK_TIMEOUT` seconds.
    """
    descriptor = open_lock(paths.starting)
    try:
        if not lock(descriptor, timeout=LOCK_TIMEOUT):
            raise NoPrivateServer(f"another command has been starting or stopping the server for {LOCK_TIMEOUT:.0f} s")
        yield
    finally:
        os.close(descriptor)


def stop(settings: Settings, *, remove_data: bool = False) -> bool:
    """Stop the server, even if commands use it, and remove its data if wanted; return whether it ran.

    Raises:
        NoPrivateServer: the folder cannot be used.
    """
    paths = server_paths(settings)
    if not paths.folder.exists():
        return False
    from projects_cli.local import lifecycle

    with _translated(paths):
        make_private(paths.folder)
        with _starting(paths):
            was_running = lifecycle.stop(paths)
            if remove_data:
                # Renamed first, so that a removal that is killed leaves nothing that looks like data.
                shutil.rmtree(paths.removed, ignore_errors=True)
                if paths.data.exists():
                    paths.data.rename(paths.removed)
                    shutil.rmtree(paths.removed, ignore_errors=True)
                for file in (paths.log, paths.log.with_suffix(".log.1"), paths.start_log):
                    file.unlink(missing_ok=True)
            return was_running


def status(settings: Settings) -> dict[str, Any]:
    """Describe the server without starting it; times are UTC, `size` is bytes on the disk, null is unknown."""
    paths = server_paths(settings)
    server = running_server(paths)
    # Nothing is created or locked: the status must not extend the time of the server.
    use = paths.in_use.stat() if server else None
    return {
        "running": server is not None,
        "pid": server.pid if server else None,
        "socket": server.socket if server else None,
        "version": server.version if server else None,
        "started": datetime.fromtimestamp(server.started, UTC) if server else None,
        "last_used": datetime.fromtimestamp(use.st_atime, UTC) if use else None,
        "stops_at": datetime.fromtimestamp(use.st_mtime, UTC) if use else None,
        "folder": str(paths.folder),
        "data": str(paths.data),
        "size": _size(paths.data),
    }


def _size(folder: Path) -> int:
    """Return the bytes that a folder's files occupy on the disk; files may come and go meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).lstat().st_blocks * 512
            except FileNotFoundError:
                continue
    return total


@contextmanager
def _translated(paths: ServerPaths) -> Iterator[None]:
    """Raise an error of this program for an error of the operating system."""
    try:
        yield
    except OSError as error:
        file = os.fsdecode(error.filename) if error.filename else str(paths.folder)
        raise NoPrivateServer(
            f"the private server can't use {file}: {error.strerror}",
            hint="name another folder in PROJECTS_LOCAL_DIR, or a database in PROJECTS_MONGO_URI",
        ) from error
