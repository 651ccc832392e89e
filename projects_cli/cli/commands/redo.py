"""`projects redo`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.commands.undo import origin
from projects_cli.cli.flow import perform, show
from projects_cli.cli.options import OperationArgument
from projects_cli.messages import Plan, Response

if TYPE_CHECKING:
    from projects_cli.changes.records import Operation
    from projects_cli.cli.context import Context
    from projects_cli.cli.flow import Scope

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
        from projects_cli.changes.undo import title

        operations = context.runner.undoing.redoable(self.identifier)
        first = operations[0]
        name = self.identifier or (first.id if len(operations) == 1 else first.run)
        kind = "operation" if len(operations) == 1 else "run"
        return Plan(
            endpoint=self.view,
            summary=f"redo {kind} {name}",
            steps=operations,
            question="none" if self.identifier else "yes",
            name=name,
            prompt=f"Redo {kind} {title(operations)} ({origin(first)})?",
            hint=f"name the {kind}: projects redo {name}; or redo what you undid last with --yes",
        )

    def preview(self, context: Context, plan: Plan[Operation]) -> Response:
        """Return all that the operations are about."""
        return context.runner.undoing.preview_redo(plan.steps)

    def apply(self, context: Context, plan: Plan[Operation]) -> Response:
        """Do the operations again. They are chosen again by their id once no other change can run."""
        return context.runner.redo(plan.name)
