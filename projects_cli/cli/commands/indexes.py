"""`projects indexes`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli import indexed
from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand, PlainGroup
from projects_cli.cli.help_format import show_help

app = typer.Typer(
    cls=PlainGroup,
    **TYPER_OPTIONS,
    help="Indexes that make this program fast on a server's database; the private one has them.\n\n"
    "Example: projects indexes plan",
)


@app.callback(invoke_without_command=True)
def indexes(ctx: typer.Context) -> None:
    """Show what there is, where no command is given."""
    show_help(ctx)


@app.command(cls=GroupedCommand)
def plan(ctx: typer.Context) -> None:
    """Show which indexes would help, for what, and about how much space they take; and which of a server's are missing.

    Example: projects indexes plan
    """
    indexed.plan(ctx.obj)


@app.command(cls=GroupedCommand)
def create(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these. [default: all that are missing]")
    ] = None,
) -> None:
    """Make indexes that are missing; asks first, and never drops one. Others can work meanwhile.

    Example: projects indexes create projects_cli_statistics
    """
    indexed.create(ctx.obj, names or ())
