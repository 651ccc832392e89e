"""`projects model-metadata-values`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.options import (
    AllowPublic,
    IncludeSubprojects,
    NoProject,
    PageNumber,
    PageSize,
    Projects,
    several_projects,
)

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def model_metadata_values(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Metadata key.")],
    projects: Projects = None,
    include_subprojects: IncludeSubprojects = None,
    no_project: NoProject = False,
    allow_public: AllowPublic = None,
    page: PageNumber = None,
    page_size: PageSize = None,
) -> None:
    """List the distinct values of a metadata key of models, numbers first; archived models are included.

    Example: projects model-metadata-values accuracy --project vision
    """
    arguments = several_projects(projects, include_subprojects, no_project) | {
        "key": key,
        "allow_public": allow_public,
        "page": page,
        "page_size": page_size,
    }
    run(ctx.obj, "projects.get_model_metadata_values", arguments)
