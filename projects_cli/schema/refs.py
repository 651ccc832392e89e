"""`$ref`s of a service: their targets, and the definitions that a schema needs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

PREFIX = "#/definitions/"


def target(reference: str, definitions: Mapping[str, Any]) -> Any:
    """Return the schema that a `#/definitions/…` reference names, or None if there is none."""
    if not reference.startswith(PREFIX):
        return None
    schema: Any = definitions
    for name in _names(reference):
        schema = schema.get(name) if isinstance(schema, dict) else None
    return schema


def _names(reference: str) -> list[str]:
    """Return the names in a JSON pointer (RFC 6901), which escapes `/` and `~`."""
    return [name.replace("~1", "/").replace("~0", "~") for name in reference[len(PREFIX) :].split("/")]


def needed_definitions(schema: Any, definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definitions to which a schema refers, directly or through others, in their own order."""
    names: set[str] = set()
    pending = list(references(schema))
    while pending:
        # A reference may point into a definition: the whole definition is needed then.
        name = _names(pending.pop())[0]
        if name not in names and name in definitions:
            names.add(name)
            pending += references(definitions[name])
    return {name: definition for name, definition in definitions.items() if name in names}


def references(schema: Any) -> Iterator[str]:
    """Yield every reference in a schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for inner in schema.values():
            yield from references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from references(inner)


def resolve(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Return a schema, or the target if it is a reference; the reference's own default and description take effect."""
    own: dict[str, Any] = {}
    # `service` has refused references that lead back to themselves, so this ends.
    while isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        # The outermost reference wins: it is the most specific.
        own = {key: schema[key] for key in ("description", "default") if key in schema} | own
        schema = target(schema["$ref"], definitions)
    return {**schema, **own} if own and isinstance(schema, dict) else schema
