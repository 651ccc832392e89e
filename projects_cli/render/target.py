"""Files that a command writes its answer to because the user named them; `-` is standard output."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from projects_cli import private_files
from projects_cli.errors import UsageError, unwritable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projects_cli.render.streams import Streams

STDOUT = "-"


def check(paths: Sequence[str], *, clobber: bool) -> None:
    """Check before anything is read that the files can be written; `clobber` allows to overwrite existing ones.

    Raises:
        UsageError: a file exists, a path is a folder or in none, or two of them are the same.
    """
    for path in paths:
        if paths.count(path) > 1:
            raise UsageError(f"two outputs can't be written to {path!r}")
        if path == STDOUT:
            continue
        file = Path(path)
        try:
            folder = file.resolve().parent
        except ValueError:  # a NUL, or text that no file system can hold
            raise UsageError(f"cannot write {path!r}: not a path") from None
        if file.is_dir():
            raise UsageError(f"{path!r} is a folder", hint="name a file in it")
        if not folder.is_dir():
            raise UsageError(f"cannot write {path!r}: its folder does not exist")
        # A pipe or a device, such as /dev/stdout, is there to be written to.
        if file.is_file() and not clobber:
            raise UsageError(f"{path!r} exists already", hint="--clobber overwrites it")


def write(path: str, content: str, streams: Streams) -> int:
    """Write a file in one step, so that no reader sees half of it, and return its size in bytes.

    An existing file keeps its mode, and a link its place.

    Raises:
        ProjectsError: it can't be written (see `errors.unwritable`); an existing file is as it was.
    """
    data = content.encode("utf-8", "backslashreplace")
    if path == STDOUT:
        streams.data.write(content)
        return len(data)
    target = Path(path).resolve()
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
        else:
            private_files.replace(target, data, _mode(target))
    except OSError as error:
        raise unwritable(path, error) from error
    return len(data)


def _mode(path: Path) -> int:
    """Return the mode of an existing file, or the one that the umask gives to a new file."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        umask = os.umask(0o077)  # it can be read only by setting it
        os.umask(umask)
        return 0o666 & ~umask
