"""Limits on processor time and memory, for work on files and expressions that may be hostile."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import Any
else:
    import _signal as signal  # without `enum`, which takes longer to import than a request to validate


INTERVAL = 0.05
"""Seconds of processor time between two signals, once the limit is reached."""


class _Expired(BaseException):
    """Raised by the signal's handler; a `BaseException`, so that no library handles it as an error of its own."""


class cpu_limit:  # noqa: N801 - used like a function; contextlib would be one more import for every command
    """Raise `make_error()` if the block uses more than `seconds` of processor time.

    It is not wall time, so that the same input succeeds on a busy machine. The timer's signal also interrupts a regular
    expression, since Python's engine checks for signals while it backtracks. Only the main thread handles signals; in
    any other thread the block runs without a limit, as on Windows, which has no such timer.
    """

    def __init__(self, seconds: float, make_error: Callable[[], Exception]) -> None:
        """Keep the limit and the error."""
        self._seconds = seconds
        self._make_error = make_error
        self._before: Any = None
        self._unraisable = sys.unraisablehook
        self._active = False

    def __enter__(self) -> None:
        """Start the timer."""
        try:
            self._before = signal.signal(signal.SIGPROF, self._expire)
        except (ValueError, AttributeError):  # not the main thread, or Windows
            return
        self._active = True
        self._unraisable = sys.unraisablehook
        sys.unraisablehook = self._report_unraisable
        # Periodic: Python drops an exception that is raised while it runs a destructor.
        signal.setitimer(signal.ITIMER_PROF, self._seconds, INTERVAL)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the timer, and raise the error if it has expired."""
        self._active = False
        if self._before is not None:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, self._before)
            sys.unraisablehook = self._unraisable
        if kind is _Expired:
            raise self._make_error() from error

    def _report_unraisable(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Report an exception that Python could not raise; this limit's own is raised again by the next signal."""
        if unraisable.exc_type is not _Expired:
            self._unraisable(unraisable)

    def _expire(self, _number: int, _frame: FrameType | None) -> None:
        if self._active:
            raise _Expired


class memory_limit:  # noqa: N801 - as above
    """Raise MemoryError if the block allocates more than `limit` bytes.

    The block is not limited if the kernel does not report the size of the process, if a lower limit is set already, or
    on Windows.
    """

    def __init__(self, limit: int) -> None:
        """Keep the limit."""
        self._limit = limit
        self._before: tuple[int, int] | None = None

    def __enter__(self) -> None:
        """Lower the limit of the process."""
        try:
            import resource  # only if something is compiled

            with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib is slow to import
                limit = int(file.read().split()[0]) * resource.getpagesize() + self._limit
        except (ImportError, OSError, ValueError):
            return
        before = resource.getrlimit(resource.RLIMIT_AS)
        if all(bound == resource.RLIM_INFINITY or bound > limit for bound in before):
            resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
            self._before = before

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the limit."""
        if self._before is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_AS, self._before)
