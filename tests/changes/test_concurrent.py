"""Many processes at once in one tree: names stay unique, nothing dangles, and parents and names match."""

from __future__ import annotations

import os
import random
import time
import traceback
from collections import Counter
from contextlib import suppress
from functools import partial
from itertools import count
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from projects_cli.endpoints.tags import edit_tags
from projects_cli.errors import (
    CannotUndo,
    CannotUpdateProjectLocation,
    ChangedMeanwhile,
    ExpectedUniqueData,
    InvalidProjectId,
    LockHeld,
    OperationNotFound,
)
from tests.changes.processes import run_here
from tests.worlds.world import (
    ALONE,
    BEFORE,
    COMPANY,
    Change,
    Planning,
    World,
    by_id,
    change,
    crooked,
    dangling,
    undo,
    world_on,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from projects_cli.changes.runner import Runner
    from projects_cli.messages import Plan, Step
    from tests.servers import Server

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

SECONDS = float(os.environ.get("PROJECTS_TEST_SECONDS", "8"))
"""How long many processes change one tree."""

WON, LOST, FAILED = 0, 7, 1


def together(world: World, works: Sequence[Callable[[World], int]]) -> Counter[int]:
    """Run each in a process of its own, all started at one moment; gives how often each status was returned."""
    closed, go = os.pipe()
    pids = [_child(world, work, closed, go) for work in works]
    os.close(closed)
    os.close(go)  # that is the shot: every child waits for the end of this pipe
    return Counter(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids)


def _child(world: World, work: Callable[[World], int], closed: int, go: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = FAILED
    try:
        os.close(go)
        own = World(world.server, world.name)
        own.here  # noqa: B018 - connected before the shot
        os.read(closed, 1)
        status = work(own)
    except BaseException:  # noqa: BLE001 - whatever it is, this process must not continue as a second pytest
        traceback.print_exc()
    finally:
        os._exit(status)


def create(name: str) -> Change:
    return Change("create", {"name": name}, first_id=uuid4().int % 2**120)


def creating(name: str) -> Callable[[World], int]:
    def work(world: World) -> int:
        try:
            create(name)(world.runner(wait=60))
        except ExpectedUniqueData:
            return LOST
        return WON

    return work


@pytest.mark.parametrize("indexed", [True, False])
def test_24_processes_create_one_name(deployment: Server, *, indexed: bool) -> None:
    with world_on(deployment) as world:
        world.documents.create_collection("project")
        if indexed:
            world.documents["project"].create_index(["name", "company"], unique=True)
        assert together(world, [creating("above/middle/leaf")] * 24) == {WON: 1, LOST: 23}
        names = [one["name"] for one in by_id(world.dump()).values()]
        assert sorted(names) == ["above", "above/middle", "above/middle/leaf"]
        assert not crooked(world.dump())


def test_ancestors_that_all_make_are_there_once(deployment: Server) -> None:
    with world_on(deployment) as world:
        works = [creating(f"above/middle/leaf {number}") for number in range(16)]
        assert together(world, works) == {WON: 16}
        assert len(by_id(world.dump())) == 18
        assert not crooked(world.dump())


def test_without_a_journal_the_unique_index_decides(deployment: Server) -> None:
    """Without a lease: the process that loses removes its own ancestors, and never those of another one."""

    def work(world: World) -> int:
        try:
            create("above/leaf")(world.runner(journal=False))
        except ExpectedUniqueData:
            return LOST
        return WON

    with world_on(deployment) as world:
        world.documents["project"].create_index(["name", "company"], unique=True)
        ended = together(world, [work] * 12)
        assert ended[WON] <= 1
        assert ended[WON] + ended[LOST] == 12
        assert not dangling(world.dump())
        assert not crooked(world.dump())


def test_tags_that_many_add_at_once_are_all_kept(deployment: Server) -> None:
    """Each computes the new list from the one that it read: none writes over what another added meanwhile."""

    def adding(tag: str) -> Callable[[World], int]:
        return lambda world: run_here(world, "update", ALONE["_id"], "--add-tag", tag)[0]

    with world_on(deployment, BEFORE) as world:
        added = [f"tag {number:02}" for number in range(8)]
        assert together(world, [adding(tag) for tag in added]) == {0: len(added)}
        assert by_id(world.dump())[ALONE["_id"]]["tags"] == ["alpha", *added, "zoo"]


@pytest.mark.parametrize("fields", [{}, {"name": "other"}])
def test_tags_are_computed_again_where_another_was_faster(world: World, fields: dict[str, str]) -> None:
    """The second writer comes between a plan and its write, twice; with a new name too, under the lock."""
    runner, asked = world.runner(), change("update", project=ALONE["_id"], tags=["mine"], **fields)
    faster = [["theirs", "too"], ["theirs"]]

    def plan(_: object = None) -> Plan[Step]:
        planned = asked.plan(runner.store, partial(edit_tags, add=["mine"], remove=["alpha"]))
        if faster:
            world.documents["project"].update_one({"_id": ALONE["_id"]}, {"$set": {"tags": faster.pop()}})
        return planned

    outcome = runner.apply(Planning(plan), plan())[1]
    assert (outcome.count("project", "update"), outcome.skipped, faster) == (1, [], [])
    assert by_id(world.dump())[ALONE["_id"]]["tags"] == ["mine", "theirs", "too"]


def test_tags_that_never_rest_are_given_up(world: World) -> None:
    """And nothing is written over them."""
    asked, numbers = change("update", project=ALONE["_id"], tags=["mine"]), count()

    def plan(_: object = None) -> Plan[Step]:
        planned = asked.plan(runner.store, partial(edit_tags, add=["mine"], remove=[]))
        world.documents["project"].update_one({"_id": ALONE["_id"]}, {"$set": {"tags": [str(next(numbers))]}})
        return planned

    runner = world.runner()
    with pytest.raises(ChangedMeanwhile):
        runner.apply(Planning(plan), plan())
    assert by_id(world.dump())[ALONE["_id"]]["tags"] == [str(next(numbers) - 1)]


# --- everything at once -----------------------------------------------------------------------------------------------

EXPECTED = (
    ExpectedUniqueData,
    InvalidProjectId,
    CannotUpdateProjectLocation,  # the project above was renamed since this process looked
    ChangedMeanwhile,
    LockHeld,
    CannotUndo,
    OperationNotFound,
)
"""What others may cause; anything else is a fault."""


def busy(seed: int) -> Callable[[World], int]:
    def work(world: World) -> int:
        chance = random.Random(seed)
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            step(world, chance)
        return WON

    return work


def step(world: World, chance: random.Random) -> None:
    runner = world.runner(wait=30)
    with suppress(*EXPECTED):
        _command(world, chance)(runner)


def _command(world: World, chance: random.Random) -> Callable[[Runner], object]:
    projects = list(world.here.database["project"].find({}, {"name": 1}))
    kind = chance.choice(["create", "create", "create", "rename", "rename", "delete", "undo"])
    if kind == "undo":
        return undo
    if kind == "create" or not projects:
        return create("/".join(chance.choice(["one", "two", "three"]) for _ in range(chance.randint(1, 4))))
    one = chance.choice(projects)
    if kind == "delete":
        return Change("delete", {"project": one["_id"], "force": True})
    name = f"{one['name'].rpartition('/')[0]}/{chance.choice(['one', 'two', 'three'])}"
    return Change("update", {"project": one["_id"], "name": name})


def test_20_processes_change_one_tree(deployment: Server) -> None:
    with world_on(deployment) as world:
        for kind in ("task", "model"):
            world.documents[kind].insert_many(
                {"_id": str(one), "company": COMPANY, "project": None} for one in range(50)
            )
        assert together(world, [busy(seed) for seed in range(20)]) == {WON: 20}
        assert not dangling(world.dump())
        assert not crooked(world.dump())
        assert world.interrupted() == []
        assert len(world.states()) > 20
