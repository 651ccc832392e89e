"""The colours, as data: each is legible on black and on white, and none is the only sign of anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

COLOURS: dict[str, tuple[int, str]] = {
    "red": (160, "31"),
    "orange": (130, "33"),
    "green": (28, "32"),
    "cyan": (30, "36"),
    "blue": (27, "34"),
    "grey": (243, "2"),
}
"""The number of each colour among 256, which no theme changes, and its code for a terminal with 16 colours."""

OF_FIELD: dict[str, str] = dict.fromkeys(("name", "endpoint", "metric", "field"), "bold")
OF_FIELD |= dict.fromkeys(("tags", "tag", "section"), "cyan")
OF_FIELD |= dict.fromkeys(
    ("id", "created", "last_update", "started", "finished", "kind", "last_used", "advice", "more"), "grey"
)
OF_FIELD |= {
    "stats.*.last_task_run": "grey",
    "last_run": "grey",
    "failed": "red",
    "web": "link",
    "stats.*.status_count.in_progress": "blue",
    "stats.*.status_count.completed": "green",
    "stats.*.status_count.failed": "red",
}
"""The style of the values of a field."""

OF_WORD: dict[str, str] = {
    "done": "green",
    "undone": "grey",
    "void": "grey",
    "applied": "orange",
    "applying": "orange",
    "undoing": "orange",
    "delete": "red",
    "update": "blue",
    "insert": "green",
    "create": "green",
    "missing": "orange",
    "present": "green",
    "true": "green",
    "false": "grey",
}
"""The style of a value of the fields in `WITH_WORDS`."""

OF_SEVERITY: dict[str, str] = {"error": "red", "warning": "orange", "note": "grey"}
"""The style of the severity of a finding."""

WITH_WORDS = frozenset({"state", "action", "running", "required"})


def style_of(field: str, text: str) -> str:
    """Return the style of a cell: bold, a colour, or none."""
    if field in WITH_WORDS:
        return OF_WORD.get(text, "")
    # Most counts are zero, and the others are of interest.
    if text == "0":
        return "grey"
    return OF_FIELD.get(field, "")


def painted(text: str, style: str, environment: Mapping[str, str]) -> str:
    """Return a text with the escape sequences of a style: `bold`, a colour, or both, as in `bold red`; or `link`."""
    if style == "link":
        # OSC 8: terminals that do not know it ignore it, but for the console of Linux, which prints parts of it.
        has_links = environment.get("TERM") != "linux"
        address = text.lstrip()
        indent = text[: len(text) - len(address)]
        return f"{indent}\x1b]8;;{address}\x1b\\{address}\x1b]8;;\x1b\\" if has_links else text
    # terminfo would be exact, but curses is slow to import, and may lack the entry.
    term = environment.get("TERM", "").endswith(("256color", "-direct", "kitty", "alacritty", "foot"))
    has_256 = bool(environment.get("COLORTERM")) or term
    codes = []
    for word in style.split():
        if word == "bold":
            codes.append("1")
        else:
            number, basic = COLOURS[word]
            # The 16 basic colours depend on the theme, and may be illegible on its background.
            codes.append(f"38;5;{number}" if has_256 else basic)
    return f"\x1b[{';'.join(codes)}m{text}\x1b[0m"
