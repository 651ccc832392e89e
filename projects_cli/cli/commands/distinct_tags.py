"""`projects task-tags`, `projects model-tags` and `projects project-tags`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand, command_of
from projects_cli.cli.flow import run
from projects_cli.cli.options import Projects
from projects_cli.cli.registry import BY_WORD
from projects_cli.cli.request import check_filter_tags

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def tags(
    ctx: typer.Context,
    projects: Projects = None,
    include_system: Annotated[
        bool | None, typer.Option("--include-system", help="Include system tags.", show_default=False)
    ] = None,
    filter_tag: Annotated[
        list[str] | None,
        typer.Option("--filter-tag", metavar="TAG", help="Only of those with this tag; takes list operators too."),
    ] = None,
    filter_system_tag: Annotated[
        list[str] | None,
        typer.Option("--filter-system-tag", metavar="TAG", help="Only of those with this system tag."),
    ] = None,
) -> None:
    """List the distinct tags of tasks, models or projects, archived and hidden ones included.

    Example: projects task-tags --project vision --include-system

    Example: projects model-tags --filter-tag prod

    Example: projects project-tags --include-system
    """
    check_filter_tags(filter_tag, filter_system_tag)
    filters = {"tags": filter_tag, "system_tags": filter_system_tag}
    arguments = {
        "projects": projects,
        "include_system": include_system,
        "filter": {name: values for name, values in filters.items() if values} or None,
    }
    run(ctx.obj, str(BY_WORD[command_of(ctx)].endpoint), arguments)
