"""Statistics of projects with all their visible sub-projects, in two queries whatever the number of projects."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from projects_cli.endpoints.fields import as_date
from projects_cli.endpoints.hierarchy import path_of
from projects_cli.store import filters, pipelines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Store

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
STATES = ("active", "archived")
DAY = timedelta(hours=24)
MANY = 20_000
"""Above so many ids a query reads everything: MongoDB takes no command over 16 MB."""


@dataclass(slots=True)
class Tally:
    """Sums over the tasks of one state."""

    status_count: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    total_tasks: int = 0
    total_runtime: int = 0
    completed_tasks_24h: int = 0
    last_task_run: Any = None

    def add(self, group: Mapping[str, Any]) -> None:
        """Add one group of `pipelines.task_statistics`."""
        status = str(group["_id"]["status"])
        self.status_count[status] = self.status_count.get(status, 0) + group["tasks"]
        self.total_tasks += group["tasks"]
        self.total_runtime += int(group["runtime"])
        self.completed_tasks_24h += group["completed"]
        last = group["last"]
        if last is not None and (self.last_task_run is None or last > self.last_task_run):
            self.last_task_run = last

    def as_response(self) -> Document:
        """Give the sums as the response has them."""
        return {
            "status_count": self.status_count,
            "total_tasks": self.total_tasks,
            "total_runtime": self.total_runtime,
            "completed_tasks_24h": self.completed_tasks_24h,
            "last_task_run": as_date(self.last_task_run),
        }


@dataclass(slots=True)
class Statistics:
    """The sums and the sub-projects of each project of a listing."""

    states: Sequence[str]
    tallies: dict[tuple[str, str], Tally]
    below: dict[str, list[Document]]

    @classmethod
    def gather(cls, request: Request, store: Store, ids: Iterable[str]) -> Statistics:
        """Read the visible sub-projects and the tasks of these projects, and sum the tasks upwards.

        The work is the number of tasks, plus the number of projects times their depth (at most 10).
        """
        listed = set(ids)
        state = request.params.get("stats_for_state")
        tree = _visible_below(listed, store)
        counted_in = {identifier: [identifier] for identifier in listed}
        below: dict[str, list[Document]] = defaultdict(list)
        for project in tree:
            ancestors = listed.intersection(path_of(project)) - {project["_id"]}
            counted_in.setdefault(project["_id"], []).extend(ancestors)
            for ancestor in ancestors:
                below[ancestor].append({"id": project["_id"], "name": project.get("name")})
        tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
        for group in _task_groups(counted_in, request, store):
            for identifier in counted_in.get(group["_id"].get("project"), ()):
                tallies[identifier, STATES[group["_id"]["archived"]]].add(group)
        return cls((state,) if state else STATES, tallies, below)

    def of(self, project: str) -> Document:
        """Give what a listing adds to a project."""
        stats = {state: self.tallies.get((project, state), Tally()).as_response() for state in self.states}
        return {"stats": stats, "sub_projects": self.below.get(project, [])}


def _visible_below(listed: set[str], store: Store) -> Iterable[Document]:
    """Stream the projects below the listed ones that are not hidden, by name."""
    if not listed:
        return ()
    placed = filters.below(sorted(listed)) if len(listed) <= MANY else {"path.0": {"$exists": True}}
    condition = filters.all_of([placed, filters.not_hidden()])
    return store.projects.find(condition, {"name": 1, "path": 1}, sort=[("name", 1), ("_id", 1)])


def _task_groups(counted_in: Mapping[str, object], request: Request, store: Store) -> Iterable[Document]:
    """Group the tasks of these projects; of all projects, where there are too many to name."""
    if not counted_in:
        return ()
    condition = filters.in_projects(sorted(counted_in)) if len(counted_in) <= MANY else {}
    return store.tasks.aggregate(condition, pipelines.task_statistics(request.now.replace(tzinfo=None) - DAY))
