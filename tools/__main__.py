"""Write every generated file, or report the stale ones: `python -m tools [--check]`.

`make docs` writes the files, `make lint` checks them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.grammar import grammar
from tools.pages import command_pages, doctor_page, options_page
from tools.program import program
from tools.root_help import root_help

if TYPE_CHECKING:
    from collections.abc import Sequence

CHECKOUT = Path(__file__).resolve().parents[1]

GRAMMAR = "projects_cli/cli/completion/commands.tsv"
COMMANDS = "docs/commands"


def generated() -> dict[str, str]:
    """Return the text of every generated file, by its path in the checkout."""
    live = program()
    texts = {
        **{f"{COMMANDS}/{name}": text for name, text in command_pages(live).items()},
        "docs/doctor.md": doctor_page(),
        "docs/options.md": options_page(),
        GRAMMAR: grammar(live),
        "projects_cli/cli/root_help.py": root_help(),
    }
    return {path: "\n".join(map(str.rstrip, text.splitlines())) + "\n" for path, text in texts.items()}


def stale(checkout: Path) -> list[str]:
    """Return the paths of files that are missing, out of date or left over."""
    fresh = generated()
    old = [path for path, text in fresh.items() if _content(checkout / path) != text.encode()]
    return sorted([*old, *_left_over(checkout, fresh)])


def write(checkout: Path) -> None:
    """Write all files, and remove the left-over ones."""
    fresh = generated()
    for path, text in fresh.items():
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_bytes(text.encode())
    for path in _left_over(checkout, fresh):
        (checkout / path).unlink()


def _left_over(checkout: Path, fresh: dict[str, str]) -> list[str]:
    """Return the pages of commands that no longer exist."""
    pages = (str(path.relative_to(checkout)) for path in (checkout / COMMANDS).glob("*"))
    return [page for page in pages if page not in fresh]


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def main(arguments: Sequence[str], checkout: Path = CHECKOUT) -> int:
    """Write the files, or with `--check` report the stale ones; return the exit status."""
    if list(arguments) != ["--check"]:
        write(checkout)
        return 0
    old = stale(checkout)
    if old:
        sys.stdout.write(f"stale: {', '.join(old)}; run: make docs\n")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
