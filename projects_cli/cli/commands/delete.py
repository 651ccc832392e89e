"""`projects delete`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli.app import HABITS, GroupedCommand
from projects_cli.cli.dispatch import run_each
from projects_cli.cli.options import ProjectArguments

app = typer.Typer(**HABITS)


@app.command(cls=GroupedCommand)
def delete(
    ctx: typer.Context,
    project: ProjectArguments,
    force: Annotated[
        bool, typer.Option("--force", help="Also where tasks or models are not archived; asks nothing.")
    ] = False,
) -> None:
    """Delete projects with everything below them; their tasks and models stay, without a project.

    Example: projects delete vision/old --dry-run
    """
    run_each(ctx.obj, "projects.delete", project, {"force": force})
