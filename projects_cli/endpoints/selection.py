"""Which projects a listing has: the filters of get_all and get_all_ex (docs/semantics.md, Filters)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import fields, hierarchy
from projects_cli.errors import FieldsValueError
from projects_cli.store import filters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Store


def condition_of(request: Request, store: Store) -> Document:
    """Return the condition on the projects of a listing. Hidden projects are left out unless ids are given.

    Raises:
        FieldsValueError: a filter is invalid. InvalidFields: an unknown field is named.
    """
    params = request.params
    parts = [by_id(params, store), *(filters.in_list(name, params.get(name)) for name in ("tags", "system_tags"))]
    parts += [filters.pattern(name, params[name]) for name in ("name", "description") if params.get(name)]
    parts += [_multi_field(params.get(parameter), parameter) for parameter in ("_all_", "_any_")]
    if params.get("search_text"):
        parts.append(filters.text(params["search_text"]))
    if not params.get("id"):
        parts.append(filters.not_hidden())
    if params.get("non_public"):
        parts.append({"company": store.company})
    return filters.all_of(parts)


def by_id(params: Mapping[str, Any], store: Store) -> Document:
    """Return the condition of the parameter `id`, `{}` if it does not filter.

    Raises:
        FieldsValueError: the list has an invalid operator.
    """
    condition = filters.in_list("_id", params.get("id"))
    texts = [value.removeprefix("-") for value in params.get("id") or () if value]
    stored_ids = hierarchy.ids_of_other_types(texts, store)
    return with_stored_ids(condition, stored_ids) if stored_ids else condition


def with_stored_ids(condition: Any, stored_ids: Mapping[str, Any]) -> Any:
    """Return a filter on ids with the stored ids in place of the texts that name them."""
    if isinstance(condition, dict):
        return {key: with_stored_ids(value, stored_ids) for key, value in condition.items()}
    if isinstance(condition, list):
        return [with_stored_ids(value, stored_ids) for value in condition]
    return stored_ids.get(condition, condition)


def _multi_field(data: Mapping[str, Any] | None, parameter: str) -> Document:
    """Return the filter for a pattern, ignoring case, in every field (`_all_`) or in any field (`_any_`).

    An empty list of fields or an empty pattern does not filter.

    Raises:
        FieldsValueError: `fields` or `pattern` is missing. Without this check the filter would be dropped silently.
        InvalidFields: a field is unknown.
    """
    if data is None:
        return {}
    missing = [key for key in ("fields", "pattern") if key not in data]
    if missing:
        raise FieldsValueError(
            f"{parameter}: {' and '.join(missing)} missing",
            hint=f'both are required: "{parameter}": {{"fields": ["name"], "pattern": "rocket"}}',
        )
    names = [fields.stored_name(fields.known_field(name, parameter)) for name in data["fields"]]
    if not data["pattern"]:
        return {}
    matches = [filters.pattern(name, data["pattern"], ignore_case=True) for name in names]
    return filters.all_of(matches) if parameter == "_all_" else filters.any_of(matches)
