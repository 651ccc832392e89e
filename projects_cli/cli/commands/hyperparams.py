"""`projects hyperparams`."""

from __future__ import annotations

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.options import Interactive, OptionalProject, Page, PageSize

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def hyperparams(
    ctx: typer.Context,
    project: OptionalProject = None,
    page: Page = None,
    page_size: PageSize = None,
    interactive: Interactive = False,
) -> None:
    """List the hyper-parameters that the tasks of a project use, with those of the projects below it.

    Example: projects hyperparams vision/detection --page-size 50
    """
    run(
        ctx.obj,
        "projects.get_hyper_parameters",
        {"project": project, "page": page, "page_size": page_size},
        interactive=interactive,
    )
