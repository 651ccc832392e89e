"""The log: the messages of a run as JSON lines in a file (`--log-file`)."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Literal

from projects_cli.errors import UsageError
from projects_cli.private_files import INHERITED_BY_NONE
from projects_cli.render.encode import dumps

Level = Literal["info", "warning", "error"]

MODE = 0o600
"""The mode of a new log: messages name projects, and commands are in it."""


class Log:
    """A file to which `{time, run, level, message}` are appended, one a line."""

    def __init__(self, path: str, run: str) -> None:
        """Open the file; `run` is the id that the operations of this invocation have in the journal.

        Raises:
            UsageError: it can't be opened.
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | INHERITED_BY_NONE | getattr(os, "O_NOCTTY", 0)
        try:
            self._descriptor = os.open(path, flags, MODE)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(f"cannot open the log {path!r}: {reason}") from error
        self.run = run

    def write(self, level: Level, message: str) -> bool:
        """Append a line. Return whether that succeeded: a full disk must not end a change in the middle."""
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = dumps({"time": time, "run": self.run, "level": level, "message": message})
        try:
            # In one call, so that lines of other runs that append to the same file are not mixed in.
            os.write(self._descriptor, f"{line}\n".encode())
        except OSError:
            return False
        return True
