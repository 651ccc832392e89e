"""`projects undo`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import perform, show
from projects_cli.cli.options import OperationArgument
from projects_cli.errors import PartialFailure
from projects_cli.messages import Plan, Response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projects_cli.changes.records import Operation
    from projects_cli.cli.context import Context
    from projects_cli.cli.flow import Scope

REASONS = 20
"""Documents that a dry run names at most on standard error."""

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def undo(
    ctx: typer.Context,
    identifier: OperationArgument = None,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="Refuse if others changed any of it since.")
    ] = False,
) -> None:
    """Undo a run or an operation: the named one, or your own newest run (asks first).

    All changes of one command are a run. What others changed since is left as it is and listed; the exit status is
    then 5. The same undo restores it later, once nothing is in its way.

    Example: projects undo --dry-run
    """
    show_undone(ctx.obj, perform(ctx.obj, UndoChange(identifier, all_or_nothing=all_or_nothing)))


def show_undone(context: Context, response: Response) -> None:
    """Print what became of undone or resumed operations.

    Raises:
        PartialFailure: documents were left as they are. The hint says how the rest is undone later.
    """
    try:
        show(context, response)
    except PartialFailure as error:
        if response.data.get("state") != "done":
            identifier = response.data.get("operation", response.data["run"])
            error.hint = f"once nothing is in the way any more, undo the rest: projects undo {identifier}"
        raise


@dataclass(frozen=True, slots=True)
class UndoChange:
    """The undo of what has this id, else of the caller's newest run, which the user is asked about."""

    identifier: str | None
    all_or_nothing: bool
    view: str = "operation"
    scope: Scope = "database"

    def plan(self, context: Context) -> Plan[Operation]:
        """Return the operations as the steps, the newest first."""
        operations = context.runner.undoing.chosen(self.identifier)
        theirs = None if self.identifier else context.runner.operations.of_others_since(operations[0])
        notes = [] if theirs is None else [f"there is a newer change by another user: {described(theirs)}"]
        return replace(plan_of("undo", self.identifier, operations, "undo your newest one"), notes=notes)

    def preview(self, context: Context, plan: Plan[Operation]) -> Response:
        """Return what the undo would change, and print what it would leave as it is.

        Raises:
            CannotUndo: that is something, although all or nothing is to be undone.
        """
        response = context.runner.undoing.preview(plan.steps)
        skipped = response.data["skipped"]
        if skipped and self.all_or_nothing:
            context.runner.undoing.check_all(plan.steps)  # raises the error of the real undo
        for document in skipped[:REASONS]:
            context.console.notice(f"stays as it is: {document['name']} ({document['id']}): {document['why']}")
        if rest := len(skipped[REASONS:]):
            context.console.notice(f"and {rest} more, which --json lists")
        return response

    def apply(self, context: Context, plan: Plan[Operation]) -> Response:
        """Undo the operations. They are chosen again by their id once no other change can run."""
        return context.runner.undo(plan.name, all_or_nothing=self.all_or_nothing)


def plan_of(verb: str, identifier: str | None, operations: Sequence[Operation], otherwise: str) -> Plan[Operation]:
    """Return the plan of an undo or a redo, which the user is asked about if there is no identifier.

    The first operation gives the run its origin. `otherwise` is what --yes does.
    """
    from projects_cli.changes.undo import title

    first = operations[0]
    kind, own_name = ("operation", first.id) if len(operations) == 1 else ("run", first.run)
    name = identifier or own_name
    return Plan(
        endpoint="operation",
        summary=f"{verb} {kind} {name}",
        steps=operations,
        question="none" if identifier else "yes",
        name=name,
        prompt=f"{verb.capitalize()} {kind} {title(operations)} ({origin(first)})?",
        hint=f"name the {kind}: projects {verb} {name}; or {otherwise} with --yes",
    )


def origin(operation: Operation) -> str:
    """Return who made a change, where, and how long ago."""
    from projects_cli.render import humanize

    age = humanize.time(operation.started, form="relative", now=datetime.now(UTC))
    return f"by {operation.by} on {operation.host}, {age}"


def described(operation: Operation) -> str:
    """Return an operation with its run and its origin, on one line."""
    return f"{operation.run}: {operation.summary} ({origin(operation)})"
