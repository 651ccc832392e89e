"""The sums are the same with every query plan: with every set of indexes, and with and without selected projects."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from bson.datetime_ms import DatetimeMS
from hypothesis import given, settings
from hypothesis import strategies as st

from projects_cli.endpoints import hierarchy, tallies
from projects_cli.endpoints.tallies import ReadPlan
from projects_cli.store.client import connect
from projects_cli.store.collections import open_store
from projects_cli.store.index_definitions import EXTRAS, INDEXES, SERVER
from projects_cli.store.reading import NATURAL
from tests import servers
from tests.properties import model
from tests.properties.calling import NOW, OWN, Caller, Document, Documents
from tests.properties.dropping import dropping
from tests.properties.statistics_model import Service
from tests.worlds import random_worlds as worlds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.servers import Server

ENDPOINT = "projects.get_all_ex"
STATISTICS = next(extra.index for extra in EXTRAS if "status" in extra.index["key"])


def _index(*fields: str, **options: Any) -> Document:
    return {"key": dict.fromkeys(fields, 1), "name": "covering", **options}


FIELDS = ("company", "project", "status", "started", "completed")
SETS: dict[str, Mapping[str, Sequence[Document]]] = {
    "the server's": SERVER,
    "ours too": INDEXES,
    "ours alone": {"task": [STATISTICS]},
    "without marks": {"task": [_index(*FIELDS), *SERVER["task"]]},
    "project last": {"task": [_index("company", "status", "started", "completed", "project")]},
    "of some only": {"task": [_index(*FIELDS, partialFilterExpression={"status": "completed"}), *SERVER["task"]]},
    "sparse": {"task": [_index(*FIELDS[1:], "company", sparse=True), *SERVER["task"]]},
    "hidden": {"task": [_index(*FIELDS, hidden=True), *SERVER["task"]]},
    "another order": {"task": [_index(*FIELDS, collation={"locale": "en", "strength": 1}), *SERVER["task"]]},
    "none": {},
}
MARKS = "company_1_system_tags_1"
CHOSEN: dict[str, tuple[ReadPlan, ReadPlan]] = {
    "the server's": (ReadPlan(True), ReadPlan(False, NATURAL, archived_hint=MARKS)),
    "ours too": (
        ReadPlan(True, STATISTICS["name"], covering=True, archived_hint=STATISTICS["name"]),
        ReadPlan(False, STATISTICS["name"], covering=True, archived_hint=STATISTICS["name"]),
    ),
    "ours alone": (
        ReadPlan(True, STATISTICS["name"], covering=True, archived_hint=STATISTICS["name"]),
        ReadPlan(False, STATISTICS["name"], covering=True, archived_hint=STATISTICS["name"]),
    ),
    "without marks": (
        ReadPlan(True, "covering", covering=True),
        ReadPlan(False, "covering", covering=True, archived_hint=MARKS),
    ),
    "project last": (ReadPlan(True), ReadPlan(False, "covering", covering=True)),
    "of some only": (ReadPlan(True), ReadPlan(False, NATURAL, archived_hint=MARKS)),
    "sparse": (ReadPlan(True), ReadPlan(False, NATURAL, archived_hint=MARKS)),
    "hidden": (ReadPlan(True), ReadPlan(False, NATURAL, archived_hint=MARKS)),
    "another order": (ReadPlan(True), ReadPlan(False, NATURAL, archived_hint=MARKS)),
    "none": (ReadPlan(True), ReadPlan(False)),
}
"""For each set of indexes the plan where few projects are asked for, and where all are; all tasks the company's."""


@pytest.fixture(scope="module", params=list(SETS))
def indexed(request: pytest.FixtureRequest, standalone: Server) -> Iterator[tuple[str, Caller]]:
    """Provide a database with each set of indexes in turn."""
    name = servers.new_name()
    for collection, wanted in SETS[request.param].items():
        standalone.client[name].command("createIndexes", collection, indexes=list(wanted))
    connection = connect(standalone.uri, name, shown="the test's server")
    try:
        yield request.param, Caller(standalone.client[name], open_store(connection, OWN))
    finally:
        connection.close()
        standalone.drop(name)


@st.composite
def databases(draw: st.DrawFn) -> Documents:
    """Draw a tree, and tasks of every kind that the indexes allow: two lists can't be in one of them."""
    projects = draw(worlds.trees(mixed=True))
    tasks = worlds.tasks(
        projects,
        status=worlds.maybe(st.sampled_from([*model.STATUSES, "completed", "failed"]), "", "odd", 5, True, {"a": 1}),
        system_tags=st.sampled_from([worlds.ABSENT, None, [], ["x"], ["archived"], ["x", "archived"], ["y", "x"]]),
        started=worlds.MOMENTS.map(_no_list),
        completed=worlds.MOMENTS.map(_no_list),
    )
    return {"project": projects, "task": draw(tasks)}


def _no_list(moment: Any) -> Any:
    return "soon" if moment == [] else moment


REQUESTS = worlds.chosen(
    {
        "id": st.lists(worlds.IDS, max_size=4),
        "stats_for_state": st.sampled_from(["active", "archived", None]),
        "order_by": st.sampled_from([["name"], ["-name"]]),
        "page": st.integers(0, 2),
        "page_size": st.integers(1, 5),
    }
).map(lambda params: params | {"include_stats": True})


@pytest.mark.parametrize("few", [0, 10**9], ids=["named", "not named"])
@settings(max_examples=12)
@given(database=databases(), requests=st.lists(REQUESTS, min_size=1, max_size=3))
def test_every_plan_returns_the_documented_statistics(
    indexed: tuple[str, Caller],
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    database: Documents,
    requests: list[Document],
) -> None:
    _, caller = indexed
    monkeypatch.setattr(tallies, "SELECTIVE", few)
    monkeypatch.setattr(hierarchy, "IDS_PER_QUERY", 2)  # so that there are several chunks
    caller.fill(database)
    service = Service(database, OWN, NOW)
    for params in requests:
        answer = caller.answer(ENDPOINT, params)
        assert answer == {"projects": service.listing(params, extended=True)}, params


def test_the_plan_depends_on_the_available_indexes(indexed: tuple[str, Caller]) -> None:
    name, caller = indexed
    caller.fill({"task": [{"_id": "t", "company": OWN}, {"_id": "public", "company": ""}]})
    tasks = caller.store.tasks
    plans = tuple(tallies.read_plan(tasks, {}, by_project=some) for some in (True, False))
    assert plans == CHOSEN[name]


def test_tasks_of_other_companies_are_not_scanned(caller: Caller) -> None:
    caller.fill({"task": [{"_id": "t", "company": OWN}, {"_id": "theirs", "company": worlds.OTHER}]})
    assert tallies.read_plan(caller.store.tasks, {}, by_project=False) == ReadPlan(False, archived_hint=MARKS)
    caller.fill({"task": [{"_id": "t", "company": OWN}, {"_id": "nobody's"}]})
    assert tallies.read_plan(caller.store.tasks, {}, by_project=False) == ReadPlan(False, archived_hint=MARKS)


ALL = {"active": 1500, "archived": 1500}


@pytest.mark.parametrize(("command", "number"), [("find", 1), ("getMore", 1), ("find", 2), ("getMore", 3)])
def test_an_index_dropped_during_the_reading_is_no_longer_used(
    standalone: Server, caller: Caller, command: str, number: int
) -> None:
    """It exists when the plan is made, and is dropped before the first or a later query, or during one."""
    marks = [["archived"], []]
    tasks = [{"_id": str(n), "company": OWN, "project": "p", "system_tags": marks[n % 2]} for n in range(3000)]
    caller.fill({"project": [{"_id": "p", "company": OWN, "name": "one"}], "task": tasks})
    stored = caller.database["task"]
    stored.create_index(list(STATISTICS["key"].items()), name=STATISTICS["name"])
    with dropping(standalone, stored, STATISTICS["name"], command, number) as (store, dropper):
        plan = tallies.read_plan(store.tasks, {}, by_project=False)
        found = tallies.tallies_by_state(
            store.tasks, {"p": "p"}, {}, ["active", "archived"], worlds.PLACE, by_project=False
        )
    assert plan.covering
    assert dropper.dropped
    assert STATISTICS["name"] not in stored.index_information()
    assert {state: sum(sums["p"].statuses.values()) for state, sums in found.items()} == ALL


def test_dates_beyond_python_are_summed(indexed: tuple[str, Caller]) -> None:
    """Years above 9999 and below 1: MongoDB has them."""
    _, caller = indexed
    ends = {"far": DatetimeMS(400_000_000_000_000), "near": datetime(2024, 1, 1), "past": DatetimeMS(-(10**15))}  # noqa: DTZ001 - as they are stored
    tasks = [
        {"_id": f"{one} {other}", "company": OWN, "project": "p", "started": started, "completed": completed}
        for one, started in ends.items()
        for other, completed in ends.items()
    ]
    caller.fill({"project": [{"_id": "p", "company": OWN, "name": "one"}], "task": tasks})
    for by_project in (False, True):
        sums = tallies.tallies_by_state(
            caller.store.tasks, {"p": "p"}, {}, ["active"], worlds.PLACE, by_project=by_project
        )
        tally = sums["active"]["p"]
        near = 1_704_067_200_000
        spans = (400_000_000_000_000 - near) // 1000, (near + 10**15) // 1000, (400_000_000_000_000 + 10**15) // 1000
        assert (tally.runtime, tally.recent, int(tally.last)) == (sum(spans), 3, 400_000_000_000_000)
