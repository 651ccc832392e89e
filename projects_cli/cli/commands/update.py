"""`projects update`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import DocumentChange, expect, perform, request_of, show
from projects_cli.cli.options import Destination, Interactive, ProjectArguments, SystemTags, Tags
from projects_cli.cli.project_filters import ProjectFilters, with_where
from projects_cli.cli.request import named_projects, nothing_to_do, requested, without_projects
from projects_cli.errors import FieldsValueError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projects_cli.cli.context import Context
    from projects_cli.messages import Plan, Request, Step
    from projects_cli.store.collections import Store

ENDPOINT = "projects.update"

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
@with_where
def update(
    ctx: typer.Context,
    project: ProjectArguments = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="New full name of one project; the parent must stay the same."),
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
    *,
    filters: ProjectFilters,
) -> None:
    """Change projects. A new name also renames everything below the project.

    Several projects, or those that pass the filters, are one plan, one prompt and one change. Those that have all of
    the values already are not written. --dry-run shows the old and the new values.

    Example: projects update vision/detection --name vision/detectors --add-tag prod

    Example: projects update --where-tag experiment --where-older-than 30d --add-tag stale
    """
    arguments: dict[str, Any] = {
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
    for field in cleared:
        if arguments[field] is not None:
            raise UsageError(f"{field} can't be both set and cleared")
    tags_to_edit = _tags_to_edit(add_tag, remove_tag, sets=tags is not None or clear_tags)
    if tags_to_edit is not None:
        arguments["tags"] = [*tags_to_edit[0]]  # validated like other tags; the plan adds the stored ones
    context: Context = ctx.obj
    expect(context, ENDPOINT)
    ids = _by_filters(context, filters, project, interactive=interactive)
    if ids is None:
        names = named_projects(context, ENDPOINT, project or []) if project or not interactive else [None]
        if len(names) == 1:
            arguments["project"] = names[0]
            request = request_of(context, ENDPOINT, arguments, interactive=interactive, nulls=cleared)
            show(context, perform(context, DocumentChange(Update(request, tags_to_edit))))
            return
    if name is not None:
        raise UsageError("--name is for one project: several can't have one name")
    if ids is None:
        from projects_cli.endpoints.address import project_id

        found = (project_id(project, lambda: context.store) for project in names if project is not None)
        ids = list(dict.fromkeys(found))
    if not ids:
        nothing_to_do(context, without_projects(context, ENDPOINT), "no project passes the filters")
    # The request is valid for each of them: only its project differs.
    request = requested(context, ENDPOINT, {"project": ids[0], **arguments}, nulls=cleared)
    show(context, perform(context, DocumentChange(UpdateOfSeveral(request, tags_to_edit, tuple(ids)))))


def _tags_to_edit(
    add: list[str] | None, remove: list[str] | None, *, sets: bool
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return the tags to add and those to remove, None without any; `sets` is whether all tags are set as well.

    Raises:
        FieldsValueError, UsageError: the options are invalid.
    """
    if not (add or remove):
        return None
    if "" in (remove or ()):
        raise FieldsValueError("--remove-tag: a tag must not be empty", hint="remove all tags with --clear-tags")
    if sets:
        raise UsageError("--add-tag and --remove-tag can't be used with --tag and --clear-tags")
    return tuple(add or ()), tuple(remove or ())


def _by_filters(
    context: Context, filters: ProjectFilters, projects: list[str] | None, *, interactive: bool
) -> list[str] | None:
    """Return the ids of the projects that pass the filters, None without any filter.

    Raises:
        UsageError: projects are named as well.
    """
    if filters.is_empty:
        return None
    if projects or interactive:
        raise UsageError("name the projects, or choose them by filters (--where-…), not both")
    return filters.ids(context)


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


@dataclass(frozen=True, slots=True)
class UpdateOfSeveral:
    """One update of several projects. `tags` are those to add and those to remove."""

    request: Request
    tags: tuple[Sequence[str], Sequence[str]] | None
    ids: tuple[str, ...]

    def plan(self, store: Store) -> Plan[Step]:
        """Return the plan of the update, without the projects that have the values already."""
        from projects_cli.endpoints.mass_update import update_all  # imports the driver

        return update_all(self.request, self.ids, store, self.tags)
