"""`projects delete`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.options import Interactive, ProjectArguments
from projects_cli.cli.removing import remove

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
        typer.Option("--max-delete", metavar="N", help="Refuse where more projects would go, those below counted."),
    ] = None,
    interactive: Interactive = False,
) -> None:
    """Delete projects with everything below them; their tasks and models stay, without a project.

    Example: projects delete vision/detection --force --dry-run
    """
    remove(ctx.obj, project or [], force=force, max_delete=max_delete, interactive=interactive)
