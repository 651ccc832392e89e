"""`projects create`: what is stored, what is refused, and that a refusal leaves nothing behind."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.running import run
from tests.worlds.site import COMPANY, LONG_AGO, OTHER, USER, Site

if TYPE_CHECKING:
    from tests.conftest import Cli, Database

DESCRIBED = ("--description", "x")


def test_a_project_is_stored_as_the_server_stores_it(site: Site) -> None:
    answer = site.json("create", "detector", *DESCRIBED)
    assert answer.keys() == {"id"}
    assert re.fullmatch("[0-9a-f]{32}", answer["id"])
    stored = site.stored(answer["id"])
    assert timedelta(0) <= datetime.now(UTC).replace(tzinfo=None) - stored.pop("created") < timedelta(minutes=1)
    assert stored.pop("last_update") <= datetime.now(UTC).replace(tzinfo=None)
    assert stored == {
        "_id": answer["id"],
        "company": COMPANY,
        "user": USER,
        "name": "detector",
        "basename": "detector",
        "description": "x",
        "tags": [],
        "system_tags": [],
        "featured": 9999,
        "path": [],
    }


def test_both_deployments_store_it(database: Database, cli: Cli, request: pytest.FixtureRequest) -> None:
    result = cli("create", "vision/one", *DESCRIBED, "--new-company", uri=database.uri, PROJECTS_DATABASE=database.name)
    assert result.exit_code == 0, result.stderr
    server: Any = request.getfixturevalue("deployment")
    assert server.client[database.name].project.distinct("name") == ["vision", "vision/one"]


def test_every_option_is_stored(site: Site) -> None:
    tags = ("--tag", "b", "--tags", "a,c", "--tag", "b", "--system-tag", "z", "--system-tags", "y")
    site.json("create", "detector", "-d", "Road signs", *tags, "--default-output-destination", "  s3://bucket ")
    stored = site.named("detector")
    assert stored["description"] == "Road signs"
    assert (stored["tags"], stored["system_tags"]) == (["a,c", "b"], ["y", "z"])
    assert stored["default_output_destination"] == "s3://bucket"


def test_missing_ancestors_are_made_and_linked(site: Site) -> None:
    identifier = site.json("create", "one/two/three", "-d", "x", "--tag", "t", "--system-tag", "s")["id"]
    one, two, three = (site.named(name) for name in ("one", "one/two", "one/two/three"))
    assert "parent" not in one
    assert (two["parent"], three["parent"]) == (one["_id"], two["_id"])
    assert [each["path"] for each in (one, two, three)] == [[], [one["_id"]], [one["_id"], two["_id"]]]
    assert [each["description"] for each in (one, two, three)] == ["", "", "x"]
    assert [each["tags"] for each in (one, two, three)] == [[], [], ["t"]]
    assert [each["basename"] for each in (one, two, three)] == ["one", "two", "three"]
    assert three["_id"] == identifier


def test_only_the_nearest_ancestor_that_existed_gets_last_update(site: Site) -> None:
    near = site.project("top/near")
    site.json("create", "top/near/mid/new", *DESCRIBED)
    assert site.stored(near)["last_update"] > LONG_AGO.replace(tzinfo=None)
    assert site.named("top")["last_update"] == LONG_AGO.replace(tzinfo=None)


def test_empty_parts_of_a_name_are_dropped_and_the_others_stripped(site: Site) -> None:
    site.json("create", "//aaa a/bbb///ccc ddd /", *DESCRIBED)
    assert site.names() == ["aaa a", "aaa a/bbb", "aaa a/bbb/ccc ddd"]


def test_people_see_the_id_and_what_was_done(site: Site) -> None:
    result = site("create", "vision/detector", *DESCRIBED)
    assert result.stdout == f"id\t{site.named('vision/detector')['_id']}\n"
    assert result.stderr == "done: create the project 'vision/detector' (2 projects)\n"


def test_quiet_leaves_only_the_id(site: Site) -> None:
    result = site("create", "vision", *DESCRIBED, "-q", "-o", "id")
    assert (result.stdout, result.stderr) == (f"{site.named('vision')['_id']}\n", "")


def test_company_is_the_option(site: Site) -> None:
    site.project("vision")
    site.json("create", "vision", *DESCRIBED, "--company", OTHER, "--new-company")
    assert site.documents.project.distinct("company", {"name": "vision"}) == sorted([OTHER, COMPANY])


def test_the_same_name_in_another_case_is_another_name(site: Site) -> None:
    site.project("vision")
    site.json("create", "Vision", *DESCRIBED)
    assert site.names() == ["Vision", "vision"]


def test_a_description_is_needed_before_version_2_12_only(site: Site) -> None:
    error = site.error("create", "detector", "--api-version", "2.11", status=2)
    assert (error["code"], error["subcode"], error["name"]) == (400, 12, "ValidationError")
    assert error["problems"] == [{"path": "params.description", "message": "is required"}]
    assert error["hint"] == "on the command line: --description TEXT"
    site.json("create", "detector")
    assert site.named("detector")["description"] == ""


@pytest.mark.parametrize(
    ("name", "status", "fault"),
    [
        ("/".join(["abc"] * 11), 4, (400, 409, "ProjectPathExceedsMax")),
        ("///", 2, (400, 407, "InvalidProjectName")),
        ("", 2, (400, 407, "InvalidProjectName")),
        ("taken", 4, (400, 801, "ExpectedUniqueData")),
        (" taken//", 4, (400, 801, "ExpectedUniqueData")),
        ("shared", 4, (400, 414, "PublicProjectExists")),
        ("ab", 2, (400, 12, "ValidationError")),
        ("vision/  ", 2, (400, 12, "ValidationError")),
        ("ab/detector", 2, (400, 12, "ValidationError")),
        ("shared/detector", 4, (400, 414, "PublicProjectExists")),
        ("shared/ab/detector", 2, (400, 12, "ValidationError")),
        ("ab/shared/x/detector", 2, (400, 12, "ValidationError")),
    ],
)
def test_a_name_that_breaks_a_rule_is_refused(site: Site, name: str, status: int, fault: tuple[int, int, str]) -> None:
    site.project("taken")
    site.project("shared", company="", company_origin=OTHER)
    assert site.fault("create", name, *DESCRIBED, status=status) == fault


def test_ten_levels_are_allowed(site: Site) -> None:
    site.json("create", "/".join(["abc"] * 10), *DESCRIBED)
    assert len(site.names()) == 10


def test_a_name_of_another_company_is_free(site: Site) -> None:
    site.project("vision", company=OTHER)
    site.json("create", "vision", *DESCRIBED)
    assert site.documents.project.count_documents({"name": "vision", "company": COMPANY}) == 1


@pytest.mark.parametrize("option", ["--tag", "--system-tag"])
def test_a_tag_that_reads_as_an_operator_is_refused_first(site: Site, option: str) -> None:
    assert site.fault("create", "//", *DESCRIBED, option, "__$x", status=2) == (400, 16, "FieldsValueError")


def test_dry_run_shows_the_steps_and_stores_nothing(site: Site) -> None:
    plan = site.json("create", "one/two", *DESCRIBED, "--dry-run")
    assert plan["plan"] == "create the project 'one/two'"
    assert plan["counts"] == {"projects": 2}
    assert [sample["name"] for sample in plan["samples"]] == ["one", "one/two"]
    assert [step["action"] for step in plan["steps"]] == ["insert", "insert"]
    assert site.names() == []


def test_dry_run_in_text_names_what_would_come(site: Site) -> None:
    lines = site.text("create", "one/two", *DESCRIBED, "-n").splitlines()
    assert lines[0] == "ACTION\tWHAT\tCOUNT\tNAME\tID\tWHY"
    assert [line.split("\t")[3] for line in lines[1:]] == ["one", "one/two"]
    assert site.names() == []


def test_read_only_refuses(site: Site) -> None:
    error = site.error("create", "detector", *DESCRIBED, "--read-only", status=4)
    assert (error["name"], error["code"], error["subcode"]) == ("ReadOnly", None, None)
    assert error["message"] == "read-only mode is on (set by --read-only)"


def test_names_of_another_script_are_kept(site: Site) -> None:
    site.json("create", "vision/b c/日本語", *DESCRIBED)
    assert site.named("vision/b c/日本語")["basename"] == "日本語"


def test_if_missing_creates_or_prints_the_id(site: Site) -> None:
    made = site.json("create", "vision/new", "-d", "x", "--if-missing")
    before = site.everything()
    result = site("create", "/vision// new", "-d", "other", "--if-missing", "-o", "id")
    assert (result.exit_code, result.stdout, result.stderr) == (
        0,
        f"{made['id']}\n",
        "the project 'vision/new' exists already\n",
    )
    assert site.json("create", "vision/new", "-d", "x", "--if-missing", "--dry-run", PROJECTS_QUIET="1")["steps"] == []
    assert site.everything() == before
    assert site.error("create", "vision/new", "-d", "x", status=4)["name"] == "ExpectedUniqueData"


def test_if_missing_refuses_the_name_of_a_public_project(site: Site) -> None:
    site.project("shared", company="", company_origin=OTHER)
    assert site.error("create", "shared", "-d", "x", "--if-missing", status=4)["name"] == "PublicProjectExists"


def test_processes_that_create_if_missing_at_once_get_the_same_id(site: Site) -> None:
    words = ("create", "vision/new", "-d", "x", "--if-missing", "--json")
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: run(site, *words), range(3)))
    assert {(one.returncode, one.stdout.strip()) for one in answers} == {
        (0, json.dumps({"id": site.named("vision/new")["_id"]}, separators=(",", ":")))
    }
