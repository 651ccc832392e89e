"""The formats of responses. Records are written as they are read, so that memory does not grow with their number."""

from __future__ import annotations

import re
from functools import cache, partial
from itertools import chain
from math import isfinite
from typing import TYPE_CHECKING, Any

from projects_cli.extended_json import id_text, plain
from projects_cli.render.escaping import UNSAFE, escape, escape_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from projects_cli.messages import Document, Response
    from projects_cli.render.views import View

    Write = Callable[[str], object]


_ASTRAL = re.compile(r"\\U[0-9A-F]{8}")

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Characters with which a formula begins in a spreadsheet."""


def encoder(*, pretty: bool = False) -> Callable[[Any], str]:
    """Return the function that encodes a value as JSON, with unsafe characters escaped.

    Values that JSON has no form for become Extended JSON. orjson calls `plain` only for types that it does not know, so
    ordinary documents cost nothing. But it writes NaN and infinities as null without a call. Hence a value whose text
    has a null is examined again.
    """
    import orjson  # only for JSON

    option = orjson.OPT_NAIVE_UTC | orjson.OPT_PASSTHROUGH_SUBCLASS | (orjson.OPT_INDENT_2 if pretty else 0)
    compact = orjson.dumps

    def encode(value: Any) -> str:
        try:
            text = compact(value, plain, option).decode()
            if "null" in text and _has_non_finite(value):
                text = compact(plain(value), None, option).decode()
        except TypeError:  # a lone surrogate, or an integer over 64 bits
            import json  # slower, and rarely needed

            text = json.dumps(plain(value), ensure_ascii=False, indent=2 if pretty else None)
        return escape_json(text)

    return encode


def _has_non_finite(value: Any) -> bool:
    """Return whether a value has a NaN or an infinity at any depth."""
    if isinstance(value, float):
        return not isfinite(value)
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return False
    return any(_has_non_finite(item) for item in value if type(item) is not str)


def dumps(value: Any, *, pretty: bool = False) -> str:
    """Return a value as JSON; see `encoder`."""
    return encoder(pretty=pretty)(value)


def records(response: Response, view: View) -> Iterator[Document]:
    """Yield the records of a response."""
    if view.values:
        # Several lists of plain values, such as tags and system tags, are one list of pairs.
        item, *kinds = (field for field, _ in view.columns)
        for name, label in view.values:
            yield from ({item: value, **dict.fromkeys(kinds, label)} for value in response.data.get(name) or ())
    elif view.rows:
        yield from response.data[view.rows]
    elif view.record:
        yield response.data[view.record]
    else:
        yield dict(response.data)


def write_json(response: Response, view: View, write: Write, *, pretty: bool) -> None:
    """Write a response as one JSON document; of a list each record has a line."""
    # All but the records: totals and the like, which stand before them.
    rest = {key: _as_list(value) for key, value in response.data.items() if key != view.rows}
    if view.rows is None:
        write(dumps(rest, pretty=pretty) + "\n")
        return
    encode = encoder()  # compact: a record is a line
    rows = iter(response.data[view.rows])
    first = next(rows, None)  # an error of the database is raised here, before anything is written
    head = encode(rest)[:-1] + "," if rest else "{"
    write(f'{head}"{view.rows}":[')
    if first is not None:
        write("\n" + encode(first))
        for record in rows:
            write(",\n" + encode(record))
        write("\n")
    write("]}\n")


def write_value(value: Any, output: str, write: Write, *, pretty: bool) -> None:
    """Write a JSON value as `json`, `yaml` or `jsonl`, in which each item of a list has a line."""
    if output == "yaml":
        write(_yaml(value))
    elif output == "jsonl" and isinstance(value, list):
        for item in value:
            write(dumps(item) + "\n")
    else:
        write(dumps(value, pretty=pretty and output == "json") + "\n")


def write_jsonl(response: Response, view: View, write: Write) -> None:
    """Write each record as a JSON document on a line of its own."""
    encode = encoder()
    for record in records(response, view):
        write(encode(record) + "\n")


def write_yaml(response: Response, view: View, write: Write) -> None:
    """Write a response as one YAML document, a record at a time."""
    rest = {key: _as_list(value) for key, value in response.data.items() if key != view.rows}
    if view.rows is None:
        write(_yaml(rest))
        return
    rows = iter(response.data[view.rows])
    first = next(rows, None)
    write(_yaml(rest) if rest else "")
    write(f"{view.rows}:" + (" []\n" if first is None else "\n"))
    for record in chain([first], rows) if first is not None else ():
        write(_yaml([record]))


def _yaml(value: object) -> str:
    import yaml  # only for this format

    fast: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    dump = partial(yaml.dump, plain(value), sort_keys=False, width=10_000)
    text = str(dump(Dumper=fast, allow_unicode=True))
    if _ASTRAL.search(text):  # libyaml escapes everything beyond U+FFFF, such as an emoji; PyYAML itself does not
        text = str(dump(Dumper=yaml.SafeDumper, allow_unicode=True))
    if UNSAFE.search(text.replace("\n", "")):  # then everything but ASCII is escaped
        text = str(dump(Dumper=fast, allow_unicode=False))
    return text.removesuffix("...\n")  # which ends a document that is a scalar


def write_separated(
    response: Response,
    view: View,
    write: Write,
    *,
    row: Callable[[list[str]], str],
    readers: Sequence[Callable[[Mapping[str, Any]], str]],
    heading: list[str] | None,
) -> None:
    """Write a line for each record; `readers` return its cells, which `row` joins."""
    rows = iter(records(response, view))
    first = next(rows, None)  # an error is raised here, before anything is written
    if heading is not None:
        write(row(heading))
    for record in chain([first], rows) if first is not None else ():
        write(row([read(record) for read in readers]))


def cell_reader(
    path: str, as_cell: Callable[[Any], str], convert: Callable[[Any], Any] | None = None
) -> Callable[[Mapping[str, Any]], str]:
    """Return the function that returns a record's cell for a field; `convert` is applied to the value before."""
    if convert is not None:
        return lambda record: as_cell(convert(value_at(record, path)))
    if "." in path:
        return lambda record: as_cell(value_at(record, path))
    return lambda record: as_cell(record.get(path))


def tab_row(cells: Iterable[str]) -> str:
    """Join cells with tabs; no cell has one, since control characters are escaped."""
    return "\t".join(cells) + "\n"


def csv_row(cells: Iterable[str]) -> str:
    """Join cells as in RFC 4180, but for the end of the line: a plain newline, as in all other formats."""
    return str(_csv_writer().writerow(cells))


@cache
def _csv_writer() -> Any:
    import csv  # only for this format

    return csv.writer(_Line(), lineterminator="\n")


class _Line:
    """A file whose `write` returns the text: `writerow` returns what `write` does."""

    @staticmethod
    def write(text: str) -> str:
        return text


def write_ids(response: Response, view: View, write: Write, *, end: str = "\n") -> None:
    """Write the id of each record that has one, each with `end` behind it; that of a stored project may be null."""
    key = view.id or "id"
    # An id of null is a value of its own for a stored document, and none for a plan or a sum.
    is_stored = "projects" in (view.rows, f"{view.record}s")
    for record in records(response, view):
        identifier = record.get(key)
        if identifier is not None or (is_stored and key in record):
            write(escape(id_text(identifier)) + end)


def value_at(record: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path; `*` is the sum of the numbers below it, or the latest of the times.

    Of a list it is the list of its items' values.
    """
    value: Any = record
    head, star, rest = path.partition(".*.")
    for name in head.split("."):
        value = _member(value, name)
    if not star or not isinstance(value, dict):
        return value
    values = [below for below in (value_at(member, rest) for member in value.values()) if below is not None]
    if not values:
        return None
    return sum(values) if isinstance(values[0], int | float) else max(values)


def _member(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [member for member in (_member(item, name) for item in value) if member is not None]
    return value.get(name) if isinstance(value, dict) else None


def cell(value: object) -> str:
    """Return a value as the text of a cell; an object is JSON."""
    # The usual case first: this is called for every cell.
    if type(value) is str:
        return escape(value)
    if value is None:
        return ""
    if isinstance(value, list) and all(type(item) is str for item in value):
        return ", ".join(map(escape, value))
    simple = plain(value)
    if isinstance(simple, bool):
        return "true" if simple else "false"
    return dumps(simple) if isinstance(simple, dict | list) else escape(str(simple))


def safe_cell(value: object) -> str:
    """Return the text of a cell, which an apostrophe keeps a spreadsheet from evaluating as a formula.

    See OWASP, "CSV Injection". Numbers are left alone: a negative one is not a formula.
    """
    text = cell(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not isinstance(value, int | float) else text


def _as_list(value: Any) -> Any:
    """Return the items of an iterator as a list, any other value as it is."""
    return list(value) if hasattr(value, "__next__") else value
