"""`projects status`."""

from __future__ import annotations

import typer

from projects_cli.cli import looking
from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def status(ctx: typer.Context) -> None:
    """Show which database is used, how much is in it, what you may do there, and what is unfinished.

    Example: projects status

    Own and public documents are counted, nobody else's. What the database does not let you see is told as unknown.
    """
    looking.status(ctx.obj)
