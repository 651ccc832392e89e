"""`projects metrics`."""

from __future__ import annotations

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.options import Interactive, OptionalProject

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def metrics(ctx: typer.Context, project: OptionalProject = None, interactive: Interactive = False) -> None:
    """List the metrics of a project's tasks, sub-projects included.

    Example: projects metrics vision/detection
    """
    run(ctx.obj, "projects.get_unique_metric_variants", {"project": project}, interactive=interactive)
