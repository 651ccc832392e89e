"""A process is killed by SIGKILL at each of its writes: nothing dangles, and everything can be resumed or undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bson import Int64

from projects_cli.changes.engine import SMALL
from projects_cli.errors import OperationNotFound
from tests.worlds.world import (
    ALONE,
    BEFORE,
    CHANGES,
    COMPANY,
    DETECTOR,
    ENDINGS,
    FELLOW,
    SITE,
    YOLO,
    Content,
    Planning,
    World,
    by_id,
    change,
    check_point,
    content_of,
    crooked,
    dangling,
    identifier,
    member,
    points,
    resume,
    undo,
    world_on,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects_cli.changes.runner import Runner
    from tests.worlds.world import Change

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

ROADS = {"standalone": ("standalone", SMALL), "transaction": ("replica_set", SMALL), "steps": ("replica_set", 0)}
"""On which server, and up to how many documents in one transaction."""

FEWEST = {
    "create": 10,
    "update": 5,
    "rename": 7,
    "delete": 14,
    "move": 10,
    "merge": 10,
    "make_public": 7,
    "make_private": 7,
}
"""Writes that each change has at least: a listener that sees none would pass every test."""


@pytest.fixture(params=ROADS)
def flow(request: pytest.FixtureRequest) -> tuple[str, int]:
    server, small = ROADS[request.param]
    return server, small


@pytest.fixture(params=CHANGES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_change_killed_at_every_write(
    name: str, flow: tuple[str, int], request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    """Each state between two writes is seen twice: after the one it is undone, before the other it is finished."""
    server, small = flow
    with world_on(request.getfixturevalue(server), BEFORE) as world:
        after = made(world, CHANGES[name], small)
        seen = 0
        for point in points(world, CHANGES[name], lambda: world.load(BEFORE), small):
            check_point(world, CHANGES[name], after, ENDINGS[point.when], point)
            seen += 1
        assert world.dump() == after
        assert seen >= 2 * FEWEST[name]
        record_property("kill points", seen)


def made(world: World, change: Change, small: int) -> Content:
    """Return the documents after an undisturbed run, which leaves nothing crooked."""
    world.load(BEFORE)
    change(world.runner(small=small))
    after = world.dump()
    assert after != BEFORE
    assert not dangling(after)
    assert not crooked(after)
    return after


MODEL = {**member(90, YOLO, task=identifier(95), uri="s3://b/model"), "x": 1}
CONTENTS = change("delete", project=DETECTOR["_id"], delete_contents=True)
REFERRING: Content = content_of(
    {
        **SITE,
        "model": [*SITE["model"], MODEL, member(91, ALONE, task=identifier(22), last_changed_by="ann")],
        "task": [
            *SITE["task"],
            member(95, ALONE, status="published", models={"output": [{"model": MODEL["_id"]}], "input": []}),
            member(96, None, models={"input": [{"model": MODEL["_id"], "n": Int64(1)}, "odd"]}, parent=identifier(23)),
        ],
        "url_to_delete": [{"_id": "x", "company": COMPANY, "url": "s3://b/model", "status": "failed", "tail": 1}],
    }
)


def test_a_delete_of_contents_killed_at_every_write(flow: tuple[str, int], request: pytest.FixtureRequest) -> None:
    """References, tasks, models, projects and the clean-up job's documents; `undo` is killed at every write as well."""
    server, small = flow
    with world_on(request.getfixturevalue(server), REFERRING) as world:
        CONTENTS(world.runner(small=small))
        after, journal = world.dump(), world.dump_journal()
        assert {name: len(after[name]) for name in REFERRING} == {
            "model": 2,
            "project": 6,
            "task": 6,
            "url_to_delete": 1,
            "user": 2,
        }
        seen = 0
        for point in points(world, CONTENTS, lambda: world.load(REFERRING), small):
            check_point(world, CONTENTS, after, ENDINGS[point.when], point, before=REFERRING)
            seen += 1
        assert seen >= 20
        if server == "standalone":
            for point in points(world, undo, lambda: world.load(after, journal), small):
                undo(world.runner()) if world.states() != ["undone"] else None
                assert world.dump() == REFERRING, point


@pytest.mark.parametrize(
    ("server", "name"), [*(("standalone", name) for name in CHANGES if name != "move"), ("replica_set", "delete")]
)
def test_the_ending_killed_at_every_write(
    server: str, name: str, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    """`resume` and `undo` of a half-made change, and `undo` of a whole one, die too; then either is run again.

    A merge does all that a move does.
    """
    with world_on(request.getfixturevalue(server), BEFORE) as world:
        after = made(world, CHANGES[name], 0)
        starts = [(undo, after, world.dump_journal())]
        if half := halfway(world, name):
            starts += [(resume, *half), (undo, *half)]
        seen = [kill_ending(world, ending, content, journal, after) for ending, content, journal in starts]
        assert name == "update" or len(seen) == 3
        record_property("kill points", sum(seen))


def halfway(world: World, name: str) -> tuple[Content, Content] | None:
    """Return documents and journal as left by a process that died after its second changing write.

    If one command makes the whole change, the server died in the middle of it: one document is as before.
    """
    states: list[tuple[Content, Content]] = []
    for _ in points(world, CHANGES[name], lambda: world.load(BEFORE), 0):
        crashed = world.dump()
        if crashed not in (BEFORE, *(content for content, _ in states)) and world.interrupted():
            states.append((crashed, world.dump_journal()))
            if len(states) == 2:
                return states[1]
    for content, journal in states:
        pairs = list(zip(BEFORE["project"], content["project"], strict=True))
        changed = [number for number, (old, new) in enumerate(pairs) if old != new]
        if len(changed) > 1:
            half = [old if number == changed[-1] else new for number, (old, new) in enumerate(pairs)]
            return {**content, "project": half}, journal
    return None


def kill_ending(
    world: World, ending: Callable[[Runner], object], content: Content, journal: Content, after: Content
) -> int:
    seen = 0
    for point in points(world, ending, lambda: world.load(content, journal), SMALL):
        seen += 1
        again = ENDINGS[point.when]
        assert not dangling(world.dump()), point
        goal = expected(world, again, after)
        try:
            again(world.runner())
        except OperationNotFound:
            assert world.states() in (["done"], ["undone"]), point
        assert world.dump() == goal, (ending, again, point)
        assert not world.interrupted(), point
    assert seen >= 6
    return seen


def expected(world: World, again: Callable[[Runner], object], after: Content) -> Content:
    """Return the state to which running a command again must lead: `resume` continues in the chosen direction."""
    forwards = again is resume and world.states() in (["applying"], ["applied"], ["done"])
    return after if forwards else BEFORE


def test_the_sweep_killed_at_every_write(world: World) -> None:
    """A server puts a task into an empty project after its delete was planned: it is taken out at the end."""
    late = {**SITE["task"][0], "_id": "late", "project": FELLOW["_id"]}
    delete = change("delete", project=FELLOW["_id"])

    def command(runner: Runner) -> None:
        plan = delete.plan(runner.store)
        runner.store.connection.database["task"].insert_one(late)
        runner.apply(Planning.always(plan), plan)

    world.load(BEFORE)
    command(world.runner())
    after = world.dump()
    assert by_id(after, "task")["late"]["project"] is None
    world.runner().undo(None)
    before = world.dump()
    for point in points(world, command, lambda: world.load(BEFORE), SMALL):
        crashed = world.dump()
        if world.interrupted():
            assert crashed != BEFORE
            ENDINGS[point.when](world.runner())
            assert world.dump() == (after if point.when == "started" else before), point
        else:
            assert crashed in (BEFORE, before, after), point
            assert not dangling(crashed), point
            if crashed != after:  # a next change ends the transaction that the dead process left open
                delete(world.runner())
                assert FELLOW["_id"] not in by_id(world.dump(), "project"), point
