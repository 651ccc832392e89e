"""Real MongoDB servers for tests: each lives on a Unix socket in a short temporary folder, and dies with the run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pymongo
from pymongo.errors import PyMongoError

from projects_cli.config.connection import socket_uri
from projects_cli.local import mongod_binary
from projects_cli.store.admin import create_indexes
from projects_cli.store.index_definitions import SERVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MONGOD = os.environ.get("PROJECTS_MONGOD")
"""Read once: each test hides the surroundings' settings."""

SOCKET = "mongodb-27017.sock"

TIMEOUT = 60.0
"""Seconds for a server to start on a busy machine."""

MEMORY = Path("/dev/shm")  # noqa: S108 - a file system, in which a folder of a unique name is made
ROOM = 4 << 30
"""Bytes that are free where data of servers, and folders of tests, are kept in memory."""

# The child asks the kernel for its end when its parent ends, even by SIGKILL, and then becomes mongod.
TRAMPOLINE = (
    "import ctypes, os, sys; "
    f"ctypes.CDLL(None).prctl(1, {int(signal.SIGKILL)}); "
    "os.getppid() == int(sys.argv[1]) and os.execv(sys.argv[2], sys.argv[2:])"
)


@dataclass
class Server:
    """A running mongod."""

    uri: str
    socket: Path
    folder: Path
    process: subprocess.Popen[bytes]
    client: pymongo.MongoClient[dict[str, Any]]
    indexed: list[str] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """The process id of mongod."""
        return self.process.pid

    def start_again(self) -> None:
        """Start it on its data after it was killed; it listens some time later."""
        self.process = start(self.folder, replica_set=False)

    def drop(self, name: str) -> None:
        """Drop a test's database."""
        self.client.drop_database(name)

    def borrow_indexed(self) -> str:
        """Return the name of an empty database that has the server's indexes; making them costs, so it is reused."""
        if self.indexed:
            return self.indexed.pop()
        name = new_name()
        create_indexes(self.client[name], SERVER)
        return name

    def give_back(self, name: str) -> None:
        """Empty an indexed database for the next test, or drop it if the test changed its indexes."""
        database = self.client[name]
        names = set(database.list_collection_names())
        if not names >= set(SERVER) or any(_index_names(database, one) != _wanted(one) for one in SERVER):
            return self.drop(name)
        for other in names - set(SERVER):
            database.drop_collection(other)
        for collection in SERVER:
            database[collection].delete_many({})
        self.indexed.append(name)
        return None


def new_name() -> str:
    """Return a name for a database that no other test has."""
    return f"test_{uuid4().hex}"


def _index_names(database: Any, collection: str) -> set[str]:
    return set(database[collection].index_information())


def _wanted(collection: str) -> set[str]:
    return {"_id_", *(str(index["name"]) for index in SERVER[collection])}


def memory() -> Path | None:
    """Return a file system in memory, if there is one with room: writes and files cost little there."""
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM
    return MEMORY if roomy else None


def new_folder() -> Path:
    """Make a folder with a short path for a server: in memory if there is room: each write waits for the disk."""
    return Path(tempfile.mkdtemp(prefix="pt-", dir=memory())).resolve()


@contextmanager
def running(*, replica_set: bool, options: Sequence[str] = ()) -> Iterator[Server]:
    """Run a mongod for as long as the block lasts, with further options of its own."""
    folder = new_folder()
    try:
        process = start(folder, replica_set=replica_set, options=options)
        try:
            uri = listening(process, folder, replica_set=replica_set)
            with pymongo.MongoClient[dict[str, Any]](uri) as client:  # a new one: it learns that there are sessions
                _await_primary(client)
                server = Server(uri, folder / SOCKET, folder, process, client)
                try:
                    yield server
                finally:
                    process = server.process  # killed after the client is closed, which asks it to end sessions
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start(folder: Path, *, replica_set: bool, options: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Start mongod as a child that dies with this process; on the data that a former one left, if one did."""
    place = [f"--bind_ip={folder / SOCKET}", "--port=27017", f"--unixSocketPrefix={folder}"]
    return launch(folder, [*place, *(["--replSet=tests", "--oplogSize=64"] if replica_set else []), *options])


def launch(folder: Path, options: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start mongod as a child that dies with this process, with its data and its log in a folder."""
    (folder / "data").mkdir(exist_ok=True)
    settings = {
        "dbpath": folder / "data",
        "logpath": folder / "log",
        "networkMessageCompressors": "disabled",
        "wiredTigerCacheSizeGB": 0.25,
        "wiredTigerEngineConfigString": "log=(file_max=8MB)",  # not three files of 100 MB each from the start
        "journalCommitInterval": 10,  # milliseconds, not 100: the drop of a database waits for it on a replica set
    }
    command = [str(mongod_binary.find(MONGOD)), "--quiet"]
    command += [f"--{name}={value}" for name, value in settings.items()]
    command += ["--setParameter=enableTestCommands=1", "--setParameter=diagnosticDataCollectionEnabled=false"]
    command += options
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", TRAMPOLINE, str(os.getpid()), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def listening(process: subprocess.Popen[bytes], folder: Path, *, replica_set: bool) -> str:
    """Return the server's URI as soon as it listens; a replica set is initiated."""
    socket = folder / SOCKET
    deadline = time.monotonic() + TIMEOUT
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"mongod did not start: {process.returncode}\n{_log(folder)}")
        time.sleep(0.01)
    uri = socket_uri(socket)
    if replica_set:
        _initiate(uri, socket)
    return uri


def _log(folder: Path) -> str:
    log = folder / "log"
    return log.read_text()[-4000:] if log.exists() else "no log"


def _await_primary(client: pymongo.MongoClient[dict[str, Any]]) -> None:
    """Wait until the server takes writes."""
    deadline = time.monotonic() + TIMEOUT
    while not client.admin.command("hello")["isWritablePrimary"]:
        if time.monotonic() > deadline:
            raise RuntimeError("no primary in time")
        time.sleep(0.01)


def _initiate(uri: str, socket: Path) -> None:
    member = {"_id": 0, "host": str(socket)}
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        client.admin.command("replSetInitiate", {"_id": "tests", "members": [member]})


def answers(uri: str) -> bool:
    """Return whether a server answers there within a second."""
    with pymongo.MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=1000) as client:
        try:
            client.admin.command("ping")
        except PyMongoError:
            return False
    return True
