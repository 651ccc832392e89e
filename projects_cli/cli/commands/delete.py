"""`projects delete`.

Several projects are one plan and one prompt, but each is a change with its own lease and its own record in the journal:
if one fails the others are still deleted, and each can be undone by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

import typer

from projects_cli import endpoints
from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import DocumentChange, expect, partial_failure, perform, show
from projects_cli.cli.options import Interactive, ProjectArguments
from projects_cli.cli.request import named_projects, requested
from projects_cli.errors import (
    AmbiguousProject,
    ChangedMeanwhile,
    EmptyName,
    PartialFailure,
    ProjectNotFound,
    ProjectsError,
    ServiceError,
)
from projects_cli.messages import Plan, Response, Step

if TYPE_CHECKING:
    from projects_cli.cli.context import Context
    from projects_cli.cli.flow import Scope

ENDPOINT = "projects.delete"

FAULTS_OF_A_PROJECT = (ServiceError, ProjectNotFound, AmbiguousProject, EmptyName, ChangedMeanwhile)
"""Errors about one project among several. Any other would come again with the next project, so the run ends."""

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def delete(
    ctx: typer.Context,
    project: ProjectArguments = None,
    force: Annotated[
        bool, typer.Option("--force", help="Delete despite tasks or models that are not archived; asks nothing.")
    ] = False,
    max_delete: Annotated[
        int | None,
        typer.Option("--max-delete", metavar="N", help="Refuse to delete more projects, sub-projects counted."),
    ] = None,
    interactive: Interactive = False,
) -> None:
    """Delete projects and their sub-projects; their tasks and models are kept, without a project.

    Example: projects delete vision/detection --force --dry-run
    """
    context: Context = ctx.obj
    if max_delete is not None:
        context.flags["max_delete"] = max_delete
    expect(context, ENDPOINT)
    if interactive:
        from projects_cli.cli.project_picker import with_picked

        project = with_picked(context, ENDPOINT, {"ids": project or []})["ids"]
    names = named_projects(context, ENDPOINT, project or [])
    if len(names) == 1:
        show(context, perform(context, _change(context, names[0], force=force)))
        return
    failures = Failures(context)
    deletions: dict[str, Deletion] = {}
    for name in names:
        try:
            change = _change(context, name, force=force)
            plan = change.plan(context)
            deletions.setdefault(plan.samples[0].id, Deletion(name, change, plan))
        except FAULTS_OF_A_PROJECT as error:
            failures.add(name, error)
    # A project below another one that is named goes with it.
    below = {sample.id for deletion in deletions.values() for sample in deletion.plan.samples[1:]}
    chosen = [deletion for root, deletion in deletions.items() if root not in below]
    if chosen:
        response = perform(context, Deletions(chosen, failures))
        if response.data:
            show(context, response)
    if failures.errors:
        raise PartialFailure(f"{len(failures.errors)} of {len(names)} did not succeed", failures=failures.errors)


def _change(context: Context, project: str, *, force: bool) -> DocumentChange:
    request = requested(context, ENDPOINT, {"project": project, "force": force})
    return DocumentChange(endpoints.Call(request), forced=force)


@dataclass(frozen=True, slots=True)
class Failures:
    """The projects that could not be deleted. Each is reported when it fails, or with `--json` at the end."""

    context: Context
    errors: list[tuple[str, ProjectsError]] = field(default_factory=list)

    def add(self, project: str, error: ProjectsError) -> None:
        """Record a failure, and report it."""
        self.errors.append((project, error))
        if self.context.console.output != "json":
            self.context.console.error(error)


@dataclass(frozen=True, slots=True)
class Deletion:
    """One of several deletions: the project as it was named, the change, and its plan."""

    project: str
    change: DocumentChange
    plan: Plan[Step]


@dataclass(frozen=True, slots=True)
class Deletions:
    """Several deletions as one change; the word to type is how many projects are removed in all."""

    deletions: list[Deletion]
    failures: Failures
    view: str = ""
    scope: Scope = "documents"

    def plan(self, _: Context) -> Plan[Step]:
        """Return the plans joined."""
        plans = [deletion.plan for deletion in self.deletions]
        if len(plans) == 1:
            return plans[0]
        counts = {name: sum(plan.counts[name] for plan in plans) for name in plans[0].counts}
        questions = {plan.question for plan in plans}
        return Plan(
            endpoint=ENDPOINT,
            summary=f"delete {len(plans)} projects",
            steps=[step for plan in plans for step in plan.steps],
            counts=counts,
            samples=[sample for plan in plans for sample in plan.samples],
            irreversible=[line for plan in plans for line in plan.irreversible],
            question="name" if "name" in questions else "yes" if "yes" in questions else "none",
            name=f"{counts['projects']} projects",
            removes=sum(plan.removes for plan in plans),
        )

    def preview(self, context: Context, plan: Plan[Step]) -> Response:
        """Return the joined plan."""
        return self.deletions[0].change.preview(context, plan)

    def apply(self, context: Context, plan: Plan[Step]) -> Response:
        """Make one deletion after the other, and return the sums of their responses; no data if all failed.

        Raises:
            ProjectsError: an error of the run as a whole; the sums of what was deleted before are printed.
        """
        total: dict[str, int] = {}
        try:
            for deletion in self.deletions:
                already = total.get("deleted", 0)
                agreed = replace(deletion.plan, agreed=plan.agreed)
                try:
                    response = deletion.change.apply(context, agreed, already=already)
                except FAULTS_OF_A_PROJECT as error:
                    self.failures.add(deletion.project, error)
                    continue
                if response.skipped:
                    self.failures.add(deletion.project, partial_failure(response))
                for name, number in response.data.items():
                    total[name] = total.get(name, 0) + number
        except BaseException:
            if total:
                show(context, Response(ENDPOINT, total))
            raise
        return Response(ENDPOINT, total)
