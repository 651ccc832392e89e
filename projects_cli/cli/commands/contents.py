"""`projects contents`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.context import Context
from projects_cli.cli.flow import expect, show
from projects_cli.cli.options import ProjectArgument
from projects_cli.cli.request import named_projects
from projects_cli.errors import UsageError
from projects_cli.messages import Response

app = typer.Typer(**TYPER_OPTIONS)


class Status(StrEnum):
    """The statuses of tasks; a model is created or published."""

    created = "created"
    queued = "queued"
    in_progress = "in_progress"
    stopped = "stopped"
    publishing = "publishing"
    published = "published"
    closed = "closed"
    failed = "failed"
    completed = "completed"
    unknown = "unknown"


@app.command(cls=GroupedCommand)
def contents(
    ctx: typer.Context,
    project: ProjectArgument = None,
    tasks: Annotated[bool, typer.Option("--tasks", help="Only tasks.")] = False,
    models: Annotated[bool, typer.Option("--models", help="Only models.")] = False,
    archived: Annotated[bool, typer.Option("--archived", help="Only archived tasks and models.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Archived ones too.")] = False,
    statuses: Annotated[
        list[Status] | None, typer.Option("--status", metavar="STATUS", help="Only with this status; repeat for more.")
    ] = None,
    sort_by: Annotated[
        str, typer.Option("--sort-by", metavar="COLUMN", help="Sort by this column; -COLUMN: descending.")
    ] = "name",
) -> None:
    """List the tasks and models directly in a project.

    Example: projects contents vision/detection --status failed --sort-by -updated

    Sort by name, type, status, owner, created, age or updated. Tasks are listed before models.
    """
    context: Context = ctx.obj
    expect(context, "contents")
    if archived and all_:
        raise UsageError("--archived and --all can't be used together", hint="--all includes archived ones")
    from projects_cli.endpoints import hierarchy
    from projects_cli.endpoints.address import project_id
    from projects_cli.inspection import contents as inspection

    order = inspection.sort_order(sort_by)
    names = named_projects(context, "projects.get_by_id", [project] if project else [])
    if len(names) > 1:
        raise UsageError(f"a single project was expected, but standard input names {len(names)}")
    store = context.reading
    stored = hierarchy.readable_project(project_id(names[0], lambda: store), store, {"name": 1})
    choice = inspection.Choice(
        # Both options, or neither, list both kinds.
        kinds=[kind for kind, chosen in (("task", tasks), ("model", models)) if chosen] or inspection.KINDS,
        state="archived" if archived else "all" if all_ else "active",
        statuses=[status.value for status in statuses or ()],
        order=order,
    )
    show(context, Response("contents", {"contents": inspection.contents(stored, choice, store)}))
