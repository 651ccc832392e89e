"""`projects update`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import DocumentChange, perform, request_of, show
from projects_cli.cli.options import Destination, Interactive, ProjectArgument, SystemTags, Tags
from projects_cli.errors import FieldsValueError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projects_cli.cli.context import Context
    from projects_cli.messages import Plan, Request, Step
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

    if edits_tags:
        arguments["tags"] = [*(add_tag or ())]  # validated like other tags; the plan adds the stored ones
    context: Context = ctx.obj
    request = request_of(context, "projects.update", arguments, interactive=interactive, nulls=cleared)
    tags_to_edit = (tuple(add_tag or ()), tuple(remove_tag or ())) if edits_tags else None
    show(context, perform(context, DocumentChange(Update(request, tags_to_edit))))


@dataclass(frozen=True, slots=True)
class Update:
    """An update as the command makes it: only if something changes. `tags` are those to add and those to remove."""

    request: Request
    tags: tuple[Sequence[str], Sequence[str]] | None

    def plan(self, store: Store) -> Plan[Step]:
        """Return the plan of the update; no steps if all values are stored already."""
        from projects_cli.endpoints import lifecycle  # imports the driver

        if self.tags is None:
            return lifecycle.update(self.request, store, skip_unchanged=True)
        from projects_cli.endpoints.tags import edit_tags

        add, remove = self.tags
        return edit_tags(self.request, store, add=add, remove=remove)
