"""What `projects local` does; everything about the server itself is in the room `local`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.cli.dispatch import expect, show, tell
from projects_cli.config.connection import database_uri
from projects_cli.errors import UsageError
from projects_cli.local import server
from projects_cli.messages import Response

if TYPE_CHECKING:
    from projects_cli.cli.runtime import Runtime


def start(runtime: Runtime) -> None:
    """Start the private server, and tell where it is."""
    expect(runtime, "local.status")
    server.ensure(runtime.settings)
    status(runtime)


def stop(runtime: Runtime) -> None:
    """Stop the private server."""
    expect(runtime, "local.stop")
    stopped = server.stop(runtime.settings)
    words = "stopped; the data stay" if stopped else "it was not running"
    tell(runtime, words, Response("local.stop", {"stopped": stopped}))


def status(runtime: Runtime) -> None:
    """Tell whether it runs, and where."""
    expect(runtime, "local.status")
    show(runtime, Response("local.status", server.status(runtime.settings)))


def reset(runtime: Runtime) -> None:
    """Remove all its data, once the person has said yes."""
    expect(runtime, "local.reset")
    folder = server.status(runtime.settings)["data"]
    if runtime.settings["dry_run"]:
        words = f"would stop the private server and remove {folder}"
        tell(runtime, words, Response("local.reset", {"data": folder, "removed": False}))
        return
    if not runtime.settings["yes"]:
        runtime.console.ask(f"Remove all data of the private database, in {folder}?")
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
            hint="unset PROJECTS_MONGO_URI, --uri, --uri-file and the CLEARML_MONGODB_… variables",
        )
    from projects_cli.local.sample import load

    show(runtime, Response("local.sample", load(runtime.connection, runtime.settings["company"])))
