"""`projects get`: one project with all its fields, found by any of its addresses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.running import on_terminal
from tests.worlds.site import COMPANY, LONG_AGO, OTHER, UNKNOWN, Site


def test_every_field_is_shown(site: Site) -> None:
    fields = {
        "tags": ["b", "a"],
        "logo_url": "http://logo",
        "logo_blob": "blob",
        "default_output_destination": "s3://x",
    }
    identifier = site.project("vision/detector", description="Road signs", **fields)
    stored = site.stored(identifier)
    assert site.json("get", identifier) == {
        "project": {
            "id": identifier,
            "name": "vision/detector",
            "basename": "detector",
            "description": "Road signs",
            "company": stored["company"],
            "user": "owner",
            "parent": site.named("vision")["_id"],
            "created": "2024-01-09T08:00:00+00:00",
            "last_update": "2024-01-09T08:00:00+00:00",
            "tags": ["a", "b"],
            "system_tags": [],
            "default_output_destination": "s3://x",
            "featured": 9999,
            "logo_url": "http://logo",
            "path": [site.named("vision")["_id"]],
            "logo_blob": "blob",
        }
    }


def test_missing_fields_have_their_defaults_and_unknown_ones_stay_away(site: Site) -> None:
    identifier = site.project("bare", extra="of the server", tags=None, description=None)
    site.documents.project.update_one({"_id": identifier}, {"$unset": {"path": 1, "featured": 1, "system_tags": 1}})
    shown = site.json("get", identifier)["project"]
    assert (shown["tags"], shown["system_tags"], shown["path"], shown["featured"]) == ([], [], [], 9999)
    assert shown.keys() & {"description", "extra", "parent"} == set()


def test_the_text_has_a_line_for_each_field(site: Site) -> None:
    site.project("vision", description="Road signs")
    record = dict(line.split("\t") for line in site.text("get", "vision").splitlines())
    assert (record["name"], record["description"]) == ("vision", "Road signs")
    assert "featured" not in record


def test_a_table_has_names_counts_and_the_last_activity(site: Site) -> None:
    site.documents.user.insert_one({"_id": "owner", "company": COMPANY, "name": "Ana Souza"})
    site.project("vision/yolo/v8")
    yolo = site.named("vision/yolo")["_id"]
    site.task(yolo, status="failed", last_update=LONG_AGO + timedelta(days=2))
    site.task(site.named("vision/yolo/v8")["_id"], status="completed")
    site.task(yolo, system_tags=["archived"], last_change=LONG_AGO + timedelta(days=3))
    site.task(yolo, company=OTHER, last_update=LONG_AGO + timedelta(days=9))
    site.model(yolo)
    record = dict(line.split("\t") for line in site.text("get", "vision/yolo").splitlines())
    assert {name: value for name, value in record.items() if "id" not in name.split()} == {
        "name": "vision/yolo",
        "owner": "Ana Souza",
        "parent": "vision",
        "created": LONG_AGO.isoformat(),
        "updated": LONG_AGO.isoformat(),
        "last activity": (LONG_AGO + timedelta(days=3)).isoformat(),
        "tasks": "2",
        "failed tasks": "1",
        "completed tasks": "1",
        "archived tasks": "1",
        "runtime": "0",
        "models": "1",
        "archived models": "0",
        "direct sub-projects": "1",
        "all sub-projects": "1",
    }


def test_other_formats_have_the_counts_if_they_are_named(site: Site) -> None:
    site.task(site.project("vision"))
    assert "tasks" not in site.json("get", "vision")["project"]
    shown = site.json("get", "vision", "--fields", "name,tasks.total,owner.id")
    assert shown == {"project": {"name": "vision", "tasks": {"total": 1}, "owner": {"id": "owner"}}}


@pytest.mark.parametrize("word", ["get", "get-by-id", "get_by_id", "projects.get_by_id"])
def test_the_endpoints_own_spelling_works_too(site: Site, word: str) -> None:
    identifier = site.project("vision")
    assert site.json(word, "vision")["project"]["id"] == identifier


def test_a_public_project_can_be_read(site: Site) -> None:
    identifier = site.project("shared", company="", company_origin=OTHER)
    shown = site.json("get", "shared")["project"]
    assert (shown["id"], shown["company"], shown["company_origin"]) == (identifier, "", OTHER)


def test_a_hidden_project_can_be_read_by_name(site: Site) -> None:
    identifier = site.project("vision/.datasets", system_tags=["hidden"])
    assert site.json("get", "vision/.datasets")["project"]["id"] == identifier


def test_internal_fields_are_shown_on_request(site: Site) -> None:
    site.project("vision")
    fields = {"company", "featured", "basename", "path"}
    narrow, wide = (
        {line.partition("  ")[0] for line in site.text("get", "vision", "-o", output).splitlines()}
        for output in ("table", "wide")
    )
    assert not fields & narrow
    assert wide - narrow >= fields - {"path"}  # which is empty


# --- the web UI -----------------------------------------------------------------------------------------------------

WEB: dict[str, Any] = {"PROJECTS_WEB_URL": "https://clearml.example.com/"}


def test_the_address_in_the_web_ui(site: Site) -> None:
    identifier = site.project("vision")
    address = f"https://clearml.example.com/projects/{identifier}"
    assert site.text("get", "vision", "--web", **WEB) == f"{address}\n"
    assert site.json("get", "vision", "--web", **WEB) == {"id": identifier, "name": "vision", "web": address}
    odd = site.project("odd", _id="a/b?\x1b[31m")
    assert site.text("get", odd, "--web", **WEB) == "https://clearml.example.com/projects/a%2Fb%3F%1B%5B31m\n"


@pytest.mark.parametrize(
    ("environment", "linked"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "linux"}, False), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_with_links_gets_a_link(site: Site, environment: dict[str, Any], linked: bool) -> None:
    address = f"https://clearml.example.com/projects/{site.project('vision')}"
    shown = on_terminal(site, "get", "vision", "--web", **WEB, **environment).text
    assert shown == (f"\x1b]8;;{address}\x1b\\{address}\x1b]8;;\x1b\\\n" if linked else f"{address}\n")


def test_without_an_address_of_the_web_ui_it_is_refused(site: Site) -> None:
    site.project("vision")
    error = site.error("get", "vision", "--web", status=2)
    assert error["message"] == "--web: the address of the web UI is not configured"
    for url in ("clearml.example.com", "ftp://x", "https://", "https://ana:secret@x/", "https://x/?a=b", "https://x[/"):
        result = site("get", "vision", "--web", PROJECTS_WEB_URL=url)
        assert result.exit_code == 2
        assert "secret" not in result.stderr


# --- addresses ----------------------------------------------------------------------------------------------------

ID = "0123456789abcdef0123456789abcdef"
TWIN = "01234567ffffffffffffffffffffffff"


@pytest.mark.parametrize("address", [ID, "vision/detector", ID[:8], ID[:31]])
def test_an_address_is_an_id_or_a_name_or_the_beginning_of_an_id(site: Site, address: str) -> None:
    site.project("vision/detector", _id=ID)
    assert site.text("get", address, "-o", "id") == f"{ID}\n"


def test_a_project_is_read_from_standard_input(site: Site) -> None:
    site.project("vision/detector", _id=ID)
    assert site.text("get", "-", "-o", "id", stdin="vision/detector\n") == f"{ID}\n"


def test_a_name_wins_over_the_beginning_of_an_id(site: Site) -> None:
    site.project("vision", _id=ID)
    other = site.project(ID[:8])
    assert site.text("get", ID[:8], "-o", "id") == f"{other}\n"


def test_seven_digits_are_no_beginning_of_an_id(site: Site) -> None:
    site.project("vision", _id=ID)
    error = site.error("get", ID[:7], status=3)
    assert (error["name"], error["message"]) == ("ProjectNotFound", f"there is no project '{ID[:7]}'")


def test_a_beginning_of_several_ids_is_ambiguous(site: Site) -> None:
    site.project("one", _id=ID)
    site.project("two", _id=TWIN)
    error = site.error("get", ID[:8], status=2)
    assert error["name"] == "AmbiguousProject"
    assert error["message"] == f"'{ID[:8]}' matches several projects: {ID} (one), {TWIN} (two)"
    assert error["hint"] == "use a complete id"


def test_a_name_of_an_own_and_of_a_public_project_is_ambiguous(site: Site) -> None:
    own, public = site.project("vision"), site.project("vision", company="", company_origin=OTHER)
    error = site.error("get", "vision", status=2)
    assert error["name"] == "AmbiguousProject"
    assert own in error["message"]
    assert public in error["message"]


def test_an_unknown_name_brings_the_nearest_ones(site: Site) -> None:
    site.project("vision/detector")
    site.project("audio")
    error = site.error("get", "vision/detecter", status=3)
    assert (error["name"], error["hint"]) == ("ProjectNotFound", "did you mean 'vision/detector'?")


def test_an_unknown_name_far_from_all_says_where_to_look(site: Site) -> None:
    assert site.error("get", "zebra", status=3)["hint"] == "see: projects list"


def test_an_unknown_id_is_the_services_error(site: Site) -> None:
    error = site.error("get", UNKNOWN, status=3)
    assert (error["code"], error["subcode"], error["name"]) == (400, 401, "InvalidProjectId")
    assert error["hint"] == "list the projects: projects list"


def test_a_project_of_another_company_is_unknown_by_every_address(site: Site) -> None:
    identifier = site.project("foreign", company=OTHER)
    assert site.error("get", identifier, status=3)["name"] == "InvalidProjectId"
    for address in ("foreign", identifier[:8]):
        error = site.error("get", address, status=3)
        assert (error["name"], error["hint"]) == ("ProjectNotFound", "see: projects list")


def test_an_empty_address_is_refused(site: Site) -> None:
    error = site.error("get", "", status=2)
    assert (error["name"], error["message"]) == ("EmptyName", "the name of the project is empty")


def test_an_empty_standard_input_is_nothing_to_do(site: Site) -> None:
    result = site("get", "-", stdin="\n")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing to do" in result.stderr


def test_several_lines_where_one_project_belongs_are_refused(site: Site) -> None:
    site.project("one-project")
    site.project("two-project")
    assert site.error("get", "-", status=2, stdin="one-project\ntwo-project\n")["name"] == "UsageError"


def test_a_name_with_the_characters_of_a_pattern_is_taken_literally(site: Site) -> None:
    site.project("abc")
    assert site.error("get", "a.c", status=3)["hint"] == "did you mean 'abc'?"


# --- names as they are typed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        " vision/detector",
        "vision/detector ",
        "\tvision/detector\n",
        "/vision/detector",
        "//vision//detector/",
        "vision / detector",
        " // vision//detector / ",
        f" {ID} ",
        f"{ID[:8]} ",
    ],
)
@pytest.mark.parametrize(
    "command", [("get",), ("update", "--tag", "x"), ("delete", "--dry-run"), ("make-public", "-n")]
)
def test_a_name_is_normalized_as_create_does(site: Site, command: tuple[str, ...], address: str) -> None:
    site.project("vision/detector", _id=ID)
    name, *options = command
    assert site(name, address, *options, "--yes").exit_code == 0


def test_the_normalized_name_is_the_one_that_create_stores(site: Site) -> None:
    for name in ("//a b///cde /", " abc /def", "ghi//"):
        identifier = site.json("create", name, "-d", "")["id"]
        assert site.json("get", name)["project"]["id"] == identifier


def test_a_stored_name_with_slashes_of_its_own_wins(site: Site) -> None:
    odd, even = site.project("/vision", basename="vision"), site.project("vision")
    assert site.text("get", "/vision", "-o", "id") == f"{odd}\n"
    assert site.text("get", "//vision", "-o", "id") == f"{even}\n"


@pytest.mark.parametrize("address", [" ", "/", "//", " / "])
def test_a_name_without_a_segment_is_not_found(site: Site, address: str) -> None:
    site.project("vision")
    assert site.error("get", address, status=3)["name"] == "ProjectNotFound"


TWIN_NAMES = [
    ("caf\u00e9", "cafe\u0301", "U+00E9", "U+0065 U+0301"),
    ("cafe\u0301", "caf\u00e9", "U+0065 U+0301", "U+00E9"),
    ("vision/\u00c5ngstr\u00f6m", "vision/A\u030angstr\u00f6m", "U+00C5", "U+0041 U+030A"),
    ("\u212bngstr\u00f6m", "\u00c5ngstr\u00f6m", "U+212B", "U+00C5"),
    ("\ud55c\uae00/abc", "\u1112\u1161\u11ab\uae00/abc", "U+D55C", "U+1112 U+1161 U+11AB"),
]


@pytest.mark.parametrize(("asked", "stored", "asked_points", "stored_points"), TWIN_NAMES)
def test_a_twin_in_another_unicode_form_is_named_with_its_code_points(
    site: Site, asked: str, stored: str, asked_points: str, stored_points: str
) -> None:
    site.project(stored)
    error = site.error("get", asked, status=3)
    assert error["name"] == "ProjectNotFound"
    assert error["message"] == (
        f"there is no project '{asked}' ({asked_points}); "
        f"a project with the same letters in another Unicode form exists: '{stored}' ({stored_points})"
    )


def test_a_twin_of_a_name_that_is_normalized_is_named_too(site: Site) -> None:
    site.project("cafe\u0301")
    assert "U+0301" in site.error("get", "/caf\u00e9 ", status=3)["message"]


def test_a_twin_of_another_company_is_not_mentioned(site: Site) -> None:
    site.project("cafe\u0301", company=OTHER)
    error = site.error("get", "caf\u00e9", status=3)
    assert (error["message"], error["hint"]) == ("there is no project 'caf\u00e9'", "see: projects list")


@pytest.mark.parametrize("length", range(1, 8))
def test_a_beginning_of_an_id_that_is_too_short_is_reported(site: Site, length: int) -> None:
    site.project("vision", _id=ID)
    hint = site.error("get", ID[:length], status=3)["hint"]
    assert hint.startswith(f"a prefix of an id needs at least 8 digits, not {length}; ")
