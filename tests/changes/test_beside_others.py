"""Changes while a server or other administrators write at the same moment, each case forced to happen."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import bson
import pymongo
import pytest
from pymongo import monitoring

from projects_cli import process_identity
from projects_cli.changes.records import FORMAT
from projects_cli.errors import (
    CannotUndo,
    ChangedMeanwhile,
    LeaseLost,
    OperationNotFound,
    ProjectCannotBeMergedIntoItsChild,
)
from tests.changes.processes import run, run_here
from tests.worlds.world import (
    ALONE,
    BEFORE,
    CHANGES,
    COMPANY,
    DETECTOR,
    FELLOW,
    OTHER,
    VISION,
    YOLO,
    Change,
    Document,
    World,
    by_id,
    change,
    content_of,
    crooked,
    dangling,
    forked,
    identifier,
    in_child,
    member,
    project,
    undo,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymongo.database import Database

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


class After(monitoring.CommandListener):
    """Does something once, as a server would, right after the n-th command of a name on a collection."""

    def __init__(
        self, command: str, collection: str, world: World, work: Callable[[Database[Document]], object], number: int = 1
    ) -> None:
        self._wanted = (command, collection)
        self._world = world
        self._work = work
        self._left = number
        self._asked: set[int] = set()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command.get(self._wanted[0]) == self._wanted[1]:
            self._asked.add(event.request_id)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if event.request_id in self._asked:
            self._left -= 1
            if self._left == 0:
                with pymongo.MongoClient[Document](self._world.server.uri) as client:  # a fork can't use its parent's
                    self._work(client[self._world.name])

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing was done."""


class AfterItsEnd(After):
    """The same after the n-th time that a record is set to `done`."""

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        changes = [
            update["u"].get("$set", {}) for update in event.command.get("updates", ()) if isinstance(update["u"], dict)
        ]
        if any(change.get("state") == "done" for change in changes):
            super().started(event)


def made_anew(made: Change, world: World) -> None:
    """Make a change over a connection of this process."""
    made(world.runner(world.connect()))


def newest(world: World) -> str:
    return str(world.journal["operation"].find({}, sort=[("_id", -1)])[0]["_id"])


# --- deletes ----------------------------------------------------------------------------------------------------------


def late_task(documents: Database[Document]) -> None:
    documents["task"].insert_one(member(98, YOLO))


def test_a_task_that_arrives_before_its_project_is_deleted_with_contents_stops_that(world: World) -> None:
    """Its URLs are not among those that were listed, and no user agreed to lose it: the before-images are final."""
    runner = world.runner()
    deletion = change("delete", project=YOLO["_id"], force=True, delete_contents=True)
    plan = deletion.plan(runner.store)
    with pytest.raises(ChangedMeanwhile, match="gained a task in the meantime: nothing was changed"):
        runner.apply(deletion, plan, begin=lambda _: late_task(world.documents))
    left = world.dump()
    assert YOLO["_id"] in by_id(left)
    assert member(98, YOLO)["_id"] in by_id(left, "task")
    assert world.states() == []
    response, _ = runner.apply(deletion, deletion.plan(runner.store))
    assert response.data["deleted_tasks"] == plan.counts["tasks"] + 1


def test_tasks_that_a_server_creates_refuse_no_delete(world: World) -> None:
    """A user who was asked agreed to the projects, not to the number of tasks."""
    runner = world.runner()
    plan = replace(CHANGES["delete"].plan(runner.store), agreed=True)
    late_task(world.documents)
    response, outcome = runner.apply(CHANGES["delete"], plan)
    assert (response.data["deleted"], outcome.skipped) == (3, [])
    assert not dangling(world.dump())


@pytest.mark.parametrize("agreed", [True, False])
def test_other_projects_than_those_agreed_to_are_asked_about_again(lone: World, *, agreed: bool) -> None:
    runner = lone.runner()
    plan = replace(CHANGES["delete"].plan(runner.store), agreed=agreed)
    lone.documents["project"].insert_one(project(97, "vision/detector/late", [VISION, DETECTOR]))
    before = lone.dump()
    if agreed:
        with pytest.raises(ChangedMeanwhile):
            runner.apply(CHANGES["delete"], plan)
        assert lone.dump() == before
    else:
        response, _ = runner.apply(CHANGES["delete"], plan)
        assert response.data["deleted"] == 4


def test_max_delete_holds_for_the_fresh_plan(lone: World) -> None:
    status, said = run_here(lone, "delete", DETECTOR["_id"], "--force", "--max-delete", "2")
    assert (status, "would delete 3 projects, but --max-delete is 2" in said) == (4, True)
    assert lone.dump() == BEFORE


def test_a_task_that_comes_after_the_last_look_is_moved_out(world: World) -> None:
    """Right after the end of the record: it is looked at again, and `undo` brings the task back."""

    def work() -> None:
        monitoring.register(After("update", "operation", world, late_task, number=2))
        assert CHANGES["delete"](world.runner(world.connect(), small=0))[1].skipped == []

    assert in_child(work) == 0
    assert not dangling(world.dump())
    assert by_id(world.dump(), "task")[identifier(98)]["project"] is None
    undo(world.runner())
    assert by_id(world.dump(), "task")[identifier(98)]["project"] == YOLO["_id"]


def test_tasks_that_never_cease_to_come_are_reported(lone: World) -> None:
    """With the command that moves them out; the operation is done all the same."""
    numbers = count(9000)

    def another(documents: Database[Document]) -> None:
        documents["task"].insert_one(member(next(numbers), YOLO))

    def work() -> None:
        for number in range(1, 10):
            monitoring.register(AfterItsEnd("update", "operation", lone, another, number=number))
        skipped = CHANGES["delete"](lone.runner(lone.connect(), small=0))[1].skipped
        assert skipped
        assert "projects doctor --fix" in skipped[0].why

    assert in_child(work) == 0
    assert lone.states() == ["done"]


def test_a_project_that_was_changed_just_before_its_delete_comes_back_as_it_was_then(world: World) -> None:
    """The before-image in the journal is renewed."""

    def touch(documents: Database[Document]) -> None:
        documents["project"].update_one(
            {"_id": YOLO["_id"]}, {"$set": {"description": "newer"}, "$currentDate": {"last_update": True}}
        )

    def work() -> None:
        monitoring.register(After("insert", "operation", world, touch))
        CHANGES["delete"](world.runner(world.connect()))

    assert in_child(work) == 0
    undo(world.runner())
    assert by_id(world.dump())[YOLO["_id"]]["description"] == "newer"


def test_a_child_with_a_wrong_path_keeps_its_parent_and_the_answer_says_so(lone: World) -> None:
    lone.documents["project"].insert_one(project(97, "vision/detector/lost", [VISION, DETECTOR], path=[]))
    status, said = run_here(lone, "delete", DETECTOR["_id"], "--force")
    assert status == 5
    assert f"'vision/detector/lost' ({identifier(97)}) is below it" in said
    assert "done:" not in said
    assert DETECTOR["_id"] in by_id(lone.dump())


# --- renames ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("small", [0, 1000])
def test_a_project_that_a_server_creates_below_a_renamed_one_follows(world: World, small: int) -> None:
    late = project(97, "vision/detector/late", [VISION, DETECTOR])

    def work() -> None:
        monitoring.register(
            After("insert", "operation", world, lambda documents: documents["project"].insert_one(late))
        )
        CHANGES["rename"](world.runner(world.connect(), small=small))

    assert in_child(work) == 0
    assert by_id(world.dump())[late["_id"]]["name"] == "vision/finder/late"
    assert not crooked(world.dump())
    undo(world.runner())
    assert by_id(world.dump())[late["_id"]]["name"] == "vision/detector/late"
    assert not crooked(world.dump())


def test_a_project_that_a_server_renames_below_a_renamed_one_follows(lone: World) -> None:
    def elsewhere(documents: Database[Document]) -> None:
        new = {"name": "vision/detector/yolov8", "basename": "yolov8"}
        documents["project"].update_one({"_id": YOLO["_id"]}, {"$set": new})

    def work() -> None:
        monitoring.register(After("insert", "operation", lone, elsewhere))
        outcome = CHANGES["rename"](lone.runner(lone.connect()))[1]
        assert not outcome.skipped

    assert in_child(work) == 0
    assert by_id(lone.dump())[YOLO["_id"]]["name"] == "vision/finder/yolov8"


# --- moves and merges -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("small", [0, 1000])
def test_a_destination_that_a_server_moves_below_the_merged_project_refuses_the_merge(world: World, small: int) -> None:
    """After the plan was made: what was written before is put back, and the new plan is refused."""

    def circle(documents: Database[Document]) -> None:
        place = {"name": "vision/detector/fellow", "path": [VISION["_id"], DETECTOR["_id"]], "parent": DETECTOR["_id"]}
        documents["project"].update_one({"_id": FELLOW["_id"]}, {"$set": place})

    circle(world.documents)
    expected = world.dump()
    world.load(BEFORE)

    def work() -> None:
        monitoring.register(After("insert", "operation", world, circle))
        with pytest.raises(ProjectCannotBeMergedIntoItsChild):
            CHANGES["merge"](world.runner(world.connect(), small=small))

    assert in_child(work) == 0
    assert world.dump() == expected
    assert not world.interrupted()


def test_of_two_moves_to_one_name_one_is_refused(world: World) -> None:
    world.documents["project"].insert_many([project(50, "alone/same", [ALONE]), project(51, "vision/same", [VISION])])
    moves = [change("move", project=identifier(number), new_location="fellow") for number in (50, 51)]
    children = [forked(partial(made_anew, move, world)) for move in moves]
    assert sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children) == [0, 1]
    assert not crooked(world.dump())
    assert not world.interrupted()


# --- undo -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["task", "model"])
def test_undo_of_a_create_keeps_a_project_that_a_server_uses_at_that_moment(lone: World, kind: str) -> None:
    CHANGES["create"](lone.runner())
    leaf = identifier(0xA002)

    def use(documents: Database[Document]) -> None:
        documents[kind].insert_one(member(98, None, project=leaf))

    def work() -> None:
        monitoring.register(After("delete", "project", lone, use))
        skipped = undo(lone.runner(lone.connect())).data["skipped"]
        assert f"it holds {kind}s now" in [one["why"] for one in skipped]

    assert in_child(work) == 0
    assert leaf in by_id(lone.dump())
    assert not dangling(lone.dump())


def test_undo_that_skipped_its_only_document_leaves_the_operation_done(lone: World) -> None:
    CHANGES["update"](lone.runner())
    lone.documents["project"].update_one({"_id": ALONE["_id"]}, {"$set": {"description": "theirs"}})
    status, said = run_here(lone, "undo", newest(lone))
    assert (status, lone.states()) == (5, ["done"]), said


ODD_ONES: dict[str, tuple[list[dict[str, Any]], str, dict[str, Any]]] = {
    "orphan": ([project(50, "gone/orphan", parent=identifier(51), path=[identifier(51)])], "delete", {}),
    "below another company's": (
        [project(50, "vision/orphan", parent=identifier(9), path=[identifier(9)])],
        "delete",
        {},
    ),
    "one of two of a name": ([project(50, "twin"), project(51, "twin")], "delete", {}),
    "one of two of a name renamed": ([project(50, "twin"), project(51, "twin")], "update", {"name": "other"}),
    "own with a public twin": ([project(50, "twin"), project(51, "twin", company="")], "delete", {}),
    "own with a public twin renamed": (
        [project(50, "twin"), project(51, "twin", company="")],
        "update",
        {"name": "other"},
    ),
}


@pytest.mark.parametrize("case", ODD_ONES)
def test_what_was_odd_at_the_time_of_the_change_is_no_conflict(lone: World, case: str) -> None:
    more, endpoint, params = ODD_ONES[case]
    lone.load(content_of({"project": [*[bson.decode(one) for one in BEFORE["project"]], *more]}))
    before = lone.dump()
    change(endpoint, project=identifier(50), **params)(lone.runner())
    assert lone.dump() != before
    assert lone.runner().undo(None, all_or_nothing=True).data["skipped"] == []
    assert lone.dump() == before


def test_undo_without_an_id_takes_the_callers_own_newest_operation(lone: World) -> None:
    CHANGES["update"](lone.runner())
    CHANGES["delete"](lone.runner())
    theirs = newest(lone)
    lone.journal["operation"].update_one({"_id": theirs}, {"$set": {"by": "bob"}})
    assert undo(lone.runner()).data["summary"].startswith("update")
    with pytest.raises(OperationNotFound, match="no operation of 'ann'"):
        undo(lone.runner())
    assert lone.runner().undo(theirs).data["state"] == "undone"
    assert lone.journal["operation"].find_one({"_id": theirs})["undone_by"]["by"] == "ann"  # type: ignore[index]


def test_undo_without_an_id_and_without_a_terminal_is_refused(lone: World) -> None:
    assert run_here(lone, "update", ALONE["_id"], "-d", "other")[0] == 0
    after = lone.dump()
    status, said = run(lone, "undo")
    assert (status, f"projects undo {newest(lone)}" in said) == (2, True)
    assert lone.dump() == after


def test_ids_of_operations_follow_the_servers_clock(lone: World) -> None:
    """A host whose clock is ten minutes behind makes the newer operation all the same."""
    CHANGES["update"](lone.runner())
    now = lone.server.client.admin.command("hello")["localTime"]
    record = lone.journal["operation"].find_one({"_id": newest(lone)})
    assert record is not None
    assert abs(record["started"] - now) < timedelta(seconds=60)
    assert record["_id"].startswith(f"{record['started']:%Y%m%d-%H%M%S}")


# --- the journal ------------------------------------------------------------------------------------------------------


def test_prune_keeps_an_operation_whose_undo_has_begun(lone: World) -> None:
    CHANGES["delete"](lone.runner())
    operations = lone.runner().operations
    before = operations.now() + timedelta(hours=1)
    found = operations.prunable(before)
    lone.journal["operation"].update_many({}, {"$set": {"state": "undoing", "worker.pid": 4_194_303}})
    assert operations.prune(found, before) == 0
    lone.runner().resume(None)
    assert lone.dump() == BEFORE


def test_an_undo_whose_record_was_pruned_stops_before_its_first_write(lone: World) -> None:
    CHANGES["delete"](lone.runner())
    after = lone.dump()
    runner = lone.runner()
    (chosen,) = runner.undoing.chosen(None)
    engine = runner._engine(None)
    lone.journal["operation"].delete_many({})
    with pytest.raises(LeaseLost, match="removed from the journal"):
        engine.undo(chosen)
    assert lone.dump() == after


@pytest.mark.parametrize(
    "damage", [{"$unset": {"worker": 1}}, {"$unset": {"summary": 1}}, {"$set": {"format": FORMAT + 1}}]
)
def test_a_record_that_can_not_be_read_is_reported_and_blocks_nothing(lone: World, damage: dict[str, Any]) -> None:
    CHANGES["delete"](lone.runner())
    undo(lone.runner())
    lone.journal["operation"].update_many({}, [{"$set": {"state": "applying"}}])
    lone.journal["operation"].update_many({}, damage)
    operation = newest(lone)
    status, said = run_here(lone, "make-public", ALONE["_id"])
    assert (status, operation in said, "left alone" in said) == (0, True, True), said
    for command in (["history"], ["undo", "--yes"], ["status"], ["doctor"], ["resume"]):
        assert run_here(lone, *command)[0] in {0, 6}, command
    assert run_here(lone, "undo", operation)[0] == 4


def test_an_id_that_is_taken_is_not_used_again(lone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the clock and chance give: another id is chosen, and nothing of the other operation is touched."""
    CHANGES["update"](lone.runner())
    first = lone.journal["operation"].find_one({}) or {}
    chunks = list(lone.journal["change"].find({}))
    stored = lone.runner().stored
    assert stored is not None
    assert stored.add_operation({**first, "worker": {"owner": "another"}}) is False
    assert stored.add_chunks([bson.encode(chunks[0])]) is False
    assert lone.journal["operation"].find_one({}) == first


# --- processes that can't be seen -------------------------------------------------------------------------------------


def test_only_a_process_that_is_certainly_dead_counts_as_dead() -> None:
    """With `hidepid` /proc does not show another user's process; that does not prove its death."""
    alive = process_identity.process()
    assert not process_identity.is_dead(alive)
    assert process_identity.is_dead({**alive, "born": "1"})
    assert process_identity.is_dead({**alive, "pid": 4_194_303})
    assert not process_identity.is_dead({**alive, "pid": 4_194_303, "machine": "another"})
    assert not process_identity.is_dead({**alive, "pid": "none"})
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert process_identity.is_dead({**alive, "pid": child, "born": "1"})
    os.waitpid(child, 0)


# --- large documents --------------------------------------------------------------------------------------------------


def large(megabytes: float, **fields: Any) -> dict[str, Any]:
    return project(60, "large", x_large="x" * int(megabytes * 1024 * 1024), **fields)


@pytest.mark.parametrize("megabytes", [8.5, 12.5, 15.0])
@pytest.mark.parametrize(
    ("endpoint", "params"),
    [("delete", {}), ("update", {"name": "huge"}), ("update", {"description": "other"}), ("make_public", {})],
)
def test_a_large_document_is_changed_and_undone(
    lone: World, endpoint: str, params: dict[str, Any], megabytes: float
) -> None:
    lone.load(content_of({"project": [large(megabytes)]}))
    before = lone.dump()
    who = {"ids": [identifier(60)]} if endpoint == "make_public" else {"project": identifier(60)}
    change(endpoint, **who, **params)(lone.runner())
    assert lone.dump() != before
    undo(lone.runner())
    assert lone.dump() == before


@pytest.mark.parametrize(
    ("document", "endpoint"),
    [
        (large(15.99), "delete"),
        (large(9, company="", company_origin=COMPANY), "make_private"),
    ],
)
def test_what_could_not_be_undone_is_refused_before_it_is_changed(
    lone: World, document: dict[str, Any], endpoint: str
) -> None:
    lone.load(content_of({"project": [document]}))
    before = lone.dump()
    who = {"ids": [identifier(60)]} if endpoint == "make_private" else {"project": identifier(60)}
    with pytest.raises(CannotUndo, match="'large' is too large"):
        change(endpoint, **who)(lone.runner())
    assert lone.dump() == before
    assert not lone.interrupted()


def test_another_companys_documents_stay_as_they_are(lone: World) -> None:
    CHANGES["delete"](lone.runner())
    undo(lone.runner())
    found = [one for one in by_id(lone.dump()).values() if one["company"] == OTHER]
    assert len(found) == 1
    assert FELLOW["_id"] in by_id(lone.dump())
