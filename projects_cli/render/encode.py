"""The formats: an answer and its view in, text out. Records are written as they come, never gathered."""

from __future__ import annotations

import re
from functools import cache, partial
from itertools import chain
from math import isfinite
from typing import TYPE_CHECKING, Any

from projects_cli.extended_json import id_text, plain
from projects_cli.render.escaping import escape, escape_json, has_unsafe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from projects_cli.messages import Document, Response
    from projects_cli.render.views import View

    Write = Callable[[str], object]


_ASTRAL = re.compile(r"\\U[0-9A-F]{8}")

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula."""


def encoder(*, pretty: bool = False) -> Callable[[Any], str]:
    """Return the function that writes values as JSON in UTF-8, unsafe characters escaped.

    What JSON has no form for becomes Extended JSON. orjson asks only for values of types that it does not know, so
    ordinary documents cost nothing. It writes NaN and infinities as null, without asking: a null in the text is why
    a value is looked at again.
    """
    import orjson  # needed only where JSON is written

    option = orjson.OPT_NAIVE_UTC | orjson.OPT_PASSTHROUGH_SUBCLASS | (orjson.OPT_INDENT_2 if pretty else 0)
    compact = orjson.dumps

    def encode(value: Any) -> str:
        try:
            text = compact(value, plain, option).decode()
            if "null" in text and _has_not_finite(value):
                text = compact(plain(value), None, option).decode()
        except TypeError:  # a lone surrogate, or an integer over 64 bits
            import json  # slower, and seldom needed

            text = json.dumps(plain(value), ensure_ascii=False, indent=2 if pretty else None)
        return escape_json(text)

    return encode


def _has_not_finite(value: Any) -> bool:
    """Return whether there is a NaN or an infinity anywhere in a value."""
    if isinstance(value, float):
        return not isfinite(value)
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return False
    return any(_has_not_finite(item) for item in value if type(item) is not str)


def dumps(value: Any, *, pretty: bool = False) -> str:
    """Give one value as JSON; see `encoder`."""
    return encoder(pretty=pretty)(value)


def records(response: Response, view: View) -> Iterator[Document]:
    """Stream the records of an answer."""
    if view.values:
        item, kind = (field for field, _ in view.columns)
        for name, word in view.values:
            yield from ({item: value, kind: word} for value in response.data.get(name) or ())
    elif view.rows:
        yield from response.data[view.rows]
    elif view.record:
        yield response.data[view.record]
    else:
        yield dict(response.data)


def write_json(response: Response, view: View, write: Write, *, pretty: bool) -> None:
    """Write one JSON document in the response's own shape; a list has a record a line and is streamed."""
    if view.rows is None:
        write(dumps({key: _whole(value) for key, value in response.data.items()}, pretty=pretty) + "\n")
        return
    encode = encoder()
    rows = iter(response.data[view.rows])
    first = next(rows, None)  # a fault shows here, before anything is written
    rest = {key: _whole(value) for key, value in response.data.items() if key != view.rows}
    head = dumps(rest)[:-1] + ", " if rest else "{"
    write(f"{head}{dumps(view.rows)}: [")
    if first is not None:
        write("\n" + encode(first))
        for record in rows:
            write(",\n" + encode(record))
        write("\n")
    write("]}\n")


def write_value(value: Any, output: str, write: Write, *, pretty: bool) -> None:
    """Write any JSON value as `json`, `jsonl` (a list: an item a line) or `yaml`."""
    if output == "yaml":
        write(_yaml(value))
    elif output == "jsonl" and isinstance(value, list):
        for item in value:
            write(dumps(item) + "\n")
    else:
        write(dumps(value, pretty=pretty and output == "json") + "\n")


def write_jsonl(response: Response, view: View, write: Write) -> None:
    """Write a JSON document a line, one for each record."""
    encode = encoder()
    for record in records(response, view):
        write(encode(record) + "\n")


def write_yaml(response: Response, view: View, write: Write) -> None:
    """Write the response as YAML, a list a record at a time."""
    if view.rows is None:
        write(_yaml({key: _whole(value) for key, value in response.data.items()}))
        return
    rows = iter(response.data[view.rows])
    first = next(rows, None)
    rest = {key: _whole(value) for key, value in response.data.items() if key != view.rows}
    write(_yaml(rest) if rest else "")
    write(f"{view.rows}:" + (" []\n" if first is None else "\n"))
    for record in chain([first], rows) if first is not None else ():
        write(_yaml([record]))


def _yaml(value: object) -> str:
    import yaml  # needed for this format only

    fast: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    dump = partial(yaml.dump, plain(value), sort_keys=False, width=10_000)
    text = str(dump(Dumper=fast, allow_unicode=True))
    if _ASTRAL.search(text):  # libyaml escapes everything beyond U+FFFF, such as an emoji; PyYAML itself does not
        text = str(dump(Dumper=yaml.SafeDumper, allow_unicode=True))
    if has_unsafe(text):  # YAML has another form for all of it: everything but ASCII as escapes
        text = str(dump(Dumper=fast, allow_unicode=False))
    return text.removesuffix("...\n")  # the end of a document that is a plain value


def write_separated(
    response: Response,
    view: View,
    write: Write,
    *,
    row: Callable[[list[str]], str],
    readers: Sequence[Callable[[Mapping[str, Any]], str]],
    heading: list[str] | None,
) -> None:
    """Write a line for each record, nothing cut; `readers` return its cells, which `row` joins."""
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
    """Join cells by tabs; none of them holds one, since control characters are escaped."""
    return "\t".join(cells) + "\n"


def csv_row(cells: Iterable[str]) -> str:
    """Join cells as RFC 4180 has it, but for the end of the line: a plain newline, as in all other formats."""
    return str(_csv_writer().writerow(cells))


@cache
def _csv_writer() -> Any:
    import csv  # needed for this format only

    return csv.writer(_Line(), lineterminator="\n")


class _Line:
    """Takes what a writer writes and gives it back: `writerow` returns that."""

    @staticmethod
    def write(text: str) -> str:
        return text


def write_ids(response: Response, view: View, write: Write) -> None:
    """Write the id of each record that has one, a line each; a stored project may have null for an id."""
    key = view.id or "id"
    is_stored = "projects" in (view.rows, f"{view.record}s")
    for record in records(response, view):
        identifier = record.get(key)
        if identifier is not None or (is_stored and key in record):
            write(escape(id_text(identifier)) + "\n")


def value_at(record: Mapping[str, Any], path: str) -> Any:
    """Give the value at a dotted path; `*` sums the values below it, or gives the latest of texts.

    In a list, each item is asked for what is left of the path.
    """
    value: Any = record
    head, star, rest = path.partition(".*.")
    for name in head.split("."):
        value = _item(value, name)
    if not star or not isinstance(value, dict):
        return value
    found = [one for one in (value_at(each, rest) for each in value.values()) if one is not None]
    if not found:
        return None
    return sum(found) if isinstance(found[0], int | float) else max(found)


def _item(value: Any, name: str) -> Any:
    if isinstance(value, list):
        found = (_item(one, name) for one in value)
        return [one for one in found if one is not None]
    return value.get(name) if isinstance(value, dict) else None


def cell(value: object) -> str:
    """Return a value as text for one cell of a line; what is neither text, number nor date is Extended JSON."""
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
    """Return the text of a cell that no spreadsheet takes for a formula: an apostrophe marks it as text.

    OWASP, "CSV Injection". Numbers are left alone: a negative one is not a formula.
    """
    text = cell(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not isinstance(value, int | float) else text


def _whole(value: Any) -> Any:
    """Give an iterator's items as a list, anything else as it is."""
    return list(value) if hasattr(value, "__next__") else value
