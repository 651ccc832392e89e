"""Lines of canonical Extended JSON as documents, the counterpart of `store.extended_writer`.

The objects of the JSON are read as lists of members, since a document may have a field twice. Plain numbers, which the
writer does not make, get the type that MongoDB's own tools give them.
"""

from __future__ import annotations

import json
import struct
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import bson
import orjson
from bson.decimal128 import Decimal128

from projects_cli.store import bson_codec
from projects_cli.store.bson_codec import ARRAY, DOCUMENT, NULL, REGEX, Value
from projects_cli.store.driver_errors import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable

_INT32 = struct.Struct("<i")
_INT64 = struct.Struct("<q")
_DOUBLE = struct.Struct("<d")
_TIMESTAMP = struct.Struct("<II")

DEEPEST = 200
"""Levels of a document: MongoDB allows 180 at most."""

STRING, BINARY, OBJECT_ID, BOOLEAN, DATE, INT, LONG, DECIMAL = 0x02, 0x05, 0x07, 0x08, 0x09, 0x10, 0x12, 0x13


class UnreadableLine(ValueError):
    """A line is not a document in canonical Extended JSON."""


class Members(tuple[tuple[str, Any], ...]):
    """The members of a JSON object, in order; a name may occur twice."""

    __slots__ = ()


def parsed(line: str) -> Any:
    """Return a line of JSON, with each object as its `Members`.

    Raises:
        UnreadableLine: it is not JSON.
    """
    try:
        return json.loads(line, object_pairs_hook=Members, parse_constant=_refuse)
    except RecursionError as error:
        raise UnreadableLine("it is nested too deeply") from error
    except ValueError as error:
        raise UnreadableLine(f"it is not JSON, from its character {getattr(error, 'pos', 0) + 1} on") from error


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def document_of(line: bytes) -> bytes:
    """Return the document of a line of canonical Extended JSON, as BSON.

    Almost every line is parsed without a loss by orjson, as writing it again proves, and has common types only: that is
    four times as fast.

    Raises:
        UnreadableLine: the line is not such a document.
    """
    try:
        members = orjson.loads(line)
        # The driver would put the id first.
        if orjson.dumps(members) == line and next(iter(members), "_id") == "_id":
            return bson.encode({name: item if type(item) is str else _decoded(item) for name, item in members.items()})
    except (*UNREADABLE, RecursionError):
        pass
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise UnreadableLine("it is not UTF-8") from error
    return document_from(parsed(text))


def _decoded(value: Any) -> Any:
    """Return a parsed value as the driver encodes it.

    Raises:
        LookupError, ValueError, TypeError: it is of a rare type, or invalid.
    """
    if type(value) is dict:
        first = next(iter(value), "")
        if first in READERS:
            ((_, text),) = value.items()
            return _COMMON[first](text)
        return {name: item if type(item) is str else _decoded(item) for name, item in value.items()}
    if type(value) is list:
        return [item if type(item) is str else _decoded(item) for item in value]
    return value


def _int32(text: str) -> int:
    number = int(text)
    if not -(2**31) <= number < 2**31:
        raise ValueError
    return number


_COMMON: dict[str, Callable[[Any], Any]] = {
    "$numberInt": _int32,
    "$numberLong": lambda text: bson.Int64(int(text)),
    "$numberDouble": float,
    "$date": lambda value: bson.DatetimeMS(int(value["$numberLong"])) if len(value) == 1 else value[""],
    "$oid": bson.ObjectId,
}


def document_from(members: Any) -> bytes:
    """Return the document of a parsed object, as BSON.

    Raises:
        UnreadableLine: it is not an object, or not canonical Extended JSON.
    """
    if not isinstance(members, Members):
        raise UnreadableLine("it is not an object")
    try:
        return _document(members)
    except UnreadableLine:
        raise
    except (ValueError, TypeError, AttributeError, RecursionError, ArithmeticError, struct.error, LookupError) as error:
        raise UnreadableLine("it has a value that is not canonical Extended JSON") from error


def value_in(text: str) -> Value:
    """Return the value that a text in Extended JSON stands for."""
    return _value(parsed(text), 0)


def _document(members: Members, depth: int = 0) -> bytes:
    if depth > DEEPEST:
        raise UnreadableLine(f"it has more than {DEEPEST} levels")
    parts = []
    for name, item in members:
        kind, data = _value(item, depth + 1)
        encoded = name.encode("utf-8", "surrogateescape")
        if 0 in encoded:
            raise UnreadableLine("the name of a field has a NUL")
        parts += [bytes((kind,)), encoded, b"\0", data]
    body = b"".join(parts)
    return _INT32.pack(len(body) + 5) + body + b"\0"


def _value(item: Any, depth: int) -> Value:
    """Return a parsed value as BSON. Plain numbers get the type that MongoDB's own tools give them."""
    if type(item) is Members:
        read = READERS.get(item[0][0]) if item else None
        return Value(DOCUMENT, _document(item, depth)) if read is None else read(item, depth)
    if type(item) is list:
        named = Members((str(index), each) for index, each in enumerate(item))
        return Value(ARRAY, _document(named, depth))
    return _SCALARS[type(item)](item)


def _string(text: str) -> bytes:
    encoded = text.encode("utf-8", "surrogateescape")
    return _INT32.pack(len(encoded) + 1) + encoded + b"\0"


def _integer(number: int) -> Value:
    return Value(INT, _INT32.pack(number)) if -(2**31) <= number < 2**31 else Value(LONG, _INT64.pack(number))


_SCALARS: dict[type, Callable[[Any], Value]] = {
    str: lambda text: Value(STRING, _string(text)),
    bool: lambda value: Value(BOOLEAN, b"\1" if value else b"\0"),
    int: _integer,
    float: lambda number: Value(0x01, _DOUBLE.pack(number)),
    type(None): lambda _: NULL,
}


def _cstring(text: str) -> bytes:
    encoded = text.encode("utf-8", "surrogateescape")
    if 0 in encoded:
        raise UnreadableLine("a regular expression has a NUL")
    return encoded + b"\0"


def _only(members: Any, *names: str) -> list[Any]:
    """Return the values of an object that must have exactly these members."""
    if not isinstance(members, Members) or tuple(name for name, _ in members) != names:
        raise UnreadableLine(f"an object should have {', '.join(names)} and nothing else")
    return [item for _, item in members]


def _read_long(members: Members, _: int) -> Value:
    return Value(LONG, _INT64.pack(int(_only(members, "$numberLong")[0])))


def _read_double(members: Members, _: int) -> Value:
    return Value(0x01, _DOUBLE.pack(float(_only(members, "$numberDouble")[0])))


def _read_date(members: Members, depth: int) -> Value:
    (moment,) = _only(members, "$date")
    return Value(DATE, _read_long(moment, depth).data)


def _read_binary(members: Members, _: int) -> Value:
    content, subtype = _only(_only(members, "$binary")[0], "base64", "subType")
    data = b64decode(content, validate=True)
    return Value(BINARY, _INT32.pack(len(data)) + bytes((int(subtype, 16),)) + data)


def _read_regex(members: Members, _: int) -> Value:
    pattern, options = _only(_only(members, "$regularExpression")[0], "pattern", "options")
    return Value(REGEX, _cstring(pattern) + _cstring(options))


def _read_timestamp(members: Members, _: int) -> Value:
    seconds, increment = _only(_only(members, "$timestamp")[0], "t", "i")
    return Value(0x11, _TIMESTAMP.pack(increment, seconds))


def _read_object_id(members: Members, _: int) -> Value:
    data = bytes.fromhex(_only(members, "$oid")[0])
    if len(data) != 12:  # noqa: PLR2004 - an ObjectId has twelve bytes
        raise UnreadableLine("an $oid has 24 hex digits")
    return Value(OBJECT_ID, data)


def _read_pointer(members: Members, depth: int) -> Value:
    name, identifier = _only(_only(members, "$dbPointer")[0], "$ref", "$id")
    return Value(0x0C, _string(name) + _read_object_id(identifier, depth).data)


def _read_code(members: Members, depth: int) -> Value:
    # Code without a scope has a type of its own.
    if len(members) == 1:
        return Value(0x0D, _string(_only(members, "$code")[0]))
    code, scope = _only(members, "$code", "$scope")
    data = _string(code) + _document(scope, depth + 1)
    return Value(0x0F, _INT32.pack(len(data) + 4) + data)


def _read_stored(members: Members, _: int) -> Value:
    content, kind = _only(_only(members, "$bson")[0], "base64", "type")
    return checked(Value(int(kind, 16), b64decode(content, validate=True)))


def checked(value: Value) -> Value:
    """Return a value whose bytes come from a file, if they are a value of its type.

    Raises:
        ValueError: they are not, so a document with them could not be read.
    """
    body = bytes((value.type,)) + b"\0" + value.data
    raw = _INT32.pack(len(body) + 5) + body + b"\0"
    try:
        # The bytes become a part of a stored document: the driver must be able to read them.
        bson_codec.decode(raw)
    except UNREADABLE as error:
        raise ValueError("a $bson is not a BSON value") from error
    return value


def _constant(kind: int, expected: object) -> Callable[[Members, int], Value]:
    """Return the reader of a type that has one value only."""

    def read(members: Members, _: int) -> Value:
        if members != ((members[0][0], expected),):
            raise ValueError(f"{members[0][0]} should be {expected}")
        return Value(kind, b"")

    return read


READERS: dict[str, Callable[[Members, int], Value]] = {
    "$numberInt": lambda members, _: Value(INT, _INT32.pack(int(_only(members, "$numberInt")[0]))),
    "$numberLong": _read_long,
    "$numberDouble": _read_double,
    "$numberDecimal": lambda members, _: Value(DECIMAL, Decimal128(_only(members, "$numberDecimal")[0]).bid),
    "$date": _read_date,
    "$binary": _read_binary,
    "$regularExpression": _read_regex,
    "$timestamp": _read_timestamp,
    "$oid": _read_object_id,
    "$dbPointer": _read_pointer,
    "$code": _read_code,
    "$symbol": lambda members, _: Value(0x0E, _string(_only(members, "$symbol")[0])),
    "$undefined": _constant(0x06, True),
    "$minKey": _constant(0xFF, 1),
    "$maxKey": _constant(0x7F, 1),
    "$bson": _read_stored,
}
"""How an object that stands for a value is read, by its first member."""
