"""Dry runs and notices report in advance what the real run does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.worlds.site import Site


def test_a_dry_run_of_undo_names_what_stays(site: Site) -> None:
    one = site.project("audio")
    site.json("update", one, "-d", "new", "--yes")
    site.documents.project.update_one({"_id": one}, {"$set": {"description": "theirs"}})
    planned = site("undo", "--dry-run")
    assert planned.exit_code == 0
    assert f"stays as it is: audio ({one}): it was changed in the meantime: description" in planned.stderr
    assert [row["name"] for row in site.json("undo", "--dry-run", "-q")["skipped"]] == ["audio"]
    refused = site.error("undo", "--dry-run", "--all-or-nothing", status=4)
    assert refused["message"] == site.error("undo", "--yes", "--all-or-nothing", status=4)["message"]


def test_a_dry_run_of_undo_names_at_most_20(site: Site) -> None:
    ids = [site.project(f"project {number}") for number in range(22)]
    site.json("update", *ids, "-d", "new", "--yes")
    site.documents.project.update_many({}, {"$set": {"description": "theirs"}})
    said = site("undo", "--dry-run").stderr
    assert said.count("stays as it is: ") == 20
    assert "and 2 more, which --json lists" in said


@pytest.mark.parametrize(
    "command", [("move", "audio", "new/place"), ("merge", "audio", "video"), ("rename", "audio", "sound")]
)
def test_every_project_of_a_dry_run_has_its_name(site: Site, command: tuple[str, ...]) -> None:
    for name in ("audio", "audio/speech", "video"):
        site.project(name)
    steps = site.json(*command, "--dry-run")["steps"]
    assert {step["collection"] for step in steps} == {"project"}
    assert [step["name"] for step in steps if not step["name"]] == []


def test_a_prune_of_nothing_is_silent_unless_that_is_an_error(site: Site) -> None:
    result = site("prune", "--empty", "--yes")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    result = site("prune", "--empty", "--yes", "--fail-if-empty")
    assert (result.exit_code, "no project matches the policy" in result.stderr) == (6, True)


def test_the_file_of_urls_is_private_and_said_to_be_empty_if_it_is(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    one, two = site.project("audio"), site.project("video")
    site.task(one)
    site.model(two, uri="http://user:password@files/model")
    folder = tmp_path_factory.mktemp("urls")
    said = [
        site("delete", project, "--delete-contents", "--force", "--urls-file", str(folder / project)).stderr
        for project in (one, two)
    ]
    assert f"{folder / one} is empty: no file remains" in said[0]
    assert f"{folder / two} lists the files that remain" in said[1]
    assert (folder / two).read_text() == "http://user:password@files/model\n"
    assert (folder / two).stat().st_mode & 0o777 == 0o600


def test_a_topic_keeps_the_backslashes_of_code(site: Site) -> None:
    assert r"is an escape (\n, \x1b, \u202e)" in " ".join(site.text("help", "output").split())
