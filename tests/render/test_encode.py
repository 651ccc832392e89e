"""The formats: values at paths, cells, and documents that are written as their records arrive."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import bson
import pytest
import yaml
from bson import DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.code import Code
from bson.datetime_ms import DatetimeMS
from hypothesis import given
from hypothesis import strategies as st

from projects_cli.messages import Response
from projects_cli.render import encode
from projects_cli.render.escaping import UNSAFE, escape
from projects_cli.render.views import View
from projects_cli.store import filters
from projects_cli.store.bson_codec import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

LIST = View(rows="rows", columns=(("id", "ID"), ("name", "NAME")), id="id")
ONE = View(record="project", columns=(("id", "ID"),), id="id")
TAGS = View(values=(("tags", "user"), ("system_tags", "system")), columns=(("tag", "TAG"), ("kind", "KIND")), id="tag")
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


MOMENTS = (
    "0001-01-01T00:00:00",
    "0999-12-31T23:59:59.999000",
    "1969-12-31T23:59:59.001000",
    "2024-02-29T12:00:00.120000",
    "9999-12-31T23:59:59.999000",
)


def stored(moment: str) -> Any:
    """Return a date as it comes from the database."""
    return decode(bson.encode({"date": datetime.fromisoformat(moment)}))["date"]


def response(rows: Any, **rest: Any) -> Response:
    return Response("x", {**rest, "rows": iter(rows)})


def written(write: Any, answer: Response, view: View, **options: Any) -> str:
    parts: list[str] = []
    write(answer, view, parts.append, **options)
    return "".join(parts)


# --- values and cells ---------------------------------------------------------------------------------------------

STATISTICS = {
    "stats": {
        "active": {"total_tasks": 3, "status_count": {"failed": 1}, "last_task_run": "2024-01-09"},
        "archived": {"total_tasks": 4, "status_count": {"failed": 0}, "last_task_run": None},
    }
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("stats.active.total_tasks", 3),
        ("stats.*.total_tasks", 7),
        ("stats.*.status_count.failed", 1),
        ("stats.*.last_task_run", "2024-01-09"),
        ("stats.*.nothing", None),
        ("nothing", None),
        ("nothing.*.total_tasks", None),
        ("stats.active.total_tasks.deeper", None),
        ("stats.active.status_count", {"failed": 1}),
    ],
)
def test_a_path_gives_a_value_and_a_star_the_sum_or_the_latest(path: str, value: object) -> None:
    assert encode.value_at(STATISTICS, path) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (1.5, "1.5"),
        ("", ""),
        ("a\tb\n", "a\\tb\\n"),
        ([], ""),
        (["a", "b\x1b"], "a, b\\x1b"),
        ([1, 2], "[1,2]"),
        ({"a": [None]}, '{"a":[null]}'),
        ({"a": "\u202e"}, '{"a":"\\u202e"}'),
        (datetime(2024, 1, 9, tzinfo=UTC), "2024-01-09T00:00:00+00:00"),
        ([datetime(2024, 1, 9, tzinfo=UTC)], '["2024-01-09T00:00:00+00:00"]'),
    ],
)
def test_a_cell_is_text_without_control_characters(value: object, text: str) -> None:
    assert encode.cell(value) == text


@given(PLAIN)
def test_a_cell_is_always_one_line_without_tabs(value: Any) -> None:
    assert not set(encode.cell(value)) & set("\t\n\r\x1b")


# --- JSON ---------------------------------------------------------------------------------------------------------


@given(PLAIN)
def test_json_round_trips(value: Any) -> None:
    assert json.loads(encode.dumps(value)) == value
    assert json.loads(encode.dumps(value, pretty=True)) == value


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", "\x7f\x9b", "\u202e\u2028"])
def test_json_takes_any_text(text: str) -> None:
    document = encode.dumps({"name": text})
    assert document.isascii()
    assert json.loads(document) == {"name": text}


STORED_DATES: list[tuple[object, object]] = [
    *((stored(moment), f"{moment}+00:00") for moment in MOMENTS),
    (DatetimeMS(-(10**15)), {"$date": {"$numberLong": "-1000000000000000"}}),
    (DatetimeMS(10**15), {"$date": {"$numberLong": "1000000000000000"}}),
]


@pytest.mark.parametrize(("date", "text"), STORED_DATES)
def test_a_stored_date_is_iso_8601_with_its_offset_in_every_format(date: object, text: object) -> None:
    """Also next to an integer over 64 bits, for which another encoder is used."""
    for record in ({"id": "a", "date": date}, {"id": 2**70, "date": date}):
        expected = {**record, "date": text}
        for pretty in (False, True):
            assert json.loads(encode.dumps(record, pretty=pretty)) == expected
            assert json.loads(written(encode.write_json, response([record]), LIST, pretty=pretty)) == {
                "rows": [expected]
            }
        assert json.loads(written(encode.write_jsonl, response([record]), LIST)) == expected
        assert yaml.safe_load(written(encode.write_yaml, response([record]), LIST)) == {"rows": [expected]}
    assert encode.cell(date) == (text if isinstance(text, str) else json.dumps(text, separators=(",", ":")))
    assert json.loads(encode.dumps(date)) == text


EXTENDED: list[tuple[object, object]] = [
    (ObjectId("65f000000000000000000002"), {"$oid": "65f000000000000000000002"}),
    (Int64(5), 5),
    (2.0, 2.0),
    (float("nan"), {"$numberDouble": "NaN"}),
    (float("-inf"), {"$numberDouble": "-Infinity"}),
    (Decimal128("1.50"), {"$numberDecimal": "1.50"}),
    (b"x", {"$binary": {"base64": "eA==", "subType": "00"}}),
    (Code("f()"), {"$code": "f()"}),
    (Code("f()", {"x": Int64(1)}), {"$code": "f()", "$scope": {"x": 1}}),
    (Regex("a.", "i"), {"$regularExpression": {"pattern": "a.", "options": "i"}}),
    (Timestamp(1, 2), {"$timestamp": {"t": 1, "i": 2}}),
    (MinKey(), {"$minKey": 1}),
    (MaxKey(), {"$maxKey": 1}),
    (
        DBRef("project", ObjectId("65f000000000000000000002")),
        {"$ref": "project", "$id": {"$oid": "65f0" + "0" * 19 + "2"}},
    ),
]


@pytest.mark.parametrize("more", [{}, {"number": 2**70}, {"null": None}, {"surrogate": "\ud800"}], ids=str)
@pytest.mark.parametrize(("value", "extended"), EXTENDED, ids=lambda value: type(value).__name__)
def test_a_value_without_a_form_in_json_is_extended_json_in_every_format(
    value: object, extended: object, more: dict[str, Any]
) -> None:
    record = {"id": "a", "value": value, "list": [value, {"a": value}], **more}
    expected = {"id": "a", "value": extended, "list": [extended, {"a": extended}], **more}
    assert json.loads(encode.dumps(record)) == expected
    assert json.loads(encode.dumps(record, pretty=True)) == expected
    assert json.loads(written(encode.write_json, response([record]), LIST, pretty=False)) == {"rows": [expected]}
    assert json.loads(written(encode.write_jsonl, response([record]), LIST)) == expected
    if "surrogate" not in more:
        assert yaml.safe_load(written(encode.write_yaml, response([record]), LIST)) == {"rows": [expected]}
    assert json.loads(encode.cell(value)) == extended


def test_an_id_of_another_type_is_a_line_that_names_it() -> None:
    ids = [ObjectId("65f000000000000000000002"), Int64(5), {"a": 1}, "text"]
    text = written(encode.write_ids, response([{"id": one} for one in ids]), LIST)
    assert text == '65f000000000000000000002\n5\n{"a":1}\ntext\n'


def test_yaml_keeps_letters_and_escapes_a_record_with_unsafe_characters() -> None:
    rows = [{"name": "Größe/模型"}, {"name": "ü\u202e"}, {"name": "é\x85\u2028\x9b\x7f"}, {"name": "ß\nß"}]
    text = written(encode.write_yaml, response(rows), LIST)
    assert text.startswith('rows:\n- name: Größe/模型\n- name: "\\xFC\\u202E"\n- name: "é\\N\\L\\x9B\\x7F"\n- name: ')
    assert not UNSAFE.search(text.replace("\n", ""))
    assert yaml.safe_load(text) == {"rows": rows}


def test_a_list_has_a_record_a_line() -> None:
    text = written(encode.write_json, response([{"id": "a"}, {"id": "b"}], total=2), LIST, pretty=False)
    assert text == '{"total":2,"rows":[\n{"id":"a"},\n{"id":"b"}\n]}\n'


@given(
    st.lists(st.dictionaries(st.text(), PLAIN, max_size=3), max_size=4), st.dictionaries(st.sampled_from("ab"), PLAIN)
)
def test_a_streamed_list_is_one_valid_document(rows: list[dict[str, Any]], rest: dict[str, Any]) -> None:
    text = written(encode.write_json, response(rows, **rest), LIST, pretty=False)
    assert json.loads(text) == {**rest, "rows": rows}


def test_a_response_that_is_not_a_list_is_one_document_with_iterators_as_lists() -> None:
    answer = Response("x", {"project": {"id": "a"}, "more": iter([1, 2])})
    assert json.loads(written(encode.write_json, answer, ONE, pretty=True)) == {"project": {"id": "a"}, "more": [1, 2]}


@pytest.mark.parametrize("write", [encode.write_json, encode.write_jsonl, encode.write_yaml, encode.write_ids])
def test_records_are_written_as_they_come(write: Any) -> None:
    seen: list[str] = []
    written_before: list[int] = []

    def rows() -> Iterator[dict[str, str]]:
        for number in range(100):
            written_before.append(sum(f"record {before:02}" in "".join(seen) for before in range(number)))
            yield {"id": f"record {number:02}"}

    options = {"pretty": False} if write is encode.write_json else {}
    write(response(rows()), LIST, seen.append, **options)
    assert [number - before for number, before in enumerate(written_before)] == [0] * 100


@pytest.mark.parametrize("write", [encode.write_json, encode.write_jsonl, encode.write_yaml, encode.write_ids])
def test_a_fault_of_the_first_record_shows_before_anything_is_written(write: Any) -> None:
    def broken() -> dict[str, str]:
        raise LookupError

    seen: list[str] = []
    options = {"pretty": False} if write is encode.write_json else {}
    with pytest.raises(LookupError):
        write(response(broken() for _ in range(1)), LIST, seen.append, **options)
    assert seen == []


# --- the other formats --------------------------------------------------------------------------------------------


@given(st.lists(st.dictionaries(st.text(max_size=5), PLAIN, max_size=3), max_size=3))
def test_yaml_has_the_same_data_as_json(rows: list[dict[str, Any]]) -> None:
    assert yaml.safe_load(written(encode.write_yaml, response(rows, total=1), LIST)) == {"total": 1, "rows": rows}


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\x00\r"))), min_size=1, max_size=3))
def test_a_line_of_csv_gives_back_its_cells(lines: list[list[str]]) -> None:
    lines = [line for line in lines if line]
    text = "".join(encode.csv_row(line) for line in lines)
    assert list(csv.reader(io.StringIO(text, newline=""))) == lines


def test_separated_lines_have_a_heading_and_every_column() -> None:
    rows = [{"id": "a", "deep": {"name": "x\ty"}}, {"id": "b"}]
    readers = [encode.cell_reader(path, encode.cell) for path in ("id", "deep.name")]
    options = {"row": encode.tab_row, "readers": readers, "heading": ["ID", "NAME"]}
    assert written(encode.write_separated, response(rows), LIST, **options) == "ID\tNAME\na\tx\\ty\nb\t\n"
    assert written(encode.write_separated, response([]), LIST, **options) == "ID\tNAME\n"


def test_ids_are_a_line_each_and_escaped() -> None:
    assert written(encode.write_ids, response([{"id": "a"}, {"id": "b\n"}]), LIST) == "a\nb\\n\n"


def test_records_of_each_kind_of_view() -> None:
    assert list(encode.records(response([{"id": "a"}]), LIST)) == [{"id": "a"}]
    assert list(encode.records(Response("x", {"project": {"id": "a"}}), ONE)) == [{"id": "a"}]
    assert list(encode.records(Response("x", {"updated": 1}), View())) == [{"updated": 1}]
    tags = Response("x", {"tags": ["a"], "system_tags": ["b"]})
    assert list(encode.records(tags, TAGS)) == [{"tag": "a", "kind": "user"}, {"tag": "b", "kind": "system"}]
    assert list(encode.records(Response("x", {"tags": ["a"]}), TAGS)) == [{"tag": "a", "kind": "user"}]


def test_yaml_has_an_emoji_as_it_is() -> None:
    rows = [{"name": "vision 🚀", "tags": ["𝔘", "日本"], "n": 1}, {"name": "a \\U0001F680 of its own"}]
    text = written(encode.write_yaml, response(rows), LIST)
    assert "name: vision 🚀\n  tags:\n  - 𝔘\n  - 日本\n  n: 1\n" in text
    assert yaml.safe_load(text) == {"rows": rows}


def test_the_filter_for_displayed_texts_knows_every_escape() -> None:
    """`store.filters` can't import `render`: both must agree on which characters are escaped, and how."""
    for code in (*range(0xD800), *range(0xE000, 0x3000)):
        escapes = UNSAFE.match(chr(code)) is not None
        shown = filters.displayed_as("name", escape(chr(code)))
        assert bool(shown) == escapes, hex(code)
        assert not escapes or f"\\x{{{code:x}}}" in shown["name"]["$regex"]
