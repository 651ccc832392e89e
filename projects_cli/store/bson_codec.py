"""BSON: documents and dates as Python has them, and documents as bytes, without decoding a value.

Decoding is lossy: text that is not UTF-8, deprecated types and dates beyond Python's range do not survive a round trip.
Before-images of a change therefore stay as bytes. Format: https://bsonspec.org.
"""

from __future__ import annotations

import struct
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from projects_cli.messages import Document

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

_OPTIONS: CodecOptions[Document] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
)
RAW_OPTIONS = _OPTIONS.with_options(document_class=RawBSONDocument)

UNREADABLE = "\ufffd"
"""The replacement character, which decoded text has for bytes that are not UTF-8: such text must not be stored."""

AFTER_THE_LAST_DATE = DatetimeMS(253_402_300_800_000)
"""The first moment of the year 10000, for which Python has no date."""

DATES = (datetime, DatetimeMS)  # the types of decoded dates: the second one for dates that Python cannot represent

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - dates are UTC without a zone
_MILLISECOND = timedelta(milliseconds=1)

REGEX = 0x0B
STRING = 0x02
ARRAY = 0x04
DOCUMENT = 0x03
_INT32 = struct.Struct("<i")


# --- decoded ----------------------------------------------------------------------------------------------------------


def encode(document: Mapping[str, Any]) -> bytes:
    """Return a document as BSON."""
    return bson.encode(document)


def decode(raw: bytes) -> Document:
    """Return BSON as a document; dates are UTC without a zone."""
    return bson.decode(raw, _OPTIONS)


def is_beyond_dates(value: Any) -> bool:
    """Return whether a stored value is a date outside the years 1 to 9999."""
    return isinstance(value, DatetimeMS)


def is_later(date: Any, other: Any) -> bool:
    """Return whether a stored date is later than another."""
    try:
        return bool(date > other)
    except TypeError:  # the two types do not compare
        return milliseconds(date) > milliseconds(other)


def seconds_between(started: Any, completed: Any) -> int:
    """Return the whole seconds from one stored date to another; 0 if that is not later."""
    try:
        span = completed - started
    except TypeError:
        return max(0, (milliseconds(completed) - milliseconds(started)) // 1000)
    return span.days * 86_400 + span.seconds if span.days >= 0 else 0


def milliseconds(date: Any) -> int:
    """Return the milliseconds of a stored date since 1970."""
    return (date - _EPOCH) // _MILLISECOND if isinstance(date, datetime) else int(date)


# --- as bytes ---------------------------------------------------------------------------------------------------------


class Value(NamedTuple):
    """A stored value: its BSON type and its bytes."""

    type: int
    data: bytes


_make = tuple.__new__  # half the time of the class itself: a large change parses a hundred thousand values

NULL = Value(0x0A, b"")
UNDEFINED = Value(0x06, b"")  # a deprecated type that MongoDB refuses to compare with


def fields(raw: bytes) -> dict[str, Value]:
    """Return the top-level fields of a document in their order.

    A name that is not UTF-8 is kept with surrogate escapes. For a repeated name the last value is returned.
    """
    # The same loop as in `elements`: without a generator and a call for each field it takes a quarter less time.
    values: dict[str, Value] = {}
    position, end = 4, len(raw) - 1
    while position < end:
        kind = raw[position]
        stop = raw.index(0, position + 1)
        name = raw[position + 1 : stop].decode("utf-8", "surrogateescape")
        start, extra = stop + 1, _EXTRA.get(kind)
        size = size_of(raw, kind, start) if extra is None else _INT32.unpack_from(raw, start)[0] + extra
        position = start + size
        values[name] = _make(Value, (kind, raw[start:position]))
    return values


def identifier(raw: bytes) -> Value:
    """Return the id of a document, which is usually its first field: the others are not parsed."""
    return next(value for name, value in elements(raw) if name == "_id")


def items(array: Value) -> list[Value]:
    """Return the items of an array."""
    return [value for _, value in elements(array.data)]


def elements(raw: bytes) -> Iterator[tuple[str, Value]]:
    """Yield the top-level fields of a document, each parsed when it is asked for."""
    position, end = 4, len(raw) - 1  # the document's length comes first, a NUL last
    while position < end:  # an element is its type, its name, a NUL, and its value
        kind = raw[position]
        stop = raw.index(0, position + 1)
        name = raw[position + 1 : stop].decode("utf-8", "surrogateescape")
        start = stop + 1
        size = size_of(raw, kind, start)
        position = start + size
        yield name, _make(Value, (kind, raw[start:position]))


def size_of(raw: bytes, kind: int, start: int) -> int:
    """Return how many bytes the value of a type has that begins at `start`."""
    if kind in _FIXED:
        return _FIXED[kind]
    if kind == REGEX:  # two texts, each with a NUL behind it
        return raw.index(0, raw.index(0, start) + 1) + 1 - start
    return int(_INT32.unpack_from(raw, start)[0]) + _EXTRA[kind]


def document(values: Mapping[str, Value]) -> bytes:
    """Return the BSON of a document with these fields."""
    body = b"".join(
        bytes((value.type,)) + name.encode("utf-8", "surrogateescape") + b"\0" + value.data
        for name, value in values.items()
    )
    return _INT32.pack(len(body) + 5) + body + b"\0"


def joined(*documents: bytes) -> bytes:
    """Return the BSON of a document with the fields of all of these, none of which may be in two."""
    body = b"".join(raw[4:-1] for raw in documents)
    return _INT32.pack(len(body) + 5) + body + b"\0"


def with_fields(raw: bytes, changes: Mapping[str, Value]) -> bytes:
    """Return a document with other values for some of its fields, each in its place; new fields come last."""
    parts: list[bytes] = []
    left = dict(changes)
    for name, value in elements(raw):
        chosen = changes.get(name, value)
        left.pop(name, None)
        parts += [bytes((chosen.type,)), name.encode("utf-8", "surrogateescape"), b"\0", chosen.data]
    body = b"".join(parts) + document(left)[4:-1]
    return _INT32.pack(len(body) + 5) + body + b"\0"


def array(values: Iterable[Value]) -> Value:
    """Return an array of these values."""
    return Value(ARRAY, document({str(index): value for index, value in enumerate(values)}))


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
    return RawBSONDocument(raw, RAW_OPTIONS)
