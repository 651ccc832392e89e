"""The private server with the real mongod: it runs when needed, whatever was killed before."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymongo
import pytest

from projects_cli import process_identity
from projects_cli.config.settings import COMMUNITY_COMPANY, login_name
from projects_cli.errors import NoPrivateServer
from projects_cli.local import ready_file, server
from projects_cli.local.paths import server_paths
from projects_cli.private_files import lock
from projects_cli.process_identity import born
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


def running(private: Private) -> ready_file.Server:
    found = ready_file.running_server(server_paths(private.settings()))
    assert found is not None
    return found


def is_held(private: Private) -> bool:
    """Return whether the watchdog or mongod lives."""
    file = server_paths(private.settings()).running
    if not file.exists():
        return False
    with file.open("rb+") as stream:
        return not lock(stream.fileno(), shared=True)


def servers_of(folder: Path) -> list[int]:
    """Return the process ids of every mongod on a folder's data; the watchdog's command line has the same option."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    lines = {pid: process_identity.arguments(pid) for pid in pids}
    return [pid for pid, line in lines.items() if f"--dbpath={folder / 'data'}" in line and "-I" not in line]


def put(uri: str, **document: Any) -> None:
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        client.backend.project.insert_one(document)


def names(uri: str) -> list[str]:
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        return [project["name"] for project in client.backend.project.find().sort("name")]


def kill(pid: int) -> None:
    """Kill a process, and wait for its end: SIGKILL returns before."""
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while born(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.01)


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
    before = running(private)
    code = (
        "import sys, os; from pathlib import Path; from projects_cli.config.resolution import resolve; "
        "from projects_cli.local import server; "
        f"server.ensure(resolve({{'local_dir': {str(private.folder)!r}}}, os.environ, Path('/'))); "
        "sys.exit(any(name in sys.modules for name in ('pymongo', 'subprocess', 'projects_cli.local.lifecycle')))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
    assert running(private) == before


def test_ten_first_commands_at_once_share_one_server(private: Private) -> None:
    commands = [private.used_elsewhere() for _ in range(10)]
    results = [command.communicate() for command in commands]
    assert [command.returncode for command in commands] == [0] * 10, results
    assert len({out for out, _ in results}) == 1
    assert servers_of(private.folder) == [running(private).pid]


def test_other_users_have_no_access(private: Private) -> None:
    old = os.umask(0)
    try:
        private.use()
    finally:
        os.umask(old)
    for path in (private.folder, *private.folder.rglob("*")):
        assert not stat.S_IMODE(path.lstat().st_mode) & 0o077, path


def test_no_tcp_port(private: Private) -> None:
    private.use()
    pid = running(private).pid
    mine = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    for table in ("tcp", "tcp6", "udp", "udp6"):
        rows = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        assert not mine & {f"socket:[{row.split()[9]}]" for row in rows}
    sockets = [row.split()[-1] for row in Path("/proc/net/unix").read_text().splitlines() if str(private.folder) in row]
    assert set(sockets) == {running(private).socket}


def test_the_watchdog_does_not_get_a_password_from_the_environment(
    private: Private, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECTS_MONGO_URI", "mongodb://u:geheim@host")
    private.use()
    for pid in (running(private).pid, running(private).watchdog):
        assert b"geheim" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_the_server_stops_when_it_is_idle(private: Private) -> None:
    private.use(idle=0.5)
    pid = running(private).pid
    wait_until(lambda: not born(pid))
    wait_until(lambda: not is_held(private))
    assert private.status()["running"] is False
    assert answers(private.use())


def test_a_long_command_keeps_the_server_running(private: Private) -> None:
    with private.used_elsewhere(idle=0.3, seconds=2.5) as command:
        assert command.stdout is not None
        uri = command.stdout.readline().strip()
        time.sleep(1.5)
        assert answers(uri)
    pid = running(private).pid
    wait_until(lambda: not born(pid))


def test_stop_status_path_and_reset(private: Private) -> None:
    assert server_paths(private.settings()).folder == private.folder
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
    assert not born(found["pid"])
    assert not is_held(private)
    assert private.status()["running"] is False
    assert names(private.use()) == ["kept"]
    server.stop(private.settings(), remove_data=True)
    assert private.status()["size"] == 0
    assert names(private.use()) == []


@pytest.mark.parametrize("victims", [("pid",), ("watchdog",), ("pid", "watchdog"), ("watchdog", "pid")])
def test_the_next_command_works_after_a_kill(private: Private, victims: tuple[str, ...]) -> None:
    put(private.use(), name="kept")
    before = running(private)
    for victim in victims:
        kill(getattr(before, victim))
    assert names(private.use()) == ["kept"]
    assert is_held(private)
    assert servers_of(private.folder) == [running(private).pid]
    assert running(private).pid != before.pid, "an orphan is not adopted"


@pytest.mark.parametrize("victim", ["watchdog", "ready"])
def test_an_orphan_is_stopped_without_a_start_too(private: Private, victim: str) -> None:
    private.use()
    before = running(private)
    kill(before.watchdog) if victim == "watchdog" else private.folder.joinpath("ready").unlink()
    assert private.status()["running"] is False
    assert server.stop(private.settings()) is True
    assert born(before.pid) is None
    assert not is_held(private)


def test_ten_commands_at_once_replace_an_orphan_by_one_server(private: Private) -> None:
    put(private.use(), name="kept")
    kill(running(private).watchdog)
    commands = [private.used_elsewhere() for _ in range(10)]
    results = [command.communicate() for command in commands]
    assert [command.returncode for command in commands] == [0] * 10, results
    assert servers_of(private.folder) == [running(private).pid]
    assert names(private.use()) == ["kept"]


@pytest.mark.parametrize("delay", [0.05, 0.15, 0.3, 0.5, 0.7, 0.9])
def test_a_start_that_is_killed_at_any_moment_can_be_repeated(private: Private, delay: float) -> None:
    with private.used_elsewhere() as command:
        time.sleep(delay)
        command.kill()
    assert answers(private.use())


def test_a_watchdog_without_a_server_ends(private: Private) -> None:
    private.use()
    kill(running(private).pid)
    wait_until(lambda: not is_held(private))
    assert private.status()["running"] is False


@pytest.mark.parametrize("runs", [True, False])
def test_a_folder_may_be_moved(private: Private, *, runs: bool) -> None:
    put(private.use(), name="kept")
    old = running(private)
    if not runs:
        server.stop(private.settings())
    private.folder = private.folder.rename(private.folder.parent / "Moved")
    assert names(private.use()) == ["kept"]
    assert not born(old.pid)


def test_a_copy_leaves_the_original_alone(private: Private) -> None:
    private.use()
    server.stop(private.settings())
    original = private.folder
    private.use()
    before = running(private)
    copy = original.parent / "copy"
    shutil.copytree(original, copy, ignore=shutil.ignore_patterns("*.sock", "data"))
    private.folder = copy
    private.use()
    assert running(private).pid != before.pid
    assert born(before.pid) == before.born
    server.stop(private.settings())
    private.folder = original


def test_a_removed_folder_ends_its_server(private: Private) -> None:
    private.use(idle=1)
    pid = running(private).pid
    shutil.rmtree(private.folder)
    wait_until(lambda: not born(pid))


def test_leftover_files_do_not_prevent_a_start(private: Private) -> None:
    put(private.use(), name="kept")
    before = running(private)
    kill(before.watchdog)
    kill(before.pid)
    wait_until(lambda: not born(before.pid))
    private.folder.joinpath("ready").write_bytes(b"\xff nonsense")
    assert names(private.use()) == ["kept"]


def test_another_process_with_the_recorded_id_is_not_believed(private: Private) -> None:
    private.use()
    found = running(private)
    server.stop(private.settings())
    me = found._replace(pid=os.getpid(), born=born(os.getpid()), watchdog=os.getpid(), watchdog_born=born(os.getpid()))
    ready_file.write(server_paths(private.settings()), me)
    Path(found.socket).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(found.socket)
        assert private.status()["running"] is False
    private.use()
    assert running(private).pid not in {found.pid, os.getpid()}


def test_the_error_of_a_failed_start_has_the_reason(private: Private) -> None:
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


def test_status_shows_that_the_database_is_private(private: Private, cli: Cli) -> None:
    found = json.loads(cli("status", "--json", PROJECTS_LOCAL_DIR=str(private.folder)).stdout)
    assert (found["database"]["private"], found["database"]["uri"]) == (True, None)
    assert (found["server"]["topology"], found["server"]["replica_set"]) == ("replica set", "local")


# --- announced, unless it was asked for -------------------------------------------------------------------------------


def announced(cli: Cli, private: Private, *arguments: str) -> str:
    result = cli(*arguments, PROJECTS_LOCAL_DIR=str(private.folder))
    assert result.exit_code == 0, result.stderr
    return str(result.stderr)


def test_one_line_announces_the_private_database_if_none_is_configured(private: Private, cli: Cli) -> None:
    line = f"no database is configured: using the private database in {private.folder}\n"
    assert announced(cli, private, "list", "-o", "id").count(line) == 1
    for output in ("table", "jsonl", "yaml", "csv"):
        assert announced(cli, private, "status", "-o", output) == line
    assert announced(cli, private, "status", "--json") == f"warning: {line}"
    assert announced(cli, private, "call", "projects.get_all", "--json") == f"warning: {line}"
    assert announced(cli, private, "list", "--quiet") == ""


def test_the_private_database_is_not_announced_if_it_was_requested(private: Private, cli: Cli) -> None:
    for arguments in (("local", "start"), ("local", "status"), ("local", "sample"), ("local", "path")):
        assert "no database is configured" not in announced(cli, private, *arguments)
    uri = server.ensure(private.settings())
    assert cli("status", uri=uri).stderr == ""


# --- its company and its user -----------------------------------------------------------------------------------------


def owners(uri: str) -> list[str]:
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        assert client.backend.user.distinct("_id") == [login_name()]
        return list(client.backend.company.distinct("_id"))


def test_company_and_user_exist_after_each_start_and_reset(private: Private, cli: Cli) -> None:
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
