"""Notices, warnings, errors and progress, on standard error; responses go to standard output (see `output`)."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from projects_cli.errors import Declined, PartialFailure, ProjectsError
from projects_cli.render.escaping import escape
from projects_cli.render.streams import Streams, in_utf8, is_terminal

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from projects_cli.render.log import Level, Log
    from projects_cli.render.progress import Progress


@dataclass(slots=True)
class Console:
    """Writes messages to standard error; with `output` "json" they are machine-readable.

    `shown_progress` is a value of `--progress`. A log has all messages, those too that `--quiet` suppresses.
    """

    streams: Streams
    output: str = "table"
    quiet: bool = False
    shown_progress: str = "auto"
    log: Log | None = None
    _progress: Progress | None = None
    _warnings: list[str] = field(default_factory=list)

    @property
    def has_notices(self) -> bool:
        """Whether notices are written: not with `--quiet` or `--json`."""
        return not self.quiet and self.output != "json"

    def notice(self, text: str) -> None:
        """Write a notice, unless `--quiet` or `--json` is given."""
        self.record("info", text)
        if self.has_notices:
            self.streams.stderr.write(escape(text) + "\n")

    def warn(self, text: str) -> None:
        """Write a warning; with `--json` it is kept until the command has succeeded, so that an error stands alone."""
        self.record("warning", text)
        # Written at once or kept: `flush_warnings` does both, so that all look the same.
        self._warnings.append(text)
        if self.output != "json":
            self.flush_warnings()

    def flush_warnings(self) -> None:
        """Write the warnings that were kept."""
        for text in self._warnings:
            self.streams.stderr.write(f"{self.streams.styled('warning:', 'bold orange')} {escape(text)}\n")
        self._warnings.clear()

    def error(self, error: ProjectsError) -> None:
        """Write an error, with its problems and its hint; with `--json` as one JSON object."""
        self.record("error", error.message)
        write, styled = self.streams.stderr.write, self.streams.styled
        if self.output == "json":
            # A caller that parses standard error expects one document, in UTF-8 whatever the locale.
            from projects_cli.render.encode import dumps

            in_utf8(self.streams.stderr).write(dumps({"error": as_json(error)}) + "\n")
            return
        if isinstance(error, Declined):  # the user's own decision, not a failure
            write(f"{escape(error.message)}\n")
            return
        write(f"{styled('error:', 'bold red')} {escape(error.message)}\n")
        # A single problem without details is the message already.
        if len(error.problems) > 1 or any(problem.details for problem in error.problems):
            for problem in error.problems:
                write(f"  {escape(problem.path)}: {escape(problem.message)}\n")
        if error.hint:
            write(f"{styled('hint:', 'cyan')} {escape(error.hint)}\n")

    def record(self, level: Level, text: str) -> None:
        """Write a message to the log, if there is one; a log that can't be written is given up with a warning."""
        if self.log is not None and not self.log.write(level, text):
            self.log = None
            self.warn("the log can't be written any more: it ends here")

    def progress(self, done: int, total: int) -> None:
        """Show the progress of a long change."""
        if line := self.progress_line():
            line(done, total)

    def waiting(self, label: str) -> AbstractContextManager[None]:
        """Show how long the block has been running, with a label that says what it waits for."""
        line = self.progress_line()
        if line is None:
            return nullcontext()
        from projects_cli.render.progress import waiting

        return waiting(line, label)

    def progress_line(self) -> Progress | None:
        """Return the progress line; None with `--quiet` and without a terminal that can show one.

        With `--progress json` it is a line of JSON now and then, wherever it goes.
        """
        if self.shown_progress == "json":
            if self._progress is None:
                from projects_cli.render.progress import JsonProgress

                self._progress = JsonProgress(in_utf8(self.streams.stderr))
            return self._progress
        # The line is overwritten with carriage returns: in a file they would only be noise.
        if self.quiet or self.shown_progress == "none" or not is_terminal(self.streams.stderr) or self.streams.is_dumb:
            return None
        if self._progress is None:
            from projects_cli.render.progress import Progress  # only needed at a terminal

            self._progress = Progress(self.streams.stderr)
        return self._progress


def as_json(error: ProjectsError) -> dict[str, Any]:
    """Return an error as an object for JSON."""
    document: dict[str, Any] = {
        "code": error.code,
        "subcode": error.subcode,
        "name": error.name,
        "message": error.message,
        "hint": error.hint,
    }
    if isinstance(error, PartialFailure) and error.failures:
        document["failures"] = [{"project": project, **as_json(failure)} for project, failure in error.failures]
    if error.problems:
        document["problems"] = [
            {"path": problem.path, "message": problem.message, **(problem.details or {})} for problem in error.problems
        ]
    return document
