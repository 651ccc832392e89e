"""Common mistakes with `list`: pages, ids, limits and names; each message contains what helps."""

from __future__ import annotations

import json

import pytest
from bson import ObjectId

from tests.worlds.site import UNKNOWN, Site, metrics

PAST = "page 1 is past the end: pages are numbered from 0"


@pytest.fixture
def site(site: Site) -> Site:
    project = site.project("vision", _id="odd-id")
    site.task(project, hyperparams={"Args": {"lr": {}}}, last_metrics=metrics(loss="train"))
    return site


PAGED = [
    ("list", "--page", "1"),
    ("list", "--page", "1", "--page-size", "20"),
    ("list", "--page", "1", "--stats"),
    ("list", "--page", "1", "-o", "csv"),
    ("hyperparams", "--page", "1"),
    ("call", "get_all", "--data", '{"page": 1}'),
]


@pytest.mark.parametrize("command", PAGED, ids=" ".join)
def test_a_page_past_the_end_says_so_and_that_pages_are_numbered_from_0(site: Site, command: tuple[str, ...]) -> None:
    result = site(*command)
    assert (result.exit_code, PAST in result.stderr, "no project matches" in result.stderr) == (0, True, False)
    assert PAST in site(*command, "--fail-if-empty").stderr
    if "-o" not in command:
        assert site.json(*command)


def test_a_page_that_has_projects_and_an_empty_first_page_say_nothing_of_it(site: Site) -> None:
    assert "page" not in site("list", "--page", "0").stderr
    assert "page" not in site("list", "--page", "0", "--name", "nowhere").stderr


@pytest.mark.parametrize("values", [("vision",), ("odd-id", "vision"), ("-vision",), (UNKNOWN[:8], "vision/x")])
def test_a_name_in_the_place_of_an_id_is_warned_of(site: Site, values: tuple[str, ...]) -> None:
    words = [word for value in values for word in ("--id", value)]
    for output in ((), ("--json",), ("-o", "id")):
        result = site("list", *words, *output)
        assert (result.exit_code, "--id expects ids" in result.stderr) == (0, True)
        assert all(repr(value.lstrip("-")) in result.stderr for value in values if value != "odd-id")
        assert "'odd-id'" not in result.stderr
        assert "projects get NAME" in result.stderr
    assert json.loads(site("list", *words, "--json").stdout).keys() == {"projects"}


def test_ids_of_any_form_and_operators_are_not_warned_of(site: Site) -> None:
    odd = site.documents.project.insert_one(
        {"_id": ObjectId(), "name": "other", "company": site.stored("odd-id")["company"]}
    )
    ids = ("odd-id", UNKNOWN, "-odd-id", "__$not", UNKNOWN, str(odd.inserted_id))
    words = [word for value in ids for word in ("--id", value)]
    assert site.json("list", *words)


@pytest.mark.parametrize("limit", ["0", "-1"])
def test_a_limit_below_1_is_refused_with_what_lists_all(site: Site, limit: str) -> None:
    for option in ("-L", "--limit"):
        error = site.error("list", option, limit, status=2)
        assert error["message"] == f"--limit must be at least 1, not {limit}"
        assert error["hint"] == "leave --limit out to list all projects"


def test_an_argument_of_list_proposes_get_and_name(site: Site) -> None:
    for words in (("list", "my name"), ("get-all", "my name", "--json"), ("list", "--tag", "a", "my name", "other")):
        error = site.error(*words, status=2)
        assert error["message"] == "unexpected argument 'my name'"
        assert "projects get 'my name'" in error["hint"]
        assert "projects list --name 'my name'" in error["hint"]


@pytest.mark.parametrize("command", [("get", "vision", "x"), ("metrics", "vision", "x"), ("config", "path", "x")])
def test_an_argument_too_many_is_refused_by_every_command(site: Site, command: tuple[str, ...]) -> None:
    assert site.error(*command, status=2)["message"] == "unexpected argument 'x'"
