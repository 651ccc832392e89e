"""Tenant isolation: no request shows, counts or changes a document of another company.

The strongest check compares two databases: one with all three companies, and the same without the other companies'
documents. Every response, error messages included, and every change must be the same on both.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projects_cli.endpoints import address
from projects_cli.errors import ProjectsError
from tests.properties import tenancies
from tests.properties.calling import OWN, Documents, Failure, catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.properties.calling import Answer, Caller, Document

CHANGES_CONTENTS = ("projects.delete", "projects.merge")
"""The endpoints that move public tasks and models of an own project: docs/semantics.md (differs on purpose, 5)."""

FEW = settings().max_examples // 3


def endpoints() -> list[str]:
    """Return every endpoint of the shipped schema."""
    return [endpoint.name for endpoint in catalog().endpoints()]


def test_every_endpoint_is_called() -> None:
    assert set(endpoints()) <= tenancies.STRATEGIES.keys()


@pytest.mark.parametrize("endpoint", tenancies.STRATEGIES)
@settings(max_examples=FEW)
@given(data=st.data())
def test_an_endpoint_keeps_to_its_company(caller: Caller, twin: Caller, endpoint: str, data: st.DataObject) -> None:
    documents = data.draw(tenancies.databases(), "documents")
    requests = st.lists(tenancies.requests(endpoint, documents), min_size=1, max_size=3)
    _check(caller, twin, documents, [(endpoint, params) for params in data.draw(requests, "requests")])


@given(data=st.data())
def test_endpoints_one_after_the_other_keep_to_their_company(caller: Caller, twin: Caller, data: st.DataObject) -> None:
    documents = data.draw(tenancies.databases(), "documents")
    names = data.draw(st.lists(st.sampled_from(endpoints()), min_size=2, max_size=6), "endpoints")
    _check(caller, twin, documents, [(name, data.draw(tenancies.requests(name, documents))) for name in names])


def _check(caller: Caller, twin: Caller, documents: Documents, asked: list[tuple[str, Document]]) -> None:
    """Call both databases alike, and compare answers and documents."""
    seen, foreign = tenancies.split(documents)
    caller.fill(documents)
    twin.fill(seen)
    before = caller.stored()
    kept = {(name, one["_id"]): before[name, one["_id"]] for name, some in foreign.items() for one in some}
    for endpoint, params in asked:
        at_first = twin.documents()
        answer = caller.answer(endpoint, params)
        assert _all_of(answer) == _all_of(twin.answer(endpoint, params)), (endpoint, params)
        assert isinstance(answer, Failure) or not _is_forbidden(endpoint, params, at_first), (endpoint, params)
        _check_markers(answer, {*_strings(list(at_first.values())), *_strings(params)}, (endpoint, params))
        _check_changes(endpoint, params, at_first, twin.documents(), answer)
    after = caller.stored()
    assert {key: after.get(key) for key in kept} == kept
    assert {key: value for key, value in after.items() if key not in kept} == twin.stored()


def _all_of(answer: Answer) -> Any:
    """Return an answer, or all that a failure reports."""
    return (answer.name, answer.code, answer.message, answer.hint) if isinstance(answer, Failure) else answer


def _check_markers(answer: Answer, allowed: set[str], asked: object) -> None:
    """Fail on a text of another company's documents that the caller did not send and no visible document has."""
    if isinstance(answer, Failure):
        return  # its text is compared with that of the database without other companies
    marked = {text for text in _strings(json.loads(json.dumps(answer))) if tenancies.MARKER in text}
    assert {text for text in marked if text not in allowed and text.strip() not in allowed} == set(), asked


def _is_forbidden(endpoint: str, params: Document, stored: dict[tuple[str, str], Document]) -> bool:
    """Return whether a request renames, moves or deletes a project that is not own, or that has public sub-projects."""
    restructures = endpoint in ("projects.delete", "projects.move", "projects.merge")
    if not (restructures or (endpoint == "projects.update" and params.get("name"))):
        return False
    projects = [one for (name, _), one in stored.items() if name == "project"]
    own = any(one["_id"] == params["project"] and one["company"] == OWN for one in projects)
    return not own or any(params["project"] in one["path"] and one["company"] == "" for one in projects)


def _check_changes(
    endpoint: str,
    params: Document,
    before: dict[tuple[str, str], Document],
    after: dict[tuple[str, str], Document],
    answer: Answer,
) -> None:
    """Fail on changes of public documents, except the two allowed ones, and on changes by a failed call."""
    if isinstance(answer, Failure):
        assert after == before
    for key, old in before.items():
        new = after.get(key)
        if new == old or (key[0] == "project" and old["company"] == OWN):
            continue
        if key[0] == "project":
            assert endpoint == "projects.make_private"
            assert old["company_origin"] == OWN
        else:
            assert endpoint in CHANGES_CONTENTS
            if endpoint == "projects.delete" and params.get("delete_contents"):
                changed = {name for name in old if new and new.get(name) != old[name]}
                assert changed <= {"parent", "task", "models", "last_change", "last_changed_by"}
                continue
            assert new == {**old, "project": params.get("destination_project") or None}
    assert not isinstance(answer, Failure) or answer.name != "DatabaseError", answer


def _strings(value: Any) -> Iterator[str]:
    """Yield every text in a value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (key, *_strings(item))
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


@settings(max_examples=FEW)
@given(data=st.data())
def test_a_project_argument_never_resolves_to_another_companys_project(
    caller: Caller, twin: Caller, data: st.DataObject
) -> None:
    documents = data.draw(tenancies.databases(), "documents")
    caller.fill(documents)
    twin.fill(tenancies.split(documents)[0])
    for project in documents["project"]:
        size = data.draw(st.sampled_from([8, 12, 32]))
        for text in (project["_id"][:size], project["name"], project["basename"], project["name"].upper()):
            assert _found(caller, text) == _found(twin, text), text


def _found(caller: Caller, text: str) -> object:
    try:
        return address.project_id(text, lambda: caller.store)
    except ProjectsError as error:
        return (error.name, error.message, error.hint)
