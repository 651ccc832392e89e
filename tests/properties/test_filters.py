"""Filters, order, pages and fields of the listings, against a plain-Python model of docs/semantics.md."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from bson import Binary, MaxKey, MinKey, ObjectId, Regex, Timestamp
from hypothesis import given
from hypothesis import strategies as st

from tests.properties import model
from tests.properties.calling import NOW, OWN, Document, Failure
from tests.worlds import random_worlds as worlds

if TYPE_CHECKING:
    from tests.properties.calling import Caller

ENDPOINTS = {"projects.get_all": False, "projects.get_all_ex": True}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@given(data=st.data())
def test_a_listing_matches_the_model(caller: Caller, endpoint: str, data: st.DataObject) -> None:
    extended = ENDPOINTS[endpoint]
    database = {"project": data.draw(worlds.PROJECTS, "projects"), **worlds.PEOPLE}
    caller.fill(database)
    service = model.Model(database, OWN, NOW)
    for params in data.draw(st.lists(worlds.listing(extended=extended), min_size=1, max_size=6), "requests"):
        _compare(caller.answer(endpoint, params), service, params, extended=extended)


def _compare(answer: Any, service: model.Model, params: Document, *, extended: bool) -> None:
    faults = model.listing_faults(params, extended=extended)
    if faults:
        assert isinstance(answer, Failure), params
        assert (answer.code, answer.subcode) in faults, (params, answer)
        return
    assert answer == {"projects": service.listing(params, extended=extended)}, params


FEW_TAGS = ("a", "b", "c", "-a")
_SUBSETS = [some for size in range(5) for some in combinations(FEW_TAGS, size)]
_STORED: list[Document] = [{}, {"tags": None}, *({"tags": list(some)} for some in _SUBSETS)]
TAGGED: list[Document] = [
    {"_id": f"{number:02d}", "company": OWN, "name": f"tagged {number}", **tags} for number, tags in enumerate(_STORED)
]
"""A project for every set of these tags, and those that have none."""


@given(lists=st.lists(worlds.tag_list(st.sampled_from(FEW_TAGS)), min_size=1, max_size=4))
def test_tag_lists_match_the_model(caller: Caller, lists: list[list[str | None]]) -> None:
    caller.fill({"project": TAGGED})
    service = model.Model({"project": TAGGED}, OWN, NOW)
    for tags in lists:
        params = {"tags": tags, "only_fields": ["name", "tags"]}
        _compare(caller.answer("projects.get_all", params), service, params, extended=False)


_GAPS: list[Any] = [worlds.ABSENT, None, "", "b", "B", "é"]
_GAPPY = [([], "a"), (worlds.ABSENT, "a"), (None, "a"), (["b", "a"], "b"), (["c"], "a"), ([], "b"), (["b"], None)]
SORTED: list[Document] = [
    {"_id": f"{(number * 5) % 13:02d}", "company": OWN, "name": f"n{number}"}
    | {name: value for name, value in fields.items() if value is not worlds.ABSENT}
    for number, fields in enumerate(
        [{"tags": tags, "description": text} for tags, text in _GAPPY] + [{"description": text} for text in _GAPS]
    )
]
"""Projects with everything that counts as missing, and ties."""


@given(
    order_by=st.lists(
        st.sampled_from(["tags", "-tags", "description", "-description", "id", "-id"]), max_size=3
    ).filter(lambda keys: not {"tags", "-tags"} <= set(keys)),
    page=st.integers(0, 4),
    page_size=st.integers(1, 13),
)
def test_missing_values_come_last(caller: Caller, order_by: list[str], page: int, page_size: int) -> None:
    caller.fill({"project": SORTED})
    service = model.Model({"project": SORTED}, OWN, NOW)
    for paged in ({}, {"page": page, "page_size": page_size}):
        params = {"order_by": order_by, **paged}
        _compare(caller.answer("projects.get_all", params), service, params, extended=False)


@pytest.mark.parametrize("order_by", [["description"], ["tags", "-id"], ["name"], ["-description"]])
def test_every_page_of_every_size(caller: Caller, order_by: list[str]) -> None:
    """All pages: few random examples have one that begins with values and ends with missing ones."""
    caller.fill({"project": SORTED})
    service = model.Model({"project": SORTED}, OWN, NOW)
    for size in range(1, 8):
        for page in range(1 + len(SORTED) // size):
            params = {"order_by": order_by, "page": page, "page_size": size, "only_fields": ["id"]}
            _compare(caller.answer("projects.get_all", params), service, params, extended=False)


@given(projects=worlds.PROJECTS, size=st.integers(1, 5), params=worlds.listing(extended=False))
def test_pages_together_are_the_listing(caller: Caller, projects: list[Document], size: int, params: Document) -> None:
    caller.fill({"project": projects})
    params = {name: value for name, value in params.items() if name not in {"page", "page_size"}}
    whole = caller.answer("projects.get_all", params)
    pages = [caller.answer("projects.get_all", {**params, "page": page, "page_size": size}) for page in range(13)]
    if isinstance(whole, Failure):
        assert all(page == whole for page in pages)
        return
    assert whole["projects"] == [one for page in pages if isinstance(page, dict) for one in page["projects"]]


@pytest.mark.parametrize("page", [{}, {"page": 1}, {"page": 10**15}])
@pytest.mark.parametrize("pattern", ["(", "a\0b"])
def test_an_invalid_pattern_is_refused_on_every_page(caller: Caller, page: Document, pattern: str) -> None:
    caller.fill({"project": SORTED})
    for asked in ({"name": pattern}, {"_any_": {"fields": ["name"], "pattern": pattern}}):
        for endpoint in ENDPOINTS:
            assert caller.answer(endpoint, {**asked, **page}) == Failure(*model.INVALID_REGEX)


def test_the_model_distinguishes_lists() -> None:
    """A few lists evaluated by hand, so that a model that matches everything is noticed."""
    stored = {"x": ["a"], "y": ["a", "b"], "z": None, "w": ["c", "-a"]}
    for values, expected in (
        (["a"], "xy"),
        (["-a"], "zw"),
        (["__$all", "a", "b"], "y"),
        (["__$all", "-a"], "w"),
        (["__$not", "a", "c"], "w"),
        (["__$any", "c", "__$all", "a", "b"], "yw"),
        (["c", "__$any", "a"], "xyw"),
        ([None], "z"),
        (["b", None], "yz"),
        (["__$all", "__$nop"], "xyzw"),
        (["__$nop", "-c", "-b"], "xz"),
    ):
        assert "".join(name for name, tags in stored.items() if model.passes(values, tags)) == expected, values


@given(data=st.lists(worlds.list_filter(st.sampled_from(FEW_TAGS)), min_size=1, max_size=6))
def test_filters_match_the_model(caller: Caller, data: list[Document]) -> None:
    caller.fill({"project": TAGGED})
    service = model.Model({"project": TAGGED}, OWN, NOW)
    for asked in data:
        params = {"filters": {"tags": asked}, "only_fields": ["name", "tags"]}
        _compare(caller.answer("projects.get_all", params), service, params, extended=False)


def test_the_model_distinguishes_filters() -> None:
    """The table of docs/semantics.md by hand, with absent, empty and null lists."""
    stored = {"x": ["a"], "y": ["a", "b"], "e": [], "z": None}
    for asked, expected in (
        ({"any": {"include": ["a", "b"]}}, "xy"),
        ({"any": {"exclude": ["a", "b"]}}, "xez"),
        ({"all": {"include": ["a", "b"]}}, "y"),
        ({"all": {"exclude": ["a", "b"]}}, "ez"),
        ({"any": {"include": ["b"], "exclude": ["a"]}}, "yez"),
        ({"any": {"include": ["b", None]}}, "ye"),
        ({"all": {"exclude": ["b", None]}}, "xz"),
        ({"any": {"include": ["b"]}, "all": {"exclude": ["a"]}, "op": "or"}, "yez"),
        ({"any": {"include": []}, "all": {}, "op": "or"}, "xyez"),
    ):
        assert "".join(name for name, tags in stored.items() if model.passes_filter(asked, tags)) == expected, asked


_TEXTS = ["a", "b", "é", "🙂", "", "a\0b"]
_LISTS: list[Any] = [[], ["c", "z"], ["d", 3], [["a"], "e"], [False, "f"]]
_OTHERS: list[Any] = [
    *(None, 5, -1.5, True, {"a": "b"}, {}, worlds.PLACE, ObjectId("6" * 24)),
    *(Binary(b"a"), Regex("a"), MinKey(), MaxKey(), Timestamp(1, 1)),
]
ODD: list[Document] = [
    {"_id": identifier, "company": company, "user": "u", **({} if company == "" and name is None else {"name": name})}
    for number, name in enumerate([*_TEXTS, *_LISTS, *_OTHERS])
    for identifier, company in ((f"{(number * 5) % 24:02d}", OWN), (number * 7 % 24, ""))
]
"""An own and a public project for every kind of name. The ids of the public ones are numbers."""


@pytest.mark.parametrize(
    "order_by",
    [[], ["-id"], ["name"], ["-name"], ["name", "-id"], ["-name", "-id"], ["user", "-name"], ["-description"]],
)
def test_a_scroll_is_the_listing(caller: Caller, order_by: list[str]) -> None:
    caller.fill({"project": ODD})
    params = {"order_by": order_by, "search_hidden": True, "only_fields": ["id"]}
    for endpoint, size in (("projects.get_all", 1), ("projects.get_all_ex", 7)):
        whole = caller.answer(endpoint, params)
        assert isinstance(whole, dict)
        assert len(whole["projects"]) == len(ODD)
        scrolled: list[Document] = []
        answer = caller.answer(endpoint, {**params, "scroll_id": None, "size": size, "page": 3})
        while isinstance(answer, dict) and answer["projects"]:
            scrolled += answer["projects"]
            position = {**params, "scroll_id": answer["scroll_id"], "size": size}
            assert scrolled == whole["projects"][: len(scrolled)]
            again = caller.answer(endpoint, {**position, "refresh_scroll": True})
            assert again == {"projects": scrolled, "scroll_id": answer["scroll_id"]}
            answer = caller.answer(endpoint, position)
        assert scrolled == whole["projects"]
        assert answer == {"projects": [], "scroll_id": position["scroll_id"]}


def test_a_scroll_continues_behind_its_last_project(caller: Caller) -> None:
    """By name, projects that appear or go before the position neither repeat nor hide others."""
    projects = [{"_id": f"{number:032x}", "company": OWN, "name": f"n{number}"} for number in range(9)]
    caller.fill({"project": projects[2:]})
    params = {"order_by": ["name"], "only_fields": ["name"], "size": 3}
    first = caller.answer("projects.get_all", params)
    assert isinstance(first, dict)
    caller.database["project"].delete_one({"_id": projects[3]["_id"]})
    caller.database["project"].insert_many(projects[:2])
    second = caller.answer("projects.get_all", {**params, "scroll_id": first["scroll_id"]})
    assert isinstance(second, dict)
    assert [one["name"] for one in second["projects"]] == ["n5", "n6", "n7"]


@pytest.mark.parametrize("order_by", [["name"], ["-name"], ["id"], ["-id"]])
def test_a_scroll_reads_only_its_projects(caller: Caller, order_by: list[str]) -> None:
    """An index begins at the position, at any distance from the beginning of the listing."""
    names = [f"n{number:04d}" for number in range(1500)]
    caller.fill({"project": [{"_id": name, "company": OWN, "name": name, "system_tags": []} for name in names]})
    params = {"order_by": order_by, "only_fields": ["id"], "size": 200}
    answer = caller.answer("projects.get_all", params)
    assert isinstance(answer, dict)
    # MongoDB never forgets that an index had a key from a list, as in other tests, and then can't begin in the middle.
    projects = caller.database["project"]
    projects.drop_index("name_1_company_1")
    projects.create_index([("name", 1), ("company", 1)], name="name_1_company_1", unique=True)
    profile = caller.database["system.profile"]
    caller.database.command("profile", 2)
    try:
        caller.answer("projects.get_all", {**params, "scroll_id": answer["scroll_id"], "size": 10})
    finally:
        caller.database.command("profile", 0)
    (find,) = profile.find({"op": "query", "command.find": "project", "command.limit": {"$gte": 10}})
    profile.drop()
    assert find["nreturned"] >= 10
    assert find["keysExamined"] <= 10 + 4
    assert find["docsExamined"] <= 10 + 4


def test_invalid_scrolls_are_refused(caller: Caller) -> None:
    caller.fill({"project": SORTED})
    params: Document = {"order_by": ["name"], "size": 2}
    answer = caller.answer("projects.get_all", params)
    assert isinstance(answer, dict)
    text: str = answer["scroll_id"]
    damaged = [text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :] for place in range(len(text))]
    damaged += [text[:-1], text + "A", text + "=", text + "\n", "", "é", "W10", text[:11] + "W10"]
    for scroll_id in damaged:
        refused = caller.answer("projects.get_all", {**params, "scroll_id": scroll_id})
        assert refused == Failure(*model.INVALID), scroll_id
    other: list[Document] = [{"order_by": ["-name"], "size": 2, "scroll_id": text}, {"scroll_id": None}, {"size": 0}]
    for asked in other:
        assert caller.answer("projects.get_all", asked) == Failure(*model.INVALID), asked
