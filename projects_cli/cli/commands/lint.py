"""`projects lint`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import expect
from projects_cli.cli.policies import use_policy_file
from projects_cli.cli.project_filters import ProjectFilters, with_filters
from projects_cli.cli.request import requested
from projects_cli.errors import ExitStatus, NothingFound
from projects_cli.messages import Response

if TYPE_CHECKING:
    from projects_cli.cli.context import Context

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
@with_filters
def lint(
    ctx: typer.Context,
    filters: ProjectFilters,
    pattern: Annotated[
        str | None, typer.Option("--pattern", metavar="REGEX", help="Full names must match this pattern.")
    ] = None,
    required_tag: Annotated[
        list[str] | None, typer.Option("--required-tag", metavar="TAG", help="Projects must have this tag; repeat.")
    ] = None,
    max_depth: Annotated[
        int | None, typer.Option("--max-depth", min=1, metavar="N", help="Names must not have more levels than N.")
    ] = None,
    policy_file: Annotated[  # noqa: ARG001 - its values are those of the other options
        str | None,
        typer.Option(
            "--policy-file",
            metavar="FILE",
            is_eager=True,
            callback=use_policy_file,
            help="Options from a TOML file; those on the command line win.",
        ),
    ] = None,
) -> None:
    """Check the names and tags of projects against rules.

    The filters choose the projects to check. Names that differ only in case are always a finding. The exit status is 6
    if anything was found.

    Example: projects lint --max-depth 5

    Example: projects lint --pattern '^[^A-Z]+$' --required-tag team --under vision
    """
    context: Context = ctx.obj
    expect(context, "lint")
    request = requested(context, "projects.get_all_ex", {**filters.parameters(), "non_public": True})
    store = context.reading
    request = request._replace(narrowed=filters.narrowed(context, request.now))
    from projects_cli.endpoints.catalog import matching
    from projects_cli.inspection.naming import Rules, findings, has_any

    with context.console.waiting("asking the database:"):
        condition, _ = store.connection.retry(lambda: matching(request, store))
    rules = Rules(pattern, required_tag or (), max_depth)
    nothing = None if has_any(condition, store) else "no project passes the filters"
    fails = nothing is not None and context.settings.fail_if_empty
    response = Response("lint", {"findings": findings(rules, condition, store)})
    if context.output.show(response, empty="" if fails else nothing):
        raise typer.Exit(ExitStatus.FINDINGS)
    if fails and nothing:
        raise NothingFound(nothing)
