"""The document of `projects report`: figures, charts and tables, which `page` and `markdown` write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli.render import humanize
from projects_cli.render.encode import cell
from projects_cli.render.escaping import escape
from projects_cli.render.svg import Chart

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    Record = Mapping[str, Any]

LONGEST_NAME = 120
"""Characters of a name in a table; the rest has no information for a reader."""

LONGEST_LABEL = 24
"""Columns of a name beside a bar."""

COLUMNS = 53
"""Columns of the chart of weeks, which is a year; more weeks are added up to periods of several."""


class Table(NamedTuple):
    """Rows of cells, of which the first is a name and the others are figures; `rest` rows were left out."""

    heading: Sequence[str]
    rows: Sequence[Sequence[str]]
    rest: int = 0


class Section(NamedTuple):
    """A part of a report. A `folded` table repeats what the chart shows."""

    title: str
    table: Table
    chart: Chart | None = None
    folded: bool = False


class Report(NamedTuple):
    """A report. `name` is that of the project, empty for all projects; `sections` are by the name of their chart."""

    name: str
    period: str
    created: str
    figures: Sequence[tuple[str, str]]
    sections: Mapping[str, Section]


def report(data: Record, now: datetime) -> Report:
    """Return the report on the response of the command."""
    activity, tasks, models = data["activity"], data["tasks"], data["models"]
    started = sum(week["tasks"] for week in activity["weeks"])
    figures = [
        ("Projects", _count(data["sub_projects"]["all"] + (data["project"] is not None))),
        ("Tasks", _count(tasks["total"])),
        ("Running", _count(tasks["status_count"].get("in_progress", 0))),
        ("Failed", _count(tasks["status_count"].get("failed", 0))),
        ("Models", _count(models["total"])),
        ("Tasks started in the period", _count(started)),
        ("Users who started them", _count(activity["user_count"])),
        ("Run time in the period", _hours(sum(week["runtime"] for week in activity["weeks"]))),
    ]
    owners = [[name_of(owner), _count(owner["projects"]), _count(owner["tasks"])] for owner in data["owners"]]
    return Report(
        name="" if data["project"] is None else name_of(data["project"]),
        period=f"{_day(activity['since'])} to {_day(activity['until'])}",
        created=str(humanize.time(now, form="absolute", now=now)),
        figures=figures,
        sections={
            "weeks": _weeks(activity["weeks"]),
            "status": _status(tasks["status_count"]),
            "users": _active("Most active users", "User", activity["users"], activity["user_count"], _head),
            "projects": _active(
                "Most active projects", "Project", activity["projects"], activity["project_count"], _tail
            ),
            "largest": _largest(data["largest"], data["sub_projects"]["direct"]),
            "owners": Section("Owners of projects", Table(("Owner", "Projects", "Tasks"), owners)),
        },
    )


def chart(report: Report, name: str) -> Chart:
    """Return a chart of a report by the name of its section."""
    found = report.sections[name].chart
    if found is None:
        raise KeyError(name)
    return found


def name_of(record: Record) -> str:
    """Return the name of a user or project, which may be of any type, absent or endless, as a line of text."""
    text = cell(record["name"]) or cell(record["id"]) or "(none)"
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…"


# --- sections -----------------------------------------------------------------------------------------------------


def _weeks(weeks: Sequence[Record]) -> Section:
    """Return the tasks by week, or by periods of as many weeks as keep the columns legible."""
    # Rounded up, so that there are never more columns than fit.
    size = max(1, -(-len(weeks) // COLUMNS))
    periods = [weeks[at : at + size] for at in range(0, len(weeks), size)]
    sums = [
        {key: sum(week[key] for week in period) for key in ("tasks", "completed", "failed", "runtime")}
        for period in periods
    ]
    first = [str(period[0]["name"]) for period in periods]
    title = "Tasks started by week" if size == 1 else f"Tasks started in {size} weeks"
    series = (
        ("completed", [row["completed"] for row in sums]),
        ("failed", [row["failed"] for row in sums]),
        ("other", [row["tasks"] - row["completed"] - row["failed"] for row in sums]),
    )
    rows = [[day, *_figures(row)] for day, row in zip(first, sums, strict=True)]
    table = Table(("From", "Tasks", "Completed", "Failed", "Run time"), rows)
    return Section(title, table, Chart(title, first, series, "columns"), folded=True)


def _status(counts: Mapping[str, int]) -> Section:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    title = "Tasks by status"
    names = [escape(status.replace("_", " ")) for status, _ in ordered]
    chart = Chart(title, names, [("tasks", [count for _, count in ordered])])
    rows = [[name, _count(count)] for name, (_, count) in zip(names, ordered, strict=True)]
    return Section(title, Table(("Status", "Tasks"), rows), chart, folded=True)


def _active(title: str, kind: str, records: Sequence[Record], total: int, shorten: Callable[[str], str]) -> Section:
    rows = [[name_of(record), *_figures(record)] for record in records]
    table = Table((kind, "Tasks", "Completed", "Failed", "Run time"), rows, total - len(rows))
    return Section(title, table, _bars(f"{title}, by tasks started", records, shorten))


def _largest(records: Sequence[Record], total: int) -> Section:
    title = "Largest projects"
    rows = [
        [
            name_of(record),
            _count(record["tasks"]),
            _count(record["models"]),
            _hours(record["runtime"]),
            _day(record["last_run"]),
        ]
        for record in records
    ]
    table = Table(("Project", "Tasks", "Models", "Run time", "Last run"), rows, total - len(rows))
    return Section(title, table, _bars(f"{title}, by tasks", records, _tail))


def _bars(title: str, records: Sequence[Record], shorten: Callable[[str], str]) -> Chart:
    return Chart(
        title, [shorten(name_of(record)) for record in records], [("tasks", [record["tasks"] for record in records])]
    )


# --- texts --------------------------------------------------------------------------------------------------------


def _figures(row: Record) -> list[str]:
    return [*(_count(row[key]) for key in ("tasks", "completed", "failed")), _hours(row["runtime"])]


def _count(number: int) -> str:
    return f"{number:,}"


def _hours(seconds: int) -> str:
    """Return a run time in hours, in which months of it compare at a glance."""
    return f"{seconds / 3600:,.0f} h"


def _day(time: Any) -> str:
    return cell(humanize.time(time, form="iso", now=time))[:10] if time is not None else "never"


def _head(name: str) -> str:
    """Return the beginning of a name as far as it fits beside a bar."""
    from rich.cells import cell_len

    while cell_len(name) > LONGEST_LABEL:
        name = f"{name.removesuffix('…')[:-1]}…"
    return name


def _tail(name: str) -> str:
    """Return the end of a name as far as it fits beside a bar: the last parts are the project's own."""
    from rich.cells import cell_len

    while cell_len(name) > LONGEST_LABEL:
        name = f"…{name.removeprefix('…')[1:]}"
    return name
