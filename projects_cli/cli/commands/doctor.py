"""`projects doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import DocumentChange, expect, partial_failure, perform
from projects_cli.diagnosis.findings import KINDS
from projects_cli.errors import ExitStatus, UsageError, did_you_mean, nearest

if TYPE_CHECKING:
    from projects_cli.cli.context import Context
    from projects_cli.diagnosis.doctor import Report
    from projects_cli.messages import Response

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def doctor(
    ctx: typer.Context,
    fix: Annotated[bool, typer.Option("--fix", help="Fix unambiguous problems (asks first; can be undone).")] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="FINDING", help="Look for this only; repeat for more.")
    ] = None,
) -> None:
    """Find problems of projects, tasks, models, indexes, the journal and the server.

    The exit status is 6 if there is an error or a warning, and 0 if there are only notes.

    docs/doctor.md describes each finding, and what can be done about it.

    Example: projects doctor --fix --dry-run
    """
    context: Context = ctx.obj
    expect(context, "doctor", changes=fix)
    # Before the database is asked: a typing error must not cost a connection.
    for name in only or ():
        if name not in KINDS:
            hint = did_you_mean(nearest(name, KINDS), f"findings: {', '.join(KINDS)}")
            raise UsageError(f"--only: unknown finding {name!r}", hint=hint)
    wanted = frozenset(only or KINDS)
    from projects_cli.diagnosis.doctor import Diagnosis, Repair

    diagnosis = Diagnosis(
        runner=context.runner,
        # A repair is planned from the primary: a secondary may lag behind.
        store=context.store if fix else context.reading,
        journal_database=None if context.settings.no_journal else context.settings.journal_db,
    )
    with context.console.waiting("checking the database:"):
        report = diagnosis.report(wanted)
    fixed: Response | None = None
    if fix:
        # The report was made just now, so the first plan needs no second reading.
        plan = diagnosis.plan(report)
        response = perform(context, DocumentChange(Repair(diagnosis, wanted)), plan)
        if plan.steps:
            # A dry run ends with the plan.
            if response.endpoint == "plan":
                context.output.show(response)
                return
            fixed = response
            with context.console.waiting("checking the database:"):
                report = diagnosis.report(wanted)
    _show(context, report, fixed, chosen=bool(only))


def _show(context: Context, report: Report, fixed: Response | None, *, chosen: bool) -> None:
    """Print the findings that are left, and what was `fixed`.

    Raises:
        Exit: there is an error or a warning; notes alone are not a failure.
        PartialFailure: the repair left documents as they are.
        DatabaseRefused, DatabaseError, DatabaseTimeout, DatabaseUnavailable: a check that was chosen by name failed.
    """
    for kind, error in sorted(report.findings.skipped.items()):
        # A check that was named and cannot be made is a failure; one among many is a warning.
        if chosen and fixed is None:
            raise type(error)(f"cannot check {kind}: {error.message}")
        context.console.warn(f"{kind} was not checked: {error.message}")
    context.output.show(report.response(**({} if fixed is None else {"fixed": fixed.data})))
    if fixed is not None and fixed.skipped:
        raise partial_failure(fixed)
    counts = report.findings.by_severity
    if counts:
        numbers = (f"{count} {severity}{'s' if count > 1 else ''}" for severity, count in counts.items())
        context.console.notice(f"found: {', '.join(numbers)}")
    if any(finding.fixable for finding in report.findings.by_kind.values()):
        context.console.notice("to fix what can be fixed: projects doctor --fix (preview: --fix --dry-run)")
    if counts.keys() - {"note"}:
        raise typer.Exit(ExitStatus.FINDINGS)
