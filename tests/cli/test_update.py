"""`projects update`: changed and unchanged fields, and refusals."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.worlds.site import COMPANY, LONG_AGO, OTHER, UNKNOWN, Site

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


UNCHANGED = {
    "no options": ((), {}),
    "the same name": (("--name", "top/vision"), {"name": "top/vision"}),
    "the same name, written otherwise": (("--name", "/top// vision /"), {"name": "/top// vision /"}),
    "an empty name": (("--name", ""), {"name": ""}),
    "the same description": (("-d", "old"), {"description": "old"}),
    "the same tags": (("--tag", "b", "--tag", "a"), {"tags": ["a", "b"]}),
    "a tag that it has": (("--add-tag", "a"), {"tags": ["a", "b"]}),
    "a tag that it lacks": (("--remove-tag", "c"), {"tags": ["a", "b"]}),
    "no system tags": (("--clear-system-tags",), {"system_tags": []}),
    "the same destination": (("--default-output-destination", " s3://x "), {"default_output_destination": " s3://x "}),
    "all of them": (("--name", "top/vision", "-d", "old", "--add-tag", "b"), None),
}


@pytest.mark.parametrize("case", UNCHANGED)
def test_an_update_that_changes_nothing_writes_nothing_and_says_so(site: Site, case: str) -> None:
    options, fields = UNCHANGED[case]
    values = {"description": "old", "tags": ["b", "a"], "default_output_destination": "s3://x"}
    site.project("top/vision", **values)
    site.project("top/vision/below")
    before = site.everything()
    answer = site.json("update", "top/vision", *options)
    assert answer["updated"] == 0
    assert fields is None or answer["fields"] == fields
    result = site("update", "top/vision", *options)
    assert (result.exit_code, "nothing to change in 'top/vision'" in result.stderr) == (0, True)
    assert site.json("update", "top/vision", *options, "--dry-run")["counts"] == {"projects": 0}
    assert site("update", "top/vision", *options, "--read-only").exit_code == 4  # refused before it is planned
    assert site.everything() == before
    assert site.json("history") == {"runs": []}


@pytest.mark.parametrize(
    ("stored", "options"),
    [
        ({"description": ""}, ("--clear-description",)),
        ({"description": 5}, ("-d", "5")),
        ({"tags": ["a", "a"]}, ("--add-tag", "a")),
        ({"tags": "a"}, ("--add-tag", "a")),
        ({"tags": ["a", 1]}, ("--tag", "a")),
        ({"default_output_destination": "s3://x "}, ("--default-output-destination", "s3://x ")),
        ({"basename": "other"}, ("--name", "vision")),
    ],
)
def test_a_value_that_differs_in_its_type_or_form_is_changed(
    site: Site, stored: dict[str, object], options: tuple[str, ...]
) -> None:
    site.project("vision", **stored)
    assert site.json("update", "vision", *options)["updated"] == 1
    assert site.named("vision")["last_update"] > THEN
    assert site.json("update", "vision", *options)["updated"] == 0


def test_an_empty_update_in_the_raw_sets_last_update(site: Site) -> None:
    for number, identifier in enumerate((site.project("vision"), site.project("audio"))):
        request = {"endpoint": "projects.update", "params": {"project": identifier}}
        if number:
            line = json.loads(site.text("batch", "-", stdin=json.dumps(request)))
            assert line["data"] == {"updated": 1, "fields": {}}
        else:
            answer = site.json("call", "update", "--data", json.dumps(request["params"]))
            assert answer == {"updated": 1, "fields": {}}
        assert site.stored(identifier)["last_update"] > THEN


def test_a_destination_is_stored_stripped_and_answered_as_sent(site: Site) -> None:
    identifier = site.project("vision")
    sent = {"default_output_destination": "\t s3://x \n"}
    answer = site.json("update", "vision", "--default-output-destination", sent["default_output_destination"])
    assert answer == {"updated": 1, "fields": sent}
    assert site.stored(identifier)["default_output_destination"] == "s3://x"
    request = json.dumps({"project": identifier, "default_output_destination": " s3://y "})
    assert site.json("call", "update", "--data", request)["fields"] == {"default_output_destination": " s3://y "}
    assert site.stored(identifier)["default_output_destination"] == "s3://y"


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
    site.project("vision", tags=["a"], system_tags=["b"], description="x", default_output_destination="s3://x")
    clear = ("--clear-tags", "--clear-system-tags", "--clear-description", "--clear-default-output-destination")
    fields: dict[str, object] = {"tags": [], "system_tags": [], "description": None, "default_output_destination": None}
    assert site.json("update", "vision", *clear) == {"updated": 1, "fields": fields}
    stored = site.named("vision")
    assert {name: stored[name] for name in fields} == fields


@pytest.mark.parametrize(
    "options",
    [
        ("--tag", "a", "--clear-tags"),
        ("--system-tag", "a", "--clear-system-tags"),
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


def test_a_rename_to_the_same_name_in_the_raw_sets_last_update_below(site: Site) -> None:
    deep = site.project("vision/detector")
    request = {"project": site.named("vision")["_id"], "name": "vision"}
    site.json("call", "update", "--data", json.dumps(request))
    assert site.stored(deep)["last_update"] > THEN


def test_an_empty_name_leaves_the_name(site: Site) -> None:
    site.project("vision")
    answer = site.json("update", "vision", "--name", "", "-d", "x")
    assert answer == {"updated": 1, "fields": {"name": "", "description": "x"}}
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


@pytest.mark.parametrize("option", ["--tag", "--tags", "--add-tag", "--remove-tag", "--system-tag"])
def test_an_empty_tag_is_refused(site: Site, option: str) -> None:
    site.project("vision", tags=["a"])
    assert site.fault("update", "vision", option, "b", option, "", status=2) == (400, 16, "FieldsValueError")


def test_an_empty_tag_that_another_tool_stored_stops_no_edit(site: Site) -> None:
    site.project("vision", tags=["", "__$x", "a"])
    assert site.json("update", "vision", "--add-tag", "b", "--remove-tag", "a")["fields"]["tags"] == ["", "__$x", "b"]


def test_a_public_project_can_not_be_written(site: Site) -> None:
    identifier = site.project("shared", company="", company_origin=COMPANY)
    error = site.error("update", "shared", "-d", "x", status=4)
    assert (error["code"], error["subcode"], error["name"]) == (403, 21, "NoWritePermission")
    assert error["hint"] == f"make it private first: projects make-private {identifier}"
    site.project("example", company="", company_origin=OTHER)
    error = site.error("update", "example", "-d", "x", status=4)
    assert error["hint"] == "only the company that made a project public can make it private"


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
    assert result.stdout == 'updated\t1\nfields\t{"description":"new"}\n'
    assert result.stderr == "done: update description of 'vision' (1 project)\n"


def test_an_answer_without_ids_is_refused_before_the_change(site: Site) -> None:
    site.project("vision")
    before = site.everything()
    result = site("update", "vision", "-d", "x", "-o", "id")
    assert result.exit_code == 2
    assert "has no ids" in result.stderr
    assert site.everything() == before
