"""`projects merge`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.options import RequiredProject, TopLevel
from projects_cli.errors import UsageError

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def merge(
    ctx: typer.Context,
    project: RequiredProject,
    destination_project: Annotated[
        str | None,
        typer.Argument(metavar="DESTINATION", help="Project that gets the contents: an id, or a full name."),
    ] = None,
    top_level: TopLevel = False,
) -> None:
    """Move the tasks, models and sub-projects of a project into another one, and remove the project.

    With --top-level the sub-projects move to the top level, and the tasks and models have no project.

    Example: projects merge vision/detection vision/segmentation --dry-run
    """
    destination_project = destination_project or None  # an empty text is the top level, as in a request
    if ctx.params["destination_project"] is None and not top_level:
        raise UsageError("no destination was named", hint="name it, or use --top-level")
    if destination_project and top_level:
        raise UsageError("DESTINATION and --top-level can't be used together", hint="leave one of them out")
    run(ctx.obj, "projects.merge", {"project": project, "destination_project": destination_project})
