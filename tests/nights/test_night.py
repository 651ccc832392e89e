"""`docs/recipes/night.sh`, as cron runs it: killed at random moments, and continued by the next night."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from projects_cli.store.admin import create_indexes
from projects_cli.store.index_definitions import SERVER
from tests.worlds.site import COMPANY

if TYPE_CHECKING:
    from tests.worlds.site import Document, Site

NIGHT = Path(__file__).parents[2] / "docs" / "recipes" / "night.sh"
PROJECTS = int(os.environ.get("PROJECTS_NIGHT_SIZE", "300"))
"""How many projects there are, with ten tasks for each: 20,000 is the size of a large site."""

KILLS = 4
NOW = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
OLD = NOW - timedelta(days=400)
POLICY = '[policies.nightly]\nolder-than = "90d"\nonly-archived = true\nhidden = false\nmax-duration = "1h"\n'


def fill(site: Site) -> None:
    """Store trees of ten projects each, with the indexes of a server: half are old, and half of those archived."""
    create_indexes(site.documents, SERVER)
    projects: list[Document] = []
    tasks: list[Document] = []
    for number in range(PROJECTS):
        tree, level = divmod(number, 10)
        root = f"{tree:030}00"
        identifier = root if level == 0 else f"{tree:030}{level:02}"
        last = OLD if tree % 2 else NOW - timedelta(days=tree % 80)
        tags = [["prod"], ["Prod", "x"], ["production"], ["prod", "production"]][number % 4]
        name = f"tree {tree}" + f"/part {level}" * (level > 0)
        projects.append({"_id": identifier, "company": COMPANY, "user": "owner", "name": name, "tags": tags})
        projects[-1] |= {"parent": root if level else None, "path": [root] * (level > 0), "last_update": last}
        projects[-1] |= {"basename": name.rpartition("/")[2]}
        projects[-1] |= {"system_tags": [], "description": "", "created": OLD, "featured": 9999}
        for task in range(10):
            system_tags = ["archived"] * (tree % 4 == 1)
            tasks.append({"_id": f"t{number:020}{task:011}", "company": COMPANY, "project": identifier, "tags": tags})
            tasks[-1] |= {"name": "task", "system_tags": system_tags, "status": "completed", "last_update": last}
            tasks[-1] |= {"user": "owner", "type": "training", "created": OLD, "last_change": last}
    site.documents.project.insert_many(projects)
    site.documents.task.insert_many(tasks)


@pytest.fixture
def environment(site: Site, tmp_path: Path) -> dict[str, str]:
    """Return all that cron knows of the site: almost nothing."""
    programs, home = tmp_path / "bin", tmp_path / "home"
    (home / ".config" / "projects").mkdir(parents=True)
    (home / ".config" / "projects" / "config.toml").write_text(POLICY)
    programs.mkdir()
    (programs / "projects").write_text(f'#!/bin/sh\nexec {sys.executable} -m projects_cli "$@"\n')
    (programs / "projects").chmod(0o755)
    return {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HOME": str(home),
        "PYTHONPATH": str(NIGHT.parents[2]),
        "PROJECTS_MONGO_URI": site.server.uri,
        "PROJECTS_DATABASE": site.name,
    }


def night(folder: Path, environment: dict[str, str], *, killed_after: float | None = None) -> tuple[int, str, float]:
    """Run the script; with its children it is killed after a time. Return status, output and seconds."""
    began = time.monotonic()
    process = subprocess.Popen(
        [str(NIGHT), str(folder)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=killed_after or 1800)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
    return process.returncode, output, time.monotonic() - began


def test_a_night_that_is_killed_is_finished_by_the_next(
    site: Site, tmp_path: Path, environment: dict[str, str]
) -> None:
    fill(site)
    original = site.everything()
    folder = tmp_path / "backups"
    status, output, seconds = night(folder, environment)
    assert status == 0, output
    wanted = site.everything()
    # The archived old trees are gone, with their tasks left, and there is one spelling of the tag.
    gone = [tree for tree in range(PROJECTS // 10) if tree % 4 == 1]
    assert f"deleted {len(gone) * 10} projects, with {len(gone) * 100} tasks" in output
    assert len(wanted["project"]) == PROJECTS - 10 * len(gone)
    assert len(wanted["task"]) == PROJECTS * 10
    tags = {tag for kind in ("project", "task") for one in wanted[kind] for tag in one["tags"]}
    assert tags == {"prod", "x"}
    restore(site)
    assert site.everything() == original
    moments = random.Random(f"{seconds:.0f}")
    for _ in range(KILLS):  # each has less left to do than the first one, which was not killed
        night(folder, environment, killed_after=moments.uniform(0.2, seconds / 2))
    status, output, _ = night(folder, environment)
    assert status == 0, output
    assert without_times(site.everything()) == without_times(wanted)
    assert {run["state"] for run in site.json("history")["runs"]} <= {"done", "undone"}
    # A file that has the name of a backup is complete.
    for file in folder.glob("*.gz"):
        lines = gzip.decompress(file.read_bytes()).splitlines()
        assert json.loads(lines[-1]).keys() == {"end"}, file
    restore(site)
    assert site.everything() == original


def without_times(documents: dict[str, list[Document]]) -> dict[str, list[Document]]:
    """Return documents without the times at which they were changed."""
    times = {"last_update", "last_change"}
    return {
        kind: [{name: one[name] for name in one if name not in times} for one in some]
        for kind, some in documents.items()
    }


def restore(site: Site) -> None:
    """Undo all runs, the newest first."""
    for run in site.json("history")["runs"]:
        if run["state"] == "done":
            site.text("undo", run["id"], "--yes")
