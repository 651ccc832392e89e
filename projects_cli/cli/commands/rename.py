"""`projects rename`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import DocumentChange, perform, request_of, show
from projects_cli.cli.options import RequiredProject
from projects_cli.errors import UsageError

if TYPE_CHECKING:
    from projects_cli.cli.context import Context
    from projects_cli.messages import Plan, Request, Step
    from projects_cli.store.collections import Store

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def rename(
    ctx: typer.Context,
    project: RequiredProject,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="New last part of the name, or the full name; the parent stays.")
    ],
) -> None:
    """Rename a project. The names of everything below it follow.

    Example: projects rename vision/detection detectors
    """
    if not name:
        raise UsageError("the new name is empty")
    context: Context = ctx.obj
    request = request_of(context, "projects.update", {"project": project, "name": name})
    show(context, perform(context, DocumentChange(Rename(request))))


@dataclass(frozen=True, slots=True)
class Rename:
    """An update of a name, which may be the last part alone."""

    request: Request

    def plan(self, store: Store) -> Plan[Step]:
        """Return the plan of the update; no steps if the project has the name already."""
        from projects_cli.endpoints import hierarchy, lifecycle  # imports the driver

        params = self.request.params
        name = params["name"]
        if "/" not in name:
            present = hierarchy.writable_project(params["project"], store, {"name": 1, "company": 1}).get("name")
            name = "/".join([*str(present or "").split("/")[:-1], name])
        request = self.request._replace(params={**params, "name": name})
        return lifecycle.update(request, store, skip_unchanged=True)
