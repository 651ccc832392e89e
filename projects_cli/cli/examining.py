"""What `projects doctor` does: look, mend where that was asked for, and show what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from projects_cli.cli import flow
from projects_cli.diagnosis.findings import KINDS
from projects_cli.errors import ExitStatus, OperationUnfinished, UsageError, did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projects_cli.cli.context import Context
    from projects_cli.diagnosis.doctor import Doctor
    from projects_cli.messages import Response

LOOKING = "looking at the database:"


def examine(context: Context, *, fix: bool, only: Sequence[str]) -> None:
    """Show what is wrong; with `fix` repair what can be repaired first, and show what is left.

    Raises:
        Exit: there is an error or a warning; notes alone are no failure.
        DatabaseRefused, DatabaseError, DatabaseTimeout, DatabaseUnavailable: what was asked for by name can't be looked
            at, or the documents can't.
    """
    flow.expect(context, "plan" if fix and context.settings.dry_run else "doctor")
    wanted = _wanted(only)
    if fix:
        flow.check_confirm(context, context.target.name)  # also if nothing will be fixed, or asked
    doctor = _doctor(context, changes=fix)
    mended = _mend(context, doctor, wanted) if fix else None
    if mended is not None and context.settings.dry_run:
        context.output.show(mended)
        return
    with context.console.waiting(LOOKING):
        found = doctor.store.connection.retry(lambda: doctor.examine(wanted))
    for skipped in found.findings.skipped:
        if only and mended is None:
            fault = found.findings.faults[skipped["name"]]
            raise type(fault)(f"{skipped['name']} can't be looked for: {skipped['why']}")
        context.console.warn(f"{skipped['name']} was not looked for: {skipped['why']}")
    context.output.show(found.response(**({} if mended is None else {"fixed": mended.data})))
    if mended is not None and mended.skipped:
        raise flow.partial_failure(mended)
    counts = found.findings.by_severity
    if counts:
        context.console.notice(f"found: {', '.join(_counted(count, name) for name, count in counts.items())}")
    if any(finding.fixable for finding in found.findings.found.values()):
        context.console.notice("to fix what can be fixed: projects doctor --fix (preview: --fix --dry-run)")
    if counts.keys() - {"note"}:
        raise typer.Exit(ExitStatus.FINDINGS)


def _counted(count: int, severity: str) -> str:
    return f"{count} {severity}{'s' if count > 1 else ''}"


def _wanted(only: Sequence[str]) -> frozenset[str]:
    """Give the kinds to look for.

    Raises:
        UsageError: there is no such kind.
    """
    for name in only:
        if name not in KINDS:
            hint = did_you_mean(nearest(name, KINDS), f"there are: {', '.join(KINDS)}")
            raise UsageError(f"--only: the doctor knows no finding {name!r}", hint=hint)
    return frozenset(only or KINDS)


def _doctor(context: Context, *, changes: bool) -> Doctor:
    from projects_cli.diagnosis.doctor import Doctor

    return Doctor(
        safety=context.runner,
        store=context.store if changes else context.reading,
        journal_database=None if context.settings.no_journal else context.settings.journal_db,
    )


def _mend(context: Context, doctor: Doctor, wanted: frozenset[str]) -> Response | None:
    """Mend what can be mended, or show how with `--dry-run`; None where there is nothing to do.

    Raises:
        OperationUnfinished: a change was stopped in the middle.
    """
    with context.console.waiting(LOOKING):
        plan = doctor.store.connection.retry(lambda: doctor.plan(wanted))
    if not plan.steps:
        context.console.notice("there is nothing that --fix can mend")
        return None
    if not context.settings.dry_run and not context.settings.read_only:
        for operation in context.interrupted:
            raise OperationUnfinished(
                f"operation {operation.id} was interrupted: {operation.summary}",
                hint=f"first finish it: projects resume {operation.id}; or undo it: projects undo {operation.id}",
            )
    return flow.change(context, plan, lambda: doctor.plan(wanted), ask=True)
