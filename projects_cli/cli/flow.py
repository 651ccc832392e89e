"""The one road of every command: arguments, request, endpoint, plan or response, printed answer."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from projects_cli import endpoints
from projects_cli.cli.request import requested
from projects_cli.errors import (
    ChangedMeanwhile,
    ConfirmationNeeded,
    ExitStatus,
    NothingFound,
    OverMaxDelete,
    PartialFailure,
    Problem,
    ReadOnly,
)
from projects_cli.messages import NO_OUTCOME, Plan, Response
from projects_cli.render.output import view_of
from projects_cli.render.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from projects_cli.cli.context import Context
    from projects_cli.endpoints import Handler
    from projects_cli.messages import Request

    Prepare = Callable[[dict[str, Any]], dict[str, Any]]


def run(
    context: Context,
    endpoint: str,
    arguments: Mapping[str, Any],
    *,
    prepare: Prepare | None = None,
    handler: Handler | None = None,
    interactive: bool = False,
    optional: Collection[str] = (),
) -> None:
    """Carry one command from its arguments to its printed answer.

    `prepare` completes the arguments; `handler` stands for the endpoint's own function; `interactive` has the project
    picked from a list; `optional` are the arguments that the user did not give (see `requested`).
    """
    expect(context, f"{endpoint} statistics" if arguments.get("include_stats") else endpoint)
    if interactive:
        from projects_cli.cli.project_picker import with_picked

        arguments = with_picked(context, endpoint, arguments)
    request = requested(context, endpoint, arguments, prepare=prepare, optional=optional)
    show(context, carry(context, request, ask=True, handler=handler), page=request.params.get("page"))


def expect(context: Context, look: str) -> None:
    """See that the answer can be had as it was asked for, before anything is done; `--fields help` ends here.

    `look` names the answer's view. Raises:
        UsageError: see `Output.check`.
    """
    output = context.output
    view = VIEWS["plan" if VIEWS[look].changes and context.settings.dry_run else look]
    if output.fields:
        from projects_cli.render import field_selection

        if output.fields == field_selection.HELP:
            replace(output, fields=(), query=None).show(field_selection.list_fields(view))
            raise typer.Exit(ExitStatus.DONE)
    output.check(view)


def carry(context: Context, request: Request, *, ask: bool, handler: Handler | None = None) -> Response:
    """Take a valid request to its endpoint, or to another `handler`, and a plan through safety."""
    found = _found(request, context, handler)
    if isinstance(found, Response):
        return found
    forced = bool(request.params.get("force"))
    return change(context, found, lambda: planned(request, context, handler), ask=ask, forced=forced)


def change(context: Context, plan: Plan, again: Callable[[], Plan], *, ask: bool, forced: bool = False) -> Response:
    """Make a change, planned `again` under the lease, after confirmation; or show what it would do.

    If the projects that it is about are not the same any more by then, the user is asked again.
    """
    while True:
        check_confirm(context, plan.name)
        if not plan.steps:
            context.console.notice(plan.summary)
            return described(plan) if context.settings.dry_run else Response(plan.endpoint, plan.answer(NO_OUTCOME))
        check_extent(context, plan)
        if context.settings.dry_run:
            return described(plan)
        asked = agree(context, plan, ask=ask, forced=forced)
        try:
            return make(context, plan, again, told=ask, agreed=asked)
        except ChangedMeanwhile as error:
            if not asked:
                raise
            context.console.warn(error.message)
            plan = again()


def described(plan: Plan) -> Response:
    """Give a plan as an answer that can be shown."""
    from projects_cli.changes.plan_view import described as describe

    return describe(plan)


def check_extent(context: Context, plan: Plan, already: int = 0) -> None:
    """Refuse a change that removes more projects than `--max-delete` allows, with those that were removed already.

    Raises:
        OverMaxDelete: it does.
    """
    most = context.settings.max_delete
    removed = sum(step.count for step in plan.steps if (step.collection, step.action) == ("project", "delete"))
    if most is not None and already + removed > most:
        raise OverMaxDelete(f"{plan.summary}: would delete {already + removed} projects, but --max-delete is {most}")


def agree(context: Context, plan: Plan, *, ask: bool, forced: bool) -> bool:
    """Check that a change may be made, and that the user agrees. Return whether the user was asked."""
    check_writable(context, plan.summary)
    if not ask:
        check_production(context)
    warn_of_interrupted(context)
    return ask and _confirm(context, plan, forced=forced)


def make(
    context: Context, plan: Plan, again: Callable[[], Plan], *, told: bool, agreed: bool = False, already: int = 0
) -> Response:
    """Make a change that was agreed to; what became of it is `told` to people.

    `agreed` is whether the user was asked; `already` is how many projects the run has removed before.
    """

    def fresh() -> Plan:
        found = again()
        check_extent(context, found, already)
        return found

    response, outcome = context.runner.apply(plan, fresh, agreed=agreed)
    if told:
        word = "done" if not outcome.skipped else "done in part" if outcome.changed else "nothing was changed"
        context.console.notice(f"{word}: {plan.summary} ({_counted(plan)})")
    return response


def partial_failure(response: Response) -> PartialFailure:
    """Return the error for a change that left documents as they are, naming them."""
    count = len(response.skipped)
    if count == 1:
        one = response.skipped[0]
        return PartialFailure(f"{one.name} ({one.id}) was left as it is: {one.why}")
    return PartialFailure(
        f"{count} {'document was' if count == 1 else 'documents were'} left as they are",
        problems=[Problem(one.id, f"{one.name}: {one.why}") for one in response.skipped],
    )


def _found(request: Request, context: Context, handler: Handler | None = None) -> Response | Plan:
    """Ask the endpoint; again where a connection broke, as long as nothing was answered yet."""
    asked = handler or endpoints.handler(request.endpoint)
    store = context.store_for(request.endpoint)
    with context.console.waiting("asking the database:"):
        return store.connection.retry(lambda: asked(request, store))


def planned(request: Request, context: Context, handler: Handler | None = None) -> Plan:
    """Give the plan of a change."""
    found = _found(request, context, handler)
    if isinstance(found, Response):
        raise TypeError(f"{request.endpoint} gives a response where it gave a plan before")
    return found


def warn_of_interrupted(context: Context) -> None:
    """Tell once in a run of operations that were stopped in the middle."""
    tell_of_interrupted(context, [(operation.id, operation.summary) for operation in context.interrupted])
    context.interrupted = []
    for reason in context.unreadable:
        context.console.warn(f"{reason}; it is left alone")
    context.unreadable = []


def tell_of_interrupted(context: Context, operations: Iterable[tuple[str, str]]) -> None:
    """Tell of operations that were stopped in the middle, each an id and what it did, and what to do about it."""
    for identifier, summary in operations:
        context.console.warn(
            f"operation {identifier} was interrupted: {summary}; "
            f"finish it: projects resume {identifier}; or undo it: projects undo {identifier}"
        )


def show(context: Context, response: Response, *, page: int | None = None) -> None:
    """Print a response. With `--fail-if-empty` an empty one is a finding; `page` is the page that was asked for.

    Raises:
        NothingFound: it is empty. PartialFailure: a change left documents as they are.
    """
    view = view_of(response)
    empty = f"page {page} is past the end: pages are numbered from 0" if page and page > 0 else view.empty
    count = context.output.show(response, empty=empty)
    if response.skipped:
        raise partial_failure(response)
    if context.settings.fail_if_empty and (view.rows or view.values) and not count:
        raise NothingFound(empty)
    remaining = response.data.get("remaining")
    if remaining:
        context.console.notice(f"{remaining} more of {response.data['total']}: see --page and --page-size")


def tell(context: Context, words: str, response: Response) -> None:
    """Say to people in words what programs get as an answer."""
    if context.console.output == "table":
        context.console.notice(words)
    else:
        show(context, response)


def _confirm(context: Context, plan: Plan, *, forced: bool) -> bool:
    """Ask for the confirmation that a plan needs, unless it was given in advance. Return whether the user was asked."""
    if plan.question == "none" or forced:
        check_production(context)
        return False
    about = [f"{sample.id}  {sample.name}" for sample in plan.samples]
    if plan.question == "yes":
        return confirm(context, f"{as_sentence(plan.summary)}?", name=plan.name, about=about if len(about) > 1 else ())
    question = f"{as_sentence(plan.summary)}: {_counted(plan)}."
    what = "the name" if any(sample.name == plan.name for sample in plan.samples) else repr(plan.name)
    return confirm(context, question, name=plan.name, typed=what, about=about)


def confirm(context: Context, question: str, *, name: str, typed: str | None = None, about: Sequence[str] = ()) -> bool:
    """Ask a question, unless --yes or `--confirm NAME` has answered it. Return whether the user was asked.

    `name` is the only value of --confirm that is accepted. `typed` is set if the user has to type the name instead of
    `y`, and describes it in the prompt.

    Raises:
        ConfirmationNeeded: --confirm does not match, or standard input is not a terminal, or the profile is production
            and was not named on the command line. Declined: by the user.
    """
    check_confirm(context, name)
    if context.settings.yes or context.settings.confirm is not None:
        check_production(context)
        return False
    if typed is None:
        context.prompts.confirm(question, details=about)
    else:
        context.prompts.confirm(question, expected=name, noun=typed, details=about)
    return True


def check_confirm(context: Context, name: str) -> None:
    """Refuse a change that `--confirm` does not name, even if nothing would have been asked.

    The name is a safeguard of its own: neither --yes nor --force overrides it.

    Raises:
        ConfirmationNeeded: the names differ.
    """
    given = context.settings.confirm
    if given is not None and given != name:
        source = context.settings.sources["confirm"]
        raise ConfirmationNeeded(
            f"{source} {given!r} does not match {name!r}: nothing was changed",
            hint=f"check that {name!r} is meant, then use {source}{'=' if source.isupper() else ' '}"
            f"{shlex.quote(name)}, or leave {source} out",
        )


def as_sentence(words: str) -> str:
    """Give words with a capital at their beginning; the names in them stay as they are."""
    return words[:1].upper() + words[1:]


def check_writable(context: Context, change: str) -> None:
    """Refuse a change where changes are switched off, and tell by what.

    Raises:
        ReadOnly: they are.
    """
    if context.settings.read_only:
        source = context.settings.sources["read_only"]
        raise ReadOnly(f"{change}: changes are switched off", hint=f"that was said by {source}")


def check_production(context: Context) -> None:
    """Refuse a change about which nobody is asked, where a production profile was not named for it.

    A profile that a file or a variable chose is easily forgotten: the same command line has to say its name.

    Raises:
        ConfirmationNeeded: it does not.
    """
    settings = context.settings
    if settings.production and settings.origins["profile"] != "flag":
        name = settings.profile
        raise ConfirmationNeeded(
            f"the profile {name!r} is production, and nobody is asked about this change: "
            f"say --profile {shlex.quote(str(name))} on the same command line",
            hint=f"it was chosen by {settings.sources['profile']}",
        )


def _counted(plan: Plan) -> str:
    return ", ".join(f"{count} {name if count != 1 else name[:-1]}" for name, count in plan.counts.items())
