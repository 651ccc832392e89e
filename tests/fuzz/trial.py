"""Running generated input against a server, for the tests and for `make soak`."""

from __future__ import annotations

import io
import json
import os
import re
import signal
from collections import Counter
from contextlib import contextmanager, redirect_stdout
from functools import cache
from typing import TYPE_CHECKING, Any

import typer

from projects_cli.cli.app import app
from projects_cli.cli.context import Context
from projects_cli.errors import ExitStatus
from projects_cli.render.streams import Streams
from tests import servers
from tests.fuzz import hostile
from tests.worlds.world import BEFORE, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from pymongo.database import Database

SLOWEST = 20
"""Seconds for one command line; a pattern that explodes would take longer."""

RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What must never reach a terminal as it is."""

TOLD = re.compile('^(error: |{"error": ?{)', re.MULTILINE)
"""How a failure is reported."""

PARTLY = {ExitStatus.DONE, ExitStatus.PARTIAL}
"""Statuses of a command that may have changed something."""

FAULT = "unexpected failure"


def digest(database: Database[dict[str, Any]]) -> str:
    """Return a digest of all documents, as the server makes it."""
    return str(database.command("dbHash")["md5"])


def ids(database: Database[dict[str, Any]]) -> list[str]:
    """Return some ids of projects, a name, and an id that does not exist.

    They are in the order of the names: ids differ from run to run, and the same seed must give the same command lines.
    """
    found = database["project"].find({}, {"_id": 1}).sort({"name": 1, "_id": 1}).limit(5)
    return [*(str(document["_id"]) for document in found), "vision", "f" * 32]


@cache
def root() -> Any:
    """Return the command line, which is built only once."""
    return typer.main.get_command(app)


def status_of(words: list[str], stdin: Any = None, environment: Any = None) -> tuple[ExitStatus, str, str]:
    """Run a command line as the process does, on streams of text; gives status, output and talk."""
    out, err = io.StringIO(), io.StringIO()
    streams = Streams(stdin or io.TextIOWrapper(io.BytesIO()), out, err, environment or os.environ)
    context = Context(streams)
    try:
        with redirect_stdout(out):  # help is written by Typer
            status: ExitStatus = root().status(words, context)
    finally:
        context.close()
    return status, out.getvalue(), err.getvalue()


@contextmanager
def bounded(what: object) -> Iterator[None]:
    """Fail where something takes too long."""

    def late(*_: object) -> None:
        raise TimeoutError(f"longer than {SLOWEST} s: {what!r:.500}")

    previous = signal.signal(signal.SIGALRM, late)
    signal.alarm(SLOWEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def check_text(what: object, out: str, err: str) -> None:
    """Make sure that there is no traceback, and nothing that a terminal would obey."""
    assert FAULT not in out + err, (what, err)
    assert "Traceback" not in err, (what, err)
    for text in (out, err):
        assert not RAW.search(text), (what, RAW.findall(text))


def check_answer(line: bytes, answer: str) -> bool:
    """Check that a line was answered as it should be. Return whether it was carried out."""
    check_text(line[:2000], answer, "")
    document: dict[str, Any] = json.loads(answer)
    assert answer.endswith("\n")
    assert answer.count("\n") == 1, line[:500]
    if not document["ok"]:
        assert document["error"].keys() >= {"code", "subcode", "name", "message"}, line[:500]
    return bool(document["ok"])


def check_line(
    words: list[str], database: Database[dict[str, Any]], before: str, environment: Any = None
) -> tuple[ExitStatus, str]:
    """Try a command line on a database with that digest; gives its status, and the digest afterwards."""
    with bounded(words):
        status, out, err = status_of(words, environment=environment)
    # `-o id0` separates ids by NUL, for `xargs -0`.
    check_text(words, out.replace("\0", "\n") if any("id0" in word for word in words) else out, err)
    # Remaining findings are reported after the fixed ones.
    fixed = status == ExitStatus.FINDINGS and {"doctor", "--fix"} <= {*words}
    after = digest(database)
    if status not in PARTLY and not fixed:
        assert after == before, (words, status, err)
        assert TOLD.search(err) or status == ExitStatus.FINDINGS, (words, err)
    return status, after


def settings_of(uri: str, name: str) -> dict[str, str]:
    """Return the variables that lead input to a database, and that keep it from starting or opening anything."""
    return {
        "PROJECTS_MONGO_URI": uri,
        "PROJECTS_DATABASE": name,
        "PROJECTS_JOURNAL_DB": f"{name}_journal",
        "PROJECTS_USER": "the-caller",
        "PROJECTS_MONGOD": "/nowhere/mongod",  # a URI that is lost on the way must not start a server
        "EDITOR": "true",
        "VISUAL": "true",
    }


def some(server: servers.Server, random: Random, count: int) -> Counter[str]:
    """Try some command lines and some requests on a database of their own; gives how many of each."""
    world = World(server, servers.new_name())
    world.load(BEFORE)
    home = str(server.folder / "home")
    environment = {**os.environ, **settings_of(server.uri, world.name), "HOME": home, "XDG_CONFIG_HOME": home}
    try:
        for _ in range(count):
            check_line(
                hostile.arguments(random, ids(world.documents)), world.documents, digest(world.documents), environment
            )
            endpoint = random.choice(hostile.ENDPOINTS)
            data = json.dumps(hostile.params(random, endpoint, ids(world.documents)))
            check_line(["call", endpoint, "--data", data], world.documents, digest(world.documents), environment)
    finally:
        world.close()
    return Counter({"command lines": count, "requests": count})
