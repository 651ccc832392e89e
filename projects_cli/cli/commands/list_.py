"""`projects list`."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import read, request_of
from projects_cli.cli.options import check_filter_tags
from projects_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projects_cli.cli.context import Context

_filter = partial(typer.Option, rich_help_panel="Filters")
_display = partial(typer.Option, rich_help_panel="Order, pages and fields")
_statistics = partial(typer.Option, rich_help_panel="Statistics")

NOT_STORED = ("stats", "sub_projects", "help")
"""Words of `--fields` that name no stored field of a project."""

ONLY_EXTENDED = ("include_stats", "stats_for_state", "non_public")
"""Parameters that get_all lacks and get_all_ex has."""


class State(StrEnum):
    """Which tasks the statistics count."""

    active = "active"
    archived = "archived"
    all = "all"


app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def list_(
    ctx: typer.Context,
    id: Annotated[list[str] | None, _filter("--id", metavar="ID", help="Only these ids, hidden ones too.")] = None,
    name: Annotated[str | None, _filter("--name", metavar="REGEX", help="Name matches this pattern.")] = None,
    description: Annotated[
        str | None, _filter("--description", metavar="REGEX", help="Description matches this pattern.")
    ] = None,
    tags: Annotated[
        list[str] | None,
        _filter("--tag", "--tags", metavar="TAG", help="Has any of these tags; all of them after --tag __$all."),
    ] = None,
    exclude_tag: Annotated[
        list[str] | None, _filter("--exclude-tag", metavar="TAG", help="Has none of these tags.")
    ] = None,
    no_tags: Annotated[bool, _filter("--no-tags", help="Has no tags; with --tag: has those tags or none.")] = False,
    system_tags: Annotated[
        list[str] | None,
        _filter("--system-tag", "--system-tags", metavar="TAG", help="Has any of these system tags."),
    ] = None,
    search_text: Annotated[
        str | None,
        _filter("--search", "--search-text", metavar="WORDS", help="Words in name or description, best first."),
    ] = None,
    any_: Annotated[
        str | None,
        _filter("--any", metavar="FIELDS=REGEX", help="Any of these fields matches, ignoring case: name,tags=yolo"),
    ] = None,
    all_: Annotated[
        str | None, _filter("--all", metavar="FIELDS=REGEX", help="All of these fields match, ignoring case.")
    ] = None,
    non_public: Annotated[bool | None, _filter("--non-public", help="Leave out public projects.")] = None,
    order_by: Annotated[
        list[str] | None,
        _display("--order-by", metavar="FIELD", help="Sort by FIELD, or -FIELD descending; repeat. [default: name]"),
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
) -> None:
    """List the projects that pass every filter.

    Example: projects list --name '^vision/' --tag prod --order-by -last_update
    """
    context: Context = ctx.obj
    check_filter_tags(tags, system_tags, exclude_tag)
    # Excluded tags and "no tags" are values of the tags parameter too, with the service's list operators.
    tag_filter = [*(tags or ()), *(word for tag in exclude_tag or () for word in ("__$not", tag)), *[None] * no_tags]
    options: dict[str, Any] = {
        "id": id,
        "name": name,
        "description": description,
        "tags": tag_filter or None,
        "system_tags": system_tags,
        "search_text": search_text,
        "_any_": _multi_field("--any", any_),
        "_all_": _multi_field("--all", all_),
        "non_public": non_public,
        "order_by": _split(order_by),
        "page": page,
        "page_size": page_size,
        "only_fields": _split(only_fields),
        "include_stats": include_stats,
        "stats_for_state": stats_for_state,
    }
    params = {parameter: value for parameter, value in options.items() if value is not None}
    optional = {"order_by", "only_fields", "page"} - params.keys()
    params.setdefault("order_by", ["@text_score"] if search_text else ["name"])
    params |= _fetched_fields(context, params.get("only_fields"))
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
    ids = [value.removeprefix("-") for value in params.get("id") or () if not value.startswith("__$")]
    if ids:
        _warn_of_unknown_ids(context, ids)
    read(context, request)


def _split(values: list[str] | None) -> list[str] | None:
    """Return the words of an option that takes `a,b` and may be repeated."""
    return None if values is None else [word for value in values for word in value.split(",")]


def _multi_field(option: str, text: str | None) -> dict[str, Any] | None:
    """Parse `name,tags=REGEX`."""
    if text is None:
        return None
    fields, equals, regex = text.partition("=")
    if not equals or not fields:
        raise UsageError(f"{option} {text!r}: write FIELDS=REGEX, as in {option} name,description=rocket")
    return {"fields": fields.split(","), "pattern": regex}


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
