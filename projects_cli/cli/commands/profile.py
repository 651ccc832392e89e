"""`projects profile`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli import configuring
from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand, PlainGroup
from projects_cli.cli.help_format import show_help

app = typer.Typer(
    cls=PlainGroup,
    **TYPER_OPTIONS,
    help="Profiles: a database, and how to work on it, by name.\n\nExample: projects profile list",
)


@app.callback(invoke_without_command=True)
def profile(ctx: typer.Context) -> None:
    """Show what there is, where no command is given."""
    show_help(ctx)


@app.command("list", cls=GroupedCommand)
def list_(ctx: typer.Context) -> None:
    """List the profiles of your configuration, and which one is in use.

    Example: projects profile list
    """
    configuring.list_profiles(ctx.obj)


@app.command(cls=GroupedCommand)
def use(
    ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="One of: projects profile list.")]
) -> None:
    """Use a profile from now on, where nothing else chooses one.

    Example: projects profile use work
    """
    configuring.use_profile(ctx.obj, name)


@app.command(cls=GroupedCommand)
def show(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="[default: the one in use]")] = None,
) -> None:
    """Show what a profile says, without secrets.

    Example: projects profile show work
    """
    configuring.show_profile(ctx.obj, name)
