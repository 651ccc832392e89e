"""Sums over the tasks of each project, read in the way that the indexes at hand make cheap.

Each plan gives the same sums. MongoDB's own `$group` is no plan: with many groups it costs several times what reading
the four fields and summing here does (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import scanning
from projects_cli.errors import IndexGone
from projects_cli.extended_json import compact, identity
from projects_cli.store import filters, index_match
from projects_cli.store.bson_codec import DATES, is_later, seconds_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from projects_cli.messages import Document
    from projects_cli.store.collections import Collection

UNKNOWN = "unknown"
"""What a task without a status counts as; what is no text is no status."""

NOT_COMPLETED = frozenset({"queued", "in_progress", "failed"})
"""Statuses that do not count as completed, whatever the task's `completed` says (semantics.md, get_all_ex)."""

READ = ("project", "status", "started", "completed")
COVERED = ("company", *READ)
MANY = 20_000
"""Ids in one query: MongoDB takes no command over 16 MB."""

FEW = 3
"""Projects are named to MongoDB where they are at most one of so many; else everything is read."""


@dataclass(slots=True)
class Tally:
    """Sums over tasks: how many of each status, seconds they ran, how many completed lately, the latest start."""

    statuses: dict[str, int] = field(default_factory=dict)
    runtime: int = 0
    recent: int = 0
    last: Any = None

    def add(self, task: Mapping[str, Any], since: datetime) -> None:
        """Add one task; it is recent where it was completed after `since`."""
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
            self.see(started)

    def see(self, started: Any) -> None:
        """Keep the start of a task, if that is a date and the latest one."""
        if isinstance(started, DATES) and (self.last is None or is_later(started, self.last)):
            self.last = started

    def plus(self, other: Tally) -> None:
        """Add the sums of other tasks."""
        statuses = self.statuses
        for status, count in other.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
        self.runtime += other.runtime
        self.recent += other.recent
        self.see(other.last)

    def less(self, other: Tally) -> None:
        """Take away the sums of some of the tasks; the latest start stays.

        Both were read one after the other, so a task that went in between may be in the other one only.
        """
        for status, count in other.statuses.items():
            left = self.statuses.get(status, 0) - count
            if left > 0:
                self.statuses[status] = left
            else:
                self.statuses.pop(status, None)
        self.runtime = max(0, self.runtime - other.runtime)
        self.recent = max(0, self.recent - other.recent)


Tallies = dict[Hashable, Tally]
"""Sums by the key of a project's id (`identity`); projects without tasks are not in it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How tasks are read.

    `named`: those of the projects in question, a chunk at a time; else all. `hint` is the index to go by, `archived`
    the one for archived tasks; None: MongoDB chooses. With `covering` the first has all that is summed, but not which
    tasks are archived: active ones are all, less the archived ones.
    """

    named: bool
    hint: str | None = None
    covering: bool = False
    archived: str | None = None


def plan(tasks: Collection, projects: int, of: int) -> Plan:
    """Choose a plan by the indexes that are there, and by how many of all projects are asked for."""
    named = projects * FEW <= of
    described = tasks.indexes()
    by_marks = None if named else index_match.exactly(described, ("company", "system_tags"))
    if index := _covering(described, named=named):
        return Plan(named, index["name"], covering=True, archived=index["name"] if _has_marks(index) else by_marks)
    return Plan(named, None if named else scanning.hint(tasks, tasks.companies), archived=by_marks)


def _covering(described: Sequence[Document], *, named: bool) -> Document | None:
    """Give the best index that has all that is summed: where projects are named, it has to have them in order."""
    found = index_match.holding(described, COVERED)
    in_order = [index for index in found if "project" in list(index["key"])[:2]]
    kept = in_order if named else [*in_order, *found]
    return next((index for index in kept if _has_marks(index)), kept[0] if kept else None)


def _has_marks(index: Document) -> bool:
    return "system_tags" in index["key"]


def gather(
    tasks: Collection, projects: Mapping[Hashable, Any], of: int, states: Sequence[str], since: datetime
) -> dict[str, Tallies]:
    """Return the sums of each state (`active`, `archived`) over the tasks of these projects, of about `of` in all.

    `projects` are ids by their keys.
    """
    if not projects:
        return {state: {} for state in states}
    try:
        return Reader(tasks, projects, since, plan(tasks, len(projects), of)).states(states)
    except IndexGone:  # between the look at the indexes and the end of the reading
        return Reader(tasks, projects, since, Plan(named=len(projects) * FEW <= of)).states(states)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the tasks of some projects, by a plan."""

    tasks: Collection
    projects: Mapping[Hashable, Any]
    since: datetime
    plan: Plan

    def states(self, states: Sequence[str]) -> dict[str, Tallies]:
        """Give the sums of each state."""
        found: dict[str, Tallies] = {}
        if "archived" in states or self.plan.covering:
            found["archived"] = self._sums(filters.archived(), self.plan.archived)
        if "active" in states and self.plan.covering:
            found["active"] = self._less(self._sums({}, self.plan.hint), found["archived"])
        elif "active" in states:
            found["active"] = self._sums(filters.not_archived(), self.plan.hint)
        return {state: found[state] for state in states}

    def _sums(self, condition: Document, hint: str | None) -> Tallies:
        found: Tallies = {}
        within = self.projects.values() if self.plan.named else None
        for task in _read(self.tasks, within, condition, READ, hint):
            project = task.get("project")
            if type(project) is not str:  # most are texts: this runs for each of a million tasks
                project = identity(project)
            tally = found.get(project)
            if tally is None:
                if project not in self.projects:
                    continue
                tally = found[project] = Tally()
            tally.add(task, self.since)
        return found

    def _less(self, every: Tallies, archived: Tallies) -> Tallies:
        """Take the archived tasks away from all; where the latest start may be one of theirs, look for it anew."""
        unclear = []
        for project, tally in archived.items():
            rest = every.get(project)
            if rest is None:
                continue
            rest.less(tally)
            if not rest.statuses:
                del every[project]
            elif tally.last is not None and (rest.last is None or not is_later(rest.last, tally.last)):
                unclear.append(self.projects[project])
                rest.last = None
        for task in _read(self.tasks, unclear, filters.not_archived(), ("project", "started")):
            if (known := every.get(identity(task["project"]))) is not None:
                known.see(task.get("started"))
        return every


def _read(
    tasks: Collection,
    projects: Iterable[Any] | None,
    condition: Document,
    names: Sequence[str],
    hint: str | None = None,
) -> Iterator[Document]:
    """Stream some fields of the tasks of these projects, a chunk of projects at a time; None: of all tasks."""
    projection: Document = {"_id": 0, **dict.fromkeys(names, 1)}
    if projects is None:
        return tasks.scan(condition, projection, hint=hint)
    ids = in_order(projects)
    chunks = (filters.in_projects(ids[start : start + MANY]) for start in range(0, len(ids), MANY))
    scans = (tasks.scan(filters.all_of([chunk, condition]), projection, hint=hint) for chunk in chunks)
    return chain.from_iterable(scans)


def in_order(ids: Iterable[Any]) -> list[Any]:
    """Return ids in the order of an index, texts first: those of other types are few."""
    return sorted(ids, key=lambda one: (type(one) is not str, compact(one)))
