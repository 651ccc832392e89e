"""`projects hyperparam-values`."""

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
def hyperparam_values(
    ctx: typer.Context,
    section: Annotated[str, typer.Argument(metavar="SECTION", help="Section of the parameter, such as Args.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the parameter.")],
    projects: Projects = None,
    include_subprojects: IncludeSubprojects = None,
    no_project: NoProject = False,
    allow_public: AllowPublic = None,
    pattern: Annotated[
        str | None, typer.Option("--pattern", metavar="REGEX", help="Value matches this pattern, ignoring case.")
    ] = None,
    page: PageNumber = None,
    page_size: PageSize = None,
) -> None:
    """List the distinct values of a hyperparameter, numbers first; archived tasks are included.

    Example: projects hyperparam-values Args lr --project vision
    """
    arguments = several_projects(projects, include_subprojects, no_project) | {
        "section": section,
        "name": name,
        "allow_public": allow_public,
        "pattern": pattern,
        "page": page,
        "page_size": page_size,
    }
    run(ctx.obj, "projects.get_hyperparam_values", arguments)
