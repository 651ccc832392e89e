"""`projects list`."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import answer, read, request_of, show
from projects_cli.cli.project_filters import ProjectFilters, with_filters
from projects_cli.cli.request import json_option
from projects_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projects_cli.cli.context import Context
    from projects_cli.messages import Request

_display = partial(typer.Option, rich_help_panel="Order, pages and fields")
_statistics = partial(typer.Option, rich_help_panel="Statistics")

COMPUTED_FIELDS = ("models", "size", "owner")
"""Fields that a table of `list --stats` adds to those of the service, and other formats if `--fields` names them."""

OWN_COUNTS = ("own_tasks", "own_models", "own_datasets", "dataset_stats")
NOT_STORED = ("stats", "sub_projects", *COMPUTED_FIELDS, "hidden", *OWN_COUNTS, "help")
"""Words of `--fields` that name no stored field of a project."""

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


@app.command(cls=GroupedCommand)
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
    computed = _set_order(sort_by, params)
    optional = {"order_by", "only_fields", "page"} - params.keys()
    params.setdefault("order_by", ["@text_score"] if filters.search_text else ["name"])
    params |= _fetched_fields(context, params.get("only_fields"))
    has_stats = "include_stats" in params or stats_for_state is not None
    shows_computed = bool(computed) or (has_stats and only_fields is None and _shows_computed(context))
    needs_user = shows_computed and "user" not in params.get("only_fields", ["user"])
    if needs_user:
        params["only_fields"] = [*params["only_fields"], "user"]  # by which the owner's name is found
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
    request = request_of(context, endpoint, params, optional=optional)
    if own_stats and "stats_with_children" not in request.params:  # false is not sent to versions without it
        message = f"{endpoint} of version {request.version} has no parameter 'stats_with_children'"
        raise UsageError(f"--own-stats: {message}: version 2.16 has it", hint="choose another version")
    ids = [value.removeprefix("-") for value in params.get("id") or () if not value.startswith("__$")]
    if ids:
        _warn_of_unknown_ids(context, ids)
    request = request._replace(narrowed=filters.narrowed(context, request.now))
    if shows_computed and request.params.get("include_stats") and request.params.get("children_type") != "dataset":
        _show_with_computed(context, request, computed, unshown="user" if needs_user else "")
    else:
        read(context, request)


def _set_order(sort_by: str | None, params: dict[str, Any]) -> list[tuple[str, bool]]:
    """Set the service's order by columns that it has, or return the order by computed ones, which need statistics.

    Raises:
        UsageError: a column is unknown, or `--order-by` is used too.
    """
    if sort_by is None:
        return []
    if "order_by" in params:
        raise UsageError("--sort-by and --order-by can't be used together", hint="leave out one of them")
    from projects_cli.inspection.columns import STORED, parse_order

    order = parse_order(sort_by)
    if all(heading in STORED for heading, _ in order):
        params["order_by"] = ["-" * descending + STORED[heading] for heading, descending in order]
        return []
    params["include_stats"] = True
    return order


def _shows_computed(context: Context) -> bool:
    """Return whether columns are shown that the service does not have: in a table, or if `--fields` names them."""
    fields = {field.partition(".")[0] for field in context.settings.fields or ()}
    return bool(fields & set(COMPUTED_FIELDS)) if fields else context.settings.output == "table"


def _show_with_computed(context: Context, request: Request, order: list[tuple[str, bool]], unshown: str) -> None:
    """Print a list with statistics, and with the columns that are computed from them; sort it by those.

    `unshown` is a field that was read for them only. A page of a list in such an order is a part of the whole list,
    which is read and sorted here.
    """
    from projects_cli.endpoints.ordering import Page
    from projects_cli.inspection.columns import ordered, with_computed
    from projects_cli.render.encode import value_at

    page, page_number = Page.of(request.params), request.params.get("page")
    if order:
        whole = {name: value for name, value in request.params.items() if name not in ("page", "page_size")}
        request = request._replace(params=whole)
    response = answer(context, request)
    rows = with_computed(response.data["projects"], request.params.get("stats_for_state"), context.reading)
    if order:
        rows = iter(ordered(rows, order, value_at)[page.skip : page.skip + page.limit if page.limit else None])
    fields = response.fields and tuple(name for name in response.fields if name != unshown)
    show(context, response._replace(data={**response.data, "projects": rows}, fields=fields), page=page_number)


def _split(values: list[str] | None) -> list[str] | None:
    """Return the words of an option that takes `a,b` and may be repeated."""
    return None if values is None else [word for value in values for word in value.split(",")]


def _fetched_fields(context: Context, only: list[str] | None) -> dict[str, list[str]]:
    """Return `only_fields` if `--fields` or `-o id` shows less than the endpoint would fetch."""
    fields = context.settings.fields
    if only is None and fields:
        only = [field for field in fields if field.partition(".")[0] not in NOT_STORED] or ["id"]
    if context.settings.output == "id":
        only = [*(only or ()), "id"]
    return {} if only is None else {"only_fields": only}


def _first_page(limit: int, params: Mapping[str, Any]) -> dict[str, int]:
    if "page" in params or "page_size" in params:
        raise UsageError("--limit can't be used with --page or --page-size")
    if limit < 1:
        raise UsageError(f"--limit must be at least 1, not {limit}", hint="leave --limit out to list all projects")
    return {"page": 0, "page_size": limit}


def _warn_of_unknown_ids(context: Context, ids: list[str]) -> None:
    """Warn of values of --id that are not the id of a project, such as names."""
    from projects_cli.endpoints.address import unknown_ids

    store = context.reading
    for value in unknown_ids(ids, store):
        context.console.warn(
            f"--id expects ids, and {value!r} is not the id of a project; "
            "for a name use: projects get NAME, or projects list --name REGEX"
        )
