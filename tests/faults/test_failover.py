"""A replica set of three real servers loses its primary during a change, which pauses and continues."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pymongo
import pytest

from tests.changes.processes import COUNT, await_back, await_middle, command, large, left, run
from tests.worlds.world import DETECTOR, VISION, Content, World, dangling, world_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.nodes import Node, ThreeNodes

pytestmark = pytest.mark.xdist_group("three members")


@pytest.fixture(scope="module")
def content() -> Content:
    return large()


@pytest.fixture
def world(cluster: ThreeNodes, content: Content) -> Iterator[World]:
    with world_on(cluster, content) as made:
        yield made


def kill(node: Node) -> None:
    node.kill()


def step_down(node: Node) -> None:
    """Let the primary become a secondary, which ends the writes that are under way."""
    with pymongo.MongoClient[dict[str, Any]](node.uri) as client:
        client.admin.command("replSetStepDown", 20, secondaryCatchUpPeriodSecs=10, force=True)


@pytest.mark.parametrize("loss", [kill, step_down])
def test_a_delete_outlives_the_loss_of_the_primary(
    world: World, cluster: ThreeNodes, content: Content, loss: Callable[[Node], None]
) -> None:
    """It ends as if nothing had happened: every task left its project, each counted once."""
    primary = cluster.primary()
    with command(world, "delete", DETECTOR["_id"], "--force", "--json") as process:
        await_middle(world)
        loss(primary)
        shown, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert cluster.primary() is not primary
    assert json.loads(shown) == {"deleted": 2, "disassociated_tasks": COUNT, "deleted_models": 0, "deleted_tasks": 0}
    check_deleted(world)
    assert run(world, "undo", "--yes")[0] == 0
    assert world.dump() == content


def check_deleted(world: World) -> None:
    found = world.dump()
    assert not dangling(found)
    assert (left(world), len(found["project"]), world.states()) == (COUNT, 1, ["done"])


def test_an_undo_outlives_it_too(world: World, cluster: ThreeNodes, content: Content) -> None:
    assert run(world, "delete", DETECTOR["_id"], "--force")[0] == 0
    with command(world, "undo", "--yes", "--json") as process:
        await_back(world)
        cluster.primary().kill()
        shown, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert {name: json.loads(shown)[name] for name in ("state", "projects", "tasks")} == {
        "state": "undone",
        "projects": 2,
        "tasks": COUNT,
    }
    assert world.dump() == content


def test_the_primary_is_lost_while_the_journal_is_written(world: World, cluster: ThreeNodes, content: Content) -> None:
    with command(world, "delete", DETECTOR["_id"], "--force") as process:
        while not world.journal["change"].find_one():
            time.sleep(0.005)
        cluster.primary().kill()
        said = process.communicate(timeout=120)[1]
    assert process.returncode == 0, said
    check_deleted(world)
    assert run(world, "undo", "--yes")[0] == 0
    assert world.dump() == content


def test_a_small_change_in_a_transaction_outlives_it(world: World, cluster: ThreeNodes) -> None:
    """The driver repeats the whole transaction."""
    cluster.primary().kill()
    status, said = run(world, "update", VISION["_id"], "--description", "during the election")
    assert status == 0, said
    assert world.documents["project"].distinct("description", {"_id": VISION["_id"]}) == ["during the election"]


def test_without_a_majority_it_says_what_to_look_at(world: World, cluster: ThreeNodes, content: Content) -> None:
    """And nothing has changed; when the members are back, everything works as before."""
    for node in cluster.secondaries():
        node.kill()
    while len(cluster.secondaries()) < 1:  # the primary steps down: it has no majority
        time.sleep(0.1)
    status, said = run(world, "delete", DETECTOR["_id"], "--force", "--timeout", "2s")
    assert status == 69, said
    assert re.search(
        r"no answer from mongodb://\S+ within 2 s: .*hint: look at the replica set: rs\.status\(\)", said, re.DOTALL
    )
    cluster.heal()
    assert world.dump() == content
    assert run(world, "delete", DETECTOR["_id"], "--force")[0] == 0
    check_deleted(world)
