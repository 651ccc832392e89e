"""Filters on stored values of any type, which a filter of the driver could not hold as Python values."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from projects_cli.extended_json import id_text
from projects_cli.store import bson_codec
from projects_cli.store.bson_codec import NULL, Value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from projects_cli.messages import Document


def shown(identifier: Value) -> str:
    """Return an id for display."""
    return id_text(bson_codec.python_value(identifier))


def by_id(identifier: Value) -> Document:
    """Match the document with an id."""
    return is_value("_id", identifier)


def is_value(name: str, value: Value) -> Document:
    """Match documents of which a field is a value, or a list with it; null does not match an absent field."""
    condition: Document = {name: bson_codec.embedded({"$eq": value})}
    return {**condition, "$expr": {"$eq": [{"$type": f"${name}"}, "null"]}} if value == NULL else condition


def among(identifiers: Iterable[Value], name: str = "_id") -> Document:
    """Match documents of which a field is one of these values."""
    return {name: bson_codec.embedded({"$in": bson_codec.array(identifiers)})}


def is_comparable(value: Value | None) -> TypeGuard[Value]:
    """Return whether a list of a filter may have a value.

    MongoDB takes a regular expression in it as a pattern, and refuses `undefined`, and documents that look like an
    operator.
    """
    if value is None or value.type in {bson_codec.UNDEFINED.type, bson_codec.REGEX}:
        return False
    return value.type != bson_codec.DOCUMENT or not next(iter(bson_codec.fields(value.data)), "").startswith("$")


def within(array: Value, name: str = "_id") -> Document:
    """Match documents of which a field is an item of a stored array."""
    return {name: bson_codec.embedded({"$in": array})}


def stored_as(name: str, value: Value | None) -> Document:
    """Match documents in which a field has exactly this value, or is absent."""
    if value is None:
        return {name: {"$exists": False}}
    return {"$expr": {"$eq": [f"${name}", bson_codec.embedded({"$literal": value})]}}
