"""Starting and stopping the private server; the caller holds the lock `starting`, and may be killed at any point.

The lock on the file `running` is held by the watchdog and by mongod, so a free lock proves that neither lives. The
process that starts a server takes the lock and passes it on. A server that was left without a ready file or a watchdog
is stopped and started anew: mongod journals its data.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from projects_cli.config.connection import socket_uri
from projects_cli.config.settings import COMMUNITY_COMPANY, login_name
from projects_cli.errors import DatabaseUnavailable, NoPrivateServer
from projects_cli.local import mongod_binary, ready_file, start_failure, watchdog
from projects_cli.local.paths import make_private
from projects_cli.private_files import lock, open_lock
from projects_cli.process_identity import born, end
from projects_cli.store.index_definitions import INDEXES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from projects_cli.config.settings import Settings
    from projects_cli.local.paths import ServerPaths
    from projects_cli.messages import Document

START_TIMEOUT = 60.0
"""Seconds for mongod to listen: after a crash it first reads its journal."""

STOP_TIMEOUT = 30.0
"""Seconds for mongod to stop before it is killed."""

LOG_TIMEOUT = 5.0
"""Seconds for a mongod that broke the connection to log the reason."""

LONGEST_LOG = 1_000_000
"""Bytes of a log that a new start appends to; a longer one is renamed first, and replaces the one before."""

OPTIONS: Mapping[str, str] = {
    "port": "27017",  # only part of the socket's name: there is no TCP port
    "replSet": "local",
    "networkMessageCompressors": "disabled",
    "wiredTigerCacheSizeGB": "0.25",
    "oplogSize": "128",
}

_PAUSE = 0.01


def stop(paths: ServerPaths) -> bool:
    """Stop the server and its watchdog, if they run; return whether they did.

    Raises:
        NoPrivateServer: the server does not end.
    """
    descriptor, was_running = _stopped(paths)
    os.close(descriptor)
    return was_running


def _stopped(paths: ServerPaths) -> tuple[int, bool]:
    """Stop the server; return the descriptor of the lock, which this process now holds, and whether a server ran."""
    # First, so that no other command uses a server that is about to end.
    paths.ready.unlink(missing_ok=True)
    descriptor = open_lock(paths.running)
    was_running = not lock(descriptor)
    # The watchdog, then mongod, then a kill: each gets its time.
    deadline = time.monotonic() + 3 * STOP_TIMEOUT
    while was_running and not lock(descriptor, timeout=_PAUSE):
        if time.monotonic() > deadline:
            os.close(descriptor)
            raise NoPrivateServer(
                "the private server does not end", hint=f"see its processes: fuser -v {paths.running}"
            )
        pid = os.pread(descriptor, 20, 0)  # empty until the watchdog has started mongod
        if pid.isdigit():
            end(int(pid), STOP_TIMEOUT)
    # An old process id must not be taken for that of the next server.
    os.truncate(descriptor, 0)
    return descriptor, was_running


def start(paths: ServerPaths, settings: Settings) -> ready_file.Server:
    """Start a server and return it once it accepts commands; one that runs is stopped first.

    Raises:
        NoPrivateServer: there is no mongod, or it does not start.
    """
    descriptor, _ = _stopped(paths)
    try:
        mongod = mongod_binary.find(settings.mongod, settings.environment.get("PATH"))
        # Left by a reset that was killed.
        shutil.rmtree(paths.removed, ignore_errors=True)
        make_private(paths.socket.parent)
        make_private(paths.data)
        # A socket file stays behind when mongod is killed, and would keep the next one from listening.
        paths.socket.unlink(missing_ok=True)
        if paths.log.exists() and paths.log.stat().st_size > LONGEST_LOG:
            paths.log.replace(paths.log.with_suffix(".log.1"))
        watchdog_pid = _spawn_watchdog(paths, mongod, descriptor)
        pid = _await_mongod(paths, mongod, watchdog_pid, descriptor)
    finally:
        os.close(descriptor)
    version = _prepare(paths, pid, settings.database)
    server = ready_file.Server(
        pid, born(pid), watchdog_pid, born(watchdog_pid), str(paths.socket), time.time(), version
    )
    ready_file.write(paths, server)
    return server


def _spawn_watchdog(paths: ServerPaths, mongod: Path, lock_descriptor: int) -> int:
    """Start a watchdog that outlives this process, and return its process id.

    Its environment has no variable that may contain the address of a database.
    """
    options = {
        "dbpath": paths.data,
        "bind_ip": paths.socket,
        "unixSocketPrefix": paths.socket.parent,  # or mongod opens a second socket in /tmp
        "logpath": paths.log,
        **OPTIONS,
    }
    command = [str(mongod), *(f"--{name}={value}" for name, value in options.items())]
    command += ["--setParameter=diagnosticDataCollectionEnabled=false", "--logappend", "--quiet"]
    private = ("PROJECTS_", "CLEARML_", "TRAINS_", "MONGODB_")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", watchdog.__file__, str(paths.folder), *command],
        {name: value for name, value in os.environ.items() if not name.startswith(private)},
        file_actions=(
            (os.POSIX_SPAWN_DUP2, lock_descriptor, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(paths.start_log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ),
        setsigmask=(),
        setsigdef=(signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE),
    )


def _await_mongod(paths: ServerPaths, mongod: Path, watchdog_pid: int, lock_descriptor: int) -> int:
    """Wait until mongod listens, and return its process id, which the watchdog writes into the lock file.

    Raises:
        NoPrivateServer: the watchdog, a child of this process, has ended, or mongod does not listen in time.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as client:
            pid = os.pread(lock_descriptor, 20, 0)
            if pid and client.connect_ex(str(paths.socket)) == 0:
                return int(pid)
        # The watchdog ends with mongod, so its end means that there is nothing to wait for.
        ended, status = os.waitpid(watchdog_pid, os.WNOHANG)
        if ended:
            raise start_failure.explained(paths, mongod, os.waitstatus_to_exitcode(status))
        time.sleep(_PAUSE)
    raise NoPrivateServer(f"mongod did not answer in {START_TIMEOUT:.0f} s", hint=f"its log: {paths.log}")


def _prepare(paths: ServerPaths, pid: int, database: str) -> str:
    """Make a server that listens accept writes; return its version."""
    from projects_cli.store import admin  # pymongo loads while mongod starts

    try:
        return admin.prepare(socket_uri(paths.socket), str(paths.socket), database, INDEXES, first_documents())
    except DatabaseUnavailable as error:
        # The connection broke: mongod may be about to end, and its log will have the reason.
        deadline = time.monotonic() + LOG_TIMEOUT
        while born(pid) is not None:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        raise start_failure.from_log(paths, "mongod ended while it started") from error


def company_document(identifier: str) -> Document:
    """Return the document of a company, as a ClearML server creates it."""
    return {"_id": identifier, "name": "clearml", "defaults": {"stats_option": {"enabled": False}}}


def first_documents() -> dict[str, Document]:
    """Return the company and the user that every private database has, by collection; the user is the login name."""
    name = login_name() or "user"
    user = {"_id": name, "company": COMMUNITY_COMPANY, "name": name, "preferences": "", "created": datetime.now(UTC)}
    return {"company": company_document(COMMUNITY_COMPANY), "user": user}
