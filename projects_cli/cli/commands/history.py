"""`projects history`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli import journalled
from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand, PlainGroup
from projects_cli.cli.flow import check_confirm
from projects_cli.cli.options import refuse_unused

app = typer.Typer(cls=PlainGroup, **TYPER_OPTIONS)


@app.callback(invoke_without_command=True)
def history(
    ctx: typer.Context,
    project: Annotated[
        str | None,
        typer.Option("--project", metavar="PROJECT", help="Only what touched this project, a deleted one too."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DURATION", help="Only the last 7d, 12h, 30m.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="USER", help="Only what this person changed.")] = None,
) -> None:
    """Show who changed what, when, from where, and how it ended.

    Example: projects history --since 7d
    """
    if ctx.invoked_subcommand is None:
        refuse_unused("history", ctx.obj.flags)
        ctx.obj.only_reads_journal = True
        journalled.history(ctx.obj, project=project, since=since, by=by)


@app.command(cls=GroupedCommand)
def prune(
    ctx: typer.Context,
    older_than: Annotated[str, typer.Option("--older-than", metavar="DURATION", help="Such as 30d.")],
) -> None:
    """Forget finished changes that are older; they can't be undone any longer. Asks first.

    Example: projects history prune --older-than 30d
    """
    check_confirm(ctx.obj, ctx.obj.target.name)
    journalled.prune(ctx.obj, older_than)
