"""Workflows and pre-commit run what a developer runs: make targets, and the commands of `make lint`."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).parents[2]
WORKFLOWS = {
    path.name: yaml.load(path.read_text("utf-8"), yaml.BaseLoader)  # noqa: S506 - `on` is a key, not true
    for path in (CHECKOUT / ".github" / "workflows").iterdir()
}
PYPROJECT: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
PYTHONS = [
    line.rpartition(" ")[2] for line in PYPROJECT["project"]["classifiers"] if re.search(r"Python :: 3\.\d+$", line)
]


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


RUNS = sorted({step["run"] for workflow in WORKFLOWS.values() for step in steps(workflow) if "run" in step})


def planned(*arguments: str) -> list[str]:
    """Return the commands that make would run; a set-up that is missing comes first."""
    command = ["make", "--dry-run", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.splitlines()


@pytest.mark.parametrize("run", RUNS)
def test_every_step_is_a_make_target(run: str) -> None:
    program, _, *variables = run.split()
    assert program == "make"
    assert all(re.fullmatch(r'[A-Z]+="\$[A-Z_]+"', variable) for variable in variables)


def test_every_supported_python_runs_the_tests() -> None:
    assert WORKFLOWS["ci.yml"]["jobs"]["tests"]["strategy"]["matrix"]["python"] == PYTHONS
    assert f"PYTHONS ?= {' '.join(PYTHONS)}\n" in (CHECKOUT / "Makefile").read_text("utf-8")
    assert PYPROJECT["project"]["requires-python"] == f">={PYTHONS[0]}"


def test_all_of_it_runs_once_a_week_and_with_the_newest_and_oldest_dependencies() -> None:
    workflow = WORKFLOWS["ci.yml"]
    (timer,) = workflow["on"]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* \d", timer["cron"])
    assert {"make test", "make test-newest", "make test-oldest", "make smoke", "make lint"} <= {
        step["run"] for step in steps(workflow) if "run" in step
    }
    assert not [job for job in workflow["jobs"].values() if "if" in job]


def test_only_the_job_that_publishes_has_a_privilege() -> None:
    for name, workflow in WORKFLOWS.items():
        assert workflow["permissions"] == {"contents": "read"}
        assert all(int(job["timeout-minutes"]) <= 60 for job in workflow["jobs"].values())
        privileged = {job for job, content in workflow["jobs"].items() if "permissions" in content}
        assert privileged == ({"publish"} if name == "publish.yml" else set())
    publish = WORKFLOWS["publish.yml"]["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    # It runs no code of this repository.
    assert [step["uses"].partition("@")[0] for step in publish["steps"]] == [
        "actions/download-artifact",
        "pypa/gh-action-pypi-publish",
    ]


def test_pre_commit_runs_the_commands_of_make_lint() -> None:
    configuration = yaml.safe_load((CHECKOUT / ".pre-commit-config.yaml").read_text("utf-8"))
    entries = [hook["entry"] for repository in configuration["repos"] for hook in repository["hooks"]]
    assert entries == planned("lint")[-len(entries) :]
    set_up = ("pip", "tools.built")  # planned if a source is newer
    assert len(entries) == sum(
        ".venv/bin/" in line and not any(word in line for word in set_up) for line in planned("lint")
    )


def test_a_tag_of_another_version_is_refused() -> None:
    command = ["make", "--no-print-directory", "check-tag", "TAG=v0.0.7"]
    result = subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True, text=True)
    assert result.returncode != 0
    assert "the tag 'v0.0.7' is not that of projects " in result.stdout
