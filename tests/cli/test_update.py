"""`projects update`: what changes, what stays, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.config.site import LONG_AGO, OTHER, UNKNOWN, Site, empty_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cli
    from tests.servers import Server


@pytest.fixture
def site(standalone: Server, cli: Cli) -> Iterator[Site]:
    with empty_site(standalone, cli) as site:
        yield site


THEN = LONG_AGO.replace(tzinfo=None)


def test_only_what_is_given_changes(site: Site) -> None:
    identifier = site.project("vision", description="old", tags=["a"], extra={"kept": 1})
    before = site.stored(identifier)
    answer = site.json("update", "vision", "-d", "new")
    assert answer == {"updated": 1, "fields": {"description": "new"}}
    after = site.stored(identifier)
    assert after.pop("last_update") - before.pop("last_update") > timedelta(days=1)
    assert after == before | {"description": "new"}


def test_every_plain_field_is_stored(site: Site) -> None:
    site.project("vision", tags=["old"])
    tags = ("--tag", "b", "--tags", "a", "--tag", "a", "--system-tag", "y", "--system-tags", "x")
    answer = site.json("update", "vision", "--description", "", *tags, "--default-output-destination", "s3://x")
    assert answer["fields"] == {
        "description": "",
        "tags": ["a", "b"],
        "system_tags": ["x", "y"],
        "default_output_destination": "s3://x",
    }
    stored = site.named("vision")
    assert {name: stored[name] for name in answer["fields"]} == answer["fields"]


def test_an_empty_update_sets_last_update(site: Site) -> None:
    site.project("vision")
    assert site.json("update", "vision") == {"updated": 1, "fields": {}}
    assert site.named("vision")["last_update"] > THEN


def test_tags_are_added_and_removed(site: Site) -> None:
    site.project("vision", tags=["c", "b"])
    fields = site.json("update", "vision", "--add-tag", "a", "--add-tag", "b", "--remove-tag", "c")["fields"]
    assert fields == {"tags": ["a", "b"]}
    assert site.named("vision")["tags"] == ["a", "b"]


def test_tags_are_added_where_a_server_stored_none(site: Site) -> None:
    site.project("vision", tags=None)
    site.json("update", "vision", "--add-tag", "a", "--remove-tag", "never-there")
    assert site.named("vision")["tags"] == ["a"]


def test_a_tag_that_was_stored_without_its_list_is_kept(site: Site) -> None:
    site.project("vision", tags="prod")
    site.json("update", "vision", "--add-tag", "a")
    assert site.named("vision")["tags"] == ["a", "prod"]


def test_fields_are_cleared(site: Site) -> None:
    site.project("vision", tags=["a"], description="x", default_output_destination="s3://x")
    clear = ("--clear-tags", "--clear-description", "--clear-default-output-destination")
    fields: dict[str, object] = {"tags": [], "description": None, "default_output_destination": None}
    assert site.json("update", "vision", *clear) == {"updated": 1, "fields": fields}
    stored = site.named("vision")
    assert {name: stored[name] for name in fields} == fields


@pytest.mark.parametrize(
    "options",
    [
        ("--tag", "a", "--clear-tags"),
        ("-d", "x", "--clear-description"),
        ("--default-output-destination", "s3://x", "--clear-default-output-destination"),
        ("--tag", "a", "--add-tag", "b"),
        ("--clear-tags", "--remove-tag", "b"),
    ],
)
def test_options_that_contradict_each_other_are_refused(site: Site, options: tuple[str, ...]) -> None:
    site.project("vision")
    assert site.error("update", "vision", *options, status=2)["name"] == "UsageError"
    assert site.cli("update", "vision", *options, uri="mongodb://127.0.0.1:1").exit_code == 2


def test_a_new_name_renames_everything_below(site: Site) -> None:
    deep, beside = site.project("vision/detector/yolo"), site.project("vision/detector2")
    site.json("update", "vision/detector", "--name", "vision//detectors/")
    assert site.names() == ["vision", "vision/detector2", "vision/detectors", "vision/detectors/yolo"]
    renamed = site.named("vision/detectors")
    assert renamed["basename"] == "detectors"
    assert (site.stored(deep)["basename"], site.stored(deep)["path"][-1]) == ("yolo", renamed["_id"])
    assert site.stored(deep)["last_update"] == renamed["last_update"] > THEN
    assert site.stored(beside)["last_update"] == THEN


def test_a_rename_to_the_same_name_sets_last_update_below(site: Site) -> None:
    deep = site.project("vision/detector")
    site.json("update", "vision", "--name", "vision")
    assert site.stored(deep)["last_update"] > THEN


def test_an_empty_name_leaves_the_name(site: Site) -> None:
    site.project("vision")
    assert site.json("update", "vision", "--name", "") == {"updated": 1, "fields": {"name": ""}}
    assert site.names() == ["vision"]


@pytest.mark.parametrize(
    ("name", "status", "fault"),
    [
        ("//", 2, (400, 407, "InvalidProjectName")),
        ("other/vision", 4, (400, 408, "CannotUpdateProjectLocation")),
        ("top/vi", 2, (400, 12, "ValidationError")),
        ("top/taken", 4, (400, 801, "ExpectedUniqueData")),
        ("top/shared", 4, (400, 414, "PublicProjectExists")),
        ("x", 4, (400, 408, "CannotUpdateProjectLocation")),
    ],
)
def test_a_name_that_breaks_a_rule_is_refused(site: Site, name: str, status: int, fault: tuple[int, int, str]) -> None:
    site.project("top/vision/below")
    site.project("top/taken")
    site.project("top/shared", company="", company_origin=OTHER)
    assert site.fault("update", "top/vision", "--name", name, status=status) == fault


def test_a_tag_that_reads_as_an_operator_is_refused_before_anything_else(site: Site) -> None:
    for option in ("--tag", "--system-tag"):
        assert site.fault("update", UNKNOWN, option, "__$x", status=2) == (400, 16, "FieldsValueError")


def test_a_public_project_can_not_be_written(site: Site) -> None:
    identifier = site.project("shared", company="", company_origin=OTHER)
    error = site.error("update", "shared", "-d", "x", status=4)
    assert (error["code"], error["subcode"], error["name"]) == (403, 21, "NoWritePermission")
    assert error["hint"] == f"make it private first: projects make-private {identifier}"


def test_an_unknown_project_and_one_of_another_company(site: Site) -> None:
    foreign = site.project("foreign", company=OTHER)
    for identifier in (UNKNOWN, foreign):
        assert site.fault("update", identifier, "-d", "x", status=3) == (400, 401, "InvalidProjectId")


def test_a_project_with_public_ones_below_is_not_renamed(site: Site) -> None:
    site.project("vision/own")
    site.project("vision/shared", company="", company_origin=OTHER)
    error = site.error("update", "vision", "--name", "sight", status=4)
    assert (error["name"], "'vision/shared'" in error["message"]) == ("NoWritePermission", True)


def test_dry_run_changes_nothing(site: Site) -> None:
    site.project("vision/detector")
    before = site.everything()
    plan = site.json("update", "vision", "--name", "sight", "--add-tag", "a", "-n")
    assert plan["counts"] == {"projects": 2}
    assert plan["plan"].startswith("update ")
    assert site.everything() == before


def test_read_only_refuses(site: Site) -> None:
    site.project("vision")
    assert site.error("update", "vision", "-d", "x", "--read-only", status=4)["name"] == "ReadOnly"


def test_people_are_told_what_changed(site: Site) -> None:
    site.project("vision")
    result = site("update", "vision", "-d", "new")
    assert result.stdout == 'UPDATED\tFIELDS\n1\t{"description":"new"}\n'
    assert result.stderr == "done: update description of 'vision' (1 project)\n"


def test_an_answer_without_ids_is_refused_before_the_change(site: Site) -> None:
    site.project("vision")
    before = site.everything()
    result = site("update", "vision", "-d", "x", "-o", "id")
    assert result.exit_code == 2
    assert "has no ids" in result.stderr
    assert site.everything() == before
