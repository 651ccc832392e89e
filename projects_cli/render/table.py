"""Tables for a person at a terminal: as wide as the screen, ids whole, through the pager when they are long."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console as RichConsole
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from projects_cli.render.encode import cell, records, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projects_cli.messages import Document, Response
    from projects_cli.render.console import Console
    from projects_cli.render.views import View

CHUNK = 1000
"""Rows whose widths are measured together; a longer list goes on with the same widths."""

WHOLE = frozenset({"id", "parent", "pid", "versions", "created", "last_update", "stats.*.last_task_run"})
WHOLE |= {"started", "endpoint", "state", "action", "collection"}
"""Columns that are never folded."""

GAP = 2
"""Spaces between columns."""

NARROWEST = 6
"""Cells that a column which may be folded keeps on the narrowest screen."""

LEAST = {"name": 24, "summary": 24, "meaning": 24}
"""The same, for columns that want more; with less, other columns are left out instead."""

Columns = Sequence[tuple[str, str]]

NUMBERS = frozenset({"count", "fixable", "documents", "updated", "deleted", "disassociated_tasks"})
STYLES = {"id": "dim", "name": "bold", "endpoint": "bold", "tags": "cyan", "tag": "cyan", "created": "dim"}
STYLES |= {"last_update": "dim", "section": "cyan", "metric": "bold", "stats.*.status_count.failed": "red"}
STYLES |= {"stats.*.status_count.in_progress": "green", "stats.*.last_task_run": "dim", "kind": "dim"}
DATES = ("created", "last_update", "stats.*.last_task_run", "started", "finished", "last_used", "stops_at")
MINUTE = len("2024-01-09T08:00")
DURATIONS = ("stats.*.total_runtime",)


def write_table(response: Response, view: View, console: Console) -> None:
    """Write an answer as a table; an answer that is one record becomes a list of its fields."""
    columns = view.columns
    if response.fields is not None:
        columns = tuple((field, field.upper()) for field in response.fields)
    rows = records(response, view)
    if view.rows is None and not view.values:
        pages: Iterator[str] = (_drawn(_sheet(record, columns), console) for record in rows)
    else:
        pages = _pages(rows, columns, console)
    _through_pager(pages, console)


def _pages(rows: Iterator[Document], columns: Columns, console: Console) -> Iterator[str]:
    """Draw the rows in chunks; the first has the headings, and sets the widths of all."""
    first = list(islice(rows, CHUNK))
    if not first:
        return
    columns = _fitting(columns, _needed(_cells(first, columns), columns), console.size()[0])
    cells = _cells(first, columns)
    widths = _widths(_needed(cells, columns), columns, console.size()[0])
    yield _drawn(_table(columns, widths, cells, heading=True), console, widths)
    while chunk := list(islice(rows, CHUNK)):
        yield _drawn(_table(columns, widths, _cells(chunk, columns), heading=False), console, widths)


def _cells(rows: Sequence[Document], columns: Columns) -> list[list[str]]:
    return [[_short(value_at(record, path), path) for path, _ in columns] for record in rows]


def _needed(cells: Sequence[Sequence[str]], columns: Columns) -> list[int]:
    """Give the width that each column would have if the screen were wide enough."""
    return [
        max([cell_len(heading), *(cell_len(row[position]) for row in cells)])
        for position, (_, heading) in enumerate(columns)
    ]


def _fitting(columns: Columns, needed: Sequence[int], screen: int) -> Columns:
    """Leave out columns that a narrow screen has no room for, the last first; name and id stay."""
    least = [
        width if _is_whole(field) else min(width, LEAST.get(field, NARROWEST))
        for (field, _), width in zip(columns, needed, strict=True)
    ]
    kept = list(range(len(columns)))
    for position in reversed(range(len(columns))):
        if sum(least[one] + GAP for one in kept) - GAP <= screen:
            break
        if position > 0 and columns[position][0] != "id":
            kept.remove(position)
    return [columns[position] for position in kept]


def _widths(needed: Sequence[int], columns: Columns, screen: int) -> list[int]:
    """Give each column's width: what must stay whole gets what it needs, the others share the rest of the screen."""
    widths = list(needed)
    flexible = [position for position, (field, _) in enumerate(columns) if not _is_whole(field)]
    spare = screen - GAP * (len(columns) - 1) - sum(widths)
    while spare < 0 and any(widths[position] > NARROWEST for position in flexible):
        weighed = {position: widths[position] - LEAST.get(columns[position][0], NARROWEST) for position in flexible}
        widths[max(flexible, key=lambda position: weighed[position])] -= 1
        spare += 1
    return widths


def _is_whole(field: str) -> bool:
    return field in WHOLE or _is_number(field)


def _is_number(field: str) -> bool:
    return field in NUMBERS or (field.startswith("stats.") and field not in DATES)


def _table(columns: Columns, widths: Sequence[int], cells: Sequence[Sequence[str]], *, heading: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), show_header=heading, header_style="bold")
    for (field, title), width in zip(columns, widths, strict=True):
        table.add_column(
            title,
            style=STYLES.get(field, ""),
            overflow="fold",
            justify="right" if _is_number(field) else "left",
            width=width,
        )
    for row in cells:
        table.add_row(*map(Text, row))
    return table


def _sheet(record: Document, columns: Columns) -> Table:
    """Make the table of one record: a field a line, the empty ones left out."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for path, heading in columns:
        value = value_at(record, path)
        if value not in (None, [], ""):
            table.add_row(Text(heading.lower().replace("_", " ")), Text(_short(value, path), STYLES.get(path, "")))
    return table


def _short(value: Any, path: str) -> str:
    """Give a value for people: dates to the minute, seconds as hours and minutes."""
    if path in DATES and isinstance(value, str | datetime):
        return str(value)[:MINUTE].replace("T", " ")
    if path == "size" and isinstance(value, int):
        return decimal(value)
    if path in DURATIONS and isinstance(value, int):
        minutes, seconds = divmod(value, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{seconds:02}s" if minutes else f"{seconds}s"
    return cell(value)


def _rich(console: Console, stream: io.StringIO) -> RichConsole:
    coloured = console.has_colour(console.streams.stdout)
    return RichConsole(
        file=stream,
        width=console.size()[0],
        force_terminal=coloured,
        color_system="standard" if coloured else None,
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


def _through_pager(pages: Iterator[str], console: Console) -> None:
    """Write the pages to standard output, through a pager once they are longer than the screen."""
    out = console.streams.stdout
    height = console.size()[1]
    head: list[str] = []
    for page in pages:
        head.append(page)
        if sum(text.count("\n") for text in head) >= height:
            break
    else:
        out.write("".join(head))
        return
    command = pager_command(console)
    if not command:
        for page in chain(head, pages):
            out.write(page)
        return
    _page(command, chain(head, pages), console)


def pager_command(console: Console) -> list[str]:
    """Give the pager's command: PROJECTS_PAGER, else PAGER, else less; empty or `cat` means none."""
    environment = console.streams.environment
    command = environment.get("PROJECTS_PAGER", environment.get("PAGER", "less"))
    try:
        return [] if command.strip() in {"", "cat"} else shlex.split(command)
    except ValueError:  # unbalanced quotes
        return []


def _page(command: list[str], pages: Iterator[str], console: Console) -> None:
    """Feed a pager; a person who leaves it early has seen enough."""
    out = console.streams.stdout
    out.flush()
    environment = {"LESS": "FRX", **os.environ}
    try:
        pager = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, env=environment)  # noqa: S603
    except OSError:
        for page in pages:
            out.write(page)
        return
    with suppress(BrokenPipeError), pager:
        for page in pages:
            if pager.stdin:
                pager.stdin.write(page)
