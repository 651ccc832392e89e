"""`projects prune`: which projects a policy removes, what stays and why, and what a night's run prints."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pymongo import monitoring

from tests.worlds.site import OTHER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.worlds.site import Site

TODAY = datetime.now(UTC)
ARCHIVED = {"system_tags": ["archived"]}


def prune(site: Site, *options: str) -> Any:
    return site.json("prune", "--yes", "--quiet", *options)


@pytest.fixture
def aged(site: Site) -> Site:
    """Return a site with old projects, some of which have something in them, or below them, that is not old."""
    site.project("runs/1")
    site.task(site.project("runs/2", last_update=TODAY - timedelta(days=5)), **ARCHIVED)
    site.project("runs/2/.reports", system_tags=["hidden"])
    site.task(site.project("runs/3"), last_update=TODAY, **ARCHIVED)
    site.project("tagged", tags=["tmp"])
    site.project("tagged/keep/deep", tags=["tmp"])
    site.model(site.project("modelled"))
    site.project("shared/public", company="")
    site.task(site.project("foreign contents"), company=OTHER)
    return site


def results(answer: Any) -> dict[str, tuple[str, str]]:
    return {row["name"]: (row["result"], row["reason"]) for row in answer["projects"]}


@pytest.mark.parametrize(
    ("options", "deleted", "kept"),
    [
        # A parent is as active as what is below it; a public sub-project keeps the project above it.
        (["--older-than", "9d"], ["foreign contents", "runs/1", "tagged"], {"modelled"}),
        (["--older-than", "9d", "--only-archived"], ["foreign contents", "runs/1", "tagged"], set()),
        # A sub-project that does not match keeps its parents, and not what is below it.
        (["--tag", "tmp"], ["tagged/keep/deep"], set()),
        # A hidden sub-project goes with its project.
        (["--under", "runs", "--older-than", "1d"], ["runs/1", "runs/2"], set()),
        (["--children-of", "runs", "--keep-last", "2"], ["runs/1"], set()),
        (["--children-of", "runs", "--keep-last", "1", "--older-than", "1d"], ["runs/1"], set()),
        (["--name", "^modelled", "--force"], ["modelled"], set()),
        (["--name", "^(modelled|runs/3)"], ["runs/3"], {"modelled"}),
    ],
)
def test_a_policy_removes_what_matches_with_everything_below(
    aged: Site, options: list[str], deleted: list[str], kept: set[str]
) -> None:
    before = aged.everything()
    answer = prune(aged, *options)
    lines = results(answer)
    assert sorted(name for name, (result, _) in lines.items() if result == "deleted") == deleted
    assert {name for name, (result, _) in lines.items() if result == "kept"} == kept
    assert (answer["kept"], answer["unreached"]) == (len(kept), 0)
    stored = aged.names()
    assert all(name not in stored and not any(each.startswith(f"{name}/") for each in stored) for name in deleted)
    aged.text("undo", "--yes")
    assert aged.everything() == before


def test_a_refused_parent_does_not_keep_its_sub_projects(site: Site) -> None:
    site.task(site.project("old"))
    site.task(site.project("old/sub"), **ARCHIVED)
    lines = results(prune(site, "--older-than", "9d"))
    assert lines == {"old": ("kept", "holds tasks that are not archived: 1"), "old/sub": ("deleted", "")}
    assert site.names() == ["old"]


def test_the_lines_and_the_summary_read_well_in_a_mail(aged: Site) -> None:
    result = aged("prune", "--older-than", "9d", "--yes", "--no-header", "--fields", "name,result,tasks,reason")
    assert sorted(result.stdout.splitlines()) == [
        "foreign contents\tdeleted\t0\t",
        "modelled\tkept\t0\tholds models that are not archived: 1",
        "runs/1\tdeleted\t0\t",
        "tagged\tdeleted\t0\t",
    ]
    assert result.stderr == "deleted 5 projects, with 0 tasks and 0 models left without a project; kept 1\n"


def test_nothing_to_do_is_silent(aged: Site) -> None:
    result = aged("prune", "--tag", "no such tag", "--yes")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert prune(aged, "--tag", "no such tag")["projects"] == []


def test_a_dry_run_lists_what_would_go_and_what_stays(aged: Site) -> None:
    before = aged.everything()
    result = aged("prune", "--older-than", "9d", "--dry-run")
    assert [line.split("\t")[3] for line in result.stdout.splitlines()[1:]] == [
        "foreign contents",
        "tagged/keep/deep",
        "tagged/keep",
        "tagged",
        "runs/1",
    ]
    assert "kept: modelled: holds models that are not archived: 1" in result.stdout + result.stderr
    assert aged.everything() == before


def test_a_policy_without_a_condition_is_refused(aged: Site) -> None:
    for options in ([], ["--hidden"], ["--max-delete", "5"]):
        fault = aged.error("prune", "--yes", *options, status=2)
        assert fault["message"] == "a policy needs at least one condition: without any, every project would go"


def test_more_than_max_delete_removes_nothing(aged: Site) -> None:
    fault = aged.error("prune", "--older-than", "9d", "--max-delete", "4", "--yes", status=4)
    assert fault["message"] == "delete 3 projects: would delete 5 projects, but --max-delete is 4"


def test_without_a_terminal_a_confirmation_is_needed(aged: Site) -> None:
    aged.error("prune", "--older-than", "9d", status=2)
    aged.error("prune", "--older-than", "9d", "--confirm", "4 projects", status=2)
    assert aged("prune", "--older-than", "9d", "--confirm", "5 projects").exit_code == 0


def test_no_deletion_begins_after_the_time(aged: Site) -> None:
    answer = prune(aged, "--older-than", "9d", "--max-duration", "0.001")
    assert (answer["deleted"], answer["unreached"]) == (0, 3)


def test_a_backup_is_written_first_and_only_if_something_goes(aged: Site, tmp_path: Path) -> None:
    file = tmp_path / "backup.jsonl"
    prune(aged, "--tag", "no such tag", "--backup", str(file))
    assert not file.exists()
    missing = str(tmp_path / "no such folder" / "file")
    assert aged("prune", "--yes", "--older-than", "9d", "--backup", missing).exit_code != 0
    assert "runs/1" in aged.names()
    prune(aged, "--under", "runs", "--older-than", "1d", "--delete-contents", "--backup", str(file))
    written = file.read_text()
    assert all(name in written for name in ('"runs/1"', '"runs/2"', '"runs/2/.reports"', '"task"'))
    fault = aged.error("prune", "--yes", "--older-than", "9d", "--backup", str(file), status=2)
    assert fault["message"] == f"'{file}' exists already"
    assert file.read_text() == written


def test_contents_are_deleted_on_request(aged: Site) -> None:
    answer = prune(aged, "--under", "runs", "--older-than", "1d", "--delete-contents")
    assert (answer["tasks"], answer["deleted_contents"]) == (1, True)
    assert aged.documents.task.count_documents({"project": {"$ne": None}}) == 2


class AtTheLease(monitoring.CommandListener):
    """Do something once, as a server would, when the program asks for the lease: before the final plan."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self.is_done = False

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command.get(event.command_name) == "lease" and not self.is_done:
            self.is_done = True
            self._work()

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Do nothing."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Do nothing."""


def _run_again(site: Site) -> None:
    site.documents.task.update_one({"name": "run"}, {"$set": {"last_change": TODAY}})


def _exchange(site: Site) -> None:
    """Let one task leave and another one arrive: neither the count nor any time shows that."""
    old = site.named("old")["_id"]
    site.documents.task.update_one({"name": "other"}, {"$set": {"project": None}})
    site.documents.task.update_one({"name": "elsewhere"}, {"$set": {"project": old}})


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (_exchange, "gained tasks in the meantime"),
        (lambda site: site.task(site.named("old")["_id"], **ARCHIVED), "gained tasks in the meantime"),
        (lambda site: site.project("old/new"), "gained projects in the meantime"),
        (_run_again, "had activity in the meantime"),
        (
            lambda site: site.documents.project.update_one({"name": "old"}, {"$set": {"tags": ["kept"]}}),
            "does not match the policy any more",
        ),
    ],
)
def test_what_changes_in_the_meantime_is_kept(site: Site, work: Callable[[Site], object], reason: str) -> None:
    old = site.project("old", tags=["tmp"])
    for name, project in (("run", old), ("other", old), ("elsewhere", None)):
        site.task(project, name=name, **ARCHIVED)
    arrival = AtTheLease(lambda: work(site))
    monitoring.register(arrival)
    try:
        answer = prune(site, "--tag", "tmp", "--older-than", "9d")
    finally:
        monitoring._LISTENERS.command_listeners.remove(arrival)
    assert arrival.is_done
    assert results(answer) == {"old": ("kept", reason)}
    assert site.documents.task.find_one({"name": "run"}, {"project": 1, "_id": 0}) == {"project": old}


def test_a_task_that_leaves_in_the_meantime_does_not_keep_its_project(site: Site) -> None:
    old = site.project("old", tags=["tmp"])
    for name in ("run", "other"):
        site.task(old, name=name, **ARCHIVED)
    leaving = AtTheLease(lambda: site.documents.task.update_one({"name": "other"}, {"$set": {"project": None}}))
    monitoring.register(leaving)
    try:
        answer = prune(site, "--tag", "tmp")
    finally:
        monitoring._LISTENERS.command_listeners.remove(leaving)
    assert leaving.is_done
    assert (results(answer), answer["tasks"]) == ({"old": ("deleted", "")}, 1)


POLICIES = """
[policies.nightly]
older-than = "9d"
tag = ["tmp"]
max_delete = 3

[policies.broken]
olderthan = "9d"
"""


def test_a_named_policy_has_the_options_and_the_command_line_wins(site: Site, tmp_path: Path) -> None:
    config = tmp_path / "config" / "projects" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(POLICIES)
    found = {"XDG_CONFIG_HOME": str(config.parents[1])}
    for name in ("old", "older", "fresh"):
        site.project(
            name, tags=["tmp"], last_update=TODAY if name == "fresh" else TODAY - timedelta(days=len(name) * 4)
        )
    site.project("old without tag")
    answer = site.json("prune", "--policy", "nightly", "--older-than", "15d", "--yes", "--quiet", **found)
    assert results(answer) == {"older": ("deleted", "")}
    answer = site.json("prune", "--policy", "nightly", "--yes", "--quiet", **found)
    assert results(answer) == {"old": ("deleted", "")}
    assert site.names() == ["fresh", "old without tag"]
    unknown = site.error("prune", "--policy", "weekly", "--yes", status=2, **found)
    assert (unknown["hint"], "no policy 'weekly'" in unknown["message"]) == (
        "policies in the file: broken, nightly",
        True,
    )
    key = site.error("prune", "--policy", "broken", "--yes", status=2, **found)
    assert (key["hint"], "'policies.broken.olderthan'" in key["message"]) == ("did you mean older-than?", True)
