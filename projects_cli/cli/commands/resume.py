"""`projects resume`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.commands.undo import show_undone
from projects_cli.cli.flow import perform
from projects_cli.cli.options import OperationArgument
from projects_cli.messages import Plan, Response

if TYPE_CHECKING:
    from projects_cli.changes.records import Operation
    from projects_cli.cli.context import Context
    from projects_cli.cli.flow import Scope

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def resume(ctx: typer.Context, operation: OperationArgument = None) -> None:
    """Finish a change that was interrupted by a crash or by Ctrl-C.

    With the id of a run all its interrupted operations are finished, without an id the newest interrupted operation.

    Example: projects resume
    """
    show_undone(ctx.obj, perform(ctx.obj, Resumption(operation)))


@dataclass(frozen=True, slots=True)
class Resumption:
    """The end of interrupted operations: those with this id, or of the run with it, else the newest one."""

    identifier: str | None
    view: str = "operation"
    scope: Scope = "database"

    def plan(self, context: Context) -> Plan[Operation]:
        """Return the operations as the steps; no step if none was interrupted."""
        nothing = self.identifier is None and not context.unfinished[0]
        steps = [] if nothing else context.runner.undoing.resumable(self.identifier)
        name = "" if nothing else steps[0].id if len(steps) == 1 else steps[0].run
        kind = "operation" if len(steps) == 1 else "run"
        return Plan(
            endpoint=self.view,
            summary=f"resume {kind} {name}" if steps else "no interrupted operation",
            steps=steps,
            name=name,
        )

    def preview(self, context: Context, plan: Plan[Operation]) -> Response:
        """Return all that the operations are about."""
        if not plan.steps:
            return Response(self.view, {"operation": None}, notice=plan.summary)
        return context.runner.undoing.preview_resume(plan.steps)

    def apply(self, context: Context, plan: Plan[Operation]) -> Response:
        """Finish the operations. They are chosen again by their id once no other change can run."""
        return context.runner.resume(plan.name)
