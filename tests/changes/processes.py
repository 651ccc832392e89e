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
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
COUNT = 30_000
"""Tasks: three batches, so that there is a middle."""


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
    process = subprocess.Popen(
        [sys.executable, "-m", "projects_cli", *arguments], env=environment, stdout=pipe, stderr=pipe, text=True
    )
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
    deadline = time.monotonic() + 60
    while left(world) < least:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def left(world: World) -> int:
    """Return how many tasks are in no project."""
    return world.documents["task"].count_documents({"project": None})
