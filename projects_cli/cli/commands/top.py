"""`projects top`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS
from projects_cli.cli.context import Context, utc_now
from projects_cli.cli.flow import expect, show
from projects_cli.cli.options import OptionalProject
from projects_cli.cli.watch import WatchedCommand
from projects_cli.errors import UsageError
from projects_cli.messages import Response

app = typer.Typer(**TYPER_OPTIONS)


class By(StrEnum):
    """The measures by which projects are ranked."""

    tasks = "tasks"
    models = "models"
    runtime = "runtime"
    age = "age"
    last_run = "last-run"
    size = "size"


@app.command(cls=WatchedCommand)
def top(
    ctx: typer.Context,
    project: OptionalProject = None,
    by: Annotated[
        By, typer.Option("--by", metavar="MEASURE", help="Rank by tasks, models, runtime, age, last-run or size.")
    ] = By.tasks,
    limit: Annotated[int, typer.Option("--limit", "-L", min=1, metavar="N", help="Show N projects.")] = 10,
    own: Annotated[bool, typer.Option("--own", help="Count tasks and models without those of sub-projects.")] = False,
    hidden: Annotated[bool, typer.Option("--hidden", help="Show hidden projects too.")] = False,
) -> None:
    """Show the first projects by a measure, as a bar chart.

    Example: projects top --by runtime -L 5

    The oldest are the first by age, and those whose last run was the longest ago by last-run. The size is the number of
    sub-projects at all levels. Projects with a value of 0, or without any run, are left out.
    """
    context: Context = ctx.obj
    view = f"top by {by.value}"
    expect(context, view)
    if own and by in (By.age, By.size):
        raise UsageError(f"--own can't be used with --by {by.value}", hint="leave out --own")
    from projects_cli.endpoints import hierarchy
    from projects_cli.endpoints.address import project_id
    from projects_cli.inspection.ranking import Choice, ranking

    store = context.reading
    root = None
    if project is not None:
        root = hierarchy.readable_project(project_id(project, lambda: store), store, {"name": 1})
    choice = Choice(limit, own, hidden)
    with context.console.waiting("asking the database:"):
        projects = store.connection.retry(lambda: ranking(root, by.value, choice, store, utc_now()))
    show(context, Response("top", {"projects": projects}, view=view))
