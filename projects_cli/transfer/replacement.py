"""A file that takes the place of another one only when all of it is on the disk."""

from __future__ import annotations

import glob
import os
import tempfile
from contextlib import contextmanager
from errno import EINVAL
from pathlib import Path
from typing import IO, TYPE_CHECKING

from projects_cli import private_files

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_NAME = 100  # characters of the old file's name in that of the new one: a name has at most 255 bytes


@contextmanager
def replacement(path: str) -> Iterator[IO[bytes]]:
    """Yield a new file, readable by its owner only, that takes the place of `path` once the block succeeds.

    If the block fails, the old file stays. What killed processes left of their new files is removed first: nothing has
    them locked any more. A link is followed.

    Raises:
        OSError: the file can't be written, or `path` is not a regular file.
    """
    try:
        target = Path(os.path.realpath(path))
    except ValueError as error:  # a NUL, or text that no file system can hold
        raise OSError(EINVAL, "not a path", path) from error
    if target.exists() and not target.is_file():
        # A device such as /dev/null would be replaced by a file.
        raise OSError(EINVAL, "not a regular file", path)
    prefix = f".{target.name[:LONGEST_NAME]}{private_files.NEW}"
    for stale in target.parent.glob(f"{glob.escape(prefix)}*"):
        private_files.remove_unlocked(stale)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=prefix)  # mode 0600, whatever the umask is
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            private_files.lock(handle)
            yield file
            file.flush()
            os.fsync(handle)
            private_files.move_open(file, new, target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
