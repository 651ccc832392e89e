"""The pager, for output that is longer than the screen."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from contextlib import contextmanager, suppress
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projects_cli.render.streams import Streams


def write_pages(pages: Iterator[str], streams: Streams, *, enabled: bool) -> None:
    """Write the pages to standard output, through a pager once they are longer than the screen."""
    height = streams.size()[1]
    head: list[str] = []
    lines = 0
    for page in pages:
        # Buffered until it is known whether the screen is enough: then there is no pager.
        head.append(page)
        lines += page.count("\n")
        if lines >= height:
            break
    pages = chain(head, pages)
    command = pager_command(streams) if enabled and lines >= height else []
    if not (command and _page(command, pages, streams)):
        for page in pages:
            streams.stdout.write(page)


def pager_command(streams: Streams) -> list[str]:
    """Return the pager's command: PROJECTS_PAGER, else PAGER, else less; empty if that is empty or `cat`."""
    command = streams.environment.get("PROJECTS_PAGER", streams.environment.get("PAGER", "less"))
    try:
        return [] if streams.is_dumb or command.strip() in {"", "cat"} else shlex.split(command)
    except ValueError:  # unbalanced quotes
        return []


def _page(command: list[str], pages: Iterator[str], streams: Streams) -> bool:
    """Write the pages to a pager; return whether it could be started."""
    streams.stdout.flush()
    # As git has it: quit if one screen is enough, keep colours, leave the text on the screen.
    environment = {"LESS": "FRX", **os.environ}
    encoding = streams.stdout.encoding
    try:
        pager = subprocess.Popen(  # noqa: S603 - the user's pager
            command, stdin=subprocess.PIPE, encoding=encoding, errors="backslashreplace", env=environment
        )
    except OSError:
        return False
    with interrupts_left_to_the_child(), suppress(BrokenPipeError), pager:  # the user may quit before the end
        for page in pages:
            if pager.stdin:
                pager.stdin.write(page)
    return True


@contextmanager
def interrupts_left_to_the_child() -> Iterator[None]:
    """Leave Ctrl-C to a pager or an editor: if this process ended first, the child could not restore the terminal."""
    try:
        # The child does not inherit a handler, as it would "ignore": Ctrl-C stays a key of an editor.
        before = signal.signal(signal.SIGINT, lambda *_: None)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
