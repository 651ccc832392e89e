"""The picture of a terminal in README.md: `python -m tools.terminal_picture [--check]`.

The commands are run on the sample in a private database, on a terminal of 80 columns. Their output does not depend on
the time, so the picture is stale exactly if the program shows something else.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHECKOUT = Path(__file__).resolve().parents[1]
PICTURE = "docs/images/terminal.svg"
COMMANDS = (
    "tree vision --stats",
    "top --limit 5",
    "delete vision/detection --force --dry-run",
)
COLUMNS, LINES = 80, 50
PROGRAM = (sys.executable, "-m", "projects_cli")


def shown(command: str, environment: Mapping[str, str]) -> str:
    """Return what a command shows on a terminal, with its colours and without its messages.

    Raises:
        CalledProcessError: the command failed.
    """
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    words = [*PROGRAM, *shlex.split(command)]
    with subprocess.Popen(words, stdin=child, stdout=child, stderr=subprocess.DEVNULL, env=environment) as process:
        os.close(child)
        output = b""
        try:
            while part := os.read(parent, 65536):
                output += part
        except OSError:  # Linux: the process has closed its end
            pass
        os.close(parent)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return output.decode().replace("\r\n", "\n")


def transcript() -> str:
    """Run all commands on the sample, and return them with their output.

    Raises:
        CalledProcessError: a command failed; its message is on standard error.
    """
    # A short path, because that of a socket is limited.
    with tempfile.TemporaryDirectory(prefix="pp-") as folder:
        kept = {name: os.environ[name] for name in ("PATH", "PROJECTS_MONGOD") if name in os.environ}
        environment = {**kept, "HOME": folder, "PROJECTS_LOCAL_DIR": f"{folder}/local", "PYTHONPATH": str(CHECKOUT)}
        environment |= {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PROJECTS_NO_PAGER": "1", "XDG_CACHE_HOME": folder}
        subprocess.run([*PROGRAM, "local", "sample", "--quiet"], check=True, env=environment, stdout=subprocess.DEVNULL)
        try:
            sessions = [f"\x1b[1;32m$\x1b[0m projects {line}\n{shown(line, environment)}" for line in COMMANDS]
        finally:
            subprocess.run([*PROGRAM, "local", "stop", "--quiet"], check=False, env=environment)
    return "\n".join(sessions)


def picture(text: str) -> str:
    """Return a terminal's output as an SVG that needs no font of another host."""
    from rich.console import Console
    from rich.text import Text

    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(Text.from_ansi(text), soft_wrap=True)
        svg = console.export_svg(title="projects", unique_id="terminal")
    # Rich's template loads a font. Any font of fixed width will do: each run of text has its length.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    # No line is longer than the screen, so none has to be clipped.
    svg = re.sub(r'<clipPath id="terminal-line-.*?</clipPath>\s*', "", svg, flags=re.DOTALL)
    svg = re.sub(r' clip-path="url\(#terminal-line-\d+\)"', "", svg)
    return re.sub(r"Fira Code", "ui-monospace, Menlo, DejaVu Sans Mono", svg) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the picture, or report with `--check` that it is stale."""
    file = CHECKOUT / PICTURE
    fresh = picture(transcript())
    if "--check" not in arguments:
        file.parent.mkdir(exist_ok=True)
        file.write_text(fresh, encoding="utf-8")
        return 0
    if file.is_file() and file.read_text(encoding="utf-8") == fresh:
        return 0
    sys.stdout.write(f"stale: {PICTURE}; run: make docs\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
