"""Ctrl-C, SIGTERM and the end of the server during a large change: it reports how to continue, and can be continued."""

from __future__ import annotations

import json
import re
import signal
import time
from threading import Thread
from typing import TYPE_CHECKING

import bson
import pytest

from tests import servers
from tests.changes.processes import COUNT, await_middle, command, large, left, run
from tests.worlds.world import DETECTOR, VISION, Content, World, dangling, world_on

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server


@pytest.fixture(scope="module")
def content() -> Content:
    return large()


@pytest.mark.parametrize(
    ("number", "status", "ending"), [(signal.SIGINT, 130, "resume"), (signal.SIGTERM, 143, "undo")]
)
def test_a_signal_in_the_middle(
    standalone: Server, content: Content, number: signal.Signals, status: int, ending: str
) -> None:
    with world_on(standalone, content) as world:
        with command(world, "delete", DETECTOR["_id"], "--force") as process:
            await_middle(world)
            process.send_signal(number)
            said = process.communicate(timeout=60)[1]
        assert process.returncode == status, said
        assert 0 < left(world) < COUNT
        named = re.search(r"projects resume (\S+); or undo it: projects undo \1", said)
        assert named is not None
        assert not dangling(world.dump())
        assert "was interrupted" in run(world, "update", VISION["_id"], "--description", "another")[1]
        assert run(world, ending, named[1])[0] == 0
        check_ended(world, content, ending)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_batch(
    standalone: Server, content: Content, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    lines = tmp_path / "requests.jsonl"
    lines.write_text(
        '{"id": 1, "endpoint": "create", "params": {"name": "first", "description": "x"}}\n'
        f'{{"id": 2, "endpoint": "delete", "params": {{"project": "{DETECTOR["_id"]}", "force": true}}}}\n'
        '{"id": 3, "endpoint": "create", "params": {"name": "last", "description": "x"}}\n'
    )
    with world_on(standalone, content) as world:
        with command(world, "batch", str(lines)) as process:
            await_middle(world)
            process.send_signal(number)
            shown, said = process.communicate(timeout=60)
        assert (process.returncode, 0 < left(world) < COUNT) == (status, True), said
        assert [json.loads(line)["id"] for line in shown.splitlines()] == [1]
        assert "projects resume" in said
        assert "last" not in world.documents["project"].distinct("name")


def test_a_signal_ends_the_deletion_of_several_and_shows_what_was_done(standalone: Server, content: Content) -> None:
    with world_on(standalone, content) as world:
        for name in ("first", "last"):
            assert run(world, "create", name, "-d", "x")[0] == 0
        with command(world, "delete", "first", DETECTOR["_id"], "last", "--force", "--json") as process:
            await_middle(world)
            process.send_signal(signal.SIGINT)
            shown, said = process.communicate(timeout=60)
        assert process.returncode == 130, said
        assert json.loads(shown) == {"deleted": 1, "disassociated_tasks": 0, "deleted_models": 0, "deleted_tasks": 0}
        assert "last" in world.documents["project"].distinct("name")


def check_ended(world: World, content: Content, ending: str) -> None:
    found = world.dump()
    assert not dangling(found)
    if ending == "undo":
        assert found["task"] == content["task"]
        assert found["project"][1:] == content["project"][1:]  # the first one got a description since
    else:
        assert (left(world), len(found["project"])) == (COUNT, 1)


def kill_in_the_middle(world: World) -> None:
    with command(world, "delete", DETECTOR["_id"], "--force") as process:
        await_middle(world)
        process.kill()
        process.wait()


def test_a_killed_process_leaves_no_write_behind(standalone: Server, content: Content) -> None:
    """What it had asked of the server last may still be under way when the undo begins; the undo waits for it."""
    with world_on(standalone, content) as world:
        kill_in_the_middle(world)
        assert run(world, "undo", "--yes")[0] == 0
        time.sleep(1)  # a write that was under way on the server would end by now
        assert world.dump() == content


def test_undo_waits_for_a_write_that_is_under_way(standalone: Server, content: Content) -> None:
    """As it was left by a process that was killed: known by its comment."""
    with world_on(standalone, content) as world:
        kill_in_the_middle(world)
        slow = {"$function": {"body": "function() { sleep(1500); return true }", "args": [], "lang": "js"}}
        one = {"_id": content_id(content), "$expr": slow}
        comment = world.journal["operation"].distinct("_id")[0]
        writing = Thread(
            target=lambda: world.documents["task"].update_many(one, {"$set": {"project": None}}, comment=comment)
        )
        writing.start()
        time.sleep(0.3)
        assert run(world, "undo", "--yes")[0] == 0
        writing.join()
        assert world.dump() == content


def content_id(content: Content) -> str:
    """Return the id of the first task."""
    return str(bson.decode(content["task"][0])["_id"])


def test_the_server_is_killed_and_comes_back(content: Content) -> None:
    """What it had acknowledged to its journal is there again; the rest is done again."""
    with servers.running(replica_set=False) as server:
        world = World(server, servers.new_name())
        world.load(content)
        with command(world, "delete", DETECTOR["_id"], "--force", "--timeout", "3s") as process:
            await_middle(world, least=2_500)  # the first batches are on the disk by then
            server.process.kill()
            server.process.wait()
            said = process.communicate(timeout=60)[1]
        assert process.returncode == 69, said
        server.start_again()
        assert not dangling(world.dump())
        assert run(world, "resume")[0] == 0
        assert (left(world), world.states()) == (COUNT, ["done"])
        assert run(world, "undo", "--yes")[0] == 0
        assert world.dump() == content
