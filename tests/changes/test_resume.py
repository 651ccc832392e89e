"""Resuming interrupted changes, and refusing that if others have changed the tree since."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from projects_cli.changes.engine import SMALL
from projects_cli.changes.journal import Run
from projects_cli.errors import CannotUndo
from tests.worlds.world import (
    BEFORE,
    CHANGES,
    DETECTOR,
    VISION,
    YOLO,
    Change,
    World,
    by_id,
    change,
    crooked,
    dangling,
    dies,
    points,
    project,
    undo,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects_cli.changes.runner import Runner

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def stop_after(world: World, made: Change, done: Callable[[World], bool]) -> None:
    """Leave a change in the middle: its process is killed as soon as something is done."""
    for number in range(1, 30):
        world.load(BEFORE)
        assert dies(world, made, number, "succeeded")
        if done(world):
            return
    raise AssertionError("it never was")


def has_name(name: str) -> Callable[[World], bool]:
    return lambda world: name in {one["name"] for one in by_id(world.dump()).values()}


def test_what_was_made_was_deleted_since(lone: World) -> None:
    stop_after(lone, CHANGES["create"], has_name("vision/new"))
    operation = lone.interrupted()[0].id
    new = next(one["_id"] for one in by_id(lone.dump()).values() if one["name"] == "vision/new")
    change("delete", project=new)(lone.runner())
    with pytest.raises(CannotUndo, match="is void"):  # nothing of it is there any longer
        lone.runner().resume(operation)
    assert lone.dump() == BEFORE


def test_a_parent_that_was_renamed_since(lone: World) -> None:
    stop_after(lone, CHANGES["create"], has_name("vision/new"))
    operation = lone.interrupted()[0].id
    change("update", project=VISION["_id"], name="sight")(lone.runner())
    with pytest.raises(CannotUndo, match="its parent project was renamed in the meantime: 'sight/new'"):
        lone.runner().resume(operation)
    assert not crooked(lone.dump())


def test_a_name_that_was_taken_since(lone: World) -> None:
    """Also without a unique index, which would notice."""
    stop_after(lone, CHANGES["create"], has_name("vision/new"))
    operation = lone.interrupted()[0].id
    Change("create", {"name": "vision/new/deep"}, first_id=0xB000)(lone.runner())
    with pytest.raises(CannotUndo, match="'vision/new/deep': its name is taken"):
        lone.runner().resume(operation)


def test_a_project_that_was_made_below_a_half_renamed_one(lone: World) -> None:
    """Its name would not follow; the rename can be undone instead. The server died in the middle of its command."""
    stop_after(lone, CHANGES["rename"], has_name("vision/finder"))
    as_before = {name: YOLO[name] for name in ("name", "last_update")}
    lone.documents["project"].update_one({"_id": YOLO["_id"]}, {"$set": as_before})
    late = project(97, "vision/detector/yolo/late", [VISION, DETECTOR, YOLO])
    lone.documents["project"].insert_one(late)
    with pytest.raises(CannotUndo, match="'vision/detector/yolo': projects were created below it"):
        lone.runner().resume(None)
    undo(lone.runner())
    content = lone.dump()
    assert not crooked(content)
    assert not dangling(content)


def test_a_server_that_touches_projects_is_no_obstacle(lone: World) -> None:
    """Neither for finishing nor for taking back."""
    for ending in ("resume", "undo"):
        stop_after(lone, CHANGES["rename"], has_name("vision/finder"))
        lone.documents["project"].update_many({}, {"$currentDate": {"last_update": True}})
        getattr(lone.runner(), ending)(None)
        assert not crooked(lone.dump())
        assert has_name("vision/finder")(lone) is (ending == "resume")


RUN = "r20240601-123015-123abcd"


def of_the_run(runner: Runner) -> Runner:
    return replace(runner, author=replace(runner.author, run=Run(RUN)))


def interrupt(world: World, command: Callable[[Runner], object], in_the_middle: Callable[[World], bool]) -> None:
    """Leave an operation of the run in the middle, beside what was left before."""
    left = world.dump(), world.dump_journal()
    for number in range(1, 30):
        world.load(*left)
        assert dies(world, lambda runner: command(of_the_run(runner)), number, "succeeded")
        if in_the_middle(world):
            return
    raise AssertionError("it never was")


def test_all_operations_of_a_run_are_finished(lone: World) -> None:
    """An undo of one, and two later changes. The resume of the run is killed at each of its writes, and repeated."""
    lone.load(BEFORE)
    CHANGES["create"](lone.runner())
    CHANGES["rename"](lone.runner())
    after = lone.dump()
    lone.load(BEFORE)
    CHANGES["make_public"](of_the_run(lone.runner()))
    interrupt(lone, undo, lambda world: [one.state for one in world.interrupted()] == ["undoing"])
    interrupt(lone, CHANGES["create"], has_name("vision/new"))
    interrupt(lone, CHANGES["rename"], has_name("vision/finder"))
    newest_first = [one.state for one in lone.interrupted()]
    assert newest_first == ["applying", "applying", "undoing"]
    chosen = lone.runner().undoing.resumable(RUN)
    assert [one.endpoint for one in chosen] == ["projects.make_public", "projects.create", "projects.update"]
    left = lone.dump(), lone.dump_journal()
    seen = 0
    for point in points(lone, lambda runner: runner.resume(RUN), lambda: lone.load(*left), SMALL):
        seen += 1
        if lone.interrupted():
            lone.runner().resume(RUN)
        assert lone.dump() == after, point
        assert not lone.interrupted(), point
        assert lone.states() == ["undone", "done", "done"], point
    assert seen >= 20


def test_what_cannot_be_finished_stops_the_resume_of_a_run(lone: World) -> None:
    """What comes before it is finished, and stays so."""
    lone.load(BEFORE)
    interrupt(lone, CHANGES["create"], has_name("vision/new"))
    interrupt(lone, CHANGES["rename"], has_name("vision/finder"))
    as_before = {name: YOLO[name] for name in ("name", "last_update")}
    lone.documents["project"].update_one({"_id": YOLO["_id"]}, {"$set": as_before})
    lone.documents["project"].insert_one(project(97, "vision/detector/yolo/late", [VISION, DETECTOR, YOLO]))
    with pytest.raises(CannotUndo, match="'vision/detector/yolo': projects were created below it"):
        lone.runner().resume(RUN)
    assert lone.states() == ["done", "applying"]
    assert has_name("vision/new/deep/leaf")(lone)
