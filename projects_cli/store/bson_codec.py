"""BSON as bytes: documents taken apart and put together without decoding a value.

Decoding is lossy: text that is not UTF-8, deprecated types and dates beyond Python's range do not survive a round trip.
Whatever is kept to be put back later therefore stays as it was stored. Format: https://bsonspec.org.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument

from projects_cli.store.documents import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_FIXED = {
    0x01: 8,  # double
    0x06: 0,  # undefined
    0x07: 12,  # object id
    0x08: 1,  # boolean
    0x09: 8,  # date
    0x0A: 0,  # null
    0x10: 4,  # int32
    0x11: 8,  # timestamp
    0x12: 8,  # int64
    0x13: 16,  # decimal128
    0x7F: 0,  # max key
    0xFF: 0,  # min key
}
"""The size of each type whose values all have the same size."""

_EXTRA = {
    0x02: 4,  # string
    0x03: 0,  # document: its length counts itself
    0x04: 0,  # array
    0x05: 5,  # binary: the length and a subtype
    0x0C: 16,  # DB pointer: a string and an object id
    0x0D: 4,  # code
    0x0E: 4,  # symbol
    0x0F: 0,  # code with scope
}
"""How many bytes a value has beyond the number in its first four bytes."""

_READABLE: CodecOptions[RawBSONDocument] = CodecOptions(
    document_class=RawBSONDocument,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    unicode_decode_error_handler="replace",
)

REGEX = 0x0B
_ARRAY = 0x04
DOCUMENT = 0x03
_INT32 = struct.Struct("<i")


class Value(NamedTuple):
    """A stored value: its BSON type and its bytes."""

    type: int
    data: bytes


NULL = Value(0x0A, b"")
UNDEFINED = Value(0x06, b"")
"""A deprecated type that MongoDB refuses to compare with."""


def fields(raw: bytes) -> dict[str, Value]:
    """Return the top-level fields of a document in their order.

    A name that is not UTF-8 is kept with surrogate escapes. For a repeated name the last value is returned.
    """
    return dict(_elements(raw))


def items(array: Value) -> list[Value]:
    """Return the items of an array."""
    return [value for _, value in _elements(array.data)]


def _elements(raw: bytes) -> Iterator[tuple[str, Value]]:
    place, end = 4, len(raw) - 1
    while place < end:
        kind = raw[place]
        stop = raw.index(0, place + 1)
        name = raw[place + 1 : stop].decode("utf-8", "surrogateescape")
        start = stop + 1
        place = start + _size(kind, raw, start)
        yield name, Value(kind, raw[start:place])


def _size(kind: int, raw: bytes, start: int) -> int:
    if kind in _FIXED:
        return _FIXED[kind]
    if kind == REGEX:
        return raw.index(0, raw.index(0, start) + 1) + 1 - start
    return int(_INT32.unpack_from(raw, start)[0]) + _EXTRA[kind]


def document(values: Mapping[str, Value]) -> bytes:
    """Return the BSON of a document with these fields."""
    body = b"".join(
        bytes((value.type,)) + name.encode("utf-8", "surrogateescape") + b"\0" + value.data
        for name, value in values.items()
    )
    return _INT32.pack(len(body) + 5) + body + b"\0"


def array(values: Iterable[Value]) -> Value:
    """Return an array of these values."""
    return Value(_ARRAY, document({str(index): value for index, value in enumerate(values)}))


def value_of(value: Any) -> Value:
    """Return a Python value as it would be stored."""
    return fields(bson.encode({"": value}))[""]


def document_value(raw: bytes) -> Value:
    """Return a document as a value, to be put into another document."""
    return Value(DOCUMENT, raw)


def python_value(value: Value) -> Any:
    """Return a value as Python, for display and comparison. Never to be stored again: decoding is lossy."""
    return decode(document({"": value}))[""]


def embedded(values: Mapping[str, Value]) -> RawBSONDocument:
    """Return a document with these fields in a form that the driver sends unchanged."""
    return unchanged(document(values))


def unchanged(raw: bytes) -> RawBSONDocument:
    """Return a document in a form that the driver sends unchanged.

    The driver looks into some documents (whether they are empty), so they have to be readable whatever they hold.
    """
    return RawBSONDocument(raw, _READABLE)
