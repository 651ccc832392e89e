"""`projects create`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.options import Destination, SystemTags, Tags

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Full name, such as vision/detector.")],
    description: Annotated[str | None, typer.Option("--description", "-d", metavar="TEXT", help="Description.")] = None,
    tags: Tags = None,
    system_tags: SystemTags = None,
    default_output_destination: Destination = None,
) -> None:
    """Create a project and any missing parents.

    Example: projects create vision/detector --description "Road signs" --tag prod
    """
    run(
        ctx.obj,
        "projects.create",
        {
            "name": name,
            "description": description,
            "tags": tags,
            "system_tags": system_tags,
            "default_output_destination": default_output_destination,
        },
    )
