"""`projects activity`: the tasks started in an interval, by user, project and week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from bson import ObjectId
from bson.datetime_ms import DatetimeMS

from tests.worlds.site import COMPANY, OTHER

if TYPE_CHECKING:
    from tests.worlds.site import Site

MONDAY = datetime(2024, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def busy(site: Site) -> Site:
    """Return a site with tasks of two users in two projects and two weeks, and others that must not count."""
    site.documents.user.insert_one({"_id": "ana", "company": COMPANY, "name": "Ana Souza"})
    below, beside = site.project("vision/yolo"), site.project("audio")
    above = site.named("vision")["_id"]
    site.task(below, user="ana", status="completed", started=MONDAY, completed=MONDAY + 2 * HOUR)
    site.task(below, user="ana", status="failed", started=MONDAY - HOUR, completed=MONDAY, system_tags=["archived"])
    site.task(above, user="gone", status="in_progress", started=MONDAY + timedelta(days=15))
    site.task(beside, user="ana", status="completed", started=MONDAY, completed=MONDAY + HOUR, company="")
    site.task(None, user=None, status="stopped", started=MONDAY)
    site.task(below, user="ana", company=OTHER, started=MONDAY)
    site.task(below, user="ana", company=[COMPANY], started=MONDAY)
    for started in (None, [MONDAY], "2024-01-08", DatetimeMS(2**60), DatetimeMS(-(2**60))):
        site.task(below, user="ana", started=started)
    return site


def rows(site: Site, *arguments: str) -> list[tuple[Any, ...]]:
    """Return names, tasks, failed ones and hours of the response."""
    records = site.json("activity", "--since", "2024-01-01T00:00", *arguments)["activity"]
    return [(one["name"], one["tasks"], one["failed"], one["runtime"] / 3600) for one in records]


def test_by_user_counts_archived_and_public_tasks(busy: Site) -> None:
    assert rows(busy) == [("Ana Souza", 3, 1, 4.0), (None, 1, 0, 0.0), (None, 1, 0, 0.0)]
    assert busy.text("activity", "--since", "2024-01-01", "-o", "id").splitlines()[0] == "ana"


def test_of_a_project_the_sub_projects_count_too(busy: Site) -> None:
    assert rows(busy, "vision", "--by", "project") == [("vision/yolo", 2, 1, 3.0), ("vision", 1, 0, 0.0)]
    first, *rest = [row[:2] for row in rows(busy, "--by", "project")]
    assert (first, set(rest)) == (("vision/yolo", 2), {(None, 1), ("audio", 1), ("vision", 1)})


def test_weeks_begin_on_monday_in_utc_and_none_is_missing(busy: Site) -> None:
    records = busy.json("activity", "vision", "--since", "2024-01-03", "--by", "week")["activity"]
    first = [(one["id"], one["name"], one["tasks"]) for one in records[:5]]
    assert first == [
        ("2024-W01", "2024-01-01", 1),
        ("2024-W02", "2024-01-08", 1),
        ("2024-W03", "2024-01-15", 0),
        ("2024-W04", "2024-01-22", 1),
        ("2024-W05", "2024-01-29", 0),
    ]
    assert records[-1]["id"] == f"{datetime.now(UTC):%G-W%V}"


def test_of_a_very_long_time_weeks_are_listed_from_the_first_task(busy: Site) -> None:
    assert rows(busy, "--since", "0001-01-01", "--by", "week")[0][:2] == ("2024-01-01", 1)


def test_formats_for_spreadsheets_have_seconds_and_fields(busy: Site) -> None:
    lines = busy.text("activity", "audio", "--since", "2024-01-01", "-o", "csv").splitlines()
    assert lines == [
        "id,name,tasks,completed,failed,runtime,last_run",
        "ana,Ana Souza,1,1,0,3600,2024-01-08T00:00:00+00:00",
    ]


def test_nothing_started_is_a_notice(busy: Site) -> None:
    result = busy("activity", "--by", "week")
    assert (result.exit_code, result.stdout.count("\n")) == (0, 1)
    assert result.stderr == "no task was started in this time: see --since\n"


def test_odd_users_and_projects_are_groups_of_their_own(site: Site) -> None:
    for odd in (ObjectId(), {"a": 1}, float("nan"), 7, True):
        site.task(odd, user=odd, started=MONDAY)  # type: ignore[arg-type]
    for by in ("user", "project"):
        assert len(rows(site, "--by", by)) == 5


@pytest.mark.parametrize(
    ("since", "message"),
    [
        ("soon", "--since: 'soon' is neither a date, such as 2024-01-31, nor a duration, such as 90d"),
        ("2024-02-31", "--since: '2024-02-31' is neither a date, such as 2024-01-31, nor a duration, such as 90d"),
        ("99999999d", "--since '99999999d': before the calendar's first day"),
    ],
)
def test_an_invalid_time_is_refused(site: Site, since: str, message: str) -> None:
    assert site.error("activity", "--since", since, status=2)["message"].startswith(message)
