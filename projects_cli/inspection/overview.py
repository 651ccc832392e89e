"""A project, or all of them, at a glance: counts, run time, largest sub-projects, owners."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

from projects_cli.endpoints.catalog import Lookup
from projects_cli.endpoints.fields import as_date
from projects_cli.endpoints.hierarchy import path_of, shown_name
from projects_cli.endpoints.statistics import grouped
from projects_cli.endpoints.tallies import Tally
from projects_cli.extended_json import compact, identity
from projects_cli.inspection.activity import Interval, named, summed_up, weeks
from projects_cli.inspection.tree import add_up, count_models, count_tasks, is_hidden, read_forest, selection
from projects_cli.store import filters, pipelines
from projects_cli.store.bson_codec import DATES, is_later

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from projects_cli.inspection.activity import Grouping
    from projects_cli.inspection.tree import Forest, Node
    from projects_cli.messages import Document
    from projects_cli.store.collections import Collection, Store

WEEKS = timedelta(weeks=26)
"""The time whose activity an overview has, if no other one is chosen."""

LARGEST = 10
"""Sub-projects and owners that an overview has."""


def overview(
    root: Document | None,
    store: Store,
    now: datetime,
    since: datetime | None = None,
    groupings: Sequence[Grouping] = ("week",),
) -> Document:
    """Return the overview of a stored project with all below it, or of all projects.

    - `project`: `{id, name}`, null for all; and the counts of `counts`.
    - `activity`: `{since, until, weeks}`, the weeks of `activity.activity`. It is that since a time in UTC, by default
      that of the last 26 weeks, or of the 26 weeks up to the latest start of a task if there is none since then. Of
      other `groupings` it has those with the most tasks, and how many there are: `users` and `user_count`.
    - `largest`: the projects directly below, or at the top level, with the most tasks, sub-projects included and hidden
      projects left out: `{id, name, tasks, models, runtime, last_run}`.
    - `owners`: the owners of the most projects of the tree, with the tasks in them: `{id, name, projects, tasks}`.

    Memory grows with the projects only.
    """
    forest = read_forest(root, store, ("user",))
    count_tasks(forest, store, now)
    count_models(forest, store)
    # Before the sums are added up: the tasks of a sub-project are those of its own owner.
    owners = _owners(forest, store)
    add_up(forest)
    summary = counts(root, forest, store)
    until = now.replace(tzinfo=None)
    if since is None:
        latest = _total(forest).last
        # A tree without recent work would have empty weeks only.
        if isinstance(latest, datetime) and latest < until - WEEKS:
            until = latest
        since = until - min(WEEKS, until - datetime.min)  # noqa: DTZ901 - a stored start may be in the year 1
    interval = Interval(since, until)
    children = [node for node in _direct(root, forest) if not is_hidden(node.stored)]
    children.sort(key=lambda node: (-_tasks(node.tally), shown_name(node.stored)))
    return {
        "project": None if root is None else {"id": root["_id"], "name": shown_name(root)},
        **summary,
        "activity": {**interval._asdict(), **_activity(root, groupings, interval, store)},
        "largest": [record(node) for node in children[:LARGEST]],
        "owners": owners,
    }


def details(project: Document, store: Store, now: datetime) -> Document:
    """Return what a project of a response is shown with: its `counts`, and more.

    That is `owner` (`{id, name}`), `parent_name`, and `last_activity`, the latest change of the project, of its
    sub-projects, and of their tasks and models.
    """
    root = {"_id": project["id"]}
    forest = read_forest(root, store, ("last_update",))
    count_tasks(forest, store, now)
    count_models(forest, store)
    add_up(forest)
    user, parent = project.get("user"), project.get("parent")
    owners, parents = Lookup("user", ("name",), store), Lookup("parent", ("name",), store)
    owners.read([user])
    parents.read([parent])
    above = parents.of(parent)
    return {
        "owner": owners.of(user),
        "parent_name": above.get("name") if isinstance(above, dict) else None,
        **counts(root, forest, store),
        "last_activity": last_activity(forest, store),
    }


def _activity(root: Document | None, groupings: Sequence[Grouping], interval: Interval, store: Store) -> Document:
    sums = summed_up(root, groupings, interval, store)
    activity: Document = {"weeks": list(weeks(sums.pop("week"), interval))}
    for grouping, groups in sums.items():
        activity[f"{grouping}s"] = list(named(grouping, groups, store, LARGEST))
        activity[f"{grouping}_count"] = len(groups)
    return activity


def record(node: Node) -> Document:
    """Return the sums of a project as a record."""
    return {
        "id": node.stored["_id"],
        "name": shown_name(node.stored),
        "tasks": _tasks(node.tally),
        "models": node.models,
        "runtime": node.tally.runtime,
        "last_run": as_date(node.tally.last),
    }


def counts(root: Document | None, forest: Forest, store: Store) -> Document:
    """Return the counts of a tree whose sums were added up; archived tasks and models are counted on their own.

    - `sub_projects`: `{direct, all, hidden}`; for all projects, those at the top level are the direct ones.
    - `tasks`: `{total, archived, status_count}`, without the statuses that no task has. `models`: `{total, archived}`.
    - `runtime`: seconds. `last_run`: the latest start of a task.
    """
    total = _total(forest)
    nodes = [node for key, node in forest.nodes.items() if root is None or key != identity(root["_id"])]
    tops = [node for node in forest.parents_first if node.parent is None]
    return {
        "sub_projects": {
            "direct": len(_direct(root, forest)),
            "all": len(nodes),
            "hidden": sum(is_hidden(node.stored) for node in nodes),
        },
        "tasks": {
            "total": _tasks(total),
            "archived": _archived(store.tasks, forest, store),
            "status_count": dict(sorted(total.statuses.items())),
        },
        "models": {
            "total": sum(node.models for node in tops),
            "archived": _archived(store.models, forest, store),
        },
        "runtime": total.runtime,
        "last_run": as_date(total.last),
    }


def last_activity(forest: Forest, store: Store) -> Any:
    """Return the latest change of the projects of a tree and of their tasks and models; None without a date.

    The projects must have been read with `last_update`.
    """
    groups = chain.from_iterable(
        grouped(collection, {}, pipelines.last_activity(), selection(forest, store)).items()
        for collection in (store.tasks, store.models)
    )
    times = chain(
        (group["latest"] for key, group in groups if key in forest.nodes),
        (node.stored.get("last_update") for node in forest.nodes.values()),
    )
    latest: Any = None
    for time in times:
        if isinstance(time, DATES) and (latest is None or is_later(time, latest)):
            latest = time
    return as_date(latest)


def _direct(root: Document | None, forest: Forest) -> list[Node]:
    """Return the projects directly below the root, or at the top level."""
    if root is not None:
        node = forest.nodes.get(identity(root["_id"]))  # it may have been deleted meanwhile
        return [] if node is None else list(node.children)
    # One whose parent cannot be seen is shown at the top of a tree, but it is not at the top level.
    return [node for node in forest.parents_first if node.parent is None and not path_of(node.stored)]


def _total(forest: Forest) -> Tally:
    """Return the sums over all projects of a tree, which were added up."""
    total = Tally()
    for node in forest.parents_first:
        if node.parent is None:
            total.add(node.tally)
    return total


def _tasks(tally: Tally) -> int:
    return sum(tally.statuses.values())


def _archived(collection: Collection, forest: Forest, store: Store) -> int:
    groups = grouped(collection, filters.archived(), pipelines.by_project(), selection(forest, store))
    return sum(group["count"] for key, group in groups.items() if key in forest.nodes)


def _owners(forest: Forest, store: Store) -> list[Document]:
    """Return the owners of the most projects; tasks directly in these projects count, not yet added up."""
    owners: dict[Hashable, list[Any]] = {}
    for node in forest.nodes.values():
        user = node.stored.get("user") or None
        sums = owners.setdefault(identity(user), [user, 0, 0])
        sums[1] += 1
        sums[2] += _tasks(node.tally)
    first = sorted(owners.values(), key=lambda sums: (-sums[1], -sums[2], compact(sums[0])))[:LARGEST]
    lookup = Lookup("user", ("name",), store)
    lookup.read(user for user, _, _ in first)
    found = [(lookup.of(user), user, projects, tasks) for user, projects, tasks in first]
    return [
        {
            "id": user,
            "name": owner.get("name") if isinstance(owner, dict) else None,
            "projects": projects,
            "tasks": tasks,
        }
        for owner, user, projects, tasks in found
    ]
