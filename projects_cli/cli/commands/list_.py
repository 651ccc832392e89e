"""`projects list`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from projects_cli.cli.app import TYPER_OPTIONS
from projects_cli.cli.flow import answer, request_of, show
from projects_cli.cli.options import Web
from projects_cli.cli.project_filters import ProjectFilters, with_filters
from projects_cli.cli.request import json_option
from projects_cli.cli.watch import WatchedCommand
from projects_cli.errors import NothingFound, UsageError
from projects_cli.render.output import IDS
from projects_cli.render.project_columns import COMPUTED, NEEDED_BY, Column, column_of, field_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from projects_cli.cli.context import Context
    from projects_cli.messages import Document, Request

_display = partial(typer.Option, rich_help_panel="Order, pages and fields")
_statistics = partial(typer.Option, rich_help_panel="Statistics")

ONLY_EXTENDED = (
    *("include_stats", "stats_for_state", "non_public", "active_users", "check_own_contents", "children_type"),
    *("children_tags", "children_tags_filter", "stats_with_children", "include_stats_filter", "include_dataset_stats"),
    "search_hidden",
)
"""Parameters that get_all lacks and get_all_ex has, and the one with which only get_all_ex marks hidden projects."""


WHOLE_LIST = frozenset({"page", "page_size", "size", "scroll_id", "refresh_scroll", "order_by"})
"""Parameters that a request for the whole list, in no order, does not have."""

STATISTICS = frozenset({"include_stats", "check_own_contents", "include_dataset_stats", "include_stats_filter"})


class State(StrEnum):
    """Which tasks the statistics count."""

    active = "active"
    archived = "archived"
    all = "all"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a list shows.

    `computed` are fields that this program adds. `order` is the order by columns that the database can't sort by, each
    with whether it is descending. `unshown` are fields that are read for the others only.
    """

    computed: frozenset[str] = frozenset()
    order: list[tuple[Column, bool]] = field(default_factory=list)
    unshown: frozenset[str] = frozenset()


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
        "include_stats_filter": None if stats_filter is None else json_option("--stats-filter", stats_filter),
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
    shown = _choose(context, params, columns, sort_by)
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
    _show_list(context, request, shown, url)


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


# --- what is shown ------------------------------------------------------------------------------------------------


def _choose(context: Context, params: dict[str, Any], columns: str | None, sort_by: str | None) -> Shown:
    """Set the parameters that the chosen columns and the order need, and return what is shown.

    `--columns` and the headings in `--fields` become the paths of fields. An order by stored columns alone becomes the
    service's.

    Raises:
        UsageError: a column is unknown, or two options contradict each other.
    """
    paths = () if columns is None and not context.settings.fields else _chosen_paths(context, columns)
    order = [] if sort_by is None else _order(sort_by, params)
    is_wide = context.output.wide and not paths
    needs = {NEEDED_BY.get(path.partition(".")[0], "") for path in paths} | {column.needs for column, _ in order}
    # A column that the user names needs no further option.
    params |= {name: True for name in needs & STATISTICS if name not in params}
    if is_wide:
        params.setdefault("include_stats", True)
    if paths:
        computed = {path.partition(".")[0] for path in paths} & set(COMPUTED)
    elif (
        context.output.format == "table"
        and "only_fields" not in params
        and params.keys() & {"include_stats", "stats_for_state"}
    ):
        computed = set(COMPUTED)
    else:
        computed = set()
    sorted_by = {column.path.partition(".")[0] for column, _ in order} & set(COMPUTED)
    unshown = sorted_by - computed
    computed |= sorted_by
    if params.get("children_type") == "dataset":  # then the statistics are about datasets, not about tasks and models
        computed &= {"owner"}
    only = _only_fields(context, params.get("only_fields"), paths)
    if only is not None:
        read = {column.path for column, _ in order if not column.needs} | ({"user"} if "owner" in computed else set())
        # If all names are those of fields to leave out (`-tags`), the others are read anyway.
        missing = read - set(only) if any(not name.startswith("-") for name in only) else set()
        unshown |= missing
        params["only_fields"] = [*only, *sorted(missing)]
    return Shown(frozenset(computed), order, frozenset(unshown))


def _chosen_paths(context: Context, columns: str | None) -> tuple[str, ...]:
    """Return the paths of the fields that `--columns` or `--fields` name, and have the output show these."""
    fields = context.settings.fields or ()
    if columns is None:
        paths = tuple(map(field_path, fields))
    elif fields:
        raise UsageError("--columns and --fields can't be used together", hint="leave out one of them")
    else:
        paths = tuple(dict.fromkeys(column_of("--columns", name).path for name in columns.split(",")))
    context.output.fields = paths
    return () if paths == ("help",) else paths


def _order(sort_by: str, params: dict[str, Any]) -> list[tuple[Column, bool]]:
    """Set the service's order by columns that are stored, or return the order by computed ones.

    Raises:
        UsageError: a column is unknown, or `--order-by` is used too.
    """
    if "order_by" in params:
        raise UsageError("--sort-by and --order-by can't be used together", hint="leave out one of them")
    words = [word.strip() for word in sort_by.split(",")]
    order = [(column_of("--sort-by", word.removeprefix("-")), word.startswith("-")) for word in words]
    if any(column.needs for column, _ in order):
        return order
    params["order_by"] = ["-" * descending + column.path for column, descending in order]
    return []


def _only_fields(context: Context, only: list[str] | None, paths: tuple[str, ...]) -> list[str] | None:
    """Return `only_fields` if `--fields` or `-o id` shows less than the endpoint would return, else None."""
    if only is None and paths:
        heads = {path: path.partition(".")[0] for path in paths}
        only = [path for path, head in heads.items() if head not in NEEDED_BY] or ["id"]
    if context.output.format in IDS:
        only = [*(only or ()), "id"]
    return only


def _show_list(context: Context, request: Request, shown: Shown, web_url: str | None = None) -> None:
    """Print a list with its computed columns, in their order; then how many hidden projects were left out.

    With the address of a web UI the list has the names and addresses of the projects only.

    A page of a list in such an order is a part of the whole list, which is read and sorted here.

    Raises:
        NothingFound: nothing is listed, and `--fail-if-empty` is set.
    """
    page, size = request.params.get("page"), request.params.get("page_size")
    listed = request
    if shown.order:
        listed = request._replace(params={n: v for n, v in request.params.items() if n not in ("page", "page_size")})
    response = answer(context, listed)
    rows: Iterator[Document] = iter(response.data["projects"])
    if shown.computed:
        from projects_cli.inspection.columns import with_computed

        rows = with_computed(rows, shown.computed, request.params.get("stats_for_state"), context.reading)
    if shown.order:
        from projects_cli.endpoints.ordering import Page
        from projects_cli.inspection.columns import ordered
        from projects_cli.render.encode import value_at

        part = Page.of(request.params)
        order = [(column.path, descending) for column, descending in shown.order]
        rows = iter(ordered(rows, order, value_at)[part.skip : part.skip + part.limit if part.limit else None])
    fields = response.fields
    if shown.unshown:
        rows = ({name: value for name, value in row.items() if name not in shown.unshown} for row in rows)
        fields = fields and tuple(name for name in fields if name not in shown.unshown)
    if web_url is not None:
        from projects_cli.cli.web import address

        rows = ({"id": row.get("id"), "name": row.get("name"), "web": address(web_url, row.get("id"))} for row in rows)
        response, fields = response._replace(view="addresses"), None
    elif context.output.shortens_ids and "id" in (context.output.fields or fields or ("id",)):
        from projects_cli.inspection.short_ids import shortened

        rows = shortened(rows, context.reading)
    response = response._replace(data={**response.data, "projects": rows}, fields=fields)
    try:
        show(context, response, page=page, size=None if shown.order else size)
    except NothingFound as error:
        error.hint = _hidden_notice(context, request) or error.hint
        raise
    if notice := _hidden_notice(context, request):
        context.console.notice(notice)


def _hidden_notice(context: Context, request: Request) -> str:
    """Return the sentence about hidden projects that would be listed with `--hidden`; empty if there are none.

    They are counted after the list was printed, and only if the notice will be: the first line must not wait for it.
    """
    if not context.console.has_notices or request.params.get("search_hidden") or request.params.get("id"):
        return ""
    from projects_cli.endpoints.catalog import count_matching
    from projects_cli.endpoints.selection import hidden_only

    params = {name: value for name, value in request.params.items() if name not in WHOLE_LIST | STATISTICS}
    hidden = request._replace(
        endpoint="projects.get_all_ex",
        params=params | {"search_hidden": True, "only_fields": ["id"]},
        narrowed=hidden_only(request.narrowed),
    )
    store = context.reading
    count = store.connection.retry(lambda: count_matching(hidden, store))
    if not count:
        return ""
    return f"{count} hidden {'project was' if count == 1 else 'projects were'} left out: see --hidden"
