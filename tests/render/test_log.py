"""`--log-file` and `--progress json`: what programs read of a run."""

from __future__ import annotations

import json
import stat
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds.site import Site


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_log_has_every_message_of_a_run_and_its_id(site: Site, tmp_path: Path) -> None:
    log = tmp_path / "log"
    site.project("old\nname")
    site.json("delete", "old\nname", "--yes", "--log-file", str(log))
    site.text("undo", "--yes", "--quiet", PROJECTS_LOG_FILE=str(log))
    assert site("get", "missing", "--log-file", str(log)).exit_code == 3
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    written = lines(log)
    assert all(line.keys() == {"time", "run", "level", "message"} for line in written)
    assert all(datetime.fromisoformat(line["time"]).tzinfo for line in written)
    texts = [(line["level"], line["message"]) for line in written]
    assert ("info", "done: delete the project 'old\nname' (1 project, 0 tasks, 0 models)") in texts
    assert ("error", "there is no project 'missing'") in texts
    assert [text for level, text in texts if text.startswith("ended")] == [
        "ended with status 0",
        "ended with status 0",
        "ended with status 3",
    ]
    runs = list(dict.fromkeys(line["run"] for line in written))
    assert len(runs) == 3
    assert [run["id"] for run in site.json("history")["runs"]] == [runs[0]]


def test_a_log_has_no_secret(site: Site, tmp_path: Path) -> None:
    log = tmp_path / "log"
    result = site(
        "list", "--uri", "mongodb://ada:hunter2@nowhere.invalid/?serverSelectionTimeoutMS=1", PROJECTS_LOG_FILE=str(log)
    )
    assert result.exit_code == 69
    assert "hunter2" not in log.read_text()
    assert "started: " in log.read_text()


@pytest.mark.parametrize("path", ["", "/no such folder/log", "."])
def test_a_log_that_cannot_be_opened_is_refused_before_anything_is_done(site: Site, path: str) -> None:
    message = site.error("create", "new", "-d", "y", f"--log-file={path}", status=2)["message"]
    assert message.startswith("cannot open the log") or "--log-file" in message
    assert site.names() == []


def test_a_full_disk_ends_the_log_and_not_the_change(site: Site) -> None:
    result = site("create", "new", "-d", "y", "--log-file", "/dev/full")
    assert (result.exit_code, site.names()) == (0, ["new"])
    assert "warning: the log can't be written any more: it ends here" in result.stderr


def test_progress_for_programs_is_json(site: Site) -> None:
    project = site.project("many")
    site.documents.task.insert_many(
        {"_id": f"t{n}", "company": site.stored(project)["company"], "project": project} for n in range(12_000)
    )
    result = site("delete", "many", "--force", "--progress", "json", "--json")
    progress = [json.loads(line)["progress"] for line in result.stderr.splitlines()]
    assert progress[-1]["done"] == progress[-1]["total"] == 12_001
    assert all(line.keys() == {"done", "total", "seconds"} for line in progress)
    assert site("list", "--progress", "loud").exit_code == 2
