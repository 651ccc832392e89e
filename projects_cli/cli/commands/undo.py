"""`projects undo`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli import journalled
from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.options import OperationArgument

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def undo(
    ctx: typer.Context,
    operation: OperationArgument = None,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="Refuse if others changed any of it since.")
    ] = False,
) -> None:
    """Undo a change: the named operation, or your own newest one (asks first).

    What others changed since is left as it is and named; the exit status is then 5.

    Example: projects undo --dry-run
    """
    journalled.undo(ctx.obj, operation, all_or_nothing=all_or_nothing)
