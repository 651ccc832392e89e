"""Metrics, hyperparameters and tags, against a plain-Python model of docs/semantics.md."""

from __future__ import annotations

from hashlib import md5
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties import model
from tests.properties.calling import NOW, OWN, Document, Documents, Failure
from tests.worlds import random_worlds as worlds

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from tests.properties.calling import Caller

TAG_ENDPOINTS = {"projects.get_task_tags": "task", "projects.get_model_tags": "model"}

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


PAIRS = st.lists(st.tuples(WORDS, WORDS), max_size=4)


@st.composite
def databases(draw: st.DrawFn) -> Documents:
    """Draw a tree, and tasks and models in it."""
    projects = draw(worlds.trees(mixed=False, most=6))
    marks = {
        "tags": worlds.stored_tags(worlds.TAGS),
        "system_tags": worlds.stored_tags(worlds.SYSTEM_TAGS),
    }
    used = {"last_metrics": worlds.maybe(PAIRS.map(_metrics)), "hyperparams": worlds.maybe(PAIRS.map(_parameters))}
    tasks = worlds.tasks(projects, **marks, **used)
    return {"project": projects, "task": draw(tasks), "model": draw(worlds.tasks(projects, **marks))}


def _projects(ids: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.one_of(ids, ids, ids, st.sampled_from([None, "", "gone"]))


PROJECT = _projects(st.integers(0, 6).map("{:032x}".format))


@given(database=databases(), projects=st.lists(PROJECT, min_size=1, max_size=4))
def test_metrics(caller: Caller, database: Documents, projects: list[str | None]) -> None:
    caller.fill(database)
    service = model.Model(database, OWN, NOW)
    for project in projects:
        answer = caller.answer("projects.get_unique_metric_variants", {"project": project})
        assert answer == {"metrics": service.metrics(project)}, project


PAGES = worlds.chosen(
    {"project": PROJECT, "page": st.integers(-2, 4), "page_size": st.sampled_from([-1, 0, 1, 2, 3, 10, 500])}
)


@given(database=databases(), requests=st.lists(PAGES, min_size=1, max_size=4))
def test_hyper_parameters(caller: Caller, database: Documents, requests: list[Document]) -> None:
    caller.fill(database)
    service = model.Model(database, OWN, NOW)
    for params in requests:
        assert caller.answer("projects.get_hyper_parameters", params) == service.parameters(params), params


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
