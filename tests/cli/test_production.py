"""A profile with `production = true`: no change without a prompt, unless the profile is named on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.worlds.site import COMPANY, Site, empty_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cli
    from tests.servers import Server

NEEDED = "the profile 'lab' is production: a change without a prompt needs --profile lab on the command line"


@pytest.fixture
def site(standalone: Server, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Return a site with a default profile that is production, and another profile that is not."""
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "home" / ".config" / "projects" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('profile = "lab"\n[profiles.lab]\nproduction = true\n[profiles.toy]\nproduction = false\n')
    with empty_site(standalone, cli) as site:
        yield site


ANSWERS = [("--yes",), ("-y",), ("--confirm", "vision"), ("--force",)]


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_in_advance_is_not_enough_alone(site: Site, answer: tuple[str, ...], tmp_path: Path) -> None:
    site.project("vision/detector")
    error = site.error("delete", "vision", *answer, status=2)
    assert (error["name"], error["message"]) == ("ConfirmationNeeded", NEEDED)
    assert error["hint"] == f"the profile was chosen by {tmp_path / 'home' / '.config' / 'projects' / 'config.toml'}"


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_holds_with_the_profile_on_the_same_line(site: Site, answer: tuple[str, ...]) -> None:
    site.project("vision/detector")
    assert site.json("--profile", "lab", "delete", "vision", *answer)["deleted"] == 2


def test_several_at_once_need_the_profile_too(site: Site) -> None:
    for name in ("audio", "vision"):
        site.project(name)
    assert site.error("delete", "audio", "vision", "--yes", status=2)["message"] == NEEDED
    assert site.json("delete", "audio", "vision", "--yes", "--profile", "lab")["deleted"] == 2


def test_a_cure_of_the_doctor_needs_the_profile_too(site: Site) -> None:
    site.project("vision", path=["nowhere"])
    assert site.error("doctor", "--fix", "--yes", status=2)["message"] == NEEDED


def test_the_variables_are_not_the_same_line(site: Site) -> None:
    site.project("vision")
    environment = {"PROJECTS_YES": "1", "PROJECTS_PROFILE": "lab"}
    error = site.error("delete", "vision", status=2, **environment)
    assert (error["message"], error["hint"]) == (NEEDED, "the profile was chosen by PROJECTS_PROFILE")
    assert site.json("delete", "vision", "--profile", "lab", **environment)["deleted"] == 1


def test_a_folder_that_chooses_the_profile_is_not_the_same_line(site: Site) -> None:
    site.project("vision")
    Path(".projects.toml").write_text('profile = "lab"')
    assert site.error("delete", "vision", "-y", status=2)["message"] == NEEDED
    Path(".projects.toml").write_text('profile = "toy"')
    assert site.json("delete", "vision", "-y")["deleted"] == 1


def test_another_profile_asks_as_always(site: Site) -> None:
    site.project("vision")
    assert site.json("delete", "vision", "--yes", "--profile", "toy")["deleted"] == 1


def test_without_a_terminal_the_hint_has_both_flags(site: Site) -> None:
    site.project("vision")
    hint = site.error("delete", "vision", status=2)["hint"]
    assert hint == "answer in advance with --yes, and --profile lab"


ASKED_NOWHERE = [
    ("create", "audio", "-d", "x"),
    ("update", "vision", "--add-tag", "prod"),
    ("make-public", "vision"),
    ("make-private", "shown"),
    ("undo", "--yes"),
]


@pytest.mark.parametrize("command", ASKED_NOWHERE)
def test_what_is_asked_about_nowhere_needs_the_profile(site: Site, command: tuple[str, ...]) -> None:
    site.project("vision")
    site.project("shown", company="", company_origin=COMPANY)
    site.json("create", "newest", "-d", "x", "--profile", "lab")
    before = site.everything()
    for answer in ((), ("--yes",)):
        assert site.error(*command, *answer, status=2)["message"] == NEEDED
    assert site("--dry-run", *command).exit_code == 0
    assert site.everything() == before
    assert site(*command, "--profile", "lab").exit_code == 0
    assert site.everything() != before


def test_resume_needs_the_profile(site: Site) -> None:
    assert site("resume").exit_code == 0  # no interrupted operation
    site.json("create", "vision", "-d", "x", "--profile", "lab")
    operations = site.server.client["projects_cli"]["operation"]
    [record] = operations.find({"database": site.name})
    operations.update_one(record, {"$set": {"state": "applied"}})
    for words in (("resume",), ("resume", record["_id"])):
        assert site.error(*words, status=2)["message"] == NEEDED
    assert site.error("resume", "nowhere", "--profile", "lab", status=3)["name"] == "OperationNotFound"
    assert site.json("resume", "--profile", "lab")["state"] == "done"


def test_pruning_the_history_asks_and_its_answer_needs_the_profile(site: Site) -> None:
    site.json("create", "vision", "-d", "x", "--profile", "lab")
    prune = ("history", "prune", "--older-than", "0.01")
    assert site.error(*prune, status=2)["hint"] == "answer in advance with --yes, and --profile lab"
    assert site.error(*prune, "--yes", status=2)["message"] == NEEDED
    assert len(site.json("history")["runs"]) == 1
    assert site.json(*prune, "--yes", "--profile", "lab") == {"pruned": 1, "found": 1}
    assert site.json("history") == {"runs": []}


def test_a_dry_run_and_reading_need_no_more(site: Site) -> None:
    site.project("vision")
    assert site.json("delete", "vision", "--yes", "--dry-run")["counts"]["projects"] == 1
    assert [one["name"] for one in site.json("list")["projects"]] == ["vision"]


def test_call_asks_nothing_so_a_change_needs_the_profile(site: Site) -> None:
    data = ("call", "projects.create", "--data", '{"name": "vision", "description": "x"}')
    assert site.error(*data, status=2)["message"] == NEEDED
    assert site.json(*data, "--dry-run")["counts"]["projects"] == 1
    assert site.json("call", "projects.get_all") == {"projects": []}
    site.json(*data, "--profile", "lab")
    assert site.names() == ["vision"]


def test_batch_asks_nothing_so_each_change_needs_the_profile(site: Site) -> None:
    lines = '{"id": 1, "endpoint": "create", "params": {"name": "vision", "description": "x"}}\n'
    lines += '{"id": 2, "endpoint": "get_all"}\n'
    result = site("batch", "-", stdin=lines)
    first, second = map(json.loads, result.stdout.splitlines())
    assert (result.exit_code, first["ok"], first["error"]["message"]) == (5, False, NEEDED)
    assert second == {"id": 2, "ok": True, "data": {"projects": []}}
    assert site("batch", "-", "--profile", "lab", stdin=lines).exit_code == 0
    assert site.names() == ["vision"]
