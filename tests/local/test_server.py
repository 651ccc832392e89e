"""The private server's life, with the real mongod: it is there when needed, whatever was killed before."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymongo
import pytest

from projects_cli.config.settings import COMMUNITY_COMPANY, login_name
from projects_cli.errors import NoPrivateServer
from projects_cli.local import paths, process, ready_file, server
from projects_cli.private_files import is_locked
from projects_cli.store.index_definitions import INDEXES
from tests.servers import answers

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Cli
    from tests.local.conftest import Private

SOON = 20.0


def wait_until(wanted: Callable[[], object]) -> None:
    deadline = time.monotonic() + SOON
    while not wanted():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def recorded(private: Private) -> ready_file.Record:
    found = ready_file.read(paths.place_of(private.settings()))
    assert found is not None
    return found


def watched(private: Private) -> bool:
    return is_locked(paths.place_of(private.settings()).watcher)


def put(uri: str, **document: Any) -> None:
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        client.backend.project.insert_one(document)


def names(uri: str) -> list[str]:
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        return [project["name"] for project in client.backend.project.find().sort("name")]


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_first_start_gives_a_server_with_transactions_and_indexes(private: Private) -> None:
    uri = server.ensure(private.settings())
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        with client.start_session() as session, session.start_transaction():
            client.backend.project.insert_one({"name": "a"}, session=session)
        for collection, wanted in INDEXES.items():
            made = set(client.backend[collection].index_information())
            assert made == {"_id_", *(index["name"] for index in wanted)}


def test_a_running_server_is_used_without_pymongo_or_a_process(private: Private) -> None:
    private.use()
    before = recorded(private)
    code = (
        "import sys, os; from pathlib import Path; from projects_cli.config.settings import resolve; "
        "from projects_cli.local import server; "
        f"server.ensure(resolve({{'local_dir': {str(private.folder)!r}}}, os.environ, Path('/'))); "
        "sys.exit(any(name in sys.modules for name in ('pymongo', 'subprocess', 'projects_cli.local.start')))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
    assert recorded(private) == before


def test_ten_first_commands_at_once_share_one_server(private: Private) -> None:
    commands = [private.used_elsewhere() for _ in range(10)]
    results = [command.communicate() for command in commands]
    assert [command.returncode for command in commands] == [0] * 10, results
    assert len({out for out, _ in results}) == 1
    data = paths.place_of(private.settings()).data
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    assert sum(ready_file.serves_data(process.arguments(pid), data) for pid in pids) == 1


def test_nobody_else_may_enter(private: Private) -> None:
    old = os.umask(0)
    try:
        private.use()
    finally:
        os.umask(old)
    for path in (private.folder, *private.folder.rglob("*")):
        assert not stat.S_IMODE(path.lstat().st_mode) & 0o077, path


def test_no_tcp_port(private: Private) -> None:
    private.use()
    pid = recorded(private).pid
    mine = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    for table in ("tcp", "tcp6", "udp", "udp6"):
        rows = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        assert not mine & {f"socket:[{row.split()[9]}]" for row in rows}
    sockets = [row.split()[-1] for row in Path("/proc/net/unix").read_text().splitlines() if str(private.folder) in row]
    assert set(sockets) == {recorded(private).socket}


def test_the_watcher_does_not_get_a_password_from_the_environment(
    private: Private, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECTS_MONGO_URI", "mongodb://u:geheim@host")
    private.use()
    for pid in (recorded(private).pid, recorded(private).watcher):
        assert b"geheim" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_it_stops_when_nobody_has_used_it_for_a_while(private: Private) -> None:
    private.use(idle=0.5)
    pid = recorded(private).pid
    wait_until(lambda: not process.born(pid))
    wait_until(lambda: not watched(private))
    assert ready_file.read(paths.place_of(private.settings())) is None
    assert answers(private.use())


def test_a_long_command_keeps_it(private: Private) -> None:
    with private.used_elsewhere(idle=0.3, seconds=2.5) as command:
        assert command.stdout is not None
        uri = command.stdout.readline().strip()
        time.sleep(1.5)
        assert answers(uri)
    pid = recorded(private).pid
    wait_until(lambda: not process.born(pid))


def test_stop_status_path_and_reset(private: Private) -> None:
    assert server.path(private.settings()) == private.folder
    assert private.status()["running"] is False
    assert not private.folder.exists(), "looking makes nothing"
    assert server.stop(private.settings()) is False
    put(private.use(), name="kept")
    found = private.status()
    assert found["running"] is True
    assert found["version"].startswith("6.")
    assert found["size"] > 100_000
    assert found["last_used"] < found["stops_at"]
    assert server.stop(private.settings()) is True
    assert not process.born(found["pid"])
    assert not watched(private)
    assert private.status()["running"] is False
    assert names(private.use()) == ["kept"]
    server.reset(private.settings())
    assert private.status()["size"] == 0
    assert names(private.use()) == []


@pytest.mark.parametrize("victims", [("pid",), ("watcher",), ("pid", "watcher"), ("watcher", "pid")])
def test_the_next_command_works_after_a_kill(private: Private, victims: tuple[str, ...]) -> None:
    put(private.use(), name="kept")
    before = recorded(private)
    for victim in victims:
        kill(getattr(before, victim))
    assert names(private.use()) == ["kept"]
    assert watched(private)
    assert (recorded(private).pid == before.pid) is ("pid" not in victims), "an orphan is adopted"


def test_an_adopted_server_stops_for_idleness_too(private: Private) -> None:
    private.use()
    before = recorded(private)
    kill(before.watcher)
    private.use(idle=0.5)
    wait_until(lambda: not process.born(before.pid))
    wait_until(lambda: not private.folder.joinpath("ready").exists())


@pytest.mark.parametrize("delay", [0.05, 0.15, 0.3, 0.5, 0.7, 0.9])
def test_a_starter_killed_at_any_moment_leaves_no_harm(private: Private, delay: float) -> None:
    with private.used_elsewhere() as command:
        time.sleep(delay)
        command.kill()
    assert answers(private.use())


def test_a_watcher_without_a_server_leaves(private: Private) -> None:
    private.use()
    kill(recorded(private).pid)
    wait_until(lambda: not watched(private))
    assert not private.folder.joinpath("ready").exists()


@pytest.mark.parametrize("running", [True, False])
def test_a_folder_may_be_moved(private: Private, *, running: bool) -> None:
    put(private.use(), name="kept")
    old = recorded(private)
    if not running:
        server.stop(private.settings())
    private.folder = private.folder.rename(private.folder.parent / "Moved")
    assert names(private.use()) == ["kept"]
    assert not process.born(old.pid)


def test_a_copy_leaves_the_original_alone(private: Private) -> None:
    private.use()
    server.stop(private.settings())
    original = private.folder
    private.use()
    before = recorded(private)
    copy = original.parent / "copy"
    shutil.copytree(original, copy, ignore=shutil.ignore_patterns("*.sock", "data"))
    private.folder = copy
    private.use()
    assert recorded(private).pid != before.pid
    assert process.born(before.pid) == before.born
    server.stop(private.settings())
    private.folder = original


def test_a_removed_folder_ends_its_server(private: Private) -> None:
    private.use(idle=1)
    pid = recorded(private).pid
    shutil.rmtree(private.folder)
    wait_until(lambda: not process.born(pid))


def test_leftovers_are_no_obstacle(private: Private) -> None:
    put(private.use(), name="kept")
    kill(recorded(private).watcher)
    kill(recorded(private).pid)
    wait_until(lambda: not process.born(recorded(private).pid))
    private.folder.joinpath("ready").write_bytes(b"\xff nonsense")
    assert names(private.use()) == ["kept"]


def test_another_process_with_the_recorded_id_is_not_believed(private: Private) -> None:
    private.use()
    found = recorded(private)
    here = paths.place_of(private.settings())
    server.stop(private.settings())
    me = ready_file.Record(
        os.getpid(), process.born(os.getpid()), os.getpid(), process.born(os.getpid()), "x", 0.0, "6"
    )
    ready_file.write(here, me)
    assert private.status()["running"] is False
    private.use()
    assert recorded(private).pid not in {found.pid, os.getpid()}


def test_a_server_that_does_not_start_says_why(private: Private) -> None:
    private.use()
    server.stop(private.settings())
    for file in private.folder.joinpath("data").glob("WiredTiger*"):
        file.write_bytes(b"no data")
    with pytest.raises(NoPrivateServer) as caught:
        server.ensure(private.settings())
    assert str(private.folder / "mongod.log") in caught.value.message
    assert "WiredTiger.turtle" in caught.value.message


def test_the_log_does_not_grow_without_end(private: Private) -> None:
    private.use()
    server.stop(private.settings())
    log = private.folder / "mongod.log"
    log.write_bytes(b"x" * 2_000_000)
    private.use()
    assert log.stat().st_size < 1_000_000
    assert log.with_suffix(".log.1").stat().st_size == 2_000_000


def test_status_says_that_the_database_is_a_private_one(private: Private, cli: Cli) -> None:
    found = json.loads(cli("status", "--json", PROJECTS_LOCAL_DIR=str(private.folder)).stdout)
    assert (found["database"]["private"], found["database"]["uri"]) == (True, None)
    assert (found["server"]["topology"], found["server"]["set"]) == ("replica set", "local")


# --- announced, unless it was asked for -------------------------------------------------------------------------------


def announced(cli: Cli, private: Private, *arguments: str) -> str:
    result = cli(*arguments, PROJECTS_LOCAL_DIR=str(private.folder))
    assert result.exit_code == 0, result.stderr
    return str(result.stderr)


def test_one_line_names_the_private_database_where_nothing_is_configured(private: Private, cli: Cli) -> None:
    line = f"no database is configured: using the private database in {private.folder}\n"
    assert announced(cli, private, "list", "-o", "id").count(line) == 1
    for output in ("table", "jsonl", "yaml", "csv"):
        assert announced(cli, private, "status", "-o", output) == line
    assert announced(cli, private, "status", "--json") == f"warning: {line}"
    assert announced(cli, private, "call", "projects.get_all", "--json") == f"warning: {line}"
    assert announced(cli, private, "list", "--quiet") == ""


def test_the_private_database_is_not_announced_where_it_was_asked_for(private: Private, cli: Cli) -> None:
    for arguments in (("local", "start"), ("local", "status"), ("local", "sample"), ("local", "path")):
        assert "no database is configured" not in announced(cli, private, *arguments)
    uri = server.ensure(private.settings())
    assert cli("status", uri=uri).stderr == ""


# --- its company and its user -----------------------------------------------------------------------------------------


def owners(uri: str) -> list[str]:
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        assert client.backend.user.distinct("_id") == [login_name()]
        return list(client.backend.company.distinct("_id"))


def test_it_has_its_company_and_user_after_each_start_and_reset(private: Private, cli: Cli) -> None:
    here = {"PROJECTS_LOCAL_DIR": str(private.folder)}
    assert owners(server.ensure(private.settings())) == [COMMUNITY_COMPANY]
    assert cli("create", "vision", "-d", "x", **here).exit_code == 0
    assert cli("local", "reset", "--yes", **here).exit_code == 0
    assert owners(server.ensure(private.settings())) == [COMMUNITY_COMPANY]
    server.stop(private.settings())
    assert owners(server.ensure(private.settings())) == [COMMUNITY_COMPANY]
    assert cli("create", "vision", "-d", "x", **here).exit_code == 0
    refused = cli("create", "audio", "-d", "x", "--company", "acme", **here)
    assert (refused.exit_code, "--new-company" in refused.stderr) == (4, True)
