"""Responses on standard output: the one place that prints them, in the format that the user chose."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from projects_cli.errors import UsageError
from projects_cli.render import encode
from projects_cli.render.streams import in_utf8, is_terminal
from projects_cli.render.views import VIEWS, View, label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from projects_cli.messages import Response
    from projects_cli.render.console import Console
    from projects_cli.render.table import Style

IDS = frozenset({"id", "id0"})
"""The formats that have ids only."""


@dataclass(slots=True)
class Output:
    """Prints responses as the options `--output`, `--fields`, `--query` and their like have it.

    A table is `wide` with `-o wide`. If the user chose the format, it is `aligned` in a pipe too.
    """

    console: Console
    format: str = "table"
    wide: bool = False
    aligned: bool = False
    fields: tuple[str, ...] = ()
    query: str | None = None
    heading: bool = True
    csv_safe: bool = False
    times: str | None = None
    pager: bool = True
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def check(self, view: View) -> None:
        """Check before anything is done that a response with this view can be printed.

        Raises:
            UsageError: it has no ids for `-o id`, or not one of the fields, or the query is invalid.
        """
        if self.format in IDS:
            if self.query is not None:
                raise UsageError(f"--query and -o {self.format} cannot be used together", hint="leave out one of them")
            if view.id is None:
                raise UsageError("the response of this command has no ids", hint="use -o json, or -o tsv")
        # A wrong field or query is a mistake of the command line: nothing must have happened by then.
        if self.fields:
            from projects_cli.render import field_selection

            self.fields = field_selection.resolved(view, self.fields)
            field_selection.check(view, self.fields)
        if self.query is not None:
            from projects_cli.render import query

            query.check(self.query)

    def show(self, response: Response, *, empty: str | None = None) -> int:
        """Print a response, and return the number of its records if it is a list.

        Everything is flushed at the end, so that messages follow the data if both streams go to one file. `empty` is
        the notice for an empty list, instead of the view's own; none is written if it is "".
        """
        stdout = self.console.streams.stdout
        if self.format != "table":
            in_utf8(stdout)
        view = view_of(response)
        if view.nested and view.rows and self._flattens(view):
            from projects_cli.render.tree import flattened

            response = response._replace(data={**response.data, view.rows: flattened(response.data[view.rows])})
        # `-o id` needs the id, even if it is not among the selected fields.
        if self.fields and self.format not in IDS:
            from projects_cli.render import field_selection

            response = field_selection.select_fields(response, view, self.fields)
        if self.query is not None:
            from projects_cli.render.query import as_table, search

            result, empty = search(response, self.query), "the query matched nothing"
            count = len(result) if isinstance(result, list) else int(result is not None)
            if self.format in {"json", "jsonl", "yaml"}:
                encode.write_value(result, self.format, stdout.write, pretty=self._is_pretty)
            else:
                self._write(*as_table(result))
        else:
            count = self._show_records(response, view)
        if not count and empty != "" and (view.rows or view.values or self.query is not None):
            self.console.notice(empty or view.empty)
        stdout.flush()
        return count

    def _show_records(self, response: Response, view: View) -> int:
        count = sum(len(response.data.get(name) or ()) for name, _ in view.values)
        if view.rows is None:
            self._write(response, view)
            return count
        # May be a cursor: it is read once, while it is printed.
        rows = response.data[view.rows]
        if line := self.console.progress_line():
            rows = line.first_awaited(rows)
            # A count on the same terminal would be in the middle of the rows.
            rows = rows if self._is_pretty else line.counted(rows)
        counter = _Counter(self.console.streams.stdout.flush)
        # No record is in a cycle, and each is freed as soon as its line is written: with 100,000 of them the collector
        # would traverse the driver's buffers again and again for nothing.
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            self._write(response._replace(data={**response.data, view.rows: counter.counted(rows)}), view)
        finally:
            if was_enabled:
                gc.enable()
        return counter.count

    @property
    def is_plain_table(self) -> bool:
        """Whether neither another format, nor fields, nor a query is requested."""
        return self.format == "table" and not self.fields and self.query is None

    @property
    def shortens_ids(self) -> bool:
        """Whether ids may be cut: in the table of a user who reads, never for a program or with `-o wide`."""
        return self.format == "table" and self._is_pretty and not self.wide and self.query is None

    @property
    def _is_pretty(self) -> bool:
        return is_terminal(self.console.streams.stdout)

    @property
    def _style(self) -> Style:
        from projects_cli.render.table import ENDLESS, Style

        # Nothing is folded or left out in a file or a pipe, whatever the terminal's width.
        times, screen = ("relative", None) if self._is_pretty else ("iso", ENDLESS)
        return Style(self.heading, self.times or times, self.clock(), wide=self.wide, screen=screen)

    def _linked(self, field: str, text: str) -> str:
        """Return a text that is alone; the address of a page as a link, on a terminal."""
        streams = self.console.streams
        if field != "web" or not streams.has_colour(streams.stdout):
            return text
        from projects_cli.render.colours import painted

        return painted(text, "link", streams.environment)

    def _draws_tree(self, view: View) -> bool:
        return view.nested and self.format == "table" and self._is_pretty and not self.fields

    def _flattens(self, view: View) -> bool:
        """Return whether nested records become a list: in a format with lines, and of chosen fields."""
        if self.query is not None or self._draws_tree(view):
            return False
        return self.format not in {"json", "yaml"} or bool(self.fields)

    def _write(self, response: Response, view: View) -> None:
        write = self.console.streams.stdout.write
        if self.format == "json":
            encode.write_json(response, view, write, pretty=self._is_pretty)
        elif self.format in _WRITERS:
            _WRITERS[self.format](response, view, write)
        elif self.format == "table" and view.alone and view.alone in response.data:
            # Some responses are one value, which a script takes as it is: $(projects local path).
            write(self._linked(view.alone, encode.cell(response.data[view.alone])) + "\n")
        elif self._draws_tree(view):
            from projects_cli.render import pager, tree

            streams = self.console.streams
            pager.write_pages(tree.draw(response.data[view.rows or ""], streams), streams, enabled=self.pager)
        elif self.format == "table" and view.panel and not self.fields:
            from projects_cli.render import overview

            for page in overview.draw(dict(response.data), self.console.streams, self._style):
                write(page)
        elif self.format == "table" and self._is_pretty and view.bars and not (self.fields or self.wide):
            from projects_cli.render import charts, pager

            rows = list(response.data[view.rows or ""])
            label, *others = view.columns
            columns = [label, *(pair for pair in others if pair[0] != view.id)]
            pages = charts.draw(rows, columns, view.bars, self.console.streams, self._style)
            pager.write_pages(pages, self.console.streams, enabled=self.pager)
        elif self.format == "table" and (self._is_pretty or self.aligned):
            from projects_cli.render import pager, table  # only for a user who reads

            pages = table.draw(response, view, self.console.streams, self._style)
            pager.write_pages(pages, self.console.streams, enabled=self.pager and self._is_pretty)
        else:
            self._write_lines(response, view)

    def _write_lines(self, response: Response, view: View) -> None:
        """Write a line of cells for each record: `tsv`, `csv`, and a table that goes to a file or a pipe."""
        # Scripts read tsv and csv: their headings are the names of fields, which do not change with the wording.
        if self.format == "table" and self.heading and view.is_one_record:
            self._write_pairs(response, view)
            return
        if self.format == "table":
            columns = view.table_columns(response.fields)
        elif view.titled:
            columns = list(view.columns)
        else:
            columns = [(name, name) for name in response.fields or view.all_fields]
        convert = self._conversions([path for path, _ in columns])
        as_cell = encode.safe_cell if self.csv_safe and self.format != "table" else encode.cell
        encode.write_separated(
            response,
            view,
            self.console.streams.stdout.write,
            row=encode.csv_row if self.format == "csv" else encode.tab_row,
            readers=[encode.cell_reader(path, as_cell, convert.get(path)) for path, _ in columns],
            heading=[as_cell(title) for _, title in columns] if self.heading and any(dict(columns).values()) else None,
        )

    def _write_pairs(self, response: Response, view: View) -> None:
        """Write a line with the label and the value of each field that is not empty, of a response that is a record."""
        columns = [(path, label(title)) for path, title in view.table_columns(response.fields)]
        convert = self._conversions([path for path, _ in columns])
        for record in encode.records(response, view):
            for path, name in columns:
                text = encode.cell_reader(path, encode.cell, convert.get(path))(record)
                if text:
                    self.console.streams.stdout.write(encode.tab_row([name, text]))

    def _conversions(self, paths: Iterable[str]) -> dict[str, Callable[[Any], Any]]:
        """Return the functions that format the values of some fields, if `--time` asks for it."""
        if self.times in {None, "iso"}:
            return {}
        from projects_cli.render import humanize

        in_form = partial(humanize.time, form=self.times, now=self.clock())
        return {path: in_form for path in paths if path in humanize.TIMES}


_WRITERS: dict[str, Callable[..., None]] = {
    "jsonl": encode.write_jsonl,
    "yaml": encode.write_yaml,
    "id": encode.write_ids,
    "id0": partial(encode.write_ids, end="\0"),
}


def view_of(response: Response) -> View:
    """Return the view of a response."""
    return VIEWS[response.view or response.endpoint]


class _Counter:
    """Counts records as they are read, and flushes after the first: it is visible while the next is waited for.

    It holds no reference to the response, so that the cursor is closed as soon as nothing reads it any longer.
    """

    def __init__(self, flush: Callable[[], object]) -> None:
        self.count = 0
        self._flush = flush

    def counted(self, rows: Iterable[Any]) -> Iterator[Any]:
        rows = iter(rows)
        for row in islice(rows, 1):
            self.count = 1
            yield row
            self._flush()
        for self.count, row in enumerate(rows, 2):
            yield row
