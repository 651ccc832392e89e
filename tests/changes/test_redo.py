"""Runs, and redo: a run is undone as a whole, done again as it was, and refused if others worked there since."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from projects_cli.errors import CannotUndo, OperationNotFound
from tests.changes.processes import run, run_here
from tests.worlds.world import (
    ALONE,
    BEFORE,
    CHANGES,
    DETECTOR,
    FELLOW,
    VISION,
    YOLO,
    World,
    by_id,
    change,
    dangling,
    dies,
    identifier,
    member,
    points,
    project,
    resume,
    undo,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects_cli.changes.runner import Runner

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def redo(runner: Runner) -> object:
    return runner.redo(None)


# --- redo -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHANGES)
def test_redo_is_byte_identical_and_can_be_undone_again(world: World, name: str) -> None:
    CHANGES[name](world.runner())
    after = world.dump()
    for _ in range(2):
        undo(world.runner())
        assert world.dump() == BEFORE
        redo(world.runner())
        assert world.dump() == after
        assert world.states() == ["done"]
    with pytest.raises(OperationNotFound, match="no operation that 'ann' has undone"):
        redo(world.runner())


@pytest.mark.parametrize("name", ["create", "update", "rename", "delete", "merge"])
def test_a_redo_killed_at_every_write(world: World, name: str) -> None:
    """It is resumed or undone; one that was killed before its first write leaves the operation undone."""
    CHANGES[name](world.runner())
    after = world.dump()
    undo(world.runner())
    journal = world.dump_journal()
    seen = 0
    for point in points(world, redo, lambda: world.load(BEFORE, journal), 1000):
        crashed = world.dump()
        assert not dangling(crashed), point
        seen += 1
        if world.interrupted():
            forwards = point.when == "started"
            (resume if forwards else undo)(world.runner())
            assert world.dump() == (after if forwards else BEFORE), point
        elif crashed == BEFORE:
            redo(world.runner())
            assert world.dump() == after, point
        else:
            assert crashed == after, point
        assert not world.interrupted(), point
    assert seen >= 8


def put_task(world: World) -> None:
    world.documents["task"].insert_one(member(99, None, project=YOLO["_id"]))


def put_project(world: World) -> None:
    world.documents["project"].insert_one(project(97, "vision/detector/late", [VISION, DETECTOR]))


def set_tags(of: str) -> Callable[[World], object]:
    return lambda world: world.documents["project"].update_one({"_id": of}, {"$set": {"tags": ["theirs"]}})


OBSTACLES: dict[str, tuple[str, Callable[[World], object], str]] = {
    "a new task in a deleted project": ("delete", put_task, "'vision/detector/yolo': it holds tasks that came"),
    "a new project below a deleted one": ("delete", put_project, "'vision/detector': projects were created below it"),
    "a deleted project was changed": ("delete", set_tags(YOLO["_id"]), "changed in the meantime: tags"),
    "an updated field was changed": ("update", set_tags(ALONE["_id"]), "'alone': it was changed .*tags"),
    "an updated project is gone": (
        "update",
        lambda world: world.documents["project"].delete_one({"_id": ALONE["_id"]}),
        "'alone': it was removed in the meantime",
    ),
    "a created name is taken": (
        "create",
        lambda world: world.documents["project"].insert_one(project(97, "vision/new", [VISION])),
        "'vision/new': its name is taken",
    ),
    "a parent was renamed": (
        "create",
        lambda world: change("update", project=VISION["_id"], name="sight")(world.runner()),
        "its parent project was renamed in the meantime: 'sight'",
    ),
    "a new name is taken": (
        "rename",
        lambda world: world.documents["project"].insert_one(project(97, "vision/finder", [VISION])),
        "the name 'vision/finder' is taken",
    ),
}


@pytest.mark.parametrize("case", OBSTACLES)
def test_redo_refuses_over_later_changes(lone: World, case: str) -> None:
    name, later, reason = OBSTACLES[case]
    CHANGES[name](lone.runner())
    undo(lone.runner())
    later(lone)
    content = lone.dump()
    with pytest.raises(CannotUndo, match=reason):
        redo(lone.runner())
    assert lone.dump() == content


def test_a_server_that_touches_projects_and_tasks_is_no_obstacle(lone: World) -> None:
    CHANGES["delete"](lone.runner())
    undo(lone.runner())
    lone.documents["project"].update_many({}, {"$currentDate": {"last_update": True}})
    lone.documents["task"].update_many({}, {"$set": {"name": "renamed"}})
    lone.documents["task"].delete_one({"_id": identifier(22)})
    redo(lone.runner())
    assert YOLO["_id"] not in by_id(lone.dump())
    assert not dangling(lone.dump())


def test_only_what_is_undone_is_done_again(lone: World) -> None:
    CHANGES["update"](lone.runner())
    operation = lone.journal["operation"].distinct("_id")[0]
    with pytest.raises(CannotUndo, match="is done: there is nothing to redo"):
        lone.runner().redo(operation)


# --- runs -------------------------------------------------------------------------------------------------------------


def three(runner: Runner) -> None:
    """Make three changes in one run that build on each other: two of one project, and a rename above it."""
    change("update", project=YOLO["_id"], description="one")(runner)
    change("update", project=YOLO["_id"], description="two", tags=["new"])(runner)
    change("update", project=DETECTOR["_id"], name="vision/finder")(runner)


def runs(world: World) -> list[str]:
    return sorted(world.journal["operation"].distinct("run"))


def test_the_operations_of_a_run_are_undone_and_redone_together(world: World) -> None:
    CHANGES["make_public"](world.runner())
    between = world.dump()
    three(world.runner())
    after = world.dump()
    older, whole = runs(world)
    assert world.journal["operation"].count_documents({"run": whole}) == 3
    assert world.runner().undo(whole, all_or_nothing=True).data["run"] == whole
    assert world.dump() == between
    world.runner().redo(whole)
    assert world.dump() == after
    undo(world.runner())  # without an id: the newest run
    assert (world.dump(), world.states()) == (between, ["done", "undone", "undone", "undone"])
    redo(world.runner())
    assert world.dump() == after
    world.runner().undo(whole)
    assert world.runner().undo(older).data["state"] == "undone"
    assert world.dump() == BEFORE


def test_the_undo_of_a_run_killed_at_every_write(lone: World) -> None:
    """Resume ends the operation in the middle, and the same command again undoes the rest."""
    three(lone.runner())
    after, journal = lone.dump(), lone.dump_journal()
    seen = 0
    for point in points(lone, undo, lambda: lone.load(after, journal), 1000):
        assert not dangling(lone.dump()), point
        seen += 1
        if point.when == "started" and lone.interrupted():
            resume(lone.runner())
        if lone.states() != ["undone"] * 3:
            undo(lone.runner())
        assert (lone.dump(), lone.states()) == (BEFORE, ["undone"] * 3), point
    assert seen >= 18


def test_a_run_that_was_killed_in_the_middle_is_undone_as_a_whole(lone: World) -> None:
    seen = set()
    for point in points(lone, three, lambda: lone.load(BEFORE), 1000):
        if lone.dump() != BEFORE:
            seen.add(len(lone.interrupted()))
            undo(lone.runner())
        assert lone.dump() == BEFORE, point
    assert seen == {0, 1}


def test_an_operation_of_a_run_is_undone_alone_and_the_rest_later(lone: World) -> None:
    three(lone.runner())
    (whole,) = runs(lone)
    newest = max(lone.journal["operation"].distinct("_id"))
    lone.runner().undo(newest)
    assert by_id(lone.dump())[YOLO["_id"]]["name"] == YOLO["name"]
    undo(lone.runner())
    assert lone.dump() == BEFORE
    with pytest.raises(CannotUndo, match=f"run {whole} is undone: there is nothing to undo"):
        lone.runner().undo(whole)


def test_later_changes_by_others_stay_when_a_run_is_undone(lone: World) -> None:
    """A dry run reports the same, and --all-or-nothing refuses before anything is undone."""
    three(lone.runner())
    lone.documents["project"].update_one({"_id": YOLO["_id"]}, {"$set": {"description": "theirs"}})
    changed = lone.dump()
    undoing = lone.runner().undoing
    shown = undoing.preview(undoing.chosen(None)).data["skipped"]
    assert [(one["id"], one["why"]) for one in shown] == [
        (YOLO["_id"], "it was changed in the meantime: description, tags"),
        (YOLO["_id"], "it was changed in the meantime: description"),
    ]
    with pytest.raises(CannotUndo, match="description, tags"):
        lone.runner().undo(None, all_or_nothing=True)
    assert lone.dump() == changed
    response = undo(lone.runner())
    assert {skipped.why for skipped in response.skipped} == {one["why"] for one in shown}
    assert by_id(lone.dump())[YOLO["_id"]]["description"] == "theirs"
    assert by_id(lone.dump())[DETECTOR["_id"]]["name"] == DETECTOR["name"]


def test_records_without_a_run_are_runs_of_their_own(lone: World) -> None:
    """An earlier version of this program wrote them."""
    three(lone.runner())
    lone.journal["operation"].update_many({}, {"$unset": {"run": 1}})
    status, said = run_here(lone, "history", "--json")
    assert (status, [one["operations"] for one in json.loads(said)["runs"]]) == (0, [1, 1, 1])
    for _ in range(3):
        undo(lone.runner())
    assert lone.dump() == BEFORE


# --- the commands -----------------------------------------------------------------------------------------------------


def test_a_command_with_several_projects_is_one_run(lone: World) -> None:
    assert run_here(lone, "delete", ALONE["_id"], FELLOW["_id"], "--force")[0] == 0
    (whole,) = runs(lone)
    (row,) = json.loads(run_here(lone, "history", "--json")[1])["runs"]
    assert (row["id"], row["operations"], row["state"]) == (whole, 2, "done")
    assert row["summary"] == "delete the project 'alone' and 1 more"
    assert row["counts"]["projects"] == 2
    status, said = run_here(lone, "undo", "--dry-run", "--json")
    assert (status, len(json.loads(said)["samples"])) == (0, 2)
    status, said = run_here(lone, "undo", whole, "--json")
    assert [one["state"] for one in json.loads(said)["operations"]] == ["undone", "undone"]
    assert lone.dump() == BEFORE
    (row,) = json.loads(run_here(lone, "history", "--json")[1])["runs"]
    assert (row["state"], len(row["undone_by"])) == ("undone", 1)
    assert run_here(lone, "redo", "--yes")[0] == 0
    assert not {ALONE["_id"], FELLOW["_id"]} & by_id(lone.dump()).keys()
    assert run_here(lone, "redo", whole)[0] == 4
    first = json.loads(run_here(lone, "history", "--operations", "--json")[1])["operations"][1]["id"]
    run_here(lone, "undo", first)
    (row,) = json.loads(run_here(lone, "history", "--json")[1])["runs"]
    assert row["state"] == "partly undone"


def test_history_show_has_everything_about_an_operation(lone: World) -> None:
    run(lone, "update", ALONE["_id"], "-d", "other")
    (whole,) = runs(lone)
    run_here(lone, "undo", whole)
    shown = json.loads(run_here(lone, "history", "show", whole, "--json")[1])
    (record,) = lone.journal["operation"].find({})
    assert (shown["id"], shown["run"], shown["state"]) == (record["_id"], whole, "undone")
    assert shown["command"].endswith(f"update {ALONE['_id']} -d other")
    assert (shown["counts"], shown["documents"]) == ({"projects": 1}, 1)
    assert [(step["action"], step["id"], step["name"]) for step in shown["steps"]] == [
        ("update", ALONE["_id"], "alone")
    ]
    assert {"by", "host", "pid", "command", "at", "run"} <= shown["undone_by"].keys()
    assert shown["undone_by"]["run"] != whole
    assert "undone by" in run_here(lone, "history", "show", record["_id"])[1].lower()
    assert run_here(lone, "history", "show", "nothing")[0] == 3


def test_a_newer_run_of_somebody_else_is_announced(lone: World) -> None:
    run_here(lone, "update", ALONE["_id"], "-d", "other")
    CHANGES["make_public"](lone.runner())  # by ann
    status, said = run_here(lone, "undo", "--yes")
    assert status == 0, said
    assert "there is a newer change by another user: r" in said
    assert "(by ann on " in said
    assert "newer change" not in run_here(lone, "undo", max(lone.journal["operation"].distinct("_id")))[1]


def test_without_a_terminal_undo_and_redo_need_an_id(lone: World) -> None:
    run_here(lone, "delete", ALONE["_id"], FELLOW["_id"], "--force")
    (whole,) = runs(lone)
    after = lone.dump()
    status, said = run_here(lone, "undo")
    assert (status, f"name the run: projects undo {whole}" in said) == (2, True), said
    assert lone.dump() == after
    run_here(lone, "undo", whole)
    status, said = run_here(lone, "redo")
    assert (status, f"name the run: projects redo {whole}" in said) == (2, True), said


def test_a_batch_is_one_run(lone: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    lines = [{"endpoint": "update", "params": {"project": each["_id"], "description": "b"}} for each in (ALONE, YOLO)]
    file = tmp_path_factory.mktemp("batch") / "lines.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run_here(lone, "batch", str(file))[0] == 0
    assert (len(runs(lone)), lone.states()) == (1, ["done", "done"])
    assert run_here(lone, "undo", "--yes")[0] == 0
    assert lone.dump() == BEFORE


def test_a_redo_that_died_before_its_first_write_can_be_done_again(lone: World) -> None:
    CHANGES["rename"](lone.runner())
    after = lone.dump()
    undo(lone.runner())
    for number in range(1, 20):  # the record says "applying", and nothing is changed
        assert dies(lone, redo, number, "succeeded")
        if lone.states() == ["applying"]:
            break
    assert lone.dump() == BEFORE
    redo(lone.runner())
    assert lone.dump() == after
