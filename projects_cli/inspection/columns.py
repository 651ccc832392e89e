"""Columns of a list of projects: the values of those that are computed, and the order by any column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.endpoints.catalog import Lookup
from projects_cli.endpoints.statistics import grouped
from projects_cli.extended_json import compact, identity
from projects_cli.store import filters, pipelines
from projects_cli.store.bson_codec import DATES, milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence

    from projects_cli.messages import Document
    from projects_cli.store.collections import Store

STATES = {"active": filters.not_archived(), "archived": filters.archived(), None: {}}


def with_computed(
    projects: Iterable[Document], wanted: Collection[str], state: str | None, store: Store
) -> Iterator[Document]:
    """Stream listed projects, each with the wanted ones of the computed fields.

    These are `models` (those in a `state`, None for any, of sub-projects too), `sub_project_count`,
    both of which need `sub_projects`, and `owner` (`{id, name}`), which needs `user`.
    """
    counts: dict[Hashable, int] = {}
    if "models" in wanted:
        groups = grouped(store.models, STATES[state], pipelines.by_project(), None)
        counts = {key: group["count"] for key, group in groups.items()}
    owners = Lookup("user", ("name",), store)
    for project in projects:
        computed: Document = {}
        if "models" in wanted or "sub_project_count" in wanted:
            below = [identity(sub_project["id"]) for sub_project in project["sub_projects"]]
            models = sum(counts.get(key, 0) for key in (identity(project["id"]), *below))
            computed = {"models": models, "sub_project_count": len(below)}
        if "owner" in wanted:
            owners.read([project.get("user")])
            computed["owner"] = owners.of(project.get("user"))
        yield project | {name: value for name, value in computed.items() if name in wanted}


def ordered(
    projects: Iterable[Document], order: Sequence[tuple[str, bool]], value_at: Callable[[Document, str], Any]
) -> list[Document]:
    """Return the projects in an order of paths, each with whether it is descending; those without a value come last.

    `value_at` returns the value at a path, as a table shows it.
    """
    rows = list(projects)
    for path, descending in reversed(order):  # sorting is stable: the most significant column comes last
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
