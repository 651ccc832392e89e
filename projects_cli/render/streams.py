"""The standard streams and the environment as one value, and what a terminal at them can display."""

from __future__ import annotations

import io
import os
import shutil
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TextIO

from projects_cli.private_files import POSIX

if TYPE_CHECKING:
    from collections.abc import Mapping


class Streams(NamedTuple):
    """The three streams and the environment, which tests replace; `colour` is false with `--no-color`."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    environment: Mapping[str, str]
    colour: bool = True

    @classmethod
    def of_process(cls) -> Streams:
        """Return the streams of this process, as they are now."""
        return cls(sys.stdin, sys.stdout, sys.stderr, os.environ)

    @property
    def data(self) -> TextIO:
        """Standard output for a machine-readable format: UTF-8, whatever the locale."""
        return in_utf8(self.stdout)

    @property
    def is_dumb(self) -> bool:
        """Whether the terminal understands no escape sequences; on Windows it has to name itself in TERM."""
        return self.environment.get("TERM", "" if POSIX else "dumb") == "dumb"

    def has_colour(self, stream: TextIO) -> bool:
        """Return whether to use colour: on a terminal that has it, unless NO_COLOR or --no-color is given."""
        # NO_COLOR is a convention of many programs: https://no-color.org.
        return self.colour and not self.environment.get("NO_COLOR") and not self.is_dumb and is_terminal(stream)

    def styled(self, text: str, style: str) -> str:
        """Return a text in a style, for standard error."""
        if not self.has_colour(self.stderr):
            return text
        from projects_cli.render.colours import painted

        return painted(text, style, self.environment)

    def check_open(self) -> None:
        """Raise if standard output is closed, so that nothing that is printed arrives anywhere.

        Raises:
            OSError: it is.
        """
        with suppress(ValueError, AttributeError):  # not a file, as in tests
            os.write(self.stdout.fileno(), b"")

    def size(self) -> tuple[int, int]:
        """Return the terminal's columns and lines."""
        # COLUMNS and LINES take precedence over the terminal's own answer.
        columns, lines = shutil.get_terminal_size()
        return columns, lines


def is_terminal(stream: TextIO) -> bool:
    """Return whether the stream is a terminal; a closed one is not."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def in_utf8(stream: TextIO) -> TextIO:
    """Return the stream, which encodes as UTF-8 from now on."""
    # Tests and callers may pass other kinds of streams, which have no encoding to change.
    if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() != "utf-8":
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    return stream
