"""Which projects a listing has: the filters of get_all and get_all_ex (docs/semantics.md, Filters)."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from projects_cli.endpoints import fields, hierarchy
from projects_cli.errors import FieldsValueError, ValidationError, did_you_mean, nearest
from projects_cli.store import filters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Store

TEXT_LISTS = ("tags", "system_tags")
FILTERED = (*TEXT_LISTS, "id", "parent", "path")
"""The fields that `filters` may name."""


def condition_of(request: Request, store: Store) -> Document:
    """Return the condition on the projects of a listing: the AND of all filters of the request.

    Raises:
        FieldsValueError, ValidationError: a filter is invalid. InvalidFields: an unknown field is named.
    """
    params = request.params
    by_list = _filters(params["filters"]) if "filters" in params else {}
    parts: list[Document] = []
    # A field in `filters` replaces the parameter of the same name.
    shallow = params.get("shallow_search")
    # Null and [] do not restrict. Only without the parameter a shallow search is one of the top level.
    parents = params.get("parent", [None] if shallow else None)
    if parents and "parent" not in by_list:
        parts.append(with_stored_ids(filters.in_list("parent" if shallow else "path", parents), store))
    if params.get("id") and "id" not in by_list:
        parts.append(by_id(params, store))
    elif not params.get("search_hidden"):
        parts.append(filters.not_hidden())
    parts += [filters.in_list(name, params[name]) for name in TEXT_LISTS if params.get(name) and name not in by_list]
    parts += [by_list[name] if name in TEXT_LISTS else with_stored_ids(by_list[name], store) for name in by_list]
    parts += [filters.pattern(name, params[name]) for name in ("name", "basename", "description") if params.get(name)]
    patterns = [name for name in ("_all_", "_any_", "_and_", "_or_") if params.get(name) is not None]
    parts += [_multi_field(params[name], name) for name in patterns]
    if params.get("last_update") is not None:
        parts.append(_last_update(params["last_update"]))
    if params.get("search_text"):
        parts.append(filters.text(params["search_text"]))
    if not params.get("allow_public", not params.get("non_public")):
        parts.append({"company": store.company})
    parts.append(request.narrowed or {})
    return filters.all_of(parts)


def hidden_only(narrowed: Document | None) -> Document:
    """Return the condition that hidden projects pass, of those that pass the given one."""
    return filters.all_of([narrowed or {}, {"system_tags": filters.HIDDEN}])


def by_id(params: Mapping[str, Any], store: Store) -> Document:
    """Return the condition of the parameter `id`, `{}` if it does not filter.

    Raises:
        FieldsValueError: the list has an invalid operator.
    """
    ids = () if "id" in (params.get("filters") or ()) else params.get("id")
    return with_stored_ids(filters.in_list("_id", ids), store)


def with_stored_ids(condition: Document, store: Store) -> Document:
    """Return a condition on ids, parents or paths with the stored ids in place of the texts that denote them."""
    if not condition:
        return condition

    def texts(part: Any) -> Iterator[str]:
        if isinstance(part, str):
            yield part
        elif isinstance(part, (dict, list)):
            yield from chain.from_iterable(map(texts, part.values() if isinstance(part, dict) else part))

    stored_ids = hierarchy.ids_of_other_types(texts(condition), store)

    def replaced(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: replaced(value) for key, value in part.items()}
        if isinstance(part, list):
            return [replaced(value) for value in part]
        return stored_ids.get(part, part)

    return cast("Document", replaced(condition)) if stored_ids else condition


def _filters(data: Mapping[str, Any] | None) -> dict[str, Document]:
    """Return the conditions of the parameter `filters`, by field.

    Raises:
        FieldsValueError: it is null. ValidationError: it names another field, or a filter is invalid.
    """
    if data is None:
        raise FieldsValueError("filters: expected an object, got null", hint=filters.LIST_FILTER_EXAMPLE)
    unknown = next((name for name in data if name not in FILTERED), None)
    if unknown is not None:
        hint = did_you_mean(nearest(unknown, FILTERED, 1), f"fields: {', '.join(FILTERED)}")
        raise ValidationError(f"filters: unknown field {unknown!r}", hint=hint)
    return {
        name: filters.list_filter(fields.stored_name(name, "filters"), data[name], f"filters.{name}") for name in data
    }


def _last_update(bounds: Sequence[str | None]) -> Document:
    """Return the filter for `[from, to]`, both included. Null is an open end.

    Projects without a `last_update` are older than all others: an open start includes them.

    Raises:
        ValidationError: a bound is not a date, or both are null.
    """
    dates: Document = {}
    for operator, bound in zip(("$gte", "$lte"), bounds, strict=True):
        if bound is None:
            continue
        try:
            date = datetime.fromisoformat(bound)
            dates[operator] = date.replace(tzinfo=date.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            hint = "write dates as in 2024-02-25 or 2024-02-25T18:30:00+01:00; without an offset they are in UTC"
            raise ValidationError(f"last_update: {bound!r} is not a date", hint=hint) from error
    if not dates:
        raise ValidationError("last_update: one of the two bounds must be a date")
    within: Document = {"last_update": dates}
    return within if "$gte" in dates else filters.any_of([within, {"last_update": None}])


def _multi_field(data: Mapping[str, Any], parameter: str) -> Document:
    """Return the filter for a pattern, ignoring case, in every field (`_all_`, `_and_`) or in any (`_any_`, `_or_`).

    An empty list of fields or an empty pattern does not filter.

    Raises:
        FieldsValueError: `fields` or `pattern` is missing, without which the filter would be dropped silently; or there
            is a `datetime`.
        InvalidFields: a field is unknown.
    """
    if data.get("datetime") is not None:
        raise FieldsValueError(
            f"{parameter}: datetime is not supported",
            hint='by time of the last update: "last_update": ["2024-03-01", null]',
        )
    missing = [key for key in ("fields", "pattern") if key not in data]
    if missing:
        raise FieldsValueError(
            f"{parameter}: {' and '.join(missing)} missing",
            hint=f'both are required: "{parameter}": {{"fields": ["name"], "pattern": "rocket"}}',
        )
    names = [fields.stored_name(name, parameter) for name in data["fields"]]
    if not data["pattern"]:
        return {}
    matches = [filters.pattern(name, data["pattern"], ignore_case=True) for name in names]
    return filters.all_of(matches) if parameter in {"_all_", "_and_"} else filters.any_of(matches)
