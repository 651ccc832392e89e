"""Filters of `projects list` that the service does not have: owner, place, emptiness, last activity."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from bson import ObjectId, Regex

from tests.worlds.site import COMPANY, OTHER

if TYPE_CHECKING:
    from tests.worlds.site import Site

TODAY = datetime.now(UTC)


def names(site: Site, *options: str) -> list[str]:
    return [project["name"] for project in site.json("list", *options)["projects"]]


@pytest.fixture
def aged(site: Site) -> Site:
    """Return a site with projects of two owners, some of which are empty and some of which were active today."""
    site.documents.user.insert_many(
        [{"_id": f"id-{name}", "name": name, "company": COMPANY} for name in ("Ada", "Bob")]
    )
    site.project("busy", user="id-Ada")
    site.project("busy/deep/down", user="id-Bob")
    site.task(site.named("busy/deep/down")["_id"], last_change=TODAY, system_tags=["archived"])
    site.project("modelled", user="id-Bob")
    site.model(site.named("modelled")["_id"], last_update=TODAY - timedelta(days=10))
    site.project("foreign contents", user="id-Ada")
    site.task(site.named("foreign contents")["_id"], company=OTHER, last_update=TODAY)
    site.project("fresh", user="id-Bob", last_update=TODAY)
    site.project("secret", user="id-Bob", system_tags=["hidden"])
    return site


@pytest.mark.parametrize(
    ("options", "listed"),
    [
        (["--owner", "Ada"], ["busy", "foreign contents"]),
        (["--owner", "id-Ada", "--owner", "Bob", "--name", "^b"], ["busy", "busy/deep/down"]),
        (["--empty"], ["foreign contents", "fresh"]),
        (["--empty", "--hidden", "--owner", "Bob"], ["fresh", "secret"]),
        (["--newer-than", "1d"], ["busy", "busy/deep", "busy/deep/down", "fresh"]),
        (["--newer-than", "11d", "--older-than", "9d"], ["modelled"]),
        (["--older-than", "1d"], ["foreign contents", "modelled"]),
        (["--empty", "--older-than", "90d"], ["foreign contents"]),
        (["--under", "busy"], ["busy", "busy/deep", "busy/deep/down"]),
        (["--under", "busy/deep", "--depth", "0"], ["busy/deep"]),
        (["--under", "busy", "--depth", "1", "--stats"], ["busy", "busy/deep"]),
        (["--depth", "0", "--older-than", "1d", "--limit", "1"], ["foreign contents"]),
    ],
)
def test_filters_compose(aged: Site, options: list[str], listed: list[str]) -> None:
    assert names(aged, *options) == listed


def test_a_pipeline_deletes_what_a_list_selects(aged: Site) -> None:
    ids = aged.text("list", "--empty", "--older-than", "90d", "-o", "id")
    assert aged("delete", "-", "--yes", stdin=ids).exit_code == 0
    assert "foreign contents" not in aged.names()
    assert len(aged.names()) == 6


def test_odd_times_are_not_activity(site: Site) -> None:
    """Values of other types than dates, as other programs may have stored them, are as if missing."""
    for number, value in enumerate((None, 5, "2099-01-01", ["x"], {"a": 1}, ObjectId(), Regex("x"), [TODAY])):
        project = site.project(f"odd {number}", last_update=value)
        site.task(project, last_update=value, last_change=value)
        site.model(project, last_update=value)
    site.task(site.named("odd 1")["_id"], last_update="text", last_change=TODAY)
    assert names(site, "--newer-than", "1h") == ["odd 1"]
    assert len(names(site, "--older-than", "1h")) == 7


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--older-than", "soon"], 2, "--older-than: 'soon' is not a duration"),
        (["--older-than", "9999999w"], 2, "--older-than '9999999w': longer than the calendar"),
        (["--owner", "Eve"], 2, "--owner: there is no user 'Eve' in the company"),
        (["--under", "nowhere"], 3, "there is no project 'nowhere'"),
    ],
)
def test_errors_say_what_is_wrong(aged: Site, options: list[str], status: int, message: str) -> None:
    assert aged.error("list", *options, status=status)["message"].startswith(message)


@pytest.mark.parametrize(
    ("columns", "listed"),
    [
        ("-models,name", ["modelled", "busy", "busy/deep", "busy/deep/down", "foreign contents", "fresh"]),
        ("-Sub-Projects,-name", ["busy", "busy/deep", "modelled", "fresh", "foreign contents", "busy/deep/down"]),
        ("tasks,-name", ["modelled", "fresh", "foreign contents", "busy/deep/down", "busy/deep", "busy"]),
        ("-owner,name", ["busy/deep/down", "fresh", "modelled", "busy", "foreign contents", "busy/deep"]),
        ("-name", ["modelled", "fresh", "foreign contents", "busy/deep/down", "busy/deep", "busy"]),
        ("-updated,name", ["fresh", "busy", "busy/deep", "busy/deep/down", "foreign contents", "modelled"]),
    ],
)
def test_lists_are_sorted_by_headings(aged: Site, columns: str, listed: list[str]) -> None:
    assert names(aged, "--sort-by", columns) == listed
    page = ["--page", "1", "--page-size", "2"]
    assert names(aged, "--sort-by", columns, *page) == listed[2:4]
    assert aged.text("list", "--sort-by", columns, "--limit", "3", "--fields", "name").split("\n")[1:4] == listed[:3]


def test_last_runs_and_run_times_are_sorted(site: Site) -> None:
    for hours in (3, 1, 2):
        started = TODAY - timedelta(hours=hours)
        project = site.project(f"hours {hours}")
        site.task(project, status="completed", started=started, completed=started + timedelta(minutes=hours))
    site.project("never")
    assert names(site, "--sort-by=-last-run") == ["hours 1", "hours 2", "hours 3", "never"]
    assert names(site, "--sort-by", "last run,name") == ["hours 3", "hours 2", "hours 1", "never"]
    assert names(site, "--sort-by", "runtime", "--state", "all") == ["never", "hours 1", "hours 2", "hours 3"]


def test_statistics_have_owner_models_and_sub_projects(aged: Site) -> None:
    fields = ["--fields", "owner,models,sub_project_count"]
    busy, *_ = aged.json("list", "--stats", "--name", "^busy$", *fields)["projects"]
    assert busy == {"owner": {"id": "id-Ada", "name": "Ada"}, "models": 0, "sub_project_count": 2}
    plain, *_ = aged.json("list", "--stats", "--name", "^busy$")["projects"]
    assert not {"owner", "models", "sub_project_count"} & plain.keys(), "the response is the service's own"
    heading = aged.text("list", "--stats").splitlines()[0].split("\t")
    assert heading[-4:] == ["MODELS", "OWNER", "SUB-PROJECTS", "ID"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sort-by", "task"], "--sort-by: unknown column 'task'"),
        (["--sort-by", "name", "--order-by", "name"], "--sort-by and --order-by can't be used together"),
    ],
)
def test_an_invalid_order_is_refused(aged: Site, options: list[str], message: str) -> None:
    assert aged.error("list", *options, status=2)["message"] == message
