"""`projects schema`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.describing import describe

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def schema(
    ctx: typer.Context,
    endpoint: Annotated[
        str | None, typer.Argument(metavar="[ENDPOINT]", help="Such as get_all. [default: all]")
    ] = None,
) -> None:
    """Show what the loaded schema says: all endpoints, or one, as a table or (--json) as JSON Schema.

    Example: projects schema get_all
    """
    describe(ctx.obj, endpoint)
