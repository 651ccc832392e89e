"""The program as a process of its own: in a pipe, and at a pseudo-terminal at which a user answers."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.worlds.site import USER, Site

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[1]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
TIMEOUT = 30.0
PROGRAM = (sys.executable, "-m", "projects_cli")
QUESTION = r"(\[y/N\]|to continue:|\.uri:) $"
"""What a question ends with."""


def environment_of(site: Site | None, **variables: str) -> dict[str, str]:
    known = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    if site is not None:
        known |= {"PROJECTS_MONGO_URI": site.server.uri, "PROJECTS_DATABASE": site.name, "PROJECTS_USER": USER}
    return known | variables


def run(site: Site | None, *arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    environment = environment_of(site, **variables)
    return subprocess.run(
        [*PROGRAM, *arguments], env=environment, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )


def start(site: Site | None, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    environment = environment_of(site, **variables)
    return subprocess.Popen([*PROGRAM, *arguments], env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def take_terminal() -> None:
    """Make standard input the terminal that controls this process."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Seen(NamedTuple):
    """What a person saw, and how the program ended."""

    status: int
    text: str

    @property
    def plain(self) -> str:
        """The text without its colours."""
        return COLOUR.sub("", self.text)


def on_terminal(
    site: Site | None,
    *arguments: str,
    columns: int = 80,
    lines: int = 50,
    answer: str | None = None,
    keys: Sequence[tuple[str, str]] = (),
    controlling: bool = False,
    program: Sequence[str] = PROGRAM,
    **variables: str,
) -> Seen:
    """Run the program on a pseudo terminal; an answer is typed once something was asked.

    If the terminal is the `controlling` one, Ctrl-C among the keys is a signal.
    `keys` are typed one after the other, each once what was written since ends with, or has, its pattern.
    """
    mine, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    environment = environment_of(site, **{"TERM": "xterm-256color", "PAGER": "cat", **variables})
    process = subprocess.Popen(
        [*program, *arguments],
        env=environment,
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=controlling,
        preexec_fn=take_terminal if controlling else None,  # noqa: PLW1509 - no thread of the tests holds a lock
    )
    os.close(its)
    waiting = [*keys, *([] if answer is None else [(QUESTION, f"{answer}\n")])]
    seen, read = b"", 0
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline and (chunk := _chunk(mine, deadline)):
        seen += chunk
        if waiting and re.search(waiting[0][0].encode(), seen[read:]):
            read = len(seen)
            # Python drops no signal, but one that comes just before a blocking read is handled after it only.
            time.sleep(0.3 if waiting[0][1] == "\x03" else 0)
            os.write(mine, waiting.pop(0)[1].encode())
    os.close(mine)
    return Seen(process.wait(timeout=TIMEOUT), seen.decode(errors="replace").replace("\r\n", "\n"))


def _chunk(terminal: int, deadline: float) -> bytes:
    ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
    with suppress(OSError):  # EIO: the other side is closed
        return os.read(terminal, 65536) if ready else b""
    return b""
