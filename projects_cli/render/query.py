"""`--query`: evaluation of a JMESPath expression on a response, within limits on time and memory."""

from __future__ import annotations

import json
import warnings
from typing import Any

import jmespath
from jmespath.functions import Functions
from jmespath.visitor import Options, TreeInterpreter

from projects_cli.errors import UsageError
from projects_cli.limits import cpu_limit
from projects_cli.messages import Response
from projects_cli.render.encode import dumps
from projects_cli.render.views import View

DONE = "the command itself has succeeded; see the whole response with --json"

MAX_REASON = 200
"""Characters of jmespath's own message, which quotes the expression."""

MAX_EXPRESSION = 10_000
"""Characters of an expression."""

MEGABYTE = 1_000_000
MAX_VALUE = 16 * MEGABYTE
"""Characters of JSON that one value may have, in addition to four times the response."""

MAX_ALLOCATED = 64 * MEGABYTE
"""Characters of all values together, in addition to sixteen times the response."""

SECONDS = 2.0
SECONDS_PER_MEGABYTE = 0.5
"""Processor time of an expression: a constant, and more for each megabyte of the response."""

GROWING = frozenset(
    {
        "multi_select_list",
        "multi_select_dict",
        "function_expression",
        "flatten",
        "projection",
        "filter_projection",
        "value_projection",
    }
)
"""Kinds of nodes that return a new value, not a part of another one."""

LARGE = 1000
"""Least size of a container whose size is remembered; it is cheap to measure a smaller one again."""


def check(expression: str) -> None:
    """Check the syntax of an expression, and that its functions exist.

    Raises:
        UsageError: it is invalid, or too long.
    """
    # The parser is recursive, and an expression of a user is far shorter.
    if len(expression) > MAX_EXPRESSION:
        raise UsageError(f"--query: the expression has more than {MAX_EXPRESSION} characters")
    nodes = [_compile(expression).parsed]
    while nodes:
        node = nodes.pop()
        nodes += [child for child in node["children"] if isinstance(child, dict)]
        if node["type"] == "function_expression" and node["value"] not in Functions.FUNCTION_TABLE:
            known = ", ".join(sorted(Functions.FUNCTION_TABLE))
            raise UsageError(f"--query: unknown function {node['value']!r}", hint=f"functions: {known}")


def _compile(expression: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # jmespath warns about an old form of literals, which is valid
            return jmespath.compile(expression)
    except RecursionError as error:
        raise UsageError("--query: invalid JMESPath: it is nested too deeply") from error
    except (jmespath.exceptions.JMESPathError, ValueError) as error:
        reason = str(error).partition("\n")[0][:MAX_REASON] or type(error).__name__
        hint = "for the syntax see https://jmespath.org"
        raise UsageError(f"--query: invalid JMESPath: {reason}", hint=hint) from error


def search(response: Response, expression: str) -> Any:
    """Return what an expression selects from a response, all of which is read into memory.

    Raises:
        UsageError: a function does not apply to the data, or the result is too large or takes too long.
    """
    data = {key: list(value) if hasattr(value, "__next__") else value for key, value in response.data.items()}
    # Through JSON, so that the query sees what --json shows: ids and dates as text.
    text = dumps(data)
    interpreter = _BoundedInterpreter(MAX_VALUE + 4 * len(text), MAX_ALLOCATED + 16 * len(text))
    parsed, values = _compile(expression).parsed, json.loads(text)
    try:
        with cpu_limit(
            SECONDS + SECONDS_PER_MEGABYTE * len(text) / MEGABYTE,
            lambda: UsageError("--query: evaluating the expression takes too long", hint=DONE),
        ):
            return interpreter.visit(parsed, values)
    except (_TooLargeError, MemoryError) as error:
        raise UsageError("--query: the result is many times larger than the response", hint=DONE) from error
    except RecursionError as error:
        raise UsageError("--query: the expression is nested too deeply", hint=DONE) from error
    except (ValueError, TypeError, ArithmeticError) as error:  # jmespath's own are ValueErrors
        reason = str(error)[:MAX_REASON]
        if isinstance(error, jmespath.exceptions.JMESPathTypeError):  # its message has the value, which may be large
            expected = " or ".join(map(str, error.expected_types))
            reason = f"{error.function_name}() expects {expected}, got {error.actual_type}"
        raise UsageError(f"--query does not apply to the response: {reason}", hint=DONE) from error


class _TooLargeError(Exception):
    """A value is larger than the limit."""


class _BoundedFunctions(Functions):
    """The standard functions; the length of a joined text is checked before it is allocated."""

    def __init__(self, max_value: int) -> None:
        self._max_value = max_value

    def call_function(self, function_name: str, resolved_args: Any) -> Any:
        if function_name == "join" and [type(argument) for argument in resolved_args] == [str, list]:
            separator, texts = resolved_args
            length = sum(len(text) for text in texts if isinstance(text, str))
            if length + len(separator) * len(texts) > self._max_value:
                raise _TooLargeError
        return super().call_function(function_name, resolved_args)


class _BoundedInterpreter(TreeInterpreter):
    """Evaluates an expression, and raises `_TooLargeError` if one value, or all of them together, are too large.

    A short expression can double a value again and again: `[@, @] | [@, @] | …`, or `join('', [@, @])` for text. The
    lists share their items, so the size that counts is that of the written result: about the characters of the value as
    JSON. It is bounded for each intermediate value, which also bounds comparisons, error messages and `to_string`.
    """

    def __init__(self, max_value: int, max_allocated: int) -> None:
        super().__init__(Options(custom_functions=_BoundedFunctions(max_value)))
        self._max_value = max_value
        self._left = max_allocated
        self._sizes: dict[int, tuple[Any, int]] = {}  # by id, with the value, so that no id is used again

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        result = super().visit(node, *args, **kwargs)
        if node["type"] in GROWING and isinstance(result, (list, dict, str)):
            # Values that were dropped since count too: they have cost time and memory.
            self._left -= len(result) if isinstance(result, str) else 8 * len(result)
            if self._left < 0 or self._size(result) > self._max_value:
                raise _TooLargeError
        return result

    def _size(self, value: Any) -> int:
        if isinstance(value, str):
            return len(value) + 2
        if not isinstance(value, (list, dict)):
            return 4
        if id(value) in self._sizes:
            return self._sizes[id(value)][1]
        size = 2
        for item in value.values() if isinstance(value, dict) else value:
            size += self._size(item) + 1
            if size > self._max_value:
                raise _TooLargeError
        if isinstance(value, dict):
            size += sum(len(key) + 3 for key in value)
        if size >= LARGE:
            self._sizes[id(value)] = value, size
        return size


def as_table(result: Any) -> tuple[Response, View]:
    """Return a result as records, and their view.

    A list of objects has a column for each of their keys. A list of lists and plain values have no headings. An object
    is one record.
    """
    rows = result if isinstance(result, list) else [] if result is None else [result]
    if rows and all(isinstance(row, dict) for row in rows):
        # In the order in which they first occur.
        keys = list(dict.fromkeys(key for row in rows for key in row))
        columns = tuple((_field(key, position), key) for position, key in enumerate(keys))
        records = [{field: row.get(key) for field, key in columns} for row in rows]
        if isinstance(result, dict):
            return Response("query", {"record": records[0]}), View(record="record", columns=columns, titled=True)
    else:
        lines = [row if isinstance(row, list) else [row] for row in rows]
        columns = tuple((_field(".", position), "") for position in range(max(map(len, lines), default=0)))
        records = [{field: value for (field, _), value in zip(columns, line, strict=False)} for line in lines]
    return Response("query", {"rows": records}), View(rows="rows", columns=columns, titled=True)


def _field(key: str, position: int) -> str:
    """Return the field of a column: the key, so that a table has its style, or the position if the key has dots."""
    return f"#{position}" if "." in key else key
