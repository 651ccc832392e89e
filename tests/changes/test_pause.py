"""A process that is stopped for longer than its lease continues after another one has undone or completed its change.

SIGSTOP, a suspended laptop or a stalled virtual machine have this effect. The process is stopped before each of its
writes in turn, just before the write is sent. Whatever it still sends, the documents stay byte for byte as they are.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from pymongo import monitoring

from projects_cli.changes import lease as leases
from projects_cli.changes.engine import SMALL
from projects_cli.changes.records import UNFINISHED
from projects_cli.errors import CannotUndo, OperationNotFound
from tests.worlds.world import (
    BEFORE,
    CHANGES,
    COMPANY,
    Content,
    World,
    dangling,
    forked,
    resume,
    signals_itself,
    undo,
    world_on,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from projects_cli.changes.runner import Runner

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

TERM = 0.4
MARGIN = 0.1
ENDINGS: tuple[Callable[[Runner], object], ...] = (undo, resume)


@pytest.fixture(autouse=True)
def _short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "TERM", TERM)
    monkeypatch.setattr(leases, "MARGIN", MARGIN)


def paused(world: World, command: Callable[[Runner], object], number: int, small: int) -> int | None:
    """Run a command in a process that stops before its n-th write. Return its id; None if it ended before."""

    def work() -> None:
        monitoring.register(signals_itself(number, "started", signal.SIGSTOP))
        command(world.runner(world.connect(), small=small))

    pid = forked(work)
    _, status = os.waitpid(pid, os.WUNTRACED)
    return pid if os.WIFSTOPPED(status) else None


def wake(pid: int) -> None:
    os.kill(pid, signal.SIGCONT)
    os.waitpid(pid, 0)


def ended(world: World, ending: Callable[[Runner], object]) -> Content:
    """Undo or resume from here what the stopped process has left, once its lease is over."""
    time.sleep(TERM + MARGIN + 0.1)
    with suppress(OperationNotFound, CannotUndo):  # nothing was changed yet, or everything was
        ending(world.runner(wait=10))
    return world.dump()


def points(
    world: World, command: Callable[[Runner], object], start: Callable[[], None], small: int
) -> Iterator[tuple[int, int]]:
    """Stream the points at which the stopped process has begun: its record exists, or it holds the company's lease.

    Before that, no other process can know of it or take over from it: it simply makes its change later.
    """
    number = 1
    start()
    while (pid := paused(world, command, number, small)) is not None:
        if has_begun(world):
            yield number, pid
        else:
            wake(pid)
        number += 1
        start()


def has_begun(world: World) -> bool:
    held = {"_id": leases.key_of(world.name, COMPANY), "owner": {"$ne": ""}}
    unfinished = {"state": {"$in": list(UNFINISHED)}}
    return bool(world.journal["lease"].find_one(held) or world.journal["operation"].find_one(unfinished))


CASES = [
    *(("standalone", name, 0) for name in CHANGES),
    *(("replica_set", name, SMALL) for name in CHANGES),
    ("replica_set", "delete", 0),
    ("replica_set", "create", 0),
]


@pytest.mark.parametrize(("server", "name", "small"), CASES)
def test_a_paused_change_writes_nothing_after_it_was_undone_or_finished(
    server: str, name: str, small: int, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    with world_on(request.getfixturevalue(server), BEFORE) as world:
        CHANGES[name](world.runner(small=small))
        after = world.dump()
        seen = 0
        for number, pid in points(world, CHANGES[name], lambda: world.load(BEFORE), small):
            ending = ENDINGS[number % 2]
            try:
                found = ended(world, ending)
            finally:
                wake(pid)
            assert world.dump() == found, (number, ending)
            if found != after:  # undone, or nothing was changed yet
                assert found == BEFORE, (number, ending)
            assert not dangling(found)
            seen += 1
        assert seen >= 4  # an update: its record, its write, the end of the record, the end of the lease
        record_property("pause points", seen)


@pytest.mark.parametrize("command", ENDINGS)
@pytest.mark.parametrize("server", ["standalone", "replica_set"])
def test_a_paused_undo_or_resume_writes_nothing_after_another_one_ended_it(
    server: str,
    command: Callable[[Runner], object],
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    """It was interrupted in the direction in which it was going, so another resume goes the same way."""
    with world_on(request.getfixturevalue(server), BEFORE) as world:
        CHANGES["delete"](world.runner(small=0))
        after, journal = world.dump(), world.dump_journal()
        start, goal = after, BEFORE
        if command is resume:
            start, goal = BEFORE, after
            world.journal["operation"].update_many({}, {"$set": {"state": "applied", "worker.pid": 4_194_303}})
            journal = world.dump_journal()
        seen = 0
        for number, pid in points(world, command, lambda: world.load(start, journal), SMALL):
            try:
                found = ended(world, resume)
            finally:
                wake(pid)
            assert world.dump() == found, number
            assert found in (start, goal), number
            seen += 1
        assert seen >= 5
        record_property("pause points", seen)
