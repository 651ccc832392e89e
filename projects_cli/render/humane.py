"""Values as people read them: how long ago, how long, how big."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

TIMES = frozenset({"created", "last_update", "stats.*.last_task_run", "started", "finished", "last_used", "stops_at"})
DURATIONS = frozenset({"stats.*.total_runtime"})
SIZES = frozenset({"size"})
MINUTE = len("2024-01-09T08:00")


def time(value: Any, *, form: str | None, now: datetime) -> str:
    """Give a time in a form: `relative` (2 days ago), `absolute` (2024-01-09 08:00Z), or as it is (`iso`)."""
    when = _read(value)
    if when is None:
        return "" if value is None else str(value)
    if form == "iso":
        return when.isoformat()
    if form == "absolute":
        return f"{when.astimezone(UTC).isoformat()[:MINUTE].replace('T', ' ')}Z"
    import humanize  # needed only where somebody reads times

    span = humanize.naturaldelta(now - when).partition(",")[0]
    return f"{span} ago" if when <= now else f"in {span}"


def _read(value: Any) -> datetime | None:
    """Give a time, stored or as its text; one without a zone is UTC."""
    try:
        when = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def duration(seconds: int) -> str:
    """Give seconds as `1h02m`, `2m05s` or `7s`."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{seconds:02}s" if minutes else f"{seconds}s"


def size(number: int) -> str:
    """Give a number of bytes as `1.2 MB`."""
    import humanize

    return humanize.naturalsize(number)
