"""Compilation of a service to Python source: an index, and for each version of an endpoint its schemas and validator.

It runs at the first use of a schema file, and when the program is packaged.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from projects_cli.errors import SchemaError
from projects_cli.schema.model import module_name
from projects_cli.schema.refs import needed_definitions, references, resolve, target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Schema = dict[str, Any]

PLAIN_KEYWORDS = (
    "type", "enum", "const", "default", "required", "pattern", "format", "uniqueItems", "multipleOf",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
    "minItems", "maxItems", "minProperties", "maxProperties",
)  # fmt: skip
"""Keywords whose values are copied. Keywords that are in no table here (titles, ids) have no effect on validity."""

INNER_SCHEMA = ("items", "additionalProperties", "additionalItems")
INNER_MAP = ("properties", "patternProperties")
TRIED_SCHEMA = ("not", "if", "then", "else", "contains")
TRIED_LIST = ("allOf", "anyOf", "oneOf")
"""Keywords whose schemas apply in addition to another one: closed, they would refuse what the other declares."""

FILTER_PARTS = ("any.include", "any.exclude", "all.include", "all.exclude")
LISTING_NULLS = ("id", "tags", "system_tags", "parent", "last_update", *(f"filters.*.{part}" for part in FILTER_PARTS))
TAG_NULLS = ("filter.tags", "filter.system_tags")

NULL_ITEMS: dict[str, tuple[str, ...]] = {
    "get_all": LISTING_NULLS,
    "get_all_ex": (*LISTING_NULLS, "children_tags", *(f"children_tags_filter.{part}" for part in FILTER_PARTS)),
    "get_task_tags": TAG_NULLS,
    "get_model_tags": TAG_NULLS,
    "get_project_tags": TAG_NULLS,
    "get_task_parents": ("projects",),
    "get_user_names": ("projects",),
    "get_hyperparam_values": ("projects",),
    "get_model_metadata_values": ("projects",),
}
"""The arrays of each endpoint in which null is a value of its own: "or has none", or an open end of `last_update`.

In a path, `*` stands for all fields that an object allows without declaring them.
"""

NULL_VALUES: dict[str, tuple[str, ...]] = {
    "update": ("*",),
    "get_all": ("filters", "parent", "scroll_id"),
    "get_all_ex": ("filters", "parent", "scroll_id", "stats_for_state"),
}
"""The optional fields (`*`: all at the top level) of each endpoint for which null is a value of its own."""

REPLACED_LINES = {
    "from decimal import Decimal": "Decimal = float",
    "from fastjsonschema import JsonSchemaValueException, JsonSchemaValuesException": "",
}
"""Imports of the generated code, replaced so that a request is validated without the library."""

MAX_CODE = 4_000_000
"""Characters of generated code, which repeats at each level what is below. Compiling it can't be interrupted."""

HEADER = '''\
"""Generated from a schema file: the schemas of one version of an endpoint, and the validator of its requests."""
from projects_cli.schema.validate import JsonSchemaValueException, JsonSchemaValuesException
'''


# --- schemas ------------------------------------------------------------------------------------------------------


def _document(schema: Schema, definitions: Mapping[str, Any]) -> Schema:
    """Return the schema with the definitions that it needs."""
    needed = needed_definitions(schema, definitions)
    return {**copy.deepcopy(schema), **({"definitions": copy.deepcopy(needed)} if needed else {})}


def checked_form(endpoint: str, request: Schema, definitions: Mapping[str, Any]) -> Schema:
    """Return the request's schema for validation: closed, without texts, and with null where the tables allow it."""
    # A copy: definitions are shared by all endpoints, and this one is changed below.
    schema = resolve(copy.deepcopy(request), definitions)
    _let_items_be_null(endpoint, schema, definitions)
    properties, nullable = schema.get("properties", {}), NULL_VALUES.get(endpoint, ())
    for name in properties if "*" in nullable else nullable:
        if name in properties and name not in schema.get("required", ()):
            properties[name] = _nullable(resolve(properties[name], definitions))
    names = {reference: f"d{number}" for number, reference in enumerate(_all_references(schema, definitions))}
    shape = _closed(schema, names)
    inner = {name: _closed(target(reference, definitions), names) for reference, name in names.items()}
    return {**shape, "definitions": inner} if inner else shape


def _all_references(schema: Any, definitions: Mapping[str, Any]) -> list[str]:
    """Return each reference in the schema, directly or through others, once, in the order of their appearance."""
    known: dict[str, None] = {}
    pending = list(references(schema))
    while pending:
        reference = pending.pop(0)
        if reference not in known:
            known[reference] = None
            pending += references(target(reference, definitions))
    return list(known)


def _let_items_be_null(endpoint: str, request: Schema, definitions: Mapping[str, Any]) -> None:
    for path in NULL_ITEMS.get(endpoint, ()):
        schema: Any = request
        for name in path.split("."):
            if not isinstance(schema, dict):
                break
            schema = (
                _inlined(schema, "additionalProperties", definitions)
                if name == "*"
                else _inlined(schema.get("properties"), name, definitions)
            )
        # ClearML's files do not declare that null is allowed; the server accepts it.
        if isinstance(schema, dict) and isinstance(schema.get("items"), dict):
            schema["items"] = _nullable(resolve(schema["items"], definitions))


def _inlined(properties: Any, name: str, definitions: Mapping[str, Any]) -> Any:
    """Return a property's schema, after replacing a reference by a copy, which can be changed for this request."""
    if not isinstance(properties, dict) or name not in properties:
        return None
    properties[name] = copy.deepcopy(resolve(properties[name], definitions))
    return properties[name]


def _nullable(schema: Any) -> Any:
    """Return the schema, changed so that null is valid."""
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
    """Return a copy with only the keywords that matter, closed if it declares properties and does not open itself.

    In a closed object a field that is not declared is an error.
    """
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        default = {"default": schema["default"]} if schema.get("default") is not None else {}
        return {"$ref": f"#/definitions/{names[schema['$ref']]}", **default}
    result = {key: copy.deepcopy(schema[key]) for key in PLAIN_KEYWORDS if key in schema}
    # The generated code would set a default of null; null means "not given".
    if result.get("default", 0) is None:
        del result["default"]
    result.update(_inner(schema, names, close=close))
    if close and "properties" in schema and not any(key in schema for key in (*TRIED_LIST, "if")):
        result.setdefault("additionalProperties", False)
    if "required" in result:
        # Required fields that the schema does not declare are declared. A field that has a default is never missing.
        fields = result.get("properties", {})
        if "properties" in result:
            result["properties"] = {**fields, **{name: {} for name in result["required"] if name not in fields}}
        defaulted = {name for name, inner in fields.items() if isinstance(inner, dict) and "default" in inner}
        result["required"] = [name for name in dict.fromkeys(result["required"]) if name not in defaulted]
    return result


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


# --- source -------------------------------------------------------------------------------------------------------


def index_of(service: Schema) -> Schema:
    """Return what is known of a service before an endpoint is loaded: names, versions, descriptions."""
    return {
        "name": service["name"],
        "description": " ".join(service["description"].split()),
        "endpoints": {
            name: {
                "versions": list(endpoint["versions"]),
                "internal": endpoint["internal"] or newest["internal"],
                "description": newest["description"],
            }
            for name, endpoint in service["endpoints"].items()
            for newest in [list(endpoint["versions"].values())[-1]]
        },
    }


def version_source(service: Schema, name: str, number: str) -> str:
    """Return the source of a module whose `RECORD` has the schemas and the validator of a version of an endpoint.

    A module for each version, because each has all parameters of the versions before, and a command needs one.

    Raises:
        SchemaError: a validator can't be generated for a schema.
    """
    endpoint, definitions = service["endpoints"][name], service["definitions"]
    version = endpoint["versions"][number]
    shape = checked_form(name, version["request"], definitions)
    elsewhere: dict[str, str] = {}
    for other, declared in endpoint["versions"].items():
        for parameter in declared["request"].get("properties", {}):
            if parameter not in version["request"].get("properties", {}):
                elsewhere.setdefault(parameter, other)
    record = {
        "description": version["description"],
        "internal": endpoint["internal"] or version["internal"],
        "request": _document(version["request"], definitions),
        "response": _document(version["response"], definitions),
        "shape": shape,
        "elsewhere": elsewhere,
    }
    lines = _generated(shape, f"{service['name']}.{name} {number}").splitlines()
    validator = "\n".join(REPLACED_LINES.get(line, line) for line in lines)
    if "fastjsonschema" in validator.partition("def ")[0]:
        raise AssertionError("the generated code imports the library in a way that REPLACED_LINES does not have")
    fields = "".join(f"    {key!r}: {value!r},\n" for key, value in record.items())
    return f"{HEADER}\n\n{validator}\n\nRECORD = {{\n{fields}    'check': validate,\n}}\n"


def _generated(schema: Schema, name: str) -> str:
    """Return the library's code for a schema.

    Raises:
        SchemaError: the library can't generate any.
    """
    import fastjsonschema  # only if something is compiled

    try:
        # Without fast_fail the code collects every error, which is not the usual behaviour of the library.
        code: str = fastjsonschema.compile_to_code(copy.deepcopy(schema), fast_fail=False)
        if len(code) > MAX_CODE:
            raise SchemaError(f"{name}: the request's schema is too large for a validator")
        compile(code, name, "exec")
    except (fastjsonschema.JsonSchemaDefinitionException, SyntaxError, RecursionError, MemoryError) as error:
        raise SchemaError(f"{name}: no validator can be generated for the request's schema") from error
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise SchemaError(f"{name}: the request's schema is not JSON Schema") from error
    return code


# --- the build hook -----------------------------------------------------------------------------------------------


def write_shipped(service: Schema, key: str, folder: Path) -> None:
    """Write the modules that ship with the program: `__init__.py` with key and index, and one for each version."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = {
        module_name(name, number): version_source(service, name, number)
        for name, endpoint in service["endpoints"].items()
        for number in endpoint["versions"]
    }
    sources["__init__"] = f'"""Generated: the shipped schema."""\n\nKEY = {key!r}\nINDEX = {index_of(service)!r}\n'
    for stale in folder.glob("*.py"):
        # Of an endpoint that was removed or renamed.
        if stale.stem not in sources:
            stale.unlink()
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
