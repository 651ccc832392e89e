"""A terminal for these tests."""

from __future__ import annotations

import os
import pty
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


@pytest.fixture(scope="module")
def terminal() -> Iterator[TextIO]:
    """Provide a stream that is a terminal."""
    mine, its = pty.openpty()
    with os.fdopen(its, "w") as stream:
        yield stream
    os.close(mine)
