"""Picking from a list at a terminal, by typing a part of what is meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.data_structures import Size
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import BufferControl, FormattedTextControl, HSplit, Layout, VSplit, Window
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output

from projects_cli.errors import Declined
from projects_cli.render.escaping import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyPressEvent

    from projects_cli.render.streams import Streams

LINES = 12
"""Most lines of the list that are seen at once."""


@dataclass(slots=True)
class Choice:
    """What there is, which of it matches what was typed, where the person is, and what is marked."""

    options: Sequence[tuple[str, str]]
    several: bool
    matching: list[tuple[str, str]] = field(default_factory=list)
    at: int = 0
    marked: dict[str, str] = field(default_factory=dict)

    def search(self, text: str) -> None:
        """Keep the options that have every word typed, in any case; an id by its beginning too."""
        words = text.lower().split()
        self.matching = [
            (key, label)
            for key, label in self.options
            if all(word in label.lower() or key.startswith(word) for word in words)
        ]
        self.at = 0

    def move(self, by: int) -> None:
        """Go up or down, to the ends at most."""
        self.at = max(0, min(self.at + by, len(self.matching) - 1))

    def mark(self) -> None:
        """Mark the option where the person is, or take the mark away, and go on to the next."""
        if self.matching:
            key, label = self.matching[self.at]
            if self.marked.pop(key, None) is None:
                self.marked[key] = label
            self.move(1)

    @property
    def chosen(self) -> dict[str, str]:
        """Give what was marked; where nothing was, the option where the person is."""
        here = dict(self.matching[self.at : self.at + 1])
        return self.marked or here

    def lines(self, height: int) -> StyleAndTextTuples:
        """Give the lines of the list that are seen, each with its style."""
        top = max(0, min(self.at - height // 2, len(self.matching) - height))
        styled: StyleAndTextTuples = []
        for position, (key, label) in enumerate(self.matching[top : top + height], top):
            sign = ("[x] " if key in self.marked else "[ ] ") if self.several else ""
            style = "reverse" if position == self.at else ""
            styled.append((style, f"{'>' if position == self.at else ' '} {sign}{escape(label)}"))
            styled.append(("", f"  {key}\n"))
        return styled

    def status(self) -> str:
        """Say how much matches, and what the keys do."""
        marked = f", {len(self.marked)} marked" if self.marked else ""
        keys = "Tab marks, Enter takes" if self.several else "Enter takes"
        return f"{len(self.matching):,} of {len(self.options):,}{marked}; {keys}, Esc leaves"


def pick(options: Sequence[tuple[str, str]], streams: Streams, *, title: str, several: bool) -> dict[str, str]:
    """Let the person pick from (key, label) pairs; gives what was picked, never nothing.

    Raises:
        Declined: the person left. KeyboardInterrupt: by Ctrl-C.
    """
    choice = Choice(options, several=several)
    choice.search("")
    height = max(1, min(LINES, streams.size()[1] - 3, len(options)))
    typed = Buffer(multiline=False, on_text_changed=lambda buffer: choice.search(buffer.text))
    rows = [
        VSplit([Window(FormattedTextControl(f"{title}: "), dont_extend_width=True), Window(BufferControl(typed))]),
        Window(FormattedTextControl(lambda: choice.lines(height)), height=height, always_hide_cursor=True),
        Window(FormattedTextControl(lambda: [("", choice.status())]), height=1),
    ]
    stderr = streams.stderr

    def size() -> Size:
        columns, lines = streams.size()
        return Size(lines, columns)

    depth = None if streams.has_colour(stderr) else ColorDepth.DEPTH_1_BIT
    application: Application[dict[str, str] | None] = Application(
        Layout(HSplit(rows)),
        key_bindings=_keys(choice, height),
        erase_when_done=True,
        output=Vt100_Output(stderr, size, default_color_depth=depth, enable_cpr=False),  # a terminal may not answer
    )
    picked = application.run()
    if not picked:
        raise Declined("nothing was picked")
    return picked


def _keys(choice: Choice, height: int) -> KeyBindings:
    keys = KeyBindings()
    moves = {"up": -1, "c-p": -1, "down": 1, "c-n": 1, "pageup": -height, "pagedown": height}
    for key, by in moves.items():
        keys.add(key)(lambda _, by=by: choice.move(by))

    @keys.add("enter")
    def _take(event: KeyPressEvent) -> None:
        if choice.chosen:
            event.app.exit(result=dict(choice.chosen))

    @keys.add("tab")
    def _mark(_: KeyPressEvent) -> None:
        if choice.several:
            choice.mark()

    @keys.add("escape", eager=True)
    @keys.add("c-d")
    def _leave(event: KeyPressEvent) -> None:
        event.app.exit(result=None)

    @keys.add("c-c")
    def _interrupt(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt)

    return keys
