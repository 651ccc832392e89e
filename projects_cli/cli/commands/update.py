"""`projects update`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.editing import edit, planner
from projects_cli.cli.flow import run
from projects_cli.cli.options import Destination, Interactive, ProjectArgument, SystemTags, Tags

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def update(
    ctx: typer.Context,
    project: ProjectArgument = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="New full name, in the same place.")
    ] = None,
    description: Annotated[
        str | None, typer.Option("--description", "-d", metavar="TEXT", help="What it is for.")
    ] = None,
    clear_description: Annotated[bool, typer.Option("--clear-description", help="Remove the description.")] = False,
    tags: Tags = None,
    add_tag: Annotated[
        list[str] | None, typer.Option("--add-tag", metavar="TAG", help="Add to the tags there are; repeat for more.")
    ] = None,
    remove_tag: Annotated[
        list[str] | None, typer.Option("--remove-tag", metavar="TAG", help="Remove from the tags; repeat for more.")
    ] = None,
    clear_tags: Annotated[bool, typer.Option("--clear-tags", help="Remove all tags.")] = False,
    system_tags: SystemTags = None,
    clear_system_tags: Annotated[bool, typer.Option("--clear-system-tags", help="Remove all system tags.")] = False,
    default_output_destination: Destination = None,
    clear_destination: Annotated[
        bool, typer.Option("--clear-default-output-destination", help="Remove the destination.")
    ] = False,
    interactive: Interactive = False,
) -> None:
    """Change a project; a new name renames everything below it too.

    If the project has all of the values already, nothing is written.

    Example: projects update vision/detection --name vision/detectors --add-tag prod
    """
    arguments = {
        "project": project,
        "name": name,
        "description": description,
        "tags": tags,
        "system_tags": system_tags,
        "default_output_destination": default_output_destination,
    }
    run(
        ctx.obj,
        "projects.update",
        arguments,
        prepare=edit(
            arguments,
            add_tags=add_tag,
            remove_tags=remove_tag,
            clear={
                "tags": clear_tags,
                "system_tags": clear_system_tags,
                "description": clear_description,
                "default_output_destination": clear_destination,
            },
        ),
        handler=planner(add_tag, remove_tag),
        interactive=interactive,
    )
