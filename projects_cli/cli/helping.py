"""What the help of a command is made of: a line that says it all, examples, then the rest."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

OPTIONS = "Options"
GLOBAL = "Global options"
"""The headings of options that no other group claims, and of those that every command understands."""

EXAMPLE = "Example: "
"""What a line of a command's text begins with that is an example."""


@dataclass(frozen=True, slots=True)
class HelpText:
    """The text of a command: its first paragraph, the other ones, and command lines to copy."""

    summary: str = ""
    paragraphs: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


def help_text(text: str | None) -> HelpText:
    """Read the text of a command: paragraphs, and lines that begin with `Example: `."""
    lines = inspect.cleandoc(text or "").partition("\f")[0].splitlines()
    examples = tuple(line.removeprefix(EXAMPLE) for line in lines if line.startswith(EXAMPLE))
    rest = _paragraphs([line for line in lines if not line.startswith(EXAMPLE)])
    return HelpText(rest[0] if rest else "", tuple(rest[1:]), examples)


def _paragraphs(lines: Sequence[str]) -> list[str]:
    blocks = "\n".join(lines).split("\n\n")
    return [" ".join(block.split()) for block in blocks if block.strip()]
