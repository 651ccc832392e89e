"""Tables for a person at a terminal: as wide as the screen, ids whole, through the pager when they are long."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, get_character_cell_size
from rich.console import Console as RichConsole
from rich.table import Table
from rich.text import Text

from projects_cli.render import colours, humanize
from projects_cli.render.encode import cell, records, value_at
from projects_cli.render.escaping import shown
from projects_cli.render.pager import through_pager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from projects_cli.messages import Document, Response
    from projects_cli.render.console import Console
    from projects_cli.render.views import View

    Show = Callable[[Any, str], str]

CHUNK = 1000
"""Rows whose widths are measured together; a longer list goes on with the same widths."""

WHOLE = humanize.TIMES | {"id", "parent", "company", "user", "pid", "versions", "endpoint", "command"}
WHOLE |= {"metric_hash", "variant_hash", "operation", "state", "action", "collection", "key"}
"""Columns that are never folded."""

GAP = 2
"""Spaces between columns."""

NARROWEST = 6
"""Cells that a column which may be folded keeps on the narrowest screen."""

LEAST_SCREEN = 40
"""Columns of the narrowest screen that is drawn for."""

LEAST = {"name": 20, "summary": 24, "meaning": 24, "brings": 24, "value": 20}
"""The same, for columns that want more; with less, other columns are left out instead."""

ESSENTIAL = frozenset({"id", *LEAST})
"""Columns that are never left out: where there is no room for them they stand one below the other."""

NUMBERS = frozenset({"count", "fixable", "documents", "updated", "deleted", "disassociated_tasks"})

RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
"""Letters of scripts that are written from right to left."""

LEFT_TO_RIGHT_MARK = "\u200e"
"""Takes no room; behind text from right to left it keeps a terminal from drawing the next column into that text."""

DISPUTED = re.compile("[\u200d\ufe0f\u20e3\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
"""Parts of emoji that are several code points: each terminal has its own mind about the width of these."""

HERE = "\u2060"
"""Takes no room; stands behind disputed text, in whose place `_drawn` tells the terminal where the next column is."""

BEHIND = re.compile(f"{HERE}((?: |\x1b\\[[0-9;]*m)*)")
PAINT = re.compile("\x1b\\[[0-9;]*m")
PIECES = re.compile("\\s+|[^\\s/]*/+|[^\\s/]+")
PADDING = re.compile(" +((?:\x1b\\[[0-9;]*m)*)$")

Columns = Sequence[tuple[str, str]]
Cells = Sequence[Sequence[str]]


def write_table(response: Response, view: View, console: Console) -> None:
    """Write an answer as a table; an answer that is one record becomes a list of its fields."""
    columns = [(field, shown(title)) for field, title in view.shown_columns(response.fields)]
    rows = records(response, view)
    show = _shown_for(console)
    if view.blocks and response.fields is None:
        pages: Iterator[str] = _blocks(rows, console)
    elif view.rows is None and not view.values:
        pages = (_drawn(_sheet(record, columns, show, _screen(console)), console) for record in rows)
    else:
        heading = console.heading and any(title for _, title in columns)
        pages = _pages(rows, columns, show, console, heading=heading)
    through_pager(pages, console)


def _screen(console: Console) -> int:
    """Give the columns that there are, or are taken to be: on fewer no id would stay whole."""
    return max(console.size()[0], LEAST_SCREEN)


# --- rows ---------------------------------------------------------------------------------------------------------


def _pages(rows: Iterator[Document], columns: Columns, show: Show, console: Console, *, heading: bool) -> Iterator[str]:
    """Draw the rows in chunks; the first has the headings, and sets the widths of all."""
    first = list(islice(rows, CHUNK))
    if not first:
        return
    screen = _screen(console)
    kept, widths = _layout(columns, _cells(first, columns, show), screen, heading=heading)
    for chunk in chain([first], iter(lambda: list(islice(rows, CHUNK)), [])):
        if widths:
            table = _table(kept, widths, _cells(chunk, kept, show), heading=heading and chunk is first)
        else:
            table = _stacked(columns, _cells(chunk, columns, show), screen)
        yield _drawn(table, console, widths)


def _cells(rows: Sequence[Document], columns: Columns, show: Show) -> list[list[str]]:
    return [[show(value_at(record, path), path) for path, _ in columns] for record in rows]


def _layout(columns: Columns, cells: Cells, screen: int, *, heading: bool) -> tuple[Columns, list[int]]:
    """Give the columns for which there is room, and the width of each; no widths where they don't fit side by side.

    The last ones are left out first, never the first one nor what is `ESSENTIAL`. What must stay whole gets what it
    needs, the others share the rest of the screen.
    """
    titles = [cell_len(title) if heading else 0 for _, title in columns]
    needed = [max([title, *(_room(row[at]) for row in cells)]) for at, title in enumerate(titles)]
    least = [
        width if _is_whole(field) else min(width, max(title, LEAST.get(field, NARROWEST)))
        for (field, _), title, width in zip(columns, titles, needed, strict=True)
    ]
    kept = list(range(len(columns)))
    for at in reversed(kept[1:]):
        if _across([least[one] for one in kept]) > screen and columns[at][0] not in ESSENTIAL:
            kept.remove(at)
    widths = [needed[at] for at in kept]
    floors = [least[at] for at in kept]
    if _across(floors) > screen and len(kept) > 1:
        return [columns[at] for at in kept], []
    while _across(widths) > screen and widths != floors:
        spare = [width - floor for width, floor in zip(widths, floors, strict=True)]
        widths[spare.index(max(spare))] -= 1
    return [columns[at] for at in kept], widths


def _across(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _is_whole(field: str) -> bool:
    return field in WHOLE or _is_number(field)


def _is_number(field: str) -> bool:
    return field in NUMBERS or (field.startswith("stats.") and field not in humanize.TIMES)


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
    """Make the table of a screen that is too narrow for columns: a record's essentials one below the other.

    What stands between two of them shares a line; numbers have their heading beside them.
    """
    table = Table(box=None, pad_edge=False, padding=0, show_header=False)
    table.add_column(no_wrap=True)
    for row in cells:
        lines: list[tuple[str, str]] = []
        for text, (field, title) in zip(row, columns, strict=True):
            said = f"{title.lower()} {text}" if _is_number(field) and text else text
            if lines and not {field, lines[-1][0]} & ESSENTIAL:
                lines[-1] = ("", f"{lines[-1][1]}  {said}" if said else lines[-1][1])
            elif said:
                lines.append((field, said))
        for position, (field, text) in enumerate(lines):
            table.add_row(_cell(text, field, screen, indent="  " if position else ""))
    return table


# --- one record ---------------------------------------------------------------------------------------------------


def _sheet(record: Document, columns: Columns, show: Show, screen: int) -> Table:
    """Make the table of one record: a field a line, the empty ones left out; on a narrow screen a value is below."""
    lines = [(title.lower().replace("_", " "), path, value_at(record, path)) for path, title in columns]
    filled = [(label, path, show(value, path)) for label, path, value in lines if value not in (None, [], "")]
    room = screen - GAP - max((cell_len(label) for label, _, _ in filled), default=0)
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    beside = all(_room(text) <= room for _, path, text in filled if _is_whole(path))
    if beside:
        table.add_column(no_wrap=True)
    for label, path, text in filled:
        if beside:
            table.add_row(_cell(label, "id", screen), _cell(text, path, max(room, NARROWEST)))
        else:
            table.add_row(_cell(label, "id", screen))
            table.add_row(_cell(text, path, screen, indent="  "))
    return table


# --- findings -----------------------------------------------------------------------------------------------------


def _blocks(rows: Iterator[Document], console: Console) -> Iterator[str]:
    """Draw each finding as a heading with indented lines: what it means, the examples, and what helps."""
    screen = _screen(console)
    for number, finding in enumerate(rows):
        table = Table(box=None, pad_edge=False, padding=0, show_header=False)
        table.add_column(no_wrap=True)
        if number:
            table.add_row("")
        table.add_row(_finding_heading(finding))
        for text, field in _finding_lines(finding):
            indent = "    " if field == "examples" else "  "
            table.add_row(_cell(text, field, screen, indent=indent))
        yield _drawn(table, console)


def _finding_heading(finding: Document) -> Text:
    severity, fixable = finding["severity"], finding["fixable"]
    heading = Text(f"{severity:<{len('warning')}}", _styled(colours.OF_SEVERITY.get(severity, "")))
    counted = f"  {finding['count']}" + (f", {fixable} fixable" if fixable else "")
    return heading.append(f"  {finding['name']}", "bold").append(counted, "default")


def _finding_lines(finding: Document) -> Iterator[tuple[str, str]]:
    """Yield the lines below a heading, each with the field that gives it its style."""
    yield shown(finding["meaning"]), "meaning"
    examples = finding["examples"]
    rest = finding["count"] - len(examples)
    more = f"and {rest} more" if rest > 0 else ""
    if any("id" in example for example in examples):
        yield from (("  ".join(map(cell, filter(None, example.values()))), "examples") for example in examples)
        yield from [(more, "examples")] if more else []
    else:
        named = [" ".join(map(cell, filter(None, example.values()))) for example in examples]
        yield ", ".join([*filter(None, named), *([more] if more else [])]), "examples"
    yield f"advice: {shown(finding['advice'])}", "advice"
    if finding["fixable"]:
        yield f"--fix: {shown(finding['fix'])}", "advice"


# --- cells --------------------------------------------------------------------------------------------------------


def _shown_for(console: Console) -> Show:
    """Give how a value becomes text for people: times and durations in their form, the rest as elsewhere."""
    form, now = console.times or "relative", console.clock()

    def show(value: Any, path: str) -> str:
        if path in humanize.TIMES:
            return cell(humanize.time(value, form=form, now=now))
        if isinstance(value, int) and not isinstance(value, bool):
            if path in humanize.DURATIONS:
                return humanize.duration(value)
            if path in humanize.SIZES:
                return humanize.size(value)
        return cell(value)

    return show


def _cell(text: str, field: str, width: int, *, indent: str = "") -> Text:
    """Give a cell in its style, folded to its width, so that what stands beside it stays where it is."""
    if not text.isascii() or len(text) + len(indent) > width:
        text = _folded(text, width, indent)
    return Text(indent + text, _styled(colours.style_of(field, text)))


def _folded(text: str, width: int, indent: str) -> str:
    """Fold a text between words, else between what a person takes for one character."""
    lines = _lines(text, width - len(indent)) if _room(text) + len(indent) > width else [text]
    return f"\n{indent}".join(map(_marked, lines))


def _lines(text: str, width: int) -> list[str]:
    """Part a text into lines: at spaces, else behind a slash, else where a word does not fit a line of its own."""
    lines, room = [""], width
    for piece in PIECES.findall(text):
        for part in (piece,) if _room(piece) <= width else _characters(piece):
            if room < _room(part) and lines[-1]:
                lines.append("")
                room = width
                if part.isspace():
                    continue
            lines[-1] += part
            room -= _room(part)
    return [line.rstrip() for line in lines]


def _characters(text: str) -> Iterable[str]:
    """Give what a person takes for one character each; Rich breaks flags in two."""
    if text.isascii():
        return text
    import wcwidth  # needed only where such a text is folded

    return wcwidth.iter_graphemes(text)


def _marked(line: str) -> str:
    """Give a line with the marks that keep what stands beside it in its place."""
    if line.isascii():
        return line
    mark = LEFT_TO_RIGHT_MARK if RIGHT_TO_LEFT.search(line) else ""
    return line + mark + (HERE if DISPUTED.search(line) else "")


def _room(text: str) -> int:
    """Give the cells that a text takes; of what is disputed, as many as any terminal gives it."""
    if text.isascii():
        return len(text)
    if not DISPUTED.search(text):
        return cell_len(text)
    apart = sum(2 if "\U0001f3fb" <= one <= "\U0001f3ff" else get_character_cell_size(one) for one in text)
    return max(cell_len(text), apart)


def _styled(name: str) -> str:
    return f"color({colours.COLOURS[name][0]})" if name in colours.COLOURS else name


# --- drawing ------------------------------------------------------------------------------------------------------


def _rich(console: Console, stream: io.StringIO) -> RichConsole:
    coloured = console.has_colour(console.streams.stdout)
    system = "256" if colours.has_256(console.streams.environment) else "standard"
    return RichConsole(
        file=stream,
        width=_screen(console),
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
    can_move = console.streams.environment.get("TERM") != "dumb"
    return "".join(f"{_straight(line, can_move=can_move)}\n" for line in stream.getvalue().splitlines())


def _straight(line: str, *, can_move: bool) -> str:
    """Give a drawn line without the spaces at its end, and with an order where each column begins that needs one."""
    line = PADDING.sub(r"\1", line)
    while HERE in line and (found := BEHIND.search(line)):
        column = cell_len(PAINT.sub("", line[: found.end()])) + 1
        order = f"\x1b[{column}G" if can_move and found.end() < len(line) else ""
        line = line[: found.start()] + found[1] + order + line[found.end() :]
    return line
