"""`projects undo`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import perform, show
from projects_cli.cli.options import OperationArgument
from projects_cli.messages import Plan, Response

if TYPE_CHECKING:
    from projects_cli.changes.records import Operation
    from projects_cli.cli.context import Context
    from projects_cli.cli.flow import Scope

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def undo(
    ctx: typer.Context,
    operation: OperationArgument = None,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="Refuse if others changed any of it since.")
    ] = False,
) -> None:
    """Undo a change: the named operation, or your own newest one (asks first).

    What others changed since is left as it is and listed; the exit status is then 5.

    Example: projects undo --dry-run
    """
    show(ctx.obj, perform(ctx.obj, UndoChange(operation, all_or_nothing=all_or_nothing)))


@dataclass(frozen=True, slots=True)
class UndoChange:
    """The undo of an operation: the one with this id, else the caller's newest, which the user is asked about."""

    identifier: str | None
    all_or_nothing: bool
    view: str = "operation"
    scope: Scope = "database"

    def plan(self, context: Context) -> Plan[Operation]:
        """Return the operation as the only step."""
        from projects_cli.render import humanize

        operation = context.runner.undoing.chosen(self.identifier)
        age = humanize.time(operation.started, form="relative", now=datetime.now(UTC))
        origin = f"by {operation.by} on {operation.host}, {age}"
        return Plan(
            endpoint=self.view,
            summary=f"undo operation {operation.id}",
            steps=[operation],
            question="none" if self.identifier else "yes",
            name=operation.id,
            prompt=f"Undo operation {operation.id}: {operation.summary} ({origin})?",
            hint=f"name the operation: projects undo {operation.id}; or undo your newest one with --yes",
        )

    def preview(self, context: Context, plan: Plan[Operation]) -> Response:
        """Return what the undo would change, and what it would leave as it is."""
        return context.runner.undoing.preview(plan.steps[0])

    def apply(self, context: Context, plan: Plan[Operation]) -> Response:
        """Undo the operation. It is chosen again by its id once no other change can run."""
        return context.runner.undo(plan.steps[0].id, all_or_nothing=self.all_or_nothing)
