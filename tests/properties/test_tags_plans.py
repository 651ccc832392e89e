"""Tags are the same with every index: each shortcut is taken only if it is correct."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pymongo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import ReadPreference, monitoring

from projects_cli.endpoints import distinct_tags
from projects_cli.store.client import Connection, connect
from projects_cli.store.collections import open_store
from projects_cli.store.index_definitions import EXTRAS, INDEXES, SERVER
from tests import servers
from tests.properties.calling import OWN, Caller, Document
from tests.properties.dropping import dropping
from tests.worlds import random_worlds as worlds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.servers import Server

ENDPOINT = "projects.get_task_tags"
TAGS = next(extra.index for extra in EXTRAS if extra.commands == ("task-tags",))


def _index(*fields: str, **options: Any) -> Document:
    return {"key": dict.fromkeys(fields, 1), "name": "odd", **options}


CASELESS = {"locale": "en", "strength": 1}
SETS: dict[str, Mapping[str, Sequence[Document]]] = {
    "the server's": SERVER,
    "ours too": INDEXES,
    "tags alone": {"task": [TAGS]},
    "of some only": {"task": [_index("tags", partialFilterExpression={"company": OWN}), *SERVER["task"]]},
    "another order": {
        "task": [
            _index("tags", collation=CASELESS),
            _index("company", "tags", collation=CASELESS) | {"name": "odd too"},
        ]
    },
    "none": {},
}


@pytest.fixture(scope="module", params=list(SETS))
def indexed(request: pytest.FixtureRequest, standalone: Server) -> Iterator[Caller]:
    """Provide a database with each set of indexes in turn."""
    name = servers.new_name()
    for collection, wanted in SETS[request.param].items():
        standalone.client[name].command("createIndexes", collection, indexes=list(wanted))
    connection = connect(standalone.uri, name, shown="the test's server")
    try:
        yield Caller(standalone.client[name], open_store(connection, OWN))
    finally:
        connection.close()
        standalone.drop(name)


ITEM = st.one_of(
    worlds.TAGS,
    worlds.TAGS,
    worlds.TAGS,
    st.sampled_from([None, 5, True, ["inner"], {"a": "b"}, "\0", "a\0", "ab\0c", "\U0010ffff"]),
)
TASK = worlds.document(
    company=st.sampled_from([OWN, OWN, OWN, OWN, "", worlds.OTHER, None, worlds.ABSENT]),
    tags=worlds.maybe(st.lists(ITEM, max_size=3), "alone", 7, [["inner"]]),
    system_tags=st.sampled_from([worlds.ABSENT, [], ["archived"], ["hidden", "archived"]]),
)
OWN_TASK = TASK.map(lambda task: task | {"company": OWN})
TASKS = st.one_of(st.lists(OWN_TASK, max_size=8), st.lists(TASK, max_size=8)).map(
    lambda found: [task | {"_id": str(number)} for number, task in enumerate(found)]
)


def texts(tasks: Sequence[Document], name: str) -> list[str]:
    """Return the expected tags: each text of the company's own tasks once, sorted."""
    values = [task.get(name) for task in tasks if task.get("company") == OWN]
    items = [item for value in values for item in (value if isinstance(value, list) else [value])]
    return sorted({item for item in items if isinstance(item, str)})


@pytest.mark.parametrize("step", [1, 500], ids=["steps", "no steps"])
@settings(max_examples=25)
@given(tasks=TASKS)
def test_tags_match_the_documentation(
    indexed: Caller, monkeypatch: pytest.MonkeyPatch, step: int, tasks: list[Document]
) -> None:
    monkeypatch.setattr(distinct_tags, "DOCUMENTS_PER_STEP", step)
    indexed.fill({"task": tasks})
    wanted = {name: texts(tasks, name) for name in ("tags", "system_tags")}
    assert indexed.answer(ENDPOINT, {"include_system": True}) == wanted


# --- which shortcut is taken --------------------------------------------------------------------------------------


class Seen(monitoring.CommandListener):
    """Keeps the names of the commands that are sent."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.names.append(event.command_name)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Ignore the reply."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Ignore the failure."""


@contextmanager
def watched(server: Server, name: str) -> Iterator[tuple[Caller, Seen]]:
    seen = Seen()
    with pymongo.MongoClient[dict[str, Any]](server.uri, event_listeners=[seen]) as client:
        store = open_store(Connection(client, name, None, ReadPreference.PRIMARY), OWN)
        yield Caller(server.client[name], store), seen


MANY = [{"_id": str(number), "company": OWN, "tags": [f"tag {number % 3}", "b"]} for number in range(2500)]
ALL = {"tags": ["b", "tag 0", "tag 1", "tag 2"]}


@pytest.fixture
def name(standalone: Server) -> Iterator[str]:
    name = standalone.borrow_indexed()
    yield name
    standalone.give_back(name)


def test_an_index_on_company_and_tags_is_read_in_steps(standalone: Server, name: str) -> None:
    with watched(standalone, name) as (caller, seen):
        caller.fill({"task": MANY})
        assert caller.answer(ENDPOINT, {}) == ALL
        assert "aggregate" not in seen.names
        assert seen.names.count("find") == 5  # one for each tag, and one that finds nothing


def test_steps_are_abandoned_if_there_are_many_tags(standalone: Server, name: str) -> None:
    with watched(standalone, name) as (caller, seen):
        caller.fill({"task": [one | {"tags": [one["_id"]]} for one in MANY]})
        assert caller.answer(ENDPOINT, {}) == {"tags": sorted(str(one["_id"]) for one in MANY)}
        assert seen.names.count("find") < 10
        assert "aggregate" in seen.names


@pytest.mark.parametrize(
    ("more", "short"),
    [
        ({}, True),
        ({"company": worlds.OTHER, "tags": ["theirs"]}, False),
        ({"company": "", "tags": ["everybody's"]}, False),
        ({"company": None, "tags": ["nobody's"]}, False),
        ({"tags": ["nobody's"]}, False),
        ({"company": OWN, "tags": [["inner"]]}, False),
    ],
    ids=["own only", "another company", "public", "null", "no company", "a list in a list"],
)
def test_distinct_on_the_tags_index_needs_a_company_of_its_own(
    standalone: Server, name: str, more: Document, short: bool
) -> None:
    standalone.client[name]["task"].create_index("tags", name=TAGS["name"])
    with watched(standalone, name) as (caller, seen):
        caller.fill({"task": [*MANY, *([{"_id": "more", **more}] if more else [])]})
        assert caller.answer(ENDPOINT, {}) == ALL
        assert seen.names.count("find") <= 3 if short else seen.names.count("find") > 4
        assert ("distinct" in seen.names) == short


class Visitor(monitoring.CommandListener):
    """Inserts or deletes another company's task just before or after `distinct`."""

    def __init__(self, started: Callable[[], object], succeeded: Callable[[], object]) -> None:
        self._before = started
        self._behind = succeeded
        self.seen = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name == "distinct":
            self.seen += 1
            self._before()

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if event.command_name == "distinct":
            self._behind()

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Do nothing."""


@pytest.mark.parametrize("when", ["inserted before distinct", "deleted after distinct"])
def test_tasks_of_others_inserted_or_deleted_meanwhile_are_not_shown(standalone: Server, name: str, when: str) -> None:
    tasks = standalone.client[name]["task"]
    tasks.create_index("tags", name=TAGS["name"])
    tasks.insert_many(MANY)
    theirs = {"_id": "theirs", "company": worlds.OTHER, "tags": ["their secret"]}

    def nothing() -> None: ...

    def come() -> None:
        tasks.insert_one(dict(theirs))

    def go() -> None:
        tasks.delete_one({"_id": "theirs"})

    coming = when == "inserted before distinct"
    if not coming:
        come()
    visitor = Visitor(come, nothing) if coming else Visitor(nothing, go)
    with pymongo.MongoClient[dict[str, Any]](standalone.uri, event_listeners=[visitor]) as client:
        store = open_store(Connection(client, name, None, ReadPreference.PRIMARY), OWN)
        assert Caller(tasks.database, store).answer(ENDPOINT, {}) == ALL
    assert visitor.seen == coming  # tasks that exist before are noticed before


@pytest.mark.parametrize("mode", [ReadPreference.SECONDARY_PREFERRED, ReadPreference.NEAREST])
def test_no_shortcut_if_each_query_may_reach_another_member(standalone: Server, name: str, mode: Any) -> None:
    """A lagging member would report no other company, and an up-to-date one return its tags."""
    standalone.client[name]["task"].create_index("tags", name=TAGS["name"])
    standalone.client[name]["task"].insert_many(MANY)
    seen = Seen()
    with pymongo.MongoClient[dict[str, Any]](standalone.uri, event_listeners=[seen]) as client:
        store = open_store(Connection(client, name, None, mode), OWN, reading=True)
        assert Caller(standalone.client[name], store).answer(ENDPOINT, {}) == ALL
    assert "distinct" not in seen.names


def test_more_tags_than_one_reply_holds_are_aggregated(standalone: Server, name: str) -> None:
    """MongoDB returns at most 16 MB of distinct values."""
    standalone.client[name]["task"].create_index("tags", name=TAGS["name"])
    tags_ = [f"{number:04}" + "x" * 16_000 for number in range(1100)]
    standalone.client[name]["task"].insert_many(
        {"_id": str(number), "company": OWN, "tags": [tag]} for number, tag in enumerate(tags_)
    )
    with watched(standalone, name) as (caller, seen):
        assert caller.answer(ENDPOINT, {}) == {"tags": tags_}
        assert "distinct" in seen.names


FILTERS = [{"projects": ["gone"]}, {"filter": {"tags": ["b"]}}, {"filter": {"system_tags": ["-archived"]}}]


@pytest.mark.parametrize("params", FILTERS, ids=["projects", "tags", "system tags"])
def test_a_filter_is_never_ignored(standalone: Server, name: str, params: Document) -> None:
    standalone.client[name]["task"].create_index("tags", name=TAGS["name"])
    with watched(standalone, name) as (caller, seen):
        caller.fill({"task": [*MANY, {"_id": "x", "company": OWN, "tags": ["kept off"], "system_tags": ["archived"]}]})
        assert caller.answer(ENDPOINT, params) == (ALL if "filter" in params else {"tags": []})
        assert "aggregate" in seen.names
        assert "distinct" not in seen.names


@pytest.mark.parametrize(("index", "command"), [(TAGS["name"], "find"), ("company_1_tags_1", "find")])
@pytest.mark.parametrize("number", [1, 2])
def test_an_index_that_is_dropped_is_no_longer_used(
    standalone: Server, name: str, index: str, command: str, number: int
) -> None:
    stored = standalone.client[name]["task"]
    if index == TAGS["name"]:
        stored.create_index("tags", name=index)
    stored.insert_many(MANY)
    with dropping(standalone, stored, index, command, number) as (store, dropper):
        assert Caller(stored.database, store).answer(ENDPOINT, {}) == ALL
    assert dropper.dropped
