"""`--confirm NAME`: it confirms the change of that name, and refuses every other change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.running import on_terminal
from tests.worlds.site import COMPANY, Site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli

PRUNE = ("history", "prune", "--older-than", "0.001")
COMMANDS = {
    "delete an empty project": (("delete", "audio"), "audio"),
    "delete a project with contents": (("delete", "vision"), "vision"),
    "delete several": (("delete", "audio", "vision"), "3 projects"),
    "create": (("create", "text", "-d", "x"), "text"),
    "update": (("update", "audio", "-d", "x"), "audio"),
    "make-public": (("make-public", "audio"), "audio"),
    "make-public several": (("make-public", "audio", "vision"), "2 projects"),
    "make-private": (("make-private", "shown"), "shown"),
    "doctor --fix": (("doctor", "--fix", "--only", "path-mismatch"), None),
    "doctor --fix without findings": (("doctor", "--fix", "--only", "tags-null"), None),
    "history prune": (PRUNE, None),
    "indexes create": (("indexes", "create", "projects_cli_statistics"), None),
}
"""Each command with the name that it accepts; None is the database."""


@pytest.fixture
def site(site: Site) -> Site:
    """Provide a site where each of the commands has something to change."""
    site.json("create", "audio", "-d", "x")
    site.task(site.project("vision/deep"), system_tags=["archived"])
    site.project("speech", path=["nowhere"])
    site.project("shown", company="", company_origin=COMPANY)
    return site


@pytest.mark.parametrize("answer", [(), ("--yes",), ("--force",), ("--dry-run",)], ids=str)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_name_that_does_not_match_refuses_whatever_else_is_given(
    site: Site, command: str, answer: tuple[str, ...]
) -> None:
    words, _ = COMMANDS[command]
    if answer == ("--force",) and words[0] != "delete":
        return
    operations = site.json("history")
    for wrong in ("wrong", "", "Audio", "vision/deep"):
        error = site.error(*words, *answer, "--confirm", wrong, status=2)
        assert (error["name"], repr(wrong) in error["message"]) == ("ConfirmationNeeded", True)
    assert site.json("history") == operations


@pytest.mark.parametrize("command", COMMANDS)
def test_a_name_that_matches_is_accepted(site: Site, command: str) -> None:
    words, name = COMMANDS[command]
    answer = ["--confirm", name or site.name]
    if words == PRUNE:  # the name alone does not answer its question
        answer.append("--yes")
    assert site(*words, *answer).exit_code in {0, 6}


@pytest.mark.parametrize("answer", ["--yes", "--force"])
def test_a_name_from_the_environment_refuses_too(site: Site, answer: str) -> None:
    error = site.error("delete", "vision", answer, status=2, PROJECTS_CONFIRM="audio")
    assert "PROJECTS_CONFIRM=vision" in error["hint"]
    data = ("call", "projects.delete", "--data", f'{{"project": "{site.named("audio")["_id"]}", "force": true}}')
    assert site.error(*data, status=2, PROJECTS_CONFIRM="vision")["name"] == "ConfirmationNeeded"
    assert site.json(*data, PROJECTS_CONFIRM="audio")["deleted"] == 1


def test_a_production_profile_makes_no_difference(site: Site, tmp_path: Path) -> None:
    config = tmp_path / "home" / ".config" / "projects" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('profile = "lab"\n[profiles.lab]\nproduction = true\n')
    for answer in ("--yes", "--force"):
        words = ("delete", "vision", answer, "--profile", "lab", "--confirm")
        assert "does not match" in site.error(*words, "wrong", status=2)["message"]
    assert site.json(*words, "vision")["deleted"] == 2


def test_a_terminal_is_not_asked_either(site: Site) -> None:
    before = site.everything()
    seen = on_terminal(site, "delete", "vision", "--confirm", "wrong")
    assert (seen.status, "does not match" in seen.plain, "to continue:" in seen.plain) == (2, True, False)
    assert site.everything() == before


def test_the_data_of_the_private_database_are_kept_too(cli: Cli, tmp_path: Path) -> None:
    data = tmp_path / "home" / ".local" / "share" / "projects-cli" / "local" / "data"
    data.mkdir(parents=True)
    (data / "kept").touch()
    data.parent.chmod(0o700)
    for answer in ((), ("--yes",), ("--dry-run",)):
        result = cli("local", "reset", *answer, "--confirm", "wrong")
        assert (result.exit_code, (data / "kept").exists()) == (2, True)
        assert "does not match" in result.stderr
    result = cli("local", "reset", "--confirm", str(data))
    assert (result.exit_code, data.exists()) == (0, False), result.stderr
