"""`projects history`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, CommandGroup, GroupedCommand
from projects_cli.cli.flow import expect, perform, show
from projects_cli.cli.options import refuse_unused, time_since
from projects_cli.config.settings import parse_duration
from projects_cli.errors import EmptyName, UsageError
from projects_cli.messages import Plan, Response

if TYPE_CHECKING:
    from projects_cli.cli.context import Context
    from projects_cli.cli.flow import Scope

LONGEST = timedelta(days=36_500)
"""Older than any journal, and still a date when it is subtracted from today."""

app = typer.Typer(cls=CommandGroup, **TYPER_OPTIONS)


@app.callback(invoke_without_command=True)
def history(
    ctx: typer.Context,
    project: Annotated[
        str | None,
        typer.Option("--project", metavar="PROJECT", help="Only changes of this project, also a deleted one."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only the last 7d, or since 2024-01-31.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="USER", help="Only changes by this user.")] = None,
    operations: Annotated[bool, typer.Option("--operations", help="List each operation of the runs.")] = False,
) -> None:
    """Show who changed what, when, from where, and how it ended.

    A line is a run: all changes of one command. Filters choose operations; a run counts only those.

    Example: projects history --since 7d
    """
    # `history show` and `history prune` do the rest, with options of their own.
    if ctx.invoked_subcommand is not None:
        return
    context: Context = ctx.obj
    refuse_unused("history", context.flags)
    context.only_reads_journal = True
    expect(context, "history.operations" if operations else "history")
    # An unset variable must not select the changes of all projects.
    if project == "":
        raise EmptyName("the name is empty")
    show(
        context,
        context.runner.operations.history(project=project, since=_start(context, since), by=by, each=operations),
    )


@app.command("show", cls=GroupedCommand)
def show_(
    ctx: typer.Context,
    identifier: Annotated[str, typer.Argument(metavar="ID", help="Id of a run or an operation.")],
) -> None:
    """Show all that the journal knows of an operation, or the operations of a run.

    Who, from where and with which command, its documents, and who undid it and when. Lists up to 100 steps; those of
    more are in projects undo ID --dry-run.

    Example: projects history --operations
    """
    context: Context = ctx.obj
    context.only_reads_journal = True
    expect(context, "history.show")
    show(context, context.runner.operations.shown(identifier))


@app.command(cls=GroupedCommand)
def prune(
    ctx: typer.Context,
    older_than: Annotated[str, typer.Option("--older-than", metavar="DURATION", help="Such as 30d.")],
) -> None:
    """Remove old changes from the journal, if they are finished. They can't be undone any more. Asks first.

    Example: projects history prune --older-than 30d
    """
    show(ctx.obj, perform(ctx.obj, Pruning(older_than, _age(older_than, "--older-than"))))


def _start(context: Context, since: str | None) -> datetime | None:
    """Return the time from which operations are listed, by the server's clock, which has dated them."""
    if since is None:
        return None
    now = context.runner.operations.now()
    try:
        return now - _age(since, "--since")  # which may be longer than any journal, and than the calendar
    except UsageError:
        return time_since("--since", since, now)


def _age(text: str, option: str) -> timedelta:
    try:
        return timedelta(seconds=min(parse_duration(text), LONGEST.total_seconds()))
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error


@dataclass(frozen=True, slots=True)
class Pruning:
    """The removal of finished operations from the journal that are older than `age`, which the user wrote as `text`."""

    text: str
    age: timedelta
    view: str = "history.prune"
    scope: Scope = "database"

    def plan(self, context: Context) -> Plan[str]:
        """Return the ids of the operations."""
        operations = context.runner.operations
        # By the server's clock, which has dated the operations.
        steps = operations.prunable(operations.now() - self.age)
        number = "1 operation" if len(steps) == 1 else f"{len(steps)} operations"
        database = context.target.name
        return Plan(
            endpoint=self.view,
            summary=f"remove {number} older than {self.text} from the journal of {database!r}",
            steps=steps,
            question="yes",
            name=database,
            prompt=f"Remove {number} older than {self.text} from the journal of {database!r}? "
            "Removed operations can't be undone, and history does not show them.",
        )

    def preview(self, _: Context, plan: Plan[str]) -> Response:
        """Return how many operations are old enough."""
        notice = f"would {plan.summary}" if plan.steps else f"no finished operation is older than {self.text}"
        return Response(self.view, {"pruned": 0, "found": len(plan.steps)}, notice=notice)

    def apply(self, context: Context, plan: Plan[str]) -> Response:
        """Remove the operations that are still finished."""
        operations = context.runner.operations
        # An operation may have been resumed or undone since the question.
        pruned = operations.prune(plan.steps, operations.now() - self.age)
        return Response(self.view, {"pruned": pruned, "found": len(plan.steps)})
