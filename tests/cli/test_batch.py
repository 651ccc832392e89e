"""`projects batch`: requests in, answers out, a line each and in order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds.site import COMPANY, OTHER, UNKNOWN, USER, Site

if TYPE_CHECKING:
    from pathlib import Path


def lines(*requests: object) -> str:
    return "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in requests)


def answers(site: Site, *requests: object, status: int = 0, options: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    result = site("batch", "-", *options, stdin=lines(*requests))
    assert result.exit_code == status, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_requests_are_carried_out_in_order(site: Site) -> None:
    site.project("vision")
    found = answers(
        site,
        {"id": 1, "endpoint": "projects.create", "params": {"name": "audio", "description": "x"}},
        {"id": "b", "endpoint": "get_all", "params": {"only_fields": ["name"], "order_by": ["name"]}},
        {"id": {"any": ["value"]}, "endpoint": "projects.get_all_ex", "params": {"name": "^v", "only_fields": ["id"]}},
    )
    assert [one["id"] for one in found] == [1, "b", {"any": ["value"]}]
    assert [one["ok"] for one in found] == [True, True, True]
    assert found[0]["data"] == {"id": site.named("audio")["_id"]}
    assert found[1]["data"] == {"projects": [{"name": "audio"}, {"name": "vision"}]}
    assert found[2]["data"] == {"projects": [{"id": site.named("vision")["_id"]}]}


def test_requests_come_from_a_file_too(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    file.write_text(lines({"endpoint": "projects.get_all"}))
    assert json.loads(site.text("batch", str(file))) == {"id": None, "ok": True, "data": {"projects": []}}


def test_empty_lines_are_passed_over(site: Site) -> None:
    assert len(answers(site, "", {"endpoint": "get_all"}, "   ", {"endpoint": "get_all"})) == 2


def test_an_empty_batch_is_done(site: Site) -> None:
    assert answers(site) == []


def test_a_failure_is_answered_the_next_goes_on_and_the_status_is_5(site: Site) -> None:
    found = answers(
        site,
        {"id": 1, "endpoint": "get_by_id", "params": {"project": UNKNOWN}},
        {"id": 2, "endpoint": "create", "params": {"name": "vision", "description": "x"}},
        status=5,
    )
    assert found[0] == {
        "id": 1,
        "ok": False,
        "error": {
            "code": 400,
            "subcode": 401,
            "name": "InvalidProjectId",
            "message": f"there is no project with the id '{UNKNOWN}'",
        },
    }
    assert found[1]["ok"]
    assert site.names() == ["vision"]


def test_how_many_failed_is_told(site: Site) -> None:
    result = site("batch", "-", stdin=lines({"endpoint": "get_all"}, {"endpoint": "nothing"}))
    assert result.stderr == "error: 1 of 2 requests failed; see their answers\n"


def test_problems_of_a_request_are_listed(site: Site) -> None:
    (found,) = answers(site, {"id": 1, "endpoint": "get_all", "params": {"page": -1, "nam": "x"}}, status=5)
    assert (found["error"]["code"], found["error"]["subcode"]) == (400, 12)
    assert [one["path"] for one in found["error"]["problems"]] == ["params.page", "params.nam"]


@pytest.mark.parametrize(
    ("line", "identifier"),
    [
        ("{", None),
        ("[1]", None),
        ('"x"', None),
        ('{"id": 7}', 7),
        ('{"id": 7, "endpoint": null}', 7),
        ('{"id": 7, "endpoint": 1}', 7),
        ('{"id": 7, "endpoint": "get_all", "parameters": {}}', 7),
        ('{"id": 7, "endpoint": "get_all", "version": 2.1}', 7),
        ('{"id": 7, "endpoint": "get_all", "user": 1}', 7),
        ('{"id": 7, "endpoint": "get_all", "params": []}', 7),
        ('{"id": 7, "endpoint": "get_all", "params": null}', 7),
        ('{"id": 7, "endpoint": "get_all", "version": "x"}', 7),
        ('{"id": 7, "endpoint": "get_all", "version": "1.0"}', 7),
        ('{"id": 7, "endpoint": "no_such"}', 7),
        ('{"id": 7, "endpoint": "get_all", "params": {"page": NaN}}', None),
        ('{"id": 7, "endpoint": "get_all", "params": {"name": "\\ud800"}}', 7),
        ("[" * 100_000, None),
    ],
)
def test_a_bad_line_is_answered_as_an_error(site: Site, line: str, identifier: int | None) -> None:
    bad, good = answers(site, line, {"id": "next", "endpoint": "get_all"}, status=5)
    assert (bad["ok"], bad["error"]["name"] != "", good["ok"]) == (False, True, True)
    assert bad["id"] == identifier or line.find("NaN") > 0


def test_a_user_that_could_not_be_stored_is_refused(site: Site) -> None:
    request = {"endpoint": "create", "params": {"name": "vision", "description": "x"}, "user": "\ud800"}
    (found,) = answers(site, request, status=5)
    assert found["error"]["message"] == r"the user '\ud800' is not Unicode text: it has a lone surrogate"
    assert site.names() == []


def test_an_unknown_key_is_named(site: Site) -> None:
    (found,) = answers(site, {"endpoint": "get_all", "parameters": {}}, status=5)
    assert found["error"]["message"].startswith("a request has no 'parameters'; it may have: ")


def test_a_line_that_is_no_utf_8_is_answered(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    file.write_bytes(b'{"id": 1, "endpoint": "\xff"}\n{"id": 2, "endpoint": "get_all"}')
    result = site("batch", str(file))
    assert [json.loads(line)["ok"] for line in result.stdout.splitlines()] == [False, True]
    assert result.exit_code == 5


@pytest.mark.parametrize("version", ["2.1", "2.9", "999.0", None])
def test_a_version_is_the_newest_that_is_not_newer(site: Site, version: str | None) -> None:
    (found,) = answers(site, {"endpoint": "get_all", "version": version})
    assert found["ok"]


def test_a_version_before_the_endpoint_is_an_error(site: Site) -> None:
    (found,) = answers(site, {"endpoint": "make_public", "version": "2.8", "params": {"ids": ["x"]}}, status=5)
    assert found["error"]["name"] == "UnknownEndpoint"
    assert "2.9" in found["error"]["message"]


def test_each_request_may_name_its_user(site: Site) -> None:
    answers(
        site,
        {"endpoint": "create", "params": {"name": "one", "description": ""}, "user": "ann"},
        {"endpoint": "create", "params": {"name": "two", "description": ""}},
    )
    assert [site.named(name)["user"] for name in ("one", "two")] == ["ann", USER]


def test_the_company_is_the_one_of_the_run(site: Site) -> None:
    answers(
        site,
        {"endpoint": "create", "params": {"name": "one", "description": ""}},
        options=("--company", OTHER, "--new-company"),
    )
    assert site.named("one")["company"] == OTHER != COMPANY


def test_changes_never_ask(site: Site) -> None:
    site.project("vision/deep")
    (found,) = answers(site, {"endpoint": "delete", "params": {"project": site.named("vision")["_id"]}})
    assert found["data"] == {"deleted": 2, "disassociated_tasks": 0, "deleted_models": 0, "deleted_tasks": 0}
    assert site.names() == []


def test_read_only_refuses_each_change(site: Site) -> None:
    create = {"endpoint": "create", "params": {"name": "one", "description": ""}}
    first, second = answers(site, create, {"endpoint": "get_all"}, status=5, options=("--read-only",))
    assert (first["error"]["name"], second["ok"]) == ("ReadOnly", True)
    assert site.names() == []


def test_dry_run_plans_each_change(site: Site) -> None:
    create = {"endpoint": "create", "params": {"name": "one", "description": ""}}
    (found,) = answers(site, create, options=("--dry-run",))
    assert found["data"]["plan"] == "create the project 'one'"
    assert site.names() == []


def test_a_file_that_is_not_there_is_wrong_usage(site: Site, tmp_path: Path) -> None:
    error = site.error("batch", str(tmp_path / "missing.jsonl"), status=2)
    assert (error["name"], "missing.jsonl" in error["message"]) == ("UsageError", True)


def test_the_output_option_changes_nothing(site: Site) -> None:
    for output in ("json", "csv", "id"):
        (found,) = answers(site, {"id": 1, "endpoint": "get_all"}, options=("-o", output))
        assert found == {"id": 1, "ok": True, "data": {"projects": []}}


def test_a_database_that_can_not_be_reached_ends_it(site: Site) -> None:
    """It is not about the line: no further one would find it, and each would wait for it as long."""
    requests = lines("no request", {"id": 1, "endpoint": "get_all"}, {"id": 2, "endpoint": "get_all"})
    result = site.cli("batch", "-", "--timeout", "1", uri="mongodb://ann:topsecret@127.0.0.1:1", stdin=requests)
    assert result.exit_code == 69
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(one["id"], one["ok"], one["error"]["name"]) for one in found] == [
        (None, False, "UsageError"),
        (1, False, "DatabaseUnavailable"),
    ]
    assert result.stderr.count("no answer from mongodb://ann:***@127.0.0.1:1 within 1 s") == 1
    assert "hint: " in result.stderr


def test_lines_that_need_no_database_are_answered_without_one(site: Site) -> None:
    """An invalid request is reported before a connection is made."""
    bad = {"endpoint": "projects.create", "params": {"name": 5}}
    result = site.cli("batch", "-", uri="mongodb://127.0.0.1:1", stdin=lines(bad, "[]", bad))
    assert (result.exit_code, len(result.stdout.splitlines())) == (5, 3)


@pytest.mark.parametrize("words", [("batch", "/dev/zero"), ("call", "get_all", "--data", "@/dev/zero")], ids=" ".join)
def test_a_request_without_an_end_is_refused(site: Site, words: tuple[str, ...]) -> None:
    assert "a request may have at most 64 MiB" in site.error(*words, status=2)["message"]


def test_an_invalid_line_is_named_by_its_number_in_the_input(site: Site) -> None:
    result = site("batch", "-", stdin='{"endpoint": "get_all"}\n\n{"endpoint":\n')
    message = json.loads(result.stdout.splitlines()[1])["error"]["message"]
    assert (result.exit_code, message.startswith("line 3 of the input: invalid JSON: ")) == (5, True)
