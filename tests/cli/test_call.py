"""`projects call`: a request in the raw, the response out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds.site import UNKNOWN, Site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli


NEW_ENDPOINT = """
create { "2.1" { request { type: object, required: [name], properties { name { type: string } } } } }
invent { "3.0" { description: "Nothing yet", request { type: object } } }
"""


@pytest.mark.parametrize("endpoint", ["projects.get_all", "get_all", "get-all", "projects.get-all"])
def test_an_endpoint_has_several_spellings(site: Site, endpoint: str) -> None:
    identifier = site.project("vision")
    answer = site.json("call", endpoint, "--data", '{"only_fields": ["id"]}')
    assert answer == {"projects": [{"id": identifier}]}


def test_data_comes_from_the_option_a_file_or_standard_input(site: Site, tmp_path: Path) -> None:
    site.project("vision")
    site.project("audio")
    request = '{"name": "^vis", "only_fields": ["name"]}'
    file = tmp_path / "request.json"
    file.write_text(request)
    for data, stdin in ((request, None), (f"@{file}", None), ("-", request)):
        answer = site.json("call", "get_all", "--data", data, stdin=stdin)
        assert answer == {"projects": [{"name": "vision"}]}


def test_without_data_the_request_is_empty(site: Site) -> None:
    assert site.json("call", "get_all") == {"projects": []}


def test_a_change_is_made_and_never_asks(site: Site) -> None:
    site.project("vision/deep")
    identifier = site.named("vision")["_id"]
    answer = site.json("call", "delete", "--data", json.dumps({"project": identifier}))
    assert answer == {"deleted": 2, "disassociated_tasks": 0, "deleted_models": 0, "deleted_tasks": 0}
    assert site.names() == []


def test_names_are_no_ids_here(site: Site) -> None:
    site.project("vision")
    error = site.error("call", "get_by_id", "--data", '{"project": "vision"}', status=3)
    assert (error["code"], error["subcode"], error["name"]) == (400, 401, "InvalidProjectId")


def test_a_null_is_a_value_in_update(site: Site) -> None:
    identifier = site.project("vision", description="x", tags=["a"])
    data = json.dumps({"project": identifier, "description": None, "tags": None})
    assert site.json("call", "update", "--data", data)["fields"] == {"description": None, "tags": []}
    assert (site.stored(identifier)["description"], site.stored(identifier)["tags"]) == (None, [])


def test_a_null_for_a_state_means_both(site: Site) -> None:
    site.project("vision")
    data = '{"include_stats": true, "stats_for_state": null}'
    (shown,) = site.json("call", "get_all_ex", "--data", data)["projects"]
    assert shown["stats"].keys() == {"active", "archived"}


@pytest.mark.parametrize("ids", ["{}", '{"ids": []}', '{"ids": null}'])
@pytest.mark.parametrize("endpoint", ["make_public", "make_private"])
def test_no_ids_is_a_validation_error(site: Site, endpoint: str, ids: str) -> None:
    assert site.fault("call", endpoint, "--data", ids, status=2) == (400, 12, "ValidationError")


def test_every_problem_of_a_request_comes_at_once_with_its_path(site: Site) -> None:
    data = json.dumps({"page": "0", "tags": "a", "_any_": {"fields": [1]}, "nam": "x"})
    error = site.error("call", "get_all", "--data", data, status=2)
    assert {one["path"]: one["message"] for one in error["problems"]} == {
        "params.page": "expected integer, got string",
        "params.tags": "expected array, got string",
        "params._any_.fields[0]": "expected string, got integer",
        "params.nam": 'unknown field; did you mean "name"?',
    }


def test_force_as_text_is_refused(site: Site) -> None:
    identifier = site.project("vision")
    error = site.error("call", "delete", "--data", json.dumps({"project": identifier, "force": "false"}), status=2)
    assert error["problems"] == [{"path": "params.force", "message": "expected boolean, got string"}]


def test_people_see_every_problem_too(site: Site) -> None:
    result = site("call", "get_all", "--data", '{"page": -1, "page_size": 0}')
    assert result.stderr.splitlines() == [
        "error: 2 problems, the first: params.page: must be at least 0, got -1",
        "  params.page: must be at least 0, got -1",
        "  params.page_size: must be at least 1, got 0",
    ]


@pytest.mark.parametrize("data", ["", "{", "[1]", '"x"', "null", '{"page": NaN}', '{"name": "\\ud800"}', "[" * 100_000])
def test_what_is_no_request_is_refused(site: Site, data: str) -> None:
    assert site.error("call", "get_all", "--data", data, status=2)["name"] in {"UsageError", "ValidationError"}


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_can_not_be_read_is_named(site: Site, tmp_path: Path, name: str) -> None:
    error = site.error("call", "get_all", "--data", f"@{tmp_path / name}", status=2)
    assert (error["name"], str(tmp_path / name) in error["message"]) == ("UsageError", True)


def test_data_that_is_no_utf_8_is_refused(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_bytes(b'{"name": "\xff"}')
    assert site.error("call", "get_all", "--data", f"@{file}", status=2)["name"] == "UsageError"


def test_an_unknown_endpoint_brings_the_nearest(site: Site) -> None:
    error = site.error("call", "projects.get_al", status=2)
    assert error["name"] == "UnknownEndpoint"
    assert "projects.get_all" in error["message"]
    assert error["hint"] == "list the endpoints: projects schema"


def test_an_endpoint_that_only_the_loaded_schema_has_is_not_implemented(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "projects.conf"
    file.write_text(NEW_ENDPOINT)
    error = site.error("call", "invent", "--schema", str(file), status=2)
    assert error["name"] == "EndpointNotImplemented"
    assert site.error("call", "invent", status=2)["name"] == "UnknownEndpoint"


def test_read_only_and_dry_run_hold(site: Site) -> None:
    data = ("--data", '{"name": "vision", "description": "x"}')
    assert site.error("call", "create", *data, "--read-only", status=4)["name"] == "ReadOnly"
    assert site.json("call", "create", *data, "-n")["plan"] == "create the project 'vision'"
    assert site.names() == []


def test_an_unknown_project_is_the_services_error(site: Site) -> None:
    data = json.dumps({"project": UNKNOWN})
    assert site.fault("call", "delete", "--data", data, status=3) == (400, 401, "InvalidProjectId")


# --- skeletons ----------------------------------------------------------------------------------------------------


def test_a_skeleton_is_a_request_to_fill_in(site: Site) -> None:
    assert json.loads(site.text("call", "create", "--skeleton")) == {
        "name": "<name>",
        "description": None,
        "tags": None,
        "system_tags": None,
        "default_output_destination": None,
    }


def test_a_skeleton_is_a_valid_request(site: Site) -> None:
    skeleton = site.text("call", "get_all_ex", "--skeleton")
    assert site.json("call", "get_all_ex", "--data", "-", stdin=skeleton) == {"projects": []}


def test_a_skeleton_of_update_leaves_out_what_null_would_clear(cli: Cli) -> None:
    result: Any = cli("call", "update", "--skeleton")
    assert json.loads(result.stdout) == {"project": "<project>"}
