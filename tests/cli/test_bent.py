"""Projects with inconsistent documents: their parents and sub-projects can still be changed."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from bson import Binary, Int64, ObjectId

from tests.worlds.site import COMPANY, Site

GONE = object()
OID = ObjectId("65f000000000000000000002")
BENDS: dict[str, dict[str, Any]] = {
    "no name": {"name": GONE},
    "name null": {"name": None},
    "name empty": {"name": ""},
    "name a number": {"name": 5},
    "name a list": {"name": ["vision/odd"]},
    "no basename": {"basename": GONE},
    "no name and no basename": {"name": GONE, "basename": GONE},
    "no path": {"path": GONE},
    "path null": {"path": None},
    "fields of other types": {"user": OID, "parent": [1], "description": {"a": 1}, "created": 5, "tags": {"a": OID}},
}
IDS: dict[str, tuple[Any, str]] = {
    "ObjectId": (OID, "65f000000000000000000002"),
    "ObjectId as Extended JSON": (OID, '{"$oid": "65f000000000000000000002"}'),
    "number": (5, "5"),
    "Int64": (Int64(2**62), str(2**62)),
    "true": (True, "true"),
    "date": (datetime(2025, 1, 1), "2025-01-01T00:00:00+00:00"),  # noqa: DTZ001 - as it is stored
    "UUID": (Binary(bytes(16), 4), '{"$binary":{"base64":"AAAAAAAAAAAAAAAAAAAAAA==","subType":"04"}}'),
}
"""Ids that a server never makes, and what names them on a command line."""


def bend(site: Site, identifier: str, fields: dict[str, Any]) -> None:
    """Take fields out of a project, or put odd values in."""
    unset = {name: 1 for name, value in fields.items() if value is GONE}
    set_ = {name: value for name, value in fields.items() if value is not GONE}
    change = {word: part for word, part in (("$set", set_), ("$unset", unset)) if part}
    assert site.documents.project.update_one({"_id": identifier}, change).modified_count == 1


@pytest.fixture(params=list(BENDS))
def bent(request: pytest.FixtureRequest, site: Site) -> str:
    """Provide the id of an odd project below `vision`, with one below itself that is as it should be."""
    odd = site.project("vision/odd")
    site.project("vision/odd/below")
    bend(site, odd, BENDS[request.param])
    return odd


def stays(site: Site, bent: str) -> bool:
    """Return whether the odd project is not a sub-project, which `path` decides."""
    return not isinstance(site.stored(bent).get("path"), list)


def test_it_is_deleted_and_comes_back_as_it_was(site: Site, bent: str) -> None:
    site.task(bent)
    before = site.everything()
    assert site.json("delete", bent, "--force")["deleted"] == 2
    site.text("undo", "--yes")
    assert site.everything() == before


def test_the_one_above_is_deleted_with_it_unless_it_would_be_left_alone(site: Site, bent: str) -> None:
    site.task(bent)
    before, kept = site.everything(), stays(site, bent)
    result = site("delete", str(site.named("vision")["_id"]), "--force", "--json")
    assert result.exit_code == (5 if kept else 0)
    assert json.loads(result.stdout)["deleted"] == (1 if kept else 3)
    assert ("vision" in result.stderr and "is below it" in result.stderr) == kept
    assert (bent in {one["_id"] for one in site.everything()["project"]}) == kept
    site.text("undo", "--yes")
    assert site.everything() == before


def test_it_is_asked_about_by_its_name_or_its_id(site: Site, bent: str) -> None:
    name = site.stored(bent).get("name")
    shown = name if isinstance(name, str) and name else json.dumps(name) if name else bent
    site.task(bent)
    refused = site("delete", bent, "--confirm", "something else")
    assert refused.exit_code != 0
    assert bent in {one["_id"] for one in site.everything()["project"]}
    archived = site.documents.task.update_many({}, {"$set": {"system_tags": ["archived"]}})
    assert archived.modified_count == 1
    assert site.json("delete", bent, "--confirm", shown)["deleted"] == 2


def test_a_rename_above_leaves_what_is_no_text(site: Site, bent: str) -> None:
    before, kept = site.stored(bent).get("name", GONE), stays(site, bent)
    site.text("update", str(site.named("vision")["_id"]), "--name", "seeing", "--yes")
    after = site.stored(bent).get("name", GONE)
    assert after == ("seeing/odd" if before == "vision/odd" and not kept else before)
    assert site.named("seeing/odd/below")
    if not kept:
        site.text("undo", "--yes")
        assert site.stored(bent).get("name", GONE) == before


def test_its_other_fields_are_updated(site: Site, bent: str) -> None:
    site.text("update", bent, "--description", "odd", "--yes")
    assert site.stored(bent)["description"] == "odd"


def test_it_gets_a_name_only_at_its_place(site: Site, bent: str) -> None:
    name = site.stored(bent).get("name")
    result = site("update", bent, "--name", "vision/even", "--yes")
    assert result.exit_code == (0 if name == "vision/odd" else 4), result.stderr
    assert "unexpected" not in result.stderr


def test_it_is_made_public_and_private(site: Site, bent: str) -> None:
    before = site.stored(bent)
    assert site.json("make-public", bent, "--yes")["updated"] == 1
    assert site.stored(bent)["company"] == ""
    assert site.json("make-private", bent, "--yes")["updated"] == 1
    assert site.stored(bent) == before


def test_it_is_addressed_by_the_beginning_of_its_id(site: Site, bent: str) -> None:
    assert site.json("get", bent[:12])["project"]["id"] == bent


def test_several_are_told_by_their_ids(site: Site) -> None:
    for end in "ab":
        site.documents.project.insert_one({"_id": "f" * 31 + end, "company": site.stored(site.project(end))["company"]})
    found = site.error("get", "f" * 12, status=2)
    assert all("f" * 31 + end in found["message"] for end in "ab")


def test_a_name_in_a_list_takes_no_name(site: Site) -> None:
    """MongoDB finds it by the name all the same."""
    bend(site, site.project("odd one"), {"name": ["vision"]})
    assert site.json("create", "vision", "-d", "x")["id"]


@pytest.fixture(params=list(IDS))
def alien(request: pytest.FixtureRequest, site: Site) -> str:
    """Return what names a project below `vision` whose id is not a text, and which has one below itself."""
    identifier, text = IDS[request.param]
    above = site.project("vision")
    site.documents.project.insert_one(
        {**site.stored(above), "_id": identifier, "name": "vision/odd", "basename": "odd", "parent": above}
        | {"path": [above]}
    )
    site.project("vision/odd/below")
    site.documents.task.insert_one({"_id": "t", "company": COMPANY, "name": "task", "project": identifier})
    return text


def test_an_id_of_another_type_is_named_as_it_is_shown(site: Site, alien: str) -> None:
    shown = site.json("get", alien)["project"]["id"]
    assert site.json("get", shown if isinstance(shown, str) else json.dumps(shown))["project"]["name"] == "vision/odd"
    assert site.json("list", "--id", alien)["projects"][0]["id"] == shown
    assert site.json("get", "vision/odd")["project"]["id"] == shown
    called = site.json("call", "projects.get_by_id", "--data", json.dumps({"project": alien}))
    assert called["project"]["name"] == "vision/odd"
    rows = {one["name"]: one for one in site.json("list", "--stats")["projects"]}
    assert rows["vision/odd"]["stats"]["active"]["total_tasks"] == 1
    assert rows["vision"]["stats"]["active"]["total_tasks"] == 1
    assert [one["name"] for one in rows["vision/odd"]["sub_projects"]] == ["vision/odd/below"]


def test_a_project_with_an_id_of_another_type_is_changed(site: Site, alien: str) -> None:
    before = site.everything()
    site.text("update", alien, "--add-tag", "new", "--yes")
    assert site.named("vision/odd")["tags"] == ["new"]
    site.text("undo", "--yes")
    assert site.json("make-public", alien, "--yes")["updated"] == 1
    assert site.json("make-private", alien, "--yes")["updated"] == 1
    assert site.everything() == before
    site.text("create", "vision/odd/deep/deeper", "--description", "x")
    made = site.named("vision/odd/deep/deeper")
    assert made["path"][:2] == [site.named("vision")["_id"], site.named("vision/odd")["_id"]]
    refused = site.error("delete", alien, status=4)
    assert refused["name"] == "ProjectHasTasks"
    assert site.json("delete", alien, "--force")["deleted"] == 4
    site.text("undo", "--yes")
    assert site.named("vision/odd/deep/deeper") == made


def test_a_name_wins_over_an_id_of_another_type(site: Site) -> None:
    site.project("555")
    site.documents.project.insert_one({"_id": 555, "name": "number", "company": COMPANY})
    assert site.json("get", "555")["project"]["name"] == "555"
    assert site.json("get", '{"$numberInt":"555"}')["project"]["name"] == "number"


def test_an_id_that_two_projects_show_names_neither(site: Site) -> None:
    date = datetime(2025, 1, 1)  # noqa: DTZ001 - as it is stored
    for number, value in enumerate((date, "2025-01-01T00:00:00+00:00")):
        document = {"_id": {"a": value}, "name": f"one {number}", "company": COMPANY}
        site.documents.project.insert_one(document)
    found = site.error("get", '{"a":"2025-01-01T00:00:00+00:00"}', status=2)
    assert found["name"] == "AmbiguousProject"
    assert (
        site.json("get", json.dumps({"a": {"$date": {"$numberLong": "1735689600000"}}}))["project"]["name"] == "one 0"
    )


def test_a_project_with_the_id_null_has_no_tasks_and_nothing_below(site: Site) -> None:
    site.task(site.project("vision"))
    site.task(None)
    site.documents.project.insert_one({"_id": None, "name": "null one", "company": COMPANY})
    shown = next(one for one in site.json("list", "--stats")["projects"] if one["id"] is None)
    assert (shown["stats"]["active"]["total_tasks"], shown["sub_projects"]) == (0, [])
    assert site.json("delete", "null", "--force", "--dry-run")["steps"][0]["collection"] == "project"
