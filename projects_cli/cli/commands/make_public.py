"""`projects make-public`."""

from __future__ import annotations

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.options import Interactive, ProjectArguments

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def make_public(ctx: typer.Context, ids: ProjectArguments = None, interactive: Interactive = False) -> None:
    """Make projects visible to every company on the server. If one of them is refused, none is changed.

    Example: projects make-public nlp/ner
    """
    run(ctx.obj, "projects.make_public", {"ids": ids}, interactive=interactive)
