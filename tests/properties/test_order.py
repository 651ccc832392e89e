"""The order by name along the unique index is exactly MongoDB's own order by name and id, page by page."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import bson
import pytest
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.errors import BulkWriteError

from tests.properties.calling import OWN, Caller, Document, calling
from tests.worlds import random_worlds as worlds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.servers import Server

UNIQUE, TEXT = "name_1_company_1", "backend-db.project.main_text_index"
RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
NOT_UTF8 = {b"bad1": b"bad\xfe", b"bad2": b"bad\xff"}
"""Names, and the bytes that are stored: decoded they are the same, in MongoDB they are two names."""

_NAMES: list[Any] = ["a", "a", "b", "A", "a/b", "é", "\ufffd", "bad1", "bad2", "bad2", 1, 1.0, True]
_NAMES += [["a", "z"], ["b"], [], "", None, worlds.ABSENT]
PROJECT = worlds.document(
    name=st.sampled_from(_NAMES),
    company=worlds.COMPANIES,
    description=st.sampled_from(["x", "y"]),
    system_tags=worlds.maybe(st.sampled_from([[], ["hidden"]])),
)
ORDERS = (["name"], ["-name"], ["name", "-id"], ["-name", "id"], ["name", "name"])


@pytest.fixture(scope="module")
def indexed(standalone: Server) -> Iterator[Caller]:
    """Provide a database with the unique index, without the text index, which refuses bytes that are not UTF-8."""
    with calling(standalone) as caller:
        caller.database["project"].drop_index(TEXT)
        yield caller


@pytest.fixture(scope="module")
def without(standalone: Server) -> Iterator[Caller]:
    """Provide a database without the unique index, in which MongoDB itself sorts."""
    with calling(standalone) as caller:
        for name in (UNIQUE, TEXT):
            caller.database["project"].drop_index(name)
        yield caller


def _fill(caller: Caller, without: Caller, projects: Sequence[Document]) -> int:
    """Insert the projects that the unique index allows into both databases, and return their number."""
    caller.fill({})
    without.fill({})
    stored = caller.database["project"].with_options(RAW)
    if projects:
        with suppress(BulkWriteError):
            stored.insert_many([RawBSONDocument(_encoded(one)) for one in projects], ordered=False)
    found = list(stored.find())
    if found:
        without.database["project"].with_options(RAW).insert_many(found)
    return len(found)


def _encoded(project: Document) -> bytes:
    raw = bson.encode(project)
    for name, stored in NOT_UTF8.items():
        raw = raw.replace(name, stored)
    return raw


@settings(max_examples=30)
@given(
    projects=st.lists(PROJECT, min_size=1, max_size=12),
    ids=st.permutations(range(12)),
    order_by=st.sampled_from(ORDERS),
    narrowed=st.sampled_from([{}, {"description": "x"}, {"system_tags": ["hidden"]}, {"id": ["00", "01", "02", "03"]}]),
    only_fields=st.sampled_from([[], ["description"], ["id", "name", "company"]]),
)
def test_every_page_has_mongodbs_own_order(
    indexed: Caller,
    without: Caller,
    projects: list[Document],
    ids: list[int],
    order_by: list[str],
    narrowed: Document,
    only_fields: list[str],
) -> None:
    numbered = [one | {"_id": f"{number:02d}"} for one, number in zip(projects, ids, strict=False)]
    count = _fill(indexed, without, numbered)
    params = {"order_by": order_by, "only_fields": only_fields, **narrowed}
    whole = without.answer("projects.get_all", params)
    assert isinstance(whole, dict)
    assert indexed.answer("projects.get_all", params) == whole
    for size in range(1, count + 1):
        for page in range(1 + count // size):
            found = indexed.answer("projects.get_all", {**params, "page": page, "page_size": size})
            assert found == {"projects": whole["projects"][page * size : (page + 1) * size]}, (page, size)


TWINS = [
    {"_id": identifier, "company": company, "name": name}
    for name, own, public in (("a", "5", "1"), ("b", "2", "6"), ("c", "9", "7"), ("d", "4", "8"))
    for company, identifier in ((OWN, own), ("", public))
]
"""Pairs with one name: by company the public project is always first, by id in every second pair."""


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [(["name"], "15267948"), (["name", "-id"], "51629784"), (["-name"], "48792615"), (["-name", "-id"], "84976251")],
)
def test_an_own_and_a_public_project_of_one_name_are_ordered_by_id(
    indexed: Caller, order_by: list[str], expected: str
) -> None:
    indexed.fill({"project": TWINS})
    asked = {"order_by": order_by, "only_fields": ["id"]}
    pages = [
        indexed.answer("projects.get_all", {**asked, "page": page, "page_size": size})
        for size in range(1, 9)
        for page in range(9)
    ]
    assert indexed.answer("projects.get_all", asked) == {"projects": [{"id": one} for one in expected]}
    assert pages == [
        {"projects": [{"id": one} for one in expected[page * size : (page + 1) * size]]}
        for size in range(1, 9)
        for page in range(9)
    ]


@pytest.mark.parametrize(("order_by", "expected"), [(["name"], "2134"), (["-name"], "4312"), (["name", "-id"], "2143")])
def test_names_that_only_decode_alike_are_different(
    indexed: Caller, without: Caller, order_by: list[str], expected: str
) -> None:
    names = (("2", OWN, "bad1"), ("1", "", "bad2"), ("4", OWN, ["z", "c"]), ("3", "", "c"))
    _fill(indexed, without, [{"_id": one, "company": company, "name": name} for one, company, name in names])
    params = {"order_by": order_by, "only_fields": ["id"]}
    found = indexed.answer("projects.get_all", params)
    assert found == without.answer("projects.get_all", params)
    assert found == {"projects": [{"id": one} for one in expected]}


def _plans(caller: Caller, order_by: list[str]) -> list[tuple[str, bool]]:
    """List projects, and return the index and whether there was a sort for each query."""
    database = caller.database
    database.command("profile", 2)
    try:
        caller.answer("projects.get_all", {"order_by": order_by, "only_fields": ["id"]})
        seen = list(database["system.profile"].find({"op": "query", "command.find": "project"}))
    finally:
        database.command("profile", 0)
        database.drop_collection("system.profile")
    return [(one["planSummary"], one.get("hasSortStage", False)) for one in seen]


@pytest.mark.parametrize("order_by", [["name"], ["-name"]])
def test_the_server_does_not_sort_if_the_index_exists(indexed: Caller, without: Caller, order_by: list[str]) -> None:
    projects = [{"_id": f"{number:03d}", "company": OWN, "name": f"{number % 7} {number}"} for number in range(200)]
    _fill(indexed, without, projects)
    assert _plans(indexed, order_by)[0] == ("IXSCAN { name: 1, company: 1 }", False)
    assert _plans(without, order_by)[0][1]


@pytest.mark.parametrize(
    ("order_by", "company", "index", "natural"),
    [
        ("-last_update", OWN, None, True),
        ("-created", "", None, True),
        ("-last_update", "another company", None, False),
        ("-last_update", OWN, "last_update", False),
        ("-basename", OWN, None, False),  # the server's own index has it
    ],
)
def test_all_projects_are_read_in_stored_order_if_no_index_has_the_order(
    indexed: Caller, order_by: str, company: str, index: str | None, *, natural: bool
) -> None:
    """Unless they are another company's too: then an index of the company leaves those out."""
    indexed.fill({"project": [*_dated(OWN, range(50)), *_dated(company, range(50, 60))]})
    if index:
        indexed.database["project"].create_index(index, name="of the test")
    try:
        plans = _plans(indexed, [order_by])
        found = indexed.answer("projects.get_all", {"order_by": [order_by], "only_fields": ["id"], "page_size": 20})
    finally:
        if index:
            indexed.database["project"].drop_index("of the test")
    assert (plans[-1][0] == "COLLSCAN") is natural
    visible = range(49 if company == "another company" else 59, -1, -1)
    assert found == {"projects": [{"id": f"{number:03d}"} for number in visible[:20]]}


def _dated(company: str, numbers: range) -> list[Document]:
    return [
        {
            "_id": f"{number:03d}",
            "company": company,
            "name": f"{number:03d}",
            "basename": f"{number:03d}",
            **dict.fromkeys(("created", "last_update"), datetime(2024, 1, 1, tzinfo=UTC) + timedelta(number)),
        }
        for number in numbers
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"unique": False},
        {"unique": True, "sparse": True},
        {"unique": True, "partialFilterExpression": {"company": OWN}},
        {"unique": True, "collation": {"locale": "en", "strength": 1}},
        {"unique": True, "hidden": True},
    ],
    ids=" ".join,
)
def test_another_index_of_that_name_is_not_used(without: Caller, options: Document) -> None:
    """Such an index allows three projects of one name: the order is still by name and id."""
    without.fill({"project": [{"_id": one, "company": "", "name": "a"} for one in "312" if options["unique"] is False]})
    if options["unique"]:
        without.fill({"project": TWINS})
    database = without.database["project"]
    database.create_index([("name", 1), ("company", 1)], name=UNIQUE, **options)
    try:
        found = without.answer("projects.get_all", {"order_by": ["name"], "only_fields": ["id"]})
        whole = sorted(database.find(), key=lambda one: (one["name"], one["_id"]))
        assert found == {"projects": [{"id": one["_id"]} for one in whole]}
        assert ("IXSCAN { name: 1, company: 1 }", False) not in _plans(without, ["name"])[:1]
    finally:
        database.drop_index(UNIQUE)
