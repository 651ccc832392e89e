"""`projects get`."""

from __future__ import annotations

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.options import Interactive, ProjectArgument

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def get(ctx: typer.Context, project: ProjectArgument = None, interactive: Interactive = False) -> None:
    """Show all fields of a project.

    Example: projects get vision/detection
    """
    run(ctx.obj, "projects.get_by_id", {"project": project}, interactive=interactive)
