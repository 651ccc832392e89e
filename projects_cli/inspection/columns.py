"""Columns of a list of projects: those that are computed, and the order by any of them (docs/architecture.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.endpoints.catalog import Lookup
from projects_cli.endpoints.statistics import grouped
from projects_cli.errors import UsageError, did_you_mean, nearest
from projects_cli.extended_json import compact, identity
from projects_cli.store import filters, pipelines
from projects_cli.store.bson_codec import DATES, milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from projects_cli.messages import Document
    from projects_cli.store.collections import Store

STORED = {
    "name": "name",
    "updated": "last_update",
    "created": "created",
    "tags": "tags",
    "id": "id",
}
"""Headings whose order the database makes -> the field."""

COMPUTED = {
    "tasks": "stats.*.total_tasks",
    "running": "stats.*.status_count.in_progress",
    "completed": "stats.*.status_count.completed",
    "failed": "stats.*.status_count.failed",
    "runtime": "stats.*.total_runtime",
    "last run": "stats.*.last_task_run",
    "models": "models",
    "sub-projects": "size",
    "owner": "owner.name",
}
"""Headings whose values are known only when a project's statistics are -> the path of the value in its record."""

STATES = {"active": filters.not_archived(), "archived": filters.archived(), None: {}}


def parse_order(option: str) -> list[tuple[str, bool]]:
    """Parse `COLUMN[,-COLUMN]`: headings in any case, each with whether the order is descending.

    Raises:
        UsageError: a heading is unknown.
    """
    order = []
    known = [*STORED, *COMPUTED]
    for word in option.split(","):
        text = word.strip().lower()
        heading = text.removeprefix("-").replace("_", " ")
        heading = "last run" if heading == "last-run" else heading
        if heading not in known:
            hint = did_you_mean(nearest(heading, known, 1), f"columns: {', '.join(known)}")
            raise UsageError(f"--sort-by: unknown column {word.strip()!r}", hint=hint)
        order.append((heading, text.startswith("-")))
    return order


def with_computed(projects: Iterable[Document], state: str | None, store: Store) -> Iterator[Document]:
    """Stream listed projects, which have `user` and `sub_projects`, each with the computed fields.

    These are `models` (those in a `state`, None for any, of sub-projects too), `size` (the number of sub-projects), and
    `owner` (`{id, name}`).
    """
    groups = grouped(store.models, STATES[state], pipelines.by_project(), None)
    counts = {key: group["count"] for key, group in groups.items()}
    owners = Lookup("user", ("name",), store)
    for project in projects:
        owners.read([project.get("user")])
        below = [identity(sub_project["id"]) for sub_project in project["sub_projects"]]
        models = sum(counts.get(key, 0) for key in (identity(project["id"]), *below))
        yield project | {"models": models, "size": len(below), "owner": owners.of(project.get("user"))}


def ordered(
    projects: Iterable[Document], order: Sequence[tuple[str, bool]], value_at: Callable[[Document, str], Any]
) -> list[Document]:
    """Return the projects in an order of `parse_order`; those without a value come last in both directions.

    `value_at` returns the value of a column, as a table shows it, from a record and a path of `STORED` or `COMPUTED`.
    """
    rows = list(projects)
    for heading, descending in reversed(order):  # sorting is stable: the most significant column comes last
        path = STORED.get(heading) or COMPUTED[heading]
        keys = [_key(value_at(row, path)) for row in rows]
        filled = [(key, row) for key, row in zip(keys, rows, strict=True) if key is not None]
        filled.sort(key=lambda pair: pair[0], reverse=descending)
        rows = [row for _, row in filled] + [row for key, row in zip(keys, rows, strict=True) if key is None]
    return rows


def _key(value: Any) -> tuple[int, Any] | None:
    """Return a key that compares with all others: numbers, dates, everything else as text; None for nothing."""
    if value in (None, "", []):
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return 0, value
    if isinstance(value, DATES):
        return 1, milliseconds(value)
    return 2, value if isinstance(value, str) else compact(value)
