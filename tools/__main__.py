"""Write every generated file, or report the stale ones: `python -m tools [--check]`.

`make docs` writes the files, `make lint` checks them.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tools import built
from tools.pages import command_pages, doctor_page, options_page
from tools.program import program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COMMANDS = "docs/commands"


def generated() -> dict[str, str]:
    """Return the text of every generated file, by its path in the checkout."""
    texts = {
        **{f"{COMMANDS}/{name}": text for name, text in command_pages(program()).items()},
        "docs/doctor.md": doctor_page(),
        "docs/options.md": options_page(),
    }
    return {path: built.tidy(text) for path, text in texts.items()} | built.built()


def stale(checkout: Path) -> list[str]:
    """Return the paths of files that are missing, out of date or left over."""
    fresh = generated()
    old = [path for path, text in fresh.items() if _content(checkout / path) != text.encode()]
    return sorted([*old, *_left_over(checkout, fresh)])


def write(checkout: Path) -> None:
    """Write all files, and remove the left-over ones."""
    fresh = generated()
    built.write(checkout, fresh)
    for path in _left_over(checkout, fresh):
        (checkout / path).unlink()


def _left_over(checkout: Path, fresh: dict[str, str]) -> list[str]:
    """Return the pages of commands that no longer exist."""
    pages = (str(path.relative_to(checkout)) for path in (checkout / COMMANDS).glob("*"))
    return [page for page in pages if page not in fresh]


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def main(arguments: Sequence[str], checkout: Path = built.CHECKOUT) -> int:
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
