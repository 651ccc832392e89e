"""HOCON files of a service, read into plain dicts and checked.

A service is `{"name", "description", "endpoints", "definitions"}`; an endpoint `{"internal", "versions"}`; a version
`{"description", "internal", "request", "response"}`, the last two being JSON Schema with `#/definitions/…` references.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli.errors import SchemaError
from projects_cli.schema import scan
from projects_cli.schema.model import is_version, version_key
from projects_cli.schema.refs import target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

Tree = dict[str, Any]

ALIASES = {"long": "integer"}
"""Types that JSON Schema does not have and files of ClearML servers use."""

SHOWN = 100
"""Characters of a path or a reason in a message."""

TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")
SCHEMA_KEYWORDS = ("items", "additionalProperties", "additionalItems", "not", "if", "then", "else", "contains")
SCHEMA_LISTS = ("items", "allOf", "anyOf", "oneOf")
SCHEMA_MAPS = ("properties", "patternProperties")
NUMBERS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "multipleOf",
)


def load_service(path: str, source: scan.Source | None = None) -> Tree:
    """The service of one HOCON file, named by the file's stem.

    `source` is the file when it was read already. As soon as the file includes another one, an error quotes nothing:
    the included file may be any file of the user's, and need not be a schema.

    Raises:
        SchemaError: `FILE:LINE: what is wrong`, about the file or one that it includes.
    """
    reader = scan.Reader()
    pieces = reader.tokens(source or scan.read(path))
    if all(piece.kind in {"newline", "space"} for piece in pieces):
        raise SchemaError(f"{path}:1: the file is empty: it names no endpoint")
    places = scan.places(pieces)
    quoting = len(reader.sources) == 1
    tree = _parsed(scan.rendered(pieces), path, quoting=quoting)
    return _Checker(path, places, quoting=quoting).service(tree)


def service_name(path: str) -> str:
    """The stem of the file's name."""
    return Path(path).stem


# --- pyhocon ------------------------------------------------------------------------------------------------------


class _NoOutside(NamedTuple):
    """What pyhocon sees in place of the module os: no environment, and no files."""

    environ: dict[str, str]


def _pyhocon() -> ModuleType:
    """A private copy of pyhocon's parser that can reach neither environment nor files nor network."""
    from importlib.util import find_spec, module_from_spec  # 0.1 s, on a cache miss only

    spec = find_spec("pyhocon.config_parser")
    if spec is None or spec.loader is None:
        raise SchemaError("pyhocon is not installed", hint="install the program again")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    vars(module).update(os=_NoOutside({}), urlopen=None, glob=None, codecs=None)
    return module


def _parsed(text: scan.Text, path: str, *, quoting: bool) -> Tree:
    """Return the tree of plain values of a text.

    Raises:
        SchemaError: with the line, in place of whatever pyhocon raised.
    """
    parser = _pyhocon()
    from pyparsing import ParseBaseException, ParserElement  # see above

    blanks = ParserElement.DEFAULT_WHITE_CHARS

    try:
        tree = parser.ConfigFactory.parse_string(text.text)
    except ParseBaseException as error:
        raise text.place(error.lineno).fault(f"not HOCON{_near(text.text, error.lineno) if quoting else ''}") from error
    except RecursionError as error:
        raise SchemaError(f"{path}: nested too deeply, or a ${{…}} that leads back to itself") from error
    except MemoryError:
        raise
    except Exception as error:  # pyhocon raises whatever its own code trips over
        raise _translated(error, text, path, quoting=quoting) from error
    finally:  # pyhocon changes this for all of pyparsing, and does not change it back if it is interrupted
        ParserElement.set_default_whitespace_chars(blanks)
    if not isinstance(tree, dict):
        raise SchemaError(f"{path}:1: the file holds a list, not the endpoints of a service")
    return _Plain(path, quoting=quoting).tree(tree, ())


def _near(text: str, line: int) -> str:
    """Return the words at a line, short enough for a message."""
    lines = text.split("\n")
    words = lines[line - 1].strip() if line <= len(lines) else ""
    return f": can't be understood near {words[:40]!r}" if words else ": the entry before is not complete"


def _translated(error: Exception, text: scan.Text, path: str, *, quoting: bool) -> SchemaError:
    """Return what pyhocon reports about substitutions and values that do not fit together, in one short line."""
    message = str(error)
    line = re.search(r"line: ?(\d+)", message)
    variable = re.search(r"\$\{([^}]+)\}", message)
    place = text.place(int(line[1])) if line else _first_use(variable[1] if variable else "", text, path)
    cycle = "Check for cycles" in message or isinstance(error, RuntimeError)
    name = re.sub(r"\\?\"", '"', variable[1]) if variable and quoting else "…"
    if variable and not cycle:
        return place.fault(f"${{{name}}} stands for nothing in this file (the environment is not used)")
    if cycle:
        return place.fault(f"${{{name}}} leads back to itself" if variable else "a ${…} leads back to itself")
    return place.fault("values that can't be joined: an object, a list and text don't mix")


def _first_use(variable: str, text: scan.Text, path: str) -> scan.Place:
    """Return where `${variable}` is first used, or the file's first line."""
    at = text.text.find("${" + variable)
    return text.place(text.text.count("\n", 0, at) + 1) if at >= 0 else scan.Place(path, 1)


class _Plain:
    """Turns values of pyhocon into plain Python."""

    def __init__(self, path: str, *, quoting: bool) -> None:
        self._path = path
        self._quoting = quoting

    def tree(self, tree: dict[str, Any], at: tuple[str, ...]) -> Tree:
        """Return an object as a plain dict.

        Raises:
            SchemaError: see `_value`; or a name has a quote or a backslash.
        """
        result: Tree = {}
        for raw in dict.keys(tree):
            key = raw.strip('"')
            if '"' in key or "\\" in key:
                name = f"the name {key[:40]!r}" if self._quoting else "a name"
                raise SchemaError(f"{self._path}:1: {name} has a quote or a backslash in it")
            result[key] = self._value(dict.__getitem__(tree, raw), (*at, key))
        return result

    def _value(self, value: Any, at: tuple[str, ...]) -> Any:
        """Return a value as plain Python.

        Raises:
            SchemaError: it is a number that is too large, or unquoted text that pyhocon took for a length of time.
        """
        if isinstance(value, dict):
            return self.tree(value, at)
        if isinstance(value, list):
            return [self._value(item, at) for item in value]
        if isinstance(value, str):
            return str(value)
        if value is None or type(value).__name__ == "NoneValue":
            return None
        shown = f"{self._path}: {'.'.join(at)}" if self._quoting else self._path
        if isinstance(value, float) and value - value != 0:
            raise SchemaError(f"{shown}: the number is too large")
        if isinstance(value, (bool, int, float)):
            return value
        raise SchemaError(f"{shown}: this reads as a length of time; put the text in quotes")


# --- what a service must be ---------------------------------------------------------------------------------------


class _Checker:
    """Checks the tree of one file and gives the service, each fault with the line of the nearest key."""

    def __init__(self, path: str, places: dict[tuple[str, ...], scan.Place], *, quoting: bool) -> None:
        self._path = path
        self._quoting = quoting
        self._places = places
        self._definitions: Tree = {}

    def service(self, tree: Tree) -> Tree:
        self._definitions = self._object(tree.get("_definitions", {}), ("_definitions",))
        for name, schema in self._definitions.items():
            self._schema(self._object(schema, ("_definitions", name)), ("_definitions", name))
        description = tree.get("_description", "")
        return {
            "name": service_name(self._path),
            "description": description if isinstance(description, str) else "",
            "definitions": self._definitions,
            "endpoints": {name: self._endpoint(tree[name], (name,)) for name in tree if not name.startswith("_")},
        }

    def _fault(self, at: tuple[str, ...], what: str) -> SchemaError:
        known = (at[:length] for length in range(len(at), 0, -1) if at[:length] in self._places)
        place = self._places.get(next(known, ()), scan.Place(self._path, 1))
        if not self._quoting:
            return place.fault(what)
        shown = ".".join(f'"{piece}"' if "." in piece else piece for piece in at)
        return place.fault(f"{shown[:SHOWN]}: {what}")

    def _quoted(self, value: Any) -> str:
        """Return a value of the file for a message, or nothing if it must not be shown."""
        return f" {str(value)[:40]!r}" if self._quoting else ""

    def _object(self, value: Any, at: tuple[str, ...], what: str = "must be an object, in braces") -> Tree:
        if not isinstance(value, dict):
            raise self._fault(at, what)
        return value

    def _endpoint(self, value: Any, at: tuple[str, ...]) -> Tree:
        endpoint = self._object(value, at, "an endpoint must be an object that holds its versions")
        versions = {key: self._version(inner, (*at, key)) for key, inner in self._versions(endpoint, at)}
        if not versions:
            raise self._fault(at, 'the endpoint has no version, like "2.1" { … }')
        internal = self._flag(endpoint.get("internal", False), (*at, "internal"))
        return {"internal": internal, "versions": dict(sorted(versions.items(), key=lambda pair: version_key(pair[0])))}

    def _versions(self, endpoint: Tree, at: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        for key, inner in endpoint.items():
            if is_version(key) and "." in key:
                yield key, inner
            elif isinstance(inner, dict) or key[:1].isdigit():
                raise self._fault((*at, key), "a version is a number like 2.8")

    def _flag(self, value: Any, at: tuple[str, ...]) -> bool:
        if not isinstance(value, bool):
            raise self._fault(at, "must be true or false")
        return value

    def _version(self, value: Any, at: tuple[str, ...]) -> Tree:
        version = self._object(value, at, "a version must be an object with request and response")
        if "request" not in version:
            raise self._fault(at, "the version has no request")
        description = version.get("description", "")
        for part in ("request", "response"):
            self._schema(self._object(version.get(part, {}), (*at, part)), (*at, part))
        return {
            "description": " ".join(description.split()) if isinstance(description, str) else "",
            "internal": self._flag(version.get("internal", False), (*at, "internal")),
            "request": version["request"],
            "response": version.get("response", {}),
        }

    # --- JSON Schema ---

    def _schema(self, value: Any, at: tuple[str, ...]) -> None:
        """Raise about anything in a schema that the validator couldn't work with."""
        if isinstance(value, bool):  # everything, or nothing
            return
        schema = self._object(value, at, "a schema must be an object, in braces")
        if isinstance(schema.get("type"), str):
            schema["type"] = ALIASES.get(schema["type"], schema["type"])
        checks: dict[str, Callable[[Any, tuple[str, ...]], None]] = {
            "$ref": self._reference,
            "type": self._type,
            "required": self._names,
            "enum": self._list,
            **dict.fromkeys(NUMBERS, self._number),
            "pattern": self._pattern,
            "patternProperties": self._patterns,
        }
        for keyword, check in checks.items():
            if keyword in schema:
                check(schema[keyword], (*at, keyword))
        for inner, where in self._parts(schema, at):
            self._schema(inner, where)

    def _parts(self, schema: Tree, at: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
        """The schemas inside a schema, each with its path."""
        for keyword in SCHEMA_MAPS:
            for name, inner in self._object(schema.get(keyword, {}), (*at, keyword)).items():
                yield inner, (*at, keyword, name)
        for keyword in SCHEMA_LISTS:
            if isinstance(schema.get(keyword), list):
                for index, inner in enumerate(schema[keyword]):
                    yield inner, (*at, keyword, str(index))
        for keyword in SCHEMA_KEYWORDS:
            if keyword in schema and not isinstance(schema[keyword], list):
                yield schema[keyword], (*at, keyword)

    def _reference(self, value: Any, at: tuple[str, ...]) -> None:
        if not isinstance(value, str):
            raise self._fault(at, "a reference is a text like #/definitions/name")
        seen = {value}
        found = target(value, self._definitions)
        while isinstance(found, dict) and isinstance(found.get("$ref"), str):
            if found["$ref"] in seen:
                raise self._fault(at, f"the reference{self._quoted(value)} leads back to itself")
            seen.add(found["$ref"])
            found = target(found["$ref"], self._definitions)
        if not isinstance(found, dict):
            raise self._fault(at, f"the reference{self._quoted(value)} leads nowhere: no such entry in _definitions")

    def _type(self, value: Any, at: tuple[str, ...]) -> None:
        """Raise if a type is unknown."""
        for name in value if isinstance(value, list) and value else [value]:
            if name not in TYPES:
                raise self._fault(at, f"unknown type{self._quoted(name)}; the types are {', '.join(TYPES)}")

    def _list(self, value: Any, at: tuple[str, ...]) -> None:
        if not isinstance(value, list):
            raise self._fault(at, "must be a list, in brackets")

    def _names(self, value: Any, at: tuple[str, ...]) -> None:
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise self._fault(at, "must be a list of names")

    def _number(self, value: Any, at: tuple[str, ...]) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value - value != 0:
            raise self._fault(at, "must be a number")
        if at[-1] == "multipleOf" and value <= 0:
            raise self._fault(at, "must be more than 0")

    def _patterns(self, value: Any, at: tuple[str, ...]) -> None:
        for pattern in self._object(value, at):
            self._pattern(pattern, at)

    def _pattern(self, value: Any, at: tuple[str, ...]) -> None:
        """Raise if a value is not a regular expression."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what a later Python will read otherwise
                re.compile(value)
        except (re.error, TypeError, ValueError, OverflowError, RecursionError) as error:
            reason = f": {str(error)[:SHOWN]}" if self._quoting else ""
            raise self._fault(at, f"not a regular expression{reason}") from error
