"""`projects help`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.explaining import explain

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def help_(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[COMMAND|TOPIC]", help="A command, or a topic such as filters. [default: the whole]"),
    ] = None,
) -> None:
    """Show the help of a command, or tell about a topic: exit-codes, output, environment, filters, safety, config.

    Example: projects help filters
    """
    explain(ctx, words or [])
