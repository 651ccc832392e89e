"""Statistics of projects with all their visible sub-projects."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import tallies
from projects_cli.endpoints.fields import as_date
from projects_cli.endpoints.hierarchy import path_of
from projects_cli.endpoints.tallies import Tally
from projects_cli.extended_json import compact, identity
from projects_cli.store import filters

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from projects_cli.endpoints.tallies import Tallies
    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Store

    Place = tuple[Document, Sequence[Hashable]]
    """A project, and the keys of its ancestors."""

STATUSES = (
    "closed",
    "completed",
    "created",
    "failed",
    "in_progress",
    "published",
    "publishing",
    "queued",
    "stopped",
    "unknown",
)
ZEROS = dict.fromkeys(STATUSES, 0)
STATES = ("active", "archived")
DAY = timedelta(hours=24)


@dataclass(slots=True)
class Statistics:
    """The sums and the sub-projects of each project of a listing.

    `own` are the sums over a project's own tasks, `passed_up` over those of its sub-projects.
    """

    own: Mapping[str, Tallies]
    passed_up: Mapping[str, Tallies]
    below: Mapping[Hashable, list[Document]]

    @classmethod
    def gather(cls, request: Request, store: Store, ids: Iterable[Any]) -> Statistics:
        """Read the visible sub-projects and the tasks of these projects, and sum the tasks upwards.

        What is held is the tree (ids, names, places) and the sums of each project, whatever the number of tasks. The
        work is the number of tasks, plus the number of projects times their depth (at most 10).
        """
        # A task without a project says null or "": a project with such an id has no tasks.
        listed = {identity(identifier): identifier for identifier in ids if identifier not in (None, "")}
        state = request.params.get("stats_for_state")
        of = store.projects.estimated_count()
        tree = _visible_below(listed, of, store)
        since = request.now.replace(tzinfo=None) - DAY
        counted = listed | {identity(project["id"]): project["id"] for project, _ in tree}
        own = tallies.gather(store.tasks, counted, of, (state,) if state else STATES, since)
        below: dict[Hashable, list[Document]] = defaultdict(list)
        for project, ancestors in tree:
            for ancestor in ancestors:
                below[ancestor].append(project)
        return cls(own, {name: _passed_up(tree, sums) for name, sums in own.items()}, below)

    def of(self, project: Any) -> Document:
        """Return what a listing adds to the project with this id."""
        key = identity(project)
        stats = {state: self._figures(key, state) for state in self.own}
        return {"stats": stats, "sub_projects": self.below.get(key, [])}

    def _figures(self, project: Hashable, state: str) -> Document:
        """Give the sums as the response has them."""
        total = Tally()
        for part in (self.own[state].get(project), self.passed_up[state].get(project)):
            if part is not None:
                total.plus(part)
        return {
            "status_count": ZEROS | total.statuses,
            "total_tasks": sum(total.statuses.values()),
            "total_runtime": total.runtime,
            "completed_tasks_24h": total.recent,
            "last_task_run": as_date(total.last),
        }


def _passed_up(tree: Sequence[Place], own: Tallies) -> Tallies:
    """Return the sums that each project gets from those below: one addition for each project and ancestor."""
    found: Tallies = defaultdict(Tally)
    for project, ancestors in tree:
        tally = own.get(identity(project["id"]))
        if tally is not None:
            for ancestor in ancestors:
                found[ancestor].plus(tally)
    return found


def _visible_below(listed: Mapping[Hashable, Any], of: int, store: Store) -> list[Place]:
    """Return the projects below the listed ones that are not hidden, `{id, name}` by name, with their ancestors' keys.

    An ancestor's key is the listed project's own object, not a copy: a large tree has few of them.
    """
    if not listed:
        return []
    few = len(listed) * tallies.FEW <= of and len(listed) <= tallies.MANY
    placed = filters.below(tallies.in_order(listed.values())) if few else {}
    condition = filters.all_of([placed, filters.not_hidden()])
    keys = {key: key for key in listed}
    found = []
    for project in store.projects.scan(condition, {"name": 1, "path": 1}):
        above = (keys.get(one if type(one) is str else identity(one)) for one in path_of(project))
        within = dict.fromkeys(key for key in above if key is not None)
        within.pop(identity(project["_id"]), None)
        if within:
            found.append(({"id": project["_id"], "name": project.get("name")}, tuple(within)))
    return sorted(found, key=_by_name)


def _by_name(place: Place) -> tuple[bool, str, str]:
    """Order as MongoDB does: what has no name first, texts by their bytes, then ids."""
    name = place[0]["name"]
    return isinstance(name, str), name if isinstance(name, str) else "", compact(place[0]["id"])
