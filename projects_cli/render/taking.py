"""`--query`: what a JMESPath expression takes from an answer, and how each format shows it."""

from __future__ import annotations

import warnings
from typing import Any

from projects_cli.errors import UsageError
from projects_cli.messages import Response
from projects_cli.render.encode import dumps
from projects_cli.render.views import View


def check(expression: str) -> None:
    """Refuse an expression that can't be read, or that calls a function which there is not.

    Raises:
        UsageError: it is no JMESPath.
    """
    from jmespath.functions import Functions

    left = [_compiled(expression).parsed]
    while left:
        node = left.pop()
        left += [child for child in node["children"] if isinstance(child, dict)]
        if node["type"] == "function_expression" and node["value"] not in Functions.FUNCTION_TABLE:
            known = ", ".join(sorted(Functions.FUNCTION_TABLE))
            raise UsageError(f"--query: there is no function {node['value']!r}", hint=f"functions: {known}")


def _compiled(expression: str) -> Any:
    import jmespath  # needed only where an expression was given

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an old way to write a literal is one of its ways
            return jmespath.compile(expression)
    except (jmespath.exceptions.JMESPathError, RecursionError) as error:
        words = str(error).partition("\n")[0] or type(error).__name__
        raise UsageError(
            f"--query: this is no JMESPath: {words}", hint="how to write it: https://jmespath.org"
        ) from error


def taken(response: Response, expression: str) -> Any:
    """Give what the expression takes from the answer, which is held as a whole for it.

    Raises:
        UsageError: a function of it can't be applied to what is there.
    """
    import jmespath

    data = {key: list(value) if hasattr(value, "__next__") else value for key, value in response.data.items()}
    try:
        import json  # for this option alone

        return _compiled(expression).search(json.loads(dumps(data)))
    except (jmespath.exceptions.JMESPathError, RecursionError) as error:
        hint = "what the command does is done; look at the whole answer with --json"
        raise UsageError(f"--query can't be applied to the answer: {error}", hint=hint) from error


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
