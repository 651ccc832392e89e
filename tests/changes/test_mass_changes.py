"""Changes of many documents at once, killed at each of their writes: they can be resumed, and undone."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from pymongo import monitoring

from projects_cli.endpoints.mass_update import update_all
from projects_cli.endpoints.retagging import Where, retag
from projects_cli.errors import CannotUndo
from projects_cli.messages import Plan, Request, Step, TagChange
from tests.changes.test_beside_others import After
from tests.worlds.world import (
    ALONE,
    BEFORE,
    COMPANY,
    DETECTOR,
    FELLOW,
    NOW,
    VISION,
    YOLO,
    Document,
    Planning,
    World,
    by_id,
    change,
    dangling,
    identifier,
    in_child,
    member,
    points,
    project,
    resume,
    undo,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects_cli.changes.runner import Runner
    from projects_cli.store.collections import Store

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

PROJECTS = [one["_id"] for one in (VISION, DETECTOR, YOLO, ALONE, FELLOW)]


def requested(endpoint: str, **params: object) -> Request:
    return Request(f"projects.{endpoint}", "2.13", params, COMPANY, "the-caller", NOW, str)


def update(store: Store) -> Plan[Step]:
    return update_all(
        requested("update", project=PROJECTS[0], description="new", tags=["x"]), PROJECTS, store, (["x"], [])
    )


def rename(store: Store) -> Plan[Step]:
    return retag(TagChange(frozenset({"zoo", "kept"}), ("new",)), "rename", Where(("project", "task", "model")), store)


def add(store: Store) -> Plan[Step]:
    return retag(TagChange(frozenset(), ("new", "alpha")), "add", Where(("project", "task"), PROJECTS), store)


def create(store: Store) -> Plan[Step]:
    """Plan three trees of three projects each, and a project below one that exists."""
    new: list[Document] = [project(500, "vision/detector/added", [VISION, DETECTOR])]
    for number in range(501, 510, 3):
        root = project(number, f"new {number}")
        below = [project(number + 1 + level, f"new {number}/below {level}", [root]) for level in range(2)]
        new += [root, *below]
    steps = [Step("project", "insert", {"_id": one["_id"]}, one, name=one["name"]) for one in new]
    return Plan("projects.create", "create many", steps=steps, counts={"projects": len(new)})


def delete(store: Store) -> Plan[Step]:
    """Plan the removal of a project that has several at the same level below it."""
    return change("delete", project=VISION["_id"]).plan(store)


COMMANDS: dict[str, tuple[Callable[[Store], Plan[Step]], int]] = {
    "update": (update, 5),
    "rename": (rename, 8),
    "add": (add, 6),
    "create": (create, 5),
    "delete": (delete, 10),
}
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


@pytest.mark.parametrize("name", ["rename", "create", "delete"])
def test_the_undo_of_a_mass_change_killed_at_every_write(lone: World, name: str) -> None:
    lone.load(BEFORE)
    made(COMMANDS[name][0], lone.runner())
    after, journal = lone.dump(), lone.dump_journal()
    for point in points(lone, undo, lambda: lone.load(after, journal), 1000):
        if lone.states() != ["undone"]:
            (resume if point.when == "started" and lone.interrupted() else undo)(lone.runner())
        assert (lone.dump(), lone.states()) == (BEFORE, ["undone"]), point


@pytest.mark.parametrize("killed", [False, True])
def test_the_undo_of_many_created_projects_keeps_what_a_server_uses(lone: World, killed: bool) -> None:
    """Before it, and at the moment when the project is removed already; also if the undo is killed right then."""
    lone.load(BEFORE)
    made(create, lone.runner())
    used, late, touched = identifier(502), identifier(505), identifier(508)
    lone.documents["task"].insert_one(member(700, {"_id": used}))
    lone.documents["project"].update_one({"_id": touched}, {"$currentDate": {"last_update": True}})
    after = lone.dump()["project"]

    def work() -> object:
        monitoring.register(
            After("delete", "project", lone, lambda found: found["model"].insert_one(member(701, {"_id": late})))
        )
        if killed:
            monitoring.register(After("delete", "project", lone, lambda _: os.kill(os.getpid(), signal.SIGKILL)))
        return undo(lone.runner(lone.connect()))

    assert os.WIFSIGNALED(in_child(work)) is killed
    if killed:
        resume(lone.runner())
    content = lone.dump()
    assert not dangling(content)
    stayed = by_id(content).keys() - by_id(BEFORE).keys()
    assert stayed == {used, late, identifier(501), identifier(504)}
    assert set(content["project"]) <= set(after)


def test_the_undo_of_many_created_projects_asks_for_all_at_once(lone: World) -> None:
    """The commands do not grow with the projects."""
    needed = []
    for number in (20, 200):
        lone.load({})
        new = [project(500 + one, f"new {one}") for one in range(number)]
        steps = [Step("project", "insert", {"_id": one["_id"]}, one, name=one["name"]) for one in new]
        plan = Plan("projects.create", "create many", steps=steps)
        lone.runner().apply(Planning.always(plan), plan)
        began = commands(lone)
        assert undo(lone.runner()).data["projects"] == number
        needed.append(commands(lone) - began)
        assert not lone.dump()
    assert needed[1] <= needed[0] + 5


def commands(world: World) -> int:
    counters = world.server.client.admin.command("serverStatus")["opcounters"]
    return int(counters["query"] + counters["command"])


def test_tags_that_another_process_changes_stay(lone: World) -> None:
    """Between plan and write, and between the change and its undo and redo."""
    theirs = {"$set": {"tags": ["theirs"]}}
    task = by_id(BEFORE, "task")
    one, two, *_ = task
    runner = lone.runner()
    plan = rename(runner.store)
    lone.documents["task"].update_one({"_id": one}, theirs)
    _, outcome = runner.apply(Planning(rename), plan)
    assert outcome.skipped == []  # it is read again when it is journaled
    tasks = by_id(lone.dump(), "task")
    assert (tasks[one]["tags"], tasks[two]["tags"]) == (["theirs"], ["new"])
    assert tasks[two].get("last_update") == task[two].get("last_update")
    lone.documents["task"].update_one({"_id": two}, theirs)
    preview = runner.undoing.preview(runner.undoing.chosen(None)).data["skipped"]
    response = undo(lone.runner())
    assert [skipped.id for skipped in response.skipped] == [one["id"] for one in preview] == [two]
    assert by_id(lone.dump(), "task")[two]["tags"] == ["theirs"]
    with pytest.raises(CannotUndo, match=f"task {two}: its tags were changed"):
        lone.runner().redo(None)
    lone.documents["task"].update_one({"_id": two}, {"$set": {"tags": ["kept"]}})
    lone.runner().redo(None)
    assert by_id(lone.dump(), "task")[two]["tags"] == ["new"]


ODD = [
    None,
    "zoo",
    ["zoo", 1, {"a": "zoo"}],
    ["zoo", "new"],
    ["b", "zoo", "a"],
    [["zoo"]],
    [],
    "__missing__",
    ["\U0001f680", "zoo", "ß"],
]


def test_tags_of_every_shape_change_and_come_back(lone: World) -> None:
    for number, tags in enumerate(ODD):
        fields = {} if tags == "__missing__" else {"tags": tags}
        document = {"_id": number, "company": COMPANY, "project": ALONE["_id"], **fields, "last": 1}
        lone.documents["model"].insert_one(document)
    before = lone.dump()
    made(
        lambda store: retag(TagChange(frozenset({"zoo"}), ("new",)), "rename", Where(("model",)), store), lone.runner()
    )
    stored: dict[Any, Any] = {**by_id(lone.dump(), "model")}
    assert [stored[number].get("tags", "__missing__") for number in range(len(ODD))] == [
        None, ["new"], [1, {"a": "zoo"}, "new"], ["new"], ["a", "b", "new"], [["zoo"]], [], "__missing__",
        ["new", "ß", "\U0001f680"],
    ]  # fmt: skip
    undo(lone.runner())
    assert lone.dump() == before
    made(
        lambda store: retag(TagChange(frozenset(), ("x",)), "add", Where(("model",), [ALONE["_id"]]), store),
        lone.runner(),
    )
    assert all("x" in model["tags"] for model in by_id(lone.dump(), "model").values() if "last" in model)
    undo(lone.runner())
    assert lone.dump() == before
