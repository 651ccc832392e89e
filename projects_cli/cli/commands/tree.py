"""`projects tree`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.context import Context, utc_now
from projects_cli.cli.flow import expect, show
from projects_cli.cli.options import OptionalProject
from projects_cli.messages import Response

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def tree(
    ctx: typer.Context,
    project: OptionalProject = None,
    depth: Annotated[
        int | None, typer.Option("--depth", min=0, metavar="N", help="Show N levels of sub-projects. [default: all]")
    ] = None,
    stats: Annotated[bool, typer.Option("--stats", help="Count tasks and models, sub-projects included.")] = False,
    hidden: Annotated[bool, typer.Option("--hidden", help="Show hidden projects too.")] = False,
) -> None:
    """Show projects as a tree.

    Example: projects tree vision --depth 2 --stats

    Archived tasks and models are not counted. The counts include hidden sub-projects.
    """
    context: Context = ctx.obj
    view = "tree statistics" if stats else "tree"
    expect(context, view)
    from projects_cli.endpoints import hierarchy
    from projects_cli.endpoints.address import project_id
    from projects_cli.inspection import tree as inspection

    store = context.reading
    root = None
    if project is not None:
        root = hierarchy.readable_project(project_id(project, lambda: store), store, {"name": 1})
    shape = inspection.Shape(depth=depth, hidden=hidden, stats=stats)
    with context.console.waiting("asking the database:"):
        projects = store.connection.retry(lambda: inspection.tree(root, shape, store, utc_now()))
    show(context, Response("tree", {"projects": projects}, view=view))
