"""The parameters of a request: checked against its schema, every problem at once, each with its path.

Generated code (see compiler.py) checks what JSON Schema says; this module does what goes beyond it and says in plain
words what is wrong. It is on the way of every command: it imports nothing that isn't loaded anyway.

Beyond the schema: null for an optional field means that it was not given, a whole number may be written 1.0, and
no text may hold half a surrogate pair, since it could not be stored.
"""

from __future__ import annotations

from projects_cli.schema.refs import resolved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from projects_cli.errors import Problem, ValidationError

    Schema = dict[str, Any]
    Path = tuple[str | int, ...]
    Fault = tuple[Path, str]
    Check = Callable[[Any], Any]

NULL_ITEMS: dict[str, tuple[str, ...]] = {
    "get_all": ("id", "tags", "system_tags"),
    "get_all_ex": ("id", "tags", "system_tags"),
    "*": ("filter.tags", "filter.system_tags"),
}
"""The arrays of which endpoint (`*`: any) may hold null: "or has none"."""

NULL_VALUES: dict[str, tuple[str, ...]] = {
    "update": ("*",),
    "get_all_ex": ("stats_for_state",),
}
"""The optional fields (`*`: all at the top) of which endpoint for which null is a value of its own."""

MAX_NESTING = 100
MAX_SHOWN = 60
MAX_SUGGESTIONS = 20
INTEGER_RANGE = (-(2**63), 2**63 - 1)
"""What MongoDB can store."""

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

SENTENCES = {
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
    "uniqueItems": "must not hold an item twice",
}
OTHER_SENTENCE = "is not what the schema allows"


# --- what generated code raises: the names are those that the library uses -----------------------------------------


class JsonSchemaValueException(Exception):
    """One rule that a value breaks."""

    def __init__(
        self, message: str, value: Any = None, name: str = "data", definition: Any = None, rule: str | None = None
    ) -> None:
        """Keep what the message to the person is made of."""
        super().__init__(message)
        self.value = value
        self.name = name
        self.rule = rule
        self.limit = definition.get(rule) if isinstance(definition, dict) and rule else None
        self.definition = definition


class JsonSchemaValuesException(Exception):
    """All the rules that a value breaks."""

    def __init__(self, errors: list[JsonSchemaValueException]) -> None:
        """Keep them."""
        super().__init__(f"{len(errors)} rules are broken")
        self.errors = errors


# --- the way of a request -----------------------------------------------------------------------------------------


def validate(check: Check, shape: Schema, params: Any) -> dict[str, Any]:
    """A new dict with the parameters that were given and the schema's defaults; `params` is left as it is.

    Args:
        check: the generated validator of `shape`.
        shape: the request's schema as it is checked, see `compiler.checked_form`.
        params: what the caller gave, any JSON.

    Raises:
        ValidationError: with every problem and its path.
    """
    faults = list(_unreadable(params))
    if not faults:
        shaper = _Shaper(shape.get("definitions", {}))
        result: dict[str, Any] = shaper.shaped(params, shape, ())
        faults = _once([*shaper.faults, *_broken_rules(check, result)])
    if faults:
        raise _error(faults, "params")
    return result


def _unreadable(params: Any) -> Iterator[Fault]:
    """What keeps a request from being looked at: it is no object, is nested absurdly deep, is not Unicode."""
    if not isinstance(params, dict):
        yield (), f"expected object, got {type_name(params)}"
        return
    todo: list[tuple[Any, Path]] = [(params, ())]
    while todo:
        value, path = todo.pop()
        if isinstance(value, str):
            if has_surrogate(value):
                yield path, "is not Unicode text: it holds half a surrogate pair"
        elif len(path) > MAX_NESTING:
            yield path[:1], f"is nested deeper than {MAX_NESTING} levels"
            return
        elif isinstance(value, dict):
            todo += [(item, (*path, key)) for key, item in reversed(value.items()) if _is_deep(item)]
            yield from (((*path, key), "the field's name is not Unicode text") for key in value if has_surrogate(key))
        elif isinstance(value, (list, tuple)):
            todo += [(value[at], (*path, at)) for at in range(len(value) - 1, -1, -1) if _is_deep(value[at])]


def _is_deep(value: Any) -> bool:
    """Whether a value has to be looked into before it is known to be harmless."""
    return not value.isascii() if isinstance(value, str) else isinstance(value, (dict, list, tuple))


def has_surrogate(text: str) -> bool:
    """Tell whether a text holds half a surrogate pair, so that it is no Unicode and can't be stored."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


class _Shaper:
    """Makes the copy that is checked: nulls that mean nothing dropped, whole numbers as integers."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self.faults: list[Fault] = []

    def shaped(self, value: Any, schema: Any, path: Path) -> Any:
        schema = resolved(schema, self._definitions)
        schema = schema if isinstance(schema, dict) else {}
        if isinstance(value, dict):
            return self._object(value, schema, path)
        if isinstance(value, (list, tuple)):
            items = schema.get("items")
            return [self.shaped(item, items, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return self._number(value, schema, path)
        return value

    def _object(self, value: dict[str, Any], schema: Schema, path: Path) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = schema.get("required", ())
        other = schema.get("additionalProperties")
        result: dict[str, Any] = {}
        for key, item in value.items():
            inner = properties.get(key, other)
            if item is None and key in properties and key not in required and not allows_null(inner):
                continue
            result[key] = self.shaped(item, inner, (*path, key))
        return result

    def _number(self, value: float, schema: Schema, path: Path) -> float:
        """1.0 as 1 where an integer is expected; a fault about what MongoDB could not hold."""
        types = schema.get("type")
        if schema and value - value != 0:
            numeric = types is None or _is_or_has(types, "number")
            self.faults.append(
                (path, "must be a finite number" if numeric else f"expected {_listed(types)}, got number")
            )
            return 0
        if _is_or_has(types, "integer") and (isinstance(value, int) or value.is_integer()):
            return self._integer(value, path)
        return self._integer(value, path) if isinstance(value, int) and _is_or_has(types, "number") else value

    def _integer(self, value: float, path: Path) -> int:
        if INTEGER_RANGE[0] <= value <= INTEGER_RANGE[1]:
            return int(value)
        self.faults.append((path, "is too large: an integer has 64 bits"))
        return 0


def allows_null(schema: Any) -> bool:
    """Whether the schema itself takes null."""
    return isinstance(schema, dict) and _is_or_has(schema.get("type"), "null")


def _is_or_has(types: Any, name: str) -> bool:
    return types == name or (isinstance(types, list) and name in types)


# --- from broken rules to words -----------------------------------------------------------------------------------


def _broken_rules(check: Check, value: Any) -> Iterator[Fault]:
    """What the generated validator has against the value; it also fills in the defaults."""
    try:
        check(value)
    except JsonSchemaValuesException as broken:
        for error in broken.errors:
            yield from _faults_of(error, value)
    except JsonSchemaValueException as error:
        yield from _faults_of(error, value)


def _faults_of(error: JsonSchemaValueException, root: Any) -> Iterator[Fault]:
    path = tuple(_steps(error.name.removeprefix("data"), root))
    if error.rule == "required":
        for name in error.limit or ():
            if name not in error.value:
                yield (*path, name), "is required"
    elif error.rule == "additionalProperties" and isinstance(error.value, dict):
        yield from (((*path, key), text) for key, text in _unknown_fields(error))
    else:
        yield path, _sentence(error)


def _sentence(error: JsonSchemaValueException) -> str:
    return SENTENCES.get(error.rule or "", OTHER_SENTENCE).format(
        limit=shown(error.limit),
        got=shown(error.value),
        choices=_choices(error.limit),
        types=_listed(error.limit),
        type=type_name(error.value),
    )


def _listed(types: Any) -> str:
    """`string`, or `string or integer`; null goes without saying."""
    names = types if isinstance(types, list) else [types]
    return " or ".join(str(name) for name in names if name != "null" or len(names) == 1)


def _choices(values: Any) -> str:
    given = values if isinstance(values, list) else []
    return ", ".join(value if isinstance(value, str) else shown(value) for value in given if value is not None)


def _unknown_fields(error: JsonSchemaValueException) -> Iterator[tuple[str, str]]:
    known = error.definition.get("properties", {})
    unknown = [key for key in error.value if key not in known and not _fits_a_pattern(key, error.definition)]
    for index, key in enumerate(unknown):
        near = _nearest(key, known) if index < MAX_SUGGESTIONS else None
        yield key, f'unknown field; did you mean "{near}"?' if near else "unknown field"


def _fits_a_pattern(key: str, definition: Schema) -> bool:
    if "patternProperties" not in definition:
        return False
    import re  # few schemas need it

    return any(re.search(pattern, key) for pattern in definition["patternProperties"])


def _nearest(name: str, known: Iterable[str]) -> str | None:
    if len(name) > MAX_SHOWN:
        return None
    from projects_cli.errors import nearest  # only where something is wrong

    return next(iter(nearest(name, known, 1)), None)


def _steps(name: str, value: Any) -> Iterator[str | int]:
    """The path in the name that generated code gives a value (`.filter.tags[2]`), read along the value itself.

    A field's own name may have dots and brackets: what the value has decides.
    """
    while name:
        if isinstance(value, list):
            digits, _, name = name[1:].partition("]")
            yield int(digits)
            value = value[int(digits)]
            continue
        key = _leading_key(name[1:], value)
        yield key
        name = name[1 + len(key) :]
        value = value[key] if isinstance(value, dict) else None


def _leading_key(name: str, value: Any) -> str:
    short = name.partition(".")[0].partition("[")[0]
    if not isinstance(value, dict) or short in value:
        return short
    fitting = [key for key in value if name.startswith(key) and name[len(key) : len(key) + 1] in {"", ".", "["}]
    return max(fitting, key=len, default=name)


def _once(faults: Iterable[Fault]) -> list[Fault]:
    """One fault for each path: what breaks the type breaks other rules too."""
    first: dict[Path, str] = {}
    for path, text in faults:
        first.setdefault(path, text)
    return list(first.items())


def _error(faults: Iterable[Fault], root: str) -> ValidationError:
    from projects_cli.errors import Problem, ValidationError  # only where something is wrong

    problems = [Problem(shown_path(path, root), text) for path, text in faults]
    return ValidationError(_summary(problems), problems=problems)


def _summary(problems: list[Problem]) -> str:
    first = f"{problems[0].path}: {problems[0].message}"
    return first if len(problems) == 1 else f"{len(problems)} problems, the first: {first}"


# --- showing what may be hostile ----------------------------------------------------------------------------------


def type_name(value: Any) -> str:
    """JSON's name for the type of a value."""
    return TYPE_NAMES.get(type(value), type(value).__name__)


def shown(value: Any) -> str:
    """A value in a message: on one line, in plain characters, and short."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int) and not INTEGER_RANGE[0] <= value <= INTEGER_RANGE[1]:
        return "a huge number"
    if isinstance(value, (dict, list, tuple)):
        return f"an {type_name(value)}"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return repr(value)[:MAX_SHOWN]


def _quoted(text: str) -> str:
    cut = text[:MAX_SHOWN]
    escaped = "".join(_escaped(character) for character in cut)
    return f'"{escaped}…"' if len(text) > MAX_SHOWN else f'"{escaped}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else character.encode("unicode_escape", "replace").decode("ascii")


def shown_path(path: Path, root: str) -> str:
    """`params.filter.tags[2]`; a name that is no plain word is quoted: `params["a.b"]`."""
    return root + "".join(_shown_step(step) for step in path)


def _shown_step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    plain = len(step) <= MAX_SHOWN and step.isascii() and step.isidentifier()
    return f".{step}" if plain else f"[{_quoted(step)}]"
