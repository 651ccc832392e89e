"""The commands about the journal: undo, resume, history, history prune."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from projects_cli.cli.flow import check_confirm, check_production, check_writable, confirm, expect, show, tell
from projects_cli.config.settings import parse_duration
from projects_cli.errors import ConfirmationNeeded, EmptyName, UsageError
from projects_cli.messages import Response

if TYPE_CHECKING:
    from projects_cli.changes.records import Operation
    from projects_cli.cli.context import Context

LONGEST = timedelta(days=36_500)
"""Older than any journal, and still a date when it is subtracted from today."""


def undo(context: Context, operation: str | None, *, all_or_nothing: bool) -> None:
    """Undo an operation, or show what that would do.

    Raises:
        ConfirmationNeeded: none was named, and there is no terminal to ask on. Declined: the user declined.
        PartialFailure: what others changed since was left as it is.
    """
    expect(context, "operation")
    undoing = context.runner.undoing
    if not context.settings.dry_run:
        check_writable(context, "undo")
    chosen = undoing.chosen(operation)
    check_confirm(context, chosen.id)
    if context.settings.dry_run:
        show(context, undoing.preview(chosen))
        return
    if operation is None:
        _agree_to_undo(context, chosen)
    else:
        check_production(context)
    show(context, context.runner.undo(chosen, all_or_nothing=all_or_nothing))


def _agree_to_undo(context: Context, operation: Operation) -> None:
    """Ask whether the caller's newest operation is the one that is meant."""
    from projects_cli.render import humanize

    age = humanize.time(operation.started, form="relative", now=datetime.now(UTC))
    what = f"operation {operation.id}: {operation.summary} (by {operation.by} on {operation.host}, {age})"
    try:
        confirm(context, f"Undo {what}?", name=operation.id)
    except ConfirmationNeeded as error:
        error.hint = (
            error.hint
            if context.settings.yes
            else (f"name the operation: projects undo {operation.id}; or undo your newest one with --yes")
        )
        raise


def resume(context: Context, operation: str | None) -> None:
    """Finish an interrupted operation."""
    expect(context, "operation")
    if not context.settings.dry_run:
        check_writable(context, "resume")
    if operation is None and not context.interrupted:
        tell(context, "no interrupted operation", Response("operation", {"operation": None}))
        return
    if context.settings.dry_run:
        show(context, context.runner.undoing.preview_resume(operation))
        return
    check_production(context)
    show(context, context.runner.resume(operation))


def history(context: Context, *, project: str | None, since: str | None, by: str | None) -> None:
    """Show the journal, or what of it passes the filters."""
    expect(context, "history")
    age = None if since is None else _age(since, "--since")
    if project == "":
        raise EmptyName("an empty name names no project")
    show(context, context.runner.operations.history(project=project, since=age, by=by))


def prune(context: Context, older_than: str) -> None:
    """Remove older operations from the journal, once the user has agreed: that can't be undone."""
    expect(context, "history.prune")
    age = _age(older_than, "--older-than")
    dry_run = context.settings.dry_run
    if not dry_run:
        check_writable(context, "history prune")
    operations = context.runner.operations
    before = operations.now() - age
    found = operations.prunable(before)
    if not dry_run:
        _agree_to_prune(context, len(found), older_than)
    pruned = 0 if dry_run else operations.prune(found, before)
    show(context, Response("history.prune", {"pruned": pruned, "found": len(found)}))


def _agree_to_prune(context: Context, count: int, older_than: str) -> None:
    """Ask whether old operations may be removed, unless that was answered in advance; there may be none."""
    database = context.target.name
    check_confirm(context, database)
    if count:
        what = "1 operation" if count == 1 else f"{count} operations"
        confirm(
            context,
            f"Remove {what} older than {older_than} from the journal of {database!r}? "
            "Removed operations can't be undone, and history does not show them.",
            name=database,
        )


def _age(text: str, option: str) -> timedelta:
    try:
        return timedelta(seconds=min(parse_duration(text), LONGEST.total_seconds()))
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error
