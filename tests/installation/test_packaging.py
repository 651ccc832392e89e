"""The files of packaging/, as far as they can be run without systemd, cron, Kubernetes and a container engine."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from packaging.requirements import Requirement

from projects_cli import __version__
from projects_cli.config.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server

PACKAGING = Path(__file__).parents[2] / "packaging"
PROGRAM = "/usr/local/bin/projects"
UNWRITABLE = "/proc/nothing"
"""A folder that not even root can create: as on a read-only root file system."""


class Place:
    """A folder with the program and a file with the URI of a database, for a process without any environment."""

    def __init__(self, folder: Path, uri: str, database: str) -> None:
        """Write both."""
        self.program = folder / "projects"
        self.program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m projects_cli "$@"\n')
        self.program.chmod(0o755)
        self.uri = folder / "uri"
        base, _, options = uri.partition("/?")
        self.uri.write_text(f"{base}/{database}?{options}\n")
        self.uri.chmod(0o600)

    def run(self, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command in an environment that has only these variables."""
        path = {"PATH": os.defpath, "HOME": UNWRITABLE, "PYTHONPATH": str(PACKAGING.parent)}
        command = command.replace(PROGRAM, shlex.quote(str(self.program)))
        variables = {name: value.replace("/etc/projects/uri", str(self.uri)) for name, value in environment.items()}
        return subprocess.run(
            ["sh", "-c", command],
            env={**path, **variables},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def place(tmp_path: Path, standalone: Server) -> Iterator[Place]:
    name = standalone.borrow_indexed()
    yield Place(tmp_path, standalone.uri, name)
    standalone.give_back(name)


def unit(name: str) -> dict[str, list[str]]:
    """Return the values of each setting of a unit file."""
    values: dict[str, list[str]] = {}
    for line in (PACKAGING / name).read_text("utf-8").splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            values.setdefault(key, []).append(value)
    return values


def known_variables(names: set[str]) -> bool:
    known = {variable for setting in SETTINGS for variable in [setting.variable] if variable}
    return {name for name in names if name.startswith("PROJECTS_")} <= known


def test_the_service_runs_with_what_its_unit_gives_it(place: Place, tmp_path: Path) -> None:
    settings = unit("projects-doctor.service")
    folders = {"%d": str(tmp_path), "%C": str(tmp_path / "cache")}
    variables = dict(word.split("=", 1) for word in " ".join(settings["Environment"]).split())
    for name, value in variables.items():
        variables[name] = re.sub("%[dC]", lambda match: folders[match[0]], value)
    assert known_variables(set(variables))
    assert settings["LoadCredential"] == ["uri:/etc/projects/uri"]
    result = place.run(*settings["ExecStart"], **variables)
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_accepts_the_units(place: Place, tmp_path: Path) -> None:
    for name in ("projects-doctor.service", "projects-doctor.timer"):
        text = (PACKAGING / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace(PROGRAM, str(place.program)))
    verify = ["systemd-analyze", "verify", "--man=no", *map(str, tmp_path.glob("projects-doctor.*"))]
    result = subprocess.run(verify, check=False, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    exposure = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(tmp_path / verify[-1])]
    exposure[-1] = str(tmp_path / "projects-doctor.service")
    assert subprocess.run(exposure, check=False, capture_output=True).returncode == 0, "the unit is less confined"


def test_the_lines_of_the_crontab_print_nothing_if_there_is_nothing_to_do(place: Place) -> None:
    lines = [line for line in (PACKAGING / "crontab").read_text("utf-8").splitlines() if line and line[0] != "#"]
    variables = dict(line.split("=", 1) for line in lines if re.match("[A-Z_]+=", line))
    assert known_variables(set(variables))
    jobs = [line.split(None, 5) for line in lines if not re.match("[A-Z_]+=", line)]
    assert len(jobs) == 2
    for *times, command in jobs:
        assert all(re.fullmatch(r"\*|\d{1,2}", time) for time in times)
        assert "%" not in command, "cron ends a line there"
        result = place.run(command, **variables)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), command


def test_the_job_of_kubernetes_runs_confined_with_the_secret_as_a_file(place: Place) -> None:
    job: dict[str, Any] = yaml.safe_load((PACKAGING / "cronjob.yaml").read_text("utf-8"))
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == f"projects:{__version__}"
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    variables = {entry["name"]: entry["value"] for entry in container["env"]}
    assert known_variables(set(variables))
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert {volume["name"] for volume in pod["volumes"]} == set(mounts)
    assert mounts["uri"]["readOnly"]
    assert variables["PROJECTS_MONGO_URI_FILE"] == f"{mounts['uri']['mountPath']}/uri"
    variables["PROJECTS_MONGO_URI_FILE"] = str(place.uri)
    result = place.run(shlex.join([PROGRAM, *container["args"]]), **variables)
    assert result.returncode == 0, result.stderr


def test_the_image_runs_the_program_without_root_and_without_a_place_to_write(place: Place) -> None:
    lines = (PACKAGING / "Containerfile").read_text("utf-8").replace("\\\n", " ").splitlines()
    instructions = [line.split(None, 1) for line in lines if line and line[0] != "#"]
    final = {name: value for name, value in instructions}  # noqa: C416 - the last of each
    assert final["USER"] == "65532:65532"
    assert final["ENTRYPOINT"] == '["/opt/projects/bin/projects"]'
    variables = dict(word.split("=", 1) for word in final["ENV"].split())
    assert variables.pop("PATH").startswith("/opt/projects/bin:")
    variables |= {"HOME": UNWRITABLE, "PROJECTS_MONGO_URI": place.uri.read_text().strip()}
    result = place.run(f"{PROGRAM} status --json", **variables)
    assert result.returncode == 0, result.stderr


def test_the_image_has_the_locked_dependencies(tmp_path: Path) -> None:
    (command,) = re.findall("sed '(.+?)'", (PACKAGING / "Containerfile").read_text("utf-8"))
    lock = PACKAGING.parent / "requirements.txt"
    text = subprocess.run(["sed", command, str(lock)], check=True, capture_output=True, text=True).stdout
    constraints = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    names = {Requirement(line).name for line in constraints}
    assert {"pymongo", "typer", "orjson"} <= names
