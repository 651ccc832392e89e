"""The pager: what is longer than the screen goes through one, where a person looks at it."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from contextlib import contextmanager, suppress
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projects_cli.render.console import Console


MOVES = re.compile("\x1b\\[[0-9]+G")
"""Orders to go to a column: pagers pass colours through, and nothing else."""


def through_pager(pages: Iterator[str], console: Console) -> None:
    """Write the pages to standard output, through a pager once they are longer than the screen."""
    out = console.streams.stdout
    height = console.size()[1]
    head: list[str] = []
    for page in pages:
        head.append(page)
        if sum(text.count("\n") for text in head) >= height:
            break
    else:
        out.write("".join(head))
        return
    command = pager_command(console)
    if not command:
        for page in chain(head, pages):
            out.write(page)
        return
    _page(command, chain(head, pages), console)


def pager_command(console: Console) -> list[str]:
    """Give the pager's command: PROJECTS_PAGER, else PAGER, else less; none with `--no-pager`, empty or `cat`."""
    environment = console.streams.environment
    command = environment.get("PROJECTS_PAGER", environment.get("PAGER", "less"))
    if not console.pager or environment.get("TERM") == "dumb":
        return []
    try:
        return [] if command.strip() in {"", "cat"} else shlex.split(command)
    except ValueError:  # unbalanced quotes
        return []


def _page(command: list[str], pages: Iterator[str], console: Console) -> None:
    """Feed a pager; a person who leaves it early has seen enough."""
    out = console.streams.stdout
    out.flush()
    environment = {"LESS": "FRX", **os.environ}
    try:
        pager = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, encoding=out.encoding, errors="backslashreplace", env=environment
        )
    except OSError:
        for page in pages:
            out.write(page)
        return
    with _interrupts_left_to_the_pager(), suppress(BrokenPipeError), pager:
        for page in pages:
            if pager.stdin:
                pager.stdin.write(MOVES.sub("", page))


@contextmanager
def _interrupts_left_to_the_pager() -> Iterator[None]:
    """Let Ctrl-C mean what it means in the pager: leaving first would leave it with a terminal in disorder."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
