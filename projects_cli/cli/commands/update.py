"""`projects update`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.options import Destination, Interactive, ProjectArgument, SystemTags, Tags
from projects_cli.errors import FieldsValueError, UsageError

if TYPE_CHECKING:
    from projects_cli.messages import Plan, Request
    from projects_cli.store.collections import Store

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def update(
    ctx: typer.Context,
    project: ProjectArgument = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="New full name; the parent must stay the same.")
    ] = None,
    description: Annotated[
        str | None, typer.Option("--description", "-d", metavar="TEXT", help="New description.")
    ] = None,
    clear_description: Annotated[bool, typer.Option("--clear-description", help="Remove the description.")] = False,
    tags: Tags = None,
    add_tag: Annotated[
        list[str] | None, typer.Option("--add-tag", metavar="TAG", help="Tag to add; repeat for more.")
    ] = None,
    remove_tag: Annotated[
        list[str] | None, typer.Option("--remove-tag", metavar="TAG", help="Tag to remove; repeat for more.")
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
    """Change a project. A new name also renames everything below the project.

    If the project has all of the values already, nothing is written.

    Example: projects update vision/detection --name vision/detectors --add-tag prod
    """
    arguments: dict[str, Any] = {
        "project": project,
        "name": name,
        "description": description,
        "tags": tags,
        "system_tags": system_tags,
        "default_output_destination": default_output_destination,
    }
    clear = {
        "description": clear_description,
        "tags": clear_tags,
        "system_tags": clear_system_tags,
        "default_output_destination": clear_destination,
    }
    cleared = [field for field, wanted in clear.items() if wanted]
    edits_tags = bool(add_tag or remove_tag)
    for field in cleared:
        if arguments[field] is not None:
            raise UsageError(f"{field} can't be both set and cleared")
    if "" in (remove_tag or ()):
        raise FieldsValueError("--remove-tag: a tag must not be empty", hint="remove all tags with --clear-tags")
    if edits_tags and (tags is not None or clear_tags):
        raise UsageError("--add-tag and --remove-tag can't be used with --tag and --clear-tags")

    def complete(params: dict[str, Any]) -> dict[str, Any]:
        params |= dict.fromkeys(cleared)
        if edits_tags:
            params["tags"] = [*(add_tag or ())]  # validated like other tags; `plan` adds the stored ones
        return params

    def plan(request: Request, store: Store) -> Plan:
        from projects_cli.endpoints import lifecycle  # imports the driver

        if edits_tags:
            from projects_cli.endpoints.tags import edit_tags

            return edit_tags(request, store, add=add_tag or (), remove=remove_tag or ())
        return lifecycle.update(request, store, skip_unchanged=True)

    run(ctx.obj, "projects.update", arguments, prepare=complete, handler=plan, interactive=interactive)
