"""Every BSON type at every place of projects, tasks and models goes through every change and back, byte for byte."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import bson
import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.raw_bson import RawBSONDocument

from projects_cli.endpoints.tags import edit_tags
from projects_cli.errors import CannotUndo, FieldsValueError
from projects_cli.messages import Plan, Step
from projects_cli.store import bson_codec
from projects_cli.store.bson_codec import Value
from tests.worlds.world import (
    COMPANY,
    Change,
    Content,
    Planning,
    World,
    change,
    identifier,
    member,
    project,
    undo,
    world_on,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server

OID = bytes.fromhex("65f000000000000000000002")
DEPRECATED = {
    "undefined": Value(0x06, b""),
    "symbol": Value(0x0E, b"\x04\0\0\0sym\0"),
    "db pointer": Value(0x0C, b"\x02\0\0\0c\0" + OID),
}
NOT_TEXT = {
    "latin-1 text": Value(0x02, b"\x05\0\0\0caf\xe9\0"),
    "latin-1 in a document": Value(0x03, bson_codec.document({"a": Value(0x02, b"\x02\0\0\0\xe9\0")})),
    "latin-1 in a list": bson_codec.array([Value(0x02, b"\x02\0\0\0\xe9\0"), Value(0x06, b"")]),
}
DATES = {
    "date of the year 10000": Value(0x09, struct.pack("<q", 253402300800000)),
    "date before the year 1": Value(0x09, struct.pack("<q", -62135596800001)),
}
PLAIN: dict[str, Any] = {
    "double": 1.5,
    "not a number": float("nan"),
    "text": "some",
    "empty text": "",
    "text with a NUL": "a\0b",
    "document": {"b": 1, "a": Int64(2), "$dollar": 1, "with.dot": 2, "": 3},
    "list": [1, Int64(1), 1.0, "x", None, [["deep"]]],
    "operator": {"$gt": ""},
    "empty list": [],
    "binary": Binary(b"\0\xff", 0x80),
    "old binary": Binary(b"xx", 2),
    "uuid": Binary(bytes(16), 4),
    "object id": ObjectId(OID),
    "true": True,
    "date": datetime(2024, 1, 9, tzinfo=UTC),
    "null": None,
    "regex": Regex("^a(b", "imsx"),
    "code": Code("f()"),
    "code with scope": Code("f()", {"a": 1}),
    "int32": 7,
    "int64": Int64(2**40),
    "timestamp": Timestamp(5, 6),
    "decimal": Decimal128("1.10"),
    "min key": MinKey(),
    "max key": MaxKey(),
}
VALUES: dict[str, Value] = {name: bson_codec.value_of(value) for name, value in PLAIN.items()}
VALUES |= DEPRECATED | NOT_TEXT | DATES
ID_TYPES = (
    "double",
    "document",
    "binary",
    "uuid",
    "object id",
    "true",
    "date",
    "int32",
    "int64",
    "timestamp",
    "decimal",
    "code",
)
"""Types of ids that MongoDB allows and that are not text."""

ID_VALUES = VALUES | {"document": bson_codec.value_of({"b": 1, "a": Int64(2)})}
"""An id can't have fields that begin with a dollar sign."""

FIELDS = (
    *("user", "name", "basename", "description", "created", "last_update", "tags", "system_tags", "featured"),
    *("company_origin", "default_output_destination", "logo_url", "x_unknown"),
)
ROOT = project(1, "root")
ELSEWHERE = project(2, "elsewhere")


def odd(document: dict[str, Any], **values: Value) -> bytes:
    return bson_codec.document({**bson_codec.fields(bson.encode(document)), **values})


def child(number: int, **values: Value) -> bytes:
    return odd(project(number, f"root/child {number}", [ROOT]), **values)


def site() -> Content:
    """Return a tree with a project for each type in each field, and tasks and models likewise."""
    pairs = [(field, value) for field in FIELDS for value in VALUES.values()]
    projects = [
        bson.encode(ROOT),
        bson.encode(ELSEWHERE),
        *(child(100 + number, **{field: value}) for number, (field, value) in enumerate(pairs)),
    ]
    projects += [child(5000 + number, _id=ID_VALUES[name]) for number, name in enumerate(ID_TYPES)]
    everything = [
        dict.fromkeys(("status", "last_update", "tags", "hyperparams", "x"), value) for value in VALUES.values()
    ]
    tasks = [odd(member(9000 + number, ROOT), **values) for number, values in enumerate(everything)]
    tasks += [odd(member(9500 + number, ROOT), _id=ID_VALUES[name]) for number, name in enumerate(ID_TYPES)]
    tasks.append(odd(member(9600, ROOT), project=bson_codec.value_of([ROOT["_id"], 1])))
    models = [odd(member(9700 + number, ROOT), **values) for number, values in enumerate(everything)]
    references = [dict.fromkeys(("last_change", "last_changed_by", "status"), value) for value in VALUES.values()]
    first = bson_codec.value_of(identifier(9000))  # a task that a delete of contents removes
    listed = bson_codec.items(bson_codec.value_of([{"model": identifier(9700)}]))
    for number, values in enumerate(references):
        value = values["status"]
        models_of = {"input": bson_codec.array([*listed, value]), "output": value, "x": value}
        kept = Value(0x03, bson_codec.document(models_of))
        tasks.append(odd(member(9800 + number, None), **values, models=kept, parent=first))
        models.append(odd(member(9900 + number, None), **values, task=first))
        tasks.append(odd(member(9950 + number, None), models=value, parent=value))
        artifact = Value(0x03, bson_codec.document({"mode": bson_codec.value_of("output"), "uri": value}))
        execution = Value(0x03, bson_codec.document({"artifacts": bson_codec.array([artifact, value])}))
        tasks.append(odd(member(10100 + number, ROOT), execution=execution))
        models.append(odd(member(10200 + number, ROOT), uri=value, task=value))
    return {"model": models, "project": projects, "task": tasks}


CHANGES: dict[str, Change] = {
    "rename": change("update", project=ROOT["_id"], name="trunk"),
    "delete": change("delete", project=ROOT["_id"]),
    "delete contents": change("delete", project=ROOT["_id"], delete_contents=True),
    "create": change("create", name="root/new/leaf", description=""),
    "move": change("move", project=ROOT["_id"], new_location="elsewhere/new"),
    "merge": change("merge", project=ROOT["_id"], destination_project=ELSEWHERE["_id"]),
    "merge into the top level": change("merge", project=ROOT["_id"], destination_project=None),
    "make_public": change("make_public", ids=[identifier(100 + number) for number in range(len(FIELDS) * len(VALUES))]),
}


@pytest.fixture(scope="module")
def odd_world(standalone: Server) -> Iterator[World]:
    with world_on(standalone) as world:
        yield world


def stored(world: World) -> Content:
    world.load(site())
    return world.dump()


@pytest.mark.parametrize("name", CHANGES)
def test_every_type_comes_back(odd_world: World, name: str) -> None:
    before = stored(odd_world)
    result = CHANGES[name](odd_world.runner())
    assert not result[1].skipped
    assert odd_world.dump() != before
    assert undo(odd_world.runner()).data["skipped"] == []
    assert odd_world.dump() == before


@pytest.mark.parametrize("field", ["description", "tags", "default_output_destination"])
def test_every_type_comes_back_from_an_update_of_its_field(odd_world: World, field: str) -> None:
    before = stored(odd_world)
    new = ["new"] if field == "tags" else "new"
    for number in range(len(FIELDS) * len(VALUES)):
        if FIELDS[number // len(VALUES)] == field:
            change("update", project=identifier(100 + number), **{field: new})(odd_world.runner())
            assert undo(odd_world.runner()).data["projects"] == 1
    assert odd_world.dump() == before


def test_every_type_comes_back_from_private_to_public_and_back(odd_world: World) -> None:
    """Making a project private removes a field, which has to return to its place."""
    ids = [identifier(100 + number) for number in range(len(FIELDS) * len(VALUES))]
    stored(odd_world)
    odd_world.documents["project"].update_many(
        {"_id": {"$in": ids}}, [{"$set": {"company": "", "company_origin": COMPANY, "x_behind": 1}}]
    )
    before = odd_world.dump()
    change("make_private", ids=ids)(odd_world.runner())
    assert odd_world.dump() != before
    assert undo(odd_world.runner()).data["skipped"] == []
    assert odd_world.dump() == before


def test_text_that_is_not_utf8_is_never_stored_in_another_form(odd_world: World) -> None:
    """An edit of the tags, or a rename above, would have to write what it can't read."""
    text = NOT_TEXT["latin-1 text"].data[4:-1]
    name = b"root/" + text
    below = child(2, name=Value(0x02, struct.pack("<i", len(name) + 1) + name + b"\0"))
    tagged = child(3, tags=bson_codec.array([NOT_TEXT["latin-1 text"]]))
    odd_world.load({"project": [bson.encode(ROOT), below, tagged]})
    before = odd_world.dump()
    store = odd_world.runner().store
    edit = partial(edit_tags, add=["new"], remove=[])
    with pytest.raises(FieldsValueError, match="not UTF-8 text"):
        change("update", project=identifier(3), tags=["new"]).plan(store, edit)
    with pytest.raises(FieldsValueError, match="not UTF-8 text"):
        CHANGES["rename"].plan(store)
    assert odd_world.dump() == before


def test_a_project_with_the_id_null_is_not_deleted_with_a_journal(odd_world: World) -> None:
    """Tasks without a project are not in it, and the fenced insert of an undo would refuse it."""
    odd_world.load(
        {"project": [odd(project(1, "nothing"), _id=bson_codec.NULL)], "task": [bson.encode(member(9, None))]}
    )
    before = odd_world.dump()
    runner = odd_world.runner()
    plan = Plan("x", "delete", [Step("project", "delete", {"_id": None})], {})
    with pytest.raises(CannotUndo, match="has the id null"):
        runner.apply(Planning.always(plan), plan)
    assert odd_world.dump() == before


@pytest.mark.parametrize("name", VALUES)
def test_taking_a_document_apart_and_putting_it_together_changes_no_byte(name: str) -> None:
    raw = bson_codec.document(
        {"first": VALUES[name], "second": VALUES["int32"], "list": bson_codec.array([VALUES[name]])}
    )
    assert bson_codec.document(bson_codec.fields(raw)) == raw
    assert bson_codec.items(bson_codec.fields(raw)["list"]) == [VALUES[name]]
    assert RawBSONDocument(raw).raw == raw
