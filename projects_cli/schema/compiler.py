"""From a service's plain dicts to Python source: an index, and for each endpoint its schemas and validators.

Used when a schema is met for the first time and when the program is packaged; never on the way of a command that
finds what it needs compiled.
"""

from __future__ import annotations

import copy
import textwrap
from typing import TYPE_CHECKING, Any

from projects_cli.errors import SchemaError
from projects_cli.schema.refs import reached, references, resolved, target
from projects_cli.schema.validate import NULL_ITEMS, NULL_VALUES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Schema = dict[str, Any]

PLAIN_KEYWORDS = (
    "type", "enum", "const", "default", "required", "pattern", "format", "uniqueItems", "multipleOf",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
    "minItems", "maxItems", "minProperties", "maxProperties",
)  # fmt: skip
"""Keywords whose values are taken as they are; whatever is in no table here (titles, ids) says nothing to check."""

INNER_SCHEMA = ("items", "additionalProperties", "additionalItems")
INNER_MAP = ("properties", "patternProperties")
TRIED_SCHEMA = ("not", "if", "then", "else", "contains")
TRIED_LIST = ("allOf", "anyOf", "oneOf")
"""Schemas that stand beside another one: closing them would refuse what the other declares."""

REPLACED_LINES = {
    "from decimal import Decimal": "Decimal = float",
    "from fastjsonschema import JsonSchemaValueException, JsonSchemaValuesException": "",
}
"""Imports of the generated code: the library is not wanted when a request is validated."""

LONGEST_CODE = 4_000_000
"""Characters: each level repeats what is below it, and the interpreter compiles such code without a pause."""

HEADER = '''\
"""Generated from a schema file: what the versions of one endpoint take and give, and their validators."""
from projects_cli.schema.validate import JsonSchemaValueException, JsonSchemaValuesException
'''


# --- schemas ------------------------------------------------------------------------------------------------------


def document(schema: Schema, definitions: Mapping[str, Any]) -> Schema:
    """The schema as a JSON Schema that stands by itself: with the definitions that it reaches, and no others."""
    needed = reached(schema, definitions)
    return {**copy.deepcopy(schema), **({"definitions": copy.deepcopy(needed)} if needed else {})}


def checked_form(endpoint: str, request: Schema, definitions: Mapping[str, Any]) -> Schema:
    """The request's schema as it is checked: closed, null where the tables in `validate` allow it, bare of words."""
    schema = copy.deepcopy(request)
    found = resolved(schema, definitions)
    _let_items_be_null(endpoint, found, definitions)
    _let_values_be_null(endpoint, found, definitions)
    names = {reference: f"d{number}" for number, reference in enumerate(_all_references(found, definitions))}
    shape = _closed(found, names)
    inner = {name: _closed(target(reference, definitions), names) for reference, name in names.items()}
    return {**shape, "definitions": inner} if inner else shape


def _all_references(schema: Any, definitions: Mapping[str, Any]) -> list[str]:
    """Each reference that the schema reaches, once, in the order of meeting it."""
    known: dict[str, None] = {}
    todo = list(references(schema))
    while todo:
        reference = todo.pop(0)
        if reference not in known:
            known[reference] = None
            todo += references(target(reference, definitions))
    return list(known)


def _let_items_be_null(endpoint: str, request: Schema, definitions: Mapping[str, Any]) -> None:
    for path in (*NULL_ITEMS.get(endpoint, ()), *NULL_ITEMS["*"]):
        schema: Any = request
        for name in path.split("."):
            schema = _inlined(schema.get("properties"), name, definitions) if isinstance(schema, dict) else None
        if isinstance(schema, dict) and isinstance(schema.get("items"), dict):
            schema["items"] = _nullable(resolved(schema["items"], definitions))


def _let_values_be_null(endpoint: str, request: Schema, definitions: Mapping[str, Any]) -> None:
    properties = request.get("properties", {})
    names = NULL_VALUES.get(endpoint, ())
    for name in properties if "*" in names else names:
        if name in properties and name not in request.get("required", ()):
            properties[name] = _nullable(resolved(properties[name], definitions))


def _inlined(properties: Any, name: str, definitions: Mapping[str, Any]) -> Any:
    """The schema of a property, put in place of a reference, so that it can be changed for this request alone."""
    if not isinstance(properties, dict) or name not in properties:
        return None
    properties[name] = copy.deepcopy(resolved(properties[name], definitions))
    return properties[name]


def _nullable(schema: Any) -> Any:
    """The same schema, which takes null as well."""
    if not isinstance(schema, dict):
        return schema
    result = dict(schema)
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        result["type"] = list(dict.fromkeys([*types, "null"]))
    if "enum" in schema:
        result["enum"] = [*schema["enum"], None]
    return result


def _closed(schema: Any, names: Mapping[str, str], *, close: bool = True) -> Any:
    """A copy with only what is checked, and closed where it declares properties and doesn't say otherwise."""
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        kept = {"default": schema["default"]} if schema.get("default") is not None else {}
        return {"$ref": f"#/definitions/{names[schema['$ref']]}", **kept}
    result = {key: copy.deepcopy(schema[key]) for key in PLAIN_KEYWORDS if key in schema}
    if result.get("default", 0) is None:
        del result["default"]
    result.update(_inner(schema, names, close=close))
    if close and "properties" in schema and not any(key in schema for key in (*TRIED_LIST, "if")):
        result.setdefault("additionalProperties", False)
    return _with_requirements(result)


def _inner(schema: Schema, names: Mapping[str, str], *, close: bool) -> Iterator[tuple[str, Any]]:
    for key in INNER_SCHEMA:
        if isinstance(schema.get(key), list):
            yield key, [_closed(inner, names, close=close) for inner in schema[key]]
        elif key in schema:
            yield key, _closed(schema[key], names, close=close)
    for key in INNER_MAP:
        if key in schema:
            yield key, {name: _closed(inner, names, close=close) for name, inner in schema[key].items()}
    for key in TRIED_SCHEMA:
        if key in schema:
            yield key, _closed(schema[key], names, close=False)
    for key in TRIED_LIST:
        if key in schema:
            yield key, [_closed(inner, names, close=False) for inner in schema[key]]


def _with_requirements(schema: Schema) -> Schema:
    """`required` may name what is not declared (anything goes there), and what has a default (it is not asked for)."""
    if "required" not in schema:
        return schema
    properties = schema.get("properties", {})
    if "properties" in schema:
        schema["properties"] = {**properties, **{name: {} for name in schema["required"] if name not in properties}}
    defaulted = {name for name, inner in properties.items() if isinstance(inner, dict) and "default" in inner}
    schema["required"] = [name for name in dict.fromkeys(schema["required"]) if name not in defaulted]
    return schema


# --- source -------------------------------------------------------------------------------------------------------


def index_of(service: Schema) -> Schema:
    """What is known of a service without loading an endpoint: names, versions, the first line of help."""
    return {
        "name": service["name"],
        "description": " ".join(service["description"].split()),
        "endpoints": {name: _summary(endpoint) for name, endpoint in service["endpoints"].items()},
    }


def _summary(endpoint: Schema) -> Schema:
    versions = endpoint["versions"]
    newest = list(versions.values())[-1]
    return {
        "versions": list(versions),
        "internal": endpoint["internal"] or newest["internal"],
        "description": newest["description"],
    }


def endpoint_source(service: Schema, name: str) -> str:
    """A Python module whose `VERSIONS` has each version's schemas and validator.

    Raises:
        SchemaError: a schema that no validator can be made of.
    """
    endpoint = service["endpoints"][name]
    parts = [HEADER]
    entries = []
    for number, version in endpoint["versions"].items():
        record = _record(name, version, service["definitions"], internal=endpoint["internal"])
        function = "validator_" + number.replace(".", "_")
        parts.append(_validator_source(function, record["shape"], f"{service['name']}.{name} {number}"))
        fields = "".join(f"        {key!r}: {value!r},\n" for key, value in record.items())
        entries.append(f"    {number!r}: {{\n{fields}        'check': {function}(),\n    }},\n")
    return "\n\n".join([*parts, f"VERSIONS = {{\n{''.join(entries)}}}\n"])


def _record(name: str, version: Schema, definitions: Mapping[str, Any], *, internal: bool) -> Schema:
    return {
        "description": version["description"],
        "internal": internal or version["internal"],
        "request": document(version["request"], definitions),
        "response": document(version["response"], definitions),
        "shape": checked_form(name, version["request"], definitions),
    }


def _validator_source(function: str, shape: Schema, what: str) -> str:
    """A function that gives the validator: each version's generated names are kept apart by being local to it."""
    lines = _generated(shape, what).splitlines()
    body = "\n".join(REPLACED_LINES.get(line, line) for line in lines)
    if "fastjsonschema" in body.partition("def ")[0]:
        raise AssertionError("the generated code imports the library in a way that is not known here")
    return f"def {function}():\n{textwrap.indent(body, '    ')}\n    return validate\n"


def _generated(schema: Schema, what: str) -> str:
    """The library's code for a schema.

    Raises:
        SchemaError: the library can't make any of it.
    """
    import fastjsonschema  # only where something is compiled

    try:
        code: str = fastjsonschema.compile_to_code(copy.deepcopy(schema), fast_fail=False)
        if len(code) > LONGEST_CODE:
            raise SchemaError(f"{what}: the request's schema is too large for a validator")
        compile(code, what, "exec")
    except (fastjsonschema.JsonSchemaDefinitionException, SyntaxError, RecursionError, MemoryError) as error:
        raise SchemaError(f"{what}: no validator can be made of the request's schema") from error
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise SchemaError(f"{what}: the request's schema is not JSON Schema") from error
    return code


# --- what is made at build time, and for tests --------------------------------------------------------------------


def write_shipped(service: Schema, key: str, folder: Path) -> None:
    """Write the modules that ship with the program: `__init__.py` with key and index, and one per endpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = {name: endpoint_source(service, name) for name in service["endpoints"]}
    sources["__init__"] = f'"""Generated: the shipped schema."""\n\nKEY = {key!r}\nINDEX = {index_of(service)!r}\n'
    for stale in folder.glob("*.py"):
        if stale.stem not in sources:
            stale.unlink()
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source, encoding="utf-8")


def _defined(schema: Schema) -> Mapping[str, Any]:
    definitions: Mapping[str, Any] = schema.get("definitions", {})
    return definitions
