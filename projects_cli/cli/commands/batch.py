"""`projects batch`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.batch import batch as carry_batch

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def batch(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON Lines; - reads standard input.")],
) -> None:
    """Carry out many requests in one process: a JSON object a line in, one a line out, in order. Asks nothing.

    A line is {"id": 1, "endpoint": "projects.get_all", "params": {}}; - reads standard input.

    Example: projects batch requests.jsonl
    """
    carry_batch(ctx.obj, file)
