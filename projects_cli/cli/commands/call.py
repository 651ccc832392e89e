"""`projects call`."""

from __future__ import annotations

from codecs import BOM_UTF8
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import expect, read
from projects_cli.cli.request import (
    WITH_OWNER,
    build_request,
    input_error,
    nothing_to_do,
    parse_json,
    read_within,
    stdin_bytes,
)
from projects_cli.errors import UsageError
from projects_cli.messages import Response
from projects_cli.render.encode import dumps
from projects_cli.render.views import VIEWS

if TYPE_CHECKING:
    from projects_cli.cli.context import Context

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def call(
    ctx: typer.Context,
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="Such as projects.get_all, or get_all.")],
    data: Annotated[
        str | None, typer.Option("--data", metavar="JSON|@FILE|-", help="The request. [default: {}]")
    ] = None,
    skeleton: Annotated[bool, typer.Option("--skeleton", help="Print a request to fill in.")] = False,
) -> None:
    """Call any endpoint of the loaded schema with a JSON request, and print its response. Asks nothing.

    Example: projects call projects.get_all --data '{"name": "^vision/"}' --json
    """
    context: Context = ctx.obj
    version = context.version(endpoint)
    if skeleton:
        context.streams.data.write(dumps(version.skeleton(), pretty=True) + "\n")
        return
    # `create` alone stores an owner; for any other endpoint the option would have no effect.
    if "user" in context.flags and version.endpoint not in WITH_OWNER:
        raise UsageError(f"{version.endpoint} does not use --user", hint="leave --user out; used by: projects.create")
    params: Any = {} if data is None else parse_json(_text(context, data))
    # Statistics have columns of their own.
    with_statistics = isinstance(params, dict) and params.get("include_stats") is True
    view = f"{version.endpoint} statistics" if with_statistics else version.endpoint
    expect(context, view if view in VIEWS else "raw")
    read(context, build_request(context, version, version.validate(params)), ask=False)


def _text(context: Context, data: str) -> bytes:
    """Return the value of `--data`: itself, the content of a file (`@FILE`), or standard input (`-`)."""
    if data == "-":
        text = read_within(stdin_bytes(context).read, "standard input")
        if not text.removeprefix(BOM_UTF8).strip():
            nothing_to_do(context, Response("raw", {}))
        return text
    if not data.startswith("@"):
        # Lone surrogates are refused with the rest of the JSON, with their place.
        return data.encode("utf-8", "surrogatepass")
    try:
        with Path(data[1:]).open("rb") as file:
            return read_within(file.read, f"--data {data}")
    except (OSError, ValueError) as error:
        raise input_error(f"--data {data}", error) from error
