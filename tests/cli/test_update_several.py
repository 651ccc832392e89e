"""`projects update` of several projects: by name, from standard input, and by the filters of `list`."""

from __future__ import annotations

from dataclasses import fields

import pytest

from projects_cli.cli.project_filters import ProjectFilters
from tests.worlds.site import COMPANY, LONG_AGO, OTHER, UNKNOWN, Site

THEN = LONG_AGO.replace(tzinfo=None)
TREE = ("vision", "vision/yolo", "vision/yolo/v8", "audio", "nlp")


@pytest.fixture
def several(site: Site) -> Site:
    for name in TREE:
        site.project(name, description="old", tags=["a"] if name.startswith("vision") else ["b"])
    return site


def field(site: Site, name: str) -> dict[str, object]:
    """Return a field of every project, by name."""
    return {one["name"]: one.get(name) for one in site.documents.project.find({"company": {"$ne": OTHER}})}


def test_several_are_one_change_one_prompt_and_one_run(several: Site) -> None:
    error = several.error("update", "audio", "nlp", "-d", "new", status=2)
    assert error["name"] == "ConfirmationNeeded"
    assert several.json("update", "audio", "nlp", "audio", "-d", "new", "--confirm", "2 projects") == {
        "updated": 2,
        "fields": {"description": "new"},
    }
    assert field(several, "description") == {name: "new" if name in {"audio", "nlp"} else "old" for name in TREE}
    assert {name for name, time in field(several, "last_update").items() if time != THEN} == {"audio", "nlp"}
    (run,) = several.json("history")["runs"]
    assert (run["operations"], run["counts"]) == (1, {"projects": 2})
    several.json("undo", run["id"])
    assert set(field(several, "description").values()) == {"old"}
    assert set(field(several, "last_update").values()) == {THEN}


def test_names_come_from_standard_input(several: Site) -> None:
    assert several.json("update", "-", "-d", "new", "--yes", stdin="audio\nvision/yolo\n\n")["updated"] == 2
    assert several.json("update", "-", "-d", "newer", stdin="audio\n")["updated"] == 1  # one: asks nothing
    before = several.everything()
    result = several("update", "-", "-d", "newest", stdin="")
    assert (result.exit_code, result.stderr) == (0, "standard input is empty: nothing to do\n")
    assert several.json("update", "-", "-d", "x", "--dry-run", stdin="\n", PROJECTS_QUIET="1")["steps"] == []
    assert several.everything() == before


FILTERS = {
    "a tag": (("--where-tag", "b"), {"audio", "nlp"}),
    "a pattern": (("--where-name", "^vision/"), {"vision/yolo", "vision/yolo/v8"}),
    "a place": (("--where-under", "vision/yolo"), {"vision/yolo", "vision/yolo/v8"}),
    "two filters": (("--where-tag", "a", "--where-depth", "0"), {"vision"}),
    "empty": (("--where-empty", "--where-exclude-tag", "b"), {"vision", "vision/yolo"}),
    "directly below": (("--where-children-of", "vision"), {"vision/yolo"}),
    "old": (("--where-older-than", "1d", "--where-tag", "b"), {"audio"}),
}


@pytest.mark.parametrize("case", FILTERS)
def test_projects_are_chosen_by_the_filters_of_list(several: Site, case: str) -> None:
    """The same projects as a list, without those that can't be changed."""
    options, names = FILTERS[case]
    several.project("shared", company="", company_origin=several.named("audio")["company"], tags=["a", "b"])
    several.project("theirs", company=OTHER, tags=["a", "b"])
    several.task(several.named("vision/yolo/v8")["_id"] if case == "empty" else None)
    if case == "empty":
        several.documents.project.update_many({"name": "vision"}, {"$set": {"tags": ["b", "a"]}})
        options, names = (("--where-empty", "--where-tag", "b"), {"audio", "nlp"})
    several.documents.project.update_one({"name": "nlp"}, {"$currentDate": {"last_update": True}})
    listed = several.json("list", "--non-public", *(option.replace("--where-", "--") for option in options))["projects"]
    assert {one["name"] for one in listed} == names
    several.json("update", *options, "--add-tag", "new", "--yes")
    assert {name for name, tags in field(several, "tags").items() if "new" in tags} == names  # type: ignore[operator]


def test_every_filter_of_list_has_its_option(several: Site) -> None:
    text = several.text("update", "--help", COLUMNS="200")
    for name in (field.name for field in fields(ProjectFilters)):
        assert f"--where-{name.strip('_').replace('_', '-')}" in text.replace(
            "--where-active-user,", "--where-active-users,"
        )
    assert " --parent" not in text


def test_filters_that_choose_nothing_change_nothing(several: Site) -> None:
    before = several.everything()
    result = several("update", "--where-tag", "nothing", "-d", "x")
    assert (result.exit_code, result.stderr) == (0, "no project passes the filters: nothing to do\n")
    result = several("update", "--where-tag", "nothing", "-d", "x", "--fail-if-empty")
    assert (result.exit_code, result.stderr) == (6, "error: no project passes the filters: nothing to do\n")
    assert several.error("update", "audio", "--where-tag", "a", "-d", "x", status=2)["message"].startswith("name the")
    assert several.error("update", "--where-tag", "", "-d", "x", status=2)["name"] == "FieldsValueError"
    assert several.error("update", "-d", "x", status=2)["message"] == "no project was named"
    assert several.everything() == before


WRONG_FILTERS = {
    ("tag", ""): "projects without tags: --where-no-tags",
    ("any", "x"): "--where-any 'x': write FIELDS=REGEX, as in --where-any name,description=rocket",
    ("all", "x"): "--where-all 'x': write FIELDS=REGEX, as in --where-all name,description=rocket",
    ("filters", "[]"): "--where-filters '[]': expected a JSON object",
    ("children-tags-filter", "1"): "--where-children-tags-filter '1': expected a JSON object",
    ("last-update", "x"): "--where-last-update 'x': write FROM,TO with a comma, as in '2024-02-01,' for an open end",
    ("older-than", "x"): "--where-older-than: ",
    ("newer-than", "9999999d"): "--where-newer-than '9999999d': longer than the calendar",
    ("owner", "nobody"): "--where-owner: there is no user 'nobody' in the company",
    ("children-of", "x", "--where-parent", "y"): (
        "--where-children-of can't be used with --where-parent or --where-shallow-search, which it stands for"
    ),
}


@pytest.mark.parametrize("command", [("update", "-d", "x"), ("tags", "add", "x"), ("tags", "list"), ("list",)])
def test_an_error_names_the_option_as_the_command_has_it(several: Site, command: tuple[str, ...]) -> None:
    several.documents.user.insert_one({"_id": "ada", "name": "Ada", "company": COMPANY})
    for (name, *values), message in WRONG_FILTERS.items():
        prefix = "" if command == ("list",) else "where-"
        options = [f"--{prefix}{name}", *(value.replace("where-", prefix) for value in values)]
        error = several.error(*command, *options, status=2)
        text = f"{error['message']} {error['hint']}" if name == "tag" else error["message"]
        assert message.replace("where-", prefix) in text


def test_a_dry_run_shows_the_old_and_the_new_values(several: Site) -> None:
    before = several.everything()
    plan = several.json("update", "audio", "vision", "-d", "new", "--add-tag", "b", "-n")
    assert [(step["name"], step["before"], step["why"]) for step in plan["steps"]] == [
        ("audio", {"description": "old"}, "update: description: old → new"),
        ("vision", {"description": "old", "tags": ["a"]}, "update: description: old → new; tags: a → a, b"),
    ]
    one = several.json("update", "vision", "--name", "sight", "-n")
    assert one["steps"][0]["why"] == "update: name: vision → sight"
    assert several.everything() == before


def test_what_has_the_values_already_is_left_alone(several: Site) -> None:
    several.json("update", "audio", "-d", "new")
    audio = several.named("audio")
    result = several("update", "audio", "nlp", "-d", "new", "--yes")
    assert (result.exit_code, "1 of 2 projects have these values already" in result.stderr) == (0, True)
    assert several.named("audio") == audio
    before = several.everything()
    result = several("update", "audio", "nlp", "-d", "new")
    assert (result.exit_code, "nothing to change: the projects have these values" in result.stderr) == (0, True)
    assert several.json("update", "--where-tag", "b", "--add-tag", "b") == {"updated": 0, "fields": {}}
    assert several.everything() == before


def test_a_project_that_can_not_be_changed_refuses_all(several: Site) -> None:
    several.project("shared", company="", company_origin=OTHER)
    assert several.error("update", "audio", "shared", "-d", "x", "--yes", status=4)["name"] == "NoWritePermission"
    assert several.error("update", "audio", UNKNOWN, "-d", "x", "--yes", status=3)["name"] == "InvalidProjectId"
    assert several.error("update", "audio", "nobody", "-d", "x", "--yes", status=3)["name"] == "ProjectNotFound"
    assert "--name is for one" in several.error("update", "audio", "nlp", "--name", "x", status=2)["message"]


def test_odd_documents_are_updated_too(several: Site) -> None:
    """Fields of any type, ids that are not text, and a project without a name."""
    several.documents.project.update_one({"name": "audio"}, {"$set": {"tags": "text", "description": {"a": [1]}}})
    several.project("odd", _id=7, tags=None)
    several.documents.project.update_one({"name": "nlp"}, {"$unset": {"name": 1, "tags": 1}})
    identifier = several.documents.project.find_one({"basename": "nlp"})["_id"]  # type: ignore[index]
    assert several.json("update", "audio", "odd", identifier, "--add-tag", "new", "--yes")["updated"] == 3
    tags = {one["basename"]: one["tags"] for one in several.documents.project.find({"basename": {"$ne": "vision"}})}
    assert {name: tags[name] for name in ("audio", "odd", "nlp")} == {
        "audio": ["new", "text"],
        "odd": ["new"],
        "nlp": ["new"],
    }
    several.json("undo", "--yes")
    assert several.named("audio")["tags"] == "text"
