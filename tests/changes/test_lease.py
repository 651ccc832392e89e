"""One structural change at a time for each company: waiting, taking over, renewing, losing, and `--no-journal`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from projects_cli import process_identity
from projects_cli.changes import lease as leases
from projects_cli.changes.lease import Lease, key_of
from projects_cli.config.settings import login_name
from projects_cli.errors import ExitStatus, LeaseLost, LockHeld
from projects_cli.store.client import connect
from projects_cli.store.journal import JournalStore
from tests import servers
from tests.worlds.site import Site
from tests.worlds.world import ALONE, BEFORE, CHANGES, COMPANY, Planning, World, change, undo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cli

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

UNSPOKEN = "secret"
CREATE = ["create", "other", "--description", "some"]
PRUNE = ["history", "prune", "--older-than", "0.01"]
HOLDER = {"owner": "somebody", "by": "ben", "host": "elsewhere", "pid": 4711, "command": "projects delete vision"}


@contextmanager
def lease(world: World, wait: float = 0.3, **fields: Any) -> Iterator[Lease]:
    """Hold the lease on the company, as another process of this machine would."""
    stored = JournalStore(world.here, world.journal_name)
    with Lease(stored, key_of(world.name, COMPANY), {**HOLDER, **fields}, wait) as held:
        yield held


def stored_lease(world: World) -> dict[str, Any]:
    found = world.journal["lease"].find_one({"_id": key_of(world.name, COMPANY)})
    assert found is not None
    return found


def test_the_second_waits_and_then_names_the_holder(world: World) -> None:
    runner = world.runner(wait=0.5)
    started = time.monotonic()
    with lease(world), pytest.raises(LockHeld) as caught:
        CHANGES["create"](runner)
    assert 0.5 <= time.monotonic() - started < 3
    assert caught.value.status == ExitStatus.LOCKED
    assert "ben on elsewhere, pid 4711: projects delete vision" in caught.value.message
    assert world.dump() == BEFORE


def test_the_second_goes_on_as_soon_as_the_first_is_done(lone: World) -> None:
    """Another process holds the lease for a second."""
    ready, go = os.pipe()

    def hold() -> None:
        with lease(lone_here, owner="child"):
            os.write(go, b"x")
            time.sleep(1)

    lone_here = World(lone.server, lone.name)
    pid = os.fork()
    if not pid:
        try:
            hold()
        finally:
            os._exit(0)
    os.read(ready, 1)
    started = time.monotonic()
    CHANGES["create"](lone.runner(wait=20))
    assert 0.5 < time.monotonic() - started < 5
    os.waitpid(pid, 0)


def test_another_company_does_not_wait(lone: World) -> None:
    with lease(lone):
        change("create", name="their own")(lone.runner(wait=0, company="another-company"))


def test_a_change_of_fields_alone_does_not_wait(lone: World) -> None:
    with lease(lone):
        CHANGES["update"](lone.runner(wait=0))
    assert lone.dump() != BEFORE


def test_undo_waits_too(lone: World) -> None:
    CHANGES["rename"](lone.runner())
    with lease(lone), pytest.raises(LockHeld):
        undo(lone.runner(wait=0))


@pytest.mark.parametrize("reaped", [True, False])
def test_a_dead_process_is_followed_at_once(lone: World, *, reaped: bool) -> None:
    """Also a zombie, as in a container without an init."""
    pid = os.fork()
    if not pid:
        Lease(JournalStore(lone_of(lone), lone.journal_name), key_of(lone.name, COMPANY), mine(), 1).__enter__()
        os.kill(os.getpid(), signal.SIGKILL)
    if reaped:
        os.waitpid(pid, 0)
    else:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert stored_lease(lone)["pid"] == pid
    started = time.monotonic()
    CHANGES["create"](lone.runner(wait=0))
    assert time.monotonic() - started < 2
    if not reaped:
        os.waitpid(pid, 0)


def lone_of(world: World) -> Any:
    return World(world.server, world.name).connect()


def mine() -> dict[str, Any]:
    return {**HOLDER, "owner": "doomed", **process_identity.process()}


def test_an_expired_lease_is_taken_over_at_once(lone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another machine, whose processes are not visible here."""
    monkeypatch.setattr(leases, "MARGIN", 0.1)
    JournalStore(lone.here, lone.journal_name).take_lease(
        key_of(lone.name, COMPANY), {**HOLDER, "machine": "far"}, 0.2, 0
    )
    with pytest.raises(LockHeld):
        CHANGES["create"](lone.runner(wait=0))
    time.sleep(0.4)
    CHANGES["create"](lone.runner(wait=0))


def test_heartbeats_renew(lone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "TERM", 0.9)
    with lease(lone) as held:
        first = stored_lease(lone)
        time.sleep(1.5)
        second = stored_lease(lone)
        assert second["heartbeat"] > first["heartbeat"]
        assert second["expires"] > first["expires"]
        held.check()
    assert stored_lease(lone)["owner"] == ""


def test_a_lost_lease_is_noticed_before_the_next_write(lone: World) -> None:
    """Another process took it over while this one slept; nothing is written, and an error is reported."""
    taken = {"owner": "thief", **{name: HOLDER[name] for name in ("by", "host", "pid", "command")}}
    runner = lone.runner()

    def steal(*_: Any) -> Any:
        lone.journal["lease"].update_one({"_id": key_of(lone.name, COMPANY)}, {"$set": taken})
        return CHANGES["delete"].plan(runner.store)

    with pytest.raises(LeaseLost):
        runner.apply(Planning(steal), CHANGES["delete"].plan(runner.store))
    assert lone.dump() == BEFORE
    assert stored_lease(lone)["owner"] == "thief"


def test_an_operation_of_another_machine_is_under_way_while_its_lease_is_held(lone: World) -> None:
    """However long it takes; once the lease has run out it was interrupted."""
    half_done(lone)
    with lease(lone, owner="far away"):
        far = {"worker.machine": "far", "worker.owner": "far away", "worker.key": key_of(lone.name, COMPANY)}
        lone.journal["operation"].update_many({}, {"$set": far})
        assert lone.interrupted() == []
    assert len(lone.interrupted()) == 1


def half_done(world: World) -> None:
    """Leave a delete in its middle, as a process that was killed would."""
    CHANGES["delete"](world.runner())
    world.journal["operation"].update_many({}, {"$set": {"state": "applying", "worker.pid": 4_194_303}})
    content = dict(world.dump())
    content["project"] = BEFORE["project"]
    world.load(content, world.dump_journal())


def test_resume_refuses_what_is_under_way(lone: World) -> None:
    from projects_cli.errors import CannotUndo

    half_done(lone)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        alive = {"worker.pid": process.pid, "worker.born": process_identity.born(process.pid)}
        lone.journal["operation"].update_many(
            {}, {"$set": alive | {"worker.owner": "child", "worker.key": "their own"}}
        )
        JournalStore(lone.here, lone.journal_name).take_lease("their own", {"owner": "child"}, 60, 0)
        for command in (lone.runner().resume, lone.runner().undo):
            with pytest.raises(CannotUndo, match="is running: ann"):
                command(str(lone.journal["operation"].distinct("_id")[0]))
        with pytest.raises(CannotUndo, match="is running: ann"):  # not an older one
            undo(lone.runner())
    finally:
        process.communicate(b"\n")


# --- the commands -----------------------------------------------------------------------------------------------------


@pytest.fixture
def site(lone: World, cli: Cli) -> Site:
    def run(*arguments: str, **environment: Any) -> Any:
        return cli(*arguments, **({"PROJECTS_JOURNAL_DB": lone.journal_name} | environment))

    return Site(run, lone.server, lone.name)


def test_the_command_ends_with_75(site: Site, lone: World) -> None:
    with lease(lone):
        result = site("--lock-wait", "1s", *CREATE)
    assert result.exit_code == 75
    assert "ben on elsewhere, pid 4711" in result.stderr


def test_several_wait_for_the_lock_once(site: Site, lone: World) -> None:
    with lease(lone):
        result = site("--lock-wait", "1s", "delete", "alone", "fellow", "--force")
    assert (result.exit_code, result.stderr.count("error:")) == (75, 1)
    assert lone.dump() == BEFORE


@pytest.mark.parametrize("command", [["undo", "--dry-run"], ["resume", "--dry-run"], [*PRUNE, "--dry-run"]])
def test_read_only_allows_a_dry_run(site: Site, lone: World, command: list[str]) -> None:
    half_done(lone)
    lone.journal["operation"].update_many({}, {"$set": {"by": login_name()}})
    before = lone.dump(), lone.dump_journal()
    site.text("--read-only", *command)
    assert (lone.dump(), lone.dump_journal()) == before


@pytest.mark.parametrize("command", [CREATE, ["delete", "alone", "--force"], ["undo"], ["resume"], [*PRUNE, "--yes"]])
def test_read_only_refuses_before_it_starts(site: Site, lone: World, command: list[str]) -> None:
    for result in (site("--read-only", *command), site(*command, PROJECTS_READ_ONLY="1")):
        assert result.exit_code == 4
    assert lone.dump() == BEFORE
    assert lone.dump_journal() == {}


def test_no_journal_needs_no_lease_and_writes_no_record(site: Site, lone: World) -> None:
    with lease(lone):
        site.text("--no-journal", "delete", ALONE["_id"], "--force")
        site.text("--no-journal", *CREATE)
    assert set(lone.dump_journal()) == {"lease"}
    assert site("--no-journal", "undo").exit_code == 2


def test_no_journal_puts_back_what_the_database_refused(lone: World) -> None:
    """The unique index knows a name that the plan did not: nothing is left of the ancestors."""
    from projects_cli.errors import ExpectedUniqueData

    lone.documents["project"].create_index(["name", "company"], unique=True)
    runner = lone.runner(journal=False)
    plan = CHANGES["create"].plan(runner.store)
    lone.documents["project"].insert_one({"_id": "other", "name": "vision/new/deep/leaf", "company": COMPANY})
    before = lone.dump()
    with pytest.raises(ExpectedUniqueData):
        runner.apply(Planning.always(plan), plan)
    assert lone.dump() == before


# --- rights -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded() -> Iterator[servers.Server]:
    with servers.running(replica_set=False, options=("--auth",)) as server:
        yield server


def test_without_the_right_to_write_the_journal(guarded: servers.Server, cli: Cli) -> None:
    """The message names the grant and the flag; the grant, and the flag, help."""
    guarded.client.admin.command("createUser", "root", pwd=UNSPOKEN, roles=["root"])
    administrator = guarded.uri.replace("mongodb://", f"mongodb://root:{UNSPOKEN}@").replace(
        "/?", "/?authSource=admin&"
    )
    uri = administrator.replace("root:", "ann:")
    with connect(administrator, "backend", shown="x").client as root:
        root["backend"]["company"].insert_one({"_id": COMPANY, "name": "ours"})
        root.admin.command("createUser", "ann", pwd=UNSPOKEN, roles=[{"role": "readWrite", "db": "backend"}])
        refused = cli(*CREATE, uri=uri, PROJECTS_USER="ann")
        assert refused.exit_code == 77
        assert 'db.grantRolesToUser("USER", [{role: "readWrite", db: "projects_cli"}])' in refused.stderr
        assert "--no-journal" in refused.stderr
        assert root["backend"]["project"].count_documents({}) == 0
        assert cli("--no-journal", *CREATE, uri=uri, PROJECTS_USER="ann").exit_code == 0
        root.admin.command("grantRolesToUser", "ann", roles=[{"role": "readWrite", "db": "projects_cli"}])
        assert cli("create", "another", "--description", "", uri=uri, PROJECTS_USER="ann").exit_code == 0
        assert cli("undo", "--yes", uri=uri).exit_code == 0
        assert root["backend"]["project"].distinct("name") == ["other"]
