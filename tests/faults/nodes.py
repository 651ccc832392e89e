"""Servers that listen on a port: a replica set of three, which can lose its primary, and single ones."""

from __future__ import annotations

import shutil
import socket
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pymongo
from pymongo.errors import PyMongoError

from tests import servers

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Sequence
    from pathlib import Path

NAME = "three"
HOST = "127.0.0.1"
ELECTION = 2000
"""Milliseconds without a primary until the others elect one: MongoDB's own 10 s would only make the tests longer."""


@dataclass
class Node:
    """A mongod on a port of this machine, which may be killed and started again on its data."""

    port: int
    folder: Path
    options: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return host and port."""
        return f"{HOST}:{self.port}"

    @property
    def uri(self) -> str:
        """Return the URI of this node alone."""
        return f"mongodb://{self.address}/?directConnection=true"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        options = [f"--bind_ip={HOST}", f"--port={self.port}", "--nounixsocket", *self.options]
        self.process = servers.launch(self.folder, options)
        deadline = time.monotonic() + servers.TIMEOUT
        while not listens(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"mongod did not start\n{(self.folder / 'log').read_text()[-3000:]}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it by SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def listens(port: int) -> bool:
    """Return whether a process listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def free_port() -> int:
    """Return a port that is not in use."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def one_node(options: Sequence[str] = ()) -> Iterator[Node]:
    """Yield a standalone on a port for as long as the block lasts."""
    folder = servers.new_folder()
    node = Node(free_port(), folder, options)
    try:
        node.start()
        yield node
    finally:
        node.kill()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class ThreeNodes:
    """A replica set of three, each a mongod of its own."""

    nodes: list[Node]
    clients: ExitStack = field(default_factory=ExitStack)

    @property
    def uri(self) -> str:
        """Return the URI of the whole."""
        return f"mongodb://{','.join(node.address for node in self.nodes)}/?replicaSet={NAME}"

    @cached_property
    def client(self) -> pymongo.MongoClient[dict[str, Any]]:
        """Return a client of the whole, one that waits for a primary."""
        made: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(self.uri, serverSelectionTimeoutMS=60_000)
        return self.clients.enter_context(made)

    def drop(self, name: str) -> None:
        """Drop a database."""
        self.client.drop_database(name)

    def primary(self) -> Node:
        """Return the primary, as soon as a majority knows one."""
        deadline = time.monotonic() + servers.TIMEOUT
        while time.monotonic() < deadline:
            for node in self.nodes:
                if node.process is not None and _hello(node).get("isWritablePrimary"):
                    return node
            time.sleep(0.05)
        raise RuntimeError("no primary in time")

    def secondaries(self) -> list[Node]:
        """Return the secondaries."""
        return [node for node in self.nodes if node.process is not None and _hello(node).get("secondary")]

    def heal(self) -> None:
        """Start the nodes that are down, and wait until every one serves and has what the primary has."""
        for node in self.nodes:
            if node.process is None:
                node.start()
        deadline = time.monotonic() + servers.TIMEOUT
        while len(self.secondaries()) < len(self.nodes) - 1:
            if time.monotonic() > deadline:
                raise RuntimeError("a node does not come back")
            time.sleep(0.05)
        self.primary()
        majority = pymongo.WriteConcern(w=len(self.nodes), wtimeout=60_000)
        self.client.get_database("tests", write_concern=majority)["sign"].insert_one({})


def _hello(node: Node) -> dict[str, Any]:
    with suppress(PyMongoError), pymongo.MongoClient[dict[str, Any]](node.uri, serverSelectionTimeoutMS=1000) as client:
        return client.admin.command("hello")
    return {}


@contextmanager
def three_nodes() -> Iterator[ThreeNodes]:
    """Yield a replica set of three for as long as the block lasts."""
    folder = servers.new_folder()
    nodes = []
    for number in range(3):
        (folder / str(number)).mkdir()
        nodes.append(Node(free_port(), folder / str(number), [f"--replSet={NAME}", "--oplogSize=64"]))
    cluster = ThreeNodes(nodes)
    try:
        for node in nodes:
            node.start()
        settings = {"electionTimeoutMillis": ELECTION, "heartbeatIntervalMillis": 500}
        members = [{"_id": number, "host": node.address} for number, node in enumerate(nodes)]
        config = {"_id": NAME, "members": members, "settings": settings}
        with pymongo.MongoClient[dict[str, Any]](nodes[0].uri) as client:
            client.admin.command("replSetInitiate", config)
        cluster.heal()
        yield cluster
    finally:
        cluster.clients.close()
        for node in nodes:
            node.kill()
        shutil.rmtree(folder, ignore_errors=True)
