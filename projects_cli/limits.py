"""Limits on the processor time and the memory of work that a file or an expression of unknown origin controls."""

from __future__ import annotations

import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import Any


AGAIN = 0.05
"""Seconds of processor time between two signals, once the limit is reached."""


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
        self._unraisable = sys.unraisablehook
        self._active = False

    def __enter__(self) -> None:
        """Start the timer."""
        try:
            self._before = signal.signal(signal.SIGPROF, self._expire)
        except ValueError:  # not the main thread
            return
        self._active = True
        self._unraisable = sys.unraisablehook
        sys.unraisablehook = self._report_unraisable
        # Periodic: Python drops an exception that is raised while it runs a destructor.
        signal.setitimer(signal.ITIMER_PROF, self._seconds, AGAIN)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the timer, and raise the fault if it had expired."""
        self._active = False
        if self._before is not None:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, self._before)
            sys.unraisablehook = self._unraisable
        if kind is _Expired:
            raise self._fault() from error

    def _report_unraisable(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Report what Python could not raise, except this limit's own exception: the next signal raises it again."""
        if unraisable.exc_type is not _Expired:
            self._unraisable(unraisable)

    def _expire(self, _number: int, _frame: FrameType | None) -> None:
        if self._active:
            raise _Expired


class memory_limit:  # noqa: N801 - as above
    """Raise MemoryError if the block needs more than so many bytes beside what the process has.

    Where the kernel does not report the size of the process, or a lower limit is set already, the block is not limited.
    """

    def __init__(self, most: int) -> None:
        """Keep the limit."""
        self._most = most
        self._before: tuple[int, int] | None = None

    def __enter__(self) -> None:
        """Lower the limit of the process."""
        import resource  # only where something is compiled

        try:
            with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib is slow to import
                limit = int(file.read().split()[0]) * resource.getpagesize() + self._most
        except (OSError, ValueError):
            return
        before = resource.getrlimit(resource.RLIMIT_AS)
        if all(bound == resource.RLIM_INFINITY or bound > limit for bound in before):
            resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
            self._before = before

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the limit back."""
        if self._before is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_AS, self._before)
