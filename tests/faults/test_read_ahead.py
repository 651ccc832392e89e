"""The next batch of a long read is fetched in a thread (`store.reading.ahead`)."""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING

import pytest

from projects_cli.errors import IndexGone
from projects_cli.store.reading import BATCH, ahead
from tests.worlds.world import ALONE, World, member

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

PATIENCE = 30.0

limit: ContextVar[int] = ContextVar("limit", default=0)


@pytest.fixture
def many(lone: World) -> World:
    lone.documents["task"].insert_many([member(10_000 + number, ALONE) for number in range(5 * BATCH)])
    return lone


def open_cursors(world: World) -> int:
    return int(world.server.client.admin.command("serverStatus")["metrics"]["cursor"]["open"]["total"])


def tasks(world: World, hint: str | None = None) -> Iterator[dict[str, object]]:
    return world.runner().store.tasks.scan({}, {"_id": 1}, hint=hint)


def test_all_documents_come_once_and_in_order(many: World) -> None:
    ids = [task["_id"] for task in tasks(many, "_id_")]
    assert len(ids) > 5 * BATCH
    assert ids == sorted(set(map(str, ids)))


def test_a_reader_that_stops_early_ends_the_cursor(many: World) -> None:
    before = open_cursors(many)
    rows = tasks(many)
    next(rows)
    del rows
    deadline = time.monotonic() + PATIENCE
    while open_cursors(many) > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert open_cursors(many) == before


def test_a_missing_index_is_reported(many: World) -> None:
    with pytest.raises(IndexGone):
        list(tasks(many, "no_such_index"))


def test_an_error_comes_behind_the_items_before_it() -> None:
    def rows() -> Generator[int, None, None]:
        yield 1
        yield 2
        raise OSError("broken")

    read: list[int] = []
    with pytest.raises(OSError, match="broken"):
        read.extend(ahead(rows()))
    reader = ahead(rows())
    assert [next(reader), next(reader)] == [1, 2]


def test_the_next_item_is_computed_while_the_reader_works_on_one() -> None:
    second = threading.Event()

    def rows() -> Generator[int, None, None]:
        yield 1
        second.set()
        yield 2

    reader = ahead(rows())
    assert next(reader) == 1
    assert second.wait(PATIENCE)
    assert list(reader) == [2]


def test_a_time_limit_of_the_reader_holds_in_the_thread() -> None:
    def rows() -> Generator[int, None, None]:
        for _ in range(3):
            yield limit.get()

    limit.set(7)
    assert list(ahead(rows())) == [7, 7, 7]
