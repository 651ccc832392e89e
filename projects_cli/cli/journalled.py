"""What the commands about the journal do: undo, resume, history."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from projects_cli.cli.dispatch import check_writable, expect, show, tell
from projects_cli.config.values import duration
from projects_cli.errors import UsageError
from projects_cli.messages import Response

if TYPE_CHECKING:
    from projects_cli.cli.runtime import Runtime


def undo(runtime: Runtime, operation: str | None) -> None:
    """Take an operation back, or show what that would do."""
    expect(runtime, "operation")
    if runtime.settings["dry_run"]:
        show(runtime, runtime.safety.operations.what_undo_would_do(operation))
        return
    check_writable(runtime, "undo")
    show(runtime, runtime.safety.undo(operation))


def resume(runtime: Runtime, operation: str | None) -> None:
    """Finish an interrupted operation."""
    expect(runtime, "operation")
    check_writable(runtime, "resume")
    if operation is None and not runtime.interrupted:
        tell(runtime, "nothing was stopped in the middle", Response("operation", {"operation": None}))
        return
    if runtime.settings["dry_run"]:
        show(runtime, runtime.safety.operations.what_resume_would_do(operation))
        return
    show(runtime, runtime.safety.resume(operation))


def history(runtime: Runtime, *, project: str | None, since: str | None, by: str | None) -> None:
    """Show the journal."""
    expect(runtime, "history")
    age = None if since is None else _age(since, "--since")
    show(runtime, runtime.safety.operations.history(project=project, since=age, by=by))


def prune(runtime: Runtime, older_than: str) -> None:
    """Forget what is older."""
    expect(runtime, "history.prune")
    age = _age(older_than, "--older-than")
    check_writable(runtime, "history prune")
    show(runtime, runtime.safety.operations.prune(age, dry_run=runtime.settings["dry_run"]))


def _age(text: str, option: str) -> timedelta:
    try:
        return timedelta(seconds=duration(text))
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option}: {error}") from error
