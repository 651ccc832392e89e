"""Thousands of generated command lines and requests: no traceback, a documented status, no change after a refusal.

`PROJECTS_TEST_FUZZ` is the number of each, `PROJECTS_TEST_SEED` the seed.
"""

from __future__ import annotations

import io
import json
import os
import signal
from random import Random
from typing import TYPE_CHECKING

import pytest

from projects_cli.cli.context import Context
from projects_cli.errors import ExitStatus
from projects_cli.render.streams import Streams
from tests.fuzz import hostile, trial
from tests.worlds.site import Site, empty_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Cli
    from tests.servers import Server

COUNT = int(os.environ.get("PROJECTS_TEST_FUZZ", "10000"))
SEED = int(os.environ.get("PROJECTS_TEST_SEED", "1"))
PARTS = 4
"""The number of parts of each kind of input, so that several processes share the work."""


@pytest.fixture
def site(standalone: Server, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    monkeypatch.chdir(tmp_path)  # some command lines write files
    with empty_site(standalone, cli) as site:
        for number in range(3):
            deep = site.project(f"vision/deep {number}", tags=["a", "b"])
            site.task(deep, last_metrics={}, hyperparams={})
            site.model(deep)
        for name, value in trial.settings_of(standalone.uri, site.name).items():
            monkeypatch.setenv(name, value)
        yield site
        standalone.drop(f"{site.name}_journal")


def digest(site: Site) -> str:
    return trial.digest(site.documents)


@pytest.mark.parametrize("part", range(PARTS))
def test_command_lines(site: Site, part: int, record_property: Callable[[str, object], None]) -> None:
    random = Random(SEED * 1000 + part)
    known, before = trial.ids(site.documents), digest(site)
    seen: dict[ExitStatus, int] = {}
    for _ in range(COUNT // PARTS):
        status, after = trial.check_line(hostile.arguments(random, known), site.documents, before)
        seen[status] = seen.get(status, 0) + 1
        if after != before:
            known, before = trial.ids(site.documents), after
    assert {ExitStatus.DONE, ExitStatus.USAGE, ExitStatus.NOT_FOUND} <= seen.keys()
    record_property("statuses", {int(status): count for status, count in sorted(seen.items())})


class Lines(io.RawIOBase):
    """Standard input of a batch: gives a line when the one before was answered, and looks at the answer."""

    def __init__(self, lines: Iterator[bytes], look: Callable[[bytes], None]) -> None:
        self._lines = lines
        self._look = look
        self._last: bytes | None = None

    def readline(self, size: int | None = -1, /) -> bytes:  # noqa: ARG002 - each line is read whole
        if self._last:
            self._look(self._last)
        self._last = next(self._lines, b"")
        return self._last

    @property
    def buffer(self) -> Lines:
        return self


@pytest.mark.parametrize("part", range(PARTS))
def test_requests(site: Site, part: int, record_property: Callable[[str, object], None]) -> None:
    """Each line of a batch is answered, and a refused one changes nothing before the next is read."""
    random = Random(SEED * 1000 + part)
    known, before = trial.ids(site.documents), digest(site)
    out, err = io.StringIO(), io.StringIO()
    answered = {True: 0, False: 0}

    def look(line: bytes) -> None:
        nonlocal known, before
        signal.alarm(trial.SLOWEST)
        answer = out.getvalue()
        out.seek(0)
        out.truncate()
        ok = trial.check_answer(line, answer)
        answered[ok] += 1
        after = digest(site)
        assert ok or after == before, (line, answer)
        if after != before:
            known, before = trial.ids(site.documents), after

    lines = (hostile.request(random, known) + b"\n" for _ in range(COUNT // PARTS))
    stdin = Lines(lines, look)
    with trial.bounded("a batch"):
        context = Context(Streams(stdin, out, err, os.environ))  # type: ignore[arg-type]
        status = trial.root().status(["batch", "-"], context)
        context.close()
    assert (status, sum(answered.values())) == (ExitStatus.PARTIAL, COUNT // PARTS), err.getvalue()
    assert min(answered.values()) > COUNT // PARTS // 100
    record_property("answered", answered)


@pytest.mark.parametrize("part", range(PARTS))
def test_requests_by_call(site: Site, part: int) -> None:
    """A tenth of them one by one, as a command line of its own."""
    random = Random(SEED * 1000 + 500 + part)
    known, before = trial.ids(site.documents), digest(site)
    for _ in range(COUNT // PARTS // 10):
        endpoint = random.choice(hostile.ENDPOINTS)
        data = json.dumps(hostile.params(random, endpoint, known))
        with trial.bounded(data):
            status, out, err = trial.status_of(["call", endpoint, "--data", data, "--json"])
        trial.check_text(data[:2000], out, err)
        after = digest(site)
        if status is not ExitStatus.DONE:
            assert (after, out) == (before, ""), (endpoint, data[:500], err)
            assert json.loads(err).keys() == {"error"}
        if after != before:
            known, before = trial.ids(site.documents), after


def test_the_same_seed_gives_the_same_input() -> None:
    first, second = Random(7), Random(7)
    assert [hostile.request(first, ["a"]) for _ in range(50)] == [hostile.request(second, ["a"]) for _ in range(50)]
