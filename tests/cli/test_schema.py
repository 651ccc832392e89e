"""`projects schema`: the loaded schema, without a database."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli
    from tests.worlds.site import Site


NOWHERE = {"PROJECTS_MONGO_URI": "mongodb://127.0.0.1:1", "PROJECTS_TIMEOUT": "1"}


def test_all_endpoints_are_listed_with_versions_and_commands(cli: Cli) -> None:
    result = cli("schema", "--json", **NOWHERE)
    found = {one["endpoint"]: one for one in json.loads(result.stdout)["endpoints"]}
    assert len(found) == 21
    assert found["projects.get_all_ex"]["command"] == found["projects.get_all"]["command"] == "list"
    assert found["projects.make_public"]["versions"] == ["2.9"]
    assert all(one["summary"] for one in found.values())


def test_versions_newer_than_the_one_asked_for_are_left_out(cli: Cli) -> None:
    found = {
        one["endpoint"]: one
        for one in json.loads(cli("schema", "--json", "--api-version", "2.9", **NOWHERE).stdout)["endpoints"]
    }
    assert len(found) == 12
    assert all(one["versions"] in (["2.1"], ["2.8"], ["2.9"]) for one in found.values())
    assert "deleted too on request" not in found["projects.delete"]["summary"]
    assert cli("schema", "--api-version", "x", **NOWHERE).exit_code == 2


def test_the_text_is_a_table(cli: Cli) -> None:
    result = cli("schema", **NOWHERE)
    heading, *rows = result.stdout.splitlines()
    assert heading == "ENDPOINT\tCOMMAND\tSUMMARY\tVERSIONS"
    assert (rows[0][:23], rows[0][-10:]) == ("projects.create\tcreate\t", "\t2.1, 2.12")


def test_ids_are_the_endpoints(cli: Cli) -> None:
    result = cli("schema", "-o", "id", **NOWHERE)
    assert "projects.get_all\n" in result.stdout


def test_an_endpoint_is_shown_as_json_schema(cli: Cli) -> None:
    for arguments, number in (((), "2.27"), (("--api-version", "2.12"), "2.1")):
        result = cli("schema", "get_all", "--json", *arguments, **NOWHERE)
        found = json.loads(result.stdout)
        assert (found["endpoint"], found["version"]) == ("projects.get_all", number)
        assert found["request"]["properties"]["page"]["minimum"] == 0
        assert ("filters" in found["request"]["properties"]) == (number == "2.27")
        assert found["response"]["properties"]["projects"]["type"] == "array"
        assert ("scroll_id" in found["response"]["properties"]) == (number == "2.27")


def test_an_endpoint_in_text_has_a_line_for_each_parameter(cli: Cli) -> None:
    expected = {
        "2.1": [["project", "string", "true", ""], ["force", "boolean", "false", "false"]],
        "2.13": [["delete_contents", "boolean", "false", ""]],
        "2.26": [["delete_external_artifacts", "boolean", "false", "true"]],
    }
    parameters = []
    for number, added in expected.items():
        result = cli("schema", "projects.delete", "--api-version", number, **NOWHERE)
        heading, *rows = result.stdout.splitlines()
        assert heading == "PARAMETER\tTYPE\tREQUIRED\tDEFAULT\tDESCRIPTION"
        parameters += added
        assert [row.split("\t")[:4] for row in rows] == parameters
        assert result.stderr.startswith(f"projects.delete, version {number}: ")
    assert cli("schema", "projects.delete", **NOWHERE).stdout == result.stdout


def test_an_unknown_endpoint_brings_the_nearest(cli: Cli) -> None:
    result = cli("schema", "get_al", "--json", **NOWHERE)
    error = json.loads(result.stderr)["error"]
    assert (result.exit_code, result.stdout, error["name"]) == (2, "", "UnknownEndpoint")
    assert "projects.get_all" in error["message"]


def test_the_version_that_was_asked_for_is_shown(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "projects.conf"
    file.write_text(
        """
        get_all {
          "2.9" { request { type: object, properties { old { type: string } } } }
          "2.10" { request { type: object, properties { new { type: string } } } }
        }
        """
    )
    for version, parameter in (("2.9", "old"), ("2.10", "new"), ("999.0", "new")):
        result = cli("schema", "get_all", "--schema", str(file), "--api-version", version)
        assert result.stdout.splitlines()[1].startswith(f"{parameter}\t")


def test_a_folder_of_files_has_a_service_for_each(cli: Cli, tmp_path: Path) -> None:
    for service in ("projects", "queues"):
        text = '{ENDPOINT} { "1.0" { description: "d", request { type: object } } }'
        (tmp_path / f"{service}.conf").write_text(text.replace("{ENDPOINT}", "look"))
    result = cli("schema", "-o", "id", PROJECTS_SCHEMA=str(tmp_path))
    assert result.stdout == "projects.look\nqueues.look\n"


@pytest.mark.parametrize("content", ["get_all {", "a: [1", 'x { "2.1" { request: 7 } }'])
def test_a_broken_file_is_named_with_status_2(cli: Cli, tmp_path: Path, content: str) -> None:
    file = tmp_path / "projects.conf"
    file.write_text(content)
    result = cli("schema", "--schema", str(file), "--json")
    error = json.loads(result.stderr)["error"]
    assert (result.exit_code, result.stdout, error["name"]) == (2, "", "SchemaError")
    assert str(file) in error["message"]


def test_a_missing_file_is_named_with_status_2(cli: Cli, tmp_path: Path) -> None:
    result = cli("schema", "--schema", str(tmp_path / "missing.conf"), "--json")
    error = json.loads(result.stderr)["error"]
    assert (result.exit_code, error["name"], "missing.conf" in error["message"]) == (2, "SchemaError", True)


def test_the_endpoint_of_a_users_file_is_used(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "projects.conf"
    file.write_text('get_all { "2.1" { request { type: object, properties { name { type: string } } } } }')
    site.project("vision")
    site.project("audio")
    answer = site.json("call", "get_all", "--data", '{"name": "vis"}', "--schema", str(file))
    assert [one["name"] for one in answer["projects"]] == ["vision"]
    error = site.error("call", "get_all", "--data", '{"page": 0}', "--schema", str(file), status=2)
    assert error["problems"] == [{"path": "params.page", "message": "unknown field"}]
