"""`$ref`s of a service: where each leads, and which definitions a schema reaches."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

PREFIX = "#/definitions/"


def target(reference: str, definitions: Mapping[str, Any]) -> Any:
    """The schema that a `#/definitions/…` reference names, or null when it leads nowhere."""
    if not reference.startswith(PREFIX):
        return None
    found: Any = definitions
    for piece in reference[len(PREFIX) :].split("/"):
        found = found.get(piece.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found


def definition_name(reference: str) -> str:
    """The name of the definition that a reference leads into."""
    return reference[len(PREFIX) :].split("/", 1)[0].replace("~1", "/").replace("~0", "~")


def reached(schema: Any, definitions: Mapping[str, Any]) -> dict[str, Any]:
    """The definitions that a schema needs, directly or through others, in their own order."""
    names: set[str] = set()
    todo = list(references(schema))
    while todo:
        name = definition_name(todo.pop())
        if name not in names and name in definitions:
            names.add(name)
            todo += references(definitions[name])
    return {name: definition for name, definition in definitions.items() if name in names}


def references(schema: Any) -> Iterator[str]:
    """Every `$ref` in a schema, however deep."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for inner in schema.values():
            yield from references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from references(inner)


def resolved(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """A schema in place of the reference that it may be; the reference's own default and description stay."""
    kept: dict[str, Any] = {}
    while isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        kept = {key: schema[key] for key in ("description", "default") if key in schema} | kept
        schema = target(schema["$ref"], definitions)
    return {**schema, **kept} if kept and isinstance(schema, dict) else schema
