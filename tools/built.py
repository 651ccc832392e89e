"""Files that the program reads and the repository lacks: `python -m tools.built` writes them into the checkout.

The build hook does so for a wheel and for an editable install, `make` whenever a source is newer.
"""

from __future__ import annotations

from pathlib import Path

from tools.grammar import grammar
from tools.program import program
from tools.root_help import root_help

CHECKOUT = Path(__file__).resolve().parents[1]

GRAMMAR = "projects_cli/cli/completion/commands.tsv"
ROOT_HELP = "projects_cli/cli/root_help.py"


def built() -> dict[str, str]:
    """Return the text of each of these files, by its path in the checkout."""
    return {path: tidy(text) for path, text in ((GRAMMAR, grammar(program())), (ROOT_HELP, root_help()))}


def tidy(text: str) -> str:
    """Return a text without spaces at the ends of its lines, and with one line break at its end."""
    return "\n".join(map(str.rstrip, text.splitlines())) + "\n"


def write(checkout: Path, texts: dict[str, str]) -> None:
    """Write texts to their paths in a checkout."""
    for path, text in texts.items():
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_bytes(text.encode())


if __name__ == "__main__":
    write(CHECKOUT, built())
