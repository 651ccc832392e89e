"""`projects move`."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.options import RequiredProject, TopLevel
from projects_cli.errors import UsageError

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def move(
    ctx: typer.Context,
    project: RequiredProject,
    new_location: Annotated[
        str | None,
        typer.Argument(metavar="LOCATION", help="Full name of the new parent; missing projects are created."),
    ] = None,
    top_level: TopLevel = False,
) -> None:
    """Move a project with everything below it to another parent. Tasks and models stay in their projects.

    Example: projects move vision/detection archive/2024 --dry-run
    """
    if (new_location is not None) == top_level:
        problem = "LOCATION and --top-level can't be used together" if top_level else "no location was named"
        raise UsageError(problem, hint="name the new parent, or use --top-level without it")
    if re.fullmatch("[0-9a-f]{32}", (new_location or "").strip()):
        # It would be created as a project of this name.
        hint = "show the name of a project: projects get ID; a project that is named like this: /ID"
        raise UsageError(f"the location is a full name, not an id: {new_location!r}", hint=hint)
    run(ctx.obj, "projects.move", {"project": project, "new_location": new_location or ""})
