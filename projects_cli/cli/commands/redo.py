"""`projects redo`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.commands.undo import plan_of
from projects_cli.cli.flow import perform, show
from projects_cli.cli.options import OperationArgument

if TYPE_CHECKING:
    from projects_cli.changes.records import Operation
    from projects_cli.cli.context import Context
    from projects_cli.cli.flow import Scope
    from projects_cli.messages import Plan, Response

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def redo(ctx: typer.Context, identifier: OperationArgument = None) -> None:
    """Do an undone run or operation again: the named one, or what you undid last (asks first).

    It is refused, as a whole, if others have changed since what it would change.

    Example: projects redo --dry-run
    """
    show(ctx.obj, perform(ctx.obj, Redo(identifier)))


@dataclass(frozen=True, slots=True)
class Redo:
    """The redo of what has this id, else of what the caller undid last, which the user is asked about."""

    identifier: str | None
    view: str = "operation"
    scope: Scope = "database"

    def plan(self, context: Context) -> Plan[Operation]:
        """Return the operations as the steps, the oldest first."""
        operations = context.runner.undoing.redoable(self.identifier)
        return plan_of("redo", self.identifier, operations, "redo what you undid last")

    def preview(self, context: Context, plan: Plan[Operation]) -> Response:
        """Return all that the operations are about."""
        return context.runner.undoing.preview_redo(plan.steps)

    def apply(self, context: Context, plan: Plan[Operation]) -> Response:
        """Do the operations again. They are chosen again by their id once no other change can run."""
        return context.runner.redo(plan.name)
