"""The outside world: the three streams, what they can show, and the two ways to speak on them.

Data goes to standard output, talk (notices, errors, questions) to standard error.
"""

from __future__ import annotations

import gc
import io
import os
import shlex
import shutil
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from projects_cli.errors import ConfirmationNeeded, Declined, PartialFailure, ProjectsError, UsageError
from projects_cli.render import colours, encode
from projects_cli.render.escaping import check_utf8, shown
from projects_cli.render.views import VIEWS, View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from projects_cli.messages import Response
    from projects_cli.render.progress import Progress


MOST_SHOWN = 10
"""Lines of what a question is about."""


class Streams(NamedTuple):
    """The three streams and the environment, as one value that tests replace."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    environment: Mapping[str, str]

    @classmethod
    def of_process(cls) -> Streams:
        """Give the streams of this process, as they are now."""
        return cls(sys.stdin, sys.stdout, sys.stderr, os.environ)

    @property
    def data(self) -> TextIO:
        """Standard output for a machine format: UTF-8, whatever the locale."""
        return in_utf8(self.stdout)


def in_utf8(stream: TextIO) -> TextIO:
    """Return a stream that writes UTF-8 from now on."""
    if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() != "utf-8":
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    return stream


@dataclass(slots=True)
class Console:
    """Shows answers, notices, errors and questions; every question names the profile where that is production."""

    streams: Streams
    output: str = "table"
    colour: bool = True
    quiet: bool = False
    may_ask: bool = True
    production: str | None = None
    fields: tuple[str, ...] = ()
    query: str | None = None
    heading: bool = True
    csv_safe: bool = False
    times: str | None = None
    pager: bool = True
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _line: Progress | None = None
    _warnings: list[str] = field(default_factory=list)

    def show(self, response: Response, *, empty: str | None = None) -> int:
        """Write an answer to standard output in the chosen format, and return the number of records of a list.

        All of it is out before this ends: talk about the answer comes behind it, also where both go to one file.
        `empty` is the notice if there are no records, the view's by default.
        """
        count = self._shown(response, empty)
        self.streams.stdout.flush()
        return count

    def _shown(self, response: Response, empty: str | None) -> int:
        if self.output != "table":
            in_utf8(self.streams.stdout)
        view = self.view_of(response)
        if self.fields and self.output != "id":
            from projects_cli.render import field_selection

            response = field_selection.narrowed(response, view, self.fields)
        if self.query is not None:
            return self._show_taken(response, self.query)
        if view.rows and (line := self._progress_line()):
            rows = line.begun(response.data[view.rows])
            rows = rows if self._is_pretty else line.counted(rows)
            response = response._replace(data={**response.data, view.rows: rows})
        counter = _Counter(self.streams.stdout.flush)
        with _without_collection():
            self._write(counter.watched(response, view), view)
        if (view.rows or view.values) and not counter.count:
            self.notice(empty or view.empty)
        return counter.count

    def view_of(self, response: Response) -> View:
        """Give the view of an answer."""
        return VIEWS[response.view or response.endpoint]

    def _show_taken(self, response: Response, query: str) -> int:
        """Write what a query takes from an answer."""
        from projects_cli.render.query import as_table, taken

        result = taken(response, query)
        empty = result is None or result == []
        if self.output in {"json", "jsonl", "yaml"}:
            encode.write_value(result, self.output, self.streams.stdout.write, pretty=self._is_pretty)
        else:
            self._write(*as_table(result))
        if empty:
            self.notice("the query matched nothing")
        return 0 if empty else len(result) if isinstance(result, list) else 1

    def check(self, view: View) -> None:
        """Refuse what can't be had of an answer of this look, before anything is done.

        Raises:
            UsageError: `-o id` where there are no ids, a field that there is not, a query that can't be read.
        """
        if self.output == "id":
            if self.query is not None:
                raise UsageError("--query and -o id choose both what is shown", hint="leave one of them out")
            if view.id is None:
                raise UsageError("the answer of this command has no ids", hint="use -o json, or -o tsv")
        if self.fields:
            from projects_cli.render import field_selection

            field_selection.check(view, self.fields)
        if self.query is not None:
            from projects_cli.render import query

            query.check(self.query)

    @property
    def _is_pretty(self) -> bool:
        return self.is_terminal(self.streams.stdout)

    def _write(self, response: Response, view: View) -> None:
        write = self.streams.stdout.write
        if self.output == "json":
            encode.write_json(response, view, write, pretty=self._is_pretty)
        elif self.output == "table" and view.alone and view.alone in response.data:
            write(encode.cell(response.data[view.alone]) + "\n")
        elif self.output == "table" and self.is_terminal(self.streams.stdout):
            from projects_cli.render.table import write_table  # Rich is slow to import

            write_table(response, view, self)
        elif self.output in {"table", "tsv", "csv"}:
            columns = self._columns(response, view)
            row = encode.csv_row if self.output == "csv" else encode.tab_row
            heading = self.heading and any(title for _, title in columns)
            encode.write_separated(
                response,
                view,
                write,
                columns=columns,
                write_row=row,
                heading=heading,
                shows=self._shows(columns),
                as_cell=encode.safe_cell if self.csv_safe and self.output != "table" else None,
            )
        else:
            _WRITERS[self.output](response, view, write)

    def _columns(self, response: Response, view: View) -> list[tuple[str, str]]:
        if self.output == "table":
            return view.shown_columns(response.fields)
        if view.titled:
            return list(view.columns)
        return [(name, name) for name in response.fields or view.all_fields]

    def _shows(self, columns: Iterable[tuple[str, str]]) -> dict[str, Callable[[Any], str]]:
        """Give how lines of cells show some fields: times, where they were asked for in another form than stored."""
        if self.times in {None, "iso"}:
            return {}
        from projects_cli.render import humanize

        now = self.clock()
        show = partial(humanize.time, form=self.times, now=now)
        return {path: show for path, _ in columns if path in humanize.TIMES}

    # --- talk -----------------------------------------------------------------------------------------------------

    def notice(self, text: str) -> None:
        """Say something to the person, unless they asked for quiet."""
        if not self.quiet and self.output != "json":
            self.streams.stderr.write(shown(text) + "\n")

    def warn(self, text: str) -> None:
        """Tell something that matters; with `--json` at the end, and only of what succeeds: an error stands alone."""
        self._warnings.append(text)
        if self.output != "json":
            self.tell_warnings()

    def tell_warnings(self) -> None:
        """Write the warnings that are left."""
        for text in self._warnings:
            self.streams.stderr.write(f"{self.styled('warning:', 'bold orange')} {shown(text)}\n")
        self._warnings.clear()

    def error(self, error: ProjectsError) -> None:
        """Write an error to standard error: for people, or as one JSON object with `--json`."""
        if self.output == "json":
            in_utf8(self.streams.stderr).write(encode.dumps({"error": as_json(error)}) + "\n")
            return
        if isinstance(error, Declined):  # the user's own decision
            self.streams.stderr.write(f"{shown(error.message)}\n")
            return
        self.streams.stderr.write(f"{self.styled('error:', 'bold red')} {shown(error.message)}\n")
        if len(error.problems) > 1 or any(problem.details for problem in error.problems):
            for problem in error.problems:
                self.streams.stderr.write(f"  {shown(problem.path)}: {shown(problem.message)}\n")
        if error.hint:
            self.streams.stderr.write(f"{self.styled('hint:', 'cyan')} {shown(error.hint)}\n")

    def ask(
        self, question: str, *, typed: str | None = None, what: str = "the name", about: Sequence[str] = ()
    ) -> None:
        """Ask for a yes, or for something typed in full; on standard error, and only where somebody can answer.

        `what` says what is to be typed. `about` are lines on what the question is about; of many the first are shown.

        Raises:
            ConfirmationNeeded: standard input is no terminal. Declined: the person said no.
        """
        shown_lines = [f"  {shown(line)}\n" for line in about[:MOST_SHOWN]]
        if len(about) > MOST_SHOWN:
            shown_lines.append(f"  … and {len(about) - MOST_SHOWN:,} more\n")
        if self.can_ask or self.output != "json":
            self.streams.stderr.write("".join(shown_lines))
        if not self.can_ask:
            raise ConfirmationNeeded(
                f"cannot prompt: standard input is not a terminal: {question}",
                hint=self._how_to_answer(typed),
            )
        prompt = f"Type {what} to go on: " if typed is not None else "[y/N] "
        where = self.styled(f"PRODUCTION {shown(self.production)}: ", "bold red") if self.production else ""
        with self._cancelling():
            self.streams.stderr.write(f"{where}{shown(question)} {prompt}")
            self.streams.stderr.flush()
            answer = self._read_line()
        if answer is None:  # Ctrl-D: what follows begins a line of its own
            self.streams.stderr.write("\n")
            answer = ""
        if typed is not None and answer != typed:
            raise Declined(f"declined: {answer!r} is not {typed!r}; nothing was changed")
        if typed is None and answer.strip().lower() not in {"y", "yes"}:
            raise Declined("declined: nothing was changed")

    @contextmanager
    def _cancelling(self) -> Iterator[None]:
        """Report Ctrl-C at a question on a line of its own: nothing is changed before the answer."""
        try:
            yield
        except KeyboardInterrupt:
            self.streams.stderr.write("\ncancelled, nothing was changed\n")
            raise

    def _how_to_answer(self, typed: str | None) -> str:
        """Say which flags answer a question in advance."""
        named = f", or --confirm {typed!r}" if typed is not None else ""
        production = f"; with it --profile {shlex.quote(self.production)}" if self.production else ""
        return f"answer in advance with --yes{named}{production}"

    @property
    def can_ask(self) -> bool:
        """Tell whether there is somebody to answer a question."""
        return self.may_ask and self.is_terminal(self.streams.stdin)

    @property
    def can_pick(self) -> bool:
        """Tell whether there is somebody to pick from a list, which is drawn on standard error."""
        able = self.streams.environment.get("TERM") != "dumb"
        return able and self.can_ask and self.is_terminal(self.streams.stderr)

    def pick(self, options: Sequence[tuple[str, str]], *, title: str, several: bool) -> dict[str, str]:
        """Let the person pick from (key, label) pairs; see `picker.pick`."""
        from projects_cli.render import picker  # prompt_toolkit is slow to import

        with self._cancelling():
            return picker.pick(options, self, title=title, several=several)

    def line(self, prompt: str, *, hidden: bool = False) -> str | None:
        """Return a line of standard input, or None at its end; at a terminal `hidden` input is not shown.

        Raises:
            UsageError: the line is empty.
        """
        with self._cancelling():
            if hidden and self.can_ask:
                text = _typed_unseen(prompt, self.streams.stderr)
            else:
                if self.can_ask:
                    self.streams.stderr.write(prompt)
                    self.streams.stderr.flush()
                text = self._read_line()
        if text == "":
            raise UsageError("standard input gives no value: its first line is empty")
        return text

    def _read_line(self) -> str | None:
        """Return a line of standard input without its end, or None at the end of the input."""
        line = self.streams.stdin.readline()
        return check_utf8(line.rstrip("\r\n"), "the line of standard input") if line else None

    def progress(self, done: int, total: int) -> None:
        """Show how far a long change is."""
        if line := self._progress_line():
            line(done, total)

    def waiting(self, words: str) -> AbstractContextManager[None]:
        """Show while the block lasts that it does; `words` say what is waited for."""
        line = self._progress_line()
        if line is None:
            return nullcontext()
        from projects_cli.render.progress import waiting

        return waiting(line, words)

    def _progress_line(self) -> Progress | None:
        """Give the line that tells how far something is; none where nobody looks, or wants to."""
        if self.quiet or self.streams.environment.get("TERM") == "dumb" or not self.is_terminal(self.streams.stderr):
            return None
        if self._line is None:
            from projects_cli.render.progress import Progress  # only a person at a terminal pays for it

            self._line = Progress(self.streams.stderr)
        return self._line

    # --- what the streams can show --------------------------------------------------------------------------------

    def is_terminal(self, stream: TextIO) -> bool:
        """Tell whether a person looks at the stream."""
        try:
            return stream.isatty()
        except ValueError:  # closed
            return False

    def has_colour(self, stream: TextIO) -> bool:
        """Tell whether colour may be used: on a terminal that can, unless NO_COLOR or --no-color say otherwise."""
        environment = self.streams.environment
        wanted = self.colour and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
        return wanted and self.is_terminal(stream)

    def styled(self, text: str, style: str) -> str:
        """Give a text in a style, for standard error."""
        return colours.painted(text, style, self.streams.environment) if self.has_colour(self.streams.stderr) else text

    def size(self) -> tuple[int, int]:
        """Give the terminal's columns and lines."""
        columns, lines = shutil.get_terminal_size()
        return columns, lines


_WRITERS = {"jsonl": encode.write_jsonl, "yaml": encode.write_yaml, "id": encode.write_ids}


def as_json(error: ProjectsError) -> dict[str, Any]:
    """Give an error as JSON has it (cli.md, Output)."""
    shown_error: dict[str, Any] = {
        "code": error.code,
        "subcode": error.subcode,
        "name": error.name,
        "message": error.message,
        "hint": error.hint,
    }
    if isinstance(error, PartialFailure) and error.failures:
        shown_error["failures"] = [{"project": project, **as_json(fault)} for project, fault in error.failures]
    if error.problems:
        shown_error["problems"] = [
            {"path": problem.path, "message": problem.message, **(problem.details or {})} for problem in error.problems
        ]
    return shown_error


def _typed_unseen(prompt: str, stream: TextIO) -> str | None:
    from getpass import getpass  # a secret is rarely typed

    try:
        return getpass(prompt, stream)
    except EOFError:
        stream.write("\n")
        return None


@contextmanager
def _without_collection() -> Iterator[None]:
    """Keep the garbage collector from walking through records that are gone after their line anyway."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Counter:
    """Counts the records of an answer while they are written; after the first, `flush` shows what there is.

    It knows nothing of the answer: an answer that nobody reads any longer ends at once, and its cursor with it.
    """

    def __init__(self, flush: Callable[[], object]) -> None:
        self.count = 0
        self._flush = flush

    def watched(self, response: Response, view: View) -> Response:
        """Give the same answer, counted as it is read."""
        if view.values:
            self.count = sum(len(response.data.get(name) or ()) for name, _ in view.values)
        if view.rows is None:
            return response
        data = {**response.data, view.rows: self._counting(response.data[view.rows])}
        return type(response)(response.endpoint, data, response.fields, response.view)

    def _counting(self, rows: Iterable[Any]) -> Iterator[Any]:
        rows = iter(rows)
        for row in islice(rows, 1):
            self.count = 1
            yield row
            self._flush()
        for self.count, row in enumerate(rows, 2):
            yield row
