"""Cells of a table on a terminal: texts folded to a width, and lists that are cut between two items."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len, split_graphemes

from projects_cli.render import colours

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
"""Letters of scripts that are written from right to left."""

LEFT_TO_RIGHT_MARK = "\u200e"
"""Has no width. Without it a terminal draws the column behind right-to-left text as a part of that text."""

FLAG = re.compile("([\U0001f1e6-\U0001f1ff]{2})")
"""Two regional indicators make one flag; Rich takes them for two characters."""

PIECES = re.compile("\\s+|[^\\s/]*/+|[^\\s/]+")


class Items(str):  # noqa: SLOT000 - a text can't have slots
    """A list of texts as one text, which can be cut between them."""

    items: Sequence[str]

    @classmethod
    def of(cls, items: Sequence[str]) -> Items:
        """Return the text of a list."""
        text = cls(", ".join(items))
        text.items = items
        return text

    def cut(self, width: int) -> str:
        """Return the first items that fit, and an ellipsis."""
        shown = ""
        for item in self.items:
            longer = f"{shown}{item}, "
            if width_of(longer) + 1 > width:
                break
            shown = longer
        return f"{shown}…"


class Cell(NamedTuple):
    """Lines of text, each of at most `width` cells, in a style of `colours`; `right` aligns them to the right."""

    lines: Sequence[str]
    width: int
    style: str = ""
    right: bool = False


def cell_of(text: str, field: str, width: int, *, indent: str = "") -> Cell:
    """Return a cell of a field, folded to the width of its column."""
    if isinstance(text, Items) and width_of(text) > width:
        text = text.cut(width)
    # ASCII text, the usual case, takes as many cells as characters.
    # An address is left to the terminal to wrap: it is a link as a whole.
    fits = width_of(text) + len(indent) <= width or field == "web"
    lines = [text.rstrip()] if fits else folded(text, width - len(indent))
    if not text.isascii():
        lines = [line + LEFT_TO_RIGHT_MARK if RIGHT_TO_LEFT.search(line) else line for line in lines]
    return Cell([indent + line for line in lines], width, colours.style_of(field, text))


def folded(text: str, width: int) -> list[str]:
    """Fold a text at spaces, else behind a slash, else inside a word that does not fit a line of its own."""
    lines, room = [""], width
    for piece in PIECES.findall(text):
        for part in (piece,) if width_of(piece) <= width else _characters(piece):
            # A part that does not fit a line of its own is put on one all the same: nothing is lost.
            if room < width_of(part) and lines[-1]:
                lines.append("")
                room = width
                if part.isspace():
                    continue
            lines[-1] += part
            room -= width_of(part)
    return [line.rstrip() for line in lines]


def _characters(text: str) -> Iterator[str]:
    """Yield the characters of a text as users see them, each with its joiners and marks, flags whole."""
    for position, part in enumerate(FLAG.split(text)):
        if position % 2:
            yield part
        else:
            yield from (part[start:end] for start, end, _ in split_graphemes(part)[0])


def width_of(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    return len(text) if text.isascii() else cell_len(text)
