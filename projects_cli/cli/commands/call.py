"""`projects call`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.batch import call as carry_call
from projects_cli.cli.batch import skeleton as show_skeleton

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def call(
    ctx: typer.Context,
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="Such as projects.get_all, or get_all.")],
    data: Annotated[
        str | None, typer.Option("--data", metavar="JSON|@FILE|-", help="The request. [default: {}]")
    ] = None,
    skeleton: Annotated[bool, typer.Option("--skeleton", help="Print a request to fill in.")] = False,
) -> None:
    """Call any endpoint of the loaded schema in the raw: a request in, the response out. Asks nothing.

    Example: projects call projects.get_all --data '{"name": "^vision/"}' --json
    """
    show_skeleton(ctx.obj, endpoint) if skeleton else carry_call(ctx.obj, endpoint, data)
