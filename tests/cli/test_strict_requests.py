"""Ambiguous requests, and values that were probably not intended, are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.worlds.site import Site

EMPTY_TAG = (400, 16, "FieldsValueError")


@pytest.fixture
def site(site: Site) -> Site:
    site.project("vision", tags=["a"])
    return site


@pytest.mark.parametrize(
    "command",
    [
        ("create", "audio", "-d", "x", "--tag", ""),
        ("create", "audio", "-d", "x", "--tag", "a", "--system-tag", ""),
        ("list", "--tag", ""),
        ("list", "--tag", "a", "--exclude-tag", ""),
        ("list", "--system-tag", ""),
        ("task-tags", "--filter-tag", ""),
        ("model-tags", "--filter-system-tag", ""),
    ],
    ids=" ".join,
)
def test_an_empty_tag_is_refused_by_every_command(site: Site, command: tuple[str, ...]) -> None:
    assert site.fault(*command, status=2) == EMPTY_TAG


@pytest.mark.parametrize("name", ["tags", "system_tags"])
def test_an_empty_tag_to_be_stored_is_refused_in_json(site: Site, name: str) -> None:
    created = {"name": "audio", "description": "x", name: ["b", ""]}
    updated = {"project": site.named("vision")["_id"], name: [""]}
    assert site.fault("call", "create", "--data", json.dumps(created), status=2) == EMPTY_TAG
    assert site.fault("call", "update", "--data", json.dumps(updated), status=2) == EMPTY_TAG
    before = site.everything()
    lines = [{"endpoint": "create", "params": created}, {"endpoint": "update", "params": updated}]
    result = site("batch", "-", stdin="\n".join(map(json.dumps, lines)))
    assert result.exit_code == 5
    errors = [json.loads(line)["error"] for line in result.stdout.splitlines()]
    assert [(error["code"], error["subcode"], error["name"]) for error in errors] == [EMPTY_TAG, EMPTY_TAG]
    assert site.everything() == before


REPEATED = [
    '{"name": "audio", "name": "video", "description": "x"}',
    '{"name": "audio", "description": "x", "d\\u0065scription": "y"}',
    '{"name": "audio", "description": "x", "other": {"a": 1, "a": 1}}',
    '{"name": "audio", "description": "x", "other": [{"deep": {"": 1, "": 2}}]}',
]


@pytest.mark.parametrize("request_text", REPEATED)
def test_a_key_that_occurs_twice_is_refused(site: Site, request_text: str) -> None:
    error = site.error("call", "create", "--data", request_text, status=2)
    assert (error["name"], "occurs twice" in error["message"]) == ("UsageError", True)
    assert site.error("call", "create", "--data", "-", stdin=request_text, status=2)["name"] == "UsageError"
    line = f'{{"id": 7, "endpoint": "create", "params": {request_text}}}'
    result = site("batch", "-", stdin=f'{line}\n{{"id": 8, "endpoint": "get_all", "id": 9}}\n')
    first, second = map(json.loads, result.stdout.splitlines())
    assert (result.exit_code, first["ok"], first["id"], second["ok"]) == (5, False, 7, False)
    assert "occurs twice" in first["error"]["message"]
    assert site.names() == ["vision"]


def test_equal_keys_in_different_objects_are_accepted(site: Site) -> None:
    request = '{"_any_": {"fields": ["name"], "pattern": "vis"}, "_all_": {"fields": ["tags"], "pattern": "a"}}'
    assert len(site.json("call", "get_all", "--data", request)["projects"]) == 1
