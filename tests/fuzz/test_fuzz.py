"""Thousands of generated command lines and requests: no traceback, a documented status, no change by what is refused.

`PROJECTS_TEST_FUZZ` is how many of each, `PROJECTS_TEST_SEED` where they start.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import typer

from projects_cli.cli.app import app
from projects_cli.cli.runtime import Runtime
from projects_cli.errors import ExitStatus
from projects_cli.render.console import Streams
from tests import servers
from tests.config.site import USER, Site, empty_site
from tests.fuzz import hostile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Cli
    from tests.servers import Server

COUNT = int(os.environ.get("PROJECTS_TEST_FUZZ", "10000"))
SEED = int(os.environ.get("PROJECTS_TEST_SEED", "1"))
PARTS = 4
"""Each kind of input is tried in so many parts, so that several processes share the work."""

SLOWEST = 20
"""Seconds for one command line; a pattern that explodes would take longer."""

RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What must never reach a terminal as it is."""

TOLD = re.compile('^(error: |{"error": ?{)', re.MULTILINE)
"""How a failure is told."""

PARTLY = {ExitStatus.DONE, ExitStatus.PARTIAL}
"""Statuses of a command that may have changed something."""

FAULT = "unexpected failure"


@pytest.fixture
def site(standalone: Server, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with empty_site(standalone, cli) as site:
        for number in range(3):
            deep = site.project(f"vision/deep {number}", tags=["a", "b"])
            site.task(deep, last_metrics={}, hyperparams={})
            site.model(deep)
        for name, value in {
            "PROJECTS_MONGO_URI": standalone.uri,
            "PROJECTS_DATABASE": site.name,
            "PROJECTS_JOURNAL_DB": f"{site.name}_journal",
            "PROJECTS_USER": USER,
            "PROJECTS_MONGOD": "/nowhere/mongod",  # a URI that is lost on the way must not start a server
            "EDITOR": "true",
            "VISUAL": "true",
        }.items():
            monkeypatch.setenv(name, value)
        yield site
        standalone.drop(f"{site.name}_journal")


def digest(site: Site) -> str:
    """Give a digest of all documents, as the server makes it."""
    return str(site.documents.command("dbHash")["md5"])


def ids(site: Site) -> list[str]:
    found = [str(one) for one in site.documents.project.distinct("_id")]
    return [*found[:5], "vision", "f" * 32]


def status_of(words: list[str], stdin: io.TextIOBase | None = None) -> tuple[ExitStatus, str, str]:
    """Run a command line as the process does, on streams of text; gives status, output and talk."""
    out, err = io.StringIO(), io.StringIO()
    runtime = Runtime(Streams(stdin or io.TextIOWrapper(io.BytesIO()), out, err, os.environ))  # type: ignore[arg-type]
    try:
        status = typer.main.get_command(app).status(words, runtime)  # type: ignore[attr-defined]
    finally:
        runtime.close()
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


@pytest.mark.parametrize("part", range(PARTS))
def test_command_lines(site: Site, part: int, record_property: Callable[[str, object], None]) -> None:
    random = Random(SEED * 1000 + part)
    known, before = ids(site), digest(site)
    seen: dict[ExitStatus, int] = {}
    for _ in range(COUNT // PARTS):
        words = hostile.arguments(random, known)
        with bounded(words):
            status, out, err = status_of(words)
        check_text(words, out, err)
        seen[status] = seen.get(status, 0) + 1
        after = digest(site)
        if status not in PARTLY:
            assert after == before, (words, status, err)
            assert TOLD.search(err) or status == ExitStatus.FINDINGS, (words, err)
        if after != before:
            known, before = ids(site), after
    assert {ExitStatus.DONE, ExitStatus.USAGE, ExitStatus.NOT_FOUND} <= seen.keys()
    record_property("statuses", {int(status): count for status, count in sorted(seen.items())})


def check_text(what: object, out: str, err: str) -> None:
    assert FAULT not in out + err, (what, err)
    assert "Traceback" not in err, (what, err)
    for text in (out, err):
        assert not RAW.search(text), (what, RAW.findall(text))


class Lines(io.RawIOBase):
    """Standard input of a batch: gives a line when the one before was answered, and looks at the answer."""

    def __init__(self, lines: Iterator[bytes], look: Callable[[bytes], None]) -> None:
        self._lines = lines
        self._look = look
        self._last: bytes | None = None

    def __next__(self) -> bytes:
        if self._last is not None:
            self._look(self._last)
        self._last = next(self._lines)
        return self._last

    @property
    def buffer(self) -> Lines:
        return self


@pytest.mark.parametrize("part", range(PARTS))
def test_requests(site: Site, part: int, record_property: Callable[[str, object], None]) -> None:
    """Each line of a batch is answered, and a refused one changes nothing before the next is read."""
    random = Random(SEED * 1000 + part)
    known, before = ids(site), digest(site)
    out, err = io.StringIO(), io.StringIO()
    answered = {True: 0, False: 0}

    def look(line: bytes) -> None:
        nonlocal known, before
        signal.alarm(SLOWEST)
        answer = out.getvalue()
        out.seek(0)
        out.truncate()
        check_answer(line, answer)
        ok = json.loads(answer)["ok"]
        answered[ok] += 1
        after = digest(site)
        assert ok or after == before, (line, answer)
        if after != before:
            known, before = ids(site), after

    lines = (hostile.request(random, known) + b"\n" for _ in range(COUNT // PARTS))
    stdin = Lines(lines, look)
    with bounded("a batch"):
        runtime = Runtime(Streams(stdin, out, err, os.environ))  # type: ignore[arg-type]
        status = typer.main.get_command(app).status(["batch", "-"], runtime)  # type: ignore[attr-defined]
        runtime.close()
    assert (status, sum(answered.values())) == (ExitStatus.PARTIAL, COUNT // PARTS), err.getvalue()
    assert min(answered.values()) > COUNT // PARTS // 100
    record_property("answered", answered)


def check_answer(line: bytes, answer: str) -> None:
    check_text(line[:2000], answer, "")
    document: dict[str, Any] = json.loads(answer)
    assert answer.endswith("\n")
    assert answer.count("\n") == 1, line[:500]
    if not document["ok"]:
        assert document["error"].keys() >= {"code", "subcode", "name", "message"}, line[:500]


@pytest.mark.parametrize("part", range(PARTS))
def test_requests_by_call(site: Site, part: int) -> None:
    """A tenth of them one by one, as a command line of its own."""
    random = Random(SEED * 1000 + 500 + part)
    known, before = ids(site), digest(site)
    for _ in range(COUNT // PARTS // 10):
        endpoint = random.choice(hostile.ENDPOINTS)
        data = json.dumps(hostile.params(random, endpoint, known))
        with bounded(data):
            status, out, err = status_of(["call", endpoint, "--data", data, "--json"])
        check_text(data[:2000], out, err)
        after = digest(site)
        if status is not ExitStatus.DONE:
            assert (after, out) == (before, ""), (endpoint, data[:500], err)
            assert json.loads(err).keys() == {"error"}
        if after != before:
            known, before = ids(site), after


def test_the_same_seed_gives_the_same_input() -> None:
    first, second = Random(7), Random(7)
    assert [hostile.request(first, ["a"]) for _ in range(50)] == [hostile.request(second, ["a"]) for _ in range(50)]
    assert servers.new_name() != servers.new_name()
