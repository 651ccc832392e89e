"""`projects local`: the private database. Everything about the server itself is in the package `local`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from projects_cli.cli.app import GroupedCommand, command_group
from projects_cli.cli.flow import expect, perform, show
from projects_cli.errors import UsageError
from projects_cli.local import server
from projects_cli.local.paths import server_paths
from projects_cli.messages import Plan, Response

if TYPE_CHECKING:
    from projects_cli.cli.context import Context
    from projects_cli.cli.flow import Scope

app = command_group(
    "Start, stop and inspect the private database: your own mongod on a private socket.\n\n"
    "Example: projects local sample"
)


@app.command(cls=GroupedCommand)
def start(ctx: typer.Context) -> None:
    """Start the server. Every command that needs it starts it too.

    Example: projects local start
    """
    show(ctx.obj, perform(ctx.obj, Start()))


@app.command(cls=GroupedCommand)
def stop(ctx: typer.Context) -> None:
    """Stop the server. Its data are kept.

    Example: projects local stop
    """
    show(ctx.obj, perform(ctx.obj, Stop()))


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
    show(ctx.obj, perform(ctx.obj, Reset()))


@app.command(cls=GroupedCommand)
def path(ctx: typer.Context) -> None:
    """Print the folder of the server.

    Example: projects local path
    """
    context: Context = ctx.obj
    expect(context, "local.path")
    show(context, Response("local.path", {"path": str(server_paths(context.settings).folder)}))


@app.command(cls=GroupedCommand)
def sample(ctx: typer.Context) -> None:
    """Load about 60 sample projects with 400 tasks and 60 models into the private database.

    Example: projects local sample
    """
    show(ctx.obj, perform(ctx.obj, LoadSample()))


# --- changes ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """The start of the server."""

    view: str = "local.status"
    scope: Scope = "files"

    def plan(self, context: Context) -> Plan[str]:
        """Return the folder of the server as the only step."""
        return Plan(self.view, "start the private server", [str(server_paths(context.settings).folder)])

    def preview(self, context: Context, _: Plan[str]) -> Response:
        """Return the state of the server."""
        state = server.status(context.settings)
        # `perform` calls this for a dry run alone: the plan always has a step.
        notice = "already running" if state["running"] else f"would start the private server in {state['folder']}"
        return Response(self.view, state, notice=notice)

    def apply(self, context: Context, _: Plan[str]) -> Response:
        """Start the server unless it runs."""
        server.ensure(context.settings)
        return Response(self.view, server.status(context.settings))


@dataclass(frozen=True, slots=True)
class Stop:
    """The end of the server."""

    view: str = "local.stop"
    scope: Scope = "files"

    def plan(self, context: Context) -> Plan[str]:
        """Return the folder of the server as the only step."""
        return Plan(self.view, "stop the private server", [str(server_paths(context.settings).folder)])

    def preview(self, context: Context, _: Plan[str]) -> Response:
        """Return that nothing was stopped."""
        running = server.status(context.settings)["running"]
        notice = "would stop the private server; its data are kept" if running else "not running"
        return Response(self.view, {"stopped": False}, notice=notice)

    def apply(self, context: Context, _: Plan[str]) -> Response:
        """Stop the server if it runs."""
        stopped = server.stop(context.settings)
        notice = "stopped; the data are kept" if stopped else "was not running"
        return Response(self.view, {"stopped": stopped}, notice=notice)


@dataclass(frozen=True, slots=True)
class Reset:
    """The removal of all data of the private database."""

    view: str = "local.reset"
    scope: Scope = "database"

    def plan(self, context: Context) -> Plan[str]:
        """Return the folder of the data as the only step."""
        folder = str(server.status(context.settings)["data"])
        return Plan(
            self.view,
            "remove all data of the private database",
            [folder],
            question="yes",
            name=folder,
            prompt=f"Remove all data of the private database, in {folder}?",
        )

    def preview(self, _: Context, plan: Plan[str]) -> Response:
        """Return that nothing was removed."""
        (folder,) = plan.steps
        notice = f"would stop the private server and remove {folder}"
        return Response(self.view, {"data": folder, "removed": False}, notice=notice)

    def apply(self, context: Context, plan: Plan[str]) -> Response:
        """Stop the server, and remove the data."""
        (folder,) = plan.steps
        server.stop(context.settings, remove_data=True)
        return Response(self.view, {"data": folder, "removed": True}, notice=f"removed {folder}")


@dataclass(frozen=True, slots=True)
class LoadSample:
    """The insertion of the sample into the private database, never into a server's."""

    view: str = "local.sample"
    scope: Scope = "database"

    def plan(self, context: Context) -> Plan[str]:
        """Return the folder of the server as the only step.

        Raises:
            UsageError: the settings name another database. NoPrivateServer: this system has no private one.
        """
        # Sample projects in the database of a site would be lost among real ones.
        if context.target.uri is not None:
            raise UsageError(
                "the sample can only be loaded into the private database, but a URI is set",
                hint="unset the URI (to find its origin: projects config get uri)",
            )
        return Plan(self.view, "load the sample", [str(server_paths(context.settings).folder)])

    def preview(self, context: Context, _: Plan[str]) -> Response:
        """Return how many documents are missing."""
        counts = self._load(context, dry_run=True)
        missing = (f"{counts['missing'][name]} {name}s" for name in ("project", "task", "model"))
        return Response(self.view, counts, notice=f"would add {', '.join(missing)}")

    def apply(self, context: Context, _: Plan[str]) -> Response:
        """Insert the documents that are missing."""
        return Response(self.view, self._load(context, dry_run=False))

    def _load(self, context: Context, *, dry_run: bool) -> dict[str, dict[str, int]]:
        from projects_cli.local.sample import load

        # The user has named the private database with this very command.
        context.private_is_chosen = True
        return load(context.connection, context.settings.company, dry_run=dry_run)
