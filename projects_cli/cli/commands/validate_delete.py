"""`projects validate-delete`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import answer, request_of, show
from projects_cli.cli.options import Interactive, ProjectArgument

if TYPE_CHECKING:
    from projects_cli.cli.context import Context

ENDPOINT = "projects.validate_delete"
VIEW = "validate-delete"

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def validate_delete(ctx: typer.Context, project: ProjectArgument = None, interactive: Interactive = False) -> None:
    """List what keeps a project from being deleted without --force.

    Each row is a pipeline, a dataset or a project with contents that are not archived, hidden ones too, and
    the command that clears it. JSON has the number of tasks, models and reports as well.

    Example: projects validate-delete vision/detection
    """
    context: Context = ctx.obj
    request = request_of(context, ENDPOINT, {"project": project}, interactive=interactive, view=VIEW)
    response = answer(context, request)
    from projects_cli.endpoints.deletion import blockers

    store = context.store_for(ENDPOINT)
    rows = store.connection.retry(lambda: blockers(request.params["project"], store))
    show(context, response._replace(data={**response.data, "blockers": rows}, view=VIEW))
