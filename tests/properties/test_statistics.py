"""`include_stats`: sums over trees of projects, against a plain-Python model of docs/semantics.md."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from tests.properties import model, statistics_model
from tests.properties.calling import NOW, OWN, Document, Documents, Failure
from tests.properties.statistics_model import Service
from tests.worlds import random_worlds as worlds

if TYPE_CHECKING:
    from tests.properties.calling import Caller

ENDPOINT = "projects.get_all_ex"
STATES = {"active": ["active"], "archived": ["archived"], None: ["active", "archived"]}


MARKS = st.sampled_from([
    *(worlds.ABSENT, [], None, [], ["x"], ["archived"], ["x", "archived", "archived"]),
    *(["pipeline"], ["reports", "x"], ["archived", "reports"], ["dataset"]),
])  # fmt: skip
USERS = st.sampled_from(["one", "two", "three"])


@st.composite
def databases(draw: st.DrawFn) -> Documents:
    """Draw a tree of all kinds of projects, with tasks and models of all kinds."""
    projects = draw(worlds.trees(mixed=True))
    for project in projects:
        kind = draw(st.sampled_from([None, None, "pipeline", "dataset"]))
        if kind:
            project["system_tags"] = draw(st.sampled_from([[kind], [kind, "hidden"]]))
            project["basename"] = draw(st.sampled_from([f".{kind}s", "plain name", "plain name"]))
        project.update(draw(worlds.document(user=worlds.maybe(USERS), tags=worlds.stored_tags(FEW_TAGS))))
    tasks = worlds.tasks(
        projects,
        status=st.one_of(worlds.maybe(st.sampled_from(model.STATUSES)), st.just("completed")),
        system_tags=MARKS,
        started=worlds.MOMENTS,
        completed=worlds.MOMENTS,
        type=st.sampled_from(["training", "controller", "report"]),
        user=worlds.maybe(USERS),
        tags=worlds.stored_tags(FEW_TAGS),
        last_update=worlds.maybe(worlds.DATES),
        runtime=RUNTIME,
    )
    models = worlds.tasks(
        projects, system_tags=MARKS, user=worlds.maybe(USERS), tags=worlds.stored_tags(FEW_TAGS), type=st.just("report")
    )
    return {"project": projects, "task": draw(tasks), "model": draw(models)}


FEW_TAGS = st.sampled_from(["a", "b", "-a", "archived"])
SIZES = st.sampled_from([worlds.ABSENT, 0, 7, 2**40, "7", None])
RUNTIME = st.one_of(
    st.sampled_from([worlds.ABSENT, None, {}, [], [{"ds_file_count": 1}], "x", {"y": 1}]),
    worlds.document(ds_file_count=SIZES, ds_total_size=SIZES),
)
PLAIN = {
    "id": st.lists(worlds.IDS, max_size=4),
    "stats_for_state": st.sampled_from(["active", "archived", None]),
    "order_by": st.sampled_from([["name"], ["-name"], ["parent"], ["-system_tags"], ["last_update", "-id"]]),
    "page": st.integers(0, 3),
    "page_size": st.integers(1, 5),
    "only_fields": st.sampled_from([["name"], ["-name"], ["id"], ["-id"], ["path", "system_tags"]]),
    "system_tags": worlds.tag_list(worlds.SYSTEM_TAGS).filter(lambda tags: not model.wanted(tags).faulty),
    "non_public": st.booleans(),
    "name": st.sampled_from(["-[0-3]$", "é", "^[0-4]"]),
}
REQUESTS = worlds.chosen(PLAIN, most=5).map(lambda params: params | {"include_stats": True})

STORED = st.sampled_from(["type", "status", "tags", "user", "nothing"])
TEXTS = st.sampled_from(["a", "training", "controller", "archived", "completed", "one", "dataset"])
WITHOUT_NULL = worlds.tag_list(TEXTS).filter(lambda values: None not in values)
PARTS = worlds.list_filter(TEXTS).filter(lambda parts: "None" not in str(parts))
STATS_FILTER = st.dictionaries(
    st.one_of(STORED, st.just("system_tags")),
    st.one_of(WITHOUT_NULL, WITHOUT_NULL, PARTS, st.sampled_from(["training", [None], [3], 5])),
    max_size=2,
)
OPTIONS = {
    "active_users": st.lists(USERS, max_size=2),
    "children_type": st.sampled_from(["pipeline", "report", "dataset"]),
    "children_tags": worlds.tag_list(FEW_TAGS),
    "children_tags_filter": worlds.list_filter(FEW_TAGS),
    "include_stats_filter": STATS_FILTER,
    "stats_with_children": st.booleans(),
    "search_hidden": st.booleans(),
    "allow_public": st.booleans(),
    "include_stats": st.booleans(),
    "check_own_contents": st.just(True),
    "include_dataset_stats": st.just(True),
}
CONTENTS = st.tuples(worlds.chosen(PLAIN, most=2), worlds.chosen(OPTIONS, most=7)).map(
    lambda both: {"include_stats": True, **both[0], **both[1]}
)


@given(database=databases(), requests=st.lists(CONTENTS, min_size=1, max_size=4))
def test_contents_match_the_model(caller: Caller, database: Documents, requests: list[Document]) -> None:
    """Selection by contents, own counts, dataset sizes and statistics, with all options together."""
    caller.fill(database)
    service = Service(database, OWN, NOW)
    for params in requests:
        answer = caller.answer(ENDPOINT, params)
        if expected := statistics_model.faults(params):
            assert isinstance(answer, Failure), params
            assert (answer.code, answer.subcode) in expected, params
        else:
            assert answer == {"projects": service.listing(params, extended=True)}, params


@given(database=databases(), requests=st.lists(REQUESTS, min_size=1, max_size=4))
def test_statistics_match_the_model(caller: Caller, database: Documents, requests: list[Document]) -> None:
    caller.fill(database)
    service = Service(database, OWN, NOW)
    for params in requests:
        answer = caller.answer(ENDPOINT, params)
        assert answer == {"projects": service.listing(params, extended=True)}, params


@given(database=databases(), state=st.sampled_from(list(STATES)))
def test_states_and_statistics_are_returned_on_request_only(
    caller: Caller, database: Documents, state: str | None
) -> None:
    caller.fill(database)
    rows = _rows(caller, {"include_stats": True, "stats_for_state": state})
    assert all(sorted(row["stats"]) == STATES[state] for row in rows)
    plain = _rows(caller, {"stats_for_state": state})
    assert plain == [{key: row[key] for key in row.keys() - {"stats", "sub_projects"}} for row in rows]


@given(database=databases())
def test_both_states_together_are_all_tasks(caller: Caller, database: Documents) -> None:
    """Every visible task in a visible top-level tree is in exactly one state, and in exactly one status."""
    caller.fill(database)
    for row in _rows(caller, {"include_stats": True, "stats_for_state": None}):
        counted = {row["id"], *(one["id"] for one in row["sub_projects"])}
        tasks = [task for task in model.visible(database["task"], OWN) if task.get("project") in counted]
        assert sum(part["total_tasks"] for part in row["stats"].values()) == len(tasks)
        for part in row["stats"].values():
            assert part["total_tasks"] == sum(part["status_count"].values())
            assert isinstance(part["total_runtime"], int)


def test_projects_with_the_id_of_no_project_have_no_contents(caller: Caller) -> None:
    contents = [{"_id": str(n), "company": OWN, "project": of, "runtime": {"a": 1}} for n, of in enumerate((None, ""))]
    projects: list[Document] = [{"_id": of, "company": OWN, "name": f"project {of!r}"} for of in (None, "")]
    projects += [{"_id": f"d{n}", "company": OWN, "name": f"d{n}", "parent": of, "system_tags": ["dataset"]}
                 for n, of in enumerate((None, ""))]  # fmt: skip
    caller.fill({"project": projects, "task": contents, "model": contents})
    options = {"include_stats": True, "check_own_contents": True, "include_dataset_stats": True, "name": "^project"}
    rows = _rows(caller, options)
    assert len(rows) == len(contents)
    for row in rows:
        assert (row["own_tasks"], row["own_models"], row["stats"]["active"]["total_tasks"]) == (0, 0, 0)
        assert "dataset_stats" not in row
    caller.database["project"].update_many({"_id": {"$in": [None, ""]}}, {"$set": {"system_tags": ["dataset"]}})
    rows = _rows(caller, options | {"children_type": "dataset"})
    assert len(rows) == len(contents)
    for row in rows:
        assert (row["own_datasets"], row["stats"]["datasets"]["count"]) == (0, 0)


RUNTIMES = st.lists(st.tuples(st.integers(0, 5000), st.integers(-1500, 3500)), max_size=6)


@given(runs=RUNTIMES)
def test_runtimes_are_whole_seconds_of_each_task(caller: Caller, runs: list[tuple[int, int]]) -> None:
    begun = [worlds.PLACE + _milliseconds(start) for start, _ in runs]
    tasks = [
        {"_id": str(number), "company": OWN, "project": "p", "started": start, "completed": start + _milliseconds(run)}
        for number, (start, (_, run)) in enumerate(zip(begun, runs, strict=True))
    ]
    caller.fill({"project": [{"_id": "p", "company": OWN, "name": "one"}], "task": tasks})
    (row,) = _rows(caller, {"include_stats": True})
    assert row["stats"]["active"]["total_runtime"] == sum(max(0, run // 1000) for _, run in runs)


def _milliseconds(number: int) -> timedelta:
    return timedelta(milliseconds=number)


def _rows(caller: Caller, params: Document) -> list[dict[str, Any]]:
    answer = caller.answer(ENDPOINT, params)
    assert not isinstance(answer, Failure)
    rows: list[dict[str, Any]] = answer["projects"]
    return rows
