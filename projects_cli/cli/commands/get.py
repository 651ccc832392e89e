"""`projects get`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import answer, request_of, show
from projects_cli.cli.options import Interactive, ProjectArgument, Web
from projects_cli.messages import Response

if TYPE_CHECKING:
    from projects_cli.cli.context import Context

DETAILS = frozenset({"owner", "parent_name", "tasks", "models", "sub_projects", "runtime", "last_run", "last_activity"})
"""Fields that a table adds to those of the service, and other formats if `--fields` names them."""

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def get(
    ctx: typer.Context, project: ProjectArgument = None, interactive: Interactive = False, web: Web = False
) -> None:
    """Show a project: its fields, owner, contents and last activity.

    Example: projects get vision/detection

    Tasks, models and the last activity include those of sub-projects. Internal fields are shown with -o wide. Other
    formats have the fields that the service returns, and the counts if --fields names them: --fields name,tasks.total
    """
    context: Context = ctx.obj
    arguments = {"project": project}
    if web:
        from projects_cli.cli.web import address, web_url

        url = web_url(context)
        request = request_of(context, "projects.get_by_id", arguments, interactive=interactive, view="address")
        stored = answer(context, request).data["project"]
        data = {"id": stored["id"], "name": stored.get("name"), "web": address(url, stored["id"])}
        show(context, Response("address", data))
        return
    request = request_of(context, "projects.get_by_id", arguments, interactive=interactive)
    response = answer(context, request)
    fields = {field.partition(".")[0] for field in context.settings.fields or ()}
    # The service does not have the details: they are read only if they are shown.
    if fields & DETAILS or context.output.is_plain_table:
        from projects_cli.inspection.overview import details

        stored, store = response.data["project"], context.reading
        with context.console.waiting("asking the database:"):
            added = store.connection.retry(lambda: details(stored, store, request.now))
        response = response._replace(data={"project": stored | added})
    show(context, response)
