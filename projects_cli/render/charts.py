"""Bar charts and spark lines: as wide as the screen, and in ASCII if the stream has no other characters."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.cells import cell_len
from rich.text import Text

from projects_cli.render import humanize
from projects_cli.render.cells import LEFT_TO_RIGHT_MARK, RIGHT_TO_LEFT
from projects_cli.render.colours import COLOURS
from projects_cli.render.encode import cell, value_at
from projects_cli.render.table import NUMBERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType

    from projects_cli.messages import Document
    from projects_cli.render.streams import Streams
    from projects_cli.render.table import Style

GAP = 2
"""Spaces between columns."""

NARROWEST_LABEL, USUAL_LABEL = 16, 26
"""Cells of the first column: at least, and those for which other columns are left out."""

NARROWEST_BAR, WIDEST_BAR = 8, 40
"""Cells of the longest bar."""

LEAST_SCREEN = 40

NAMELESS = "(none)"
"""The label of a record without a name and an id, such as the sum over tasks without a project."""

CYAN, GREY = (f"color({COLOURS[name][0]})" for name in ("cyan", "grey"))


class Marks(NamedTuple):
    """The characters of bars (a whole and a half cell) and of spark lines (nothing, then from low to high)."""

    whole: str
    half: str
    spark: str
    ellipsis: str


UNICODE = Marks("━", "╸", "·▁▂▃▄▅▆▇█", "…")
ASCII = Marks("=", "-", ".,:;+*oO#", "~")


def marks_of(streams: Streams) -> Marks:
    """Return the characters that the encoding of standard output has."""
    encoding = getattr(streams.stdout, "encoding", None) or "utf-8"
    return UNICODE if encoding.lower().startswith("utf") else ASCII


def bar(value: float, most: float, cells: int, marks: Marks = UNICODE) -> str:
    """Return a bar whose length is relative to the highest value; of half a cell at least, unless the value is 0."""
    if not (0 < value <= most):
        return ""
    halves = max(1, round(2 * cells * value / most))
    return marks.whole * (halves // 2) + marks.half * (halves % 2)


def spark_line(values: Sequence[int], marks: Marks = UNICODE) -> str:
    """Return a character for each value, relative to the highest; nothing has a character of its own."""
    most, levels = max(values, default=0), len(marks.spark) - 1
    return "".join(marks.spark[math.ceil(value * levels / most) if most else 0] for value in values)


def console_of(streams: Streams, width: int) -> Console:
    """Return Rich's console for standard output, which takes nothing from the process itself."""
    from rich.console import Console

    return Console(
        file=streams.stdout,
        width=width,
        force_terminal=streams.has_colour(streams.stdout),
        no_color=not streams.has_colour(streams.stdout),
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ=dict(streams.environment),
    )


def drawn(content: RenderableType, console: Console, *, wrap: bool = False) -> str:
    """Return something of Rich's as text; its lines are wrapped, or neither wrapped nor cut."""
    with console.capture() as capture:
        console.print(content, soft_wrap=not wrap)
    return capture.get()


def draw(
    records: Sequence[Document], columns: Sequence[tuple[str, str]], measured: str, streams: Streams, style: Style
) -> Iterator[str]:
    """Yield a line for each record: its columns, and a bar for the value of the measured one."""
    console = console_of(streams, max(streams.size()[0], LEAST_SCREEN))
    for line in chart(records, columns, measured, console.width, marks_of(streams), style):
        yield drawn(line, console)


def chart(
    records: Sequence[Document],
    columns: Sequence[tuple[str, str]],
    measured: str,
    width: int,
    marks: Marks,
    style: Style,
) -> list[Text]:
    """Return the lines of a chart of (field, heading) columns, none without records.

    On a narrow screen the last columns are left out.
    """
    if not records:
        return []
    rows = [[as_text(value_at(record, field), field, style) for field, _ in columns] for record in records]
    for row, record in zip(rows, records, strict=True):
        row[0] = row[0] or cell(record.get("id")) or NAMELESS
    titles = [title for _, title in columns] if style.heading else [""] * len(columns)
    needed = [max(map(cell_len, column)) for column in zip(titles, *rows, strict=True)]
    kept = list(range(len(columns)))
    room = width - min(needed[0], USUAL_LABEL) - GAP  # beside a name of the usual width
    while len(kept) > 1 and room - sum(needed[at] + GAP for at in kept[1:]) < NARROWEST_BAR:
        # Columns are in the order of their importance. The measured one stays: a bar without its value is a guess.
        droppable = [at for at in kept[1:] if columns[at][0] != measured]
        if not droppable:
            break
        kept.remove(droppable[-1])
    others = sum(needed[at] + GAP for at in kept[1:])
    # Names are cut before bars get shorter than half of the widest.
    label = min(needed[0], max(NARROWEST_LABEL, width - others - GAP - WIDEST_BAR // 2))
    cells = min(WIDEST_BAR, width - label - others - GAP)
    values = [magnitude(value_at(record, measured), style.now) for record in records]
    most = max(values, default=0)
    lines = []
    if style.heading:
        lines.append(_line([(titles[at], columns[at][0]) for at in kept], label, needed, kept, "", marks, bold=True))
    for row, value in zip(rows, values, strict=True):
        texts = [(row[at], columns[at][0]) for at in kept]
        lines.append(_line(texts, label, needed, kept, bar(value, most, cells, marks), marks, bold=False))
    return lines


def _line(
    texts: Sequence[tuple[str, str]],
    label: int,
    needed: Sequence[int],
    kept: Sequence[int],
    bar_text: str,
    marks: Marks,
    *,
    bold: bool,
) -> Text:
    line = Text(no_wrap=True)
    for number, ((text, field), at) in enumerate(zip(texts, kept, strict=True)):
        width = needed[at] if number else label
        shown = text if number else fitted(text, width, marks)
        padding = " " * max(0, width - cell_len(shown))
        style = "bold" if bold or not number else GREY if field in humanize.TIMES or text == "0" else ""
        line.append(" " * GAP * bool(number))
        right = field in NUMBERS
        line.append(padding * right)
        line.append(shown + LEFT_TO_RIGHT_MARK * bool(RIGHT_TO_LEFT.search(shown)), style=style)
        line.append(padding * (not right))
    if bar_text:
        line.append(" " * GAP)
        line.append(bar_text, style=CYAN)
    else:
        line.rstrip()
    return line


def fitted(text: str, width: int, marks: Marks) -> str:
    """Return a text of at most `width` cells: of a longer one the end, which distinguishes paths."""
    if cell_len(text) <= width:
        return text
    end = text[-width:]  # a character has no more than two cells, and some have none
    while cell_len(end) >= width:
        end = end[1:]
    return marks.ellipsis + end


def as_text(value: Any, field: str, style: Style) -> str:
    """Return a value of a field as text for reading."""
    if field in humanize.TIMES:
        return cell(humanize.time(value, form=style.times, now=style.now))
    if field in humanize.DURATIONS and isinstance(value, int):
        return humanize.duration(value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else cell(value)


def magnitude(value: Any, now: datetime) -> float:
    """Return a value as a length: a number itself, a time as the seconds that have passed since, anything else as 0."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value if math.isfinite(value) else 0
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (now - moment).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return 0
