"""`projects list`."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from projects_cli.cli.app import TYPER_OPTIONS
from projects_cli.cli.flow import request_of
from projects_cli.cli.options import Web
from projects_cli.cli.project_filters import ProjectFilters, with_filters
from projects_cli.cli.project_list import choose, show_list
from projects_cli.cli.request import json_option
from projects_cli.cli.watch import WatchedCommand
from projects_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projects_cli.cli.context import Context

_display = partial(typer.Option, rich_help_panel="Order, pages and fields")
_statistics = partial(typer.Option, rich_help_panel="Statistics")

ONLY_EXTENDED = (
    *("include_stats", "stats_for_state", "non_public", "active_users", "check_own_contents", "children_type"),
    *("children_tags", "children_tags_filter", "stats_with_children", "include_stats_filter", "include_dataset_stats"),
    "search_hidden",
)
"""Parameters that get_all lacks and get_all_ex has, and the one with which only get_all_ex marks hidden projects."""


class State(StrEnum):
    """Which tasks the statistics count."""

    active = "active"
    archived = "archived"
    all = "all"


app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=WatchedCommand)
@with_filters
def list_(
    ctx: typer.Context,
    filters: ProjectFilters,
    order_by: Annotated[
        list[str] | None,
        _display("--order-by", metavar="FIELD", help="Sort by FIELD, or -FIELD descending; repeat. [default: name]"),
    ] = None,
    sort_by: Annotated[
        str | None,
        _display("--sort-by", metavar="COLUMN,...", help="Sort by columns of the table; -COLUMN: descending."),
    ] = None,
    columns: Annotated[
        str | None,
        _display("--columns", metavar="COLUMN,...", help="Show these columns, by heading; -o wide: all of them."),
    ] = None,
    web: Web = False,
    page: Annotated[int | None, _display("--page", metavar="N", help="Page number, from 0.")] = None,
    page_size: Annotated[int | None, _display("--page-size", metavar="N", help="Projects per page.")] = None,
    limit: Annotated[int | None, _display("--limit", "-L", metavar="N", help="Maximum number of projects.")] = None,
    only_fields: Annotated[
        list[str] | None,
        _display("--only-fields", metavar="FIELD", help="Only these fields, a,b or repeated; -FIELD leaves one out."),
    ] = None,
    include_stats: Annotated[
        bool | None, _statistics("--stats", "--include-stats", help="Count tasks by status, sub-projects included.")
    ] = None,
    stats_for_state: Annotated[
        State | None,
        _statistics(
            "--state",
            "--stats-for-state",
            metavar="STATE",
            help="Count active tasks, archived ones, or all. [default: active]",
        ),
    ] = None,
    own_stats: Annotated[
        bool | None, _statistics("--own-stats", help="Count tasks by status, without sub-projects.")
    ] = None,
    stats_filter: Annotated[
        str | None,
        _statistics(
            "--stats-filter",
            "--include-stats-filter",
            metavar="JSON",
            help='Count only these tasks: {"type": ["training"]}',
        ),
    ] = None,
    own_contents: Annotated[
        bool | None,
        _statistics("--own-contents", "--check-own-contents", help="Count the tasks and models directly in each."),
    ] = None,
    dataset_stats: Annotated[
        bool | None,
        _statistics("--dataset-stats", "--include-dataset-stats", help="Add files and size of the newest version."),
    ] = None,
) -> None:
    """List the projects that pass every filter.

    Example: projects list --name '^vision/' --tag prod --order-by -last_update

    Example: projects list --children-of vision --hidden

    Example: projects list --empty --older-than 90d -o id

    Example: projects list --columns name,owner,tasks --sort-by -tasks --limit 20
    """
    context: Context = ctx.obj
    options: dict[str, Any] = {
        "order_by": _split(order_by),
        "page": page,
        "page_size": page_size,
        "only_fields": _split(only_fields),
        "include_stats": include_stats or own_stats or (None if stats_filter is None or own_contents else True),
        "stats_for_state": stats_for_state,
        "stats_with_children": False if own_stats else None,
        "include_stats_filter": json_option("--stats-filter", stats_filter),
        "check_own_contents": own_contents,
        "include_dataset_stats": dataset_stats,
    }
    params = filters.parameters() | {name: value for name, value in options.items() if value is not None}
    given = params.keys() | ({"order_by"} if sort_by else set())
    url = None
    if web:
        from projects_cli.cli.web import web_url

        url = web_url(context)
        if columns is not None or context.settings.fields:
            raise UsageError("--web can't be used with --columns or --fields", hint="leave out one of them")
        columns = "name,id"
    shown = choose(context, params, columns, sort_by)
    optional = {"order_by", "only_fields", "page", "include_stats"} - given  # a version may lack what was not asked for
    params.setdefault("order_by", ["@text_score"] if filters.search_text else ["name"])
    if limit is not None:
        params |= _first_page(limit, params)
    endpoint = "projects.get_all"
    if not params.keys().isdisjoint(ONLY_EXTENDED):
        endpoint = "projects.get_all_ex"
    if stats_for_state is not None:
        params |= {
            "include_stats": True,
            "stats_for_state": None if stats_for_state is State.all else stats_for_state.value,
        }
    if url is not None:
        context.output.fields = ()
    request = request_of(context, endpoint, params, optional=optional, view="addresses" if web else "")
    if own_stats and "stats_with_children" not in request.params:  # false is not sent to versions without it
        message = f"{endpoint} of version {request.version} has no parameter 'stats_with_children'"
        raise UsageError(f"--own-stats: {message}: version 2.16 has it", hint="choose another version")
    if ids := request.params.get("id"):
        _warn_of_unknown_ids(context, ids)
    request = request._replace(narrowed=filters.narrowed(context, request.now))
    show_list(context, request, shown, url)


def _split(values: list[str] | None) -> list[str] | None:
    """Return the words of an option that takes `a,b` and may be repeated."""
    return None if values is None else [word for value in values for word in value.split(",")]


def _first_page(limit: int, params: Mapping[str, Any]) -> dict[str, int]:
    if "page" in params or "page_size" in params:
        raise UsageError("--limit can't be used with --page or --page-size")
    if limit < 1:
        raise UsageError(f"--limit must be at least 1, not {limit}", hint="leave --limit out to list all projects")
    return {"page": 0, "page_size": limit}


def _warn_of_unknown_ids(context: Context, values: list[str]) -> None:
    """Warn of values of --id that are not the id of a project, such as names."""
    from projects_cli.endpoints.address import unknown_ids

    store = context.reading
    for value in unknown_ids([value.removeprefix("-") for value in values if not value.startswith("__$")], store):
        context.console.warn(
            f"--id expects ids, and {value!r} is not the id of a project; "
            "for a name use: projects get NAME, or projects list --name REGEX"
        )
