"""What the commands about the journal do: undo, resume, history."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from projects_cli.cli.dispatch import check_production, check_writable, expect, show, tell
from projects_cli.config.values import duration
from projects_cli.errors import EmptyName, UsageError
from projects_cli.messages import Response

if TYPE_CHECKING:
    from datetime import datetime

    from projects_cli.cli.runtime import Runtime

LONGEST = timedelta(days=36_500)
"""Older than any journal, and still a date when it is taken from today."""


def undo(runtime: Runtime, operation: str | None) -> None:
    """Take an operation back, or show what that would do."""
    expect(runtime, "operation")
    if runtime.settings["dry_run"]:
        show(runtime, runtime.safety.operations.what_undo_would_do(operation))
        return
    check_writable(runtime, "undo")
    check_production(runtime)
    show(runtime, runtime.safety.undo(operation))


def resume(runtime: Runtime, operation: str | None) -> None:
    """Finish an interrupted operation."""
    expect(runtime, "operation")
    if not runtime.settings["dry_run"]:
        check_writable(runtime, "resume")
    if operation is None and not runtime.interrupted:
        tell(runtime, "nothing was stopped in the middle", Response("operation", {"operation": None}))
        return
    if runtime.settings["dry_run"]:
        show(runtime, runtime.safety.operations.what_resume_would_do(operation))
        return
    check_production(runtime)
    show(runtime, runtime.safety.resume(operation))


def history(runtime: Runtime, *, project: str | None, since: str | None, by: str | None) -> None:
    """Show the journal, or what of it passes the filters."""
    expect(runtime, "history")
    age = None if since is None else _age(since, "--since")
    if project == "":
        raise EmptyName("an empty name names no project")
    show(runtime, runtime.safety.operations.history(project=project, since=age, by=by))


def prune(runtime: Runtime, older_than: str) -> None:
    """Forget what is older, once the person has said yes: it can't be taken back."""
    expect(runtime, "history.prune")
    age = _age(older_than, "--older-than")
    dry_run = runtime.settings["dry_run"]
    if not dry_run:
        check_writable(runtime, "history prune")
    operations = runtime.safety.operations
    before = operations.clock() - age
    if not dry_run:
        _agree_to_prune(runtime, before, older_than)
    show(runtime, operations.prune(before, dry_run=dry_run))


def _agree_to_prune(runtime: Runtime, before: datetime, older_than: str) -> None:
    """See that somebody agrees who was asked or said so before; where nothing is that old there is no question."""
    if runtime.settings["yes"]:
        check_production(runtime)
        return
    found = runtime.safety.operations.prune(before, dry_run=True).data["found"]
    if found:
        what = "the one change" if found == 1 else f"the {found} changes"
        it, them = ("it", "it") if found == 1 else ("they", "them")
        runtime.console.ask(
            f"Forget {what} older than {older_than} in {runtime.settings['database']!r}? "
            f"After that {it} can't be undone, and history does not show {them}."
        )


def _age(text: str, option: str) -> timedelta:
    try:
        return timedelta(seconds=min(duration(text), LONGEST.total_seconds()))
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error
