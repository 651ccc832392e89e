"""`--interactive`: a list at a terminal to choose from, which is searched while the user types."""

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
from prompt_toolkit.utils import get_cwidth

from projects_cli.errors import Declined
from projects_cli.render.escaping import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyPressEvent

    from projects_cli.render.streams import Streams

MAX_LINES = 12
"""Most lines of the list that are visible at once."""

LEAST_LABEL = 16
"""Least width of a label beside a key."""


@dataclass(slots=True)
class Choice:
    """The options, as (key, label), those that match the search, the position of the cursor, and the marked options."""

    options: Sequence[tuple[str, str]]
    several: bool
    matching: list[tuple[str, str]] = field(default_factory=list)
    cursor: int = 0
    marked: dict[str, str] = field(default_factory=dict)
    longest_key: int = 0

    def __post_init__(self) -> None:
        """Measure the keys, once for all of what may be very many."""
        self.longest_key = max((len(key) for key, _ in self.options), default=0)

    def search(self, text: str) -> None:
        """Select the options whose label has every word of the text, in any case, or whose key begins with it."""
        # Words in any order: a user remembers parts of a name.
        words = text.lower().split()
        self.matching = [
            (key, label)
            for key, label in self.options
            if all(word in label.lower() or key.startswith(word) for word in words)
        ]
        self.cursor = 0

    def move(self, by: int) -> None:
        """Move the cursor, to the ends at most."""
        self.cursor = max(0, min(self.cursor + by, len(self.matching) - 1))

    def mark(self) -> None:
        """Mark or unmark the option at the cursor, and move to the next."""
        if self.matching:
            key, label = self.matching[self.cursor]
            if self.marked.pop(key, None) is None:
                self.marked[key] = label
            self.move(1)

    @property
    def chosen(self) -> dict[str, str]:
        """The marked options, or the one at the cursor if none is marked."""
        return self.marked or dict(self.matching[self.cursor : self.cursor + 1])

    def lines(self, height: int, width: int) -> StyleAndTextTuples:
        """Return the visible lines of the list, each with its style: a label is cut to the width, a key never.

        If too little of the labels would be left, the keys are not on their lines: `status` has that at the cursor.
        """
        # The cursor stays in the middle, except near the ends of the list.
        top = max(0, min(self.cursor - height // 2, len(self.matching) - height))
        styled: StyleAndTextTuples = []
        marks = 6 if self.several else 2
        room = self._room(width) or width - marks
        for position, (key, label) in enumerate(self.matching[top : top + height], top):
            box = ("[x] " if key in self.marked else "[ ] ") if self.several else ""
            style = "reverse" if position == self.cursor else ""
            styled.append((style, f"{'>' if position == self.cursor else ' '} {box}{_end_of(escape(label), room)}"))
            styled.append(("", f"  {key}\n" if self._room(width) else "\n"))
        return styled

    def _room(self, width: int) -> int:
        """Return how many columns a label has beside the longest key; 0 if they are too few."""
        room = width - (6 if self.several else 2) - 2 - self.longest_key
        return room if room >= LEAST_LABEL else 0

    def status(self, width: int) -> str:
        """Return the number of matches, and the keys; without room for those of the options, that at the cursor."""
        if self.matching and not self._room(width):
            return self.matching[self.cursor][0]
        marked = f", {len(self.marked)} marked" if self.marked else ""
        keys = "Tab marks, Enter selects" if self.several else "Enter selects"
        return f"{len(self.matching):,} of {len(self.options):,}{marked}; {keys}, Esc cancels"


def _end_of(text: str, width: int) -> str:
    """Return a text that fits, without its beginning if it is too long: the ends of names differ."""
    if get_cwidth(text) <= width:
        return text
    end = text
    while end and get_cwidth(end) > width - 1:
        end = end[1:]
    return f"…{end}"


def pick(options: Sequence[tuple[str, str]], streams: Streams, *, title: str, several: bool) -> dict[str, str]:
    """Return the options that the user chooses, at least one, from (key, label) pairs.

    Raises:
        Declined: the user leaves the list.
        KeyboardInterrupt: the user presses Ctrl-C.
    """
    choice = Choice(options, several=several)
    choice.search("")
    # Three lines are for the search, the status and the prompt that follows.
    height = max(1, min(MAX_LINES, streams.size()[1] - 3, len(options)))
    typed = Buffer(multiline=False, on_text_changed=lambda buffer: choice.search(buffer.text))
    rows = [
        VSplit([Window(FormattedTextControl(f"{title}: "), dont_extend_width=True), Window(BufferControl(typed))]),
        Window(
            FormattedTextControl(lambda: choice.lines(height, streams.size()[0] - 1)),
            height=height,
            always_hide_cursor=True,
        ),
        Window(FormattedTextControl(lambda: [("", choice.status(streams.size()[0] - 1))]), height=1),
    ]
    stderr = streams.stderr

    def size() -> Size:
        columns, lines = streams.size()
        return Size(lines, columns)

    # One bit: reverse video still marks the cursor.
    depth = None if streams.has_colour(stderr) else ColorDepth.DEPTH_1_BIT
    application: Application[dict[str, str] | None] = Application(
        Layout(HSplit(rows)),
        key_bindings=_keys(choice, height),
        erase_when_done=True,
        # Without the query for the cursor's position: some terminals do not answer it.
        output=Vt100_Output(stderr, size, default_color_depth=depth, enable_cpr=False),
    )
    chosen = application.run()
    if not chosen:
        raise Declined("nothing was selected")
    return chosen


def _keys(choice: Choice, height: int) -> KeyBindings:
    keys = KeyBindings()
    moves = {"up": -1, "c-p": -1, "down": 1, "c-n": 1, "pageup": -height, "pagedown": height}
    for key, by in moves.items():
        keys.add(key)(lambda _, by=by: choice.move(by))

    @keys.add("enter")
    def take(event: KeyPressEvent) -> None:
        if choice.chosen:
            event.app.exit(result=dict(choice.chosen))

    @keys.add("tab")
    def mark(_: KeyPressEvent) -> None:
        if choice.several:
            choice.mark()

    @keys.add("escape", eager=True)
    @keys.add("c-d")
    def leave(event: KeyPressEvent) -> None:
        event.app.exit(result=None)

    @keys.add("c-c")
    def interrupt(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt)

    return keys
