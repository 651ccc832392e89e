"""`projects tags`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from projects_cli.cli.app import GroupedCommand, command_group
from projects_cli.cli.flow import DocumentChange, expect, perform, show
from projects_cli.cli.project_filters import ProjectFilters, with_where
from projects_cli.cli.request import named_projects
from projects_cli.errors import FieldsValueError, NothingFound, UsageError
from projects_cli.messages import Plan, Response, Step, TagChange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projects_cli.cli.context import Context
    from projects_cli.endpoints.retagging import Where
    from projects_cli.store.collections import Store

VIEW = "tags.change"


class Kind(StrEnum):
    """Whose tags."""

    projects = "projects"
    tasks = "tasks"
    models = "models"


Of = Annotated[
    list[Kind] | None,
    typer.Option("--of", metavar="KIND", help="Tags of projects, tasks or models; repeat. [default: all three]"),
]
InProjects = Annotated[
    list[str] | None,
    typer.Option(
        "--project", "--projects", metavar="PROJECT", help="Only in this project and below it; repeat; - reads stdin."
    ),
]
NoSubprojects = Annotated[
    bool, typer.Option("--no-subprojects", help="Without what is below the projects of --project.")
]

app = command_group(
    """List, rename, merge, add and remove tags of projects, tasks and models.

    Of the whole company, or of chosen projects and their contents. A change asks first, is one entry in the journal,
    and can be undone. It keeps the times of the documents.

    Example: projects tags list --counts
    """
)


@app.command("list", cls=GroupedCommand)
@with_where
def list_(
    ctx: typer.Context,
    counts: Annotated[bool, typer.Option("--counts", help="Count the documents that have each tag.")] = False,
    of: Of = None,
    projects: InProjects = None,
    no_subprojects: NoSubprojects = False,
    *,
    filters: ProjectFilters,
) -> None:
    """List the tags of projects, tasks and models, archived and hidden ones included.

    Example: projects tags list --counts --of tasks --project vision
    """
    context: Context = ctx.obj
    view = "tags.counts" if counts else "tags.list"
    expect(context, view)
    where = _where(context, of, projects, filters, below=not no_subprojects, view=view)
    from projects_cli.endpoints.retagging import tags_of

    store = context.reading
    with context.console.waiting("asking the database:"):
        rows = store.connection.retry(lambda: tags_of(where, store, counts=counts))
    show(context, Response(view, {"tags": rows}))


@app.command(cls=GroupedCommand)
@with_where
def rename(
    ctx: typer.Context,
    old: Annotated[str, typer.Argument(metavar="OLD", help="The tag as it is.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The tag as it becomes.")],
    of: Of = None,
    projects: InProjects = None,
    no_subprojects: NoSubprojects = False,
    *,
    filters: ProjectFilters,
) -> None:
    """Rename a tag. A document that has the new one already loses the old one.

    Example: projects tags rename prod production --dry-run
    """
    where = _where(ctx.obj, of, projects, filters, below=not no_subprojects)
    change = _checked(remove=[old], add=[new])
    _perform(ctx.obj, Retagging(change, f"rename the tag {old!r} to {new!r}", where))


@app.command(cls=GroupedCommand)
@with_where
def merge(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="TAG...", help="The tags that end.")],
    into: Annotated[str, typer.Option("--into", metavar="TAG", help="The tag that takes their place.")],
    of: Of = None,
    projects: InProjects = None,
    no_subprojects: NoSubprojects = False,
    *,
    filters: ProjectFilters,
) -> None:
    """Replace several tags by one.

    Example: projects tags merge prod Prod --into production --dry-run
    """
    where = _where(ctx.obj, of, projects, filters, below=not no_subprojects)
    ended = [name for name in names if name != into]
    if not ended:  # else every document would get the tag
        raise UsageError(f"no other tag than {into!r} is named: nothing would change")
    change = _checked(remove=ended, add=[into])
    _perform(ctx.obj, Retagging(change, f"merge {_listed(names)} into {into!r}", where))


@app.command(cls=GroupedCommand)
@with_where
def add(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="TAG...", help="The tags to add.")],
    of: Of = None,
    projects: InProjects = None,
    no_subprojects: NoSubprojects = False,
    *,
    filters: ProjectFilters,
) -> None:
    """Add tags to chosen projects and their contents.

    Example: projects tags add archive-2024 --of tasks --project vision --dry-run
    """
    where = _where(ctx.obj, of, projects, filters, below=not no_subprojects)
    if where.projects is None:
        raise UsageError("tags add needs --project, or a filter of projects", hint="it would tag everything otherwise")
    _perform(ctx.obj, Retagging(_checked(remove=[], add=names), f"add {_listed(names)}", where))


@app.command(cls=GroupedCommand)
@with_where
def remove(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="TAG...", help="The tags to remove.")],
    of: Of = None,
    projects: InProjects = None,
    no_subprojects: NoSubprojects = False,
    *,
    filters: ProjectFilters,
) -> None:
    """Remove tags.

    Example: projects tags remove baseline --of models --dry-run
    """
    where = _where(ctx.obj, of, projects, filters, below=not no_subprojects)
    _perform(ctx.obj, Retagging(_checked(remove=names, add=[]), f"remove {_listed(names)}", where))


@dataclass(frozen=True, slots=True)
class Retagging:
    """A change of tags as a value."""

    change: TagChange
    summary: str
    where: Where

    def plan(self, store: Store) -> Plan[Step]:
        """Return the plan of the change."""
        from projects_cli.endpoints.retagging import retag  # imports the driver

        return retag(self.change, self.summary, self.where, store)


def _perform(context: Context, planner: Retagging) -> None:
    response = perform(context, DocumentChange(planner, view=VIEW))
    show(context, response._replace(endpoint=VIEW) if response.endpoint == "tags" else response)
    if context.settings.fail_if_empty and not any(response.data.values()):
        raise NothingFound("no document has such tags")


def _checked(*, remove: Sequence[str], add: Sequence[str]) -> TagChange:
    """Return the change of tags.

    Raises:
        FieldsValueError: a tag is empty. UsageError: nothing would change.
    """
    if "" in (*remove, *add):
        raise FieldsValueError("a tag must not be empty")
    if set(remove) & set(add):
        raise UsageError("the new tag is the same as the old one: nothing would change")
    return TagChange(frozenset(remove), tuple(dict.fromkeys(add)))


def _listed(names: Sequence[str]) -> str:
    return f"the tag{'s' * (len(names) > 1)} {', '.join(map(repr, names))}"


def _where(
    context: Context,
    of: list[Kind] | None,
    projects: list[str] | None,
    filters: ProjectFilters,
    *,
    below: bool,
    view: str = VIEW,
) -> Where:
    """Return whose tags are meant.

    Raises:
        UsageError: projects are named and filters given as well. ProjectNotFound: a project is unknown.
    """
    if projects and not filters.is_empty:
        raise UsageError("name the projects (--project), or choose them by filters (--where-…), not both")
    ids: Sequence[str] | None = None
    if projects or not filters.is_empty:
        from projects_cli.endpoints import scope
        from projects_cli.endpoints.address import project_id

        store = context.store
        if projects:
            named = [project_id(name, lambda: store) for name in named_projects(context, view, projects)]
        else:
            named, below = filters.ids(context), False
        ids = store.connection.retry(lambda: scope.ids_of(named, store, below=below))
    from projects_cli.endpoints.retagging import KINDS, Where

    return Where([kind for kind in KINDS if not of or Kind(f"{kind}s") in of], ids)
