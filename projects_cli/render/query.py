"""`--query`: what a JMESPath expression takes from an answer, and how each format shows it."""

from __future__ import annotations

import warnings
from typing import Any

from projects_cli.errors import UsageError
from projects_cli.limits import cpu_limit
from projects_cli.messages import Response
from projects_cli.render.encode import dumps
from projects_cli.render.views import View

DONE = "the command itself is done; see the whole response with --json"

LONGEST_REASON = 200
"""Characters of what jmespath reports: it quotes the expression."""

LONGEST = 10_000
"""Characters of an expression."""

MEGABYTE = 1_000_000
LARGEST = 16 * MEGABYTE
"""Characters of JSON that one value may have beside four times the response."""

MOST = 64 * MEGABYTE
"""The same for all values together, beside sixteen times the response."""

SECONDS = 2.0
SECONDS_FOR_A_MEGABYTE = 0.5
"""Processor time that an expression may take: in any case, and for each megabyte of the response."""


def check(expression: str) -> None:
    """Check that an expression can be evaluated, and that its functions exist.

    Raises:
        UsageError: it is not JMESPath, or is too long.
    """
    from jmespath.functions import Functions

    if len(expression) > LONGEST:
        raise UsageError(f"--query: the expression has more than {LONGEST} characters")
    left = [_compiled(expression).parsed]
    while left:
        node = left.pop()
        left += [child for child in node["children"] if isinstance(child, dict)]
        if node["type"] == "function_expression" and node["value"] not in Functions.FUNCTION_TABLE:
            known = ", ".join(sorted(Functions.FUNCTION_TABLE))
            raise UsageError(f"--query: unknown function {node['value']!r}", hint=f"functions: {known}")


def _compiled(expression: str) -> Any:
    import jmespath  # only with an expression

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # jmespath warns about an old form of literals, which is valid
            return jmespath.compile(expression)
    except RecursionError as error:
        raise UsageError("--query: invalid JMESPath: it is nested too deeply") from error
    except (jmespath.exceptions.JMESPathError, ValueError) as error:
        words = str(error).partition("\n")[0][:LONGEST_REASON] or type(error).__name__
        raise UsageError(
            f"--query: invalid JMESPath: {words}", hint="for the syntax see https://jmespath.org"
        ) from error


def search(response: Response, expression: str) -> Any:
    """Return what the expression selects from a response, which is held in memory as a whole.

    Raises:
        UsageError: a function does not apply to the data, or the result is too large or takes too long.
    """
    data = {key: list(value) if hasattr(value, "__next__") else value for key, value in response.data.items()}
    import json  # only with an expression

    text = dumps(data)
    limit = cpu_limit(SECONDS + SECONDS_FOR_A_MEGABYTE * len(text) / MEGABYTE, _too_slow)
    parsed, values = _compiled(expression).parsed, json.loads(text)
    from projects_cli.render.query_limits import BoundedInterpreter, TooLargeError

    try:
        with limit:
            return BoundedInterpreter(LARGEST + 4 * len(text), MOST + 16 * len(text)).visit(parsed, values)
    except (TooLargeError, MemoryError) as error:
        raise UsageError("--query: the result is many times larger than the response", hint=DONE) from error
    except RecursionError as error:
        raise UsageError("--query: the expression is nested too deeply", hint=DONE) from error
    except (ValueError, TypeError, ArithmeticError) as error:  # jmespath's own are ValueErrors
        raise UsageError(f"--query does not apply to the response: {_reason(error)}", hint=DONE) from error


def _too_slow() -> UsageError:
    return UsageError("--query: evaluating the expression takes too long", hint=DONE)


def _reason(error: Exception) -> str:
    """Return why an expression does not apply; of a value of the wrong type only the type, since it may be large."""
    from jmespath.exceptions import JMESPathTypeError

    if isinstance(error, JMESPathTypeError):
        expected = " or ".join(map(str, error.expected_types))
        return f"{error.function_name}() expects {expected}, got {error.actual_type}"
    return str(error)[:LONGEST_REASON]


def as_table(result: Any) -> tuple[Response, View]:
    """Give what was taken as records and the look of them.

    A list of objects has a column for each of their keys; a list of lists, and plain values, have no heading; an
    object is one record.
    """
    rows = result if isinstance(result, list) else [] if result is None else [result]
    if rows and all(isinstance(row, dict) for row in rows):
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
    """Name the field of a column: by its key, so that a table knows it, or by its position where that has dots."""
    return f"#{position}" if "." in key else key
