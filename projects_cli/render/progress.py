"""The progress line: shown on a terminal, for what takes more than a second, and erased at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TextIO

from projects_cli.render.humanize import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DELAY = 1.0
"""Seconds before progress is shown, and between two updates while nothing else happens."""

INTERVAL = 0.1
"""Least number of seconds between two updates, so that they cost nothing."""

WAITING_FOR_RECORDS = "asking the database:"

RECORDS_PER_UPDATE = 1000
"""Records between two looks at the clock."""


@dataclass(slots=True)
class Progress:
    """A line on a terminal that is overwritten again and again, and erased at the end."""

    stream: TextIO
    clock: Callable[[], float] = time.monotonic
    _start: tuple[float, int] | None = None
    _updated: float = 0.0
    _width: int = 0

    def __call__(self, done: int, total: int | None) -> None:
        """Show how much is done of how much (None: unknown), the rate, and the estimated time that is left."""
        now = self.clock()
        if self._start is None:
            self._start = (now, done)
        start, before = self._start
        # Before the first second is over nothing is shown, so that a short task does not flicker.
        if total is not None and done >= total:
            self.clear()
            self._start = None  # the next call is about something else
            return
        if now - start < DELAY or now - self._updated < INTERVAL:
            return
        self._updated = now
        rate = (done - before) / (now - start)
        if total is None:
            self.write(f"{done:,}, {rate:,.0f}/s")
        else:
            left = f", {duration(round((total - done) / rate))} left" if rate > 0 else ""
            self.write(f"{done:,} of {total:,} ({done * 100 // total} %), {rate:,.0f}/s{left}")

    def write(self, text: str) -> None:
        """Replace the text of the line."""
        # Padding overwrites a longer text; erasing with an escape sequence would not work on every terminal.
        self.stream.write(f"\r{text.ljust(self._width)}")
        self.stream.flush()
        self._width = len(text)

    def clear(self) -> None:
        """Erase the line."""
        if self._width:
            self.stream.write(f"\r{' ' * self._width}\r")
            self.stream.flush()
            self._width = 0

    def first_awaited(self, rows: Iterable[Any]) -> Iterable[Any]:
        """Return the rows once the first has been read, and show until then that the database is being asked."""
        # A list is there already.
        if not isinstance(rows, Iterator):
            return rows
        with waiting(self, WAITING_FOR_RECORDS):
            first = list(islice(rows, 1))
        return chain(first, rows)

    def counted(self, rows: Iterable[Any]) -> Iterator[Any]:
        """Yield the rows, and show how many there have been."""
        done = 0
        try:
            for done, row in enumerate(rows, 1):
                yield row
                if done % RECORDS_PER_UPDATE == 0:
                    self(done, None)
        finally:
            self.clear()


class JsonProgress(Progress):
    """The same for programs: `{"progress": {"done", "total", "seconds"}}` about once a second, and at the end.

    While nothing is counted it has what is waited for instead: `{"progress": {"waiting": "asking the database: 3s"}}`.
    """

    def __call__(self, done: int, total: int | None) -> None:
        """Write how much is done of how much (null: unknown)."""
        now = self.clock()
        if self._start is None:
            self._start = (now, done)
        is_finished = total is not None and done >= total
        if is_finished or now - self._updated >= DELAY:
            self._updated = now
            self._write({"done": done, "total": total, "seconds": round(now - self._start[0], 1)})
        if is_finished:
            self._start = None

    def write(self, text: str) -> None:
        """Write what is waited for, which `waiting` words as a label and a duration."""
        self._write({"waiting": text})

    def clear(self) -> None:
        """Do nothing: a line of a file stays."""

    def _write(self, values: dict[str, Any]) -> None:
        from projects_cli.render.encode import dumps

        self.stream.write(dumps({"progress": values}) + "\n")
        self.stream.flush()


@contextmanager
def waiting(progress: Progress, label: str) -> Iterator[None]:
    """Show a label and the seconds since the start of the block."""
    from threading import Event, Thread  # only at a terminal

    finished = Event()

    def update() -> None:
        seconds = 0
        while not finished.wait(DELAY):
            seconds += 1
            progress.write(f"{label} {duration(seconds)}")

    # A thread, since the block waits inside the driver.
    thread = Thread(target=update, daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()
        progress.clear()
