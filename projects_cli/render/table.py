"""Tables for a person at a terminal: as wide as the screen, ids whole, through the pager when they are long."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console as RichConsole
from rich.table import Table
from rich.text import Text

from projects_cli.render import colours, humane
from projects_cli.render.encode import cell, records, value_at
from projects_cli.render.pager import through_pager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from projects_cli.messages import Document, Response
    from projects_cli.render.console import Console
    from projects_cli.render.views import View

    Show = Callable[[Any, str], str]

CHUNK = 1000
"""Rows whose widths are measured together; a longer list goes on with the same widths."""

WHOLE = humane.TIMES | {"id", "parent", "pid", "versions", "endpoint", "state", "action", "collection"}
"""Columns that are never folded."""

GAP = 2
"""Spaces between columns."""

NARROWEST = 6
"""Cells that a column which may be folded keeps on the narrowest screen."""

LEAST = {"name": 24, "summary": 24, "meaning": 24}
"""The same, for columns that want more; with less, other columns are left out instead."""

NUMBERS = frozenset({"count", "fixable", "documents", "updated", "deleted", "disassociated_tasks"})

RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
"""Letters of scripts that are written from right to left."""

LEFT_TO_RIGHT_MARK = "\u200e"
"""Takes no room; behind text from right to left it keeps a terminal from drawing the next column into that text."""

Columns = Sequence[tuple[str, str]]
Cells = Sequence[Sequence[str]]


def write_table(response: Response, view: View, console: Console) -> None:
    """Write an answer as a table; an answer that is one record becomes a list of its fields."""
    columns = view.shown_columns(response.fields)
    rows = records(response, view)
    show = _shown_for(console)
    if view.rows is None and not view.values:
        pages: Iterator[str] = (_drawn(_sheet(record, columns, show, console.size()[0]), console) for record in rows)
    else:
        heading = console.heading and any(title for _, title in columns)
        pages = _pages(rows, columns, show, console, heading=heading)
    through_pager(pages, console)


# --- rows ---------------------------------------------------------------------------------------------------------


def _pages(rows: Iterator[Document], columns: Columns, show: Show, console: Console, *, heading: bool) -> Iterator[str]:
    """Draw the rows in chunks; the first has the headings, and sets the widths of all."""
    first = list(islice(rows, CHUNK))
    if not first:
        return
    screen = console.size()[0]
    columns, fits = _fitting(columns, _needed(_cells(first, columns, show), columns, heading=heading), screen)
    cells = _cells(first, columns, show)
    if not fits:
        yield _drawn(_stacked(columns, cells, screen), console)
        while chunk := list(islice(rows, CHUNK)):
            yield _drawn(_stacked(columns, _cells(chunk, columns, show), screen), console)
        return
    widths = _widths(_needed(cells, columns, heading=heading), columns, screen)
    yield _drawn(_table(columns, widths, cells, heading=heading), console, widths)
    while chunk := list(islice(rows, CHUNK)):
        yield _drawn(_table(columns, widths, _cells(chunk, columns, show), heading=False), console, widths)


def _cells(rows: Sequence[Document], columns: Columns, show: Show) -> list[list[str]]:
    return [[show(value_at(record, path), path) for path, _ in columns] for record in rows]


def _needed(cells: Cells, columns: Columns, *, heading: bool) -> list[int]:
    """Give the width that each column would have if the screen were wide enough."""
    return [
        max([cell_len(title) if heading else 0, *(cell_len(row[position]) for row in cells)])
        for position, (_, title) in enumerate(columns)
    ]


def _fitting(columns: Columns, needed: Sequence[int], screen: int) -> tuple[Columns, bool]:
    """Leave out columns that a narrow screen has no room for, the last first; name and id stay.

    Tells too whether what stays fits side by side.
    """
    least = [
        width if _is_whole(field) else min(width, LEAST.get(field, NARROWEST))
        for (field, _), width in zip(columns, needed, strict=True)
    ]
    kept = list(range(len(columns)))
    for position in reversed(range(len(columns))):
        if _across([least[one] for one in kept]) <= screen:
            break
        if position > 0 and columns[position][0] != "id":
            kept.remove(position)
    return [columns[position] for position in kept], _across([least[one] for one in kept]) <= screen


def _across(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _widths(needed: Sequence[int], columns: Columns, screen: int) -> list[int]:
    """Give each column's width: what must stay whole gets what it needs, the others share the rest of the screen."""
    widths = list(needed)
    flexible = [position for position, (field, _) in enumerate(columns) if not _is_whole(field)]
    spare = screen - _across(widths)
    while spare < 0 and any(widths[position] > NARROWEST for position in flexible):
        weighed = {position: widths[position] - LEAST.get(columns[position][0], NARROWEST) for position in flexible}
        widths[max(flexible, key=lambda position: weighed[position])] -= 1
        spare += 1
    return widths


def _is_whole(field: str) -> bool:
    return field in WHOLE or _is_number(field)


def _is_number(field: str) -> bool:
    return field in NUMBERS or (field.startswith("stats.") and field not in humane.TIMES)


def _table(columns: Columns, widths: Sequence[int], cells: Cells, *, heading: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), show_header=heading, header_style="bold")
    for (field, title), width in zip(columns, widths, strict=True):
        table.add_column(
            title, overflow="fold", justify="right" if _is_number(field) else "left", width=width, no_wrap=True
        )
    for row in cells:
        table.add_row(
            *(_cell(text, field, width) for text, (field, _), width in zip(row, columns, widths, strict=True))
        )
    return table


def _stacked(columns: Columns, cells: Cells, screen: int) -> Table:
    """Make the table of a screen that is too narrow for columns: a record's cells one below the other."""
    table = Table(box=None, pad_edge=False, padding=0, show_header=False)
    table.add_column(no_wrap=True)
    for row in cells:
        for position, (text, (field, _)) in enumerate(zip(row, columns, strict=True)):
            if text:
                table.add_row(_cell(text, field, max(screen, NARROWEST), indent="  " if position else ""))
    return table


# --- one record ---------------------------------------------------------------------------------------------------


def _sheet(record: Document, columns: Columns, show: Show, screen: int) -> Table:
    """Make the table of one record: a field a line, the empty ones left out."""
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    lines = [(title.lower().replace("_", " "), path, value_at(record, path)) for path, title in columns]
    lines = [line for line in lines if line[2] not in (None, [], "")]
    room = screen - GAP - max((cell_len(label) for label, _, _ in lines), default=0)
    for label, path, value in lines:
        table.add_row(_cell(label, "id", screen), _cell(show(value, path), path, max(room, NARROWEST)))
    return table


# --- cells --------------------------------------------------------------------------------------------------------


def _shown_for(console: Console) -> Show:
    """Give how a value becomes text for people: times and durations in their form, the rest as elsewhere."""
    form, now = console.times or "relative", console.clock()

    def show(value: Any, path: str) -> str:
        if path in humane.TIMES:
            return cell(humane.time(value, form=form, now=now))
        if isinstance(value, int) and not isinstance(value, bool):
            if path in humane.DURATIONS:
                return humane.duration(value)
            if path in humane.SIZES:
                return humane.size(value)
        return cell(value)

    return show


def _cell(text: str, field: str, width: int, *, indent: str = "") -> Text:
    """Give a cell in its style, folded to its width, so that what stands beside it stays where it is."""
    if not text.isascii() or len(text) + len(indent) > width:
        text = _folded(text, width, indent)
    return Text(indent + text, _styled(colours.style_of(field, text)))


def _folded(text: str, width: int, indent: str) -> str:
    """Fold a text between words, else between what a person takes for one character."""
    lines = [text]
    if cell_len(text) + len(indent) > width:
        import wcwidth  # needed only where something is folded: Rich breaks flags in two

        lines = wcwidth.wrap(text, width - len(indent), control_codes="ignore", break_on_hyphens=False) or [""]
    if RIGHT_TO_LEFT.search(text):
        lines = [line + LEFT_TO_RIGHT_MARK if RIGHT_TO_LEFT.search(line) else line for line in lines]
    return f"\n{indent}".join(lines)


def _styled(name: str) -> str:
    return f"color({colours.COLOURS[name][0]})" if name in colours.COLOURS else name


# --- drawing ------------------------------------------------------------------------------------------------------


def _rich(console: Console, stream: io.StringIO) -> RichConsole:
    coloured = console.has_colour(console.streams.stdout)
    system = "256" if colours.has_256(console.streams.environment) else "standard"
    return RichConsole(
        file=stream,
        width=console.size()[0],
        force_terminal=coloured,
        color_system=system if coloured else None,  # type: ignore[arg-type] # one of the literals it wants
        no_color=not coloured,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )


def _drawn(table: Table, console: Console, widths: Sequence[int] = ()) -> str:
    """Draw a table, wider than the screen rather than cut where even the least does not fit."""
    stream = io.StringIO()
    rich = _rich(console, stream)
    rich.width = max(rich.width, sum(widths) + GAP * len(widths))
    rich.print(table)
    return "".join(line.rstrip() + "\n" for line in stream.getvalue().splitlines())
