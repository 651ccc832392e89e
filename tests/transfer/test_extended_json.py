"""Documents as canonical Extended JSON: every byte survives, and MongoDB's own library reads the same."""

from __future__ import annotations

import json
import struct
from datetime import datetime
from typing import Any

import bson
import pytest
from bson import (
    Binary,
    Code,
    DatetimeMS,
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
    json_util,
)
from hypothesis import given
from hypothesis import strategies as st

from projects_cli.store.extended_reader import UnreadableLine, document_from, document_of, parsed
from projects_cli.store.extended_writer import line_of, text_of

NAN = struct.pack("<Q", 0xFFF8000000000007)  # not the NaN that Python makes
OID = ObjectId("0123456789abcdef01234567")

VALUES: list[Any] = [
    "text", "\x1b[31m\u2028é😀\x00", "", 5, -(2**31), Int64(5), 2**40, 1.5, -0.0, float("inf"), float("-inf"), 1e300,
    True, False, None, datetime(2024, 2, 3, 4, 5, 6, 7000),  # noqa: DTZ001 - dates are UTC without a zone
    DatetimeMS(2**62), DatetimeMS(-(2**62)),
    OID, b"bytes", Binary(b"x", 128), Binary(b"0" * 16, 4), Decimal128("1.50"), Decimal128("NaN"),
    Regex("a/b", "im"), Timestamp(7, 2**32 - 1), Code("f()"), Code("f()", {"x": Int64(1)}), MinKey(), MaxKey(),
    DBRef("task", OID), [], {}, [[], [{"a": [None]}]], {"a": {"b": {}}}, {"": 1, "a.b": 2, "$odd": 3},
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_written_as_the_library_of_mongodb_does_and_read_back(value: Any) -> None:
    raw = bson.encode({"_id": "x", "value": value})
    line = line_of(raw).decode()
    document: dict[str, Any] = bson.decode(
        raw, bson.CodecOptions(datetime_conversion=bson.codec_options.DatetimeConversion.DATETIME_MS)
    )
    expected = json_util.dumps(document, json_options=json_util.CANONICAL_JSON_OPTIONS)
    assert json.loads(line) == json.loads(expected)
    assert document_of(line.encode()[:-1]) == document_from(parsed(line)) == raw
    assert text_of(raw) + "\n" == line


def element(kind: int, data: bytes, name: bytes = b"v") -> bytes:
    return bytes((kind,)) + name + b"\0" + data


def sized(body: bytes) -> bytes:
    return struct.pack("<i", len(body) + 5) + body + b"\0"


BENT = {
    "text that is not UTF-8": element(2, struct.pack("<i", 4) + b"a\xff\xed\0"),
    "text with an encoded surrogate": element(2, struct.pack("<i", 4) + b"\xed\xa0\x80\0"),
    "a name that is not UTF-8": element(16, b"\1\0\0\0", b"\xff"),
    "a repeated name": element(16, b"\1\0\0\0") + element(2, struct.pack("<i", 2) + b"a\0"),
    "another NaN": element(1, NAN),
    "undefined": element(6, b""),
    "a symbol": element(14, struct.pack("<i", 3) + b"a\xff\0"),
    "a pointer": element(12, struct.pack("<i", 3) + b"a\xff\0" + OID.binary),
    "a pattern that is not UTF-8": element(11, b"\xff\0i\0"),
    "a pattern with unsorted options": element(11, b"a\0xi\0"),
    "a binary of the old subtype": element(5, struct.pack("<i", 5) + b"\2" + struct.pack("<i", 1) + b"x"),
    "a decimal with another form": element(19, b"\0" * 14 + b"\x00\x60"),
    "an array with other keys": element(4, sized(element(10, b"", b"1") + element(10, b"", b"x"))),
    "a document like Extended JSON": element(3, sized(element(2, struct.pack("<i", 2) + b"5\0", b"$numberInt"))),
    "a document like our own": element(3, sized(element(10, b"", b"$bson"))),
}


@pytest.mark.parametrize("name", BENT)
def test_bytes_that_decoding_would_lose_survive(name: str) -> None:
    raw = sized(
        element(2, struct.pack("<i", 2) + b"x\0", b"_id")
        + element(4, sized(BENT[name].replace(b"v\0", b"0\0", 1)))
        + BENT[name]
    )
    line = line_of(raw)
    assert document_of(line[:-1]) == raw
    assert line.count(b"\n") == 1


NAMES = st.sampled_from(["a", "é", "$date", "$oid", '\x1f"', "😀"])
SCALARS = st.sampled_from(VALUES) | st.text("a\\é\x7f\x80😀", max_size=4) | st.integers(-(2**63), 2**63 - 1)
NESTED = st.lists(SCALARS, max_size=3) | st.dictionaries(NAMES, SCALARS, max_size=2)
DOCUMENTS = st.dictionaries(NAMES, SCALARS | NESTED | st.lists(NESTED, max_size=2), max_size=5)


@given(DOCUMENTS)
def test_any_document_survives_and_both_ways_of_writing_agree(document: dict[str, Any]) -> None:
    raw = bson.encode(document)
    line = line_of(raw).decode()
    assert line == text_of(raw) + "\n"
    assert document_of(line.encode()[:-1]) == document_from(parsed(line)) == raw


@pytest.mark.parametrize(
    "line",
    [
        "", "[]", "5", '{"a": NaN}', '{"a": 1', '{"a": {"$numberInt": "9999999999"}}', '{"a": {"$oid": "12"}}',
        '{"a": {"$date": 5}}', '{"a": {"$date": {"$numberLong": "x"}}}', '{"a": {"$binary": {"base64": "?"}}}',
        '{"a": {"$numberLong": {"b": 1}}}', '{"a": "\\ud800"}', '{"a\\u0000": 1}', '{"a": 99999999999999999999}',
        '{"a": {"$bson": {"base64": "AAAA", "type": "05"}}}', '{"a": {"$bson": {"base64": "AAAA", "type": "999"}}}',
        '{"a": {"$numberInt": "1", "more": 1}}', '{"a":' * 300 + "1" + "}" * 300, "[" * 100_000,
        '{"a": {"$undefined": false}}', '{"a": {"$numberDecimal": "x"}}', '{"a": {"$code": 5}}',
    ],
)  # fmt: skip
def test_a_line_that_is_not_such_a_document_is_refused(line: str) -> None:
    with pytest.raises(UnreadableLine):
        document_of(line.encode("utf-8", "surrogatepass"))
