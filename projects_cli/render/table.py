"""Tables for a terminal: as wide as the screen, ids never cut, cells folded to the width of their column."""

from __future__ import annotations

from functools import partial
from itertools import chain, islice
from os.path import commonprefix
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.cells import cell_len

from projects_cli.render import colours, humanize
from projects_cli.render.cells import LEFT_TO_RIGHT_MARK, Cell, Items, cell_of, width_of
from projects_cli.render.encode import cell, records, value_at
from projects_cli.render.escaping import escape
from projects_cli.render.views import label as label_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from projects_cli.messages import Document, Response
    from projects_cli.render.streams import Streams
    from projects_cli.render.views import View

    Columns = Sequence[tuple[str, str]]
    Format = Callable[[Any, str], str]

CHUNK = 500
"""Rows that are measured together; the rest of a longer list has the same widths."""

WHOLE = humanize.TIMES | {"id", "parent", "company", "user", "pid", "versions", "endpoint", "command", "to_clear"}
WHOLE |= {"metric_hash", "variant_hash", "operation", "state", "action", "collection", "key", "web"}
"""Columns that are never folded."""

GAP = 2
"""Spaces between columns."""

INDENT = 3
"""The sign before an old or a new value, with the spaces before it."""

LINES = 3
"""About how many lines a value of a difference may take."""

NARROWEST = 6
"""Least width of a column that may be folded."""

ENDLESS = 1_000_000_000
"""The width of a screen on which everything has its place."""

LEAST_SCREEN = 40
"""Least width that is assumed of a screen: no id fits a narrower one."""

LEAST = {
    "summary": 24,
    "benefit": 24,
    "reason": 24,
    "value": 20,
    "owner.name": 12,
    "status": 11,
    "type": 15,
    "why": 11,
    "project.name": 16,
    "samples.name": 46,
}
"""Least widths of columns that need more; other columns are left out before these get less."""

WIDEST = 100
"""Width of a column in a table that is wider than the screen; longer cells are folded."""

ESSENTIAL = frozenset({"id", "web", "name", "summary", "benefit", "reason", "value", "samples.name", "to_clear"})
"""Columns that are never left out: if they do not fit side by side, they are stacked."""

NUMBERS = frozenset({"count", "fixable", "documents", "updated", "deleted", "disassociated_tasks", "models"})
NUMBERS |= {"projects", "tasks", "completed", "failed", "runtime", "sub_project_count", "own_tasks", "own_models"}
NUMBERS |= {"sub_projects", "own_datasets", "dataset_stats.file_count", "dataset_stats.total_size"}

TAGS = frozenset({"tags", "system_tags"})
"""Columns whose lists are cut, between two items, instead of folded."""


class Style(NamedTuple):
    """How a table is drawn: with headings or without, the form of its times, the width of the screen if known.

    A `wide` table has more columns, none of which is left out.
    """

    heading: bool
    times: str
    now: datetime
    wide: bool = False
    screen: int | None = None


class Frame(NamedTuple):
    """The columns of a table and the place for them: the width of the screen, and the least width of a longer name.

    With `all_columns` none is left out, even if the lines are longer than the screen.
    """

    columns: Columns
    screen: int
    name_width: int
    all_columns: bool = False


def draw(response: Response, view: View, streams: Streams, style: Style) -> Iterator[str]:
    """Yield the rows of a table, drawn; a response that is one record becomes a row for each of its fields."""
    columns = [(field, escape(title)) for field, title in view.table_columns(response.fields, wide=style.wide)]
    screen = style.screen or max(streams.size()[0], LEAST_SCREEN)
    as_text = _formatter(style, in_row=not (view.is_one_record or style.wide))
    drawn: Iterable[Sequence[Cell]]
    if view.blocks and response.fields is None:
        blocks = _findings if view.blocks == "findings" else partial(_differences, whole=style.wide)
        drawn = blocks(records(response, view), screen)
    elif view.is_one_record:
        drawn = chain.from_iterable(_record(record, columns, as_text, screen) for record in records(response, view))
    else:
        texts = ([as_text(value_at(record, path), path) for path, _ in columns] for record in records(response, view))
        frame = Frame(columns, screen, view.name_width, all_columns=style.wide)
        drawn = _rows(texts, frame, heading=style.heading and any(title for _, title in columns))
    environment = streams.environment if streams.has_colour(streams.stdout) else None
    for row in drawn:
        line = _line_up(row, environment)
        # Only a terminal needs the mark. Those of stored texts are escapes by now.
        yield line if screen < ENDLESS else line.replace(LEFT_TO_RIGHT_MARK, "")


def _line_up(row: Sequence[Cell], environment: Mapping[str, str] | None) -> str:
    """Return the lines of a row, painted if there is an environment to paint for."""
    drawn = []
    for number in range(max((len(lines) for lines, *_ in row), default=0)):
        line, spaces = "", 0  # spaces are only written before a text, so that no line ends with some
        for lines, width, style, right in row:
            text = lines[number] if number < len(lines) else ""
            padding = width - width_of(text)
            if text:
                painted = colours.painted(text, style, environment) if style and environment is not None else text
                line += " " * (spaces + padding * right) + painted
            spaces = GAP + (padding * (not right) if text else spaces + width)
        drawn.append(f"{line}\n")
    return "".join(drawn)


# --- rows ---------------------------------------------------------------------------------------------------------


def _rows(texts: Iterator[list[str]], frame: Frame, *, heading: bool) -> Iterator[Sequence[Cell]]:
    """Yield a row for each record, given as the texts of its cells; the first records set the widths of all."""
    first = list(islice(texts, CHUNK))
    # A file has the heading of an empty table, as it has in the other formats.
    if not first and frame.screen < ENDLESS:
        return
    # Measured once: a list of any length is drawn while it is read.
    columns = frame.columns
    kept, widths = _layout(frame, first, heading=heading)
    if not widths:
        for record in chain(first, texts):
            yield from _stacked(record, columns, frame.screen)
        return
    shape = [(at, *columns[at], width) for at, width in zip(kept, widths, strict=True)]
    if heading:
        yield [Cell([title], width, "bold", _is_number(field)) for _, field, title, width in shape]
    for record in chain(first, texts):
        yield [cell_of(record[at], field, width)._replace(right=_is_number(field)) for at, field, _, width in shape]


def _layout(frame: Frame, texts: Sequence[list[str]], *, heading: bool) -> tuple[Sequence[int], list[int]]:
    """Return the positions of the columns that fit, and their widths; no widths if they must be stacked.

    The last columns are left out first, never the first one nor those in `ESSENTIAL`. Columns that are not folded get
    what they need. Then the widest of the others shrink until all fit, the name only if that does not suffice.
    """
    columns, screen, name_width, all_columns = frame
    titles = [cell_len(title) if heading else 0 for _, title in columns]
    # Without folding: the widest cell of each column, or its heading.
    needed = [max([title, *(width_of(row[at]) for row in texts)]) for at, title in enumerate(titles)]
    floor_of = {**LEAST, "name": name_width}
    never_folded = TAGS if all_columns else frozenset()
    least = [
        width if _is_whole(field) or field in never_folded else min(width, max(title, floor_of.get(field, NARROWEST)))
        for (field, _), title, width in zip(columns, titles, needed, strict=True)
    ]
    kept = list(range(len(columns)))
    # If not even folded cells fit, they need not be folded: the screen breaks the lines anyway.
    if all_columns and _total(least) > screen:
        screen = _total([max(floor, min(width, WIDEST)) for floor, width in zip(least, needed, strict=True)])
    # Views list their columns by importance, so the last are the first to go.
    for at in reversed(kept[1:]):
        if _total([least[position] for position in kept]) > screen and columns[at][0] not in ESSENTIAL:
            kept.remove(at)
    widths = [needed[at] for at in kept]
    floors = [least[at] for at in kept]
    if _total(floors) > screen and len(kept) > 1:
        return kept, []
    # A name stays on one line if there is room for that when the others have shrunk. If not, it shrinks with them.
    names = [position for position, at in enumerate(kept) if columns[at][0] == "name"]
    one_line = [widths[position] if position in names else floor for position, floor in enumerate(floors)]
    if _total(one_line) <= screen:
        floors = one_line
    while _total(widths) > screen and widths != floors:
        # One cell at a time from the column that can spare most, until the row fits.
        spare = [width - floor for width, floor in zip(widths, floors, strict=True)]
        widths[spare.index(max(spare))] -= 1
    return kept, widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _is_whole(field: str) -> bool:
    return field in WHOLE or _is_number(field)


def _is_number(field: str) -> bool:
    return field in NUMBERS or (field.startswith("stats.") and field not in humanize.TIMES)


def _stacked(texts: Sequence[str], columns: Columns, screen: int) -> Iterator[Sequence[Cell]]:
    """Yield the rows of a record on a screen that is too narrow for columns: essential fields have their own line.

    The fields between two of them share a line; numbers have their heading beside them.
    """
    lines: list[tuple[str, str]] = []
    for text, (field, title) in zip(texts, columns, strict=True):
        labelled = f"{title.lower()} {text}" if _is_number(field) and text else text
        # Short fields share a line, so that a record takes few lines.
        if lines and not {field, lines[-1][0]} & ESSENTIAL:
            lines[-1] = ("", f"{lines[-1][1]}  {labelled}" if labelled else lines[-1][1])
        elif labelled:
            lines.append((field, labelled))
    for position, (field, text) in enumerate(lines):
        yield [cell_of(text, field, screen, indent="  " if position else "")]


# --- one record ---------------------------------------------------------------------------------------------------


def _record(record: Document, columns: Columns, as_text: Format, screen: int) -> Iterator[Sequence[Cell]]:
    """Yield a row for each field that is not empty; on a narrow screen the values are below the labels."""
    fields = [(label_of(title), path, value_at(record, path)) for path, title in columns]
    filled = [(label, path, as_text(value, path)) for label, path, value in fields if value not in (None, [], "")]
    label_width = max((cell_len(label) for label, _, _ in filled), default=0)
    room = screen - GAP - label_width
    # An id must not be folded: if one does not fit beside its label, no value is beside its label.
    beside = all(width_of(text) <= room for _, path, text in filled if _is_whole(path))
    for label, path, text in filled:
        if beside:
            yield [cell_of(label, "id", label_width), cell_of(text, path, max(room, NARROWEST))]
        else:
            yield [cell_of(label, "id", screen)]
            yield [cell_of(text, path, screen, indent="  ")]


# --- findings -----------------------------------------------------------------------------------------------------


def _findings(rows: Iterator[Document], screen: int) -> Iterator[Sequence[Cell]]:
    """Yield for each finding a heading and indented lines: its description, the examples, and the advice."""
    for number, finding in enumerate(rows):
        if number:
            yield [Cell([""], 0)]
        severity, fixable = finding["severity"], finding["fixable"]
        counted = str(finding["count"]) + (f", {fixable} fixable" if fixable else "")
        yield [
            Cell([severity], len("warning"), colours.OF_SEVERITY.get(severity, "")),
            Cell([finding["name"]], len(finding["name"]), "bold"),
            Cell([counted], len(counted)),
        ]
        yield [cell_of(escape(finding["description"]), "description", screen, indent="  ")]
        examples = finding["examples"]
        rest = finding["count"] - len(examples)
        more = [f"and {rest} more"] if rest > 0 else []
        # Documents have a line each; names alone, such as those of indexes, share one.
        are_documents = any("id" in example for example in examples)
        gap = "  " if are_documents else " "
        texts = [gap.join(map(cell, filter(None, example.values()))) for example in examples]
        for text in [*texts, *more] if are_documents else [", ".join([*filter(None, texts), *more])]:
            yield [cell_of(text, "examples", screen, indent="    ")]
        yield [cell_of(f"advice: {escape(finding['advice'])}", "advice", screen, indent="  ")]
        if fixable:
            yield [cell_of(f"--fix: {escape(finding['fix'])}", "advice", screen, indent="  ")]


# --- differences --------------------------------------------------------------------------------------------------


def _differences(rows: Iterable[Document], screen: int, *, whole: bool) -> Iterator[Sequence[Cell]]:
    """Yield for each project a heading, and below it a row for each old and each new value of a field.

    Of two lists only what one of them lacks is shown. Long values are cut unless they are wanted `whole`.
    """
    shown = None
    for row in rows:
        if row["name"] != shown or not row["field"]:
            shown, action = row["name"], row["action"]
            name = cell_of(escape(shown), "name", screen - len(action) - GAP)
            yield [Cell([action], len(action), colours.style_of("action", action)), name]
        old, new = row["old"], row["new"]
        if isinstance(old, list) and isinstance(new, list):
            old, new = [item for item in old if item not in new], [item for item in new if item not in old]
        texts = cell(old), cell(new)
        room = max(screen - INDENT - GAP, NARROWEST)
        for sign, text, other, colour in (("-", *texts, "red"), ("+", *reversed(texts), "green")):
            if text:
                part = text if whole else _excerpt(text, other, room * LINES)
                value = cell_of(f"{row['field']}: {part}", "", room)
                yield [Cell([sign.rjust(INDENT)], INDENT, colour), value._replace(style=colour)]


def _excerpt(text: str, other: str, longest: int) -> str:
    """Return a text, or the part of a longer one that begins with the word in which it differs from another one."""
    if len(text) <= longest:
        return text
    start = text.rfind(" ", 0, len(commonprefix([text, other]))) + 1  # noqa: RUF071 - texts, not paths
    part = text[start : start + longest]
    return ("… " if start else "") + part + ("…" if start + longest < len(text) else "")


# --- values ---------------------------------------------------------------------------------------------------------


def _formatter(style: Style, *, in_row: bool) -> Format:
    """Return the function that formats a value of a field: times, durations and sizes for reading.

    `in_row` is whether the values of a record are beside each other, so that long ones may be cut.
    """

    def as_text(value: Any, path: str) -> str:
        if path in humanize.TIMES:
            return cell(humanize.time(value, form=style.times, now=style.now))
        if isinstance(value, int) and not isinstance(value, bool):
            if path in humanize.DURATIONS:
                return humanize.duration(value)
            if path in humanize.SIZES:
                return humanize.size(value)
        if path in TAGS and in_row and isinstance(value, list) and all(type(item) is str for item in value):
            return Items.of([escape(item) for item in value])
        return cell(value)

    return as_text
