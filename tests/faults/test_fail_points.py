"""The server reports each transient error, and some permanent ones, at any command of a change."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from pymongo import common

from projects_cli.store import driver_errors
from projects_cli.store.driver_errors import TRANSIENT_CODES
from tests.changes.processes import run_here
from tests.faults.ending import after_fault, failing
from tests.worlds.world import BEFORE, DETECTOR, Content, World, world_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server

DELETE = ("delete", DETECTOR["_id"], "--force", "--timeout", "20s")
"""What meets the faults. On a busy machine a single write takes longer than a second now and then."""

COMMANDS = ("find", "getMore", "update", "delete", "insert", "findAndModify", "aggregate", "commitTransaction")
SENT = [
    *(("standalone", command) for command in COMMANDS if command not in {"getMore", "commitTransaction"}),
    *(("replica_set", command) for command in COMMANDS if command != "getMore"),
]
"""What a delete of the small site sends; its answers fit into one batch."""

READS = ("find", "aggregate")
OF_CURSORS = (43, 237)
"""Codes that only what has a cursor reports."""

SHARES = 3
"""Each command meets this part of the codes, and the commands together meet them all."""

LASTING = {
    13: 77,  # Unauthorized
    18: 77,  # AuthenticationFailed
    96: 1,  # OperationFailed
    50: 69,  # MaxTimeMSExpired
    14031: 1,  # OutOfDiskSpace
    8: 1,  # UnknownError
}
"""Codes of faults that do not pass, with the status of a command whose first command meets one."""


@pytest.fixture(autouse=True)
def _tries_again_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the driver look for a lost server after 50 ms instead of 500, and the program try again ten times as soon."""
    monkeypatch.setattr(common, "MIN_HEARTBEAT_INTERVAL", 0.05)
    monkeypatch.setattr(driver_errors, "FIRST_PAUSE", 0.01)


@pytest.fixture(params=["standalone", "replica_set"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with world_on(request.getfixturevalue(request.param), BEFORE) as made:
        yield made


def undisturbed(world: World) -> Content:
    assert run_here(world, *DELETE)[0] == 0
    after = world.dump()
    assert run_here(world, "undo", "--yes")[0] == 0
    assert world.dump() == BEFORE
    return after


@pytest.fixture
def after(world: World) -> Content:
    return undisturbed(world)


@pytest.mark.parametrize(("kind", "command"), SENT)
def test_a_fault_that_passes_is_waited_out(kind: str, command: str, request: pytest.FixtureRequest) -> None:
    """It comes twice in a row at any command that the change sends, once more than the driver repeats by itself.

    The driver looks again sooner than it would: a server that says it shuts down, and stays, is seen at the next look.
    """
    random, number = Random(command), COMMANDS.index(command)
    with world_on(request.getfixturevalue(kind), BEFORE) as world:
        soon = {"PROJECTS_MONGO_URI": f"{world.server.uri}&heartbeatFrequencyMS=50"}
        with failing(world, mode="alwaysOn", failCommands=[command], blockConnection=True, blockTimeMS=1) as sent:
            assert run_here(world, *DELETE)[0] == 0
        after = world.dump()
        assert run_here(world, "undo", "--yes")[0] == 0
        codes = sorted(TRANSIENT_CODES.difference(OF_CURSORS))[number % SHARES :: SHARES]
        for code in (*codes, *(OF_CURSORS if command in READS else ())):
            world.journal["lease"].drop()  # each run makes it, as the first one did
            mode = {"skip": random.randrange(1, sent.times), "times": 2} if sent.times > 1 else {"times": 2}
            with failing(world, mode=mode, failCommands=[command], errorCode=code) as fired:
                status, said = run_here(world, *DELETE, **soon)
            assert (status, fired.times) == (0, 2), (code, mode, said)
            after_fault(world, status, said, BEFORE, after, random)


@pytest.mark.parametrize("command", ["update", "delete", "insert", "find"])
def test_a_connection_that_closes_at_every_kind_of_command(world: World, after: Content, command: str) -> None:
    with failing(world, mode={"times": 2}, failCommands=[command], closeConnection=True):
        status, said = run_here(world, *DELETE)
    assert (status, world.dump() == after) == (0, True), said


@pytest.mark.parametrize(("code", "status"), LASTING.items())
def test_a_fault_that_does_not_pass_is_told_at_once(world: World, code: int, status: int) -> None:
    with failing(world, mode="alwaysOn", failCommands=["find", "aggregate"], errorCode=code):
        found, said = run_here(world, *DELETE)
    assert (found, said.startswith("error: ")) == (status, True), said
    assert world.dump() == BEFORE


@pytest.mark.parametrize("command", COMMANDS)
def test_a_fault_that_does_not_pass_in_the_middle(world: World, after: Content, command: str) -> None:
    """Whatever was done by then can be finished or taken back."""
    random = Random(command)
    for skip in (0, 1, 3):
        mode = {"skip": skip, "times": 1_000} if skip else "alwaysOn"
        with failing(world, mode=mode, failCommands=[command], errorCode=random.choice(sorted(LASTING))):
            status, said = run_here(world, *DELETE)
        after_fault(world, status, said, BEFORE, after, random)


def test_a_journal_on_a_full_disk_stops_the_change_before_it_begins(world: World) -> None:
    """The server refuses to write more: nothing was changed by then."""
    full = {"errorCode": 14031, "failCommands": ["insert"], "namespace": f"{world.journal_name}.change"}
    for skip in range(3):
        with failing(world, mode={"skip": skip, "times": 1_000} if skip else "alwaysOn", **full):
            status, said = run_here(world, *DELETE)
        assert (status, world.dump()) == (1, BEFORE), said
        assert "code 14031" in said
        assert not world.interrupted()


def test_a_write_that_no_majority_has_is_not_called_done(replica_set: Server) -> None:
    """The write concern fails: the change is finished or taken back once the members are there again."""
    with world_on(replica_set, BEFORE) as world:
        after = undisturbed(world)
        concern = {"code": 64, "errmsg": "waiting for replication timed out", "errInfo": {"wtimeout": True}}
        with failing(world, mode={"times": 1}, failCommands=["update"], writeConcernError=concern):
            status, said = run_here(world, *DELETE)
        after_fault(world, status, said, BEFORE, after, Random(1))


@pytest.mark.parametrize(
    ("command", "code", "names"),
    [
        ("getParameter", 72, ["server-compatibility"]),
        ("listIndexes", 96, ["index-missing"]),
        ("aggregate", 50, []),
    ],
)
def test_a_check_of_the_doctor_that_fails_is_left_out_and_told(
    world: World, command: str, code: int, names: list[str]
) -> None:
    """The router of a cluster knows no such parameter, for one; the documents themselves have to be read."""
    with failing(world, mode="alwaysOn", failCommands=[command], errorCode=code):
        status, said = run_here(world, "doctor")
        alone, why = run_here(world, "doctor", "--only", names[0] if names else "index-unused")
    if names:
        assert status == 6, said
        assert [line for line in said.splitlines() if "was not checked" in line]
        assert all(f"warning: {name} was not checked: the database reported: " in said for name in names)
    assert alone == LASTING.get(code, 1), why
    assert "cannot check " in why
