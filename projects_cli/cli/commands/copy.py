"""`projects copy`."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.commands.export import NoSnapshot, With, kinds_of, write_export
from projects_cli.cli.commands.import_ import ConflictOption, Into, MapUser, OnConflict, import_archive, options_of
from projects_cli.cli.flow import expect, show
from projects_cli.cli.request import named_projects

if TYPE_CHECKING:
    from projects_cli.cli.context import Context

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def copy(
    ctx: typer.Context,
    project: Annotated[
        list[str], typer.Argument(metavar="PROJECT...", help="Ids, full names, or the first 8 or more digits of ids.")
    ],
    to_profile: Annotated[str, typer.Option("--to-profile", metavar="NAME", help="Profile of the other database.")],
    with_: With = None,
    on_conflict: ConflictOption = OnConflict.fail,
    into: Into = None,
    map_user: MapUser = None,
    no_snapshot: NoSnapshot = False,
) -> None:
    """Copy projects with their sub-projects to the database of another profile (asks first; can be undone there).

    They become documents of that profile's company. Variables and options that name a database are for the source only.

    Example: projects copy vision --to-profile lab --on-conflict rename --dry-run
    """
    context: Context = ctx.obj
    expect(context, "import")
    kinds = kinds_of(with_)
    options = options_of(on_conflict, into, None, map_user)
    names = named_projects(context, "projects.get_by_id", project)
    other = context.for_profile(to_profile)
    from projects_cli.transfer.archive import Archive

    # The change is planned again under the lock, and journaled from the same documents, so they are kept in a file.
    with tempfile.TemporaryFile() as file:
        write_export(context, names, kinds, file.write, snapshot=not no_snapshot)
        options = replace(options, companies={context.settings.company: other.settings.company})
        try:
            show(
                other, import_archive(other, Archive(f"profile {context.settings.profile or 'default'}", file), options)
            )
        finally:
            other.close()
