"""`projects resume`."""

from __future__ import annotations

import typer

from projects_cli.cli import journalled
from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.options import OperationArgument

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def resume(ctx: typer.Context, operation: OperationArgument = None) -> None:
    """Finish a change that was stopped in the middle, by a crash or by Ctrl-C.

    Example: projects resume
    """
    journalled.resume(ctx.obj, operation)
