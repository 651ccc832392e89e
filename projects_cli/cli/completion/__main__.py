"""The completion files of four shells, generated from the live commands: `python -m projects_cli.cli.completion`.

The files hold static words only, so that TAB never starts the program. A developer's tool: `make completions` writes
them, `make lint` asks with `--check` whether they are fresh.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from projects_cli.cli.completion.bash import bash
from projects_cli.cli.completion.fish import fish
from projects_cli.cli.completion.powershell import powershell
from projects_cli.cli.completion.program import Program, program
from projects_cli.cli.completion.zsh import zsh

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FOLDER = Path(__file__).resolve().parents[3] / "completions"

SHELLS: dict[str, Callable[[Program], str]] = {
    "projects.bash": bash,
    "_projects": zsh,
    "projects.fish": fish,
    "projects.ps1": powershell,
}


def generated() -> dict[str, str]:
    """Give the text of each file, by its name."""
    live = program()
    return {name: "\n".join(map(str.rstrip, make(live).splitlines())) + "\n" for name, make in SHELLS.items()}


def stale(folder: Path) -> list[str]:
    """Name the files of a folder that are missing or not what the commands say now."""
    paths = {name: folder / name for name in SHELLS}
    texts = {name: path.read_text("utf-8") if path.is_file() else None for name, path in paths.items()}
    return [name for name, text in generated().items() if texts[name] != text]


def write(folder: Path) -> None:
    """Write the files anew."""
    folder.mkdir(exist_ok=True)
    for name, text in generated().items():
        (folder / name).write_text(text, "utf-8")


def main(arguments: Sequence[str], folder: Path = FOLDER) -> int:
    """Write the files, or with `--check` only say which are stale; gives the exit status."""
    if list(arguments) != ["--check"]:
        write(folder)
        return 0
    old = stale(folder)
    if old:
        sys.stdout.write(f"stale in {folder.name}/: {', '.join(old)}; run: make completions\n")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
