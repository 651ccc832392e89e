"""A limit on the processor time of work that a file or an expression of unknown origin controls."""

from __future__ import annotations

import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import Any


class _Expired(BaseException):
    """Raised by the signal's handler; a `BaseException`, so that no library takes it for a fault of its own."""


class cpu_limit:  # noqa: N801 - used like a function; contextlib would be one more import of every command
    """Raise `fault()` if the block uses more than `seconds` of processor time.

    Processor time and not wall time: on a busy machine the same input must not fail. The timer's signal also
    interrupts a regular expression, since Python's engine looks for signals while it backtracks. Signals are handled
    by the main thread only; in another one the block runs without a limit.
    """

    def __init__(self, seconds: float, fault: Callable[[], Exception]) -> None:
        """Keep the limit and what to raise when it is reached."""
        self._seconds = seconds
        self._fault = fault
        self._before: Any = None
        self._active = False

    def __enter__(self) -> None:
        """Start the timer."""
        try:
            self._before = signal.signal(signal.SIGVTALRM, self._expire)
        except ValueError:  # not the main thread
            return
        self._active = True
        signal.setitimer(signal.ITIMER_VIRTUAL, self._seconds)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the timer, and raise the fault if it had expired."""
        self._active = False
        if self._before is not None:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, self._before)
        if kind is _Expired:
            raise self._fault() from error

    def _expire(self, _number: int, _frame: FrameType | None) -> None:
        if self._active:
            raise _Expired
