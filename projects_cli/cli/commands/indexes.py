"""`projects indexes`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from projects_cli.cli.app import GroupedCommand, command_group
from projects_cli.cli.flow import expect, perform, show
from projects_cli.errors import UsageError, did_you_mean, nearest
from projects_cli.messages import Plan, Response, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable

    from projects_cli.cli.context import Context
    from projects_cli.cli.flow import Scope
    from projects_cli.diagnosis.index_advice import Suggestion

app = command_group(
    "Indexes that make this program fast on a server's database. The private database has them.\n\n"
    "Example: projects indexes plan"
)


@app.command(cls=GroupedCommand)
def plan(ctx: typer.Context) -> None:
    """Show which indexes would help, for what, and their approximate size; and which of a server's are missing.

    Example: projects indexes plan
    """
    context: Context = ctx.obj
    expect(context, "indexes")
    # Nothing but the definitions and the sizes is read, which a secondary has too.
    store = context.reading
    from projects_cli.diagnosis.index_advice import suggestions

    show(context, _response(suggestions(store)))


@app.command(cls=GroupedCommand)
def create(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these. [default: all missing ones]")
    ] = None,
) -> None:
    """Create missing indexes. Asks first, and never drops an index. Other clients can work meanwhile.

    Example: projects indexes create projects_cli_statistics
    """
    show(ctx.obj, perform(ctx.obj, IndexCreation(tuple(names or ()))))


@dataclass(frozen=True, slots=True)
class IndexCreation:
    """The creation of missing indexes: of these names, or all."""

    names: tuple[str, ...]
    view: str = "indexes"
    scope: Scope = "database"

    def plan(self, context: Context) -> Plan[Suggestion]:
        """Return the missing indexes.

        Raises:
            UsageError: a name is not among the suggested indexes.
        """
        store = context.store
        from projects_cli.diagnosis.index_advice import suggestions

        suggested = suggestions(store)
        known = {index.name for index in suggested}
        # All names are checked first, so that no index is created if one is wrong.
        for name in self.names:
            if name not in known:
                hint = did_you_mean(nearest(name, sorted(known)), "see: projects indexes plan")
                raise UsageError(f"unknown index {name!r}", hint=hint)
        missing = [index for index in suggested if not index.present and (not self.names or index.name in self.names)]
        database = context.target.name
        summary = f"create {len(missing)} {'index' if len(missing) == 1 else 'indexes'} in {database!r}"
        return Plan(
            endpoint=self.view,
            summary=summary,
            steps=missing,
            samples=[Sample("", f"{index.collection}.{index.name}") for index in missing],
            question="yes",
            name=database,
            prompt=f"{summary.capitalize()}? MongoDB reads each collection for that; other clients can work meanwhile.",
        )

    def preview(self, _: Context, plan: Plan[Suggestion]) -> Response:
        """Return the missing indexes."""
        return _response(plan.steps)

    def apply(self, context: Context, plan: Plan[Suggestion]) -> Response:
        """Create the indexes, and report each."""
        from projects_cli.diagnosis.index_advice import create as create_indexes

        created = []
        # Reported one by one: an index of a large collection takes minutes.
        for index in create_indexes(context.store, plan.steps):
            context.console.notice(f"created: {index.name} on {index.collection}")
            created.append(index)
        return _response(created)


def _response(indexes: Iterable[Suggestion]) -> Response:
    return Response("indexes", {"indexes": [index.record() for index in indexes]})
