"""Going on after a fault that passes: a connection that broke, a replica set that elects another primary.

The driver itself repeats single reads and writes. What it can't repeat, a write of many documents or a cursor, is
repeated here, by those who know that repeating it does no harm.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from projects_cli.errors import ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

SHORTEST = 0.1
LONGEST = 2.0
"""Seconds between two tries; the pauses double in between."""


def persistently(
    work: Callable[[], Result], limit: float, *, before_again: Callable[[], object] | None = None
) -> Result:
    """Do something that may be repeated until it works, for `limit` seconds after its first failure.

    `before_again` is done first in every repetition, and is repeated likewise.

    Raises:
        ConnectionLost: the fault did not pass. DatabaseUnavailable: nobody answers any longer.
    """
    try:
        return work()
    except ConnectionLost as error:
        last = error
    deadline = time.monotonic() + limit
    pause = SHORTEST
    while time.monotonic() < deadline:
        time.sleep(pause)
        pause = min(LONGEST, 2 * pause)
        try:
            if before_again is not None:
                before_again()
            return work()
        except ConnectionLost as error:
            last = error
    raise last
