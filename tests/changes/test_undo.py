"""Undoing changes: byte for byte, never over later changes, and with a history of what happened."""

from __future__ import annotations

import os
import re
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import bson
import pytest
from bson.raw_bson import RawBSONDocument

from projects_cli.changes import chunks, restoring
from projects_cli.errors import CannotUndo, OperationNotFound
from projects_cli.store import bson_codec
from tests.worlds.site import Site
from tests.worlds.world import (
    ALONE,
    BEFORE,
    CHANGES,
    DETECTOR,
    FELLOW,
    VISION,
    YOLO,
    Change,
    Content,
    Planning,
    World,
    by_id,
    change,
    content_of,
    crooked,
    dangling,
    identifier,
    member,
    project,
    undo,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Cli

MADE = identifier(0xA002)
"""The last project that `create` makes."""

LATER = datetime(2025, 1, 1, tzinfo=UTC)
MANY = int(os.environ.get("PROJECTS_TEST_MANY", "50000"))
"""Tasks of two large projects."""


@pytest.mark.parametrize("name", CHANGES)
def test_undo_is_byte_identical(world: World, name: str) -> None:
    CHANGES[name](world.runner())
    assert world.dump() != BEFORE
    undo(world.runner())
    assert world.dump() == BEFORE
    assert world.states() == ["undone"]


def test_all_changes_are_undone_one_after_the_other(world: World) -> None:
    """Each on top of the one before it; the merge is of a project that the delete removes."""
    contents = []
    for name in [name for name in CHANGES if name != "merge"]:
        contents.append(world.dump())
        CHANGES[name](world.runner())
    for content in reversed(contents):
        undo(world.runner())
        assert world.dump() == content


def test_undo_twice_goes_further_back(lone: World) -> None:
    CHANGES["update"](lone.runner())
    between = lone.dump()
    CHANGES["delete"](lone.runner())
    undo(lone.runner())
    assert lone.dump() == between
    undo(lone.runner())
    assert lone.dump() == BEFORE
    with pytest.raises(OperationNotFound):
        undo(lone.runner())


def test_an_undone_operation_is_not_undone_again(lone: World) -> None:
    CHANGES["rename"](lone.runner())
    operation = newest(lone)
    lone.runner().undo(operation)
    for command in (lone.runner().undo, lone.runner().resume):
        with pytest.raises(CannotUndo, match="is undone"):
            command(operation)
    assert lone.dump() == BEFORE


def test_a_done_operation_has_nothing_to_finish(lone: World) -> None:
    CHANGES["rename"](lone.runner())
    with pytest.raises(CannotUndo, match="is done"):
        lone.runner().resume(newest(lone))


def newest(world: World) -> str:
    found = world.journal["operation"].find_one({}, sort=[("_id", -1)])
    assert found is not None
    return str(found["_id"])


# --- later changes in the way -----------------------------------------------------------------------------------------


def rename(of: dict[str, Any], to: str) -> Change:
    return change("update", project=of["_id"], name=to)


def later_create(name: str) -> Change:
    return Change("create", {"name": name}, first_id=0xB000)


def put(kind: str, into: str) -> Callable[[World], object]:
    return lambda world: world.documents[kind].insert_one(member(99, None, project=into))


def move_task(world: World) -> None:
    world.documents["task"].update_one({"_id": identifier(22)}, {"$set": {"project": ALONE["_id"]}})


def remove_vision(world: World) -> None:
    world.documents["project"].delete_one({"_id": VISION["_id"]})


def by_command(made: Change) -> Callable[[World], object]:
    return lambda world: made(world.runner())


OBSTACLES: dict[str, tuple[str, Callable[[World], object], str]] = {
    "renamed since": (
        "rename",
        by_command(rename(DETECTOR, "vision/locator")),
        "was changed in the meantime: (basename, )?name",
    ),
    "removed since": ("rename", by_command(change("delete", project=YOLO["_id"])), "was removed in the meantime"),
    "old name taken": ("rename", by_command(later_create(name="vision/detector")), "name .* is taken"),
    "deleted name taken": ("delete", by_command(later_create(name="vision/detector")), "name .* is taken"),
    "task moved elsewhere": ("delete", move_task, "task .run.: it was moved to another project"),
    "parent removed": ("delete", remove_vision, "its parent project was removed"),
    "parent renamed": (
        "delete",
        by_command(rename(VISION, "sight")),
        "its parent project was renamed in the meantime: 'sight'",
    ),
    "created one holds tasks": ("create", put("task", MADE), "it holds tasks now"),
    "created one holds models": ("create", put("model", MADE), "it holds models now"),
    "created one has a child": (
        "create",
        by_command(later_create(name="vision/new/other")),
        "projects were created below it",
    ),
    "created one renamed": (
        "create",
        by_command(change("update", project=MADE, name="vision/new/deep/tree")),
        "changed",
    ),
    "same field changed": (
        "update",
        by_command(change("update", project=ALONE["_id"], tags=[])),
        "was changed in the meantime",
    ),
}


@pytest.mark.parametrize("case", OBSTACLES)
def test_undo_refuses_over_later_changes(lone: World, case: str) -> None:
    name, later, reason = OBSTACLES[case]
    CHANGES[name](lone.runner())
    operation = newest(lone)
    later(lone)
    content, journal = lone.dump(), lone.dump_journal()["operation"]
    with pytest.raises(CannotUndo, match=reason) as caught:
        lone.runner().undo(operation, all_or_nothing=True)
    assert caught.value.problems
    assert (lone.dump(), lone.dump_journal()["operation"]) == (content, journal)


@pytest.mark.parametrize("case", OBSTACLES)
def test_undo_restores_the_rest_and_names_what_others_changed(lone: World, case: str) -> None:
    """What others changed stays as it is; no reference dangles, and a dry run has reported the same."""
    name, later, reason = OBSTACLES[case]
    CHANGES[name](lone.runner())
    operation = newest(lone)
    later(lone)
    changed = lone.dump()
    undoing = lone.runner().undoing
    shown = undoing.preview(undoing.chosen(operation)).data["skipped"]
    assert lone.dump() == changed
    found = lone.runner().undo(operation).data
    reasons = [f"{one['name']}: {one['why']}" for one in found["skipped"]]
    assert any(re.search(reason, one) for one in reasons)
    assert {one["why"] for one in shown} == {one["why"] for one in found["skipped"]}
    new = [one for one in dangling(lone.dump()) if one not in dangling(changed)]
    assert not new
    assert found["state"] == lone.states()[-1 if case.startswith("parent removed") else 0]
    restored = found["projects"] + found["tasks"] + found["models"]
    assert found["state"] == ("undone" if restored else "done")


def test_a_project_created_below_a_renamed_one_follows_its_name_back(lone: World) -> None:
    CHANGES["rename"](lone.runner())
    operation = newest(lone)
    later_create(name="vision/finder/yolo/tiny")(lone.runner())
    lone.runner().undo(operation)
    created = by_id(lone.dump())[identifier(0xB000)]
    assert created["name"] == "vision/detector/yolo/tiny"
    assert not crooked(lone.dump())


def test_undo_of_make_public_refuses_a_name_that_was_taken(lone: World) -> None:
    CHANGES["make_public"](lone.runner())
    lone.documents["project"].insert_one(project(77, "alone"))
    with pytest.raises(CannotUndo, match="its name 'alone' is taken"):
        lone.runner().undo(None, all_or_nothing=True)


# --- later changes that stay ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["update", "rename", "make_public", "make_private"])
def test_later_unrelated_changes_stay(lone: World, name: str) -> None:
    """A server sets `last_update`, another program sets another field: both stay, in their places."""
    CHANGES[name](lone.runner())
    touched = [one for one, old in zip(projects(lone), BEFORE["project"], strict=True) if bytes(one.raw) != old]
    later = {"$set": {"last_update": LATER, "x_unknown.a": 2, "y_new": bson.Int64(5)}}
    lone.documents["project"].update_many({"_id": {"$in": [one["_id"] for one in touched]}}, later)
    undo(lone.runner())
    after = lone.dump()
    lone.load(BEFORE)
    lone.documents["project"].update_many({"_id": {"$in": [one["_id"] for one in touched]}}, later)
    assert after == lone.dump()


def projects(world: World) -> list[RawBSONDocument]:
    return [RawBSONDocument(one) for one in world.dump()["project"]]


def test_a_created_project_goes_though_a_server_touched_it(lone: World) -> None:
    CHANGES["create"](lone.runner())
    lone.documents["project"].update_one({"_id": MADE}, {"$set": {"last_update": LATER}})
    undo(lone.runner())
    assert lone.dump() == BEFORE


def test_a_later_change_of_type_alone_stays(lone: World) -> None:
    """An int that became a double is equal for Python, and another value for every other reader."""
    CHANGES["update"](lone.runner())
    lone.documents["project"].update_one({"_id": ALONE["_id"]}, {"$set": {"x_unknown.a": 1.0}})
    undo(lone.runner())
    found = by_id(lone.dump())[ALONE["_id"]]
    assert isinstance(found["x_unknown"]["a"], float)
    assert found["description"] == "about alone"


def test_undo_of_delete_keeps_tasks_that_were_deleted_or_changed(lone: World) -> None:
    CHANGES["delete"](lone.runner())
    lone.documents["task"].delete_one({"_id": identifier(20)})
    lone.documents["task"].update_one({"_id": identifier(22)}, {"$set": {"name": "renamed"}})
    undo(lone.runner())
    tasks = by_id(lone.dump(), "task")
    assert identifier(20) not in tasks
    assert (tasks[identifier(22)]["name"], tasks[identifier(22)]["project"]) == ("renamed", YOLO["_id"])
    assert lone.dump()["project"] == BEFORE["project"]


# --- while a change is under way --------------------------------------------------------------------------------------


def test_what_came_into_a_deleted_project_is_swept_out_and_comes_back(lone: World) -> None:
    """A server that does not know of the delete puts a task into the project after its tasks were counted."""
    runner = lone.runner()
    plan = CHANGES["delete"].plan(runner.store)
    lone.documents["task"].insert_one(member(98, YOLO))
    with_task = lone.dump()
    runner.apply(Planning.always(plan), plan)
    assert not dangling(lone.dump())
    undo(lone.runner())
    assert lone.dump() == with_task


def test_a_project_made_below_a_deleted_one_keeps_it(lone: World) -> None:
    runner = lone.runner()
    plan = CHANGES["delete"].plan(runner.store)
    lone.documents["project"].insert_one(project(97, "vision/detector/yolo/late", [VISION, DETECTOR, YOLO]))
    _, outcome = runner.apply(Planning.always(plan), plan)
    assert [one.id for one in outcome.skipped] == [YOLO["_id"], DETECTOR["_id"]]
    assert not dangling(lone.dump())
    assert not crooked(lone.dump())


def test_a_project_changed_in_the_meantime_is_skipped(lone: World) -> None:
    runner = lone.runner()
    plan = CHANGES["make_public"].plan(runner.store)
    lone.documents["project"].update_one({"_id": FELLOW["_id"]}, {"$set": {"company": "another-company"}})
    response, outcome = runner.apply(Planning.always(plan), plan)
    assert (response.data, [one.id for one in outcome.skipped]) == ({"updated": 1}, [FELLOW["_id"]])


# --- the commands -----------------------------------------------------------------------------------------------------


@pytest.fixture
def site(lone: World, cli: Cli) -> Site:
    def run(*arguments: str, **environment: Any) -> Any:
        return cli(*arguments, **({"PROJECTS_JOURNAL_DB": lone.journal_name} | environment))

    return Site(run, lone.server, lone.name)


def test_dry_run_shows_and_changes_nothing(site: Site, lone: World) -> None:
    site.text("delete", DETECTOR["_id"], "--force")
    content, journal = lone.dump(), lone.dump_journal()
    shown = site.json("undo", "--dry-run")
    assert shown["plan"].endswith("delete the project 'vision/detector'")
    assert [(step["collection"], step["action"]) for step in shown["steps"]].count(("project", "insert")) == 3
    assert (lone.dump(), lone.dump_journal()) == (content, journal)


def test_undo_by_command(site: Site, lone: World) -> None:
    site.text("update", ALONE["_id"], "--description", "other")
    found = site.json("undo", "--yes")
    assert (found["state"], found["projects"], found["skipped"]) == ("undone", 1, [])
    assert lone.dump() == BEFORE
    again = site("undo", found["operation"])
    assert again.exit_code == 4
    assert "is undone: there is nothing to undo" in again.stderr


def test_history_filters(site: Site, lone: World) -> None:
    site.text("update", ALONE["_id"], "--description", "other")
    site.text("update", FELLOW["_id"], "--description", "other")
    lone.journal["operation"].update_one(
        {"_id": newest(lone)}, {"$set": {"by": "bob", "started": datetime.now(UTC) - timedelta(days=10)}}
    )
    assert len(site.json("history")["runs"]) == 2
    assert summaries(site, "--by", "bob") == ["update description of 'fellow'"]
    assert summaries(site, "--since", "7d") == ["update description of 'alone'"]
    for named in (FELLOW["_id"], FELLOW["name"]):
        assert summaries(site, "--project", named) == ["update description of 'fellow'"]
    assert summaries(site, "--project", "nobody") == []


def test_history_finds_a_project_by_the_beginning_of_its_id(site: Site) -> None:
    found = site.project("found")
    site.text("update", ALONE["_id"], "--description", "other")
    site.text("update", "found", "--description", "other")
    site.text("delete", "found", "--yes")
    for named in (found[:8], found[:31], found, "found"):
        assert summaries(site, "--project", named) == ["delete the project 'found'", "update description of 'found'"]
    assert summaries(site, "--project", found[:7]) == []
    assert site("history", "--project", "").exit_code == 2


def test_durations_longer_than_any_journal_are_understood(site: Site) -> None:
    site.text("update", ALONE["_id"], "--description", "other")
    for long in ("999999d", "1e300"):
        assert summaries(site, "--since", long) == ["update description of 'alone'"]
        assert site.json("history", "prune", "--older-than", long) == {"pruned": 0, "found": 0}


def test_history_since_a_date(site: Site) -> None:
    site.text("update", ALONE["_id"], "--description", "other")
    assert len(summaries(site, "--since", "2024-01-31")) == 1
    assert summaries(site, "--since", "2999-01-31T12:00") == []
    for wrong in ("yesterday", "2024-13-01"):
        result = site("history", "--since", wrong)
        assert (result.exit_code, "--since" in result.stderr) == (2, True)


def test_history_that_finds_nothing_says_why(site: Site) -> None:
    assert site("history").stderr == "the journal is empty\n"
    site.text("update", ALONE["_id"], "--description", "other")
    for filters in (("--project", "nobody"), ("--by", "nobody"), ("--since", "0.01")):
        assert site("history", *filters).stderr == "no operation matches\n"
        assert "no operation matches" in site("history", *filters, "--fail-if-empty", "-q").stderr


def summaries(site: Site, *arguments: str) -> list[str]:
    return [one["summary"] for one in site.json("history", *arguments)["runs"]]


def test_prune_forgets_finished_ones_and_strays(site: Site, lone: World) -> None:
    site.text("update", ALONE["_id"], "--description", "other")
    old = newest(lone)
    lone.journal["operation"].update_one({"_id": old}, {"$set": {"started": LATER}})
    lone.journal["change"].insert_one(
        {"_id": "20240101-000000-000abcd/00000001", "operation": "20240101-000000-000abcd"}
    )
    site.text("update", FELLOW["_id"], "--description", "other")
    assert site.json("history", "prune", "--older-than", "30d", "--dry-run")["found"] == 1
    refused = site("history", "prune", "--older-than", "30d")
    assert (refused.exit_code, "answer in advance with --yes" in refused.stderr) == (2, True)
    assert old in lone.journal["operation"].distinct("_id")
    assert site.json("history", "prune", "--older-than", "30d", "--yes")["pruned"] == 1
    kept = newest(lone)
    assert kept != old
    assert lone.journal["operation"].distinct("_id") == [kept]
    assert lone.journal["change"].distinct("operation") == [kept]


# --- large ------------------------------------------------------------------------------------------------------------


def large(count: int) -> Content:
    tasks = [member(1000 + number, DETECTOR if number % 2 else YOLO, x=number) for number in range(count)]
    models = [member(number, DETECTOR) for number in range(count // 10)]
    return content_of({"project": [VISION, DETECTOR, YOLO], "task": tasks, "model": models})


def tree(below: int) -> Content:
    """Return a project with this many below it, in two levels."""
    first = [project(100 + number, f"vision/{number:03}", [VISION]) for number in range(below // 2)]
    second = [project(500 + number, f"{above['name']}/leaf", [VISION, above]) for number, above in enumerate(first)]
    return content_of({"project": [VISION, ALONE, *first, *second]})


MOVED = {
    "move": change("move", project=VISION["_id"], new_location=ALONE["name"]),
    "merge": change("merge", project=VISION["_id"], destination_project=None),
}


@pytest.mark.parametrize("name", MOVED)
def test_an_undo_asks_for_many_projects_at_a_time(lone: World, name: str) -> None:
    """As many queries for a hundred projects as for twenty."""

    def queries() -> int:
        counted: int = lone.server.client.admin.command("serverStatus")["opcounters"]["query"]
        return counted

    needed = []
    for below in (20, 100):
        lone.load(tree(below))
        before = lone.dump()
        MOVED[name](lone.runner())
        begun = queries()
        undo(lone.runner())
        needed.append(queries() - begun)
        assert lone.dump() == before
    assert needed[1] <= needed[0] + 5


def test_a_project_that_changes_in_the_middle_of_an_undo_stays(lone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others of its command come back, and are counted once. The one below follows the old name."""
    lone.load(tree(20))
    before = lone.dump()["project"]
    MOVED["move"](lone.runner())
    changed, original = identifier(105), restoring.UNMAKE_ALL["update"]

    def late(entries: Any, *others: Any) -> Any:
        if any(entry.id == bson_codec.value_of(changed) for entry in entries):
            lone.documents["project"].update_one({"_id": changed}, {"$set": {"name": "another"}})
        return original(entries, *others)

    monkeypatch.setitem(restoring.UNMAKE_ALL, "update", late)
    response = undo(lone.runner()).data
    assert {document["id"] for document in response["skipped"]} == {changed}
    assert response["projects"] == len(before) - 1
    missing = set(before) - set(lone.dump()["project"])
    # A follower keeps its `last_update`.
    assert {bson.decode(raw)["_id"] for raw in missing} == {changed, identifier(505)}


def test_a_large_delete_comes_back_byte_for_byte(lone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "IDS", MANY // 20)  # ten batches of tasks in each of two projects
    content = large(MANY)
    lone.load(content)
    for kind in ("task", "model"):
        lone.documents[kind].create_index("project")
    CHANGES["delete"](lone.runner())
    assert lone.documents["task"].count_documents({"project": None}) == MANY
    assert lone.documents["project"].count_documents({}) == 1
    undo(lone.runner())
    assert lone.dump() == content


def test_memory_stays_flat(lone: World) -> None:
    """Chunks stream through: a delete and its undo hold a few of them at a time, however many there are."""
    lone.load(large(40_000))
    tracemalloc.start()
    try:
        CHANGES["delete"](lone.runner())
        undo(lone.runner())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 25_000_000
