"""A process that is stopped for longer than its lease continues after another one has undone or completed its change.

SIGSTOP, a suspended laptop or a stalled virtual machine have this effect. The process is stopped before each of its
writes in turn, just before the write is sent. Whatever it still sends, the documents stay byte for byte as they are.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

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
    from tests import servers

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

TERM = 0.4
MARGIN = 0.1
ENDINGS: tuple[Callable[[Runner], object], ...] = (undo, resume)


@pytest.fixture(autouse=True)
def _short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "TERM", TERM)
    monkeypatch.setattr(leases, "MARGIN", MARGIN)


class Stopped(NamedTuple):
    """A process that is stopped before its n-th write, and the world that it was changing."""

    number: int
    world: World
    pid: int


@pytest.fixture
def pids() -> Iterator[set[int]]:
    """Provide the processes that are stopped; those that a failed test leaves are killed."""
    stopped: set[int] = set()
    yield stopped
    for pid in stopped:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@contextmanager
def stopped_at_each_write(
    server: servers.Server,
    command: Callable[[Runner], object],
    start: Callable[[World], None],
    small: int,
    pids: set[int],
) -> Iterator[list[Stopped]]:
    """Yield a process for each write of a command, stopped before it, in a world of its own, its lease being over.

    Only processes that have begun: their record exists, or they hold the company's lease. Before that, no other process
    can know of them or take over from them: they simply make their change later.
    """
    with ExitStack() as worlds:
        stopped = []
        for number in count(1):
            world = worlds.enter_context(world_on(server))
            start(world)
            pid = paused(world, command, number, small)
            if pid is None:
                break
            pids.add(pid)
            if has_begun(world):
                stopped.append(Stopped(number, world, pid))
            else:
                wake(pid, pids)
        time.sleep(TERM + MARGIN + 0.1)  # once for all of them
        yield stopped


def paused(world: World, command: Callable[[Runner], object], number: int, small: int) -> int | None:
    """Run a command in a process that stops before its n-th write. Return its id; None if it ended before."""

    def work() -> None:
        monitoring.register(signals_itself(number, "started", signal.SIGSTOP))
        command(world.runner(world.connect(), small=small))

    pid = forked(work)
    _, status = os.waitpid(pid, os.WUNTRACED)
    return pid if os.WIFSTOPPED(status) else None


def wake(pid: int, pids: set[int]) -> None:
    """Let a stopped process continue to its end."""
    pids.remove(pid)
    os.kill(pid, signal.SIGCONT)
    os.waitpid(pid, 0)


def ended(world: World, ending: Callable[[Runner], object]) -> Content:
    """Undo or resume from here what the stopped process has left."""
    with suppress(OperationNotFound, CannotUndo):  # nothing was changed yet, or everything was
        ending(world.runner(wait=10))
    return world.dump()


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
    server: str,
    name: str,
    small: int,
    pids: set[int],
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    deployment: servers.Server = request.getfixturevalue(server)
    with world_on(deployment, BEFORE) as world:
        CHANGES[name](world.runner(small=small))
        after = world.dump()
    with stopped_at_each_write(deployment, CHANGES[name], lambda world: world.load(BEFORE), small, pids) as stopped:
        for number, world, pid in stopped:
            ending = ENDINGS[number % 2]
            found = ended(world, ending)
            wake(pid, pids)
            assert world.dump() == found, (number, ending)
            if found != after:  # undone, or nothing was changed yet
                assert found == BEFORE, (number, ending)
            assert not dangling(found)
        assert len(stopped) >= 4  # an update: its record, its write, the end of the record, the end of the lease
        record_property("pause points", len(stopped))


@pytest.mark.parametrize("command", ENDINGS)
@pytest.mark.parametrize("server", ["standalone", "replica_set"])
def test_a_paused_undo_or_resume_writes_nothing_after_another_one_ended_it(
    server: str,
    command: Callable[[Runner], object],
    pids: set[int],
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    """It was interrupted in the direction in which it was going, so another resume goes the same way."""
    deployment: servers.Server = request.getfixturevalue(server)
    with world_on(deployment, BEFORE) as world:
        CHANGES["delete"](world.runner(small=0))
        after = world.dump()

    def start(world: World) -> None:
        world.load(BEFORE)
        CHANGES["delete"](world.runner(small=0))
        if command is resume:
            world.load(BEFORE, world.dump_journal())
            world.journal["operation"].update_many({}, {"$set": {"state": "applied", "worker.pid": 4_194_303}})

    with stopped_at_each_write(deployment, command, start, SMALL, pids) as stopped:
        for number, world, pid in stopped:
            found = ended(world, resume)
            wake(pid, pids)
            assert world.dump() == found, number
            assert found in (BEFORE, after), number
        assert len(stopped) >= 5
        record_property("pause points", len(stopped))
