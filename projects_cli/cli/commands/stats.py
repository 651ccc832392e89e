"""`projects stats`."""

from __future__ import annotations

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.context import Context, utc_now
from projects_cli.cli.flow import expect, show
from projects_cli.cli.options import OptionalProject
from projects_cli.messages import Response

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def stats(ctx: typer.Context, project: OptionalProject = None) -> None:
    """Show a project at a glance: tasks, run time, activity, sub-projects, owners.

    Example: projects stats vision

    All sub-projects are included, hidden ones too. Archived tasks and models are counted on their own. The activity is
    that of the last 26 weeks, or of the 26 weeks before the latest start of a task.
    """
    context: Context = ctx.obj
    expect(context, "overview")
    from projects_cli.endpoints import hierarchy
    from projects_cli.endpoints.address import project_id
    from projects_cli.inspection.overview import overview

    store = context.reading
    root = None
    if project is not None:
        root = hierarchy.readable_project(project_id(project, lambda: store), store, {"name": 1})
    with context.console.waiting("asking the database:"):
        summary = store.connection.retry(lambda: overview(root, store, utc_now()))
    show(context, Response("overview", summary))
