"""`projects model-tags`."""

from __future__ import annotations

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.listing import tags_filter
from projects_cli.cli.options import FilterSystemTags, FilterTags, IncludeSystem, Projects

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def model_tags(
    ctx: typer.Context,
    projects: Projects = None,
    include_system: IncludeSystem = None,
    filter_tag: FilterTags = None,
    filter_system_tag: FilterSystemTags = None,
) -> None:
    """List the distinct tags that models have, archived ones too.

    Example: projects model-tags --project vision --include-system
    """
    run(
        ctx.obj,
        "projects.get_model_tags",
        {
            "projects": projects,
            "include_system": include_system,
            "filter": tags_filter(filter_tag, filter_system_tag),
        },
    )
