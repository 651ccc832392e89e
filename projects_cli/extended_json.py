"""Stored values of any type: written as Extended JSON, and compared.

Extended JSON is MongoDB's relaxed one, with one difference: a date is ISO 8601 text, as everywhere in this program.
Start-up stays fast: the driver is imported only for a value of its types.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime
from math import isfinite
from typing import Any

PLAIN = frozenset({str, int, bool, type(None)})  # types that are the same in JSON

NOT_FINITE = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}


def plain(value: Any) -> Any:
    """Return a stored value as types that JSON has."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat() + ("+00:00" if value.tzinfo is None else "")
    if isinstance(value, int):  # an Int64
        return int(value)
    if isinstance(value, float):
        return value if isfinite(value) else {"$numberDouble": NOT_FINITE[str(value)]}
    if isinstance(value, bytes) or type(value).__module__.partition(".")[0] == "bson":
        from bson import json_util

        return plain(json_util.default(value, json_util.RELAXED_JSON_OPTIONS))
    return str(value)


def canonical(value: Any) -> Any:
    """Return a stored value as canonical Extended JSON, in which numbers have their types."""
    import json

    from bson import json_util

    return json.loads(json_util.dumps(value, json_options=json_util.CANONICAL_JSON_OPTIONS))


def compact(value: Any) -> str:
    """Return a value of any type as text: a text itself, anything else as Extended JSON in one line."""
    if type(value) is str:
        return value
    simple = plain(value)
    if isinstance(simple, str):
        return simple
    import json

    return json.dumps(simple, ensure_ascii=False, separators=(",", ":"))


def id_text(identifier: Any) -> str:
    """Return an id as text that names its project on a command line: an ObjectId as its 24 digits."""
    simple = plain(identifier)
    if isinstance(simple, dict) and simple.keys() == {"$oid"}:
        return str(simple["$oid"])
    return compact(identifier)


def argument(identifier: Any) -> str:
    """Return an id as text that names no other project, even if another one's id is shown alike."""
    if type(identifier) is str:
        return identifier
    import json

    return json.dumps(canonical(identifier), separators=(",", ":"))


def identity(value: Any) -> Hashable:
    """Return a key for a dict that is the same for the same stored value: a text itself, else its type and bytes.

    MongoDB compares numbers by value, so that 1 and 1.0 are one id; bytes of documents can't be hashed otherwise.
    """
    if type(value) is str:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value:  # noqa: PLR0124 - not NaN
        return ("number", value)
    import bson

    return bson.encode({"": value})


def can_be_id(value: Any) -> bool:
    """Return whether MongoDB allows a value as an id, and a filter can hold it as a plain value."""
    if type(value) is str:
        return value != ""
    if isinstance(value, dict):  # a filter would take `{"$gt": ""}` for an operator, and a pattern likewise
        return not next(iter(value), "").startswith("$")
    return not (value is None or isinstance(value, list) or type(value).__name__ in {"Regex", "Pattern", "DBRef"})
