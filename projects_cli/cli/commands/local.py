"""`projects local`: the private database. Everything about the server itself is in the package `local`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from projects_cli.cli.app import GroupedCommand, command_group
from projects_cli.cli.flow import check_confirm, check_writable, confirm, expect, show, tell
from projects_cli.config.connection import database_uri
from projects_cli.errors import UsageError
from projects_cli.local import server
from projects_cli.messages import Response

if TYPE_CHECKING:
    from projects_cli.cli.context import Context

app = command_group(
    "Start, stop and inspect the private database: your own mongod on a private socket.\n\n"
    "Example: projects local sample"
)


@app.command(cls=GroupedCommand)
def start(ctx: typer.Context) -> None:
    """Start the server. Every command that needs it starts it too.

    Example: projects local start
    """
    context: Context = ctx.obj
    expect(context, "local.status")
    if context.settings.dry_run:
        state = server.status(context.settings)
        words = "already running" if state["running"] else f"would start the private server in {state['folder']}"
        tell(context, words, Response("local.status", state))
        return
    server.ensure(context.settings)
    show(context, Response("local.status", server.status(context.settings)))


@app.command(cls=GroupedCommand)
def stop(ctx: typer.Context) -> None:
    """Stop the server. Its data are kept.

    Example: projects local stop
    """
    context: Context = ctx.obj
    expect(context, "local.stop")
    if context.settings.dry_run:
        running = server.status(context.settings)["running"]
        words = "would stop the private server; its data are kept" if running else "not running"
        tell(context, words, Response("local.stop", {"stopped": False}))
        return
    stopped = server.stop(context.settings)
    words = "stopped; the data are kept" if stopped else "was not running"
    tell(context, words, Response("local.stop", {"stopped": stopped}))


@app.command(cls=GroupedCommand)
def status(ctx: typer.Context) -> None:
    """Show whether the server runs, its folder, and when it stops by itself.

    Example: projects local status
    """
    context: Context = ctx.obj
    expect(context, "local.status")
    show(context, Response("local.status", server.status(context.settings)))


@app.command(cls=GroupedCommand)
def reset(ctx: typer.Context) -> None:
    """Stop the server and remove all its data. Asks first.

    Example: projects local reset
    """
    context: Context = ctx.obj
    expect(context, "local.reset")
    folder = server.status(context.settings)["data"]
    check_confirm(context, folder)
    if context.settings.dry_run:
        words = f"would stop the private server and remove {folder}"
        tell(context, words, Response("local.reset", {"data": folder, "removed": False}))
        return
    check_writable(context, "local reset")
    confirm(context, f"Remove all data of the private database, in {folder}?", name=folder)
    server.reset(context.settings)
    tell(context, f"removed {folder}", Response("local.reset", {"data": folder, "removed": True}))


@app.command(cls=GroupedCommand)
def path(ctx: typer.Context) -> None:
    """Print the folder of the server.

    Example: projects local path
    """
    context: Context = ctx.obj
    expect(context, "local.path")
    show(context, Response("local.path", {"path": str(server.path(context.settings))}))


@app.command(cls=GroupedCommand)
def sample(ctx: typer.Context) -> None:
    """Load about 60 sample projects with 400 tasks and 60 models into the private database.

    Example: projects local sample
    """
    context: Context = ctx.obj
    expect(context, "local.sample")
    if database_uri(context.settings) is not None:
        raise UsageError(
            "the sample can only be loaded into the private database, but a URI is set",
            hint="unset the URI (to find its origin: projects config get uri)",
        )
    dry_run = context.settings.dry_run
    if not dry_run:
        check_writable(context, "local sample")
    from projects_cli.local.sample import load

    context.private_is_chosen = True
    counts = load(context.connection, context.settings.company, dry_run=dry_run)
    answer = Response("local.sample", counts)
    if dry_run:
        missing = (f"{counts['missing'][name]} {name}s" for name in ("project", "task", "model"))
        tell(context, f"would add {', '.join(missing)}", answer)
    else:
        show(context, answer)
