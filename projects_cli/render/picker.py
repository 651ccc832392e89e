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

from projects_cli.errors import Declined
from projects_cli.render.escaping import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyPressEvent

    from projects_cli.render.streams import Streams

MAX_LINES = 12
"""Most lines of the list that are visible at once."""


@dataclass(slots=True)
class Choice:
    """The options, as (key, label), those that match the search, the position of the cursor, and the marked options."""

    options: Sequence[tuple[str, str]]
    several: bool
    matching: list[tuple[str, str]] = field(default_factory=list)
    cursor: int = 0
    marked: dict[str, str] = field(default_factory=dict)

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

    def lines(self, height: int) -> StyleAndTextTuples:
        """Return the visible lines of the list, each with its style."""
        # The cursor stays in the middle, except near the ends of the list.
        top = max(0, min(self.cursor - height // 2, len(self.matching) - height))
        styled: StyleAndTextTuples = []
        for position, (key, label) in enumerate(self.matching[top : top + height], top):
            box = ("[x] " if key in self.marked else "[ ] ") if self.several else ""
            style = "reverse" if position == self.cursor else ""
            styled.append((style, f"{'>' if position == self.cursor else ' '} {box}{escape(label)}"))
            styled.append(("", f"  {key}\n"))
        return styled

    def status(self) -> str:
        """Return the number of matches, and the keys."""
        marked = f", {len(self.marked)} marked" if self.marked else ""
        keys = "Tab marks, Enter takes" if self.several else "Enter takes"
        return f"{len(self.matching):,} of {len(self.options):,}{marked}; {keys}, Esc leaves"


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
        Window(FormattedTextControl(lambda: choice.lines(height)), height=height, always_hide_cursor=True),
        Window(FormattedTextControl(lambda: [("", choice.status())]), height=1),
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
        raise Declined("nothing was picked")
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
