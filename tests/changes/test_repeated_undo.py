"""Undos that had to leave something, or were interrupted: nothing of the journal becomes unreachable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bson
import pytest

from projects_cli.changes import journal, restoring
from projects_cli.errors import CannotUndo
from tests.changes.test_beside_others import newest
from tests.changes.test_mass_changes import made, rename
from tests.worlds.world import (
    ALONE,
    BEFORE,
    CHANGES,
    DETECTOR,
    DOTTED,
    FELLOW,
    VISION,
    YOLO,
    Content,
    World,
    by_id,
    change,
    content_of,
    crooked,
    dangling,
    dies,
    identifier,
    member,
    project,
    resume,
    undo,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects_cli.changes.runner import Runner

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

TAKER = project(60, "vision/detector", [VISION])


def take_name(world: World) -> None:
    world.documents["project"].insert_one(TAKER)


def give_name_back(world: World) -> None:
    world.documents["project"].delete_one({"_id": TAKER["_id"]})


@pytest.mark.parametrize("name", ["delete", "merge", "rename", "move"])
def test_what_an_undo_has_left_can_be_undone_later(lone: World, name: str) -> None:
    CHANGES[name](lone.runner())
    operation = newest(lone)
    take_name(lone)
    runner = lone.runner()
    response = runner.undo(operation)
    assert response.skipped
    assert not crooked(lone.dump())
    give_name_back(lone)
    again = lone.runner()
    plan = again.undoing.preview(again.undoing.chosen(operation)).data
    assert not plan["skipped"]
    assert {step["id"] for step in plan["steps"] if step["id"]} <= {skipped.id for skipped in response.skipped} or (
        response.data["state"] == "done"
    )
    assert not again.undo(operation).skipped
    assert (lone.dump(), lone.states()) == (BEFORE, ["undone"])
    with pytest.raises(CannotUndo, match="is undone"):
        lone.runner().undo(operation)


def test_an_undo_that_restored_nothing_leaves_no_trace_in_the_record(lone: World) -> None:
    CHANGES["update"](lone.runner())
    before = lone.journal["operation"].find_one({}, {"worker": 0})
    lone.documents["project"].update_one({"_id": ALONE["_id"]}, {"$set": {"description": "theirs"}})
    assert lone.runner().undo(newest(lone)).skipped
    after = lone.journal["operation"].find_one({}, {"worker": 0})
    assert before is not None
    assert after == before | {"undone_by": None}


def stop(world: World, command: Callable[[Runner], object], restore: Callable[[], object], task: list[bytes]) -> None:
    """Kill a command at the first of its writes after which these are the tasks."""
    for number in range(1, 20):
        restore()
        if dies(world, command, number, "succeeded", small=0) and world.dump()["task"] == task:
            return
    pytest.fail("no write leads to this state")


def test_a_killed_undo_that_had_restored_something_ends_as_undone(lone: World) -> None:
    made(rename, lone.runner())
    operation = newest(lone)
    lone.documents["model"].update_one({"_id": identifier(42)}, {"$push": {"tags": "theirs"}})
    changed, journal = lone.dump(), lone.dump_journal()
    stop(lone, lambda runner: runner.undo(operation), lambda: lone.load(changed, journal), BEFORE["task"])
    assert lone.states() == ["undoing"]
    assert resume(lone.runner()).skipped
    assert lone.states() == ["undone"]
    lone.documents["model"].update_one({"_id": identifier(42)}, {"$pull": {"tags": "theirs"}})
    lone.runner().undo(operation)
    assert lone.dump() == BEFORE


@pytest.mark.parametrize("redone", [False, True])
def test_an_edit_of_what_was_changed_first_hides_no_interrupted_change(lone: World, *, redone: bool) -> None:
    """A killed process had changed the tags of projects, then of tasks. A user has edited those of the projects."""
    made(rename, lone.runner())
    after = lone.dump()
    undo(lone.runner())
    journal = lone.dump_journal()

    def command(runner: Runner) -> object:
        return runner.redo(None) if redone else made(rename, runner)

    stop(lone, command, lambda: lone.load(BEFORE, journal), after["task"])
    lone.documents["project"].update_many({}, {"$set": {"tags": ["edited"]}})
    assert lone.interrupted()
    lone.runner().operations.settle()
    assert lone.interrupted()
    undo(lone.runner())
    assert lone.dump()["task"] == BEFORE["task"]


@pytest.mark.parametrize("later", [{"last_change": 5}, {"last_changed_by": "someone", "name": "renamed"}])
def test_a_reference_returns_to_a_task_that_was_edited_since(lone: World, later: dict[str, Any]) -> None:
    child = member(60, ALONE, parent=identifier(20), last_change=1, last_changed_by="a server")
    lone.load(content_of({**_site(), "task": [*_site()["task"], child]}))
    change("delete", project=DETECTOR["_id"], force=True, delete_contents=True)(lone.runner())
    assert by_id(lone.dump(), "task")[child["_id"]]["parent"] is None
    lone.documents["task"].update_one({"_id": child["_id"]}, {"$set": later})
    assert not undo(lone.runner()).skipped
    restored = by_id(lone.dump(), "task")[child["_id"]]
    assert restored["parent"] == identifier(20)
    assert {name: restored[name] for name in later} == later


def _site() -> dict[str, list[Any]]:
    return {name: list(by_id(BEFORE, name).values()) for name in BEFORE}


def bytes_by_id(content: Content, kind: str) -> dict[str, bytes]:
    """Return documents as they are stored: some have numbers that do not equal themselves."""
    return {bson.decode(raw)["_id"]: raw for raw in content[kind]}


@pytest.mark.parametrize("name", ["delete", "tags"])
def test_a_repeated_undo_does_not_touch_what_the_first_one_has_restored(lone: World, name: str) -> None:
    """Others have made the same change again since, to a document that the first undo has restored."""
    projects, models = lone.documents["project"], lone.documents["model"]
    made(rename, lone.runner()) if name == "tags" else CHANGES["delete"](lone.runner())
    operation = newest(lone)
    changed = by_id(lone.dump(), "model")
    in_the_way = project(60, "vision/detector/yolo", [VISION, DETECTOR])
    if name == "tags":
        models.update_one({"_id": identifier(42)}, {"$push": {"tags": "theirs"}})
    else:
        projects.insert_one(in_the_way)
    assert lone.runner().undo(operation).skipped
    if name == "tags":
        for number in (40, 42):
            models.replace_one({"_id": identifier(number)}, changed[identifier(number)])
    else:
        projects.delete_many({"_id": {"$in": [DOTTED["_id"], in_the_way["_id"]]}})
    kind, left = ("model", identifier(42)) if name == "tags" else ("project", YOLO["_id"])
    now = bytes_by_id(lone.dump(), kind)
    runner = lone.runner()
    steps = runner.undoing.preview(runner.undoing.chosen(operation)).data["steps"]
    assert [step["documents"] for step in steps if step["collection"] == kind] == [1]
    assert not runner.undo(operation).skipped
    assert bytes_by_id(lone.dump(), kind) == now | {left: bytes_by_id(BEFORE, kind)[left]}
    assert not dangling(lone.dump())


def test_an_undo_that_leaves_very_many_can_not_be_repeated(lone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LEFT", 0)
    CHANGES["merge"](lone.runner())
    take_name(lone)
    assert lone.runner().undo(newest(lone)).skipped
    with pytest.raises(CannotUndo, match="is undone"):
        lone.runner().undo(newest(lone))


def test_a_repeated_undo_restores_no_name_below_a_parent_of_another_name(lone: World) -> None:
    """What was left is below another project by then, which has the name that the change had given."""
    CHANGES["rename"](lone.runner())
    operation = newest(lone)
    change("move", project=YOLO["_id"], new_location="fellow")(lone.runner())
    assert lone.runner().undo(operation).skipped
    projects = lone.documents["project"]
    projects.insert_one(project(60, "vision/finder", [VISION]))
    change("move", project=YOLO["_id"], new_location="vision/finder")(lone.runner())
    assert by_id(lone.dump())[YOLO["_id"]]["name"] == "vision/finder/yolo"
    before = crooked(lone.dump())
    response = lone.runner().undo(operation)
    assert ("it was moved to another place in the meantime", before) == (response.skipped[0].why, crooked(lone.dump()))
    projects.delete_one({"_id": identifier(60)})
    projects.update_one({"_id": DETECTOR["_id"]}, {"$set": {"name": "vision/finder", "basename": "finder"}})
    projects.update_one({"_id": YOLO["_id"]}, {"$set": {"parent": DETECTOR["_id"], "path": YOLO["path"]}})
    assert "renamed in the meantime" in lone.runner().undo(operation).skipped[0].why


def test_more_tasks_than_are_named_are_left_and_no_others(lone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoring, "NAMED", 1)
    tasks = lone.documents["task"]
    tasks.insert_many([member(number, DETECTOR) for number in range(70, 76)])
    CHANGES["merge"](lone.runner())
    operation = newest(lone)
    moved = [identifier(number) for number in range(70, 73)]
    tasks.update_many({"_id": {"$in": moved}}, {"$set": {"project": ALONE["_id"]}})
    assert len(lone.runner().undo(operation).skipped) == 2
    tasks.update_many({"_id": {"$in": [*moved, identifier(75)]}}, {"$set": {"project": FELLOW["_id"]}})
    assert not lone.runner().undo(operation).skipped
    places = {one["_id"]: one["project"] for one in by_id(lone.dump(), "task").values()}
    assert {places[one] for one in moved} == {DETECTOR["_id"]}
    assert places[identifier(75)] == FELLOW["_id"]
