"""Times, durations and sizes for reading: `2 days ago`, `1h02m`, `1.2 MB`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

TIMES = frozenset(
    {
        "created",
        "last_update",
        "stats.*.last_task_run",
        "started",
        "finished",
        "last_used",
        "stops_at",
        "last_run",
        "last_activity",
    }
)
DURATIONS = frozenset({"stats.*.total_runtime", "runtime"})
SIZES = frozenset({"size", "dataset_stats.total_size"})
MINUTE = len("2024-01-09T08:00")
ALMOST_TWO_YEARS = timedelta(days=700)
"""Longest span whose years humanize counts correctly."""
MILLISECONDS_PER_YEAR = 31_556_952_000


def time(value: Any, *, form: str | None, now: datetime) -> Any:
    """Return a time in a form: `relative` (2 days ago), `absolute` (2024-01-09 08:00Z), or as it is (`iso`).

    A time without a zone is in UTC. A value that is not a time is returned unchanged.
    """
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        # The driver's own type for a date outside the years of Python's datetime: milliseconds since 1970, for which
        # the calendar's average year is exact enough.
        if form != "relative" or type(value).__name__ != "DatetimeMS":
            return value
        years = abs(int(now.timestamp() * 1000) - int(value)) // MILLISECONDS_PER_YEAR
        return _relative(f"{years:,} years", is_past=int(value) < 0)
    if form == "iso":
        return moment.isoformat()
    if form == "absolute":
        return f"{moment.isoformat()[:MINUTE].replace('T', ' ')}Z"
    return _relative(_span(moment, now), is_past=moment <= now)


def _span(moment: datetime, now: datetime) -> str:
    """Return the span between two times, in the largest unit.

    Years are counted by the calendar: humanize takes every year for 365 days, which is wrong by a year after 1,460.
    """
    import humanize  # only for relative times

    first, last = min(moment, now), max(moment, now)
    years = last.year - first.year - ((last.month, last.day, last.time()) < (first.month, first.day, first.time()))
    if years >= 2:  # noqa: PLR2004 - humanize has words for less
        return f"{years:,} years"
    return humanize.naturaldelta(min(last - first, ALMOST_TWO_YEARS)).partition(", ")[0]


def _relative(span: str, *, is_past: bool) -> str:
    return f"{span} ago" if is_past else f"in {span}"


def duration(seconds: int) -> str:
    """Return seconds as `1h02m`, `2m05s` or `7s`."""
    minutes, seconds = divmod(seconds, 60)
    # Two units are enough for reading.
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{seconds:02}s" if minutes else f"{seconds}s"


def size(number: int) -> str:
    """Return a number of bytes as `1.2 MB`."""
    import humanize

    return humanize.naturalsize(number)
