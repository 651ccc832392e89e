"""Starting the private server: one command does it at a time, and may be killed at any point of it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from projects_cli.config.connection import socket_uri
from projects_cli.errors import DatabaseUnavailable, NoPrivateServer
from projects_cli.local import mongod_binary, process, ready_file, start_failure, watchdog
from projects_cli.local.owners import owners
from projects_cli.local.paths import Place, make_private
from projects_cli.private_files import is_locked
from projects_cli.store.index_definitions import INDEXES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projects_cli.config.settings import Settings

PATIENCE = 60.0
"""Seconds for mongod to listen: after a crash it first reads its journal."""

HUNG = 15.0
"""Seconds after which a mongod that somebody else started, and that does not answer, is ended."""

DYING = 5.0
"""Seconds that a mongod which broke the connection gets to write down why."""

LONGEST_LOG = 1_000_000
"""Bytes of log that a new start keeps writing to; a longer log is put aside first, and replaces the last one."""

OPTIONS: Mapping[str, str] = {
    "port": "27017",  # only the name of the socket: there is no TCP port
    "replSet": "local",
    "networkMessageCompressors": "disabled",
    "wiredTigerCacheSizeGB": "0.25",
    "oplogSize": "128",
}

_PAUSE = 0.01


def start(place: Place, settings: Settings) -> ready_file.Record:
    """Give the record of a server that takes commands: a new one, or one whose starter or watcher was killed.

    The caller holds the lock `starting`.

    Raises:
        NoPrivateServer: there is no mongod, or it does not start.
    """
    place.ready.unlink(missing_ok=True)
    pid, at = _survivor(place) or _launched(place, mongod_binary.find_for(settings))
    watcher = _watcher(place, pid)
    version = _prepared(place, pid, at, settings.database)
    made = ready_file.Record(pid, process.born(pid), watcher, process.born(watcher), str(at), time.time(), version)
    ready_file.write(place, made)
    return made


def _prepared(place: Place, pid: int, at: Path, database: str) -> str:
    """Make a server that listens take writes; gives its version."""
    from projects_cli.store import admin  # pymongo, while mongod starts

    birth = process.born(pid)
    try:
        return admin.prepare(socket_uri(at), str(at), database, INDEXES, owners())
    except DatabaseUnavailable as error:
        deadline = time.monotonic() + DYING
        while process.born(pid) == birth:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        raise start_failure.ended(place, "mongod ended while it started") from error


def _survivor(place: Place) -> tuple[int, Path] | None:
    """Give the server that is running already, once it answers; one that never does is ended."""
    _end_the_moved(place)
    deadline = time.monotonic() + HUNG
    while True:
        pid = process.find(lambda arguments: ready_file.serves_data(arguments, place.data))
        if pid is None and not is_locked(place.watcher):
            return None
        if pid is not None:
            at = _socket_of(pid)
            if at and _listener(at) == pid:
                return pid, at
        if time.monotonic() > deadline:
            process.end(pid, HUNG) if pid else None
            return None
        time.sleep(_PAUSE)


def _end_the_moved(place: Place) -> None:
    """End a server whose folder was moved to this place while it ran: its paths lead nowhere now."""
    left = ready_file.read(place)
    if left is None or process.born(left.pid) != left.born or ready_file.is_server_of(place, left.pid):
        return
    data = [one.removeprefix("--dbpath=") for one in process.arguments(left.pid) if one.startswith("--dbpath=")]
    if data and not Path(data[0]).exists():
        process.end(left.pid, HUNG)


def _socket_of(pid: int) -> Path | None:
    """Give the socket that a running server was told to listen on."""
    for argument in process.arguments(pid):
        if argument.startswith("--bind_ip="):
            return Path(argument.removeprefix("--bind_ip="))
    return None


def _listener(at: Path) -> int | None:
    """Give the process that listens on a socket, or None; the kernel says who it is."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        try:
            client.connect(str(at))
            raw = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except OSError:
            return None
    pid, user, _ = struct.unpack("3i", raw)
    return int(pid) if user == os.geteuid() else None


def _launched(place: Place, mongod: Path) -> tuple[int, Path]:
    """Start the watcher with a new mongod, and wait until it listens."""
    shutil.rmtree(place.removed, ignore_errors=True)
    make_private(place.socket.parent)
    make_private(place.data)
    place.socket.unlink(missing_ok=True)
    if place.log.exists() and place.log.stat().st_size > LONGEST_LOG:
        place.log.replace(place.log.with_suffix(".log.1"))
    watcher = _spawn(place, "start", *_command(place, mongod))
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        pid = _listener(place.socket)
        if pid is not None:
            return pid, place.socket
        status = _ended(watcher)
        if status is not None:
            raise start_failure.explained(place, mongod, status)
        time.sleep(_PAUSE)
    raise NoPrivateServer(f"mongod did not answer in {PATIENCE:.0f} s", hint=f"its log: {place.log}")


def _command(place: Place, mongod: Path) -> list[str]:
    """Give mongod's command line; `--unixSocketPrefix` keeps it from opening a second socket in /tmp."""
    paths = {
        "dbpath": place.data,
        "bind_ip": place.socket,
        "unixSocketPrefix": place.socket.parent,
        "logpath": place.log,
    }
    options = [f"--{name}={value}" for name, value in (paths | dict(OPTIONS)).items()]
    return [str(mongod), *options, "--setParameter=diagnosticDataCollectionEnabled=false", "--logappend", "--quiet"]


def _spawn(place: Place, *work: str) -> int:
    """Start a watcher that outlives this process; it gets no database's address in its environment."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    kept = ("PROJECTS_", "CLEARML_", "TRAINS_", "MONGODB_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(kept)}
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", watchdog.__file__, str(place.folder), *work],
        environment,
        file_actions=(
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(place.start_log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ),
        setsigmask=(),
        setsigdef=(signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE),
    )


def _ended(child: int) -> int | None:
    """Give a child's exit status, or None while it runs."""
    pid, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if pid else None


def _watcher(place: Place, pid: int) -> int:
    """Give the process that watches the server; one is started where there is none."""
    if not is_locked(place.watcher):
        _spawn(place, "adopt", str(pid))
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        written = place.watcher.read_bytes() if is_locked(place.watcher) else b""
        if written.isdigit():
            return int(written)
        time.sleep(_PAUSE)
    raise NoPrivateServer("the private server's watcher did not start", hint=f"it may have said why: {place.start_log}")
