"""A private standalone mongod on a Unix socket; its data is kept for the next run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pymongo

from projects_cli.config.connection import socket_uri
from projects_cli.local import mongod_binary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOCKET = "mongodb-27017.sock"
TIMEOUT = 120.0
CACHE_GB = 3

# The child asks the kernel for a SIGTERM when its parent ends, and then becomes mongod.
TRAMPOLINE = (
    "import ctypes, os, sys; "
    f"ctypes.CDLL(None).prctl(1, {int(signal.SIGTERM)}); "
    "os.getppid() == int(sys.argv[1]) and os.execv(sys.argv[2], sys.argv[2:])"
)


@contextmanager
def running(folder: Path) -> Iterator[tuple[str, pymongo.MongoClient[dict[str, Any]]]]:
    """Run a mongod for the duration of the block; yield its URI and a client."""
    data, socket = folder / "data", folder / SOCKET
    data.mkdir(parents=True, exist_ok=True)
    socket.unlink(missing_ok=True)
    process = _start(folder, data, socket)
    try:
        _await(process, socket)
        uri = socket_uri(socket)
        with pymongo.MongoClient[dict[str, Any]](uri) as client:
            client.admin.command("ping")
            yield uri, client
    finally:
        process.terminate()
        process.wait()


def _start(folder: Path, data: Path, socket: Path) -> subprocess.Popen[bytes]:
    command = [
        str(mongod_binary.find(os.environ.get("PROJECTS_MONGOD"))),
        "--quiet",
        f"--dbpath={data}",
        f"--logpath={folder / 'mongod.log'}",
        f"--bind_ip={socket}",
        f"--unixSocketPrefix={folder}",
        "--port=27017",
        f"--wiredTigerCacheSizeGB={CACHE_GB}",
        "--setParameter=diagnosticDataCollectionEnabled=false",
    ]
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", TRAMPOLINE, str(os.getpid()), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def _await(process: subprocess.Popen[bytes], socket: Path) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"mongod did not start ({process.returncode}): see {socket.parent / 'mongod.log'}")
        time.sleep(0.02)
