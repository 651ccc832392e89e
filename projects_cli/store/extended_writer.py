r"""Documents as lines of canonical Extended JSON, from which `store.extended_reader` restores every byte.

The lines are those of `bson.json_util` with its canonical options, written without decoding the document, so nothing
is lost: a repeated field is written twice, and a byte that is not UTF-8 as a surrogate escape (`\udcff`). What
Extended JSON can't restore is written as `{"$bson": {"base64": …, "type": "05"}}`, the value as it is stored: a binary
of the old subtype, a document that looks like Extended JSON itself, an array whose keys are not its positions.
"""

from __future__ import annotations

import struct
from base64 import b64encode
from datetime import datetime, timedelta
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import TYPE_CHECKING, Any

import bson
import orjson
from bson.decimal128 import Decimal128

from projects_cli.store.bson_codec import ARRAY, DOCUMENT, NULL, REGEX, Value, size_of
from projects_cli.store.driver_errors import UNREADABLE
from projects_cli.store.extended_reader import (
    BINARY,
    BOOLEAN,
    DATE,
    DECIMAL,
    INT,
    LONG,
    OBJECT_ID,
    READERS,
    STRING,
    value_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_INT32 = struct.Struct("<i")
_INT64 = struct.Struct("<q")
_DOUBLE = struct.Struct("<d")
_TIMESTAMP = struct.Struct("<II")

NAMES = 20_000
"""Field names that are kept with their quoted form; most documents have the same few."""

_names: dict[bytes, str] = {}


# --- to text --------------------------------------------------------------------------------------------------------


def line_of(raw: bytes) -> bytes:
    """Return a document as one line of canonical Extended JSON, with its line break.

    Almost every document can be decoded without a loss, by the driver's C code; encoding it again proves that. It is
    then converted three times as fast as from its bytes.
    """
    try:
        decoded = bson.decode(raw, _STRICT)
        if bson.encode(decoded) == raw:
            return orjson.dumps(
                {name: _plain(item) for name, item in decoded.items()}, option=orjson.OPT_APPEND_NEWLINE
            )
    except (*UNREADABLE, RecursionError):
        pass
    return text_of(raw).encode() + b"\n"


_STRICT: bson.CodecOptions[dict[str, Any]] = bson.CodecOptions()
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - dates are UTC without a zone
_MILLISECOND = timedelta(milliseconds=1)


def _plain(value: Any) -> Any:
    """Return a decoded value as JSON has it.

    Raises:
        KeyError: it is of a rare type, or text could not restore it.
    """
    kind = type(value)
    if kind is str:
        return value
    if kind is dict:
        # A stored document that looks like a value of another type would be read back as that.
        if value and next(iter(value)) in READERS:
            raise KeyError
        return {name: item if type(item) is str else _plain(item) for name, item in value.items()}
    if kind is list:
        return [item if type(item) is str else _plain(item) for item in value]
    return _PLAIN[kind](value)


def _plain_float(number: float) -> dict[str, str]:
    if number - number != 0.0:
        raise KeyError  # a NaN has many forms
    return {"$numberDouble": repr(number)}


_PLAIN: dict[type, Callable[[Any], Any]] = {
    bool: lambda value: value,
    type(None): lambda value: value,
    int: lambda value: {"$numberInt": str(value)},
    bson.Int64: lambda value: {"$numberLong": str(value)},
    float: _plain_float,
    datetime: lambda value: {"$date": {"$numberLong": str((value - _EPOCH) // _MILLISECOND)}},
    bson.ObjectId: lambda value: {"$oid": str(value)},
}


def text_of(raw: bytes) -> str:
    """Return a document of any bytes as one line of canonical Extended JSON, without a line break."""
    parts: list[str] = []
    _write_document(raw, 0, parts)
    return "".join(parts)


def quoted(data: bytes) -> str:
    """Return stored text as JSON: what is not UTF-8 with surrogate escapes."""
    try:
        return encode_basestring(data.decode())
    except UnicodeDecodeError:
        return encode_basestring_ascii(data.decode("utf-8", "surrogateescape"))


def _write_document(raw: bytes, position: int, parts: list[str]) -> int:
    """Append the document at a position, and return the position behind it."""
    end: int = position + _INT32.unpack_from(raw, position)[0]
    position += 4
    opening = "{"
    while position < end - 1:
        stop = raw.index(0, position + 1)
        name = raw[position + 1 : stop]
        known = _names.get(name)
        if known is None:
            if len(_names) >= NAMES:  # names may be data, such as the hashes of metrics
                _names.clear()
            known = _names[name] = quoted(name) + ":"
        parts.append(opening + known)
        opening = ","
        position = _write_value(raw, raw[position], stop + 1, parts)
    parts.append("{}" if opening == "{" else "}")
    return end


def _write_value(raw: bytes, kind: int, start: int, parts: list[str]) -> int:
    """Append the value of a type that begins at `start`, and return the position behind it."""
    if kind == STRING:
        stop = start + 4 + int(_INT32.unpack_from(raw, start)[0])
        parts.append(quoted(raw[start + 4 : stop - 1]))
    elif kind == DOCUMENT:
        stop = start + int(_INT32.unpack_from(raw, start)[0])
        # A stored document that looks like a value of another type would be read back as that.
        first = raw[start + 5 : raw.index(0, start + 5)] if raw[start + 5 : start + 6] == b"$" else b""
        if first.decode("utf-8", "replace") in READERS:
            parts.append(_as_stored(kind, raw[start:stop]))
        else:
            _write_document(raw, start, parts)
    elif kind == ARRAY:
        stop = _write_array(raw, start, parts)
    else:
        stop = start + size_of(raw, kind, start)
        data = raw[start:stop]
        text = _WRITERS[kind](data)
        # Several forms of these values have the same text.
        if kind not in _UNIQUE and value_in(text) != Value(kind, data):
            text = _as_stored(kind, data)
        parts.append(text)
    return stop


def _write_array(raw: bytes, start: int, parts: list[str]) -> int:
    end: int = start + _INT32.unpack_from(raw, start)[0]
    begin, position, index = len(parts), start + 4, 0
    parts.append("[")
    while position < end - 1:
        stop = raw.index(0, position + 1)
        # JSON has no names for the items of an array. Other names than 0, 1, 2 are lost, unless the bytes are kept.
        if raw[position + 1 : stop] != b"%d" % index:
            parts[begin:] = [_as_stored(ARRAY, raw[start:end])]
            return end
        if index:
            parts.append(",")
        position = _write_value(raw, raw[position], stop + 1, parts)
        index += 1
    parts.append("]")
    return end


def _as_stored(kind: int, data: bytes) -> str:
    return f'{{"$bson":{{"base64":"{b64encode(data).decode()}","type":"{kind:02x}"}}}}'


def _double(data: bytes) -> str:
    number = _DOUBLE.unpack(data)[0]
    named = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(repr(number))
    return f'{{"$numberDouble":"{named or repr(number)}"}}'


def _binary(data: bytes) -> str:
    content = b64encode(data[5:]).decode()
    return f'{{"$binary":{{"base64":"{content}","subType":"{data[4]:02x}"}}}}'


def _regex(data: bytes) -> str:
    pattern, options, _ = data.split(b"\0")
    return f'{{"$regularExpression":{{"pattern":{quoted(pattern)},"options":{quoted(options)}}}}}'


def _timestamp(data: bytes) -> str:
    increment, seconds = _TIMESTAMP.unpack(data)
    return f'{{"$timestamp":{{"t":{seconds},"i":{increment}}}}}'


def _pointer(data: bytes) -> str:
    return f'{{"$dbPointer":{{"$ref":{quoted(data[4:-13])},"$id":{{"$oid":"{data[-12:].hex()}"}}}}}}'


def _scoped(data: bytes) -> str:
    size = _INT32.unpack_from(data, 4)[0]
    return f'{{"$code":{quoted(data[8 : 7 + size])},"$scope":{text_of(data[8 + size :])}}}'


_UNIQUE = frozenset({DATE, INT, LONG, NULL.type, OBJECT_ID})
"""Types with one text for each value."""

_WRITERS: dict[int, Callable[[bytes], str]] = {
    DATE: lambda data: f'{{"$date":{{"$numberLong":"{_INT64.unpack(data)[0]}"}}}}',
    INT: lambda data: f'{{"$numberInt":"{_INT32.unpack(data)[0]}"}}',
    LONG: lambda data: f'{{"$numberLong":"{_INT64.unpack(data)[0]}"}}',
    NULL.type: lambda _: "null",
    0x01: _double,
    BINARY: _binary,
    0x06: lambda _: '{"$undefined":true}',
    OBJECT_ID: lambda data: f'{{"$oid":"{data.hex()}"}}',
    BOOLEAN: lambda data: "true" if data == b"\1" else "false",
    REGEX: _regex,
    0x0C: _pointer,
    0x0D: lambda data: f'{{"$code":{quoted(data[4:-1])}}}',
    0x0E: lambda data: f'{{"$symbol":{quoted(data[4:-1])}}}',
    0x0F: _scoped,
    0x11: _timestamp,
    DECIMAL: lambda data: f'{{"$numberDecimal":"{Decimal128.from_bid(data)}"}}',
    0x7F: lambda _: '{"$maxKey":1}',
    0xFF: lambda _: '{"$minKey":1}',
}
