"""`projects batch`."""

from __future__ import annotations

import gc
import json
from codecs import BOM_UTF8
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.exceptions import error_of
from projects_cli.cli.flow import answer, partial_failure
from projects_cli.cli.request import build_request, input_error, parse_json, read_within, stdin_bytes
from projects_cli.errors import (
    DatabaseRefused,
    DatabaseTimeout,
    DatabaseUnavailable,
    Interrupted,
    NoPrivateServer,
    PartialFailure,
    UsageError,
)
from projects_cli.render.console import as_json
from projects_cli.render.encode import dumps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from projects_cli.cli.context import Context
    from projects_cli.errors import ProjectsError

KEYS = frozenset({"id", "endpoint", "version", "user", "params"})
"""The keys that a line may have."""

COLLECT_AFTER = 50_000
"""New objects before the garbage collector runs: each line leaves some that only it can free."""

NO_DATABASE = (DatabaseUnavailable, DatabaseTimeout, DatabaseRefused, NoPrivateServer)
"""Errors that end the run if no connection was made yet: every further line would fail likewise."""

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def batch(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON Lines; - reads standard input.")],
) -> None:
    """Run many requests in one process: a JSON object per line in, a JSON object per line out, in order. Asks nothing.

    A line is {"id": 1, "endpoint": "projects.get_all", "params": {}}; - reads standard input.

    Example: projects batch requests.jsonl
    """
    context: Context = ctx.obj
    if context.output.fields or context.output.query is not None:
        raise UsageError("batch does not support --fields and --query", hint="leave them out")
    # A line fails alone: the others are run, and the exit status reports that some failed.
    failed = total = 0
    out = context.streams.data
    with ExitStack() as stack:
        stack.enter_context(_collected_often())
        lines: BinaryIO
        try:
            lines = stdin_bytes(context) if file == "-" else stack.enter_context(Path(file).open("rb"))
        except (OSError, ValueError) as error:
            raise input_error(file, error) from error
        for number, raw in enumerate(iter(partial(read_within, lines.readline, file), b"")):
            line = raw.removeprefix(BOM_UTF8) if number == 0 else raw
            if not line.strip():
                continue
            total += 1
            output, fault = _answer_line(context, line.strip(), number + 1)
            failed += fault is not None
            out.write(dumps(output) + "\n")
            out.flush()
            context.made = ""  # reported
            if isinstance(fault, NO_DATABASE) and not context.is_connected:
                raise fault
    if not total and file == "-":
        context.console.notice("standard input is empty: nothing to do")
    if failed:
        raise PartialFailure(f"{failed} of {total} requests failed; see their answers")


@contextmanager
def _collected_often() -> Iterator[None]:
    """Let the garbage collector run more often, and pass over all objects that exist already, as those of modules."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _answer_line(context: Context, line: bytes, number: int) -> tuple[dict[str, Any], ProjectsError | None]:
    """Return the output for a line of the input, numbered from 1, and the error if it failed.

    Raises:
        Interrupted: a signal came in the middle of a change; no further line is run.
    """
    identifier = None
    try:
        entry = _parse_line(line, number)
        identifier = entry.get("id")
        # A line may choose its own version; it wins over --api-version.
        version = context.version(entry["endpoint"], entry.get("version"))
        params = version.validate(entry.get("params", {}))
        response = answer(context, build_request(context, version, params, entry.get("user")))
        data = {key: list(value) if hasattr(value, "__next__") else value for key, value in response.data.items()}
        output: dict[str, Any] = {"id": identifier, "ok": True, "data": data}
        if not response.skipped:
            return output, None
        return {**output, "skipped": [skipped._asdict() for skipped in response.skipped]}, partial_failure(response)
    except Interrupted:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the next line is run
        fault = error_of(error)
        shown = as_json(fault)
        # Hints are about the command line, which a batch does not have.
        shown.pop("hint")
        return {"id": identifier if identifier is not None else _id_of(line), "ok": False, "error": shown}, fault


def _parse_line(line: bytes, number: int) -> dict[str, Any]:
    """Parse a line: an object with an endpoint, and nothing that a request does not have.

    Raises:
        UsageError: it is something else.
    """
    try:
        entry = parse_json(line)
    except UsageError as error:
        raise UsageError(f"line {number} of the input: {error.message}") from error
    if not isinstance(entry, dict):
        raise UsageError('a line holds a JSON object: {"id": 1, "endpoint": "projects.get_all", "params": {}}')
    unknown = sorted(entry.keys() - KEYS)
    if unknown:
        raise UsageError(f"a request has no {unknown[0]!r}; it may have: {', '.join(sorted(KEYS))}")
    for key in ("endpoint", "version", "user"):
        if not isinstance(entry.get(key, ""), str) and not (entry[key] is None and key != "endpoint"):
            raise UsageError(f"{key!r} should be a string")
    if not entry.get("endpoint"):
        raise UsageError("a request needs an 'endpoint'")
    return entry


def _id_of(line: bytes) -> Any:
    """Return the id of an invalid line if it can be read, so that its sender finds the answer."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry.get("id") if isinstance(entry, dict) else None
