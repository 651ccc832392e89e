"""`projects copy`: from the database in use to that of another profile, as a change of the latter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import servers
from tests.worlds.site import OTHER, Site
from tests.worlds.transfers import fill

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def lab(site: Site) -> Iterator[Site]:
    """Provide another database, which the profile `lab` names, with another company."""
    other = Site(site.cli, site.server, servers.new_name())
    for key, value in {"uri": site.server.uri, "database": other.name, "company": OTHER}.items():
        site.text("config", "set", f"profiles.lab.{key}", value)
    other.documents.company.insert_one({"_id": OTHER, "name": "lab"})
    yield other
    site.server.drop(other.name)


def test_a_copy_is_an_import_into_the_other_database_and_undone_there(site: Site, lab: Site) -> None:
    fill(site)
    before = site.everything()
    words = ("copy", "vision/detection", "--to-profile", "lab", "--with", "tasks,models", "--map-user", "owner=ada")
    assert [step["name"] for step in site.json(*words, "--dry-run")["steps"]][:2] == ["vision", "vision/detection"]
    assert lab.everything() == {"project": [], "task": [], "model": []}
    answer = site.json(*words, "--yes")
    assert answer == {"projects": 3, "tasks": 1, "models": 1, "updated": 0}
    assert lab.names() == ["vision", "vision/detection", "vision/detection/deep"]
    copied, original = lab.named("vision/detection"), site.named("vision/detection")
    assert copied == {**original, "company": OTHER, "user": "ada"}
    assert site.everything() == before
    site.cli("undo", "--yes", "--profile", "lab", PROJECTS_USER="ada")
    assert lab.everything() == {"project": [], "task": [], "model": []}


def test_a_profile_that_names_no_database_is_refused(site: Site) -> None:
    site.project("vision")
    site.text("config", "set", "profiles.toy.timeout", "7s")
    assert site.error("copy", "vision", "--to-profile", "toy", status=2)["message"] == "the profile 'toy' has no URI"
    assert site.error("copy", "vision", "--to-profile", "nothing", status=2)["name"] == "ConfigError"
