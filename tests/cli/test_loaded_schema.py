"""`--schema` with a newer or a smaller schema: nothing is accepted and ignored, and the commands still work."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.worlds.site import Site

SHIPPED = (Path(__file__).parents[2] / "schema" / "projects.conf").read_text(encoding="utf-8")

NEWER = """
get_all_ex {
  "3.0": ${get_all_ex."2.27"} {
    request { properties {
      owners { type: array, items { type: string } }
      deep_search { type: boolean, default: false }
      show_secret { type: boolean, default: true }
      stats_for_state { enum: [ active, archived, deleted ] }
      page_size { minimum: 0 }
      conditions { type: object, additionalProperties: { type: object } }
    } }
  }
}
delete {
  "3.0": ${delete."2.26"} {
    request { properties { delete_users { type: boolean, default: false } } }
  }
}
update {
  "3.0": ${update."2.1"} {
    request { properties { owner { type: string } } }
  }
}
get_task_tags {
  "3.0": ${get_task_tags."2.8"} {
    request { properties { filter { properties { owner { type: array, items { type: string } } } } } }
  }
}
get_by_id {
  "3.0": ${get_by_id."2.1"} {
    request { properties { project { type: [ string, array ] } } }
  }
}
"""
"""What later versions of the service might have, which this program does not implement."""


@pytest.fixture
def newer(tmp_path: Path) -> str:
    file = tmp_path / "projects.conf"
    file.write_text(SHIPPED + NEWER, encoding="utf-8")
    return str(file)


def smaller(folder: Path, *names: str) -> str:
    """Write the shipped schema without some of the parameters of its requests."""
    text = SHIPPED
    for name in names:
        text, count = re.subn(rf"(?m)^( +){name} {{\n(?:\1 .*\n)+\1}}\n", "", text)
        assert count
    file = folder / "projects.conf"
    file.write_text(text, encoding="utf-8")
    return str(file)


UNIMPLEMENTED = [
    ("get_all_ex", {"owners": ["a"]}, "params.owners"),
    ("get_all_ex", {"owners": []}, "params.owners"),
    ("get_all_ex", {"deep_search": True}, "params.deep_search"),
    ("get_all_ex", {"deep_search": False, "show_secret": True}, "params.deep_search; params.show_secret"),
    ("get_all_ex", {"show_secret": False}, "params.show_secret"),
    ("get_all_ex", {"conditions": {"user": {"any": {}}}}, "params.conditions"),
    ("get_all_ex", {"include_stats": True, "stats_for_state": "deleted"}, "params.stats_for_state: must be one of"),
    ("get_all_ex", {"page": 0, "page_size": 0}, "params.page_size: must be at least 1"),
    ("delete", {"project": "x", "delete_users": True}, "params.delete_users"),
    ("delete", {"project": "x", "delete_users": False}, "params.delete_users"),
    ("update", {"project": "x", "owner": "u"}, "params.owner"),
    ("update", {"project": "x", "owner": None}, "params.owner"),
    ("get_task_tags", {"filter": {"owner": ["u"]}}, "params.filter.owner: unknown field"),
    ("get_by_id", {"project": ["x"]}, "params.project: expected string, got array"),
]


@pytest.mark.parametrize(("endpoint", "params", "named"), UNIMPLEMENTED, ids=str)
def test_what_is_not_implemented_is_refused(
    site: Site, newer: str, endpoint: str, params: dict[str, Any], named: str
) -> None:
    site.project("vision")
    error = site.error("call", endpoint, "--data", json.dumps(params), "--schema", newer, status=2)
    assert error["name"] == "ParameterNotImplemented"
    assert f"projects.{endpoint} is not implemented with {named}" in error["message"]
    known = "include_stats" if endpoint == "get_all_ex" else next(iter(params)) if "project" in params else "projects"
    assert known in error["hint"]
    line = json.dumps({"id": 1, "endpoint": endpoint, "params": params})
    result = site("--schema", newer, "batch", "-", stdin=line + "\n")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["error"]["name"]) == (5, "ParameterNotImplemented")


def test_what_is_implemented_works_with_a_newer_schema(site: Site, newer: str) -> None:
    """Defaults of parameters that are not implemented change nothing, and null is "not given"."""
    identifier = site.project("vision")
    params = {"name": "vis", "include_stats": True, "owners": None, "deep_search": None}
    found = json.loads(site.text("--json", "call", "get_all_ex", "--data", json.dumps(params), "--schema", newer))
    assert [one["id"] for one in found["projects"]] == [identifier]
    skeleton = json.loads(site.text("call", "get_all_ex", "--skeleton", "--schema", newer))
    assert not {"owners", "deep_search", "show_secret", "conditions"} & skeleton.keys()
    site.text("call", "get_all_ex", "--data", json.dumps(skeleton), "--schema", newer)
    site.text("update", "vision", "--add-tag", "a", "--schema", newer)
    site.text("call", "create", "--data", '{"name": "new"}', "--schema", newer)
    assert site.named("new")["description"] == ""
    site.text("delete", "vision", "--yes", "--schema", newer)
    assert site.names() == ["new"]


def test_list_works_without_the_parameters_that_it_sets_itself(site: Site, tmp_path: Path) -> None:
    site.project("vision")
    schema = smaller(tmp_path, "order_by", "only_fields", "page")
    for arguments in [(), ("--stats",), ("-L", "5"), ("--fields", "name"), ("-o", "id")]:
        site.text("list", *arguments, "--schema", schema)
    error = site.error("list", "--order-by", "name", "--schema", schema, status=2)
    assert "has no parameter 'order_by'" in error["message"]


def test_delete_works_without_force_in_the_schema(site: Site, tmp_path: Path) -> None:
    site.project("vision")
    schema = smaller(tmp_path, "force")
    error = site.error("delete", "vision", "--force", "--schema", schema, status=2)
    assert "has no parameter 'force'" in error["message"]
    site.text("delete", "vision", "--yes", "--schema", schema)
    assert site.names() == []


def test_a_parameter_that_the_program_needs_is_required_all_the_same(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "projects.conf"
    file.write_text('get_by_id { "2.1" { request { properties { other { type: string } } } } }')
    error = site.error("call", "get_by_id", "--schema", str(file), status=2)
    assert "params.project: is required" in error["message"]


SERVERS_OWN = {
    "projects.conf": SHIPPED.replace("_definitions {", '_definitions {\n  include "_common.conf"', 1)
    + 'get_by_id { "2.1" { request { properties { project: ${_definitions.project_id} } } } }',
    "_common.conf": "project_id { type: string, description: The id of a project }\n",
    "_api_defaults.conf": 'internal: false\nallow_roles: ["*"]\n',
    "server.conf": """
        _default { internal: true, allow_roles: ["root"] }
        get_stats { "2.1" {
          request { type: object, properties { interval { description: "In seconds (see "x")", type: long } } }
          response { type: object, properties: { all { type: object, additionalProperties: True } } }
        } }
    """,
    "broken.conf": "ping {",
}
"""The constructs that the files of a ClearML server have, and a file of another service that cannot be used."""


def test_the_folder_of_a_server_can_be_loaded(site: Site, tmp_path: Path) -> None:
    identifier = site.project("vision")
    for name, text in SERVERS_OWN.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert identifier in site.text("list", "-o", "id", "--schema", str(tmp_path))
    assert site.json("get", "vision", "--schema", str(tmp_path))["project"]["id"] == identifier
    assert "get_stats" in site.error("call", "server.get_stats", "--schema", str(tmp_path), status=2)["message"]
    assert (
        "did you mean projects.get_all" in site.error("call", "get_al", "--schema", str(tmp_path), status=2)["message"]
    )
    assert "broken.conf:1:" in site.error("schema", "--schema", str(tmp_path), status=2)["message"]
    (tmp_path / "broken.conf").unlink()
    assert "server.get_stats" in site.text("schema", "--schema", str(tmp_path))


def test_a_folder_with_nothing_but_includes_has_no_service(site: Site, tmp_path: Path) -> None:
    (tmp_path / "_common.conf").write_text("a { type: string }")
    assert "no .conf file of a service" in site.error("list", "--schema", str(tmp_path), status=2)["message"]
