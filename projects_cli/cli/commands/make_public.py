"""`projects make-public`."""

from __future__ import annotations

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.options import Interactive, ProjectArguments

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def make_public(ctx: typer.Context, ids: ProjectArguments = None, interactive: Interactive = False) -> None:
    """Let every company on the server see projects: all of those named, or none.

    Example: projects make-public nlp/ner
    """
    run(ctx.obj, "projects.make_public", {"ids": ids}, interactive=interactive)
