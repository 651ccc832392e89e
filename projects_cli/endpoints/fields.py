"""The fields of a project: which names requests may use, and how a stored document becomes a response's."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from projects_cli.errors import InvalidFields, did_you_mean, nearest
from projects_cli.extended_json import compact
from projects_cli.messages import PROJECT_FIELDS, UNLISTED_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from projects_cli.messages import Document

FIELDS = PROJECT_FIELDS + UNLISTED_FIELDS
LIST_FIELDS = frozenset({"tags", "system_tags", "path"})


def stored_name(field: str) -> str:
    """Give the name under which MongoDB has a field."""
    return "_id" if field == "id" else field


def known_field(name: str, parameter: str) -> str:
    """Give the name back, if projects have such a field.

    Raises:
        InvalidFields: they do not.
    """
    if name not in FIELDS:
        hint = did_you_mean(nearest(name, FIELDS, 1), f"fields: {', '.join(FIELDS)}")
        raise InvalidFields(f"{parameter}: projects have no field {name!r}", hint=hint)
    return name


def as_date(value: object) -> object:
    """Give a stored date (UTC without a zone) as ISO 8601 with its offset."""
    return f"{value.isoformat()}+00:00" if isinstance(value, datetime) else value


def as_sorted(value: object) -> object:
    """Return stored tags sorted; a value that is not a list is shown as it is stored, null and absent as no tags."""
    if not isinstance(value, list):
        return [] if value is None else value
    return sorted_tags(value)


def sorted_tags(tags: list[Any]) -> list[Any]:
    """Return tags sorted; values of several types, which Python does not order, by their text."""
    if len(tags) < 2:  # noqa: PLR2004 - most lists of tags
        return tags
    try:
        return sorted(tags)
    except TypeError:
        return sorted(tags, key=compact)


def as_list(value: object) -> object:
    """Return a stored list in its order; a value that is not a list as it is stored, null and absent as none."""
    return [] if value is None else value


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "tags": as_sorted,
    "system_tags": as_sorted,
    "path": as_list,
    "featured": lambda value: 9999 if value is None else value,
}


def presenter(names: Iterable[str]) -> Callable[[Document], Document]:
    """Return the mapping from stored documents to the response's projects, for these fields in this order.

    Null and absent fields are left out, except fields that have a value for that (semantics.md, Common), and an id.
    """
    mapping = [(name, stored_name(name), _CONVERT.get(name)) for name in names]

    has_id = any(name == "id" for name, _, _ in mapping)

    def present(stored: Document) -> Document:  # a list of 100,000 spends a third of its time here
        shown = {}
        for name, key, convert in mapping:
            value = stored.get(key)
            if convert is not None:
                value = convert(value)
            if value is not None:
                shown[name] = value
        if has_id and "id" not in shown:  # it is null
            shown["id"] = None
        return shown

    return present


def projection(names: Iterable[str]) -> Document:
    """Give MongoDB's projection for these fields."""
    wanted: Document = {stored_name(name): 1 for name in names}
    wanted.setdefault("_id", 0)
    return wanted
