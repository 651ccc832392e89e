"""Interactive shells on a pseudo-terminal, for the tests of completion."""

from __future__ import annotations

import os
import select
import shlex
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.running import take_terminal

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def put_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the program a command, as the completion files call it."""
    folder.mkdir()
    program = folder / "projects"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m projects_cli "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


class Terminal:
    """An interactive shell on a pseudo-terminal, which reports to the file `log`.

    The setup binds Ctrl-X d to "clear the line and report `done`". The shell stays in its line editor, so the terminal
    itself never interprets a key.
    """

    def __init__(self, command: list[str], folder: Path, setup: str) -> None:
        self.name = command[0]
        self.log = folder / "log"
        self.master, follower = os.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200", "LINES": "900", "PS1": "> "}
        self.process = subprocess.Popen(
            command,
            stdin=follower,
            stdout=follower,
            stderr=follower,
            cwd=folder,
            env=environment,
            start_new_session=True,
            preexec_fn=take_terminal,  # noqa: PLW1509 - no thread of the tests holds a lock that it needs
        )
        os.close(follower)
        (folder / "setup").write_text(setup)
        self.press("source ./setup\n")

    def press(self, keys: str) -> list[str]:
        """Press keys, wait until the shell reports that it is done, and return the lines that it reported."""
        self.log.write_text("")
        os.write(self.master, f"{keys}\x18d".encode())
        end = time.monotonic() + 20
        while not self.log.read_text().endswith("done\n"):
            assert time.monotonic() < end, "the shell does not respond"
            if select.select([self.master], [], [], 0.02)[0]:
                os.read(self.master, 65536)
        return self.log.read_text().split("\n")[:-2]

    def close(self) -> None:
        """End the shell."""
        self.process.kill()
        self.process.wait()
        os.close(self.master)
