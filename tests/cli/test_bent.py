"""Projects whose documents are not as they should be: what lies above or below them can be changed all the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.config.site import Site, empty_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cli
    from tests.servers import Server

GONE = object()
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
}


@pytest.fixture
def site(standalone: Server, cli: Cli) -> Iterator[Site]:
    with empty_site(standalone, cli) as site:
        yield site


def bend(site: Site, identifier: str, fields: dict[str, Any]) -> None:
    """Take fields out of a project, or put odd values in."""
    unset = {name: 1 for name, value in fields.items() if value is GONE}
    set_ = {name: value for name, value in fields.items() if value is not GONE}
    change = {word: part for word, part in (("$set", set_), ("$unset", unset)) if part}
    assert site.documents.project.update_one({"_id": identifier}, change).modified_count == 1


@pytest.fixture(params=list(BENDS))
def bent(request: pytest.FixtureRequest, site: Site) -> str:
    """Give the id of an odd project below `vision`, with one below itself that is as it should be."""
    odd = site.project("vision/odd")
    site.project("vision/odd/below")
    bend(site, odd, BENDS[request.param])
    return odd


def stays(site: Site, bent: str) -> bool:
    """Tell whether the odd project is not found below another one: `path` is what says that."""
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
