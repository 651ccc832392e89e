"""`projects hyperparams`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.options import Interactive, OptionalProject

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def hyperparams(
    ctx: typer.Context,
    project: OptionalProject = None,
    page: Annotated[int | None, typer.Option("--page", metavar="N", help="Page number, from 0.")] = None,
    page_size: Annotated[int | None, typer.Option("--page-size", metavar="N", help="Parameters per page.")] = None,
    interactive: Interactive = False,
) -> None:
    """List the hyperparameters of a project's tasks, sub-projects included.

    Example: projects hyperparams vision/detection --page-size 50
    """
    run(
        ctx.obj,
        "projects.get_hyper_parameters",
        {"project": project, "page": page, "page_size": page_size},
        interactive=interactive,
    )
