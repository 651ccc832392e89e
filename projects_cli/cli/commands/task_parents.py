"""`projects task-parents`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.options import IncludeSubprojects, NoProject, Projects, several_projects


class State(StrEnum):
    """Whose parents are listed."""

    active = "active"
    archived = "archived"
    all = "all"


app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def task_parents(
    ctx: typer.Context,
    projects: Projects = None,
    include_subprojects: IncludeSubprojects = None,
    no_project: NoProject = False,
    tasks_state: Annotated[
        State,
        typer.Option("--state", "--tasks-state", metavar="STATE", help="Of active tasks, archived ones, or all."),
    ] = State.all,
    task_name: Annotated[
        str | None, typer.Option("--name", "--task-name", metavar="REGEX", help="Parent's name matches this pattern.")
    ] = None,
) -> None:
    """List the tasks that are parents of tasks, each with its own project.

    Example: projects task-parents --project vision --state active
    """
    arguments = several_projects(projects, include_subprojects, no_project) | {
        "tasks_state": None if tasks_state is State.all else tasks_state.value,
        "task_name": task_name,
    }
    run(ctx.obj, "projects.get_task_parents", arguments)
