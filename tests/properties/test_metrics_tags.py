"""Metrics, hyperparameters and tags, against a plain-Python model of docs/semantics.md."""

from __future__ import annotations

from hashlib import md5
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projects_cli.endpoints import distinct_values
from tests.properties import model
from tests.properties.calling import NOW, OWN, Document, Documents, Failure
from tests.worlds import random_worlds as worlds

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from tests.properties.calling import Caller

TAG_ENDPOINTS = {
    "projects.get_task_tags": "task",
    "projects.get_model_tags": "model",
    "projects.get_project_tags": "project",
}

WORDS = st.one_of(
    st.text("ab._%$é🙂 /2E4-", min_size=1, max_size=5),
    st.sampled_from(["_", "__", "___", "a__b", "_a", "%2E", "%_", "%%", "$", ".", "a.b", "A", "__a", "%24", "%"]),
)


def _hash(name: str) -> str:
    return md5(name.encode(), usedforsecurity=False).hexdigest()


def _metrics(pairs: list[tuple[str, str]]) -> Document:
    found: Document = {}
    for metric, variant in pairs:
        found.setdefault(_hash(metric), {})[_hash(variant)] = {"metric": metric, "variant": variant, "value": 1.5}
    return found


def _parameters(pairs: list[tuple[str, str]]) -> Document:
    found: Document = {}
    for section, name in pairs:
        value = {"section": section, "name": name, "value": "1", "type": ""}
        found.setdefault(model.escaped(section), {})[model.escaped(name)] = value
    return found


def _metadata(entries: dict[str, str | None]) -> Document:
    return {model.escaped(key): {"key": key, "type": "", "value": value} for key, value in entries.items()}


PAIRS = st.lists(st.tuples(WORDS, WORDS), max_size=4)
NUMBERS = ("1", "0.1", "0.01", "-2", "2.7", "2.15", "1e1", "10", "9", "1_0", " 3 ", "inf", "nan", "1.0")
VALUES = st.sampled_from([*NUMBERS, "Adam", "adam", "é", "", "b", "B", "1a", None])
HOT = st.fixed_dictionaries({}, optional={"lr": VALUES, "a.b": VALUES, "_x": VALUES})
"""Values of a few keys: those that requests name."""


def _hot(entries: dict[str, str | None]) -> Document:
    values = {name: {"section": "Args", "name": name, "value": value} for name, value in entries.items()}
    return {"Args": {model.escaped(name): value for name, value in values.items()}}


@st.composite
def databases(draw: st.DrawFn) -> Documents:
    """Draw a tree, and tasks and models in it."""
    projects = draw(worlds.trees(mixed=False, most=6))
    for project in projects:
        tags = draw(worlds.stored_tags(worlds.TAGS))
        project.update({} if tags is worlds.ABSENT else {"tags": tags})
    marks = {
        "tags": worlds.stored_tags(worlds.TAGS),
        "system_tags": worlds.stored_tags(worlds.SYSTEM_TAGS),
        "user": worlds.maybe(st.sampled_from(worlds.USERS)),
        "last_metrics": worlds.maybe(PAIRS.map(_metrics)),
        "name": st.sampled_from(["b", "a", "A", "é", "ab"]),
    }
    parameters = st.tuples(PAIRS.map(_parameters), HOT.map(_hot)).map(lambda both: both[0] | both[1])
    parents = worlds.maybe(st.integers(0, 9).map("t{}".format), "", "gone")
    tasks = worlds.tasks(projects, **marks, hyperparams=worlds.maybe(parameters), parent=parents)
    models = worlds.tasks(projects, **marks, metadata=worlds.maybe(HOT.map(_metadata)))
    return {"project": projects, "task": draw(tasks), "model": draw(models), "user": worlds.PEOPLE["user"]}


def _projects(ids: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.one_of(ids, ids, ids, st.sampled_from([None, "", "gone"]))


PROJECT = _projects(st.integers(0, 6).map("{:032x}".format))
BELOW = {"include_subprojects": st.booleans()}
SINGLE = {"project": PROJECT, **BELOW}
SEVERAL = {"projects": st.lists(PROJECT, max_size=3), **BELOW}
PAGES = {"page": st.integers(-2, 4), "page_size": st.sampled_from([-1, 0, 1, 2, 3, 10, 500])}
KEYS = st.sampled_from(["lr", "a.b", "_x", " lr ", "no"])
IDS = st.lists(st.integers(0, 9).map("t{}".format), max_size=3)
VALUES_REQUESTS = {**SEVERAL, **PAGES, "allow_public": st.booleans()}


def _with(required: Document, optional: Document) -> SearchStrategy[Document]:
    parts = st.tuples(worlds.chosen(optional), st.fixed_dictionaries(required))
    return parts.map(lambda both: both[0] | both[1])


REQUESTS: dict[str, tuple[SearchStrategy[Document], Any]] = {
    "projects.get_unique_metric_variants": (
        worlds.chosen({**SINGLE, "model_metrics": st.booleans(), "ids": IDS}),
        model.Model.metrics,
    ),
    "projects.get_hyper_parameters": (worlds.chosen({**SINGLE, **PAGES}), model.Model.parameters),
    "projects.get_model_metadata_keys": (worlds.chosen({**SINGLE, **PAGES}), model.Model.metadata_keys),
    "projects.get_hyperparam_values": (
        _with(
            {"section": st.sampled_from(["Args", "Args", " Args"]), "name": KEYS},
            {**VALUES_REQUESTS, "pattern": st.sampled_from(["", "A", "^.$", "d.m", "[0-9]"])},
        ),
        lambda service, params: service.values("task", params),
    ),
    "projects.get_model_metadata_values": (
        _with({"key": KEYS}, VALUES_REQUESTS),
        lambda service, params: service.values("model", params),
    ),
    "projects.get_task_parents": (
        worlds.chosen({
            **SEVERAL,
            "tasks_state": st.sampled_from(["active", "archived"]),
            "task_name": st.sampled_from(["", "a", "^A", "b$"]),
        }),
        model.Model.parents,
    ),
    "projects.get_user_names": (
        worlds.chosen({**SEVERAL, "entity": st.sampled_from(["task", "model"])}),
        model.Model.users,
    ),
}  # fmt: skip
"""Endpoint -> its requests, and what the model answers."""


@given(data=st.data(), database=databases())
def test_values(caller: Caller, data: st.DataObject, database: Documents) -> None:
    """Each endpoint is asked once: filling the database takes longer than all questions."""
    caller.fill(database)
    service = model.Model(database, OWN, NOW)
    for endpoint, (requests, expected) in REQUESTS.items():
        params = data.draw(requests, endpoint)
        assert caller.answer(endpoint, params) == expected(service, params), (endpoint, params)


FILTERS = worlds.chosen(
    {"tags": worlds.tag_list(worlds.TAGS), "system_tags": worlds.tag_list(worlds.SYSTEM_TAGS)}, most=2
)
TAG_REQUESTS = worlds.chosen(
    {
        "projects": st.lists(st.one_of(PROJECT.map(str), worlds.IDS), max_size=3),
        "include_system": st.booleans(),
        "filter": FILTERS,
    }
)


@pytest.mark.parametrize("endpoint", TAG_ENDPOINTS)
@given(database=databases(), requests=st.lists(TAG_REQUESTS, min_size=1, max_size=4))
def test_tags(caller: Caller, endpoint: str, database: Documents, requests: list[Document]) -> None:
    caller.fill(database)
    service = model.Model(database, OWN, NOW)
    for params in requests:
        answer = caller.answer(endpoint, params)
        if faults := model.tag_faults(params):
            assert isinstance(answer, Failure), params
            assert (answer.code, answer.subcode) in faults, params
        else:
            assert answer == service.tags(TAG_ENDPOINTS[endpoint], params), params


# --- parameters, of some tasks first ------------------------------------------------------------------------------

ODD_KEYS = st.sampled_from(["a", "b", "A", "a.b", "$a", "$", "", "0", "é", "_id", "%2E", "properties", "\U0010ffff"])
ODD_OBJECTS = st.dictionaries(ODD_KEYS, st.sampled_from([None, 1, {}, {"value": 1}, [{"a": 1}]]), max_size=3)
ODD_PARAMETERS: SearchStrategy[Any] = st.one_of(
    st.dictionaries(
        ODD_KEYS, st.one_of(ODD_OBJECTS, ODD_OBJECTS, st.sampled_from([None, 1, [], [{"a": {}}]])), max_size=3
    ),
    st.sampled_from([None, 7, "text", [], [{"a": {"b": {}}}]]),
)


@pytest.mark.parametrize("most_sections", [0, 2, 16])
@settings(max_examples=25)
@given(hyperparams=st.lists(worlds.document(company=worlds.COMPANIES, hyperparams=ODD_PARAMETERS), max_size=6))
def test_parameters_are_the_same_if_some_tasks_are_read_first(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, most_sections: int, hyperparams: list[Document]
) -> None:
    caller.fill({"task": [one | {"_id": f"t{number}"} for number, one in enumerate(hyperparams)]})
    monkeypatch.setattr(distinct_values, "MOST_SECTIONS", most_sections)
    answers = []
    for large, sample in ((1_000, 1), (0, 1), (0, 3)):
        monkeypatch.setattr(distinct_values, "LARGE", large)
        monkeypatch.setattr(distinct_values, "SAMPLE", sample)
        answers.append(caller.answer("projects.get_hyper_parameters", {}))
    assert answers[0] == answers[1] == answers[2]


NAMES = st.sampled_from(["loss", "acc", "train", "", None, 1, 1.0, ["loss"], {"a": 1}])
LEAF = st.dictionaries(st.sampled_from(["metric", "variant"]), NAMES)
LEAVES = LEAF | LEAF | st.sampled_from([None, 1, [], [{"metric": "x"}]])
VARIANTS = st.dictionaries(st.sampled_from(["v1", "v2", "v3"]), LEAVES, max_size=3)
ODD_METRICS: SearchStrategy[Any] = st.one_of(
    st.dictionaries(
        st.sampled_from(["h1", "h2", "h3"]),
        st.dictionaries(st.sampled_from(["v1", "v2", "v3"]), LEAVES, max_size=3)
        | st.sampled_from([None, 1, [{"v1": {}}]]),
        max_size=3,
    ),
    st.sampled_from([None, 7, "text", [], [{"h1": {"v1": {"metric": "in", "variant": "list"}}}]]),
)


PLAIN_LEAF = st.fixed_dictionaries({
    "metric": st.sampled_from(["loss", "acc"]), "variant": st.sampled_from(["train", "test"]),
})  # fmt: skip
PLAIN_METRICS = st.dictionaries(
    st.sampled_from(["h1", "h2"]), st.dictionaries(st.sampled_from(["v1", "v2"]), PLAIN_LEAF, max_size=2), max_size=2
)
"""Metrics of few names, so that one task often has another pair of the names of a task before it."""


@pytest.mark.parametrize("most_groups", [0, 1, 9])
@settings(max_examples=40)
@given(
    found=st.lists(worlds.document(company=worlds.COMPANIES, last_metrics=ODD_METRICS), max_size=6)
    | st.lists(worlds.document(company=st.just(OWN), last_metrics=PLAIN_METRICS), min_size=2, max_size=4)
)
def test_metrics_are_the_same_if_some_tasks_are_read_first(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, most_groups: int, found: list[Document]
) -> None:
    """The hashes may be those of another task with the same pair."""
    caller.fill({"task": [one | {"_id": f"t{number}"} for number, one in enumerate(found)]})
    monkeypatch.setattr(distinct_values, "MOST_GROUPS", most_groups)
    answers = []
    for large, sample in ((1_000, 1), (0, 1), (0, 3)):
        monkeypatch.setattr(distinct_values, "LARGE", large)
        monkeypatch.setattr(distinct_values, "SAMPLE", sample)
        answer = caller.answer("projects.get_unique_metric_variants", {})
        assert isinstance(answer, dict)
        answers.append([(pair["metric"], pair["variant"]) for pair in answer["metrics"]])
        for pair in answer["metrics"]:
            stored = [one["last_metrics"] for one in found if isinstance(one.get("last_metrics"), dict)]
            entries = [one.get(pair["metric_hash"]) for one in stored]
            assert any(isinstance(entry, dict) and entry for entry in entries), pair
    assert answers[0] == answers[1] == answers[2]
