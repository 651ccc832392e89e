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
    from projects_cli.diagnosis.doctor import Diagnosis, Report
    from projects_cli.messages import Response

LOOKING = "checking the database:"


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
    diagnosis = _diagnosis(context, changes=fix)
    with context.console.waiting(LOOKING):
        report = diagnosis.report(wanted)
    repaired = _repair(context, diagnosis, report) if fix else None
    if repaired is not None:
        if context.settings.dry_run:
            context.output.show(repaired)
            return
        with context.console.waiting(LOOKING):
            report = diagnosis.report(wanted)
    for kind, error in sorted(report.findings.skipped.items()):
        if only and repaired is None:
            raise type(error)(f"cannot check {kind}: {error.message}")
        context.console.warn(f"{kind} was not checked: {error.message}")
    context.output.show(report.response(**({} if repaired is None else {"fixed": repaired.data})))
    if repaired is not None and repaired.skipped:
        raise flow.partial_failure(repaired)
    counts = report.findings.by_severity
    if counts:
        context.console.notice(f"found: {', '.join(_counted(count, name) for name, count in counts.items())}")
    if any(finding.fixable for finding in report.findings.by_kind.values()):
        context.console.notice("to fix what can be fixed: projects doctor --fix (preview: --fix --dry-run)")
    if counts.keys() - {"note"}:
        raise typer.Exit(ExitStatus.FINDINGS)


def _counted(count: int, severity: str) -> str:
    return f"{count} {severity}{'s' if count > 1 else ''}"


def _wanted(only: Sequence[str]) -> frozenset[str]:
    """Return the kinds to check for.

    Raises:
        UsageError: a kind is unknown.
    """
    for name in only:
        if name not in KINDS:
            hint = did_you_mean(nearest(name, KINDS), f"findings: {', '.join(KINDS)}")
            raise UsageError(f"--only: unknown finding {name!r}", hint=hint)
    return frozenset(only or KINDS)


def _diagnosis(context: Context, *, changes: bool) -> Diagnosis:
    from projects_cli.diagnosis.doctor import Diagnosis

    return Diagnosis(
        runner=context.runner,
        store=context.store if changes else context.reading,
        journal_database=None if context.settings.no_journal else context.settings.journal_db,
    )


def _repair(context: Context, diagnosis: Diagnosis, report: Report) -> Response | None:
    """Repair what can be repaired, or describe that with `--dry-run`; None if there is nothing to do.

    Raises:
        OperationUnfinished: a change was interrupted.
    """
    from projects_cli.diagnosis.doctor import DOCUMENT_FINDINGS

    plan = diagnosis.plan(report)
    if not plan.steps:
        context.console.notice("nothing can be fixed by --fix")
        return None
    if not context.settings.dry_run and not context.settings.read_only:
        for operation in context.interrupted:
            raise OperationUnfinished(
                f"operation {operation.id} was interrupted: {operation.summary}",
                hint=f"first finish it: projects resume {operation.id}; or undo it: projects undo {operation.id}",
            )
    wanted = report.findings.wanted & DOCUMENT_FINDINGS
    return flow.change(context, plan, lambda: diagnosis.plan(diagnosis.report(wanted)), ask=True)
