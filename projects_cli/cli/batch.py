"""Requests in the raw: one (`call`), or many, a line each (`batch`)."""

from __future__ import annotations

import json
import sys
from codecs import BOM_UTF8
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from projects_cli.cli.context import WITH_USER
from projects_cli.cli.exceptions import error_of
from projects_cli.cli.flow import carry, expect, partial_failure, show
from projects_cli.cli.request import nothing_to_do
from projects_cli.errors import (
    DatabaseRefused,
    DatabaseTimeout,
    DatabaseUnavailable,
    Interrupted,
    NoPrivateServer,
    PartialFailure,
    UsageError,
)
from projects_cli.messages import Response
from projects_cli.render.console import as_json
from projects_cli.render.encode import dumps
from projects_cli.render.escaping import check_utf8
from projects_cli.render.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from projects_cli.cli.context import Context
    from projects_cli.errors import ProjectsError

KEYS = frozenset({"id", "endpoint", "version", "user", "params"})
"""What a line of a batch may hold (cli.md, batch)."""

NO_DATABASE = (DatabaseUnavailable, DatabaseTimeout, DatabaseRefused, NoPrivateServer)
"""Faults that are not about a line where no connection was made yet."""


def call(context: Context, endpoint: str, data: str | None) -> None:
    """Carry one raw request, and print its response."""
    version = context.version(endpoint)
    if "user" in context.flags and version.endpoint not in WITH_USER:
        raise UsageError(f"{version.endpoint} does not use --user", hint="leave --user out; used by: projects.create")
    params = _parsed(_text(context, data)) if data is not None else {}
    expect(context, _look(version.endpoint, params))
    request = context.request(version, params)
    show(context, carry(context, request, ask=False), page=request.params.get("page"))


def _look(endpoint: str, params: Any) -> str:
    """Name the view of a raw request's answer; what is no request is refused later."""
    with_statistics = isinstance(params, dict) and params.get("include_stats") is True
    look = f"{endpoint} statistics" if with_statistics else endpoint
    return look if look in VIEWS else "raw"


def skeleton(context: Context, endpoint: str) -> None:
    """Print a request to fill in."""
    context.streams.data.write(dumps(context.version(endpoint).skeleton(), pretty=True) + "\n")


def batch(context: Context, file: str) -> None:
    """Carry the requests of a file of JSON Lines, and print an answer for each, in order.

    Raises:
        PartialFailure: some failed; each was answered as an error. Interrupted: see `_answer`.
        DatabaseUnavailable, DatabaseTimeout, DatabaseRefused, NoPrivateServer: there is no database to work on, which
            no further line would find; the line that needed it was answered so.
    """
    if context.output.fields or context.output.query is not None:
        raise UsageError("batch answers each line as a whole", hint="leave out --fields and --query")
    failed = total = 0
    out = context.streams.data
    with _lines(context, file) as lines:
        for number, raw in enumerate(lines):
            line = raw.removeprefix(BOM_UTF8) if number == 0 else raw
            if not line.strip():
                continue
            total += 1
            answer, fault = _answer(context, line)
            failed += fault is not None
            out.write(dumps(answer) + "\n")
            out.flush()
            if isinstance(fault, NO_DATABASE) and not context.is_connected:
                raise fault
    if not total and file == "-":
        context.console.notice("standard input is empty: nothing to do")
    if failed:
        raise PartialFailure(f"{failed} of {total} requests failed; their answers say why")


def _answer(context: Context, line: bytes) -> tuple[dict[str, Any], ProjectsError | None]:
    """Give the answer to one line; whatever is wrong with it becomes an error, which is given beside.

    Raises:
        Interrupted: a signal came in the middle of a change; no further line is carried out.
    """
    identifier = None
    try:
        entry = _entry(line)
        identifier = entry.get("id")
        response = _carried(context, entry)
        data = {key: list(value) if hasattr(value, "__next__") else value for key, value in response.data.items()}
        answer: dict[str, Any] = {"id": identifier, "ok": True, "data": data}
        if not response.skipped:
            return answer, None
        skipped = [one._asdict() for one in response.skipped]
        return {**answer, "skipped": skipped}, partial_failure(response)
    except Interrupted:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the next line goes on
        fault = error_of(error)
        shown = as_json(fault)
        shown.pop("hint")
        return {"id": identifier if identifier is not None else _id_of(line), "ok": False, "error": shown}, fault


def _carried(context: Context, entry: Mapping[str, Any]) -> Response:
    version = context.version(entry["endpoint"], entry.get("version"))
    request = context.request(version, entry.get("params", {}), entry.get("user"))
    return carry(context, request, ask=False)


def _entry(line: bytes) -> dict[str, Any]:
    """Read a line as a request: an object with an endpoint, and nothing that a request does not have."""
    entry = _parsed(line)
    if not isinstance(entry, dict):
        raise UsageError('a line holds a JSON object: {"id": 1, "endpoint": "projects.get_all", "params": {}}')
    unknown = sorted(entry.keys() - KEYS)
    if unknown:
        raise UsageError(f"a request has no {unknown[0]!r}; it may have: {', '.join(sorted(KEYS))}")
    for key in ("endpoint", "version", "user"):
        if not isinstance(entry.get(key, ""), str) and not (entry[key] is None and key != "endpoint"):
            raise UsageError(f"{key!r} should be a string")
    if not entry.get("endpoint"):
        raise UsageError("a request names its 'endpoint'")
    return entry


def _id_of(line: bytes) -> Any:
    """Give the id of a bad line where it can be read, so that its sender finds the answer."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry.get("id") if isinstance(entry, dict) else None


def _parsed(text: bytes) -> Any:
    """Parse JSON, without the extensions of Python's parser.

    Raises:
        UsageError: it is not UTF-8, or invalid.
    """
    decoded = check_utf8(text.decode("utf-8", "surrogateescape"), "the JSON")
    try:
        return json.loads(decoded.removeprefix("\ufeff"), parse_constant=_refused, object_pairs_hook=_object)
    except RecursionError as error:
        raise UsageError("the JSON is nested too deeply") from error
    except ValueError as error:
        raise UsageError(f"invalid JSON: {error}"[:200]) from error


def _refused(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of a request; Python's parser would silently keep the last of two values of a key."""
    members = dict(pairs)
    if len(members) < len(pairs):
        repeated, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {repeated!r} occurs twice in an object")
    return members


def _text(context: Context, data: str) -> bytes:
    """Give what `--data` means: itself, a file's content (`@FILE`), or standard input (`-`)."""
    if data == "-":
        text = _stdin(context).read()
        if not text.removeprefix(BOM_UTF8).strip():
            nothing_to_do(context, Response("raw", {}))
        return text
    if not data.startswith("@"):
        return data.encode("utf-8", "surrogatepass")
    try:
        return Path(data[1:]).read_bytes()
    except (OSError, ValueError) as error:
        raise UsageError(f"--data {data}: {_words(error)}") from error


@contextmanager
def _lines(context: Context, file: str) -> Iterator[BinaryIO]:
    """Open a file of lines, or standard input."""
    if file == "-":
        yield _stdin(context)
        return
    with ExitStack() as opened:
        try:
            stream = opened.enter_context(Path(file).open("rb"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{file}: {_words(error)}") from error
        yield stream


def _words(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _stdin(context: Context) -> BinaryIO:
    return getattr(context.streams.stdin, "buffer", sys.stdin.buffer)
