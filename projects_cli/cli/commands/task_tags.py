"""`projects task-tags`."""

from __future__ import annotations

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.listing import tags_filter
from projects_cli.cli.options import FilterSystemTags, FilterTags, IncludeSystem, Projects

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def task_tags(
    ctx: typer.Context,
    projects: Projects = None,
    include_system: IncludeSystem = None,
    filter_tag: FilterTags = None,
    filter_system_tag: FilterSystemTags = None,
) -> None:
    """List the distinct tags that tasks have, archived ones too.

    Example: projects task-tags --project vision --include-system
    """
    run(
        ctx.obj,
        "projects.get_task_tags",
        {
            "projects": projects,
            "include_system": include_system,
            "filter": tags_filter(filter_tag, filter_system_tag),
        },
    )
