"""`projects metrics`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.options import IncludeSubprojects, Interactive, NoProject, OptionalProject, one_project

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def metrics(
    ctx: typer.Context,
    project: OptionalProject = None,
    include_subprojects: IncludeSubprojects = None,
    no_project: NoProject = False,
    model_metrics: Annotated[
        bool | None, typer.Option("--models", "--model-metrics", help="Metrics of models instead of tasks.")
    ] = None,
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", "--ids", metavar="ID", help="Only of this task (with --models: model); repeat for more."),
    ] = None,
    interactive: Interactive = False,
) -> None:
    """List the metrics of a project's tasks or models, sub-projects included.

    Example: projects metrics vision/detection

    Example: projects metrics vision --own --models
    """
    arguments = one_project(project, include_subprojects, no_project) | {"model_metrics": model_metrics, "ids": ids}
    run(ctx.obj, "projects.get_unique_metric_variants", arguments, interactive=interactive)
