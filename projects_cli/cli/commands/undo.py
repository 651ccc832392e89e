"""`projects undo`."""

from __future__ import annotations

import typer

from projects_cli.cli import journalled
from projects_cli.cli.app import HABITS, GroupedCommand
from projects_cli.cli.options import OperationArgument

app = typer.Typer(**HABITS)


@app.command(cls=GroupedCommand)
def undo(ctx: typer.Context, operation: OperationArgument = None) -> None:
    """Take a change back: an interrupted one, else the newest. Refuses where later changes are in the way.

    Example: projects undo --dry-run
    """
    journalled.undo(ctx.obj, operation)
