"""`projects users`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.options import IncludeSubprojects, NoProject, Projects, several_projects
from projects_cli.errors import UsageError


class Entity(StrEnum):
    """Whose users are listed."""

    task = "task"
    model = "model"


app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def users(
    ctx: typer.Context,
    projects: Projects = None,
    include_subprojects: IncludeSubprojects = None,
    no_project: NoProject = False,
    models: Annotated[bool, typer.Option("--models", help="The same as --entity model.")] = False,
    entity: Annotated[
        Entity | None, typer.Option("--entity", metavar="KIND", help="Users of kind task or model. [default: task]")
    ] = None,
) -> None:
    """List the users who created tasks or models, archived ones included.

    Example: projects users --project vision --models
    """
    if models and entity is Entity.task:
        raise UsageError("--models can't be used with --entity task")
    arguments = several_projects(projects, include_subprojects, no_project)
    arguments["entity"] = "model" if models else entity and entity.value
    run(ctx.obj, "projects.get_user_names", arguments)
