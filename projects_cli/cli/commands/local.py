"""`projects local`."""

from __future__ import annotations

import typer

from projects_cli.cli import private
from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand, PlainGroup
from projects_cli.cli.help_format import show_help

app = typer.Typer(
    cls=PlainGroup,
    **TYPER_OPTIONS,
    help="The private database: a real mongod of your own, on a socket that only you can reach.\n\n"
    "Example: projects local sample",
)


@app.callback(invoke_without_command=True)
def local(ctx: typer.Context) -> None:
    """Show what there is, where no command is given."""
    show_help(ctx)


@app.command(cls=GroupedCommand)
def start(ctx: typer.Context) -> None:
    """Start it; every command does so by itself where it needs it.

    Example: projects local start
    """
    private.start(ctx.obj)


@app.command(cls=GroupedCommand)
def stop(ctx: typer.Context) -> None:
    """Stop it; its data stay.

    Example: projects local stop
    """
    private.stop(ctx.obj)


@app.command(cls=GroupedCommand)
def status(ctx: typer.Context) -> None:
    """Tell whether it runs, where it is, and when it will stop by itself.

    Example: projects local status
    """
    private.status(ctx.obj)


@app.command(cls=GroupedCommand)
def reset(ctx: typer.Context) -> None:
    """Stop it and remove all its data; asks first.

    Example: projects local reset
    """
    private.reset(ctx.obj)


@app.command(cls=GroupedCommand)
def path(ctx: typer.Context) -> None:
    """Print its folder.

    Example: projects local path
    """
    private.path(ctx.obj)


@app.command(cls=GroupedCommand)
def sample(ctx: typer.Context) -> None:
    """Load a sample: about 60 projects, 400 tasks and 60 models, as a real server would have stored them.

    Example: projects local sample
    """
    private.sample(ctx.obj)
