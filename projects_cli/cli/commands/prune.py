"""`projects prune`.

A policy chooses projects, and each of them is a delete with its own lease and record, as with `projects delete`.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from projects_cli import endpoints
from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.commands.delete import ENDPOINT, FAULTS_OF_A_PROJECT, Deletion, Deletions, Failures
from projects_cli.cli.flow import DocumentChange, expect, perform, show
from projects_cli.cli.policies import use_policy
from projects_cli.cli.project_filters import ProjectFilters, time_before, with_filters
from projects_cli.cli.request import requested
from projects_cli.config.settings import parse_duration
from projects_cli.errors import UsageError
from projects_cli.messages import Plan, Response
from projects_cli.render.streams import is_terminal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from projects_cli.cli.context import Context
    from projects_cli.cli.flow import Scope
    from projects_cli.errors import ProjectsError
    from projects_cli.inspection.pruning import Chosen
    from projects_cli.messages import Document, Request, Sample, Step

VIEW = "prune"
WIDENING = {"search_hidden", "non_public", "shallow_search"}
"""Filters that are not a condition of a policy by themselves: they would leave nearly all projects."""

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
@with_filters
def prune(
    ctx: typer.Context,
    filters: ProjectFilters,
    only_archived: Annotated[
        bool, typer.Option("--only-archived", help="Only if all tasks and models at every level are archived.")
    ] = False,
    keep_last: Annotated[
        int | None,
        typer.Option("--keep-last", min=1, metavar="N", help="Keep the N matching projects with the latest activity."),
    ] = None,
    max_delete: Annotated[
        int | None,
        typer.Option("--max-delete", metavar="N", help="Delete nothing if more projects would go, all levels counted."),
    ] = None,
    max_duration: Annotated[
        str | None,
        typer.Option("--max-duration", metavar="TIME", help="Begin no further deletion after this time: 30m."),
    ] = None,
    delete_contents: Annotated[
        bool, typer.Option("--delete-contents", help="Delete the tasks and models of the projects too.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Delete despite tasks or models that are not archived.")
    ] = False,
    backup: Annotated[
        str | None,
        typer.Option("--backup", metavar="FILE", help="First export the projects with their contents to a new file."),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            metavar="NAME",
            is_eager=True,
            callback=use_policy,
            help="Options from [policies.NAME] of the configuration; those on the command line win.",
        ),
    ] = None,
) -> None:
    """Delete the projects that match a policy, with their sub-projects.

    A project goes only if all its sub-projects match too; hidden ones, which a server makes, go with the project that
    they are in. Whatever changes in the meantime so that the policy no longer applies is kept.

    Example: projects prune --under 'old experiments' --older-than 180d --only-archived --dry-run

    Example: projects prune --empty --older-than 90d --max-delete 50 --yes
    """
    context: Context = ctx.obj
    if max_delete is not None:
        context.add_flag("max_delete", max_delete)
    deadline = None if max_duration is None else time.monotonic() + _seconds("--max-duration", max_duration)
    expect(context, VIEW)
    parameters = filters.parameters()
    own = (
        filters.owner,
        filters.under,
        filters.empty,
        filters.older_than,
        filters.newer_than,
        only_archived,
        keep_last,
    )
    if parameters.keys() <= WIDENING and not any(own):
        raise UsageError(
            "a policy needs at least one condition: without any, every project would go",
            hint="for example --empty, --older-than 90d, --tag TAG, --under PROJECT; see: projects prune --help",
        )
    request = requested(context, "projects.get_all_ex", {**parameters, "non_public": True})
    if backup == "-":
        raise UsageError("--backup can't be standard output", hint="name a file: it is on the disk in time")
    if backup is not None and os.path.lexists(backup):
        raise UsageError(f"{backup!r} exists already", hint="it is not overwritten: name another file, or move it")
    deletion = {"force": force, "delete_contents": delete_contents}
    pruning = Pruning(Policy(policy, request, filters, keep_last, only_archived, deletion), deadline, backup)
    try:
        response = perform(context, pruning)
    except BaseException:
        if any(row["projects"] for row in pruning.rows):  # what is gone is reported, whatever ended the run
            _report(context, pruning.response())
        raise
    _report(context, response)


def _seconds(option: str, text: str) -> float:
    """Return a duration of an option in seconds.

    Raises:
        UsageError: it is invalid.
    """
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error


def _report(context: Context, response: Response) -> None:
    """Print a line for each project, and a summary. Without any, no table and no notice: cron would mail it."""
    if response.view == VIEW and not response.data["projects"]:
        by_cron = context.console.output == "table" and not is_terminal(context.streams.stdout)
        if not by_cron or context.settings.fail_if_empty:
            show(context, response)
        return
    show(context, response)
    if response.view == VIEW:
        context.console.notice(summary(response.data))


def summary(data: Mapping[str, Any]) -> str:
    """Return the sentence at the end of a run: `deleted 3 projects (20 tasks and 4 models deleted), kept 1`."""
    contents = "deleted" if data["deleted_contents"] else "left without a project"
    projects = f"{data['deleted']} project{'' if data['deleted'] == 1 else 's'}"
    parts = [f"deleted {projects}, with {data['tasks']} tasks and {data['models']} models {contents}"]
    if data["kept"]:
        parts.append(f"kept {data['kept']}")
    if data["unreached"]:
        parts.append(f"left {data['unreached']} for the next run (--max-duration)")
    return "; ".join(parts)


class Policy(NamedTuple):
    """What a policy chooses, and the parameters of each delete; `name` is that of a policy of the configuration."""

    name: str | None
    request: Request
    filters: ProjectFilters
    keep_last: int | None
    only_archived: bool
    deletion: Mapping[str, Any]

    def chosen(self, context: Context) -> tuple[list[Chosen], Document, datetime | None]:
        """Return the chosen projects, the condition that each has to match still, and the end of their activity."""
        from projects_cli.endpoints.catalog import matching
        from projects_cli.inspection.pruning import choose

        store = context.store
        request = self.request._replace(narrowed=self.filters.narrowed(context, self.request.now))
        with context.console.waiting("asking the database:"):
            condition, _ = store.connection.retry(lambda: matching(request, store))
            chosen = store.connection.retry(
                lambda: choose(condition, store, keep_last=self.keep_last, only_archived=self.only_archived)
            )
        # The narrowed condition has the ids of all its projects: for each delete, the rest of it is read again.
        condition, _ = matching(self.request, store)
        until = self.filters.older_than and time_before(self.request.now, "--older-than", self.filters.older_than)
        return chosen, condition, until or None


@dataclass(slots=True)
class Pruning:
    """The deletes of a policy as one change. `rows` has a line for each project that was deleted or kept."""

    policy: Policy
    deadline: float | None
    backup: str | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    deletions: list[Deletion] = field(default_factory=list)
    unreached: int = 0
    view: str = VIEW
    scope: Scope = "documents"

    def plan(self, context: Context) -> Plan[Step]:
        """Choose the projects, and plan the delete of each; those that are refused are kept."""
        from projects_cli.inspection.pruning import Removal, contents

        self.rows, self.deletions = [], []
        chosen, condition, until = self.policy.chosen(context)
        planned: set[str] = set()
        for project in chosen:
            if not planned.isdisjoint(project.above):  # it goes with the project above it
                continue
            try:
                request = requested(context, ENDPOINT, {"project": project.id, **self.policy.deletion})
                removal = Removal(endpoints.Call(request), condition, until)
                plan = DocumentChange(removal, ask=False).plan(context)
            except FAULTS_OF_A_PROJECT as error:
                self._keep(project, error)
                continue
            planned.add(project.id)
            again = replace(removal, known=contents(plan, context.store))
            self.deletions.append(Deletion(project.name, DocumentChange(again, ask=False), plan))
        if not self.deletions:
            return Plan(ENDPOINT, "no project matches the policy", steps=[])
        whole = Deletions(self.deletions, Failures(context)).plan(context)
        summary = whole.summary if self.policy.name is None else f"policy {self.policy.name}: {whole.summary}"
        return replace(whole, summary=summary, question="name")

    def preview(self, context: Context, plan: Plan[Step]) -> Response:
        """Return the plan, or without anything to delete what was kept."""
        if not plan.steps:
            return self.response()
        kept = [f"kept: {row['name']}: {row['reason']}" for row in self.rows]
        for note in kept:
            context.console.notice(note)
        return self.deletions[0].change.preview(context, replace(plan, notes=[*plan.notes, *kept]))

    def apply(self, context: Context, plan: Plan[Step]) -> Response:
        """Make one delete after the other until the time is over; first the backup, if there is to be one."""
        if self.backup is not None:
            from projects_cli.cli.commands.export import destination, write_export

            ids = [deletion.plan.samples[0].id for deletion in self.deletions]
            with destination(context, self.backup) as write:
                write_export(context, ids, ["task", "model"], write, snapshot=True)
        done = 0
        for number, deletion in enumerate(self.deletions):
            if self.deadline is not None and time.monotonic() > self.deadline:
                self.unreached = len(self.deletions) - number
                break
            project = deletion.plan.samples[0]
            try:
                agreed = replace(deletion.plan, agreed=plan.agreed)
                response = deletion.change.apply(context, agreed, already=done)
            except FAULTS_OF_A_PROJECT as error:
                self._keep(project, error)
                continue
            done += response.data["deleted"]
            tasks = response.data["disassociated_tasks"] + response.data.get("deleted_tasks", 0)
            counts = {"projects": response.data["deleted"], "tasks": tasks, "models": deletion.plan.counts["models"]}
            left = response.skipped
            reason = f"left as they are: {len(left)}, the first because {left[0].why}" if left else ""
            self.rows.append({"name": project.name, "result": "deleted", **counts, "reason": reason, "id": project.id})
        return self.response()

    def _keep(self, project: Sample | Chosen, error: ProjectsError) -> None:
        counts = dict.fromkeys(("projects", "tasks", "models"), 0)
        reason = error.message.removeprefix(f"'{project.name}' ")
        self.rows.append({"name": project.name, "result": "kept", **counts, "reason": reason, "id": project.id})

    def response(self) -> Response:
        """Return the lines and their sums."""
        data: dict[str, Any] = {
            "projects": self.rows,
            "deleted": sum(row["projects"] for row in self.rows),
            "tasks": sum(row["tasks"] for row in self.rows),
            "models": sum(row["models"] for row in self.rows),
            "kept": sum(row["result"] == "kept" for row in self.rows),
            "unreached": self.unreached,
            "deleted_contents": self.policy.deletion["delete_contents"],
        }
        return Response(ENDPOINT, data, view=VIEW)
