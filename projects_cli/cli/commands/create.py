"""`projects create`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import DocumentChange, perform, request_of, run, show
from projects_cli.cli.options import Destination, SystemTags, Tags

if TYPE_CHECKING:
    from projects_cli.messages import Plan, Request, Step
    from projects_cli.store.collections import Store

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Full name, such as vision/detector.")],
    description: Annotated[str | None, typer.Option("--description", "-d", metavar="TEXT", help="Description.")] = None,
    tags: Tags = None,
    system_tags: SystemTags = None,
    default_output_destination: Destination = None,
    if_missing: Annotated[
        bool, typer.Option("--if-missing", help="If it exists already, print its id and change nothing.")
    ] = False,
) -> None:
    """Create a project and any missing parents.

    Example: projects create vision/detector --description "Road signs" --tag prod
    """
    arguments = {
        "name": name,
        "description": description,
        "tags": tags,
        "system_tags": system_tags,
        "default_output_destination": default_output_destination,
    }
    if not if_missing:
        run(ctx.obj, "projects.create", arguments)
        return
    request = request_of(ctx.obj, "projects.create", arguments)
    show(ctx.obj, perform(ctx.obj, DocumentChange(CreateIfMissing(request))))


@dataclass(frozen=True, slots=True)
class CreateIfMissing:
    """The creation of a project unless it exists; if another process is faster, it exists."""

    request: Request

    def plan(self, store: Store) -> Plan[Step]:
        """Return the plan of the creation; no steps if the project exists."""
        from projects_cli.endpoints import lifecycle  # imports the driver

        return lifecycle.create_if_missing(self.request, store)
