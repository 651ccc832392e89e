"""`projects model-metadata-keys`."""

from __future__ import annotations

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.options import (
    IncludeSubprojects,
    Interactive,
    NoProject,
    OptionalProject,
    PageNumber,
    PageSize,
    one_project,
)

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def model_metadata_keys(
    ctx: typer.Context,
    project: OptionalProject = None,
    include_subprojects: IncludeSubprojects = None,
    no_project: NoProject = False,
    page: PageNumber = None,
    page_size: PageSize = None,
    interactive: Interactive = False,
) -> None:
    """List the metadata keys of a project's models, sub-projects included.

    Example: projects model-metadata-keys vision
    """
    arguments = one_project(project, include_subprojects, no_project) | {"page": page, "page_size": page_size}
    run(ctx.obj, "projects.get_model_metadata_keys", arguments, interactive=interactive)
