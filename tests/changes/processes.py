"""The program as a process on a world, and a large delete that can be interrupted."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.worlds.world import COMPANY, DETECTOR, VISION, YOLO, Content, World, content_of, member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
COUNT = 6_000
"""Tasks of a large delete: three batches of `PROGRAM` in each of two projects, so that there is a middle."""

SLOWED = """
import time
from pymongo import monitoring
from projects_cli.changes import chunks

class Pause(monitoring.CommandListener):
    def started(self, event): pass
    def failed(self, event): pass
    def succeeded(self, event):
        if event.command_name == "update":
            time.sleep(0.1)

monitoring.register(Pause())
chunks.IDS = 1_000
from projects_cli.__main__ import main
main()
"""
PROGRAM = (sys.executable, "-c", SLOWED)
"""The program with batches of 1,000 tasks instead of 10,000: a tenth of the documents has as many batches.

It pauses after each write, because on a busy machine a test would notice the middle only when it is over.
"""


def large(count: int = COUNT) -> Content:
    """Return a site with many tasks in a project and in one below it."""
    tasks = [member(1000 + number, DETECTOR if number % 2 else YOLO) for number in range(count)]
    return content_of({"project": [VISION, DETECTOR, YOLO], "task": tasks})


def settings_of(world: World) -> dict[str, str]:
    """Return the variables that lead a command to a world."""
    return {
        "PROJECTS_MONGO_URI": world.server.uri,
        "PROJECTS_DATABASE": world.name,
        "PROJECTS_JOURNAL_DB": world.journal_name,
        "PROJECTS_COMPANY": COMPANY,
    }


@contextmanager
def command(world: World, *arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command on a world as a process; keywords are environment variables."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings_of(world), **variables}
    pipe = subprocess.PIPE
    process = subprocess.Popen([*PROGRAM, *arguments], env=environment, stdout=pipe, stderr=pipe, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def run(world: World, *arguments: str, **variables: str) -> tuple[int, str]:
    """Run a command to its end; gives its status and all that it wrote."""
    with command(world, *arguments, **variables) as process:
        shown, said = process.communicate(timeout=120)
        return process.returncode, shown + said


def run_here(world: World, *arguments: str, **variables: str) -> tuple[int, str]:
    """Run a command likewise, without a process of its own: much sooner."""
    from typer.testing import CliRunner

    from projects_cli.cli.app import app

    done = CliRunner().invoke(app, list(arguments), env={**settings_of(world), **variables})
    return int(done.exit_code), done.stdout + done.stderr


def await_middle(world: World, *, least: int = 1) -> None:
    """Wait until some tasks have left and others have not."""
    _await(lambda: world.documents["task"].count_documents({"project": None}, limit=least) == least)
    _slow_down(world)
    assert world.documents["task"].find_one({"project": {"$ne": None}}), "too late"


def await_back(world: World) -> None:
    """Wait until some tasks are back in their projects and others are not."""
    _await(lambda: world.documents["task"].find_one({"project": {"$ne": None}}) is not None)
    _slow_down(world)


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _slow_down(world: World) -> None:
    """Let the server pause for 50 ms wherever an update of many tasks lets others in, 30 times.

    Without it, a busy machine could be too late to do something in the middle.
    """
    slow = {"waitForMillis": 50, "namespace": f"{world.name}.task"}
    world.server.client.admin.command("configureFailPoint", "setYieldAllLocksWait", mode={"times": 30}, data=slow)


def left(world: World) -> int:
    """Return how many tasks are in no project."""
    return world.documents["task"].count_documents({"project": None})
