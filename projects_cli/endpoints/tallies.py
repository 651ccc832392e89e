"""Sums over the tasks of projects, read in the way that the available indexes make cheapest.

Every way returns the same sums. MongoDB's own `$group` is not one of them: with many groups it takes several times as
long as reading four fields of each task and adding them up here (docs/performance.md, `stats`).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli.endpoints.fields import as_date
from projects_cli.endpoints.hierarchy import chunks
from projects_cli.endpoints.scope import natural_order_hint
from projects_cli.errors import IndexGone
from projects_cli.extended_json import identity
from projects_cli.store import filters, index_match
from projects_cli.store.bson_codec import DATES, is_later, seconds_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from projects_cli.messages import Document
    from projects_cli.store.collections import Collection

UNKNOWN = "unknown"
"""The status of a task whose stored status is absent, empty or not a string."""

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
    UNKNOWN,
)
ZEROS = dict.fromkeys(STATUSES, 0)
NOT_COMPLETED = frozenset({"queued", "in_progress", "failed"})
"""Statuses that do not count as completed, whatever the task's `completed` is (docs/semantics.md, Statistics)."""

STATES = ("active", "archived")
DAY = timedelta(hours=24)
TASK_FIELDS = ("project", "status", "started", "completed")
SELECTIVE = 3
"""Documents are selected by project if at most one project in this many is needed. Otherwise all are read."""


def selective(needed: int, projects: int) -> bool:
    """Return whether to select documents by project if this many of about `projects` projects are needed."""
    return needed * SELECTIVE <= projects


@dataclass(slots=True)
class Tally:
    """Sums over tasks: the number by status, seconds of run time, recently completed ones, and the latest start."""

    statuses: dict[str, int] = field(default_factory=dict)
    runtime: int = 0
    recent: int = 0
    last: Any = None

    def figures(self) -> Document:
        """Return the sums as a response has them."""
        return {
            "status_count": ZEROS | self.statuses,
            "total_tasks": sum(self.statuses.values()),
            "total_runtime": self.runtime,
            "completed_tasks_24h": self.recent,
            "last_task_run": as_date(self.last),
        }

    def add_task(self, task: Mapping[str, Any], since: datetime) -> None:
        """Add a task, which is recent if it was completed after `since`."""
        status = task.get("status")
        if type(status) is not str or not status:
            status = UNKNOWN
        self.statuses[status] = self.statuses.get(status, 0) + 1
        started, completed = task.get("started"), task.get("completed")
        if isinstance(completed, DATES):
            if isinstance(started, DATES):
                self.runtime += seconds_between(started, completed)
            if is_later(completed, since) and status not in NOT_COMPLETED:
                self.recent += 1
        if started is not None:
            self.add_start(started)

    def add_start(self, started: Any) -> None:
        """Keep the start of a task if it is a date, and the latest."""
        if isinstance(started, DATES) and (self.last is None or is_later(started, self.last)):
            self.last = started

    def add(self, other: Tally) -> None:
        """Add the sums of other tasks."""
        statuses = self.statuses
        for status, count in other.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
        self.runtime += other.runtime
        self.recent += other.recent
        self.add_start(other.last)

    def subtract(self, other: Tally) -> None:
        """Subtract the sums of some of the tasks, except the latest start."""
        # The two are read one after the other: a task that was inserted in between may be in `other` only.
        for status, count in other.statuses.items():
            rest = self.statuses.get(status, 0) - count
            if rest > 0:
                self.statuses[status] = rest
            else:
                self.statuses.pop(status, None)
        self.runtime = max(0, self.runtime - other.runtime)
        self.recent = max(0, self.recent - other.recent)


Tallies = dict[Hashable, Tally]
"""Sums by the key of a project's id (`identity`), without projects that have no tasks."""


# --- reading ----------------------------------------------------------------------------------------------------------


class ReadPlan(NamedTuple):
    """How tasks are read.

    `by_project`: only those of the needed projects, a chunk of ids at a time. Otherwise all of them. `hint` is the
    index to use, `archived_hint` the one for archived tasks. None leaves the choice to MongoDB.

    With `covering`, the index of `hint` holds all that is summed, so that no task is fetched. It can't show which tasks
    are *not* archived, since that is a mark in a list: active ones are all tasks minus the archived ones.
    """

    by_project: bool
    hint: str | None = None
    covering: bool = False
    archived_hint: str | None = None


def read_plan(tasks: Collection, condition: Document, *, by_project: bool) -> ReadPlan:
    """Choose how to read the tasks that match a condition, by the indexes: those of some projects, or of all."""
    if condition:  # its fields are in none of the indexes below, and MongoDB knows how many tasks match it
        return ReadPlan(by_project)
    indexes = tasks.indexes()
    archived = None if by_project else index_match.exactly(indexes, ("company", "system_tags"))
    covering = index_match.covering(indexes, ("company", *TASK_FIELDS))
    # Project first or second: tasks of some projects are next to each other, and sums are added in cache order.
    ordered = [index for index in covering if "project" in list(index["key"])[:2]]
    if candidates := ordered if by_project else [*ordered, *covering]:
        marked = next((index for index in candidates if "system_tags" in index["key"]), None)
        name = (marked or candidates[0])["name"]
        return ReadPlan(by_project, name, covering=True, archived_hint=name if marked else archived)
    hint = None if by_project else natural_order_hint(tasks, tasks.companies)
    return ReadPlan(by_project, hint, archived_hint=archived)


def tallies_by_state(
    tasks: Collection,
    needed: Mapping[Hashable, Any],
    condition: Document,
    states: Sequence[str],
    since: datetime,
    *,
    by_project: bool,
) -> dict[str, Tallies]:
    """Return the sums for each state (`active`, `archived`) over the tasks of the needed projects.

    `needed` has ids by their keys. Only tasks that match `condition` count. With `by_project` they are selected by it.
    """
    if not needed:
        return {state: {} for state in states}
    plan = read_plan(tasks, condition, by_project=by_project)
    try:
        return Reader(tasks, needed, condition, since, plan).tallies(states)
    except IndexGone:  # it was dropped after the plan was made
        return Reader(tasks, needed, condition, since, ReadPlan(by_project)).tallies(states)


class Reader(NamedTuple):
    """Reads and sums the tasks of the needed projects, by a plan."""

    tasks: Collection
    needed: Mapping[Hashable, Any]
    condition: Document
    since: datetime
    plan: ReadPlan

    def tallies(self, states: Sequence[str]) -> dict[str, Tallies]:
        """Return the sums for each state.

        Raises:
            IndexGone: an index of the plan does not exist any more.
        """
        plan = self.plan
        sums: dict[str, Tallies] = {}
        if "archived" in states or plan.covering:
            sums["archived"] = self._sums(filters.archived(), plan.archived_hint)
        if "active" in states:
            sums["active"] = self._sums({} if plan.covering else filters.not_archived(), plan.hint)
            if plan.covering:
                self._subtract(sums["active"], sums["archived"])
        return {state: sums[state] for state in states}

    def _sums(self, condition: Document, hint: str | None) -> Tallies:
        tallies: Tallies = {}
        ids = self.needed.values() if self.plan.by_project else None
        for task in self._scan(ids, filters.all_of([self.condition, condition]), TASK_FIELDS, hint):
            project = task.get("project")
            if type(project) is not str:  # most are: this runs for each of a million tasks
                project = identity(project)
            tally = tallies.get(project)
            if tally is None:
                if project not in self.needed:
                    continue
                tally = tallies[project] = Tally()
            tally.add_task(task, self.since)
        return tallies

    def _subtract(self, tallies: Tallies, archived: Tallies) -> None:
        """Turn the sums over all tasks into those over active ones."""
        uncertain = []
        for project, tally in archived.items():
            rest = tallies.get(project)
            if rest is None:
                continue
            rest.subtract(tally)
            if not rest.statuses:
                del tallies[project]
            elif tally.last is not None and (rest.last is None or not is_later(rest.last, tally.last)):
                # A maximum can't be subtracted: the latest start may be an archived task's. Read it again.
                uncertain.append(self.needed[project])
                rest.last = None
        for task in self._scan(uncertain, filters.not_archived(), ("project", "started")):
            if (active := tallies.get(identity(task["project"]))) is not None:
                active.add_start(task.get("started"))

    def _scan(
        self, ids: Iterable[Any] | None, condition: Document, names: Sequence[str], hint: str | None = None
    ) -> Iterator[Document]:
        """Stream these fields of the tasks of some projects, or of all tasks if `ids` is None."""
        projection: Document = {"_id": 0, **dict.fromkeys(names, 1)}
        scopes: Iterable[Document] = ({},) if ids is None else map(filters.in_projects, chunks(ids))
        return chain.from_iterable(
            self.tasks.scan(filters.all_of([scope, condition]), projection, hint=hint, covered=self.plan.covering)
            for scope in scopes
        )
