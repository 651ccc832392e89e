"""What `projects delete` does: of one project what every change does; of several one plan and one question.

Each of several is still a change of its own, with its own lease and its own record in the journal: where one can't be
made the others are, and each can be taken back by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from projects_cli.cli import flow
from projects_cli.cli.project_picker import with_picked
from projects_cli.cli.request import given_projects, requested
from projects_cli.errors import (
    AmbiguousProject,
    ChangedMeanwhile,
    EmptyName,
    PartialFailure,
    ProjectNotFound,
    ProjectsError,
    ServiceError,
)
from projects_cli.messages import Plan, Response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projects_cli.cli.context import Context
    from projects_cli.messages import Request

ENDPOINT = "projects.delete"

ABOUT_ONE = (ServiceError, ProjectNotFound, AmbiguousProject, EmptyName, ChangedMeanwhile)
"""Faults of one project among several; any other would come again with the next one, so nothing more is tried."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """One of several deletions: the project as it was named, and what was planned for it."""

    project: str
    request: Request
    plan: Plan


@dataclass(frozen=True, slots=True)
class Failures:
    """The projects that could not be deleted, each told when it fails, or with `--json` at the end."""

    context: Context
    found: list[tuple[str, ProjectsError]]

    def add(self, project: str, error: ProjectsError) -> None:
        """Keep one, and tell it."""
        self.found.append((project, error))
        if self.context.console.output != "json":
            self.context.console.error(error)


def remove(
    context: Context, projects: Sequence[str], *, force: bool, max_delete: int | None, interactive: bool
) -> None:
    """Delete projects: responses are summed. `interactive` has them picked from a list.

    Raises:
        PartialFailure: some of several did not succeed.
        ProjectsError: a fault of the run as a whole; what was deleted before it is shown.
    """
    if max_delete is not None:
        context.flags["max_delete"] = max_delete
    flow.expect(context, ENDPOINT)
    if interactive:
        projects = with_picked(context, ENDPOINT, {"ids": projects})["ids"]
    named = given_projects(context, ENDPOINT, projects)
    if len(named) == 1:
        flow.run(context, ENDPOINT, {"project": named[0], "force": force})
        return
    failures = Failures(context, [])
    deletions = _without_covered(_planned(context, named, failures, force=force))
    if deletions:
        _carry_out(context, deletions, failures, force=force)
    if failures.found:
        raise PartialFailure(f"{len(failures.found)} of {len(named)} did not succeed", failures=failures.found)


def _planned(context: Context, named: Sequence[str], failures: Failures, *, force: bool) -> list[Deletion]:
    found = []
    for project in named:
        try:
            request = requested(context, ENDPOINT, {"project": project, "force": force})
            found.append(Deletion(project, request, flow.planned(request, context)))
        except ABOUT_ONE as error:
            failures.add(project, error)
    return found


def _without_covered(deletions: Sequence[Deletion]) -> list[Deletion]:
    """Leave out what goes with another one anyway: a project below it, or the same one under another name."""
    kept: dict[str, Deletion] = {}
    for deletion in deletions:
        kept.setdefault(_root(deletion), deletion)
    below = {sample.id for deletion in kept.values() for sample in deletion.plan.samples[1:]}
    return [deletion for root, deletion in kept.items() if root not in below]


def _root(deletion: Deletion) -> str:
    return deletion.plan.samples[0].id


def _carry_out(context: Context, deletions: Sequence[Deletion], failures: Failures, *, force: bool) -> None:
    """Show one plan, ask once, make each; or show only, for a dry run."""
    joined = deletions[0].plan if len(deletions) == 1 else _joined([deletion.plan for deletion in deletions])
    flow.check_confirm(context, joined.name)
    flow.check_extent(context, joined)
    if context.settings.dry_run:
        flow.show(context, flow.described(joined))
        return
    asked = flow.agree(context, joined, ask=True, forced=force)
    total: dict[str, int] = {}
    try:
        for deletion in deletions:
            _make(context, deletion, failures, total, asked=asked)
    finally:
        if total:
            flow.show(context, Response(ENDPOINT, total))


def _make(context: Context, deletion: Deletion, failures: Failures, total: dict[str, int], *, asked: bool) -> None:
    """Make one, and add what it did to the total."""
    again = partial(flow.planned, deletion.request, context)
    already = total.get("deleted", 0)
    try:
        response = flow.make(context, deletion.plan, again, told=True, agreed=asked, already=already)
    except ABOUT_ONE as error:
        failures.add(deletion.project, error)
        return
    if response.skipped:
        failures.add(deletion.project, flow.partial_failure(response))
    for name, number in response.data.items():
        total[name] = total.get(name, 0) + number


def _joined(plans: Sequence[Plan]) -> Plan:
    """Give several plans as one to look at and to agree to; the answer to type is how many projects go in all."""
    counts = {name: sum(plan.counts[name] for plan in plans) for name in plans[0].counts}
    return Plan(
        endpoint=ENDPOINT,
        summary=f"delete {len(plans)} projects",
        steps=[step for plan in plans for step in plan.steps],
        answer=lambda _: {},
        counts=counts,
        samples=[sample for plan in plans for sample in plan.samples],
        irreversible=[line for plan in plans for line in plan.irreversible],
        question="name" if any(plan.question == "name" for plan in plans) else "yes",
        name=f"{counts['projects']} projects",
    )
