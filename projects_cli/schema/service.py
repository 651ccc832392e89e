"""The service that a schema file describes, checked.

A service is `{"name", "description", "endpoints", "definitions"}`; an endpoint `{"internal", "versions"}`; a version
`{"description", "internal", "request", "response"}`, the last two being JSON Schema with `#/definitions/…` references.
"""

from __future__ import annotations

import re
import warnings
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from projects_cli.schema import hocon, hocon_tokens
from projects_cli.schema.model import is_version, version_key
from projects_cli.schema.refs import target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from projects_cli.errors import SchemaError
    from projects_cli.schema.hocon import Path, Tree

ALIASES = {"long": "integer"}
"""Types that schema files of ClearML servers use, and JSON Schema does not have."""

MAX_QUOTED = 100
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


def _is_number(value: Any) -> bool:
    """Return whether a value is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value - value == 0


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


RULES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("enum", lambda value: isinstance(value, list), "must be a list, in brackets"),
    ("required", _is_names, "must be a list of names"),
    *((keyword, _is_number, "must be a number") for keyword in NUMBERS),
    ("multipleOf", lambda value: bool(value > 0), "must be more than 0"),
)
"""Keywords, what their values must be, and the error about any other value."""


def load_service(path: str, source: hocon_tokens.Source | None = None) -> Tree:
    """Return the service of a HOCON file, named by the file's stem; `source` is the file if it has been read already.

    Raises:
        SchemaError: `FILE:LINE:COLUMN: message`, about the file or one that it includes.
    """
    return _Checker(path, hocon.parse(source or hocon_tokens.read(path))).service()


class _Checker:
    """Checks the values of one file; each error has the place of the nearest key."""

    def __init__(self, path: str, document: hocon.Document) -> None:
        self._path = path
        self._tree, self._places, self._can_quote = document
        self._definitions: Tree = {}

    def service(self) -> Tree:
        self._definitions = self._object(self._tree.get("_definitions", {}), ("_definitions",))
        for name, schema in self._definitions.items():
            self._check_schema(self._object(schema, ("_definitions", name)), ("_definitions", name))
        description = self._tree.get("_description", "")
        return {
            "name": PurePath(self._path).stem,
            "description": description if isinstance(description, str) else "",
            "definitions": self._definitions,
            "endpoints": {
                name: self._endpoint(value, (name,)) for name, value in self._tree.items() if not name.startswith("_")
            },
        }

    def _error(self, at: Path, message: str) -> SchemaError:
        place = hocon.nearest(self._places, at, self._path)
        if not self._can_quote:
            return place.error(message)
        path = ".".join(f'"{name}"' if "." in name else name for name in map(str, at))
        return place.error(f"{path[:MAX_QUOTED]}: {message}")

    def _quoted(self, value: Any) -> str:
        """Return a space and a value of the file for a message, or nothing if it must not be quoted."""
        return f" {str(value)[:40]!r}" if self._can_quote else ""

    def _object(self, value: Any, at: Path, message: str = "must be an object, in braces") -> Tree:
        if not isinstance(value, dict):
            raise self._error(at, message)
        return value

    def _endpoint(self, value: Any, at: Path) -> Tree:
        endpoint = self._object(value, at, "an endpoint must be an object that holds its versions")
        versions = {}
        for key, inner in endpoint.items():
            if is_version(key) and "." in key:
                versions[key] = self._version(inner, (*at, key))
            # Other keys, such as `internal` and `authorize`, are properties of the endpoint.
            elif isinstance(inner, dict) or key[:1].isdigit():
                raise self._error((*at, key), "a version is a number like 2.8")
        if not versions:
            raise self._error(at, 'the endpoint has no version, like "2.1" { … }')
        internal = self._flag(endpoint.get("internal", False), (*at, "internal"))
        return {"internal": internal, "versions": dict(sorted(versions.items(), key=lambda pair: version_key(pair[0])))}

    def _flag(self, value: Any, at: Path) -> bool:
        if not isinstance(value, bool):
            raise self._error(at, "must be true or false")
        return value

    def _version(self, value: Any, at: Path) -> Tree:
        version = self._object(value, at, "a version must be an object with request and response")
        if "request" not in version:
            raise self._error(at, "the version has no request")
        description = version.get("description", "")
        for part in ("request", "response"):
            self._check_schema(self._object(version.get(part, {}), (*at, part)), (*at, part))
        return {
            "description": " ".join(description.split()) if isinstance(description, str) else "",
            "internal": self._flag(version.get("internal", False), (*at, "internal")),
            "request": version["request"],
            "response": version.get("response", {}),
        }

    # --- JSON Schema ---

    def _check_schema(self, value: Any, at: Path) -> None:
        """Raise an error about anything in a schema that the validator can't process."""
        if isinstance(value, bool):  # everything is valid, or nothing
            return
        schema = self._object(value, at, "a schema must be an object, in braces")
        if isinstance(schema.get("type"), str):
            # In place: the compiler sees the standard name.
            schema["type"] = ALIASES.get(schema["type"], schema["type"])
        for keyword, is_valid, fault in RULES:
            if keyword in schema and not is_valid(schema[keyword]):
                raise self._error((*at, keyword), fault)
        if "$ref" in schema:
            self._check_reference(schema["$ref"], (*at, "$ref"))
        if "type" in schema:
            self._check_type(schema["type"], (*at, "type"))
        if "pattern" in schema:
            self._check_pattern(schema["pattern"], (*at, "pattern"))
        for pattern in self._object(schema.get("patternProperties", {}), (*at, "patternProperties")):
            self._check_pattern(pattern, (*at, "patternProperties"))
        for inner, path in self._parts(schema, at):
            self._check_schema(inner, path)

    def _parts(self, schema: Tree, at: Path) -> Iterator[tuple[Any, Path]]:
        """Yield the schemas in a schema, each with its path."""
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

    def _check_reference(self, value: Any, at: Path) -> None:
        if not isinstance(value, str):
            raise self._error(at, "a reference is a text like #/definitions/name")
        # A chain of references is followed to its end, which may be its start.
        seen = {value}
        schema = target(value, self._definitions)
        while isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
            if schema["$ref"] in seen:
                raise self._error(at, f"the reference{self._quoted(value)} leads back to itself")
            seen.add(schema["$ref"])
            schema = target(schema["$ref"], self._definitions)
        if not isinstance(schema, dict):
            raise self._error(at, f"the reference{self._quoted(value)} leads nowhere: no such entry in _definitions")

    def _check_type(self, value: Any, at: Path) -> None:
        for name in value if isinstance(value, list) and value else [value]:
            if name not in TYPES:
                raise self._error(at, f"unknown type{self._quoted(name)}; the types are {', '.join(TYPES)}")

    def _check_pattern(self, value: Any, at: Path) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about patterns whose meaning later versions of Python change
                re.compile(value)
        except (re.error, TypeError, ValueError, OverflowError, RecursionError) as error:
            reason = f": {str(error)[:MAX_QUOTED]}" if self._can_quote else ""
            raise self._error(at, f"not a regular expression{reason}") from error
