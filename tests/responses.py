"""Whether an answer is what the schema's `response` says: compiled as requests are, but open for more fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.schema.compiler import REPLACED_LINES, _all_references, _closed, _generated
from projects_cli.schema.refs import target
from projects_cli.schema.validate import (
    JsonSchemaValueException,
    JsonSchemaValuesException,
    _broken_rules,
    _error,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects_cli.schema.model import Catalog


def check_response(catalog: Catalog, endpoint: str, version: str | None, data: Any) -> None:
    """Raise when a response is not what the schema says.

    Raises:
        ValidationError: with every problem, its path beginning with `response`.
    """
    check = response_check(catalog.version(endpoint, version).response_schema)
    faults = list(_broken_rules(check, data))
    if faults:
        raise _error(faults, {}, "response")


def response_check(schema: dict[str, Any]) -> Callable[[Any], Any]:
    """A validator of a response, compiled on the spot."""
    definitions = schema.get("definitions", {})
    names = {reference: f"d{number}" for number, reference in enumerate(_all_references(schema, definitions))}
    shape = _closed({key: value for key, value in schema.items() if key != "definitions"}, names, close=False)
    inner = {name: _closed(target(reference, definitions), names, close=False) for reference, name in names.items()}
    code = _generated({**shape, "definitions": inner}, "response")
    body = "\n".join(REPLACED_LINES.get(line, line) for line in code.splitlines())
    scope: dict[str, Any] = {
        "JsonSchemaValueException": JsonSchemaValueException,
        "JsonSchemaValuesException": JsonSchemaValuesException,
    }
    exec(compile(body, "response", "exec"), scope)  # noqa: S102 - generated from a schema, for tests
    check: Callable[[Any], Any] = scope["validate"]
    return check
