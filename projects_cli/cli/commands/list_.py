"""`projects list`."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import answer, read, request_of, show
from projects_cli.cli.options import check_filter_tags
from projects_cli.cli.request import parse_json
from projects_cli.config.settings import parse_duration
from projects_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from projects_cli.cli.context import Context
    from projects_cli.messages import Request

_filter = partial(typer.Option, rich_help_panel="Filters")
_display = partial(typer.Option, rich_help_panel="Order, pages and fields")
_tree = partial(typer.Option, rich_help_panel="Place and contents")
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


class ChildrenType(StrEnum):
    """What a project must contain, at any level."""

    pipeline = "pipeline"
    report = "report"
    dataset = "dataset"


app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def list_(
    ctx: typer.Context,
    id: Annotated[list[str] | None, _filter("--id", metavar="ID", help="Only these ids, hidden ones too.")] = None,
    name: Annotated[str | None, _filter("--name", metavar="REGEX", help="Name matches this pattern.")] = None,
    basename: Annotated[
        str | None, _filter("--basename", metavar="REGEX", help="The last part of the name matches this pattern.")
    ] = None,
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
    filters: Annotated[
        str | None,
        _filter("--filters", metavar="JSON", help='Filters by list: {"tags": {"any": {"include": ["prod"]}}}'),
    ] = None,
    last_update: Annotated[
        str | None,
        _filter("--last-update", metavar="FROM,TO", help="Last updated from FROM to TO; either may be empty."),
    ] = None,
    hidden: Annotated[
        bool | None, _filter("--hidden", "--search-hidden", help="List hidden projects too, and mark them.")
    ] = None,
    owner: Annotated[
        list[str] | None, _filter("--owner", metavar="USER", help="Owned by this user, by name or id; repeat.")
    ] = None,
    empty: Annotated[
        bool, _filter("--empty", help="Without tasks and models at any level, archived ones too.")
    ] = False,
    older_than: Annotated[
        str | None, _filter("--older-than", metavar="TIME", help="No activity at any level for this time: 90d.")
    ] = None,
    newer_than: Annotated[
        str | None, _filter("--newer-than", metavar="TIME", help="Activity at some level within this time: 12h.")
    ] = None,
    non_public: Annotated[bool | None, _filter("--non-public", help="Leave out public projects.")] = None,
    under: Annotated[str | None, _tree("--under", metavar="PROJECT", help="This project and all below it.")] = None,
    depth: Annotated[
        int | None, _tree("--depth", min=0, metavar="N", help="At most N levels below the top, or below --under.")
    ] = None,
    children_of: Annotated[
        list[str] | None, _tree("--children-of", metavar="PROJECT", help="Directly below this project; repeat.")
    ] = None,
    parent: Annotated[
        list[str] | None, _tree("--parent", metavar="PROJECT", help="Below this project, at any level; repeat.")
    ] = None,
    shallow_search: Annotated[
        bool | None, _tree("--shallow-search", help="At the top level; with --parent: directly below it.")
    ] = None,
    active_users: Annotated[
        list[str] | None,
        _tree(
            "--active-user", "--active-users", metavar="USER", help="With work of this user id at any level; repeat."
        ),
    ] = None,
    children_type: Annotated[
        ChildrenType | None,
        _tree("--children-type", metavar="TYPE", help="With a pipeline, a report or a dataset at any level."),
    ] = None,
    children_tags: Annotated[
        list[str] | None,
        _tree("--children-tag", "--children-tags", metavar="TAG", help="Only if that has any of these tags."),
    ] = None,
    children_tags_filter: Annotated[
        str | None,
        _tree("--children-tags-filter", metavar="JSON", help='The same as a filter: {"all": {"include": ["prod"]}}'),
    ] = None,
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
    check_filter_tags(tags, system_tags, exclude_tag, children_tags)
    if children_of and (parent or shallow_search):
        raise UsageError("--children-of can't be used with --parent or --shallow-search, which it stands for")
    # Excluded tags and "no tags" are values of the tags parameter too, with the service's list operators.
    tag_filter = [*(tags or ()), *(word for tag in exclude_tag or () for word in ("__$not", tag)), *[None] * no_tags]
    options: dict[str, Any] = {
        "id": id,
        "name": name,
        "basename": basename,
        "description": description,
        "tags": tag_filter or None,
        "system_tags": system_tags,
        "search_text": search_text,
        "_any_": _multi_field("--any", any_),
        "_all_": _multi_field("--all", all_),
        "filters": _json_object("--filters", filters),
        "last_update": _bounds(last_update),
        "search_hidden": hidden,
        "non_public": non_public,
        "parent": children_of or parent,
        "shallow_search": True if children_of else shallow_search,
        "active_users": active_users,
        "children_type": children_type and children_type.value,
        "children_tags": children_tags,
        "children_tags_filter": _json_object("--children-tags-filter", children_tags_filter),
        "order_by": _split(order_by),
        "page": page,
        "page_size": page_size,
        "only_fields": _split(only_fields),
        "include_stats": include_stats or own_stats or (None if stats_filter is None or own_contents else True),
        "stats_for_state": stats_for_state,
        "stats_with_children": False if own_stats else None,
        "include_stats_filter": _json_object("--stats-filter", stats_filter),
        "check_own_contents": own_contents,
        "include_dataset_stats": dataset_stats,
    }
    params = {parameter: value for parameter, value in options.items() if value is not None}
    computed = _set_order(sort_by, params)
    optional = {"order_by", "only_fields", "page"} - params.keys()
    params.setdefault("order_by", ["@text_score"] if search_text else ["name"])
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
    narrowed = _narrowed(context, owner or (), under, depth, empty, older_than, newer_than, request.now)
    request = request._replace(narrowed=narrowed)
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


def _narrowed(
    context: Context,
    owner: Sequence[str],
    under: str | None,
    depth: int | None,
    empty: bool,
    older_than: str | None,
    newer_than: str | None,
    now: datetime,
) -> dict[str, Any] | None:
    """Return the condition of the filters that the service does not have, None without any.

    Raises:
        UsageError: a duration is invalid, or a user is unknown. InvalidProjectId, ProjectNotFound: `under` is unknown.
    """
    since, until = _time_before(now, "--newer-than", newer_than), _time_before(now, "--older-than", older_than)
    if not (owner or under or depth is not None or empty or since or until):
        return None
    from projects_cli.endpoints import hierarchy
    from projects_cli.endpoints.address import project_id
    from projects_cli.endpoints.owner import named_owner
    from projects_cli.inspection.narrowing import Narrowing, condition

    store = context.reading
    root = None
    if under is not None:
        root = hierarchy.readable_project(project_id(under, lambda: store), store, {"path": 1})
    owners = [named_owner(user, "--owner", store) for user in owner]
    wanted = Narrowing(owners, root, depth, empty, since, until)
    with context.console.waiting("asking the database:"):
        return store.connection.retry(lambda: condition(wanted, store))


def _time_before(now: datetime, option: str, text: str | None) -> datetime | None:
    """Return the time that is a duration before now, without a zone, as stored times are."""
    if text is None:
        return None
    try:
        return now.replace(tzinfo=None) - timedelta(seconds=parse_duration(text))
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error
    except OverflowError as error:
        raise UsageError(f"{option} {text!r}: longer than the calendar") from error


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


def _json_object(option: str, text: str | None) -> dict[str, Any] | None:
    """Parse an option that is a JSON object."""
    if text is None:
        return None
    value = parse_json(text.encode("utf-8", "surrogateescape"))
    if not isinstance(value, dict):
        raise UsageError(f"{option} {text!r}: expected a JSON object")
    return value


def _bounds(text: str | None) -> list[str | None] | None:
    """Parse `FROM,TO`; an empty one is an open end."""
    if text is None:
        return None
    start, comma, end = text.partition(",")
    if not comma:
        raise UsageError(f"--last-update {text!r}: write FROM,TO with a comma, as in '2024-02-01,' for an open end")
    return [start.strip() or None, end.strip() or None]


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
