"""Files that must be the person's own: those with settings, and those with a URI.

A file is read only where it is the person's, or root's: somebody else's must not redirect a change. Links are
followed, as those who keep their settings elsewhere want it; what is looked at is the file behind them.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from projects_cli.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = 1 << 20
"""Bytes of a file of settings, or of a URI file; a longer one is none."""


def read(path: Path) -> tuple[bytes, int]:
    """Give a file's content and mode, both of the same open file.

    Raises:
        ConfigError: it can't be read, or somebody else could have written it.
    """
    try:
        with path.open("rb") as stream:
            found = os.fstat(stream.fileno())
            text = stream.read(LONGEST + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    if found.st_uid not in {os.geteuid(), 0}:
        raise ConfigError(
            f"{path} belongs to another user (uid {found.st_uid})",
            hint=f"make it your own: chown {os.geteuid()} {path}; or say by flag or variable what it says",
        )
    if stat.S_ISREG(found.st_mode) and found.st_mode & 0o002:
        raise ConfigError(f"{path} can be written by everybody", hint=f"chmod o-w {path}")
    if len(text) > LONGEST:
        raise ConfigError(f"{path} is too long for a file of settings: over {LONGEST} bytes")
    return text, found.st_mode


def check_private(path: Path, mode: int) -> None:
    """Refuse a file with a URI that anybody else can read.

    Raises:
        ConfigError: somebody can.
    """
    if mode & 0o077:
        raise ConfigError(f"{path} holds a URI and can be read by others", hint=f"chmod 600 {path}")
