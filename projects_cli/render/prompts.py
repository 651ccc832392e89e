"""Questions to the user: a confirmation, a line of text, a choice from a list; on standard error."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from projects_cli.errors import ConfirmationNeeded, Declined, UsageError
from projects_cli.render.escaping import check_utf8, escape
from projects_cli.render.streams import Streams, is_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_DETAILS = 10
"""Lines about the subject of a question that are shown."""


@dataclass(slots=True)
class Prompts:
    """Asks the user; `production` is the name of a production profile, which each confirmation shows in red."""

    streams: Streams
    output: str = "table"
    allowed: bool = True
    production: str | None = None

    @property
    def can_ask(self) -> bool:
        """Whether the user can answer: standard input is a terminal, and `--no-input` is not given."""
        return self.allowed and is_terminal(self.streams.stdin)

    @property
    def can_pick(self) -> bool:
        """Whether the user can choose from a list, which is drawn on standard error."""
        return not self.streams.is_dumb and self.can_ask and is_terminal(self.streams.stderr)

    def confirm(
        self, question: str, *, expected: str | None = None, noun: str = "the name", details: Sequence[str] = ()
    ) -> None:
        """Ask for a yes, or for the `expected` text, which `noun` describes; of many `details` the first are shown.

        Raises:
            ConfirmationNeeded: the user cannot answer.
            Declined: the answer is no, or another text.
        """
        stderr = self.streams.stderr
        if self.can_ask or self.output != "json":
            stderr.write("".join(f"  {escape(line)}\n" for line in details[:MAX_DETAILS]))
            if len(details) > MAX_DETAILS:
                stderr.write(f"  … and {len(details) - MAX_DETAILS:,} more\n")
        if not self.can_ask:
            # The hint has all that the next attempt needs, since a script cannot ask again.
            option = f" or --confirm {expected!r}" if expected is not None else ""
            profile = f", and --profile {shlex.quote(self.production)}" if self.production else ""
            raise ConfirmationNeeded(
                f"cannot prompt: standard input is not a terminal: {question}",
                hint=f"answer in advance with --yes{option}{profile}",
            )
        prompt = f"Type {noun} to continue: " if expected is not None else "[y/N] "
        profile = f"PRODUCTION {escape(self.production)}: " if self.production else ""
        with self._cancelling():
            stderr.write(f"{self.streams.styled(profile, 'bold red') if profile else ''}{escape(question)} {prompt}")
            stderr.flush()
            answer = self._read_line()
        if answer is None:  # Ctrl-D leaves the cursor behind the prompt
            stderr.write("\n")
            answer = ""
        # Compared as typed: a name may begin or end with a space.
        if expected is not None and answer != expected:
            raise Declined(f"declined: {answer!r} is not {expected!r}; nothing was changed")
        if expected is None and answer.strip().lower() not in {"y", "yes"}:
            raise Declined("declined: nothing was changed")

    def pick(self, options: Sequence[tuple[str, str]], *, title: str, several: bool) -> dict[str, str]:
        """Return the (key, label) pairs that the user chooses; see `picker.pick`."""
        from projects_cli.render import picker  # prompt_toolkit is slow to import

        with self._cancelling():
            return picker.pick(options, self.streams, title=title, several=several)

    def read_value(self, prompt: str, *, hidden: bool = False) -> str | None:
        """Return a line of standard input, or None at its end; at a terminal `hidden` input is not echoed.

        Raises:
            UsageError: the line is empty.
        """
        with self._cancelling():
            if hidden and self.can_ask:
                from getpass import getpass  # rarely needed

                try:
                    text: str | None = getpass(prompt, self.streams.stderr)
                except EOFError:
                    self.streams.stderr.write("\n")
                    text = None
            else:
                if self.can_ask:
                    self.streams.stderr.write(prompt)
                    self.streams.stderr.flush()
                text = self._read_line()
        if text == "":
            raise UsageError("no value on standard input: its first line is empty")
        return text

    def _read_line(self) -> str | None:
        line = self.streams.stdin.readline()
        return check_utf8(line.rstrip("\r\n"), "the line of standard input") if line else None

    @contextmanager
    def _cancelling(self) -> Iterator[None]:
        """Report Ctrl-C at a question on a line of its own: nothing is changed before the answer."""
        try:
            yield
        except KeyboardInterrupt:
            self.streams.stderr.write("\ncancelled, nothing was changed\n")
            raise
