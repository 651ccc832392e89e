"""What works without all that Python lacks on Windows: everything on a database by its URI."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pymongo
import pytest

from projects_cli import private_files
from tests.faults.nodes import one_node
from tests.running import ROOT
from tests.worlds.site import COMPANY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.nodes import Node

    Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """Run a server on a port: Windows has no Unix sockets."""
    with one_node() as running:
        yield running


@pytest.fixture
def windows(node: Node, tmp_path: Path) -> Iterator[Run]:
    """Run the program as Windows would, in a user's profile, on an empty database."""
    folders = {name: str(tmp_path / name) for name in ("APPDATA", "LOCALAPPDATA")}
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "USERNAME": "ana", **folders}
    variables |= {"PROJECTS_MONGO_URI": node.uri, "PROJECTS_DATABASE": tmp_path.name, "PROJECTS_USER": "ana"}

    def run(*arguments: str, stdin: str = "", **others: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in (variables | others).items() if value}
        return subprocess.run(
            [sys.executable, "-m", "tests.windows", *arguments],
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    with pymongo.MongoClient[dict[str, Any]](node.uri) as client:
        client[tmp_path.name].user.insert_one({"_id": "ana", "name": "Ana Souza", "company": COMPANY})
        yield run
        client.drop_database(tmp_path.name)
        client.drop_database("projects_cli")


def found(windows: Run) -> list[dict[str, Any]]:
    projects: list[dict[str, Any]] = json.loads(text(windows("list", "--json")))["projects"]
    return projects


def text(result: subprocess.CompletedProcess[str], status: int = 0) -> str:
    assert result.returncode == status, result.stderr
    return result.stdout


def test_projects_are_created_changed_deleted_and_restored(windows: Run, tmp_path: Path) -> None:
    text(windows("create", "vision/détection", "--tag", "prod"))
    text(windows("update", "vision/détection", "--add-tag", "urgent"))
    projects = found(windows)
    assert [project["name"] for project in projects] == ["vision", "vision/détection"]
    assert json.loads(text(windows("get", "vision/détection", "--json")))["project"]["tags"] == ["prod", "urgent"]
    request = {"id": 1, "endpoint": "projects.update", "params": {"project": projects[1]["id"], "description": "new"}}
    assert json.loads(text(windows("batch", "-", "--yes", stdin=json.dumps(request))))["data"]["updated"] == 1
    assert text(windows("list", "-o", "id")).split() == [project["id"] for project in projects]
    log = tmp_path / "log"
    text(windows("delete", "vision", "--force", "--yes", "--log-file", str(log)))
    assert found(windows) == []
    text(windows("undo", "--yes"))
    assert [project["name"] for project in found(windows)] == ["vision", "vision/détection"]
    runs = json.loads(text(windows("history", "--json")))["runs"]
    assert sorted(run["state"] for run in runs) == ["done", "done", "done", "undone"]
    assert {json.loads(line)["level"] for line in log.read_text("utf-8").splitlines()} == {"info"}
    assert text(windows("status"))


def test_settings_and_caches_are_in_the_profile_of_the_user(windows: Run, tmp_path: Path, node: Node) -> None:
    (tmp_path / "uri").write_text(node.uri, "utf-8")
    (tmp_path / "uri").chmod(0o644)
    text(windows("config", "set", "profiles.site.uri-file", str(tmp_path / "uri")))
    text(windows("config", "set", "profiles.site.database", tmp_path.name))
    configuration = tmp_path / "APPDATA" / "projects" / "config.toml"
    assert json.loads(text(windows("config", "path", "--json")))["path"] == str(configuration)
    assert configuration.is_file()
    text(windows("list", "--profile", "site", PROJECTS_MONGO_URI="", PROJECTS_DATABASE=""))
    (tmp_path / "own.conf").write_text((ROOT / "schema" / "projects.conf").read_text("utf-8") + "\n", "utf-8")
    for _ in range(2):  # compiled, then from the cache
        text(windows("schema", "--schema", str(tmp_path / "own.conf")))
    assert len(list((tmp_path / "LOCALAPPDATA" / private_files.APPLICATION).glob("schema-*.bin"))) == 1


def test_files_take_the_place_of_others_although_open_files_cannot_be_moved(windows: Run, tmp_path: Path) -> None:
    file, stale = tmp_path / "export.jsonl", tmp_path / f".export.jsonl{private_files.NEW}stale"
    stale.touch()
    text(windows("create", "vision"))
    text(windows("export", "--to", str(file)))
    text(windows("export", "--to", str(file)))
    assert not stale.exists()
    text(windows("delete", "vision", "--yes"))
    text(windows("import", str(file), "--yes"))
    assert [project["name"] for project in found(windows)] == ["vision"]
    urls = tmp_path / "urls"
    text(windows("delete", "vision", "--force", "--delete-contents", "--urls-file", str(urls), "--yes"))
    assert urls.exists()


def test_a_lock_excludes_other_processes_until_its_holder_ends(tmp_path: Path) -> None:
    code = (
        "import os, sys, tests.windows; tests.windows.become(); from projects_cli import private_files as files\n"
        "descriptor = files.open_lock(sys.argv[1]); os.write(descriptor, b'x')\n"
        "print(files.lock(descriptor), os.lseek(descriptor, 0, os.SEEK_CUR), flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "lock")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True 1\n"
        assert subprocess.run(command, input="", stdout=pipe, text=True, cwd=ROOT, check=True).stdout == "False 1\n"
        holder.kill()
        holder.wait()
        assert subprocess.run(command, input="", stdout=pipe, text=True, cwd=ROOT, check=True).stdout == "True 1\n"


def test_the_private_database_says_in_one_line_why_not(windows: Run) -> None:
    for arguments in (("list",), ("local", "start"), ("local", "status"), ("local", "sample"), ("local", "path")):
        result = windows(*arguments, PROJECTS_MONGO_URI="")
        assert result.returncode == 69
        assert result.stdout == ""
        assert result.stderr.splitlines() == [
            "error: the private database needs Linux or macOS",
            "hint: name a database with PROJECTS_MONGO_URI, or use WSL",
        ]
