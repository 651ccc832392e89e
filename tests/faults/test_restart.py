"""A standalone is killed during a delete and returns: the delete continues, and nothing is lost."""

from __future__ import annotations

import json
import time

import pytest

from tests import servers
from tests.changes.processes import COUNT, await_middle, command, large, left, run
from tests.worlds.world import DETECTOR, World, dangling


@pytest.mark.parametrize("pause", [0.0, 2.0])
def test_a_delete_goes_on_when_its_server_is_back(pause: float) -> None:
    content = large()
    with servers.running(replica_set=False) as server:
        world = World(server, servers.new_name())
        world.load(content)
        with command(world, "delete", DETECTOR["_id"], "--force", "--json") as process:
            await_middle(world)
            server.process.kill()
            server.process.wait()
            time.sleep(pause)
            server.start_again()
            shown, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
        assert json.loads(shown) == {
            "deleted": 2,
            "disassociated_tasks": COUNT,
            "deleted_models": 0,
            "deleted_tasks": 0,
        }
        assert not dangling(world.dump())
        assert (left(world), world.states()) == (COUNT, ["done"])
        assert run(world, "undo", "--yes")[0] == 0
        assert world.dump() == content
