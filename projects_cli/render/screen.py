"""A whole screen that is redrawn in place, for `--watch`; the terminal is as before when it ends."""

from __future__ import annotations

import io
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from rich.console import Console as RichConsole
from rich.live import Live
from rich.text import Text

from projects_cli.render import humanize

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects_cli.render.console import Console


class Frame(io.TextIOWrapper):
    """What a command prints, which takes it for the terminal."""

    def __init__(self, terminal: TextIO) -> None:
        """Take the encoding of the terminal, by which the command chooses characters."""
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding=terminal.encoding, errors="backslashreplace")

    def isatty(self) -> bool:
        """Return that this is a terminal."""
        return True

    def text(self) -> str:
        """Return what was printed."""
        self.flush()
        return self.bytes.getvalue().decode(self.encoding)


def redraw(console: Console, run: Callable[[], object], command: str, seconds: float) -> None:
    """Run a command and show its output on the screen, again after `seconds`, until an exception ends it.

    What does not fit is cut. Messages are shown below the output; an error ends the loop and is the caller's to print.
    """
    streams = console.streams
    screen = RichConsole(
        file=streams.stdout,
        force_terminal=True,
        no_color=not streams.has_colour(streams.stdout),
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ=dict(streams.environment),
    )
    interval = f"{seconds:g}s" if seconds < 60 else humanize.duration(int(seconds))  # noqa: PLR2004 - a minute
    with Live(console=screen, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:
        while True:
            frame, messages = Frame(streams.stdout), io.StringIO()
            console.streams = streams._replace(stdout=frame, stderr=messages)
            try:
                run()
            finally:
                console.streams = streams
            now = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")[:19]
            shown = Text(no_wrap=True, overflow="crop")
            shown.append(f"{command}, every {interval}, {now}Z; Ctrl-C ends\n\n", style="dim")
            shown.append(Text.from_ansi(frame.text() + messages.getvalue()))
            live.update(shown, refresh=True)
            time.sleep(seconds)
