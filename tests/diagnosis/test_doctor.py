"""Checks of server, clock, privileges, indexes and journal; `--fix` when killed and beside other changes."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pymongo
import pytest
from pymongo import monitoring

from projects_cli.changes.engine import SMALL
from projects_cli.diagnosis.deployment_checks import is_known
from projects_cli.diagnosis.doctor import DOCUMENT_FINDINGS, Diagnosis, Repair
from projects_cli.diagnosis.findings import DEPLOYMENT, KINDS, Findings
from projects_cli.errors import CannotUndo, ChangedMeanwhile
from projects_cli.store.index_definitions import SERVER
from projects_cli.store.journal import JournalStore
from tests import servers
from tests.worlds.site import Site
from tests.worlds.world import (
    BEFORE,
    COMPANY,
    DETECTOR,
    SITE,
    VISION,
    YOLO,
    World,
    change,
    content_of,
    dangling,
    dies,
    in_child,
    member,
    points,
    project,
    resume,
    undo,
    world_on,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from projects_cli.changes.runner import Runner
    from projects_cli.messages import Outcome, Plan, Response, Step
    from tests.conftest import Cli

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

ALL = frozenset(KINDS)
SECRET = "not-to-be-shown"  # noqa: S105 - of a server that lives as long as these tests
Document = dict[str, Any]


def diagnosis(runner: Runner, journal: str | None = None) -> Diagnosis:
    return Diagnosis(runner, runner.store, journal)


def findings(runner: Runner, *wanted: str, journal: str | None = None) -> Findings:
    """Return what is found of some kinds."""
    return diagnosis(runner, journal).report(frozenset(wanted) or ALL).findings


def counts(runner: Runner, *wanted: str, journal: str | None = None) -> dict[str, int]:
    """Return the number of findings of each kind, none of which can be fixed."""
    found = findings(runner, *wanted, journal=journal)
    assert not found.skipped
    assert all(one.fixable == 0 and one.examples for one in found.by_kind.values())
    return {name: one.count for name, one in found.by_kind.items()}


def repair_plan(runner: Runner) -> Plan[Step]:
    return diagnosis(runner).plan(diagnosis(runner).report(DOCUMENT_FINDINGS))


def fix(runner: Runner) -> tuple[Response, Outcome]:
    """Repair what can be repaired, as the command does after the confirmation."""
    return runner.apply(Repair(diagnosis(runner), DOCUMENT_FINDINGS), repair_plan(runner))


# --- the server ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spare() -> Iterator[servers.Server]:
    """A replica set of one that these tests may damage."""
    with servers.running(replica_set=True) as server:
        yield server


@contextmanager
def spare_world(server: servers.Server) -> Iterator[World]:
    with world_on(server, BEFORE) as world:
        yield world


@pytest.mark.parametrize(
    ("version", "known"),
    [
        ("3.6.23", False), ("4.2.24", False), ("4.4.0", True), ("5.0.1", True), ("6.0.5", True), ("7.0.14-rc1", True),
        ("8.2.0", True), ("9.0.0", False), ("10", False), ("4", False),
        ("8", True), ("", False), ("x6.0", False), ("9" * 5000, False),
    ],
)  # fmt: skip
def test_versions_that_are_too_old_or_unknown(version: str, known: bool) -> None:
    assert is_known(version) is known


def test_an_upgrade_that_was_not_finished(spare: servers.Server) -> None:
    with spare_world(spare) as world:
        assert counts(world.runner(), "server-compatibility") == {}
        spare.client.admin.command("setFeatureCompatibilityVersion", "5.0")
        assert counts(world.runner(), "server-compatibility") == {"server-compatibility": 1}
        spare.client.admin.command("setFeatureCompatibilityVersion", "6.0")


def test_an_unreachable_member(spare: servers.Server) -> None:
    with spare_world(spare) as world:
        assert counts(world.runner(), "replica-set-degraded") == {}
        config = spare.client.admin.command("replSetGetConfig")["config"]
        gone = {"_id": 1, "host": "/tmp/nobody-here.sock", "priority": 0, "votes": 0}  # noqa: S108 - nothing is there
        members = {"members": [*config["members"], gone], "version": config["version"] + 1}
        spare.client.admin.command("replSetReconfig", {**config, **members}, force=True)
        deadline = time.monotonic() + servers.TIMEOUT
        while counts(world.runner(), "replica-set-degraded") != {"replica-set-degraded": 1}:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        again = {"members": config["members"], "version": config["version"] + 100}
        spare.client.admin.command("replSetReconfig", {**config, **again}, force=True)
        assert counts(world.runner(), "replica-set-degraded") == {}


def test_a_server_that_does_not_accept_writes(spare: servers.Server) -> None:
    with spare_world(spare) as world:
        assert counts(world.runner(), "not-writable") == {}
        spare.client.admin.command("replSetStepDown", 60, force=True)
        assert counts(world.runner(), "not-writable") == {"not-writable": 1}
        spare.client.admin.command("replSetFreeze", 0)
        servers._await_primary(spare.client)


@pytest.mark.parametrize("hours", [-1, 1])
def test_clocks_that_differ(lone: World, hours: int) -> None:
    assert counts(lone.runner(), "clock-skew") == {}
    wrong = replace(lone.runner(), clock=lambda: datetime.now(UTC) + timedelta(hours=hours))
    assert counts(wrong, "clock-skew") == {"clock-skew": 1}
    found = diagnosis(wrong).report(frozenset({"clock-skew"}))
    assert round(found.server["clock_skew"] / 3600) == -hours


def test_a_foreign_index_that_was_unused_for_a_week(lone: World) -> None:
    lone.documents["task"].create_index([("comment", 1)], name="mine")
    lone.documents["task"].create_index([("iterations", 1)], name="used")
    lone.documents["task"].create_index([("project", 1)], name="as the server's")
    list(lone.documents["task"].find({"iterations": 20}, hint="used"))
    assert counts(lone.runner(), "index-unused") == {}
    later = replace(lone.runner(), clock=lambda: datetime.now(UTC) + timedelta(days=8))
    assert counts(later, "index-unused") == {"index-unused": 1}
    (example,) = findings(later, "index-unused").by_kind["index-unused"].examples
    assert example["name"] == "task.mine"
    assert example["detail"].startswith("on ")  # the member that was asked: each counts for itself


def test_an_index_with_the_servers_fields_that_queries_cannot_use_counts_as_missing(lone: World) -> None:
    tasks = lone.documents["task"]
    before = counts(lone.runner(), "index-missing")["index-missing"]
    tasks.create_index("project", name="one that is hidden", hidden=True)
    tasks.create_index("parent", name="one of some", partialFilterExpression={"company": "x"})
    assert counts(lone.runner(), "index-missing") == {"index-missing": before}
    tasks.database.command("collMod", "task", index={"name": "one that is hidden", "hidden": False})
    assert counts(lone.runner(), "index-missing") == {"index-missing": before - 1}


def test_all_indexes_are_missing_if_none_was_created(lone: World) -> None:
    assert counts(lone.runner(), "index-missing") == {"index-missing": sum(map(len, SERVER.values()))}


# --- the journal --------------------------------------------------------------------------------------------------


def test_an_interrupted_change_is_reported_and_nothing_is_repaired_before_it_is_finished(lone: World, cli: Cli) -> None:
    site = Site(cli, lone.server, lone.name)
    site.documents["project"].update_one({"_id": VISION["_id"]}, {"$set": {"tags": None}})
    assert dies(lone, change("delete", project=DETECTOR["_id"]), 10, "succeeded")
    before, journal = lone.dump(), lone.dump_journal()
    answer = run(site, lone, "doctor", "--only", "operation-unfinished", "--only", "lease-stale", status=6)
    assert [one["name"] for one in answer["findings"]] == ["operation-unfinished", "lease-stale"]
    assert answer["findings"][0]["examples"][0]["name"] == "delete the project 'vision/detector'"
    assert (lone.dump(), lone.dump_journal()) == (before, journal)
    result = site("--json", "doctor", "--fix", "--yes", PROJECTS_JOURNAL_DB=lone.journal_name)
    assert (result.exit_code, result.stdout) == (4, "")
    error = json.loads(result.stderr)["error"]
    assert error["name"] == "OperationUnfinished"
    assert "projects resume" in error["hint"]
    assert lone.dump() == before
    undo(lone.runner())
    assert run(site, lone, "doctor", "--fix", "--yes", "--only", "tags-null", status=0)["fixed"]["projects"] == 2


def run(site: Site, world: World, *arguments: str, status: int) -> Document:
    """Return the answer of a command with this world's journal."""
    result = site("--json", *arguments, PROJECTS_JOURNAL_DB=world.journal_name)
    assert (result.exit_code, result.stderr) == (status, ""), result.stdout
    answer: Document = json.loads(result.stdout)
    return answer


def test_a_lock_that_is_held_or_has_expired(lone: World) -> None:
    stored = JournalStore(lone.here, lone.journal_name)
    holder = {"owner": "somebody", "by": "ben", "host": "elsewhere", "pid": 1, "command": "projects delete x"}
    names = ("operation-unfinished", "lease-stale")
    assert counts(lone.runner(), *names, journal=lone.journal_name) == {}
    stored.take_lease(f"{lone.name}/{COMPANY}", holder, 60, 0)
    assert counts(lone.runner(), *names, journal=lone.journal_name) == {}
    stored.renew_lease(f"{lone.name}/{COMPANY}", "somebody", -1)
    assert counts(lone.runner(), *names, journal=lone.journal_name) == {"lease-stale": 1}
    stored.release_lease(f"{lone.name}/{COMPANY}", "somebody", shared=True)
    assert counts(lone.runner(), *names, journal=lone.journal_name) == {}


# --- rights -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded() -> Iterator[servers.Server]:
    """A server that requires a login, with a few users."""
    with servers.running(replica_set=False, options=["--auth"]) as server:
        server.client.admin.command("createUser", "root", pwd=SECRET, roles=["root"])
        with pymongo.MongoClient[Document](server.uri, username="root", password=SECRET) as client:
            grants = {
                "reader": [{"role": "read", "db": "backend"}],
                "writer": [{"role": "readWrite", "db": "backend"}, {"role": "readWrite", "db": "projects_cli"}],
                "stranger": [{"role": "read", "db": "elsewhere"}],
            }
            for name, roles in grants.items():
                client.admin.command("createUser", name, pwd=SECRET, roles=roles)
            for name, documents in SITE.items():
                client["backend"][name].insert_many([dict(one) for one in documents])
            for collection, indexes in SERVER.items():
                client["backend"].command("createIndexes", collection, indexes=list(indexes))
            yield server
            client.drop_database("backend")


def as_user(server: servers.Server, user: str, cli: Cli, *arguments: str) -> Any:
    """Run a command as a user of the guarded server."""
    uri = server.uri.replace("mongodb://", f"mongodb://{user}:{SECRET}@", 1)
    return cli("--json", *arguments, uri=uri)


ONLY_UNSORTED = {"tags-unsorted", "tags-null"}
"""What is wrong with the odd little site."""


def test_the_privileges_that_a_reader_lacks_are_reported(guarded: servers.Server, cli: Cli) -> None:
    result = as_user(guarded, "reader", cli, "doctor")
    assert result.exit_code == 6
    answer = json.loads(result.stdout)
    found = {one["name"]: one for one in answer["findings"]}
    assert found.keys() == {*ONLY_UNSORTED, "right-missing"}
    missing = {one["name"]: one["detail"] for one in found["right-missing"]["examples"]}
    assert missing["backend.project"] == "insert, remove, update"
    assert missing["backend.task"] == "insert, remove, update"
    assert found["right-missing"]["count"] == 7
    assert answer["server"]["user"] == "reader"
    assert {one["name"] for one in answer["skipped"]} == {
        "index-unused", "server-compatibility", "operation-unfinished", "lease-stale",
    }  # fmt: skip
    assert SECRET not in result.stdout + result.stderr
    assert all(f"warning: {one['name']} was not checked" in result.stderr for one in answer["skipped"])


def test_a_reader_repairs_nothing(guarded: servers.Server, cli: Cli) -> None:
    result = as_user(guarded, "reader", cli, "doctor", "--fix", "--yes")
    assert (result.exit_code, result.stdout) == (77, "")
    assert json.loads(result.stderr)["error"]["name"] == "DatabaseRefused"


def test_a_refused_check_is_an_error_if_it_is_named(guarded: servers.Server, cli: Cli) -> None:
    result = as_user(guarded, "reader", cli, "doctor", "--only", "index-unused")
    assert (result.exit_code, result.stdout) == (77, "")
    assert json.loads(result.stderr)["error"]["message"].startswith("cannot check index-unused: ")


def test_a_user_who_may_write_lacks_nothing(guarded: servers.Server, cli: Cli) -> None:
    answer = json.loads(as_user(guarded, "writer", cli, "doctor").stdout)
    assert {one["name"] for one in answer["findings"]} == ONLY_UNSORTED
    assert {one["name"] for one in answer["skipped"]} <= {"index-unused", "server-compatibility"}


def test_a_user_who_may_not_read_the_documents_gets_an_error(guarded: servers.Server, cli: Cli) -> None:
    result = as_user(guarded, "stranger", cli, "doctor")
    assert (result.exit_code, result.stdout) == (77, "")
    assert json.loads(result.stderr)["error"]["name"] == "DatabaseRefused"


# --- how much it asks and holds -----------------------------------------------------------------------------------


class Counted(monitoring.CommandListener):
    """Counts the commands that are sent."""

    def __init__(self) -> None:
        self.commands: Counter[str] = Counter()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.commands[event.command_name] += 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Nothing more to count."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing more to count."""


def many(projects: int, tasks: int) -> dict[str, list[Document]]:
    """Return a site with projects, every third inconsistent, and tasks, every third in a missing project."""
    homes = [project(number, f"home {number}", tags=None if number % 3 == 0 else []) for number in range(projects)]
    lost = project(0xBEEF, "not stored")
    members = [
        member(0x10000 + number, lost if number % 3 == 0 else homes[number % projects]) for number in range(tasks)
    ]
    return {"project": homes, "task": members, "model": members[:10]}


def commands_for(world: World, site: dict[str, list[Document]], folder: Path) -> dict[str, int]:
    """Return the commands of one examination of a site, but for the batches of its cursors."""
    world.load(content_of(site))
    file = folder / "counted"

    def work() -> None:
        listener = Counted()
        monitoring.register(listener)
        runner = world.runner(world.connect())
        before = listener.commands.copy()
        diagnosis(runner, world.journal_name).report(ALL)
        file.write_text(json.dumps(listener.commands - before))

    assert in_child(work) == 0
    counted: dict[str, int] = json.loads(file.read_text())
    return {name: count for name, count in counted.items() if name != "getMore"}


def test_the_number_of_commands_does_not_grow_with_the_database(lone: World, tmp_path: Path) -> None:
    few = commands_for(lone, many(30, 60), tmp_path)
    assert commands_for(lone, many(2_000, 4_000), tmp_path) == few
    assert sum(few.values()) < 40


def test_memory_does_not_grow_with_the_number_of_tasks(lone: World) -> None:
    peaks = []
    for tasks in (3_000, 30_000):
        lone.load(content_of(many(300, tasks)))
        runner = lone.runner()
        tracemalloc.start()
        try:
            diagnosis(runner).report(ALL)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2


# --- repairs that are killed or raced -------------------------------------------------------------------------

DAMAGED = content_of(
    SITE
    | {
        "project": [
            *(one for one in SITE["project"] if one not in (VISION, YOLO, DETECTOR)),
            VISION | {"name": "sight", "basename": "seen", "tags": ["b", "a"]},
            DETECTOR | {"path": [], "system_tags": None},
            YOLO | {"parent": "gone", "path": "gone"},
        ],
        "task": [*SITE["task"], *(member(number, project(0xBEEF, "gone")) for number in range(60, 64))],
        "model": [*SITE["model"], member(70, project(0xBEEF, "gone"))],
    }
)


def test_a_killed_repair_is_resumed_or_undone(lone: World) -> None:
    """In steps, as on most servers; what a transaction adds is tried with the other changes."""
    lone.load(DAMAGED)
    fix(lone.runner())
    repaired = lone.dump()
    assert repair_plan(lone.runner()).steps == []
    killed = 0
    for point in points(lone, fix, lambda: lone.load(DAMAGED), SMALL):
        killed += 1
        left = lone.interrupted()
        assert set(dangling(lone.dump())) <= set(dangling(DAMAGED)), point
        if left and point.number % 2:
            resume(lone.runner())
            assert lone.dump() == repaired, point
        if left or lone.dump() == repaired:
            undo(lone.runner())
        assert lone.dump() == DAMAGED, point
    assert killed >= 20


def test_a_killed_repair_is_not_resumed_if_a_parent_was_deleted_since(lone: World) -> None:
    """Nor is it undone. After the deletion is undone, either is possible."""
    for number in range(1, 30):
        lone.load(DAMAGED)
        assert dies(lone, fix, number, "succeeded")
        if lone.documents["task"].find_one({"_id": member(60, None)["_id"], "project": None}):
            break
    (stopped,) = lone.interrupted()
    change("delete", project=DETECTOR["_id"])(lone.runner())
    removed = lone.dump()
    with pytest.raises(CannotUndo, match="'vision/detector/yolo': the project that it belongs below was removed"):
        lone.runner().resume(stopped.id)
    assert lone.dump() == removed
    lone.runner().undo(lone.journal["operation"].find_one({"state": "done"}, sort=[("_id", -1)])["_id"])  # type: ignore[index]
    lone.runner().resume(stopped.id)
    assert repair_plan(lone.runner()).steps == []
    lone.runner().undo(stopped.id)
    assert lone.dump() == DAMAGED


def test_a_project_that_is_deleted_before_the_confirmation_stops_the_repair(lone: World) -> None:
    lone.load(DAMAGED)
    runner = lone.runner()
    plan = repair_plan(runner)
    lone.documents["project"].delete_one({"_id": YOLO["_id"]})
    before = lone.dump()
    with pytest.raises(ChangedMeanwhile):
        runner.apply(Repair(diagnosis(runner), DOCUMENT_FINDINGS), replace(plan, agreed=True))
    assert lone.dump() == before


TESTS = {
    "index-missing": test_all_indexes_are_missing_if_none_was_created,
    "index-unused": test_a_foreign_index_that_was_unused_for_a_week,
    "operation-unfinished": test_an_interrupted_change_is_reported_and_nothing_is_repaired_before_it_is_finished,
    "lease-stale": test_a_lock_that_is_held_or_has_expired,
    "server-version": test_versions_that_are_too_old_or_unknown,
    "server-compatibility": test_an_upgrade_that_was_not_finished,
    "not-writable": test_a_server_that_does_not_accept_writes,
    "replica-set-degraded": test_an_unreachable_member,
    "clock-skew": test_clocks_that_differ,
    "right-missing": test_the_privileges_that_a_reader_lacks_are_reported,
}


def test_every_kind_about_the_deployment_is_tested() -> None:
    assert TESTS.keys() == {kind.name for kind in DEPLOYMENT}
