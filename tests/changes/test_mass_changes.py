"""Changes of many documents at once, killed at each of their writes: they can be resumed, and undone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from projects_cli.endpoints.mass_update import update_all
from projects_cli.messages import Request
from tests.worlds.world import (
    ALONE,
    BEFORE,
    COMPANY,
    DETECTOR,
    FELLOW,
    NOW,
    VISION,
    YOLO,
    Planning,
    World,
    by_id,
    dangling,
    points,
    resume,
    undo,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects_cli.changes.runner import Runner
    from projects_cli.messages import Plan, Step
    from projects_cli.store.collections import Store

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

PROJECTS = [one["_id"] for one in (VISION, DETECTOR, YOLO, ALONE, FELLOW)]


def requested(endpoint: str, **params: object) -> Request:
    return Request(f"projects.{endpoint}", "2.13", params, COMPANY, "the-caller", NOW, str)


def update(store: Store) -> Plan[Step]:
    return update_all(
        requested("update", project=PROJECTS[0], description="new", tags=["x"]), PROJECTS, store, (["x"], [])
    )


COMMANDS: dict[str, tuple[Callable[[Store], Plan[Step]], int]] = {"update": (update, 5)}
"""Each change, and how many writes it has at least."""


def made(planner: Callable[[Store], Plan[Step]], runner: Runner) -> object:
    return runner.apply(Planning(planner), planner(runner.store))


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("small", [0, 1000])
def test_a_mass_change_killed_at_every_write(world: World, name: str, small: int) -> None:
    planner, least = COMMANDS[name]
    command = partial(made, planner)
    world.load(BEFORE)
    command(world.runner(small=small))
    after = world.dump()
    assert after != BEFORE
    seen = 0
    for point in points(world, command, lambda: world.load(BEFORE), small):
        crashed = world.dump()
        assert not dangling(crashed), point
        seen += 1
        if world.interrupted():
            forwards = point.when == "started"
            (resume if forwards else undo)(world.runner())
            assert world.dump() == (after if forwards else BEFORE), point
        elif crashed == BEFORE:  # the next change ends the transaction that the dead process left open
            command(world.runner())
            assert world.dump() == after, point
        else:
            assert crashed == after, point
        assert not world.interrupted(), point
    assert seen >= 2 * least


def test_a_project_that_another_process_edits_meanwhile_is_planned_again(lone: World) -> None:
    """Its tags are not lost, and the others are changed as well."""
    runner = lone.runner()
    plan = update(runner.store)
    lone.documents["project"].update_one({"_id": ALONE["_id"]}, {"$set": {"tags": ["theirs"]}})
    _, outcome = runner.apply(Planning(update), plan)
    projects = by_id(lone.dump())
    assert [skipped.id for skipped in outcome.skipped] == [ALONE["_id"]]
    assert (projects[ALONE["_id"]]["tags"], projects[YOLO["_id"]]["tags"]) == (["theirs"], ["alpha", "x", "zoo"])
