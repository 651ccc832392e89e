"""One update for several documents, each with values of its own (`changes.combined`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bson
import pytest
from bson.raw_bson import RawBSONDocument
from pymongo import monitoring

from projects_cli.changes import combined
from projects_cli.endpoints.retagging import Where, retag
from projects_cli.messages import Plan, Step, TagChange
from projects_cli.store import bson_codec
from projects_cli.store.collections import Guard
from tests.changes.test_beside_others import After
from tests.changes.test_every_type import VALUES, odd
from tests.worlds.world import (
    ALONE,
    COMPANY,
    NOW,
    VISION,
    Document,
    Planning,
    World,
    by_id,
    change,
    identifier,
    in_child,
    member,
    points,
    project,
    resume,
    undo,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymongo.database import Database

    from projects_cli.changes.runner import Runner
    from projects_cli.store.collections import Store

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

MOVE = change("move", project=VISION["_id"], new_location="alone")
MANY = 2 * combined.AT_ONCE + 3


def stored(world: World, kind: str = "task") -> Iterator[bytes]:
    return (document.raw for document in world.documents[kind].with_options(RAW).find({}, sort=[("_id", 1)]))


RAW: Any = bson.CodecOptions(document_class=RawBSONDocument)


def test_every_value_is_set_as_it_is_and_nothing_else_changes(lone: World) -> None:
    """Whatever type it has, and whatever other fields the documents have."""
    values = list(VALUES.values())
    others = {f"field {number}": value for number, value in enumerate(values)}
    documents = [odd(member(1000 + number, ALONE), tags=value, **others) for number, value in enumerate(values)]
    lone.documents["task"].delete_many({})
    lone.documents["task"].insert_many([RawBSONDocument(raw) for raw in documents])
    all_ids = [bson_codec.identifier(raw) for raw in documents]
    chosen = [number for number, value in enumerate(values) if combined.is_combinable(all_ids[number], [value], ())]
    assert [name for number, name in enumerate(VALUES) if number not in chosen] == ["null", "undefined"]
    new = [bson_codec.array([value]) for value in values]
    ids = [all_ids[number] for number in chosen]
    before = [{"tags": values[number]} for number in chosen]
    after = [{"tags": new[number]} for number in chosen]
    store = lone.runner().store
    assert store.tasks.update_groups([combined.update(ids, before, after)], Guard("an operation")) == len(chosen)
    expected = [
        bson_codec.with_fields(raw, {"tags": new[number]}) if number in chosen else raw
        for number, raw in enumerate(documents)
    ]
    assert list(stored(lone)) == expected


def test_a_document_with_other_values_than_before_stays(lone: World) -> None:
    ids = [bson_codec.value_of(identifier(20 + number)) for number in range(3)]
    kept, new = bson_codec.value_of(["kept"]), [bson_codec.value_of([f"new {number}"]) for number in range(3)]
    lone.documents["task"].update_one({"_id": identifier(21)}, {"$set": {"tags": ["theirs"]}})
    update = combined.update(ids, [{"tags": kept}] * 3, [{"tags": tags} for tags in new])
    assert lone.runner().store.tasks.update_groups([update], Guard("an operation")) == 2
    tasks = by_id(lone.dump(), "task")
    assert [tasks[identifier(20 + number)]["tags"] for number in range(3)] == [["new 0"], ["theirs"], ["new 2"]]


@pytest.mark.parametrize("identifier_", [1, 1.5, b"x", None, {"a": 1}])
def test_ids_that_are_not_text_are_not_combined(identifier_: object) -> None:
    assert not combined.is_combinable(bson_codec.value_of(identifier_), (), ())


def test_large_values_are_not_combined(lone: World) -> None:
    """Fifty of them would be too much for one statement."""
    text = bson_codec.value_of("x" * combined.LARGE)
    assert not combined.is_combinable(bson_codec.value_of("an id"), (text,), ())
    assert not combined.is_combinable(bson_codec.value_of("an id"), (), (text,))
    size = 10_000_000
    large = [
        project(70 + number, f"large {number}", description="x" * (size if number == 1 else 9)) for number in range(3)
    ]
    lone.documents["project"].insert_many(large)
    before = lone.dump()
    steps = [
        Step("project", "update", {"_id": each["_id"], "company": COMPANY}, {"$set": {"description": "y" * 5_000_000}})
        for each in large
    ]
    planning = Planning.always(Plan("projects.update", "describe", steps))
    _, outcome = lone.runner().apply(planning, planning.plan(lone.runner().store))
    assert (outcome.skipped, outcome.count("project", "update")) == ([], 3)
    undo(lone.runner())
    assert lone.dump() == before


# --- tags -------------------------------------------------------------------------------------------------------------


def rename(store: Store) -> Plan[Step]:
    return retag(TagChange(frozenset({"zoo"}), ("new",)), "rename", Where(("task",)), store)


def made(runner: Runner) -> Any:
    return runner.apply(Planning(rename), rename(runner.store))


def with_own_tags(world: World) -> None:
    tags = ([f"tag {number // 2}", "zoo"] if number % 3 else [f"{number}", "zoo", "more"] for number in range(MANY))
    world.documents["task"].insert_many([member(500 + number, ALONE, tags=own) for number, own in enumerate(tags)])


def test_tags_that_each_document_has_of_its_own_killed_at_every_write(lone: World) -> None:
    with_own_tags(lone)
    before = lone.dump()
    made(lone.runner())
    after = lone.dump()
    tags = [task["tags"] for task in by_id(after, "task").values() if "new" in task["tags"]]
    assert (len(tags), tags[0], tags[1]) == (MANY, ["0", "more", "new"], ["new", "tag 0"])
    for point in points(lone, made, lambda: lone.load(before), 1000):
        if lone.interrupted():
            (resume if point.when == "started" else undo)(lone.runner())
            assert lone.dump() == (after if point.when == "started" else before), point
        else:
            assert lone.dump() in (before, after), point


def test_tags_that_change_after_they_were_journaled_stay(lone: World) -> None:
    with_own_tags(lone)
    before = by_id(lone.dump(), "task")
    changed = identifier(500 + 60)

    def theirs(documents: Database[Document]) -> None:
        documents["task"].update_one({"_id": changed}, {"$set": {"tags": before[identifier(563)]["tags"]}})

    def work() -> None:
        monitoring.register(After("insert", "operation", lone, theirs))
        _, outcome = made(lone.runner(lone.connect()))
        assert [skipped.id for skipped in outcome.skipped] == [changed]
        assert outcome.count("task", "update") == MANY - 1

    assert in_child(work) == 0
    assert by_id(lone.dump(), "task")[changed]["tags"] == before[identifier(563)]["tags"]
    undo(lone.runner())
    left = by_id(lone.dump(), "task")
    assert left == {**before, changed: {**before[changed], "tags": before[identifier(563)]["tags"]}}


# --- projects ---------------------------------------------------------------------------------------------------------


def renamed(number: int, old: str, new: str) -> Step:
    change = {"$set": {"name": new, "basename": new, "last_update": NOW}}
    return Step("project", "update", {"_id": identifier(number), "company": COMPANY}, change, name=old)


def test_a_name_is_free_before_another_project_gets_it(lone: World) -> None:
    """The names of a chain move on in the order of the plan, whatever the order of the ids."""
    lone.documents["project"].insert_many([project(70 + number, f"link {number}") for number in range(4)])
    steps = [renamed(70 + number, f"link {number}", f"link {number + 1}") for number in range(4)]
    planning = Planning.always(Plan("projects.update", "rename a chain", steps[::-1]))
    _, outcome = lone.runner().apply(planning, planning.plan(lone.runner().store))
    assert (outcome.skipped, outcome.count("project", "update")) == ([], 4)
    assert [by_id(lone.dump())[identifier(70 + number)]["name"] for number in range(4)] == [
        f"link {number + 1}" for number in range(4)
    ]
    undo(lone.runner())


def with_many_below(world: World) -> None:
    names = ((number, f"vision/run {number}") for number in range(MANY))
    world.documents["project"].insert_many([project(300 + number, name, [VISION]) for number, name in names])


def test_many_projects_follow_a_move_each_with_its_own_name(lone: World) -> None:
    with_many_below(lone)
    before = lone.dump()
    MOVE(lone.runner())
    after = by_id(lone.dump())
    for number in range(MANY):
        moved = after[identifier(300 + number)]
        assert (moved["name"], moved["path"]) == (f"alone/vision/run {number}", [ALONE["_id"], VISION["_id"]])
    undo(lone.runner())
    assert lone.dump() == before


def test_a_project_that_is_renamed_after_it_was_journaled_follows_with_its_new_name(lone: World) -> None:
    with_many_below(lone)
    theirs = {"$set": {"name": "vision/theirs", "basename": "theirs"}}

    def work() -> None:
        renaming = After(
            "insert", "operation", lone, lambda to: to["project"].update_one({"_id": identifier(360)}, theirs)
        )
        monitoring.register(renaming)
        _, outcome = MOVE(lone.runner(lone.connect()))
        assert outcome.skipped == []

    assert in_child(work) == 0
    after = by_id(lone.dump())
    names = {after[identifier(300 + number)]["name"] for number in range(MANY)}
    assert names == {f"alone/vision/run {number}" for number in range(MANY) if number != 60} | {"alone/vision/theirs"}
    assert after[identifier(360)]["path"] == [ALONE["_id"], VISION["_id"]]
