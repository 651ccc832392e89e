"""`projects config`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli import configuring
from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand, PlainGroup
from projects_cli.cli.help_format import show_help

app = typer.Typer(
    cls=PlainGroup,
    **TYPER_OPTIONS,
    help="Your settings: what holds and why, and the file that keeps them.\n\nExample: projects config list",
)

Key = Annotated[
    str, typer.Argument(metavar="KEY", help="A long option without its dashes, or profiles.NAME.KEY for a profile's.")
]


@app.callback(invoke_without_command=True)
def config(ctx: typer.Context) -> None:
    """Show what there is, where no command is given."""
    show_help(ctx)


@app.command("list", cls=GroupedCommand)
def list_(ctx: typer.Context) -> None:
    """List every setting with its value, and where that comes from.

    Example: projects config list --profile work
    """
    configuring.list_settings(ctx.obj)


@app.command(cls=GroupedCommand)
def get(ctx: typer.Context, key: Key) -> None:
    """Print the value of a setting, without secrets.

    Example: projects config get database
    """
    configuring.get_setting(ctx.obj, key)


@app.command("set", cls=GroupedCommand)
def set_(
    ctx: typer.Context,
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The value; - reads it, a URI without showing it.")],
) -> None:
    """Write a setting into the file; comments stay, and what can't be used is refused.

    Example: projects config set profiles.work.uri-file ~/work.uri
    """
    configuring.set_value(ctx.obj, key, value)


@app.command(cls=GroupedCommand)
def unset(ctx: typer.Context, key: Key) -> None:
    """Take a setting out of the file, or a whole profile (profiles.NAME).

    Example: projects config unset profiles.work.company
    """
    configuring.unset_value(ctx.obj, key)


@app.command(cls=GroupedCommand)
def path(ctx: typer.Context) -> None:
    """Print the path of the file.

    Example: projects config path
    """
    configuring.show_path(ctx.obj)


@app.command(cls=GroupedCommand)
def edit(ctx: typer.Context) -> None:
    """Open the file in $VISUAL or $EDITOR; it is checked before it is kept.

    Example: projects config edit
    """
    configuring.edit(ctx.obj)
