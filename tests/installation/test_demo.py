"""`make demo`: the first command of a new user, often without a terminal."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import servers

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).parents[2]
SCRIPT = CHECKOUT / "docs" / "demo.sh"
NOWHERE = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which `projects` is this checkout, and every setting points to another database."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "projects").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m projects_cli "$@"\n')
    (programs / "projects").chmod(0o755)
    config = tmp_path / "home" / ".config" / "projects" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'uri = "{NOWHERE}"\n')
    config.chmod(0o600)
    path = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    elsewhere = {"PROJECTS_MONGO_URI": NOWHERE, "CLEARML_MONGODB_SERVICE_HOST": "127.0.0.1", "PROJECTS_READ_ONLY": "1"}
    mongod = {"PROJECTS_MONGOD": servers.MONGOD} if servers.MONGOD else {}
    return {**os.environ, **elsewhere, **mongod, "PATH": path, "PYTHONPATH": str(CHECKOUT)}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder with a short path, because the path of a socket is limited to 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="pd-"))
    yield folder / "demo"
    shutil.rmtree(folder)


def test_the_demo_in_a_pipe_shows_aligned_tables_and_notices_in_their_place(
    environment: dict[str, str], folder: Path
) -> None:
    command = ["sh", str(SCRIPT), str(folder)]
    result = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, b""), result.stdout
    assert not set(b"\t\x1b\r") & set(result.stdout)
    lines = result.stdout.decode().splitlines()
    created = next(number for number, line in enumerate(lines) if line.startswith("$ projects create "))
    notices = list(itertools.takewhile(lambda line: not line.startswith("id  "), lines[created + 1 :]))
    assert notices[-1].startswith("done: ")
    assert len(notices) <= 2, "the next command's output is mixed in"
    heading = next(line for line in lines if line.startswith("NAME "))
    assert lines[lines.index(heading) + 1].index("71a2993a") == heading.index("ID")
    assert lines[-1].startswith("End of the demo.")


def run_make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in a folder with the checkout's files, with a Python that only reports how it was called, and fails."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml", "hatch_build.py", "schema", "docs", "projects_cli"):
        (folder / name).symlink_to(CHECKOUT / name)
    python = folder / "python3.98"
    python.write_text('#!/bin/sh\n[ "$1" = -c ] || { echo "called: $*"; exit 9; }\n')
    python.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment["PATH"] = f"{folder}:{os.environ['PATH']}"
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_make_reports_the_installation_before_it_begins(tmp_path: Path) -> None:
    first, second, *_ = run_make(tmp_path, "demo", "PYTHON=python3.98").stdout.splitlines()
    assert first == "Setting up: installing the dependencies in .venv, about a minute"
    assert second.startswith("called: -m venv ")


def test_every_python_that_is_installed_runs_the_tests(tmp_path: Path) -> None:
    result = run_make(tmp_path, "test-pythons", "PYTHONS=3.97 3.98")
    assert result.stdout.splitlines() == [
        "Python 3.97 is not installed: skipped",
        "Setting up: installing the dependencies in .venv-3.98, about a minute",
        "called: -m venv --clear .venv-3.98",
    ]
    assert result.returncode != 0
