"""The private server, as commands see it: there when needed, stopped, looked at, emptied.

The way of every command is `ensure`: it says that it uses the server (a shared lock for its whole life) *before* it
looks whether one runs, so it can't meet one that is about to stop. Where one runs, that is all.
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
from projects_cli.local import process, ready_file
from projects_cli.local.paths import Place, make_private, place_of
from projects_cli.private_files import is_locked, lock, open_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projects_cli.config.settings import Settings

STOP_PATIENCE = 30.0
"""Seconds for mongod to stop before it is killed."""

LOCK_TIMEOUT = 90.0
"""Seconds to wait for another command that starts or stops the server; either takes less."""

_in_use: dict[Path, int] = {}
"""The open (and locked) `in-use` file of each folder that this process uses, until it ends."""


def ensure(settings: Settings) -> str:
    """Give the URI of the private server, which runs when this returns and as long as this process.

    Raises:
        NoPrivateServer: there is no mongod, it does not start, or its folder can't be used.
    """
    place = place_of(settings)
    with _translated(place):
        make_private(place.folder)
        _use(place, settings.local_idle)
        running = ready_file.current(place) or _start(place, settings)
    return socket_uri(Path(running.socket))


def _start(place: Place, settings: Settings) -> ready_file.Record:
    """Start the server, unless another command has done it while this one waited for its turn."""
    from projects_cli.local import start  # brings pymongo; a running server does not need it

    with _starting(place):
        return ready_file.current(place) or start.start(place, settings)


@contextmanager
def _starting(place: Place) -> Iterator[None]:
    """Hold the lock of the one command that starts or stops the server.

    Raises:
        NoPrivateServer: another command still holds it after `LOCK_TIMEOUT` seconds.
    """
    descriptor = open_lock(place.starting)
    try:
        if not lock(descriptor, timeout=LOCK_TIMEOUT):
            raise NoPrivateServer(f"another command has been starting or stopping the server for {LOCK_TIMEOUT:.0f} s")
        yield
    finally:
        os.close(descriptor)


def _use(place: Place, idle: float) -> None:
    """Share the lock that keeps the server from stopping, and say until when it has to stay after that."""
    handle = _in_use.get(place.in_use)
    if handle is None or not _is_open_at(handle, place.in_use):
        handle = open_lock(place.in_use)
        if not lock(handle, shared=True, timeout=LOCK_TIMEOUT):
            os.close(handle)
            raise NoPrivateServer("the private server is about to stop, and does not", hint="projects local stop")
        _in_use[place.in_use] = handle
    now = time.time()
    os.utime(handle, (now, now + idle))


def _is_open_at(handle: int, path: Path) -> bool:
    """Tell whether an open file is still the one at a path: somebody may have removed the folder."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def stop(settings: Settings) -> bool:
    """Stop the server, whoever uses it; false when none ran.

    Raises:
        NoPrivateServer: the folder can't be used.
    """
    place = place_of(settings)
    if not place.folder.exists():
        return False
    with _translated(place):
        make_private(place.folder)
        with _starting(place):
            return _stop(place)


def _stop(place: Place) -> bool:
    """End the server of a place, and wait until its watcher has left too."""
    place.ready.unlink(missing_ok=True)
    pid = process.find(lambda arguments: ready_file.serves_data(arguments, place.data))
    if pid is None:
        return False
    process.end(pid, STOP_PATIENCE)
    deadline = time.monotonic() + STOP_PATIENCE
    while is_locked(place.watcher) and time.monotonic() < deadline:
        time.sleep(0.01)
    return True


def reset(settings: Settings) -> None:
    """Stop the server and remove its data; asking first is the caller's part.

    Raises:
        NoPrivateServer: the folder can't be used.
    """
    place = place_of(settings)
    if not place.folder.exists():
        return
    with _translated(place):
        make_private(place.folder)
        with _starting(place):
            _stop(place)
            remove_data(place)


def remove_data(place: Place) -> None:
    """Remove the data: first out of the way at once, so that a killed removal leaves nothing that looks like data."""
    if place.data.exists():
        shutil.rmtree(place.removed, ignore_errors=True)
        place.data.rename(place.removed)
    shutil.rmtree(place.removed, ignore_errors=True)
    for file in (place.log, place.log.with_suffix(".log.1"), place.start_log):
        file.unlink(missing_ok=True)


def status(settings: Settings) -> dict[str, Any]:
    """Describe the server without starting it; times are UTC, `size` is bytes on the disk, null is unknown."""
    place = place_of(settings)
    running = ready_file.read(place) if place.folder.is_dir() else None
    if running is not None and not ready_file.serves(place, running):
        running = None
    used, until = _times(place) if running else (None, None)
    return {
        "running": running is not None,
        "pid": running.pid if running else None,
        "socket": running.socket if running else None,
        "version": running.version if running else None,
        "started": datetime.fromtimestamp(running.started, UTC) if running else None,
        "last_used": used,
        "stops_at": until,
        "folder": str(place.folder),
        "data": str(place.data),
        "size": _size(place.data),
    }


def _times(place: Place) -> tuple[datetime, datetime]:
    """Give when the server was last used, and when it stops if it is not used any more."""
    found = place.in_use.stat()
    return datetime.fromtimestamp(found.st_atime, UTC), datetime.fromtimestamp(found.st_mtime, UTC)


def _size(folder: Path) -> int:
    """Give the bytes that a folder's files take on the disk; files may come and go meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).lstat().st_blocks * 512
            except FileNotFoundError:
                continue
    return total


def path(settings: Settings) -> Path:
    """Give the server's folder, whether it exists or not."""
    return place_of(settings).folder


@contextmanager
def _translated(place: Place) -> Iterator[None]:
    """Turn what the system refuses into this program's error."""
    try:
        yield
    except OSError as error:
        where = os.fsdecode(error.filename) if error.filename else str(place.folder)
        raise NoPrivateServer(
            f"the private server can't use {where}: {error.strerror}",
            hint="name another folder in PROJECTS_LOCAL_DIR, or a database in PROJECTS_MONGO_URI",
        ) from error
