"""A deleted working folder: no command ends in a traceback, and commands that need no folder work."""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.running import PROGRAM, environment_of

if TYPE_CHECKING:
    from pathlib import Path

RELATIVE = "the working folder does not exist"
NOWHERE = {"PROJECTS_MONGO_URI": "mongodb://127.0.0.1:1", "PROJECTS_TIMEOUT": "0.2s"}


def run_in_removed_folder(
    folder: Path, command: str, stdin: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    gone = folder / "gone"
    gone.mkdir()
    remove = f'rmdir {shlex.quote(str(gone))}; exec "$@"'
    return subprocess.run(
        ["/bin/sh", "-c", remove, "sh", *PROGRAM, *shlex.split(command)],
        cwd=gone,
        env=environment_of(None, **variables),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    [
        "--version",
        "--help",
        "",
        "help list",
        "help environment",
        "list --help",
        "config list",
        "config path",
        "config get uri",
        "config set output json",
        "profile list",
        "local status",
        "local path",
        "schema",
        "completion bash",
        "call projects.get_all --skeleton",
        "--fetch-names",
    ],
)
def test_commands_without_a_database_work(tmp_path: Path, command: str) -> None:
    result = run_in_removed_folder(tmp_path, command)
    assert (result.returncode, "Traceback" in result.stderr) == (0, False), result.stderr


def test_completion_answers(tmp_path: Path) -> None:
    words = "li\nprojects li\nprojects\nli\n"
    result = run_in_removed_folder(tmp_path, "--complete bash", words, PROJECTS_LOCAL_DIR="here")
    assert (result.returncode, result.stderr, "list" in result.stdout) == (0, "", True)


@pytest.mark.parametrize("command", ["list", "status", "doctor", "history", "undo", "create abc -d x", "batch -"])
def test_commands_with_a_database_reach_it(tmp_path: Path, command: str) -> None:
    result = run_in_removed_folder(tmp_path, command, **NOWHERE)
    assert result.returncode == (0 if command == "batch -" else 69), result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("command", "variables", "words"),
    [
        ("config set profiles.a.uri-file x", {}, RELATIVE),
        ("local status", {"PROJECTS_LOCAL_DIR": "here"}, RELATIVE),
        ("list", {"PROJECTS_LOCAL_DIR": "here"}, RELATIVE),
        ("list --uri-file x", {}, "x: No such file or directory"),
        ("call projects.get_all --data @x", {}, "x: No such file or directory"),
        ("batch x", {}, "x: No such file or directory"),
    ],
)
def test_a_relative_path_is_refused_in_words(
    tmp_path: Path, command: str, variables: dict[str, str], words: str
) -> None:
    result = run_in_removed_folder(tmp_path, command, **variables)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr
