"""What `projects local` does; everything about the server itself is in the room `local`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.cli.dispatch import check_confirm, check_writable, confirm, expect, show, tell
from projects_cli.config.connection import database_uri
from projects_cli.errors import UsageError
from projects_cli.local import server
from projects_cli.messages import Response

if TYPE_CHECKING:
    from projects_cli.cli.runtime import Runtime


def start(runtime: Runtime) -> None:
    """Start the private server, and tell where it is."""
    expect(runtime, "local.status")
    if runtime.settings["dry_run"]:
        found = server.status(runtime.settings)
        words = "it runs already" if found["running"] else f"would start the private server in {found['folder']}"
        tell(runtime, words, Response("local.status", found))
        return
    server.ensure(runtime.settings)
    status(runtime)


def stop(runtime: Runtime) -> None:
    """Stop the private server."""
    expect(runtime, "local.stop")
    if runtime.settings["dry_run"]:
        running = server.status(runtime.settings)["running"]
        words = "would stop the private server; the data stay" if running else "it is not running"
        tell(runtime, words, Response("local.stop", {"stopped": False}))
        return
    stopped = server.stop(runtime.settings)
    words = "stopped; the data stay" if stopped else "it was not running"
    tell(runtime, words, Response("local.stop", {"stopped": stopped}))


def status(runtime: Runtime) -> None:
    """Tell whether it runs, and where."""
    expect(runtime, "local.status")
    show(runtime, Response("local.status", server.status(runtime.settings)))


def reset(runtime: Runtime) -> None:
    """Remove all data of the private database, after confirmation."""
    expect(runtime, "local.reset")
    folder = server.status(runtime.settings)["data"]
    check_confirm(runtime, folder)
    if runtime.settings["dry_run"]:
        words = f"would stop the private server and remove {folder}"
        tell(runtime, words, Response("local.reset", {"data": folder, "removed": False}))
        return
    check_writable(runtime, "local reset")
    confirm(runtime, f"Remove all data of the private database, in {folder}?", name=folder)
    server.reset(runtime.settings)
    tell(runtime, f"removed {folder}", Response("local.reset", {"data": folder, "removed": True}))


def path(runtime: Runtime) -> None:
    """Print the folder of the private server."""
    expect(runtime, "local.path")
    show(runtime, Response("local.path", {"path": str(server.path(runtime.settings))}))


def sample(runtime: Runtime) -> None:
    """Load the sample into the private database; a site's database is never filled with it."""
    expect(runtime, "local.sample")
    if database_uri(runtime.settings) is not None:
        raise UsageError(
            "the sample goes into the private database only, and a URI is set",
            hint="unset what names it (see: projects config get uri)",
        )
    dry_run = runtime.settings["dry_run"]
    if not dry_run:
        check_writable(runtime, "local sample")
    from projects_cli.local.sample import load

    runtime.private_is_chosen = True
    done = load(runtime.connection, runtime.settings["company"], dry_run=dry_run)
    answer = Response("local.sample", done)
    if dry_run:
        missing = (f"{done['missing'][name]} {name}s" for name in ("project", "task", "model"))
        tell(runtime, f"would add {', '.join(missing)}", answer)
    else:
        show(runtime, answer)
