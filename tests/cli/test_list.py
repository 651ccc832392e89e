"""`projects list`: filters, order and fields."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.running import on_terminal
from tests.worlds.site import COMPANY, LONG_AGO, OTHER, UNKNOWN, Site

if TYPE_CHECKING:
    from tests.conftest import Cli


def names(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [one["name"] for one in answer["projects"]]


@pytest.fixture
def several(site: Site) -> Site:
    site.project("vision", description="Looks at things", tags=["prod"], user="ann")
    site.project("vision/detector", description="Finds signs", tags=["prod", "gpu"])
    site.project("audio", description=None, tags=None, system_tags=["pipeline"])
    site.project("Speech", tags=["gpu"], last_update=LONG_AGO + timedelta(days=1))
    site.project("vision/.datasets", system_tags=["hidden"])
    site.project("shared", company="", company_origin=OTHER)
    site.project("foreign", company=OTHER)
    return site


VISIBLE = ["Speech", "audio", "shared", "vision", "vision/detector"]


def test_own_and_public_projects_are_listed_by_name_without_the_hidden_ones(several: Site) -> None:
    assert names(several.json("list")) == VISIBLE


@pytest.mark.parametrize("word", ["get-all", "get_all", "get-all-ex", "projects.get_all"])
def test_the_endpoints_own_spelling_works_too(several: Site, word: str) -> None:
    assert names(several.json(word)) == VISIBLE


def test_both_deployments_list(database: Any, cli: Cli) -> None:
    run = {"uri": database.uri, "PROJECTS_DATABASE": database.name, "PROJECTS_USER": "me"}
    assert cli("create", "vision", "-d", "x", "--new-company", **run).exit_code == 0
    assert cli("list", "--stats", "--fields-of-nothing", **run).exit_code == 2
    result = cli("list", "--stats", **run)
    assert [line.split("\t")[0] for line in result.stdout.splitlines()] == ["NAME", "vision"]


def test_a_project_has_the_listed_fields_only(site: Site) -> None:
    identifier = site.project("vision", logo_blob="blob", extra=1)
    assert site.json("list")["projects"] == [
        {
            "id": identifier,
            "name": "vision",
            "basename": "vision",
            "description": "",
            "company": site.stored(identifier)["company"],
            "user": "owner",
            "created": "2024-01-09T08:00:00+00:00",
            "last_update": "2024-01-09T08:00:00+00:00",
            "tags": [],
            "system_tags": [],
            "featured": 9999,
        }
    ]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--name", "^vision"), ["vision", "vision/detector"]),
        (("--name", "VISION"), []),
        (("--name", ""), VISIBLE),
        (("--description", "signs$"), ["vision/detector"]),
        (("--tag", "prod"), ["vision", "vision/detector"]),
        (("--tags", "prod,gpu"), []),
        (("--tag", "prod", "--tag", "gpu"), ["Speech", "vision", "vision/detector"]),
        (("--tag", "__$all", "--tag", "prod", "--tag", "gpu"), ["vision/detector"]),
        (("--tag", "-gpu", "--tag", "prod"), ["vision"]),
        (("--tag", "prod", "--exclude-tag", "gpu"), ["vision"]),
        (("--exclude-tag", "prod"), ["Speech", "audio", "shared"]),
        (("--exclude-tag", "prod", "--exclude-tag", "gpu"), ["audio", "shared"]),
        (("--no-tags",), ["audio", "shared"]),
        (("--no-tags", "--tag", "prod"), ["audio", "shared", "vision", "vision/detector"]),
        (("--system-tag", "pipeline"), ["audio"]),
        (("--system-tags", "-pipeline"), ["Speech", "shared", "vision", "vision/detector"]),
        (("--system-tag", "hidden"), []),
        (("--any", "name,description=SIGNS|speech"), ["Speech", "vision/detector"]),
        (("--any", "tags=^pro"), ["vision", "vision/detector"]),
        (("--all", "name,description=i"), ["vision", "vision/detector"]),
        (("--any", "name=a=b"), []),
        (("--any", "name="), VISIBLE),
        (("--all", "name,description="), VISIBLE),
        (("--tag", "__$not", "--tag", "__$nop", "--tag", "gpu"), ["Speech", "vision/detector"]),
        (("--tag", "__$all", "--tag", "__$not", "--tag", "__$nop", "--tag", "-prod"), ["Speech", "audio", "shared"]),
        (("--tag", "__$not", "--tag", "__$nop"), VISIBLE),
        (("--non-public",), ["Speech", "audio", "vision", "vision/detector"]),
        (("--name", "vision", "--tag", "gpu"), ["vision/detector"]),
        (("--limit", "2"), ["Speech", "audio"]),
        (("-L", "1"), ["Speech"]),
        (("--page", "1", "--page-size", "2"), ["shared", "vision"]),
        (("--page-size", "2"), ["Speech", "audio"]),
        (("--page", "1"), []),
        (("--order-by", "-name"), VISIBLE[::-1]),
        (("--order-by", "name,-name"), VISIBLE[::-1]),
        (("--order-by", "-name", "--order-by", "name"), VISIBLE),
        (("--order-by", "-last_update,-name,last_update,name"), [*VISIBLE[1:], "Speech"]),
        (("--order-by", "-last_update,name"), VISIBLE),
        (("--order-by", "-last_update", "--order-by", "-name"), ["Speech", *VISIBLE[:0:-1]]),
        (("--order-by", "description,name"), ["vision/detector", "vision", "audio", "Speech", "shared"]),
    ],
)
def test_filters_order_and_pages(several: Site, options: tuple[str, ...], found: list[str]) -> None:
    assert names(several.json("list", *options)) == found


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--children-of", "vision"), ["vision/detector"]),
        (("--children-of", "vision", "--children-of", "audio", "--hidden"), ["vision/.datasets", "vision/detector"]),
        (("--children-of", "vision/.datasets"), []),
        (("--parent", "vision", "--hidden"), ["vision/.datasets", "vision/.datasets/coco", "vision/detector"]),
        (("--parent", "vision", "--shallow-search"), ["vision/detector"]),
        (("--shallow-search", "--non-public"), ["Speech", "audio", "vision"]),
        (("--hidden", "--basename", "s$"), ["vision/.datasets"]),
        (("--active-user", "ann"), ["vision"]),
        (("--active-user", "bob", "--active-user", "ann"), ["audio", "vision"]),
        (("--children-type", "dataset"), ["vision"]),
        (("--children-type", "dataset", "--children-tag", "raw"), ["vision"]),
        (("--children-type", "dataset", "--children-tag", "-raw"), []),
        (("--children-type", "dataset", "--children-tags-filter", '{"all": {"exclude": ["raw"]}}'), []),
        (("--filters", '{"tags": {"all": {"include": ["prod"], "exclude": ["gpu"]}}}'), ["vision"]),
        (("--filters", '{"tags": {"any": {"include": ["prod"]}}}', "--tag", "gpu"), ["vision", "vision/detector"]),
        (("--filters", "{}", "--tag", "prod"), ["vision", "vision/detector"]),
        (("--last-update", "2024-01-10,"), ["Speech"]),
        (("--last-update", ",2024-01-09T09:00:00+01:00"), VISIBLE[1:]),
        (("--last-update", "2024-01-09T08:00:00Z,2024-01-10T07:59:59"), VISIBLE[1:]),
    ],
)
def test_place_contents_and_filters_by_list(several: Site, options: tuple[str, ...], found: list[str]) -> None:
    several.project("vision/.datasets/coco", tags=["raw"], system_tags=["dataset", "hidden"])
    several.task(several.named("audio")["_id"], user="bob")
    assert names(several.json("list", *options)) == found


def test_hidden_projects_are_marked_and_contents_counted(several: Site) -> None:
    several.task(several.named("audio")["_id"])
    found = several.json("list", "--hidden", "--name", "^vision")["projects"]
    assert {one["name"]: one.get("hidden") for one in found} == {
        "vision": None,
        "vision/.datasets": True,
        "vision/detector": None,
    }
    assert several.text("list", "--hidden", "--fields", "hidden,name", "--parent", "vision").splitlines() == [
        "HIDDEN\tNAME",
        "true\tvision/.datasets",
        "\tvision/detector",
    ]
    found = several.json("list", "--own-contents", "--name", "^audio", "--only-fields", "name")["projects"]
    assert [(one["name"], one["own_tasks"], one["own_models"]) for one in found] == [("audio", 1, 0)]
    rows = [line.split("\t")[:3] for line in several.text("list", "--own-contents", "--name", "^audio").splitlines()]
    assert rows == [["NAME", "OWN TASKS", "OWN MODELS"], ["audio", "1", "0"]]
    several.task(several.named("vision/detector")["_id"], runtime={"ds_file_count": 3, "ds_total_size": 9})
    rows = [line.split("\t")[:3] for line in several.text("list", "--dataset-stats", "--name", "or$").splitlines()]
    assert rows == [["NAME", "FILES", "DATASET SIZE"], ["vision/detector", "3", "9"]]
    for option, count in (("--stats", 1), ("--own-stats", 0)):
        shown = several.json("list", option, "--name", "^vision$")["projects"]
        assert [one["stats"]["active"]["total_tasks"] for one in shown] == [count]


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (("--children-of", "nothing"), 3, "there is no project 'nothing'"),
        (("--children-of", "vision", "--shallow-search"), 2, "--children-of can't be used with"),
        (("--filters", "null"), 2, "--filters 'null': expected a JSON object"),
        (("--filters", "{"), 2, "--filters: invalid JSON"),
        (("--filters", '"\ud800"'), 2, "--filters: the JSON is not valid UTF-8: byte 0xed at offset 1"),
        (("--filters", '{"tag": {}}'), 2, "filters: unknown field 'tag'"),
        (("--filters", '{"tags": {"any": {"includes": ["a"]}}}'), 2, "includes"),
        (("--filters", '{"tags": ["a"]}'), 2, "params.filters.tags"),
        (("--last-update", "2024-01-01"), 2, "write FROM,TO"),
        (("--last-update", ","), 2, "one of the two bounds must be a date"),
        (("--last-update", "soon,"), 2, "'soon' is not a date"),
        (("--hidden", "--api-version", "2.13"), 2, "version 2.14 has it"),
        (("--own-stats", "--api-version", "2.15"), 2, "version 2.16 has it"),
    ],
)
def test_invalid_filters_are_refused(several: Site, options: tuple[str, ...], status: int, message: str) -> None:
    error = several.error("list", *options, status=status)
    assert message in " ".join(
        [error["message"], *(f"{one['path']} {one['message']}" for one in error.get("problems", ()))]
    )


def test_a_batch_scrolls(several: Site) -> None:
    line = {"endpoint": "projects.get_all", "params": {"order_by": ["name"], "scroll_id": None, "size": 3}}
    first = json.loads(several.text("batch", "-", stdin=json.dumps(line)))["data"]
    line["params"] |= {"scroll_id": first["scroll_id"]}  # type: ignore[operator]
    second = json.loads(several.text("batch", "-", stdin=json.dumps(line)))["data"]
    assert (names(first), names(second)) == (VISIBLE[:3], VISIBLE[3:])


def test_ids_show_hidden_projects_too(several: Site) -> None:
    hidden, own = several.named("vision/.datasets")["_id"], several.named("audio")["_id"]
    foreign = several.named("foreign")["_id"]
    found = several.json("list", "--id", hidden, "--id", own, "--id", foreign, "--id", UNKNOWN)
    assert names(found) == ["audio", "vision/.datasets"]


@pytest.mark.parametrize("option", ["--search", "--search-text"])
def test_search_finds_words_the_best_first(several: Site, option: str) -> None:
    fields = [("name", "text"), ("description", "text"), ("_id", "text")]
    several.documents.project.create_index(fields, weights={"name": 10, "description": 10, "_id": 1})
    several.project("signs", description="signs, signs and signs")
    assert names(several.json("list", option, "signs")) == ["signs", "vision/detector"]
    assert names(several.json("list", option, "signs", "--order-by", "-name")) == ["vision/detector", "signs"]
    assert names(several.json("list", option, "signs", "--order-by", "@text_score")) == ["signs", "vision/detector"]


def test_search_without_a_text_index_says_how_to_make_one(several: Site) -> None:
    error = several.error("list", "--search", "signs", status=1)
    assert error["name"] == "TextIndexMissing"
    assert "projects indexes create" in error["hint"]


# --- fields -------------------------------------------------------------------------------------------------------


def test_only_fields_gives_exactly_these(several: Site) -> None:
    shown = several.json("list", "--name", "^vision$", "--only-fields", "name,path", "--only-fields", "tags")
    assert shown == {"projects": [{"name": "vision", "path": [], "tags": ["prod"]}]}


def test_only_fields_with_a_minus_leaves_a_field_out(several: Site) -> None:
    (shown,) = several.json("list", "--name", "^vision$", "--only-fields", "-tags")["projects"]
    assert ("tags" in shown, "name" in shown) == (False, True)


def test_a_star_is_every_field_of_a_project(several: Site) -> None:
    parent = several.named("vision")["_id"]
    data = '{"only_fields": ["*"], "name": "^vision/detector$"}'
    (shown,) = several.json("call", "get_all_ex", "--data", data)["projects"]
    assert shown.pop("id") == several.named("vision/detector")["_id"]
    assert shown == {
        "name": "vision/detector",
        "basename": "detector",
        "description": "Finds signs",
        "company": COMPANY,
        "user": "owner",
        "parent": parent,
        "path": [parent],
        "created": "2024-01-09T08:00:00+00:00",
        "last_update": "2024-01-09T08:00:00+00:00",
        "tags": ["gpu", "prod"],
        "system_tags": [],
        "featured": 9999,
    }


@pytest.mark.parametrize(
    ("endpoint", "field"), [("get_all", "*"), ("get_all", "parent.*"), ("get_all_ex", "-*"), ("get_all_ex", "tags.*")]
)
def test_a_star_elsewhere_is_an_invalid_field(several: Site, endpoint: str, field: str) -> None:
    data = json.dumps({"only_fields": [field]})
    assert several.fault("call", endpoint, "--data", data, status=2) == (400, 14, "InvalidFields")


def test_a_star_after_a_reference_is_the_whole_referenced_document(several: Site) -> None:
    top = several.named("vision")["_id"]
    middle = several.project("vision/middle", tags=["b", "a"], logo_blob="blob", extra=1, user="bob")
    several.project("vision/middle/leaf", user="bob")
    several.documents.user.insert_one({"_id": "bob", "company": COMPANY, "name": "Bob", "created": LONG_AGO})
    several.documents.company.replace_one({"_id": COMPANY}, {"name": "ours", "defaults": {"a": 1}}, upsert=True)
    data = '{"only_fields": ["parent.*", "user.*", "company.*"], "name": "leaf$"}'
    (shown,) = several.json("call", "get_all_ex", "--data", data)["projects"]
    assert shown["parent"] == {
        "id": middle,
        "name": "vision/middle",
        "basename": "middle",
        "description": "",
        "company": {"id": COMPANY},
        "user": {"id": "bob"},
        "parent": {"id": top},
        "created": "2024-01-09T08:00:00+00:00",
        "last_update": "2024-01-09T08:00:00+00:00",
        "tags": ["a", "b"],
        "system_tags": [],
        "featured": 9999,
        "path": [top],
        "logo_blob": "blob",
    }
    created = "2024-01-09T08:00:00+00:00"
    assert shown["user"] == {"id": "bob", "company": {"id": COMPANY}, "name": "Bob", "created": created}
    assert shown["company"] == {"id": COMPANY, "name": "ours", "defaults": {"a": 1}}


def test_the_company_of_a_public_parent_is_empty(several: Site) -> None:
    several.project("shared/below", company="", parent=several.named("shared")["_id"])
    data = '{"only_fields": ["parent.*"], "name": "below$"}'
    (shown,) = several.json("call", "get_all_ex", "--data", data)["projects"]
    assert (shown["parent"]["name"], shown["parent"]["company"]) == ("shared", {})


@pytest.mark.parametrize("endpoint", ["get_all", "get_all_ex"])
@pytest.mark.parametrize("parameter", ["_any_", "_all_"])
@pytest.mark.parametrize(
    ("pattern", "missing"),
    [
        ({}, "fields and pattern"),
        ({"fields": ["name"]}, "pattern"),
        ({"fields": []}, "pattern"),
        ({"fields": ["name"], "pattern": None}, "pattern"),
        ({"pattern": "x"}, "fields"),
        ({"pattern": ""}, "fields"),
        ({"pattern": "x", "fields": None}, "fields"),
    ],
)
def test_fields_and_pattern_are_both_required(
    several: Site, endpoint: str, parameter: str, pattern: dict[str, Any], missing: str
) -> None:
    error = several.error("call", endpoint, "--data", json.dumps({parameter: pattern}), status=2)
    assert (error["code"], error["subcode"], error["name"]) == (400, 16, "FieldsValueError")
    assert error["message"] == f"{parameter}: {missing} missing"


@pytest.mark.parametrize("parameter", ["_any_", "_all_"])
@pytest.mark.parametrize("pattern", [None, {"fields": [], "pattern": "x"}, {"fields": ["name"], "pattern": ""}])
def test_no_fields_or_an_empty_pattern_is_no_filter(several: Site, parameter: str, pattern: Any) -> None:
    data = json.dumps({parameter: pattern, "order_by": ["name"]})
    assert names(several.json("call", "get_all", "--data", data)) == VISIBLE


def test_chosen_fields_are_the_columns(several: Site) -> None:
    text = several.text("list", "--name", "^vision", "--only-fields", "basename,tags")
    assert text == "BASENAME\tTAGS\nvision\tprod\ndetector\tgpu, prod\n"


def test_a_referenced_document_has_its_name(several: Site) -> None:
    several.documents.user.insert_one({"_id": "ann", "name": "Ann", "company": several.named("vision")["company"]})
    options = ("--stats", "--only-fields", "parent.name,user.name", "--name", "^vision")
    first, second = several.json("list", *options)["projects"]
    parent = {"id": several.named("vision")["_id"], "name": "vision"}
    assert (first["user"], second["parent"]) == ({"id": "ann", "name": "Ann"}, parent)
    assert second["id"] == several.named("vision/detector")["_id"]


@pytest.mark.parametrize(
    "options",
    [
        ("--only-fields", "nam"),
        ("--only-fields", "parent.name"),
        ("--order-by", "nam"),
        ("--any", "nam=x"),
        ("--all", "nam=x"),
    ],
)
def test_an_unknown_field_is_refused(several: Site, options: tuple[str, ...]) -> None:
    error = several.error("list", *options, status=2)
    assert (error["code"], error["subcode"], error["name"]) == (400, 14, "InvalidFields")
    assert error["hint"]


def test_the_nearest_field_is_named(several: Site) -> None:
    assert several.error("list", "--order-by", "nam", status=2)["hint"] == "did you mean 'name'?"


@pytest.mark.parametrize("options", [("--name", "("), ("--description", "["), ("--any", "name=*"), ("--all", "name=(")])
def test_a_malformed_pattern_is_refused(several: Site, options: tuple[str, ...]) -> None:
    assert several.fault("list", *options, status=2) == (400, 21, "InvalidRegexError")


@pytest.mark.parametrize(
    "options",
    [
        ("--tag", "__$maybe"),
        ("--tag", "-"),
        ("--tag", "__$not"),
        ("--tag", "__$not", "--tag", "__$all"),
        ("--system-tag", "__$maybe"),
        ("--order-by", "@text_score"),
        ("--order-by", "-@text_score"),
    ],
)
def test_a_value_with_a_meaning_in_the_wrong_place_is_refused(several: Site, options: tuple[str, ...]) -> None:
    assert several.fault("list", *options, status=2) == (400, 16, "FieldsValueError")


@pytest.mark.parametrize(
    ("options", "path"),
    [(("--page", "-1"), "params.page"), (("--page-size", "0"), "params.page_size")],
)
def test_what_the_schema_refuses_has_its_path(several: Site, options: tuple[str, ...], path: str) -> None:
    error = several.error("list", *options, status=2)
    assert (error["subcode"], error["name"], [one["path"] for one in error["problems"]]) == (
        12,
        "ValidationError",
        [path],
    )


def test_all_problems_come_at_once(several: Site) -> None:
    error = several.error("list", "--page", "-1", "--page-size", "0", status=2)
    assert [one["path"] for one in error["problems"]] == ["params.page", "params.page_size"]
    assert error["hint"] == "on the command line: --page N, --page-size N"


@pytest.mark.parametrize("limit", ["0", "-1"])
def test_a_limit_is_at_least_1(several: Site, limit: str) -> None:
    assert several.error("list", "--limit", limit, status=2)["message"] == f"--limit must be at least 1, not {limit}"


@pytest.mark.parametrize(
    "options",
    [
        ("--any", "name"),
        ("--all", "=x"),
        ("--limit", "1", "--page", "0"),
        ("-L", "1", "--page-size", "2"),
        ("--state", "x"),
    ],
)
def test_wrong_usage(several: Site, options: tuple[str, ...]) -> None:
    assert several.error("list", *options, status=2)["name"] == "UsageError"


# --- statistics ---------------------------------------------------------------------------------------------------


@pytest.fixture
def worked(site: Site) -> Site:
    vision, deep = site.project("vision"), site.project("vision/deep")
    ran = {"started": LONG_AGO, "completed": LONG_AGO + timedelta(seconds=90, milliseconds=900)}
    site.task(vision, status="completed", **ran)
    site.task(deep, status="completed", started=LONG_AGO, completed=datetime.now(UTC))
    site.task(deep, status=None)
    site.task(deep, status="failed", system_tags=["archived"], **ran)
    site.task(deep, company=OTHER)
    return site


def test_statistics_count_tasks_with_those_below(worked: Site) -> None:
    vision, deep = worked.json("list", "--stats")["projects"]
    assert vision["stats"].keys() == {"active"}
    active = vision["stats"]["active"]
    assert active["status_count"] == {
        "closed": 0,
        "completed": 2,
        "created": 0,
        "failed": 0,
        "in_progress": 0,
        "published": 0,
        "publishing": 0,
        "queued": 0,
        "stopped": 0,
        "unknown": 1,
    }
    assert (active["total_tasks"], active["completed_tasks_24h"]) == (3, 1)
    assert active["last_task_run"] == "2024-01-09T08:00:00+00:00"
    assert vision["sub_projects"] == [{"id": deep["id"], "name": "vision/deep"}]
    assert (deep["sub_projects"], deep["stats"]["active"]["total_tasks"]) == ([], 2)


def test_runtime_is_in_whole_seconds(worked: Site) -> None:
    (vision,) = worked.json("list", "--state", "archived", "--name", "^vision$")["projects"]
    assert vision["stats"].keys() == {"archived"}
    assert vision["stats"]["archived"]["total_runtime"] == 90
    assert vision["stats"]["archived"]["total_tasks"] == 1


@pytest.mark.parametrize(
    ("options", "states"),
    [
        (("--include-stats",), {"active"}),
        (("--state", "active"), {"active"}),
        (("--stats-for-state", "archived"), {"archived"}),
        (("--stats", "--state", "all"), {"active", "archived"}),
    ],
)
def test_the_state_chooses_which_tasks_count(worked: Site, options: tuple[str, ...], states: set[str]) -> None:
    assert all(one["stats"].keys() == states for one in worked.json("list", *options)["projects"])


def test_the_text_has_the_sums(worked: Site) -> None:
    heading, line, _ = worked.text("list", "--state", "all").splitlines()
    record = dict(zip(heading.split("\t"), line.split("\t"), strict=True))
    assert (record["NAME"], record["TASKS"], record["COMPLETED"], record["FAILED"]) == ("vision", "4", "2", "1")
    assert record["ID"] == worked.named("vision")["_id"]


def test_a_listing_reads_and_changes_nothing_even_where_changes_are_off(worked: Site) -> None:
    before = worked.everything()
    assert names(worked.json("list", "--stats", "--read-only", "--dry-run")) == ["vision", "vision/deep"]
    assert worked.everything() == before


# --- the web UI -----------------------------------------------------------------------------------------------------


def test_addresses_in_the_web_ui_follow_the_filters_and_the_order(site: Site) -> None:
    for name in ("audio", "vision", "zoo"):
        site.project(name)
    site.task(site.named("vision")["_id"])
    web = {"PROJECTS_WEB_URL": "https://clearml.example.com"}
    addresses = {
        name: f"https://clearml.example.com/projects/{site.named(name)['_id']}" for name in ("audio", "vision")
    }
    assert site.text("list", "--web", "-L", "2", **web).splitlines() == [
        "NAME\tWEB",
        f"audio\t{addresses['audio']}",
        f"vision\t{addresses['vision']}",
    ]
    (first,) = site.json("list", "--web", "-L", "1", "--sort-by", "-tasks", **web)["projects"]
    assert first == {"id": site.named("vision")["_id"], "name": "vision", "web": addresses["vision"]}
    assert site.text("list", "--web", "--name", "zoo", "-o", "id", **web) == f"{site.named('zoo')['_id']}\n"


def test_on_a_narrow_screen_addresses_are_whole_and_links(site: Site) -> None:
    address = f"https://clearml.example.com/projects/{site.project('vision')}"
    link = f"\x1b]8;;{address}\x1b\\{address}\x1b]8;;\x1b\\"
    for columns in (40, 120):
        shown = on_terminal(site, "list", "--web", columns=columns, PROJECTS_WEB_URL="https://clearml.example.com")
        assert link in shown.text


def test_addresses_need_that_of_the_web_ui_and_have_their_own_columns(site: Site) -> None:
    assert site.error("list", "--web", status=2)["message"] == "--web: the address of the web UI is not configured"
    result = site("list", "--web", "--columns", "name", PROJECTS_WEB_URL="https://x")
    assert result.exit_code == 2
    assert "--web can't be used with --columns or --fields" in result.stderr
