"""A network that cuts, delays and truncates at random bytes, and a server that stalls."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests import servers
from tests.changes.processes import await_middle, command, large, run
from tests.faults.ending import after_fault, failing
from tests.faults.proxy import Weather, proxy
from tests.worlds.world import DETECTOR, Content, World, world_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import Server

ROUNDS = int(os.environ.get("PROJECTS_TEST_ROUNDS", "3"))
MANY = 3_000
"""Tasks: a delete of two batches for each project, and a journal of 250 kilobytes."""

DELETE = ("delete", DETECTOR["_id"], "--force")


@pytest.fixture(scope="module")
def content() -> Content:
    return large(MANY)


def undisturbed(world: World, content: Content) -> Content:
    """Return the documents after the delete, without any fault."""
    world.load(content)
    assert run(world, *DELETE)[0] == 0
    after = world.dump()
    assert run(world, "undo", "--yes")[0] == 0
    assert world.dump() == content
    return after


@pytest.mark.parametrize("kind", ["standalone", "replica_set"])
def test_a_broken_network_loses_nothing(
    kind: str, content: Content, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    """Each connection breaks after some random bytes, and each new one too, until the network calms down."""
    server: Server = request.getfixturevalue(kind)
    random = Random(kind)
    ends: dict[str, int] = {}
    with world_on(server, content) as world:
        after = undisturbed(world, content)
        for _ in range(ROUNDS):
            weather = Weather(Random(random.random()), calm=500_000, storms=random.randrange(1, 12))
            with proxy(server.socket, weather) as network:
                status, said = run(world, *DELETE, "--timeout", "3s", PROJECTS_MONGO_URI=network.uri)
            ended = after_fault(world, status, said, content, after, random)
            ends[ended] = ends.get(ended, 0) + 1
    record_property("ends", ends)
    assert ends.get("done", 0) + ends.get("resume", 0) + ends.get("undo", 0) > 0


def test_a_network_that_never_works_is_told(standalone: Server) -> None:
    weather = Weather(Random(3), calm=200)
    with world_on(standalone) as world, proxy(standalone.socket, weather) as network:
        status, said = run(world, "list", "--timeout", "1s", PROJECTS_MONGO_URI=network.uri)
    assert (status, said.startswith(("error: no answer from", "error: the connection to", "error: the database"))) == (
        69,
        True,
    ), said
    assert sum(network.broken.values()) > 1


# --- a server that stalls ---------------------------------------------------------------------------------------------


def stopped(world: World, *arguments: str, middle: bool = False) -> tuple[int, str, float]:
    """Run a command on a server that is stopped before it or in the middle of it; gives the seconds it took too."""
    server = world.server
    assert isinstance(server, servers.Server)
    try:
        if not middle:
            os.kill(server.pid, signal.SIGSTOP)
        began = time.monotonic()
        with command(world, *arguments) as process:
            if middle:
                await_middle(world)
                os.kill(server.pid, signal.SIGSTOP)
            shown, said = process.communicate(timeout=60)
        return process.returncode, shown + said, time.monotonic() - began
    finally:
        os.kill(server.pid, signal.SIGCONT)


STALLED = [("list",), ("list", "--stats"), ("metrics",), ("task-tags",), DELETE, ("undo", "--yes")]


@pytest.mark.parametrize("arguments", STALLED)
def test_a_server_that_is_stopped_is_given_up(standalone: Server, content: Content, arguments: tuple[str, ...]) -> None:
    with world_on(standalone) as world:
        status, said, took = stopped(world, *arguments, "--timeout", "1s")
        assert status == 69, said
        assert said.startswith("error: "), said
        assert took < 30


def test_a_server_that_stalls_in_the_middle_of_a_delete(standalone: Server, content: Content) -> None:
    with world_on(standalone, content) as world:
        after = undisturbed(world, content)
        status, said, took = stopped(world, *DELETE, "--timeout", "1s", middle=True)
        assert status == 69, said
        assert "projects resume" in said
        assert took < 40
        after_fault(world, status, said, content, after, Random(1))


def test_an_aggregation_without_a_limit_notices_a_server_that_stalls(standalone: Server) -> None:
    """It may take as long as it wants, as long as the server gives signs of life beside."""
    uri = f"{standalone.uri}&connectTimeoutMS=500&heartbeatFrequencyMS=500&serverSelectionTimeoutMS=500"
    slow = {"failCommands": ["aggregate"], "blockConnection": True, "blockTimeMS": 4_000}
    with (
        world_on(standalone) as world,
        failing(world, mode={"times": 1}, **slow),
        command(world, "metrics", PROJECTS_MONGO_URI=uri) as process,
    ):
        asked: list[dict[str, Any]] = [
            {"$currentOp": {}},
            {"$match": {"command.aggregate": {"$exists": True}, "command.$db": world.name}},
        ]
        while not list(standalone.client.admin.aggregate(asked)):
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        time.sleep(2)  # four times the limits of the URI
        assert process.poll() is None, process.communicate()
        os.kill(standalone.pid, signal.SIGSTOP)
        try:
            said = process.communicate(timeout=60)[1]
        finally:
            os.kill(standalone.pid, signal.SIGCONT)
    assert process.returncode == 69, said


def test_the_drivers_own_threads_write_no_traceback() -> None:
    """Such as closing a cursor of a server that is gone, which fails in the background."""
    says = "import logging; logging.getLogger('pymongo.client').error('in the background', exc_info=ValueError())"
    for before, silent in (("import pymongo", False), ("import projects_cli.store.client", True)):
        told = subprocess.run([sys.executable, "-c", f"{before}; {says}"], capture_output=True, text=True, check=True)
        assert (told.stderr == "") == silent
