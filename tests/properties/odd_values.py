"""Values of every BSON type, and a database that has each of them in every field."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import bson
from bson import (
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
)
from bson.binary import Binary
from bson.code import Code
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument

from tests.worlds.site import COMPANY, LONG_AGO

if TYPE_CHECKING:
    from tests.worlds.site import Site

Document = dict[str, Any]
TOLERANT: CodecOptions[Document] = CodecOptions(
    unicode_decode_error_handler="replace", datetime_conversion=DatetimeConversion.DATETIME_AUTO
)

NOT_UTF8 = "caf@@ bytes"
"""Stands for a text that is not UTF-8, which pymongo does not write: the bytes are put in afterwards."""

UNDEFINED = "undefined@@"
"""Stands for a value of the deprecated type `undefined`, which pymongo does not write either."""

VALUES: dict[str, Any] = {
    "ObjectId": ObjectId("65f000000000000000000002"),
    "document": {"b": ObjectId("65f000000000000000000003"), "a": LONG_AGO},
    "empty document": {},
    "document like an operator": {"$gt": ""},
    "document with dots": {"a.b": {"$c": 1}},
    "list": ["vision", "a"],
    "empty list": [],
    "mixed list": ["a", 1, None, {"x": [1.5]}, ObjectId("65f000000000000000000004"), Decimal128("1"), LONG_AGO],
    "nested lists": [["a", ["b"]], [[]]],
    "DBRef": DBRef("project", ObjectId("65f000000000000000000005")),
    "int": 5,
    "zero": 0,
    "Int64": Int64(2**62),
    "float": 2.5,
    "NaN": float("nan"),
    "infinity": float("-inf"),
    "Decimal128": Decimal128("1.50"),
    "Decimal128 NaN": Decimal128("NaN"),
    "true": True,
    "false": False,
    "null": None,
    "undefined": UNDEFINED,
    "date": datetime(1969, 7, 20, tzinfo=UTC),
    "date of the year 1": datetime(1, 1, 1, tzinfo=UTC),
    "date after 9999": DatetimeMS(253402300800000),
    "date of long ago": DatetimeMS(-(2**63)),
    "Timestamp": Timestamp(1, 2),
    "bytes": b"\x00\xff",
    "UUID": Binary.from_uuid(UUID(int=7)),
    "old UUID": Binary(UUID(int=7).bytes, 3),
    "Code": Code("function () {}"),
    "CodeWithScope": Code("function () {}", {"x": ObjectId("65f000000000000000000006")}),
    "Regex": Regex(".*", "i"),
    "MinKey": MinKey(),
    "MaxKey": MaxKey(),
    "not UTF-8": NOT_UTF8,
    "empty text": "",
    "operator": "__$all",
}
"""Every BSON type, with the values of each that programs stumble over."""

NO_ID = frozenset(
    {
        *("document like an operator", "document with dots", "list", "empty list", "mixed list", "nested lists"),
        *("Regex", "undefined", "Decimal128 NaN"),
    }
)
"""Values that MongoDB refuses as an id, and one that it treats as the NaN of the other type."""

REPR = re.compile(
    r"\b(ObjectId|Decimal128|DatetimeMS|DBRef|Int64|Timestamp|MinKey|MaxKey|Code|Regex|Binary|UUID)\("
    r"|\bdatetime\.|\bre\.compile|\bb'|[{\[]'"
)
"""Beginnings of Python's own forms of values: an answer must not have any."""

PROJECT_FIELDS = (
    *("name", "basename", "description", "user", "parent", "path", "tags", "system_tags", "created", "last_update"),
    *("company_origin", "featured", "default_output_destination", "logo_url", "logo_blob", "another"),
)
TASK_FIELDS = (
    *("name", "type", "status", "project", "parent", "tags", "system_tags", "created", "started", "completed"),
    *("last_update", "user", "hyperparams", "last_metrics", "models", "active_duration"),
)
MODEL_FIELDS = (
    *("name", "project", "parent", "task", "tags", "system_tags", "created", "user", "ready", "uri", "metadata"),
    "last_metrics",
)


def write(site: Site, collection: str, document: Document) -> None:
    """Insert a document with bytes that pymongo does not write."""
    raw = bson.encode(document)
    raw = raw.replace(NOT_UTF8.encode(), NOT_UTF8.encode().replace(b"@@", b"\xe9\xff"))
    answer = site.documents.command("insert", collection, documents=[RawBSONDocument(_with_undefined(raw))])
    assert answer["n"] == 1, answer


def _with_undefined(raw: bytes) -> bytes:
    """Replace the elements of a document whose text is `UNDEFINED`: 0x06, and no value."""
    text = (len(UNDEFINED) + 1).to_bytes(4, "little") + UNDEFINED.encode() + b"\0"
    while (end := raw.find(text)) >= 0:
        start = raw.rindex(b"\x02", 0, end)
        raw = raw[:start] + b"\x06" + raw[start + 1 : end] + raw[end + len(text) :]
    return len(raw).to_bytes(4, "little") + raw[4:]


def sound(identifier: Any, name: str, **fields: Any) -> Document:
    """Return a project as a server writes it."""
    return {
        "_id": identifier,
        "company": COMPANY,
        "user": "owner",
        "name": name,
        "basename": name,
        "description": "",
        "created": LONG_AGO,
        "last_update": LONG_AGO,
        "tags": ["prod"],
        "system_tags": [],
        "featured": 9999,
        "path": [],
        **fields,
    }


def member(identifier: Any, **fields: Any) -> Document:
    """Return a task as a server writes it."""
    sums = {"company": COMPANY, "user": "owner", "name": "task", "project": f"{0:032x}", "status": "completed"}
    times = {"created": LONG_AGO, "started": LONG_AGO, "completed": LONG_AGO}
    return {"_id": identifier, **sums, **times, "type": "training", "tags": ["edge"], "system_tags": [], **fields}


def fill(site: Site, *kinds: str) -> list[Document]:
    """Store values of these kinds in every field of a project, a task, a model and a user; returns the projects."""
    write(site, "project", sound(f"{0:032x}", "whole"))
    write(site, "company", {"_id": COMPANY, "name": VALUES[kinds[0]]})
    for number, kind in enumerate(kinds, 1):
        _fill(site, kind, f"{number:04x}")
    tolerant: Any = site.documents.project.with_options(codec_options=TOLERANT)
    return list(tolerant.find({}, {"name": 1}))


def _fill(site: Site, kind: str, prefix: str) -> None:
    value = VALUES[kind]
    for number, field in enumerate(PROJECT_FIELDS, 1):
        write(site, "project", sound(f"{prefix}{number:028x}", f"{kind} as {field}") | {field: value})
    if kind not in NO_ID:
        write(site, "project", sound(value, f"{kind} as id"))
        below = sound(f"{prefix}{'c' * 28}", f"{kind} as id/below", basename="below", parent=value, path=[value])
        write(site, "project", below)
        write(site, "user", {"_id": value, "name": "somebody", "company": COMPANY})
    write(site, "user", {"_id": f"{prefix} owner", "name": value, "company": COMPANY})
    owned = sound(f"{prefix}{'d' * 28}", f"{kind} as name of the user", user=f"{prefix} owner")
    write(site, "project", owned)
    for number, field in enumerate(TASK_FIELDS):
        write(site, "task", member(f"{prefix} {number}") | {field: value})
    if kind == "undefined":  # the lengths of the documents around it would be wrong
        value = None
    for number, parameter in enumerate([value, {"value": value}]):
        write(site, "task", member(f"{prefix} part {number}", hyperparams={"Args": {"x": parameter}}))
        write(site, "model", member(f"{prefix} part {number}", metadata={"key": parameter}))
    write(site, "task", member(f"{prefix} parts", hyperparams={"Args": {"x": value}}, last_metrics={"h": {"v": value}}))
    write(site, "task", member(f"{prefix} names", last_metrics={"h": {"v": {"metric": value, "variant": value}}}))
    for number, field in enumerate(MODEL_FIELDS):
        write(site, "model", member(f"{prefix} {number}") | {field: value})
