"""Files that must belong to the user: those with settings, and those with a URI.

A file is read only if it belongs to the user or to root: a file of another user must not redirect a change. Links are
followed, since settings may be kept elsewhere; owner and mode are those of the file behind them.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from projects_cli.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = 1 << 20
"""Bytes of a file of settings, or of a URI file; a longer one is none."""


class OwnedFile(NamedTuple):
    """A file as it was read: content, mode, owner, and whether its mount is read-only."""

    content: bytes
    mode: int
    owner: int
    is_on_read_only_mount: bool


def read(path: Path) -> OwnedFile:
    """Read a file that belongs to the user or to root; all that is returned is of the same open file.

    Raises:
        ConfigError: it can't be read, or another user could have written it.
    """
    try:
        with path.open("rb") as stream:
            found = os.fstat(stream.fileno())
            is_read_only = bool(os.fstatvfs(stream.fileno()).f_flag & os.ST_RDONLY)
            text = stream.read(LONGEST + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    if found.st_uid not in {os.geteuid(), 0}:
        raise ConfigError(
            f"{path} belongs to another user (uid {found.st_uid})",
            hint=f"make it your own: chown {os.geteuid()} {path}; or use flags or variables instead",
        )
    if stat.S_ISREG(found.st_mode) and found.st_mode & 0o022 and not is_read_only:
        others = "everybody" if found.st_mode & 0o002 else f"its group (gid {found.st_gid})"
        raise ConfigError(f"{path} can be written by {others}", hint=f"chmod go-w {path}")
    if len(text) > LONGEST:
        raise ConfigError(f"{path} is too long for a file of settings: over {LONGEST} bytes")
    return OwnedFile(text, found.st_mode, found.st_uid, is_read_only)


def check_private(path: Path, file: OwnedFile, *other_ways: str) -> str | None:
    """Check that only its owner can read a file that holds a URI; return a warning if only its mount protects it.

    An orchestrator mounts a secret read-only, with mode 0444 or 0440: nobody in the container can change that.
    `other_ways` are for the hint.

    Raises:
        ConfigError: others can read it, and it could be made private.
    """
    if not file.mode & 0o077:
        return None
    mode = f"{file.mode & 0o777:04o}"
    if file.is_on_read_only_mount:
        return f"{path} holds a URI and can be read by others (mode {mode}, on a read-only mount)"
    ways = [f"chmod 600 {path}"] if os.geteuid() in {file.owner, 0} else []
    raise ConfigError(f"{path} holds a URI and can be read by others", hint="; ".join([*ways, *other_ways]))
