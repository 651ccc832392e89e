"""What `projects indexes` does: show which indexes would help, and make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.cli.flow import as_sentence, check_confirm, check_writable, confirm, expect, show
from projects_cli.errors import UsageError, did_you_mean, nearest
from projects_cli.messages import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from projects_cli.cli.context import Context
    from projects_cli.diagnosis.index_advice import Suggestion


def plan(context: Context) -> None:
    """Show which indexes would help, and which are there already."""
    expect(context, "indexes")
    store = context.reading
    from projects_cli.diagnosis.index_advice import suggestions

    show(context, _answer(suggestions(store)))


def create(context: Context, names: Sequence[str]) -> None:
    """Make the indexes that are missing, or those of them that are named; asks first."""
    expect(context, "indexes")
    check_confirm(context, context.target.name)
    store = context.store
    from projects_cli.diagnosis.index_advice import create as create_indexes
    from projects_cli.diagnosis.index_advice import suggestions

    wanted = _wanted(suggestions(store), names)
    if context.settings.dry_run:
        show(context, _answer(wanted))
        return
    if wanted:
        _agree(context, wanted)
    made = []
    for one in create_indexes(store, wanted):
        context.console.notice(f"created: {one.name} on {one.collection}")
        made.append(one)
    if not made:
        context.console.notice("no index is missing")
    show(context, _answer(made))


def _wanted(found: Sequence[Suggestion], names: Sequence[str]) -> list[Suggestion]:
    """Give the missing ones.

    Raises:
        UsageError: a name is none of those that the plan shows.
    """
    known = {one.name for one in found}
    for name in names:
        if name not in known:
            hint = did_you_mean(nearest(name, sorted(known)), "see: projects indexes plan")
            raise UsageError(f"unknown index {name!r}", hint=hint)
    return [one for one in found if not one.present and (not names or one.name in names)]


def _agree(context: Context, wanted: Sequence[Suggestion]) -> None:
    """Refuse to create indexes in read-only mode, or without confirmation."""
    what = f"create {len(wanted)} {'index' if len(wanted) == 1 else 'indexes'} in {context.settings.database!r}"
    check_writable(context, what)
    about = [f"{one.collection}.{one.name}" for one in wanted]
    question = f"{as_sentence(what)}? MongoDB reads each collection for that; other clients can work meanwhile."
    confirm(context, question, name=context.target.name, about=about)


def _answer(found: Iterable[Suggestion]) -> Response:
    return Response("indexes", {"indexes": [one.record() for one in found]})
