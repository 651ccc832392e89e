"""Ctrl-C and SIGTERM during a change: it stops between two steps, and reports how to continue."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Self

from projects_cli.errors import DatabaseTimeout, DatabaseUnavailable, Interrupted, TerminatedMidway

if TYPE_CHECKING:
    from types import FrameType, TracebackType

_ENDINGS = {signal.SIGINT: Interrupted, signal.SIGTERM: TerminatedMidway}


class Deferred:
    """Defers signals while a change is made; `check`, between two steps, delivers one.

    A second signal is delivered at once.
    """

    def __init__(self, operation: str) -> None:
        """`operation` is named in the message."""
        self._operation = operation
        self._came: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Start to defer signals, if this is the main thread of the process."""
        # Python delivers signals to no other thread, and refuses to set a handler in one.
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._hold) for number in _ENDINGS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Deliver signals again, and the one that came after the last step."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if isinstance(error, DatabaseUnavailable | DatabaseTimeout):
            error.hint = f"once the database is back, {self._how_to_continue}"
        if self._came is not None and kind is None:
            self._pass_on(self._came, None)

    def check(self) -> None:
        """Stop if a signal came.

        Raises:
            Interrupted: SIGINT came. TerminatedMidway: SIGTERM came.
        """
        if self._came is not None:
            raise _ENDINGS[signal.Signals(self._came)](
                f"operation {self._operation} was interrupted; the data are consistent",
                hint=self._how_to_continue,
            )

    @property
    def _how_to_continue(self) -> str:
        return f"finish it: projects resume {self._operation}; or undo it: projects undo {self._operation}"

    def _hold(self, number: int, frame: FrameType | None) -> None:
        if self._came is not None:
            self._pass_on(number, frame)
        self._came = number

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        handler = self._previous.get(number)
        if callable(handler):
            handler(number, frame)
