"""The two flows of every command: `read` asks an endpoint and prints its response, `perform` makes a change.

Output options are checked first (`expect`), since a change must not be made if its response cannot be printed.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import typer

from projects_cli import endpoints
from projects_cli.cli.request import requested
from projects_cli.errors import (
    ChangedMeanwhile,
    ConfirmationNeeded,
    ExitStatus,
    NothingFound,
    OperationUnfinished,
    PartialFailure,
    Problem,
    ReadOnly,
)
from projects_cli.messages import NO_OUTCOME, Response, StepT
from projects_cli.render.output import view_of
from projects_cli.render.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from projects_cli.changes.runner import Planner
    from projects_cli.cli.context import Context
    from projects_cli.messages import Plan, Request, Step


# --- requests and responses ---------------------------------------------------------------------------------------


def expect(context: Context, view: str, *, changes: bool = False) -> None:
    """Refuse output options that the response cannot satisfy, before anything is done; `--fields help` ends here.

    The response of a dry run is a plan, if the view is that of a change, or the command `changes` anything.

    Raises:
        UsageError: see `Output.check`.
    """
    output = context.output
    fields = VIEWS["plan" if (changes or VIEWS[view].changes) and context.readable.dry_run else view]
    if output.fields:
        from projects_cli.render import field_selection

        if output.fields == field_selection.HELP:
            # A list of fields is an answer of its own: neither fields nor a query apply to it.
            replace(output, fields=(), query=None).show(field_selection.list_fields(fields))
            raise typer.Exit(ExitStatus.DONE)
    output.check(fields)


def request_of(
    context: Context,
    endpoint: str,
    arguments: Mapping[str, Any],
    *,
    interactive: bool = False,
    optional: Collection[str] = (),
    nulls: Collection[str] = (),
    view: str = "",
) -> Request:
    """Return the request of a command, after a check of its output options.

    `view` is that of its response, if it is not the endpoint's. `interactive` has the project picked from a list. For
    `optional` and `nulls` see `requested`.
    """
    expect(context, view or (f"{endpoint} statistics" if arguments.get("include_stats") else endpoint))
    if interactive:
        from projects_cli.cli.project_picker import with_picked

        arguments = with_picked(context, endpoint, arguments)
    return requested(context, endpoint, arguments, optional=optional, nulls=nulls)


def run(
    context: Context,
    endpoint: str,
    arguments: Mapping[str, Any],
    *,
    interactive: bool = False,
    optional: Collection[str] = (),
) -> None:
    """Run a command that is one request: from its arguments to its printed response."""
    read(context, request_of(context, endpoint, arguments, interactive=interactive, optional=optional))


def read(context: Context, request: Request, *, ask: bool = True) -> None:
    """Ask an endpoint, and print its response."""
    params = request.params
    show(context, answer(context, request, ask=ask), page=params.get("page"), size=params.get("page_size"))


def answer(context: Context, request: Request, *, ask: bool = False) -> Response:
    """Return the response of an endpoint; a change is performed, silently unless `ask` is set."""
    if request.endpoint in endpoints.CHANGES:
        return perform(context, DocumentChange(endpoints.Call(request), ask=ask))
    store = context.reading
    with context.console.waiting("asking the database:"):
        # Imported only now: a request that is refused has not paid for that.
        handler = endpoints.handler(request.endpoint)
        response: Response = store.connection.retry(lambda: handler(request, store))
    return response


def writes_files(context: Context) -> bool:
    """Return whether the files that a reading command was asked for are written: not in a dry run."""
    return not context.readable.dry_run


def show(context: Context, response: Response, *, page: int | None = None, size: int | None = None) -> None:
    """Print a response. `page` is the requested page, `size` the number of its records at most.

    Raises:
        NothingFound: it is empty, and `--fail-if-empty` is set. PartialFailure: a change left documents as they are.
    """
    # Other formats are for programs, which want the data even if a sentence would do.
    if response.notice is not None and context.console.output == "table":
        context.console.notice(response.notice)
        return
    # An empty first page and an empty list are the same; a later page is empty for another reason.
    view = view_of(response)
    empty = f"page {page} is past the end: pages are numbered from 0" if page and page > 0 else view.empty
    fails_if_empty = context.settings.fail_if_empty and bool(view.rows or view.values)
    count = context.output.show(response, empty="" if fails_if_empty else empty)
    context.made = ""  # reported
    if response.skipped:
        raise partial_failure(response)
    if fails_if_empty and not count:
        raise NothingFound(empty)
    total, remaining = response.data.get("total"), response.data.get("remaining")
    if total is not None and remaining is None and size is not None:
        remaining = total - (max(page or 0, 0) + 1) * max(size, 1)
    if remaining and remaining > 0:
        context.console.notice(f"{remaining} more of {total}: see --page and --page-size")


def partial_failure(response: Response) -> PartialFailure:
    """Return the error for a change that left documents as they are, naming them."""
    skipped = response.skipped
    if len(skipped) == 1:
        return PartialFailure(f"{skipped[0].name} ({skipped[0].id}) was left as it is: {skipped[0].why}")
    return PartialFailure(
        f"{len(skipped)} documents were left as they are",
        problems=[Problem(document.id, f"{document.name}: {document.why}") for document in skipped],
    )


# --- changes ------------------------------------------------------------------------------------------------------


Scope = Literal["documents", "database", "files"]
"""What a change changes: documents by the engine, anything else that read-only mode protects, or local files."""


class Change(Protocol[StepT]):
    """A change as a value."""

    @property
    def view(self) -> str:
        """Return the name of the view of the response; empty if the output options were checked before."""

    @property
    def scope(self) -> Scope:
        """Return what is changed."""

    def plan(self, context: Context) -> Plan[StepT]:
        """Check the change, and return what it would do; nothing is written."""

    def preview(self, context: Context, plan: Plan[StepT]) -> Response:
        """Return the response for a dry run, or for a plan without steps; nothing is written."""

    def apply(self, context: Context, plan: Plan[StepT]) -> Response:
        """Make the change."""


def perform(context: Context, change: Change[StepT], plan: Plan[StepT] | None = None) -> Response:
    """Make a change, or show what it would do. This is the only way to change anything.

    `plan` is the change's plan if it was made already.

    The order: output options, read-only mode, plan, `--confirm`, `--max-delete`, dry run, production profile,
    interrupted operations, prompt; then the change itself: lease, plan again, journal, writes. If the projects that the
    change is about are not the same any more under the lease, the user is asked again.

    Raises:
        ReadOnly: read-only mode is on, and this is not a dry run.
        ConfirmationNeeded: `--confirm` names something else. OverMaxDelete: it removes too many projects.
    """
    if change.view:
        expect(context, change.view)
    dry_run = context.readable.dry_run
    if not dry_run:  # a change whose answer can't be printed would look like one that failed
        context.streams.check_open()
    # Local files are the user's own; read-only mode protects databases.
    if change.scope != "files" and not dry_run and context.settings.read_only:
        raise ReadOnly(f"read-only mode is on (set by {context.settings.sources['read_only']})")
    # Again only after ChangedMeanwhile, with another plan and another question.
    while True:
        plan = plan or change.plan(context)
        # The safeguards come before the dry run, which shows whether the change itself would be refused.
        _check(context, plan)
        for note in plan.notes:
            context.console.notice(note)
        if dry_run or not plan.steps:
            return change.preview(context, plan)
        if change.scope != "files" and _authorize(context, plan, change.scope):
            # The engine plans again under the lease, and compares: what was agreed to are these projects.
            plan = replace(plan, agreed=True)
        try:
            response = change.apply(context, plan)
        except ChangedMeanwhile as error:
            if not plan.agreed:
                raise
            context.console.warn(error.message)
            plan = None
            continue
        context.made = plan.summary
        return response


def _check(context: Context, plan: Plan[Any]) -> None:
    """Check a plan against the command line.

    The name in `--confirm` is a safeguard of its own: neither --yes nor --force overrides it.

    Raises:
        ConfirmationNeeded: `--confirm` names something else. OverMaxDelete: it removes too many projects.
    """
    # A change of a configuration file has neither: the settings can't be read if it is to repair them.
    if plan.name and (confirm := context.settings.confirm) not in (None, plan.name):
        source = context.settings.sources["confirm"]
        raise ConfirmationNeeded(
            f"{source} {confirm!r} does not match {plan.name!r}: nothing was changed",
            hint=f"check that {plan.name!r} is meant, then use {source}{'=' if source.isupper() else ' '}"
            f"{shlex.quote(plan.name)}, or leave {source} out",
        )
    if plan.removes:
        plan.check_max_delete(context.settings.max_delete)


def _authorize(context: Context, plan: Plan[Any], scope: Scope) -> bool:
    """Check that a change may be made. Return whether the user was asked.

    Raises:
        OperationUnfinished: an interrupted operation has to be resumed or undone first.
        ConfirmationNeeded: there is no prompt, and the profile is production and not named on the command line.
            A profile that a file or a variable chose is easily forgotten.
    """
    settings = context.settings
    # --yes and --confirm answer the prompt in advance.
    prompted = plan.question != "none" and not settings.yes and settings.confirm is None
    if not prompted and settings.production and settings.origins["profile"] != "flag":
        raise ConfirmationNeeded(
            f"the profile {settings.profile!r} is production: a change without a prompt "
            f"needs --profile {shlex.quote(str(settings.profile))} on the command line",
            hint=f"the profile was chosen by {settings.sources['profile']}",
        )
    if scope == "documents":
        interrupted, _ = context.unfinished
        if plan.refuses_interrupted and interrupted:
            operation = interrupted[0]
            raise OperationUnfinished(
                f"operation {operation.id} was interrupted: {operation.summary}",
                hint=f"first finish it: projects resume {operation.id}; or undo it: projects undo {operation.id}",
            )
        # Unfinished work of another process does not forbid this change, unless the plan says so.
        warn_of_interrupted(context)
    if prompted:
        _prompt(context, plan)
    return prompted


def _prompt(context: Context, plan: Plan[Any]) -> None:
    """Ask the user for the confirmation that a plan needs.

    Raises:
        ConfirmationNeeded: standard input is not a terminal. Declined: by the user.
    """
    about = [f"{sample.id}  {sample.name}" if sample.id else sample.name for sample in plan.samples]
    sentence = plan.prompt or plan.summary[:1].upper() + plan.summary[1:]
    try:
        if plan.question == "yes":
            context.prompts.confirm(plan.prompt or f"{sentence}?", details=about if len(about) > 1 else ())
        else:
            # "the name" is enough if it is visible above the question; otherwise the words to type are quoted.
            what = "the name" if any(sample.name == plan.name for sample in plan.samples) else repr(plan.name)
            context.prompts.confirm(f"{sentence}: {_counted(plan)}.", expected=plan.name, noun=what, details=about)
    except ConfirmationNeeded as error:
        error.hint = plan.hint or error.hint
        raise


def warn_of_interrupted(context: Context) -> None:
    """Warn of interrupted operations, once in a run."""
    interrupted, unreadable = context.unfinished
    report_interrupted(context, [(operation.id, operation.summary) for operation in interrupted])
    for reason in unreadable:
        context.console.warn(f"{reason}; it is left alone")
    # A cached property: emptied, it is not reported again by the next change of a batch.
    context.unfinished = [], []


def report_interrupted(context: Context, operations: Iterable[tuple[str, str]]) -> None:
    """Warn of interrupted operations, each an id and a summary, and print how to continue."""
    for identifier, summary in operations:
        context.console.warn(
            f"operation {identifier} was interrupted: {summary}; "
            f"finish it: projects resume {identifier}; or undo it: projects undo {identifier}"
        )


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """A change that the engine applies. A `forced` one is made without a prompt, one without `ask` silently as well.

    `begin` is called with the final plan before the first write.
    """

    planner: Planner
    ask: bool = True
    forced: bool = False
    view: str = ""
    scope: Scope = "documents"
    begin: Callable[[Plan[Step]], None] | None = None

    def plan(self, context: Context) -> Plan[Step]:
        """Return the plan of the change."""
        store = context.store
        with context.console.waiting("asking the database:"):
            # A plan only reads, so it can be made again as a whole after a failover.
            plan = store.connection.retry(lambda: self.planner.plan(store))
        return plan if self.ask and not self.forced else replace(plan, question="none")

    def preview(self, context: Context, plan: Plan[Step]) -> Response:
        """Return the plan, or for a plan without steps the response of a change that changed nothing."""
        if not plan.steps:
            context.console.notice(plan.summary)
        if not context.readable.dry_run:
            return Response(plan.endpoint, plan.data(NO_OUTCOME))
        from projects_cli.changes.plan_view import described

        response = described(plan)
        if not context.output.shortens_ids:
            return response
        from projects_cli.inspection.short_ids import shortened

        steps = list(shortened(response.data["steps"], context.store))
        return response._replace(data={**response.data, "steps": steps})

    def apply(self, context: Context, plan: Plan[Step], *, already: int = 0) -> Response:
        """Make the change; `already` is how many projects the run has removed before."""
        limit = context.settings.max_delete
        response, outcome = context.runner.apply(
            self.planner, plan, max_delete=limit, already=already, begin=self.begin
        )
        if self.ask:
            word = "done" if not outcome.skipped else "done in part" if outcome.changed else "nothing was changed"
            context.console.notice(f"{word}: {plan.summary} ({_counted(plan)})")
        return response


def _counted(plan: Plan[Any]) -> str:
    return ", ".join(f"{count} {name if count != 1 else name[:-1]}" for name, count in plan.counts.items())
