"""`projects completion`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.completion.install import Shell, complete

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def completion(
    ctx: typer.Context,
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
    install: Annotated[
        bool, typer.Option("--install", help="Put it where the shell looks for it, and tell where that is.")
    ] = False,
) -> None:
    """Print the file that lets a shell complete commands, options and names, or install it.

    Names of projects and tags come from a cache that another process fills: TAB never waits for the database, and the
    first one may find nothing yet.

    Example: projects completion bash --install
    """
    complete(ctx.obj, shell, install=install)
