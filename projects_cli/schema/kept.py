"""Files in the person's cache folder, which nobody else may have written: the folder, who owns it, how they change.

A TAB comes this way too: nothing is imported that the interpreter has not loaded anyway.
"""

# ruff: noqa: PTH105, PTH108, PTH111, PTH116, PTH117, PTH118, PTH120, PTH123
# No pathlib, as in cache.py.

from __future__ import annotations

import os
import stat
from errno import EINVAL, EISDIR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

APPLICATION = "projects-cli"

NEW = ".new-"
"""What the name of a file begins with while it is written."""


def default_cache_dir() -> str:
    """This user's cache folder for this program; nothing is made here."""
    return os.path.join(xdg_folder(os.environ, "XDG_CACHE_HOME", ".cache"), APPLICATION)


def xdg_folder(environment: Mapping[str, str], variable: str, below: str) -> str:
    """A folder of the XDG standard: what its variable says, else one below the person's own.

    A relative one is to be ignored, says the standard. `config.settings` has the same as a `Path`, which is too slow
    to import here; a test holds the two together.
    """
    chosen = environment.get(variable, "")
    own = environment.get("HOME") or "~"
    return chosen if os.path.isabs(chosen) else os.path.join(os.path.expanduser(own), below)


def sha256(data: bytes = b"") -> Any:
    """A SHA-256 object; the module hashlib takes half as long to import as Python to start."""
    for name in ("_sha256", "_sha2"):  # 3.11; since 3.12
        try:
            return __import__(name).sha256(data)
        except ImportError:
            continue
    import hashlib  # where neither is there

    return hashlib.sha256(data)


def read_regular(path: str, most: int) -> bytes:
    """Return at most `most` bytes of a regular file.

    A schema may include any path: a pipe would block for ever, and opening a device can have effects of its own. So the
    kind is looked at before the file is opened, and again afterwards.

    Raises:
        OSError: it can't be read, or is not a regular file.
        ValueError: the path has a NUL.
    """
    _check_regular(path, os.stat(path))
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(handle, "rb") as file:
        _check_regular(path, os.fstat(handle))
        return file.read(most) or b""  # None: some files of /proc have nothing to read yet


def _check_regular(path: str, information: os.stat_result) -> None:
    if stat.S_ISDIR(information.st_mode):
        raise IsADirectoryError(EISDIR, "Is a directory", path)
    if not stat.S_ISREG(information.st_mode):
        raise OSError(EINVAL, "not a regular file", path)


def is_private(information: os.stat_result) -> bool:
    """Whether nobody but this user may write there."""
    return information.st_uid == os.geteuid() and not information.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def replace(path: str, content: bytes) -> None:
    """Write beside the file and put it in place in one step, so that no reader ever sees half of it."""
    import tempfile  # only where something is written

    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=NEW)  # for this user alone: 0600
    try:
        with open(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
