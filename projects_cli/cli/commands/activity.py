"""`projects activity`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.context import Context, utc_now
from projects_cli.cli.flow import expect, show
from projects_cli.cli.options import OptionalProject, Since, time_since
from projects_cli.messages import Response

app = typer.Typer(**TYPER_OPTIONS)


class By(StrEnum):
    """How tasks are grouped."""

    user = "user"
    project = "project"
    week = "week"


@app.command(cls=GroupedCommand)
def activity(
    ctx: typer.Context,
    project: OptionalProject = None,
    since: Since = "30d",
    by: Annotated[By, typer.Option("--by", metavar="GROUP", help="Sum up by user, project or week.")] = By.user,
) -> None:
    """Show who ran how much: the tasks started since a time, and their run time.

    Example: projects activity vision --since 2024-06-01 --by week

    Archived tasks count too, and so do those of sub-projects. With --by project each task counts in its own project
    only. A week is an ISO week in UTC; a task counts, with all of its run time, in the week in which it was started.
    """
    context: Context = ctx.obj
    view = f"activity by {by.value}"
    expect(context, view)
    now = utc_now()
    start = time_since("--since", since, now)
    from projects_cli.endpoints import hierarchy
    from projects_cli.endpoints.address import project_id
    from projects_cli.inspection import activity as inspection

    store = context.reading
    root = None
    if project is not None:
        root = hierarchy.readable_project(project_id(project, lambda: store), store, {"name": 1})
    interval = inspection.Interval(start, now.replace(tzinfo=None))
    with context.console.waiting("asking the database:"):
        groups = store.connection.retry(lambda: inspection.activity(root, (by.value,), interval, store))
    show(context, Response("activity", {**interval._asdict(), "activity": groups[by.value]}, view=view))
