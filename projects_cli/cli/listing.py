"""How the options of `projects list` become a request of get_all, or of get_all_ex where they need it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from projects_cli.errors import FieldsValueError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from projects_cli.cli.context import Context


class State(StrEnum):
    """Which tasks the statistics count."""

    active = "active"
    archived = "archived"
    all = "all"


WITH_STATISTICS = ("include_stats", "stats_for_state", "non_public")
"""Options that only get_all_ex understands (cli.md, Commands)."""

COUNTED = ("stats", "sub_projects", "help")
"""Words of `--fields` that name nothing stored."""


def listing(
    *,
    given: Mapping[str, Any],
    exclude_tags: Sequence[str] | None,
    no_tags: bool,
    limit: int | None,
    fields: Sequence[str] = (),
    ids: bool = False,
) -> tuple[str, dict[str, Any]]:
    """Give the endpoint and the parameters.

    Of `fields` (`--fields`) no more is fetched than they show; for `ids` (`-o id`) the id, whatever else was chosen.
    """
    check_filter_tags(given.get("tags"), given.get("system_tags"), exclude_tags)
    params = {name: value for name, value in given.items() if value is not None}
    tags = _tags(params.pop("tags", []), exclude_tags or (), no_tags=no_tags)
    if tags:
        params["tags"] = tags
    for name in ("_any_", "_all_"):
        if name in params:
            params[name] = _multi_field(params[name], name.strip("_"))
    for name in ("order_by", "only_fields"):
        if name in params:
            params[name] = [field for item in params[name] for field in item.split(",")]
    params |= _fetched(params.get("only_fields"), fields, ids=ids)
    params.setdefault("order_by", ["@text_score"] if params.get("search_text") else ["name"])
    if limit is not None:
        params |= _limited(params, limit)
    if not any(name in params for name in WITH_STATISTICS):
        return "projects.get_all", params
    if "stats_for_state" in params:
        state = params["stats_for_state"]
        params |= {"include_stats": True, "stats_for_state": None if state is State.all else state.value}
    return "projects.get_all_ex", params


def own_defaults(params: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Return the parameters that `listing` added to what the user gave."""
    return [name for name in ("order_by", "only_fields", "page") if name in params and given.get(name) is None]


def id_check(context: Context) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return the function that warns of values of --id that are not the id of a project, such as names."""

    def check(given: dict[str, Any]) -> dict[str, Any]:
        ids = [value.removeprefix("-") for value in given.get("id") or () if not value.startswith("__$")]
        if ids:
            from projects_cli.endpoints.address import unknown_ids

            store = context.reading
            for value in context.persistently(lambda: unknown_ids(ids, store)):
                context.console.warn(
                    f"--id expects ids, and {value!r} is not the id of a project; "
                    "for a name use: projects get NAME, or projects list --name REGEX"
                )
        return given

    return check


def tags_filter(tags: Sequence[str] | None, system_tags: Sequence[str] | None) -> dict[str, Sequence[str]] | None:
    """Give the `filter` of the tags' endpoints that `--filter-tag` and `--filter-system-tag` make; None without."""
    check_filter_tags(tags, system_tags)
    given = {"tags": tags, "system_tags": system_tags}
    return {name: values for name, values in given.items() if values} or None


def check_filter_tags(*options: Sequence[str] | None) -> None:
    """Refuse an empty tag in a filter: it is a variable that was not set rather than a tag.

    Raises:
        FieldsValueError: there is one.
    """
    if any("" in (tags or ()) for tags in options):
        raise FieldsValueError("a tag to filter by must not be empty", hint="projects without tags: --no-tags")


def _fetched(only: Sequence[str] | None, fields: Sequence[str], *, ids: bool) -> dict[str, Sequence[str]]:
    """Give `only_fields`, where that narrows what is fetched; what the statistics make is none of a project's own."""
    if only is None and fields:
        only = [field for field in fields if field.partition(".")[0] not in COUNTED] or ["id"]
    if ids:
        only = [*(only or ()), "id"]
    return {} if only is None else {"only_fields": only}


def _tags(tags: Sequence[str], excluded: Sequence[str], *, no_tags: bool) -> list[str | None]:
    """Join the options about tags to one list with operators."""
    joined: list[str | None] = list(tags)
    for tag in excluded:
        joined += ["__$not", tag]
    return [*joined, None] if no_tags else joined


def _multi_field(text: str, option: str) -> dict[str, Any]:
    """Read `name,tags=PATTERN`."""
    fields, equals, regex = text.partition("=")
    if not equals or not fields:
        raise UsageError(f"--{option} {text!r}: write FIELDS=REGEX, as in --{option} name,description=rocket")
    return {"fields": fields.split(","), "pattern": regex}


def _limited(params: Mapping[str, Any], limit: int) -> dict[str, int]:
    if "page" in params or "page_size" in params:
        raise UsageError("--limit goes without --page and --page-size")
    if limit < 1:
        raise UsageError(f"--limit must be at least 1, not {limit}", hint="leave --limit out to list all projects")
    return {"page": 0, "page_size": limit}
