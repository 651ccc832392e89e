"""An operation that another host ends or takes over is noticed before it does harm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pymongo
import pytest
from pymongo import monitoring

from projects_cli.errors import LeaseLost
from tests.changes.processes import run_here
from tests.faults.ending import failing
from tests.worlds.world import ALONE, BEFORE, CHANGES, Change, World, in_child

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

UPDATE = ("update", ALONE["_id"], "--description", "other")
UNHEARD = {"code": 262, "errmsg": "it took too long"}


class Meanwhile(monitoring.CommandListener):
    """Does something once, as another host would, right after a write to a collection succeeded or failed."""

    def __init__(self, collection: str, *, succeeded: bool, work: Callable[[], object]) -> None:
        self._collection = collection
        self._succeeded = succeeded
        self._work = work
        self._asked: set[int] = set()
        self._over = False

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if self._collection in (event.command.get("insert"), event.command.get("update")):
            self._asked.add(event.request_id)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        self._ended(event.request_id, succeeded=True)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        self._ended(event.request_id, succeeded=False)

    def _ended(self, request: int, *, succeeded: bool) -> None:
        if request in self._asked and succeeded is self._succeeded and not self._over:
            self._over = True
            self._work()


def is_stopped(world: World, change: Change, collection: str, *, succeeded: bool, by: dict[str, Any]) -> bool:
    """Return whether a change stops when another host sets these fields of the journal's `collection -> fields`."""

    def meanwhile() -> None:
        with pymongo.MongoClient[dict[str, Any]](world.server.uri) as other:
            for name, fields in by.items():
                other[world.journal_name][name].update_many({}, {"$set": fields})

    def work() -> None:
        monitoring.register(Meanwhile(collection, succeeded=succeeded, work=meanwhile))
        with pytest.raises(LeaseLost):
            change(world.runner(world.connect()))

    return in_child(work) == 0


def test_a_step_is_not_repeated_by_one_who_lost_the_lease(lone: World) -> None:
    """Its connection broke, and when it could have gone on another host had the lock."""
    broken = {"failCommands": ["update"], "namespace": f"{lone.name}.task", "closeConnection": True}
    with failing(lone, mode={"times": 1}, **broken):
        stolen = {"lease": {"owner": "thief"}}
        assert is_stopped(lone, CHANGES["delete"], "task", succeeded=False, by=stolen)
    assert lone.dump() == BEFORE
    assert lone.journal["lease"].distinct("owner") == ["thief"]


@pytest.mark.parametrize(("name", "fields"), [("update", {"state": "void"}), ("delete", {"worker": {"pid": 1}})])
def test_a_record_that_was_taken_away_stops_the_change(world: World, name: str, fields: dict[str, Any]) -> None:
    """Between its record and its first write, in a transaction and in steps: nothing is changed."""
    assert is_stopped(world, CHANGES[name], "operation", succeeded=True, by={"operation": fields})
    assert world.dump() == BEFORE
    assert world.states() == [fields.get("state", "applying")]


def test_a_record_that_was_taken_away_at_the_last_moment_is_told(lone: World) -> None:
    """In steps the change is made by then: it is not called done."""
    by = {"operation": {"state": "void"}}
    assert is_stopped(lone, CHANGES["update"], "project", succeeded=True, by=by)
    assert lone.states() == ["void"]


@pytest.mark.parametrize("skip", range(3))
def test_a_record_whose_writes_succeed_unheard_is_not_taken_away(lone: World, skip: int) -> None:
    """Each is repeated, and finds what it wanted."""
    mode = {"skip": skip, "times": 3} if skip else {"times": 3}
    unheard = {"failCommands": ["update"], "namespace": f"{lone.journal_name}.operation"}
    with failing(lone, mode=mode, **unheard, writeConcernError=UNHEARD):
        status, said = run_here(lone, *UPDATE)
    assert (status, lone.states()) == (0, ["done"]), said


def test_a_lease_that_can_not_be_given_back_fails_nothing(world: World) -> None:
    """It expires by itself."""
    denied = {"failCommands": ["update"], "namespace": f"{world.journal_name}.lease", "errorCode": 96}
    with failing(world, mode="alwaysOn", **denied):
        status, said = run_here(world, "create", "other", "--description", "", "--user", "owner")
    assert (status, world.states()) == (0, ["done"]), said
    assert world.journal["lease"].distinct("owner") != [""]
