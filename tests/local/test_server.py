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
from projects_cli.local.paths import make_private, server_paths
from projects_cli.private_files import lock
from projects_cli.process_identity import born
from projects_cli.store.index_definitions import INDEXES
from tests.local.conftest import processes_with
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
    return [pid for pid in processes_with(f"--dbpath={folder / 'data'}") if "-I" not in process_identity.arguments(pid)]


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


def test_first_start_gives_a_server_with_transactions_and_indexes(shared: Private) -> None:
    uri = server.ensure(shared.settings())
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        with client.start_session() as session, session.start_transaction():
            client.backend.sign.insert_one({"name": "a"}, session=session)
        for collection, wanted in INDEXES.items():
            made = set(client.backend[collection].index_information())
            assert made == {"_id_", *(index["name"] for index in wanted)}


def test_a_running_server_is_used_without_pymongo_or_a_process(shared: Private) -> None:
    before = running(shared)
    code = (
        "import sys, os; from pathlib import Path; from projects_cli.config.resolution import resolve; "
        "from projects_cli.local import server; "
        f"server.ensure(resolve({{'local_dir': {str(shared.folder)!r}}}, os.environ, Path('/'))); "
        "sys.exit(any(name in sys.modules for name in ('pymongo', 'subprocess', 'projects_cli.local.lifecycle')))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
    assert running(shared) == before


def test_ten_first_commands_at_once_share_one_server(private: Private) -> None:
    commands = [private.used_elsewhere() for _ in range(10)]
    results = [command.communicate() for command in commands]
    assert [command.returncode for command in commands] == [0] * 10, results
    assert len({out for out, _ in results}) == 1
    assert servers_of(private.folder) == [running(private).pid]


def test_other_users_have_no_access(shared: Private) -> None:
    for path in (shared.folder, *shared.folder.rglob("*")):
        assert not stat.S_IMODE(path.lstat().st_mode) & 0o077, path


def test_no_tcp_port(shared: Private) -> None:
    pid = running(shared).pid
    mine = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    for table in ("tcp", "tcp6", "udp", "udp6"):
        rows = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        assert not mine & {f"socket:[{row.split()[9]}]" for row in rows}
    sockets = [row.split()[-1] for row in Path("/proc/net/unix").read_text().splitlines() if str(shared.folder) in row]
    assert set(sockets) == {running(shared).socket}


def test_the_watchdog_does_not_get_a_password_from_the_environment(shared: Private) -> None:
    for pid in (running(shared).pid, running(shared).watchdog):
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


def test_stop_status_path_and_reset(private: Private, cli: Cli) -> None:
    here = {"PROJECTS_LOCAL_DIR": str(private.folder)}
    assert server_paths(private.settings()).folder == private.folder
    assert private.status()["running"] is False
    assert not private.folder.exists(), "looking makes nothing"
    assert server.stop(private.settings()) is False
    uri = private.use()
    put(uri, name="kept")
    found = private.status()
    assert found["running"] is True
    assert found["version"].startswith("6.")
    assert found["size"] > 100_000
    assert found["last_used"] < found["stops_at"]
    check_owners(uri)
    assert cli("create", "vision", "-d", "x", **here).exit_code == 0
    assert server.stop(private.settings()) is True
    assert not born(found["pid"])
    assert not is_held(private)
    assert private.status()["running"] is False
    uri = private.use()
    assert names(uri) == ["kept", "vision"]
    check_owners(uri)
    assert cli("local", "reset", "--yes", **here).exit_code == 0
    assert private.status()["size"] == 0
    uri = private.use()
    assert names(uri) == []
    check_owners(uri)
    assert cli("create", "vision", "-d", "x", **here).exit_code == 0
    refused = cli("create", "audio", "-d", "x", "--company", "acme", **here)
    assert (refused.exit_code, "--new-company" in refused.stderr) == (4, True)


def check_owners(uri: str) -> None:
    """Check that the database has its company and its user, and no others."""
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        assert client.backend.user.distinct("_id") == [login_name()]
        assert client.backend.company.distinct("_id") == [COMMUNITY_COMPANY]


@pytest.mark.parametrize("victims", [("pid",), ("watchdog",), ("pid", "watchdog"), ("watchdog", "pid", "ready file")])
def test_the_next_command_works_after_a_kill(private: Private, victims: tuple[str, ...]) -> None:
    put(private.use(), name="kept")
    before = running(private)
    for victim in victims:
        if victim == "ready file":
            private.folder.joinpath("ready").write_bytes(b"\xff nonsense")
        else:
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
    original = private.folder
    private.use()
    before = running(private)
    copy = original.parent / "copy"
    shutil.copytree(original, copy, ignore=shutil.ignore_patterns("*.sock", "data"))
    private.folder = copy
    private.use()
    assert running(private).pid != before.pid
    assert born(before.pid) == before.born


def test_a_removed_folder_ends_its_server(private: Private) -> None:
    private.use(idle=1)
    pid = running(private).pid
    shutil.rmtree(private.folder)
    wait_until(lambda: not born(pid))


def test_another_process_with_the_recorded_id_is_not_believed(private: Private) -> None:
    paths = server_paths(private.settings())
    make_private(paths.folder)
    pid, birth = os.getpid(), born(os.getpid())
    ready_file.write(paths, ready_file.Server(pid, birth, pid, birth, str(paths.socket), time.time(), "6.0.5"))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(paths.socket))
        assert private.status()["running"] is False
    private.use()
    assert running(private).pid != os.getpid()


def test_the_error_of_a_failed_start_has_the_reason(private: Private) -> None:
    data = server_paths(private.settings()).data
    make_private(data)
    for name in ("WiredTiger", "WiredTiger.turtle", "WiredTiger.wt"):
        data.joinpath(name).write_bytes(b"no data")
    with pytest.raises(NoPrivateServer) as caught:
        server.ensure(private.settings())
    assert str(private.folder / "mongod.log") in caught.value.message
    assert "WiredTiger.turtle" in caught.value.message


def test_the_log_does_not_grow_without_end(private: Private) -> None:
    make_private(private.folder)
    log = private.folder / "mongod.log"
    log.write_bytes(b"x" * 2_000_000)
    private.use()
    assert log.stat().st_size < 1_000_000
    assert log.with_suffix(".log.1").stat().st_size == 2_000_000


def test_status_shows_that_the_database_is_private(shared: Private, cli: Cli) -> None:
    found = json.loads(cli("status", "--json", PROJECTS_LOCAL_DIR=str(shared.folder)).stdout)
    assert (found["database"]["private"], found["database"]["uri"]) == (True, None)
    assert (found["server"]["topology"], found["server"]["replica_set"]) == ("replica set", "local")


# --- announced, unless it was asked for -------------------------------------------------------------------------------


def announced(cli: Cli, shared: Private, *arguments: str) -> str:
    result = cli(*arguments, PROJECTS_LOCAL_DIR=str(shared.folder))
    assert result.exit_code == 0, result.stderr
    return str(result.stderr)


def test_one_line_announces_the_private_database_if_none_is_configured(shared: Private, cli: Cli) -> None:
    line = f"no database is configured: using the private database in {shared.folder}\n"
    assert announced(cli, shared, "list", "-o", "id").count(line) == 1
    for output in ("table", "jsonl", "yaml", "csv"):
        assert announced(cli, shared, "status", "-o", output) == line
    assert announced(cli, shared, "status", "--json") == f"warning: {line}"
    assert announced(cli, shared, "call", "projects.get_all", "--json") == f"warning: {line}"
    assert announced(cli, shared, "list", "--quiet") == ""


def test_the_private_database_is_not_announced_if_it_was_requested(shared: Private, cli: Cli) -> None:
    for arguments in (("local", "start"), ("local", "status"), ("local", "sample"), ("local", "path")):
        assert "no database is configured" not in announced(cli, shared, *arguments)
    uri = server.ensure(shared.settings())
    assert cli("status", uri=uri).stderr == ""
