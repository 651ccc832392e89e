"""Locks of the kernel on whole files: whoever dies gives them back."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from projects_cli.errors import NoPrivateServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 90.0
"""Seconds to wait for another command that starts or stops the server; longer than either may take."""

_PAUSE = 0.01


def open_file(path: Path) -> int:
    """Open a file to lock it; made when it is not there, never through a link."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def take(handle: int, *, shared: bool = False, patience: float = 0.0) -> bool:
    """Lock an open file; false when others still hold it after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE)
        else:
            return True


@contextmanager
def held(path: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold a file's exclusive lock inside the block.

    Raises:
        NoPrivateServer: somebody else held it all the time.
    """
    handle = open_file(path)
    try:
        if not take(handle, patience=patience):
            raise NoPrivateServer(f"another command has been starting or stopping the server for {patience:.0f} s")
        yield
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Tell whether somebody holds a file's exclusive lock."""
    if not path.exists():
        return False
    handle = open_file(path)
    try:
        return not take(handle, shared=True)
    finally:
        os.close(handle)
