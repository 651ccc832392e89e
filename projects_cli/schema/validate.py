"""Validation of a request's parameters against its schema: every problem at once, each with its path.

Generated code (see `compiler`) checks what JSON Schema defines. This module does the rest, and words the problems. In
addition to the schema, null for an optional field means that it is not given, an integer may be written 1.0, and text
must not have a lone surrogate, since it could not be stored.

Every command imports this module, so it loads nothing that is not loaded in any case.
"""

from __future__ import annotations

from projects_cli.schema.refs import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from projects_cli.errors import ValidationError

    Schema = dict[str, Any]
    Path = tuple[str | int, ...]
    Fault = tuple[Path, str]
    """A path in the request, and what is wrong there."""

    Check = Callable[[Any], Any]

MAX_NESTING = 100
MAX_QUOTED = 60
MAX_SUGGESTIONS = 20
INTEGER_RANGE = (-(2**63), 2**63 - 1)
"""The integers that MongoDB can store."""

TYPE_NAMES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    tuple: "array",
    dict: "object",
    type(None): "null",
}

MESSAGES = {
    "const": "must be {limit}",
    "enum": "must be one of {choices}",
    "exclusiveMaximum": "must be less than {limit}, got {got}",
    "exclusiveMinimum": "must be more than {limit}, got {got}",
    "format": "must be in the format {limit}",
    "maxItems": "must have at most {limit} items",
    "maxLength": "must have at most {limit} characters",
    "maxProperties": "must have at most {limit} fields",
    "maximum": "must be at most {limit}, got {got}",
    "minItems": "must have at least {limit} items",
    "minLength": "must have at least {limit} characters",
    "minProperties": "must have at least {limit} fields",
    "minimum": "must be at least {limit}, got {got}",
    "multipleOf": "must be a multiple of {limit}, got {got}",
    "pattern": "must match the pattern {limit}",
    "type": "expected {types}, got {type}",
    "uniqueItems": "must not have duplicate items",
}
OTHER_MESSAGE = "is not allowed by the schema"


# --- exceptions of generated code, which uses these names ---------------------------------------------------------


class JsonSchemaValueException(Exception):
    """A rule that a value breaks."""

    def __init__(
        self, message: str, value: Any = None, name: str = "data", definition: Any = None, rule: str | None = None
    ) -> None:
        """Keep what the problem's message is made of."""
        super().__init__(message)
        self.value = value
        self.name = name
        self.rule = rule
        self.limit = definition.get(rule) if isinstance(definition, dict) and rule else None
        self.definition = definition


class JsonSchemaValuesException(Exception):
    """All rules that a value breaks."""

    def __init__(self, errors: list[JsonSchemaValueException]) -> None:
        """Keep the errors."""
        super().__init__(f"{len(errors)} rules are broken")
        self.errors = errors


# --- validation ---------------------------------------------------------------------------------------------------


def validate(check: Check, shape: Schema, params: Any, elsewhere: Mapping[str, str]) -> dict[str, Any]:
    """Return a new dict with the given parameters and the schema's defaults; `params` is not changed.

    Args:
        check: the generated validator of `shape`.
        shape: the request's schema as it is checked, see `compiler.checked_form`.
        params: any JSON.
        elsewhere: fields that only other versions have, and such a version, for the message.

    Raises:
        ValidationError: with every problem and its path.
    """
    # Before anything recursive runs on the request.
    faults = list(_malformed(params))
    result: dict[str, Any] = {}
    if not faults:
        normalizer = _Normalizer(shape.get("definitions", {}))
        result = normalizer.normalize(params, shape, ())
        faults = [*normalizer.faults, *_broken_rules(check, result)]
    if faults:
        raise _error(faults, elsewhere)
    return result


def _malformed(params: Any) -> Iterator[Fault]:
    """Yield why a request can't be validated at all: it is not an object, is nested too deeply, or is not Unicode."""
    if not isinstance(params, dict):
        yield (), f"expected object, got {type_name(params)}"
        return
    # A stack instead of recursion: the nesting is not known to be bounded yet.
    pending: list[tuple[Any, Path]] = [(params, ())]
    while pending:
        value, path = pending.pop()
        if isinstance(value, str):
            if has_surrogate(value):
                yield path, "is not Unicode text: it has a lone surrogate"
        elif len(path) > MAX_NESTING:
            yield path[:1], f"is nested deeper than {MAX_NESTING} levels"
            return
        else:
            if isinstance(value, dict):
                unencodable = filter(has_surrogate, value)
                yield from (((*path, key), "the field's name is not Unicode text") for key in unencodable)
            members = list(value.items() if isinstance(value, dict) else enumerate(value))
            pending += [
                (item, (*path, key))
                for key, item in reversed(members)
                if (isinstance(item, str) and not item.isascii()) or isinstance(item, (dict, list, tuple))
            ]


def has_surrogate(text: str) -> bool:
    """Return whether a text has a lone surrogate, so that it can't be encoded and stored."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


class _Normalizer:
    """Copies a request for validation, without the nulls that mean "not given", and with integers for 1.0."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self.faults: list[Fault] = []

    def normalize(self, value: Any, schema: Any, path: Path) -> Any:
        schema = schema if isinstance(schema, dict) else {}
        if "$ref" in schema:
            schema = resolve(schema, self._definitions)
        if isinstance(value, dict):
            properties = schema.get("properties", {})
            required = schema.get("required", ())
            other = schema.get("additionalProperties")
            return {
                key: self.normalize(item, properties.get(key, other), (*path, key))
                for key, item in value.items()
                if item is not None or key not in properties or key in required or allows_null(properties[key])
            }
        if isinstance(value, (list, tuple)):
            items = schema.get("items")
            return [self.normalize(item, items, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return self._number(value, schema, path)
        return value

    def _number(self, value: float, schema: Schema, path: Path) -> float:
        """Return 1.0 as 1 if an integer is expected; record numbers that MongoDB could not store."""
        types = schema.get("type")
        if schema and value - value != 0:  # NaN or an infinity
            is_numeric = types is None or _has_type(types, "number")
            message = "must be a finite number" if is_numeric else f"expected {_type_names(types)}, got number"
            self.faults.append((path, message))
            return 0
        # JSON does not distinguish 1 from 1.0; MongoDB would store two types.
        is_integer = _has_type(types, "integer") and (isinstance(value, int) or value.is_integer())
        if not is_integer and not (isinstance(value, int) and _has_type(types, "number")):
            return value
        if INTEGER_RANGE[0] <= value <= INTEGER_RANGE[1]:
            return int(value)
        self.faults.append((path, "is too large: an integer has 64 bits"))
        return 0


def allows_null(schema: Any) -> bool:
    """Return whether null is valid by the schema itself."""
    return isinstance(schema, dict) and _has_type(schema.get("type"), "null")


def _has_type(types: Any, name: str) -> bool:
    return types == name or (isinstance(types, list) and name in types)


# --- from broken rules to problems --------------------------------------------------------------------------------


def _broken_rules(check: Check, value: Any) -> Iterator[Fault]:
    """Run the generated validator, which also fills in the defaults, and yield the faults that it reports."""
    try:
        check(value)
    except JsonSchemaValuesException as broken:
        errors = broken.errors
    except JsonSchemaValueException as broken:
        errors = [broken]
    else:
        return
    for error in errors:
        path = tuple(_steps(error.name.removeprefix("data"), value))
        if error.rule == "required":
            # The error is about the object; the problem is about the field that is missing.
            yield from (((*path, name), "is required") for name in error.limit or () if name not in error.value)
        elif error.rule == "additionalProperties" and isinstance(error.value, dict):
            yield from (((*path, key), message) for key, message in _unknown_fields(error))
        else:
            choices = [value for value in error.limit if value is not None] if isinstance(error.limit, list) else []
            message = MESSAGES.get(error.rule or "", OTHER_MESSAGE).format(
                limit=quote(error.limit),
                got=quote(error.value),
                choices=", ".join(value if isinstance(value, str) else quote(value) for value in choices),
                types=_type_names(error.limit),
                type=type_name(error.value),
            )
            yield path, message


def _type_names(types: Any) -> str:
    """Return `string` or `string or integer`; null is only named if it is the only one."""
    names = types if isinstance(types, list) else [types]
    return " or ".join(str(name) for name in names if name != "null" or len(names) == 1)


def _unknown_fields(error: JsonSchemaValueException) -> Iterator[tuple[str, str]]:
    known = error.definition.get("properties", {})
    unknown = [key for key in error.value if key not in known]
    if patterns := error.definition.get("patternProperties"):
        import re  # few schemas need it

        unknown = [key for key in unknown if not any(re.search(pattern, key) for pattern in patterns)]
    from projects_cli.errors import nearest

    # Comparing words takes time: a hostile request has many unknown fields, or long ones.
    for index, key in enumerate(unknown):
        is_compared = index < MAX_SUGGESTIONS and len(key) <= MAX_QUOTED
        near = nearest(key, known, 1) if is_compared else []
        yield key, f'unknown field; did you mean "{near[0]}"?' if near else "unknown field"


def _steps(name: str, value: Any) -> Iterator[str | int]:
    """Yield the steps in the name that generated code has for a value: `.filter.tags[2]`.

    The name is read along the value, since the name of a field may have dots and brackets itself.
    """
    while name:
        if isinstance(value, list):
            digits, _, name = name[1:].partition("]")
            yield int(digits)
            value = value[int(digits)]
            continue
        key = name[1:].partition(".")[0].partition("[")[0]
        if isinstance(value, dict) and key not in value:
            # The field's name itself has a dot or a bracket: of several that fit the longest is meant.
            fitting = [known for known in value if f"{name[1:]}.".startswith((f"{known}.", f"{known}["))]
            key = max(fitting, key=len, default=name[1:])
        yield key
        name = name[1 + len(key) :]
        value = value[key] if isinstance(value, dict) else None


def _error(faults: Iterable[Fault], elsewhere: Mapping[str, str], root: str = "params") -> ValidationError:
    from projects_cli.errors import Problem, ValidationError

    first: dict[Path, str] = {}
    for path, message in faults:
        known = elsewhere.get(str(path[0])) if len(path) == 1 else None
        # Only the first: a value of the wrong type breaks further rules as well.
        first.setdefault(path, message if known is None else f"unknown field; version {known} has it")
    problems = [Problem(quote_path(path, root), message) for path, message in first.items()]
    summary = f"{problems[0].path}: {problems[0].message}"
    if len(problems) > 1:
        summary = f"{len(problems)} problems, the first: {summary}"
    return ValidationError(summary, problems=problems)


# --- quoting of values that may be hostile ------------------------------------------------------------------------


def type_name(value: Any) -> str:
    """Return JSON's name for the type of a value."""
    return TYPE_NAMES.get(type(value), type(value).__name__)


def quote(value: Any) -> str:
    """Return a value for a message: on one line, in printable characters, and short."""
    if isinstance(value, str):
        shown = value[:MAX_QUOTED].replace("\\", "\\\\").replace('"', '\\"')
        escaped = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in shown)
        return f'"{escaped}…"' if len(value) > MAX_QUOTED else f'"{escaped}"'
    if isinstance(value, int) and not INTEGER_RANGE[0] <= value <= INTEGER_RANGE[1]:
        return "a huge number"
    if isinstance(value, (dict, list, tuple)):
        return f"an {type_name(value)}"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return repr(value)[:MAX_QUOTED]


def quote_path(path: Path, root: str) -> str:
    """Return a path as `params.filter.tags[2]`, with quotes if a name is not a plain word: `params["a.b"]`."""
    steps = []
    for step in path:
        if isinstance(step, int):
            steps.append(f"[{step}]")
        else:
            is_plain = len(step) <= MAX_QUOTED and step.isascii() and step.isidentifier()
            steps.append(f".{step}" if is_plain else f"[{quote(step)}]")
    return root + "".join(steps)
