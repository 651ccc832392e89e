"""What `projects local` does; everything about the server itself is in the room `local`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.cli.flow import check_confirm, check_writable, confirm, expect, show, tell
from projects_cli.config.connection import database_uri
from projects_cli.errors import UsageError
from projects_cli.local import server
from projects_cli.messages import Response

if TYPE_CHECKING:
    from projects_cli.cli.context import Context


def start(context: Context) -> None:
    """Start the private server, and tell where it is."""
    expect(context, "local.status")
    if context.settings.dry_run:
        found = server.status(context.settings)
        words = "it runs already" if found["running"] else f"would start the private server in {found['folder']}"
        tell(context, words, Response("local.status", found))
        return
    server.ensure(context.settings)
    status(context)


def stop(context: Context) -> None:
    """Stop the private server."""
    expect(context, "local.stop")
    if context.settings.dry_run:
        running = server.status(context.settings)["running"]
        words = "would stop the private server; the data stay" if running else "it is not running"
        tell(context, words, Response("local.stop", {"stopped": False}))
        return
    stopped = server.stop(context.settings)
    words = "stopped; the data stay" if stopped else "it was not running"
    tell(context, words, Response("local.stop", {"stopped": stopped}))


def status(context: Context) -> None:
    """Tell whether it runs, and where."""
    expect(context, "local.status")
    show(context, Response("local.status", server.status(context.settings)))


def reset(context: Context) -> None:
    """Remove all data of the private database, after confirmation."""
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


def path(context: Context) -> None:
    """Print the folder of the private server."""
    expect(context, "local.path")
    show(context, Response("local.path", {"path": str(server.path(context.settings))}))


def sample(context: Context) -> None:
    """Load the sample into the private database; a site's database is never filled with it."""
    expect(context, "local.sample")
    if database_uri(context.settings) is not None:
        raise UsageError(
            "the sample goes into the private database only, and a URI is set",
            hint="unset what names it (see: projects config get uri)",
        )
    dry_run = context.settings.dry_run
    if not dry_run:
        check_writable(context, "local sample")
    from projects_cli.local.sample import load

    context.private_is_chosen = True
    done = load(context.connection, context.settings.company, dry_run=dry_run)
    answer = Response("local.sample", done)
    if dry_run:
        missing = (f"{done['missing'][name]} {name}s" for name in ("project", "task", "model"))
        tell(context, f"would add {', '.join(missing)}", answer)
    else:
        show(context, answer)
