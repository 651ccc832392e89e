"""Who ran how much, and when: the tasks started in an interval, by user, project or week."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from projects_cli.endpoints.catalog import Lookup
from projects_cli.endpoints.fields import as_date
from projects_cli.endpoints.hierarchy import chunks
from projects_cli.endpoints.scope import natural_order_hint
from projects_cli.endpoints.tallies import Tally, selective
from projects_cli.extended_json import compact, identity
from projects_cli.store import filters
from projects_cli.store.bson_codec import DATES, milliseconds

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from projects_cli.messages import Document
    from projects_cli.store.collections import Store

Grouping = Literal["user", "project", "week"]

GROUPINGS: tuple[Grouping, ...] = ("user", "project", "week")

FIELDS = ("project", "user", "status", "started", "completed")

REFERENCED = {"user": "user", "project": "parent"}
"""Grouping -> the field of projects that refers to the same collection."""

CHUNK = 5_000
"""Users or projects whose names are read with one query."""

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - stored dates are UTC without a zone
DAY = 86_400_000  # milliseconds
FILLED = 530
"""Weeks of an interval in which weeks without tasks are listed from its start; of a longer one from the first task."""


class Interval(NamedTuple):
    """A time span with its two ends, in UTC without a zone."""

    since: datetime
    until: datetime


Groups = dict["Hashable", tuple[Any, Tally]]
"""Sums by the key of a user, a project or a week, each with its stored value."""


def activity(
    root: Document | None, groupings: Sequence[Grouping], interval: Interval, store: Store
) -> dict[Grouping, Iterator[Document]]:
    """Return the tasks that were started in an interval, archived ones too, summed up for each grouping.

    `root` is a stored project, whose sub-projects are included, or None for all tasks. A record has `id` and `name` (of
    a user, of a project, or an ISO week such as `2024-W02` and the date of its Monday in UTC), `tasks`, `completed`,
    `failed`, `runtime` (seconds, of tasks that have ended) and `last_run`. Those with the most tasks come first; weeks
    are in their order, those without tasks too. All tasks are read once; memory grows with the groups only.
    """
    sums = summed_up(root, groupings, interval, store)
    return {
        grouping: weeks(groups, interval) if grouping == "week" else named(grouping, groups, store)
        for grouping, groups in sums.items()
    }


def summed_up(
    root: Document | None, groupings: Sequence[Grouping], interval: Interval, store: Store
) -> dict[Grouping, Groups]:
    """Return the same sums for each grouping without names and in no order."""
    sums: dict[Grouping, Groups] = {grouping: {} for grouping in groupings}
    for task in _started(root, interval, store):
        for grouping, groups in sums.items():
            value = week_of(task["started"]) if grouping == "week" else task.get(grouping)
            # The usual types are keys themselves: this is done for every task.
            key = value if type(value) in (str, int) else identity(value)
            if key not in groups:
                groups[key] = (value, Tally())
            groups[key][1].add_task(task, interval.since)
    return sums


def week_of(date: Any) -> int:
    """Return the number of the ISO week, in UTC, of a stored date; week 0 is that of 1 January 1970, a Thursday."""
    return (milliseconds(date) // DAY + 3) // 7


def monday(week: int) -> datetime:
    """Return the start of a week of `week_of`."""
    return EPOCH + timedelta(days=week * 7 - 3)


def _started(root: Document | None, interval: Interval, store: Store) -> Iterator[Document]:
    """Stream the tasks that were started in the interval; all of them are read on the server."""
    started: Document = {"started": {"$gte": interval.since, "$lte": interval.until}}
    scopes: Iterable[Document] = ({},)
    keys: set[Hashable] | None = None
    if root is not None:
        below = store.projects.scan(filters.below([root["_id"]]), {"_id": 1})
        ids = {identity(stored["_id"]): stored["_id"] for stored in chain([root], below)}
        # The tasks of a few projects are read by the index on the project, those of most of them in one pass.
        if selective(len(ids), store.projects.estimated_count()):
            scopes = map(filters.in_projects, chunks(ids.values()))
        else:
            keys = set(ids)
    hint = natural_order_hint(store.tasks, store.tasks.companies) if root is None or keys is not None else None
    projection: Document = {"_id": 0, **dict.fromkeys(FIELDS, 1)}
    for scope in scopes:
        condition = filters.all_of([scope, started])
        for task in store.tasks.scan(condition, projection, hint=hint):
            # The filter looks into lists, which are not times of a start.
            if isinstance(task["started"], DATES) and (keys is None or identity(task.get("project")) in keys):
                yield task


def named(grouping: Grouping, groups: Groups, store: Store, limit: int | None = None) -> Iterator[Document]:
    """Stream the records of users or projects, at most `limit`; their names are read a chunk at a time."""
    lookup = Lookup(REFERENCED[grouping], ("name",), store)
    order = sorted(groups.values(), key=lambda group: (-sum(group[1].statuses.values()), compact(group[0])))
    rows = iter(order[:limit])
    while chunk := list(islice(rows, CHUNK)):
        lookup.read(value for value, _ in chunk)
        for value, tally in chunk:
            referenced = lookup.of(value)
            name = referenced.get("name") if isinstance(referenced, dict) else None
            yield _record(value, name, tally)


def weeks(groups: Groups, interval: Interval) -> Iterator[Document]:
    """Yield the records of the weeks of an interval, in their order; none if no task was started in it."""
    if not groups:
        return
    last = week_of(interval.until)
    first = week_of(interval.since)
    if last - first > FILLED:
        first = min(week for week, _ in groups.values())
    for week in range(first, last + 1):
        day = monday(week)
        year, number, _ = day.isocalendar()
        yield _record(f"{year:04}-W{number:02}", day.date().isoformat(), groups.get(week, (week, Tally()))[1])


def _record(identifier: Any, name: Any, tally: Tally) -> Document:
    return {
        "id": identifier,
        "name": name,
        "tasks": sum(tally.statuses.values()),
        "completed": tally.statuses.get("completed", 0),
        "failed": tally.statuses.get("failed", 0),
        "runtime": tally.runtime,
        "last_run": as_date(tally.last),
    }
