"""What `projects schema` shows: the loaded schema's endpoints, or one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.cli.flow import expect, show
from projects_cli.cli.registry import COMMANDS
from projects_cli.messages import Response

if TYPE_CHECKING:
    from projects_cli.cli.context import Context
    from projects_cli.schema.model import Parameter

COMMAND_OF = {entry.endpoint: entry.name for entry in COMMANDS if entry.endpoint} | {"projects.get_all_ex": "list"}


def describe(context: Context, endpoint: str | None) -> None:
    """Show all endpoints, or one."""
    expect(context, "schema" if endpoint is None else _look_of_one(context))
    show(context, _all(context) if endpoint is None else _one(context, endpoint))


def _look_of_one(context: Context) -> str:
    return "schema.json" if context.console.output == "json" else "schema.endpoint"


def _all(context: Context) -> Response:
    rows = [
        {
            "endpoint": endpoint.name,
            "versions": list(endpoint.versions),
            "command": COMMAND_OF.get(endpoint.name),
            "summary": endpoint.description,
        }
        for endpoint in context.catalog.endpoints()
    ]
    return Response("schema", {"endpoints": rows})


def _one(context: Context, endpoint: str) -> Response:
    version = context.version(endpoint)
    head = {"endpoint": version.endpoint, "version": version.number, "description": version.description}
    if context.console.output == "json":
        return Response("schema.json", {**head, "request": version.request_schema, "response": version.response_schema})
    context.console.notice(f"{version.endpoint}, version {version.number}: {version.description}")
    rows = [_record(parameter) for parameter in version.parameters]
    return Response("schema.endpoint", {**head, "parameters": rows})


def _record(parameter: Parameter) -> dict[str, Any]:
    kind = f"list of {parameter.item_type}" if parameter.item_type else parameter.type
    return {
        "name": parameter.name,
        "type": kind if parameter.enum is None else f"{kind}: {', '.join(map(str, parameter.enum))}",
        "required": parameter.required,
        "default": parameter.default,
        "description": parameter.description,
    }
