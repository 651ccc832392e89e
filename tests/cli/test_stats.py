"""`projects stats`: a project at a glance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.running import on_terminal
from tests.worlds.site import COMPANY, LONG_AGO, OTHER

if TYPE_CHECKING:
    from tests.worlds.site import Site

HOUR = timedelta(hours=1)


@pytest.fixture
def busy(site: Site) -> Site:
    """Return a site with a tree of four projects, one of them hidden, beside which others must not count."""
    site.documents.user.insert_one({"_id": "ana", "company": COMPANY, "name": "Ana [bold]Souza"})
    yolo = site.project("vision/detection/yolo", user="ana")
    hidden = site.project("vision/.datasets", system_tags=["hidden"], user="ana")
    site.task(yolo, status="completed", started=LONG_AGO, completed=LONG_AGO + 3 * HOUR)
    site.task(yolo, status="completed", started=LONG_AGO - timedelta(days=7), company="")
    site.task(yolo, status="failed", system_tags=["archived"], started=LONG_AGO)
    site.task(hidden, status="in_progress")
    site.task(yolo, company=OTHER)
    site.task(site.project("audio"), status="queued")
    site.model(yolo)
    site.model(hidden, system_tags=["archived"])
    site.project("foreign", company=OTHER)
    return site


def test_of_a_project_everything_below_counts(busy: Site) -> None:
    summary = busy.json("stats", "vision")
    assert summary["sub_projects"] == {"direct": 2, "all": 3, "hidden": 1}
    assert summary["tasks"] == {"total": 3, "archived": 1, "status_count": {"completed": 2, "in_progress": 1}}
    assert summary["models"] == {"total": 1, "archived": 1}
    assert (summary["runtime"], summary["last_run"]) == (3 * 3600, LONG_AGO.isoformat())
    assert [(one["name"], one["tasks"], one["models"]) for one in summary["largest"]] == [("vision/detection", 2, 1)]
    owners = [(one["id"], one["name"], one["projects"], one["tasks"]) for one in summary["owners"]]
    assert owners == [("ana", "Ana [bold]Souza", 2, 3), ("owner", None, 2, 0)]


def test_of_all_projects_those_at_the_top_level_are_the_largest(busy: Site) -> None:
    summary = busy.json("stats")
    assert summary["project"] is None
    assert summary["sub_projects"] == {"direct": 2, "all": 5, "hidden": 1}
    assert summary["tasks"]["total"] == 4
    assert [(one["name"], one["tasks"]) for one in summary["largest"]] == [("vision", 3), ("audio", 1)]


def test_the_weeks_end_now_or_at_the_latest_start_if_that_is_longer_ago(busy: Site) -> None:
    weeks = busy.json("stats")["activity"]["weeks"]
    assert len(weeks) == 27
    assert [(week["id"], week["tasks"]) for week in weeks[-2:]] == [("2024-W01", 1), ("2024-W02", 2)]
    busy.task(busy.named("audio")["_id"], started=datetime.now(UTC) - HOUR)
    weeks = busy.json("stats")["activity"]["weeks"]
    assert sum(week["tasks"] for week in weeks) == 1


def test_in_a_pipe_it_is_plain(busy: Site) -> None:
    lines = busy.text("stats", "vision").splitlines()
    assert lines[:3] == ["vision", "", "projects      3  2 directly below, 1 hidden"]
    assert "  completed   2  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━" in lines
    assert "Ana [bold]Souza         2      3  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━" in lines
    assert busy.text("stats", "vision", "--fields", "tasks.total", "-o", "csv") == "tasks.total\n3\n"


@pytest.mark.parametrize("where", ["pipe", "terminal"])
def test_only_a_terminal_gets_a_mark_behind_text_from_right_to_left(busy: Site, where: str) -> None:
    busy.project("vision/שלום")
    shown = busy.text("stats", "vision") if where == "pipe" else on_terminal(busy, "stats", "vision")[1]
    assert "שלום" in shown
    assert ("\u200e" in shown) == (where == "terminal")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_on_a_terminal_it_is_a_panel_that_fits(busy: Site, columns: int) -> None:
    busy.project("vision/" + "画" * 200)
    _, shown = on_terminal(busy, "stats", "vision", COLUMNS=str(columns), NO_COLOR="1")
    lines = shown.replace("\r", "").strip().splitlines()
    assert (lines[0][0], lines[-1][-1]) == ("╭", "╯")
    assert "Ana [bold]Souza" in shown
    assert all(line[-1] in "│╮╯" for line in lines)


def test_an_empty_database_has_a_summary_of_zeros(site: Site) -> None:
    summary = site.json("stats")
    assert (summary["tasks"]["total"], summary["owners"], summary["activity"]["weeks"]) == (0, [], [])
    assert "projects      0" in site.text("stats")
