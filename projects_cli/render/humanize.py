"""Values as people read them: how long ago, how long, how big."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

TIMES = frozenset({"created", "last_update", "stats.*.last_task_run", "started", "finished", "last_used", "stops_at"})
DURATIONS = frozenset({"stats.*.total_runtime"})
SIZES = frozenset({"size"})
MINUTE = len("2024-01-09T08:00")
ALMOST_TWO_YEARS = timedelta(days=700)
"""What humanize still calls one year and some months."""
MILLISECONDS_A_YEAR = 31_556_952_000


def time(value: Any, *, form: str | None, now: datetime) -> Any:
    """Return a time in a form: `relative` (2 days ago), `absolute` (2024-01-09 08:00Z), or as it is (`iso`).

    A value that is not a time is returned unchanged.
    """
    when = _read(value)
    if when is None:
        return value if form != "relative" or not _is_far(value) else _far(int(value), now)
    if form == "iso":
        return when.isoformat()
    if form == "absolute":
        return f"{when.isoformat()[:MINUTE].replace('T', ' ')}Z"
    return _around(_span(when, now), is_past=when <= now)


def _span(when: datetime, now: datetime) -> str:
    """Return how long it is between two times, in the largest unit.

    Years are counted by the calendar: humanize takes all of them for 365 days, which is wrong by a year after 1,460.
    """
    import humanize  # needed only where somebody reads times

    first, last = min(when, now), max(when, now)
    years = last.year - first.year - ((last.month, last.day, last.time()) < (first.month, first.day, first.time()))
    if years >= 2:  # noqa: PLR2004 - humanize has words for less
        return f"{years:,} years"
    return humanize.naturaldelta(min(last - first, ALMOST_TWO_YEARS)).partition(", ")[0]


def _is_far(value: Any) -> bool:
    """Return whether a value is a stored date outside the years that Python has: the driver's own type."""
    return type(value).__name__ == "DatetimeMS"


def _far(milliseconds: int, now: datetime) -> str:
    """Return how many years ago such a date is; the calendar's average year is exact enough for years after 9999."""
    years = abs(int(now.timestamp() * 1000) - milliseconds) // MILLISECONDS_A_YEAR
    return _around(f"{years:,} years", is_past=milliseconds < 0)


def _around(span: str, *, is_past: bool) -> str:
    return f"{span} ago" if is_past else f"in {span}"


def _read(value: Any) -> datetime | None:
    """Return a time, stored or as its text, in UTC; one without a zone is UTC."""
    try:
        when = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def duration(seconds: int) -> str:
    """Give seconds as `1h02m`, `2m05s` or `7s`."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{seconds:02}s" if minutes else f"{seconds}s"


def size(number: int) -> str:
    """Give a number of bytes as `1.2 MB`."""
    import humanize

    return humanize.naturalsize(number)
