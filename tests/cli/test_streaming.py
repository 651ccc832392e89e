"""A long list is never held in memory: it streams from the cursor to standard output, in every format."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.timing import Command, Stopwatch, stopwatch
from projects_cli.config.settings import COMMUNITY_COMPANY
from projects_cli.store.client import connect
from projects_cli.store.collections import open_store
from tests import servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pymongo import MongoClient

    from tests.servers import Server

FORMATS = ("table", "json", "jsonl", "yaml", "csv", "tsv", "id")
MANY, FEW = 12_000, 2_000
WEIGHT = 3_000
"""Bytes of a description: what is held of `MANY` projects would double the process."""

TIMEOUT = 60.0


@pytest.fixture(scope="module")
def listed(standalone: Server) -> Iterator[str]:
    """Provide a database of many projects, with the unique index of a server."""
    name = servers.new_name()
    projects = standalone.client[name]["project"]
    projects.create_index([("name", 1), ("company", 1)], unique=True)
    for start in range(0, MANY, 2_000):
        projects.insert_many([_project(number) for number in range(start, start + 2_000)], ordered=False)
    yield name
    standalone.drop(name)


def _project(number: int) -> dict[str, Any]:
    name = f"project {number:06}"
    return {"_id": f"{number:032x}", "company": COMMUNITY_COMPANY, "name": name, "description": name[8] * WEIGHT}


def _environment(server: Server, database: str) -> dict[str, str]:
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**buffered, "PROJECTS_MONGO_URI": server.uri, "PROJECTS_DATABASE": database}


def _listing(output: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "projects_cli", "list", "-o", output, *arguments]


@pytest.fixture(scope="module")
def watch(standalone: Server, listed: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stopwatch]:
    folder = tmp_path_factory.mktemp("streaming")
    with stopwatch(folder, _environment(standalone, listed)) as made:
        yield made


@pytest.mark.parametrize("output", FORMATS)
def test_many_times_the_projects_need_no_more_memory(watch: Stopwatch, output: str) -> None:
    few = watch.time(Command(_listing(output, "--limit", str(FEW))), f"{output}-few")
    many = watch.time(Command(_listing(output)), f"{output}-many")
    assert watch.output(f"{output}-many").count(b"project 0" if output != "id" else b"\n") >= MANY
    assert many["memory"] < few["memory"] * 1.2


def _given(client: MongoClient[Any]) -> int:
    """Return how many documents the server has returned so far."""
    return int(client.admin.command("serverStatus")["metrics"]["document"]["returned"])


def _open_cursors(client: MongoClient[Any]) -> int:
    return int(client.admin.command("serverStatus")["metrics"]["cursor"]["open"]["total"])


def _settled(client: MongoClient[Any]) -> int:
    """Wait until the server hands out no more; gives how many there were."""
    deadline = time.monotonic() + TIMEOUT
    before = -1
    while (now := _given(client)) != before and time.monotonic() < deadline:
        before = now
        time.sleep(0.4)
    return now


@pytest.mark.parametrize("output", FORMATS)
def test_a_slow_reader_slows_the_cursor_and_one_that_leaves_ends_it(
    standalone: Server, listed: str, output: str
) -> None:
    client = standalone.client
    cursors, given = _open_cursors(client), _given(client)
    with subprocess.Popen(
        _listing(output), env=_environment(standalone, listed), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        assert first
        assert _settled(client) - given < MANY * 3 // 4
        assert process.poll() is None
        process.stdout.close()
        assert process.wait(timeout=TIMEOUT) == 0
        assert process.stderr.read() == b""
    assert _open_cursors(client) == cursors


def test_the_first_line_comes_while_the_rest_is_still_to_be_read(standalone: Server, tmp_path: Path) -> None:
    """A fail point lets no second batch through."""
    name = servers.new_name()
    projects = standalone.client[name]["project"]
    projects.insert_many([_project(number) for number in range(1_500)])
    admin = standalone.client.admin
    admin.command("configureFailPoint", "waitAfterPinningCursorBeforeGetMoreBatch", mode="alwaysOn")
    try:
        with subprocess.Popen(
            _listing("id"), env=_environment(standalone, name), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert first == f"{0:032x}\n".encode()
            assert process.poll() is None
            admin.command("configureFailPoint", "waitAfterPinningCursorBeforeGetMoreBatch", mode="off")
            assert process.stdout.read().count(b"\n") == 1_499
            assert process.wait(timeout=TIMEOUT) == 0
    finally:
        admin.command("configureFailPoint", "waitAfterPinningCursorBeforeGetMoreBatch", mode="off")
        standalone.drop(name)


LOTS_OF_TASKS, SOME_TASKS = 100_000, 25_000
"""Ids of tasks in the journal's chunks: what is held of all would be seen."""


def test_a_deletion_of_many_tasks_needs_no_more_memory(standalone: Server, tmp_path: Path) -> None:
    """The journal and the changes go by in chunks."""
    name, journal = servers.new_name(), servers.new_name()
    database = standalone.client[name]
    database["task"].create_index("project")
    counts = {"1" * 32: SOME_TASKS, "2" * 32: LOTS_OF_TASKS}
    for project, count in counts.items():
        one: dict[str, Any] = {"company": COMMUNITY_COMPANY, "project": project}
        database["project"].insert_one({"_id": project, "company": COMMUNITY_COMPANY, "name": project, "path": []})
        database["task"].insert_many([{"_id": f"{project[0]}{number:031x}", **one} for number in range(count)])
    environment = {**_environment(standalone, name), "PROJECTS_JOURNAL_DB": journal}
    deleting = [sys.executable, "-m", "projects_cli", "delete", "--force", "--yes", "--json"]
    with stopwatch(tmp_path, environment) as watch:
        memory = [watch.time(Command([*deleting, project]), project)["memory"] for project in counts]
        told = [json.loads(watch.output(project))["disassociated_tasks"] for project in counts]
    standalone.drop(name)
    standalone.drop(journal)
    assert told == [*counts.values()]
    assert memory[1] < memory[0] * 1.15


@pytest.mark.parametrize(("connections", "ahead"), [(1, False), (5, True)])
def test_another_question_can_be_asked_during_a_scan(
    standalone: Server, listed: str, connections: int, *, ahead: bool
) -> None:
    """Also with one connection, which a cursor whose server sends ahead would keep."""
    uri = f"{standalone.uri}&maxPoolSize={connections}&waitQueueTimeoutMS=500"
    connection = connect(uri, listed, shown="it")
    try:
        assert connection.sends_ahead() is ahead
        projects = open_store(connection, COMMUNITY_COMPANY).projects
        for number, _ in enumerate(projects.scan({}, {"_id": 1})):
            assert number or projects.count({}) == MANY
        assert number == MANY - 1
    finally:
        connection.close()
