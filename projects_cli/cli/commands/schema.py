"""`projects schema`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.context import Context
from projects_cli.cli.flow import expect, show
from projects_cli.cli.registry import COMMANDS
from projects_cli.messages import Response

COMMAND_OF = {entry.endpoint: entry.name for entry in COMMANDS if entry.endpoint} | {"projects.get_all_ex": "list"}

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def schema(
    ctx: typer.Context,
    endpoint: Annotated[
        str | None, typer.Argument(metavar="[ENDPOINT]", help="Such as get_all. [default: all endpoints]")
    ] = None,
) -> None:
    """List the endpoints of the loaded schema, or show one of them; its JSON Schema with --json.

    With --api-version, versions that are newer are left out.

    Example: projects schema get_all
    """
    context: Context = ctx.obj
    if endpoint is None:
        expect(context, "schema")
        limit = context.settings.api_version
        endpoints = [
            {
                "endpoint": endpoint.name,
                "versions": list(versions),
                "command": COMMAND_OF.get(endpoint.name),
                "summary": endpoint.description if limit is None else endpoint.version(limit).description,
            }
            for endpoint in context.catalog.endpoints()
            if (versions := endpoint.up_to(limit))
        ]
        show(context, Response("schema", {"endpoints": endpoints}))
    else:
        _show_endpoint(context, endpoint)


def _show_endpoint(context: Context, endpoint: str) -> None:
    as_json = context.console.output == "json"
    expect(context, "schema.json" if as_json else "schema.endpoint")
    version = context.version(endpoint)
    head = {"endpoint": version.endpoint, "version": version.number, "description": version.description}
    # The whole schema for programs; a table of the parameters for users.
    if as_json:
        schemas = {"request": version.request_schema, "response": version.response_schema}
        show(context, Response("schema.json", {**head, **schemas}))
        return
    context.console.notice(f"{version.endpoint}, version {version.number}: {version.description}")
    rows = []
    for parameter in version.parameters:
        kind = f"list of {parameter.item_type}" if parameter.item_type else parameter.type
        rows.append(
            {
                "name": parameter.name,
                "type": kind if parameter.enum is None else f"{kind}: {', '.join(map(str, parameter.enum))}",
                "required": parameter.required,
                "default": parameter.default,
                "description": parameter.description,
            }
        )
    show(context, Response("schema.endpoint", {**head, "parameters": rows}))
