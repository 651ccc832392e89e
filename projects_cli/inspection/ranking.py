"""The first projects by a measure: the number of tasks or models, run time, age, time since the last run, size."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from projects_cli.endpoints.fields import as_date
from projects_cli.endpoints.hierarchy import shown_name
from projects_cli.extended_json import identity
from projects_cli.inspection.tree import add_up, count_models, count_tasks, is_hidden, read_forest
from projects_cli.store.bson_codec import DATES, milliseconds

if TYPE_CHECKING:
    from datetime import datetime

    from projects_cli.inspection.tree import Forest, Node
    from projects_cli.messages import Document
    from projects_cli.store.collections import Store

Measure = Literal["tasks", "models", "runtime", "age", "last-run", "size"]

FIELDS: dict[Measure, str] = {
    "tasks": "tasks",
    "models": "models",
    "runtime": "runtime",
    "age": "created",
    "last-run": "last_run",
    "size": "sub_projects",
}
"""Measure -> the field of a record that has its value."""

OF_CONTENTS = frozenset({"tasks", "models", "runtime", "last-run"})
"""Measures that sum up the tasks or models of projects."""


class Choice(NamedTuple):
    """Which projects are ranked: `limit` of them, `hidden` ones too, with the contents of sub-projects or their own."""

    limit: int
    own: bool = False
    hidden: bool = False


def ranking(root: Document | None, measure: Measure, choice: Choice, store: Store, now: datetime) -> list[Document]:
    """Return the projects below a stored project, or all, with the highest values of a measure, the highest first.

    Of times the oldest come first. A record has `id`, `name`, and the value in a field of `FIELDS`: a number (seconds
    of run time; for `size`, the sub-projects at all levels), or a time. Projects for which it is 0 or absent are left
    out. Archived tasks and models do not count. Memory grows with the projects only.
    """
    forest = read_forest(root, store, ("created",) if measure == "age" else ())
    if measure == "models":
        count_models(forest, store)
    elif measure in OF_CONTENTS:
        count_tasks(forest, store, now)
    if measure in OF_CONTENTS and not choice.own:
        add_up(forest)
    sizes = _sizes(forest) if measure == "size" else {}
    top = None if root is None else identity(root["_id"])
    candidates: list[tuple[int, str, int, Node, Any]] = []
    for key, node in forest.nodes.items():
        if key == top or (is_hidden(node.stored) and not choice.hidden):
            continue
        value = sizes[id(node)] if measure == "size" else _value(node, measure)
        if isinstance(value, DATES):
            # The id in memory decides between equal ones: nodes themselves do not compare.
            candidates.append((milliseconds(value), shown_name(node.stored), id(node), node, value))
        elif value:
            candidates.append((-value, shown_name(node.stored), id(node), node, value))
    return [
        {"id": node.stored["_id"], "name": name, FIELDS[measure]: as_date(value)}
        for _, name, _, node, value in heapq.nsmallest(choice.limit, candidates)
    ]


def _value(node: Node, measure: Measure) -> Any:
    """Return the value of a measure other than the size: a number, a date, or None."""
    if measure == "models":
        return node.models
    if measure == "tasks":
        return sum(node.tally.statuses.values())
    if measure == "runtime":
        return node.tally.runtime
    time = node.tally.last if measure == "last-run" else node.stored.get("created")
    return time if isinstance(time, DATES) else None


def _sizes(forest: Forest) -> dict[int, int]:
    """Return the number of sub-projects, at all levels, of each project, by the node's identity in memory."""
    sizes = {id(node): 0 for node in forest.parents_first}
    for node in reversed(forest.parents_first):
        if node.parent is not None:
            sizes[id(node.parent)] += 1 + sizes[id(node)]
    return sizes
