"""`projects make-private`."""

from __future__ import annotations

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.options import Interactive, ProjectArguments

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def make_private(ctx: typer.Context, ids: ProjectArguments = None, interactive: Interactive = False) -> None:
    """Make public projects of this company private again. If one of them is refused, none is changed.

    Example: projects make-private examples
    """
    run(ctx.obj, "projects.make_private", {"ids": ids}, interactive=interactive)
