"""Progress: when it is shown, in which words, and that it leaves nothing behind."""

from __future__ import annotations

import io
import re
import time
from typing import TYPE_CHECKING

import pytest

from projects_cli.render.console import Console
from projects_cli.render.progress import RECORDS_PER_UPDATE, Progress, waiting
from projects_cli.render.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def told(*steps: tuple[float, int], total: int | None) -> list[str]:
    """Return the visible lines, given how much was done at which times; an empty line was erased."""
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, clock)
    for clock.now, done in steps:
        progress(done, total)
    return [line.rstrip() for line in stream.getvalue().split("\r") if line]


def test_nothing_is_shown_within_a_second() -> None:
    assert told((0, 1), (0.5, 500), (0.9, 900), (0.95, 1000), total=1000) == []


def test_how_much_how_fast_and_how_long_still() -> None:
    lines = told((0, 0), (2, 12_000), (4, 50_000), total=200_000)
    assert lines == ["12,000 of 200,000 (6 %), 6,000/s, 31s left", "50,000 of 200,000 (25 %), 12,500/s, 12s left"]


def test_the_line_is_taken_away_at_the_end() -> None:
    assert told((0, 0), (2, 10), (3, 20), total=20) == ["10 of 20 (50 %), 5/s, 2s left", ""]


def test_a_shorter_line_leaves_nothing_of_a_longer_one() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, clock)
    for clock.now, done in ((0, 0), (2, 1), (1000, 999)):
        progress(done, 1000)
    long, short = stream.getvalue().split("\r")[1:]
    assert len(short) == len(long)


def test_many_steps_do_not_make_many_lines() -> None:
    assert len(told(*((1 + step / 1000, step) for step in range(1000)), total=1000)) <= 1


def test_the_next_task_starts_again() -> None:
    assert told((0, 0), (2, 10), (2, 10), (2.5, 5), total=10) == []


def test_number_and_rate_are_shown_for_an_unknown_total() -> None:
    assert told((0, 0), (2, 3000), total=None) == ["3,000, 1,500/s"]


def test_rows_are_given_on_while_they_are_counted() -> None:
    stream, clock = io.StringIO(), Clock()
    rows = Progress(stream, clock).counted(range(3 * RECORDS_PER_UPDATE))
    seen = []
    for row in rows:
        clock.now += 0.01
        seen.append(row)
    assert seen == list(range(3 * RECORDS_PER_UPDATE))
    assert "2,000, 100/s" in stream.getvalue()
    assert stream.getvalue().endswith("\r")


def test_waiting_is_shown_after_a_second_and_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projects_cli.render.progress.DELAY", 0.01)
    stream = io.StringIO()
    with waiting(Progress(stream), "asking:"):
        while "asking: 2s" not in stream.getvalue():
            time.sleep(0.01)
    assert re.fullmatch(r"(\rasking: \d+s)+\r +\r", stream.getvalue())


def test_waiting_for_the_first_record_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projects_cli.render.progress.DELAY", 0.01)
    stream = io.StringIO()

    def rows() -> Iterator[int]:
        while "asking the database: 1s" not in stream.getvalue():
            time.sleep(0.01)
        yield from range(3)

    awaited = iter(Progress(stream).first_awaited(rows()))
    assert stream.getvalue().endswith("\r"), "it is erased before the first record is shown"
    assert list(awaited) == [0, 1, 2]
    assert list(Progress(stream).first_awaited(iter(()))) == []
    there = [1]
    assert Progress(stream).first_awaited(there) is there


@pytest.mark.parametrize(("environment", "quiet"), [({}, True), ({"TERM": "dumb"}, False)])
def test_no_progress_if_quiet_or_on_a_dumb_terminal(terminal: TextIO, environment: dict[str, str], quiet: bool) -> None:
    console = Console(Streams(io.StringIO(), io.StringIO(), terminal, environment), quiet=quiet)
    assert console.progress_line() is None


def test_progress_needs_a_terminal(terminal: TextIO) -> None:
    assert Console(Streams(terminal, terminal, io.StringIO(), {})).progress_line() is None
    assert Console(Streams(io.StringIO(), io.StringIO(), terminal, {})).progress_line() is not None
