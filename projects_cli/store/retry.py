"""Retries after transient failures: a broken connection, or a replica set that elects another primary.

The driver itself repeats single reads and writes, once. Everything else is repeated here, and nowhere else.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from projects_cli.errors import ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Result = TypeVar("Result")

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0  # seconds between two attempts; the pauses double in between

_is_repeated: ContextVar[bool] = ContextVar("is_repeated", default=False)
"""Whether the current work is repeated as a whole: then no part of it is repeated by itself."""


@contextmanager
def repeated_as_a_whole() -> Iterator[None]:
    """Retry no part of this block: after a transient failure the caller repeats all of it."""
    token = _is_repeated.set(True)
    try:
        yield
    finally:
        _is_repeated.reset(token)


class Retry:
    """Repeats work that may be repeated, until it succeeds or the time is over."""

    def __init__(self, seconds: float) -> None:
        """`seconds` is how long attempts are made after the first failure."""
        self._seconds = seconds

    def __call__(self, work: Callable[[], Result], *, before_again: Callable[[], object] | None = None) -> Result:
        """Return the result of `work`; `before_again` is called first in every repetition, and repeated with it.

        Raises:
            ConnectionLost: the failure was not transient. DatabaseUnavailable: no server answers any longer.
        """
        if _is_repeated.get():
            return work()
        deadline: float | None = None
        pause = FIRST_PAUSE
        while True:
            try:
                with repeated_as_a_whole():
                    if deadline is not None and before_again is not None:
                        before_again()
                    return work()
            except ConnectionLost:
                deadline = deadline or time.monotonic() + self._seconds
                if time.monotonic() >= deadline:
                    raise
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)

    def stream(self, begin: Callable[[], Iterator[Result]]) -> Iterator[Result]:
        """Yield from the iterator that `begin` returns. It is begun again until it has yielded its first item.

        Later failures are raised: a repetition would yield items twice.
        """

        def begun() -> tuple[list[Result], Iterator[Result]]:
            stream = begin()
            return list(islice(stream, 1)), stream

        first, rest = self(begun)
        yield from first
        yield from rest
