"""How far something long is: on a terminal, and only of what takes more than a second."""

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

PATIENCE = 1.0
"""Seconds after which a person wants to know."""

PAUSE = 0.1
"""Seconds between two lines, so that telling costs nothing."""

ASKING = "asking the database:"
"""What is said while the first record is waited for."""

MANY = 1000
"""Records between two looks at the clock."""


@dataclass(slots=True)
class Progress:
    """One line on a terminal that is written again and again, and taken away at the end."""

    stream: TextIO
    clock: Callable[[], float] = time.monotonic
    _began: tuple[float, int] | None = None
    _told: float = 0.0
    _width: int = 0

    def __call__(self, done: int, total: int | None) -> None:
        """Tell how much is done, of how much (None: nobody knows), how fast, and how long it will take."""
        now = self.clock()
        if self._began is None:
            self._began = (now, done)
        if total is not None and done >= total:
            self.clear()
            self._began = None  # what comes next is another thing
        elif now - self._began[0] >= PATIENCE and now - self._told >= PAUSE:
            self._told = now
            self.write(self._words(done, total, now))

    def _words(self, done: int, total: int | None, now: float) -> str:
        began, before = self._began or (now, done)
        rate = (done - before) / (now - began) if now > began else 0.0
        if total is None:
            return f"{done:,}, {rate:,.0f}/s"
        left = f", {duration(round((total - done) / rate))} left" if rate > 0 else ""
        return f"{done:,} of {total:,} ({done * 100 // total} %), {rate:,.0f}/s{left}"

    def write(self, text: str) -> None:
        """Put a text in the line's place."""
        self.stream.write(f"\r{text.ljust(self._width)}")
        self.stream.flush()
        self._width = len(text)

    def clear(self) -> None:
        """Take the line away."""
        if self._width:
            self.stream.write(f"\r{' ' * self._width}\r")
            self.stream.flush()
            self._width = 0

    def begun(self, rows: Iterable[Any]) -> Iterable[Any]:
        """Give rows that come from a database once the first is there, telling until then that it is waited for."""
        if not isinstance(rows, Iterator):
            return rows
        with waiting(self, ASKING):
            first = list(islice(rows, 1))
        return chain(first, rows)

    def counted(self, rows: Iterable[Any]) -> Iterator[Any]:
        """Give the rows on, telling how many there were."""
        done = 0
        try:
            for done, row in enumerate(rows, 1):
                yield row
                if done % MANY == 0:
                    self(done, None)
        finally:
            self.clear()


@contextmanager
def waiting(progress: Progress, words: str) -> Iterator[None]:
    """Tell while the block lasts how long it has been."""
    from threading import Event, Thread  # only a person at a terminal pays for them

    over = Event()

    def tell() -> None:
        seconds = 0
        while not over.wait(PATIENCE):
            seconds += 1
            progress.write(f"{words} {duration(seconds)}")

    teller = Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()
        progress.clear()
