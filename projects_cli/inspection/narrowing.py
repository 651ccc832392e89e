"""Filters of `projects list` that the service does not have: owner, place, emptiness, and age of the last activity.

Each becomes a condition on projects, which the listing adds to its own (docs/architecture.md, Packages).
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli.endpoints.hierarchy import path_of
from projects_cli.extended_json import identity
from projects_cli.store import filters, pipelines
from projects_cli.store.bson_codec import DATES, is_later

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from datetime import datetime

    from projects_cli.messages import Document
    from projects_cli.store.collections import Store


class Narrowing(NamedTuple):
    """What to narrow a listing to. `owners` are ids of users; a project is `under` a stored project, or it itself.

    `depth` counts levels below `under`, or below the top level. The last activity is in [`since`, `until`].
    """

    owners: Sequence[str] = ()
    under: Document | None = None
    depth: int | None = None
    empty: bool = False
    since: datetime | None = None
    until: datetime | None = None


def condition(wanted: Narrowing, store: Store) -> Document:
    """Return the condition on projects, `{}` if nothing was wanted.

    The owner and the place are conditions on stored fields. For the others all tasks and models of the company are read
    once, on the server, and the ids of the matching projects become the condition: memory grows with the projects only.
    """
    parts: list[Document] = []
    level = 0
    if wanted.owners:
        parts.append({"user": {"$in": list(wanted.owners)}})
    if wanted.under is not None:
        level = len(path_of(wanted.under))
        parts.append(filters.any_of([filters.below([wanted.under["_id"]]), {"_id": wanted.under["_id"]}]))
    if wanted.depth is not None:
        # A path has an item for each level above the project.
        parts.append({f"path.{level + wanted.depth}": {"$exists": False}})
    scope = filters.all_of(parts)
    if wanted.empty:
        parts.append({"_id": {"$in": list(_empty(store, scope))}})
    if wanted.since is not None or wanted.until is not None:
        parts.append({"_id": {"$in": list(_active(store, scope, wanted.since, wanted.until))}})
    return filters.all_of(parts)


def _empty(store: Store, scope: Document) -> Iterator[Any]:
    """Yield the ids of the projects without tasks and models, in themselves and in all below, archived ones counted."""
    groups = chain.from_iterable(
        collection.aggregate({}, pipelines.by_project()) for collection in (store.tasks, store.models)
    )
    filled = {identity(group["_id"]) for group in groups}
    # All projects, not only those in scope: contents of a hidden project fill those above it too.
    above = set(filled)
    for project in store.projects.scan({}, {"path": 1}):
        if identity(project["_id"]) in filled:
            above.update(map(identity, path_of(project)))
    return (
        project["_id"] for project in store.projects.scan(scope, {"_id": 1}) if identity(project["_id"]) not in above
    )


def _active(store: Store, scope: Document, since: datetime | None, until: datetime | None) -> Iterator[Any]:
    """Yield the ids of the projects whose last activity is in the interval; without any it is older than everything."""
    times = last_activities(store)
    for project in store.projects.scan(scope, {"_id": 1}):
        time = times.get(identity(project["_id"]))
        too_old = since is not None and (time is None or is_later(since, time))
        too_new = until is not None and time is not None and is_later(time, until)
        if not too_old and not too_new:
            yield project["_id"]


def last_activities(store: Store) -> dict[Hashable, Any]:
    """Return the stored date of the last activity of each project, by its key; projects that never had any lack.

    It is the latest of `last_update` of the project and of `last_update` and `last_change` of its tasks and models, of
    the whole sub-tree.
    """
    groups = chain.from_iterable(
        collection.aggregate({}, pipelines.last_activity()) for collection in (store.tasks, store.models)
    )
    of_contents: dict[Hashable, Any] = {}
    for group in groups:
        _keep_latest(of_contents, identity(group["_id"]), group["latest"])
    rolled_up: dict[Hashable, Any] = {}
    for project in store.projects.scan({}, {"last_update": 1, "path": 1}):
        own = identity(project["_id"])
        for key in (own, *map(identity, path_of(project))):
            _keep_latest(rolled_up, key, project.get("last_update"))
            _keep_latest(rolled_up, key, of_contents.get(own))
    return rolled_up


def _keep_latest(times: dict[Hashable, Any], key: Hashable, time: Any) -> None:
    if isinstance(time, DATES) and (key not in times or is_later(time, times[key])):
        times[key] = time
