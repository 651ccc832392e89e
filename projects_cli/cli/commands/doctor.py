"""`projects doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli import examining
from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def doctor(
    ctx: typer.Context,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what is certain; asks first, and can be undone.")] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="FINDING", help="Look for this only; repeat for more.")
    ] = None,
) -> None:
    """Find what is wrong with projects, tasks, models, indexes, the journal and the server.

    The exit status is 6 if there is an error or a warning, and 0 if there are only notes.

    docs/doctor.md says what each finding means, and what can be done about it.

    Example: projects doctor --fix --dry-run
    """
    examining.examine(ctx.obj, fix=fix, only=only or ())
