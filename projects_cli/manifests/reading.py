"""The formats of manifests: YAML, JSON, HOCON and CSV, read into plain values, with the place of each.

JSON is parsed by its own parser. Only if something is wrong in it, it is parsed again as YAML, of which JSON is a part,
for the line and the column.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from projects_cli.errors import ManifestError, SchemaError
from projects_cli.private_files import read_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Location = tuple[str | int, ...]

LARGEST = 64 * 1024 * 1024
"""Bytes of a file."""

DEEPEST = 100
"""Levels of a file. Each level of projects takes two of them."""

MOST_VALUES = 1_000_000
"""Values of a file. An alias of YAML counts as all that it stands for: a few lines could be billions of values."""

SUFFIXES = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".conf": "hocon", ".hocon": "hocon", ".csv": "csv"}

CELL = re.compile(r'(?:"(?:[^"]|"")*"|[^,"\r\n])[^,\r\n]*,?|,')
"""A cell of CSV with the comma after it."""

LISTS = frozenset({"tags"})
"""Columns of CSV whose cells are lists, separated by `;`."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file as plain values, and what finds the line and column of one, both from 1; None if they are unknown."""

    name: str
    tree: Any
    locate: Callable[[Location], tuple[int, int] | None]

    def error(self, location: Location, message: str) -> ManifestError:
        """Return the error about a value."""
        place = self.locate(location)
        return ManifestError(f"{self.name}:{place[0]}:{place[1]}: {message}" if place else f"{self.name}: {message}")


def read_all(path: str, stdin: IO[bytes]) -> list[Parsed]:
    """Read a file, the files of a folder in the order of their names, or standard input (`-`).

    Raises:
        ManifestError: a file can't be read or parsed, or the folder has none.
    """
    if path == "-":
        return [parse("standard input", stdin.read(LARGEST + 1), "yaml")]
    folder = Path(path)
    if not folder.is_dir():
        return [_read(path)]
    files = sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES and not file.name.startswith("."))
    if not files:
        raise ManifestError(f"{path} has no file whose name ends with {', '.join(SUFFIXES)}")
    return [_read(str(file)) for file in files]


def _read(path: str) -> Parsed:
    form = SUFFIXES.get(Path(path).suffix.lower())
    if form is None and Path(path).exists():
        raise ManifestError(
            f"{path}: unknown format",
            hint=f"the name should end with {', '.join(SUFFIXES)}; - reads YAML or JSON from standard input",
        )
    try:
        return parse(path, read_regular(path, LARGEST + 1), form or "")
    except (OSError, ValueError) as error:
        raise ManifestError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def parse(name: str, content: bytes, form: str) -> Parsed:
    """Parse a file.

    Raises:
        ManifestError: it is too large, not UTF-8, or invalid.
    """
    if len(content) > LARGEST:
        raise ManifestError(f"{name} is larger than {LARGEST // 1024**2} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig")
        place = f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
        raise ManifestError(f"{name}:{place}: byte {content[error.start]:#04x} is not UTF-8") from error
    return {"yaml": _yaml, "json": _json, "hocon": _hocon, "csv": _csv}[form](name, text)


# --- JSON and YAML ----------------------------------------------------------------------------------------------------


def _json(name: str, text: str) -> Parsed:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            raise _Duplicate
        return members

    try:
        tree = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise ManifestError(f"{name}:{error.lineno}:{error.colno}: invalid JSON: {error.msg}") from error
    except _Duplicate as error:
        _yaml(name, text)  # reports where it is
        raise ManifestError(f"{name}: a key occurs twice") from error
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{name}: invalid JSON, or nested too deeply") from error

    def locate(location: Location) -> tuple[int, int] | None:
        try:
            return _yaml(name, text).locate(location)
        except ManifestError:  # a few texts are JSON but not YAML
            return None

    return Parsed(name, tree, locate)


class _Duplicate(ValueError):
    """A key occurs twice in an object."""


def _yaml(name: str, text: str) -> Parsed:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one of C is ten times as fast
    try:
        root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ManifestError(f"{name}{place}: invalid YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ManifestError(f"{name}: invalid YAML, or nested too deeply") from error
    tree = None if root is None else _Values(name).of(root, 0)
    return Parsed(name, tree, lambda location: _mark(root, location))


class _Values:
    """Turns the nodes of a YAML file into plain values."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0

    def of(self, node: Any, depth: int) -> Any:
        """Return the value of a node. A scalar is its text: `1.10` and `yes` are names like others; null is None."""
        self._count += 1
        if depth > DEEPEST or self._count > MOST_VALUES:
            raise self._error(node, "the file is nested too deeply, or has too many values")
        if node.id == "mapping":
            members: dict[str, Any] = {}
            for key, value in node.value:
                if key.id != "scalar":
                    raise self._error(key, "a key should be text")
                if key.value in members:
                    raise self._error(key, f"the key {key.value!r} occurs twice")
                members[key.value] = self.of(value, depth + 1)
            return members
        if node.id == "sequence":
            return [self.of(item, depth + 1) for item in node.value]
        return None if node.tag == "tag:yaml.org,2002:null" else node.value

    def _error(self, node: Any, message: str) -> ManifestError:
        mark = node.start_mark
        return ManifestError(f"{self._name}:{mark.line + 1}:{mark.column + 1}: {message}")


def _mark(root: Any, location: Location) -> tuple[int, int] | None:
    """Return the line and column of the node at a location, or of the nearest one above it."""
    node = root
    mark = None if node is None else node.start_mark
    for part in location:
        found = None
        if node.id == "mapping":
            found = next(((key, value) for key, value in node.value if key.value == part), None)
        elif node.id == "sequence" and isinstance(part, int) and part < len(node.value):
            found = node.value[part], node.value[part]
        if found is None:
            break
        mark, node = found[0].start_mark, found[1]
    return None if mark is None else (mark.line + 1, mark.column + 1)


# --- HOCON and CSV ----------------------------------------------------------------------------------------------------


def _hocon(name: str, text: str) -> Parsed:
    from projects_cli.limits import cpu_limit, memory_limit
    from projects_cli.schema import hocon
    from projects_cli.schema.cache import BYTES_PER_SECOND, COMPILING_SECONDS, MAX_MEMORY
    from projects_cli.schema.hocon_tokens import Source

    def too_much() -> ManifestError:  # a few lines of substitutions could be billions of characters
        return ManifestError(f"{name}: it takes too long to read, or too much memory", hint="use fewer substitutions")

    try:
        with cpu_limit(COMPILING_SECONDS + len(text) / BYTES_PER_SECOND, too_much), memory_limit(MAX_MEMORY):
            document = hocon.parse(Source(name, text.encode()))
    except (MemoryError, RecursionError) as error:
        raise too_much() from error
    except SchemaError as error:
        raise ManifestError(error.message) from error

    def locate(location: Location) -> tuple[int, int]:
        place = hocon.nearest(document.places, location, name)
        return place.line, place.column

    return Parsed(name, document.tree, locate)


def _csv(name: str, text: str) -> Parsed:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    try:
        heading: Sequence[str] = [cell.strip() for cell in next(reader, [])]
        if len(set(heading)) < len(heading):
            raise ManifestError(f"{name}:1:1: a column occurs twice")
        if "name" not in heading:  # an empty or damaged file must not be taken for one without projects
            raise ManifestError(f"{name}:1:1: the first row should name the columns, one of which is 'name'")
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) > len(heading):
                    raise ManifestError(f"{name}:{line}:1: the row has more cells than the heading")
                # An empty cell says nothing about its field.
                row: dict[str, Any] = {key: cell for key, cell in zip(heading, cells, strict=False) if cell.strip()}
                for key in LISTS & row.keys():
                    row[key] = [item.strip() for item in row[key].split(";") if item.strip()]
                rows.append(row)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise ManifestError(f"{name}:{reader.line_num}:1: invalid CSV: {error}") from error

    def locate(location: Location) -> tuple[int, int]:
        _, row, *key = location  # all that a row can have wrong is in the list of projects
        line = lines[int(row)]
        text_of_row = "".join(islice(io.StringIO(text, newline=""), line - 1, None))
        number = heading.index(str(key[0])) if key and key[0] in rows[int(row)] else 0
        start = next(islice(CELL.finditer(text_of_row), number, None)).start()
        return line + text_of_row.count("\n", 0, start), start - text_of_row.rfind("\n", 0, start)

    return Parsed(name, {"projects": rows}, locate)
