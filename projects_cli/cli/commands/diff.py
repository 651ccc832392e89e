"""`projects diff`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.commands.apply import File, Prune, manifest_of
from projects_cli.cli.flow import expect, show
from projects_cli.errors import ExitStatus
from projects_cli.messages import Response

if TYPE_CHECKING:
    from projects_cli.cli.context import Context

DIFFERENCES = ExitStatus.FAILED  # 1, as the program `diff` has it

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def diff(ctx: typer.Context, file: File, prune: Prune = None) -> None:
    """Show what apply would change; the exit status is 0 without differences, 1 with some, and more for errors.

    Example: projects export vision --as-manifest | projects diff -f -
    """
    context: Context = ctx.obj
    expect(context, "diff")
    manifest = manifest_of(context, file, prune)
    store = context.store
    with context.connection.unlimited(), context.console.waiting("asking the database:"):
        store.connection.retry(lambda: manifest.plan(store))
    changes = [difference._asdict() for difference in manifest.differences]
    show(context, Response("diff", {"changes": changes}))
    if changes:
        raise typer.Exit(DIFFERENCES)
