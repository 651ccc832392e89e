"""The colours, as data: each can be read on black and on white, and none is the only sign of anything."""

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
"""A colour's number among 256, which no theme changes, and what a terminal of 16 colours gets in its place."""

OF_FIELD: dict[str, str] = dict.fromkeys(("name", "endpoint", "metric", "field"), "bold")
OF_FIELD |= dict.fromkeys(("tags", "tag", "section"), "cyan")
OF_FIELD |= dict.fromkeys(
    ("id", "created", "last_update", "started", "finished", "kind", "last_used", "advice", "more"), "grey"
)
OF_FIELD |= {
    "stats.*.last_task_run": "grey",
    "stats.*.status_count.in_progress": "blue",
    "stats.*.status_count.completed": "green",
    "stats.*.status_count.failed": "red",
}
"""What a field's values look like."""

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
    "missing": "orange",
    "present": "green",
    "true": "green",
    "false": "grey",
}
"""What a word looks like in the fields of `WORDY`, wherever it stands."""

OF_SEVERITY: dict[str, str] = {"error": "red", "warning": "orange", "note": "grey"}
"""What the severity of a finding looks like."""

WORDY = frozenset({"state", "action", "running", "required"})


def style_of(field: str, text: str) -> str:
    """Give the name of a cell's style: bold, a colour, or none."""
    if field in WORDY:
        return OF_WORD.get(text, "")
    if text == "0":
        return "grey"
    return OF_FIELD.get(field, "")


def has_256(environment: Mapping[str, str]) -> bool:
    """Tell whether a terminal has 256 colours, by what it says of itself."""
    term = environment.get("TERM", "")
    return bool(environment.get("COLORTERM")) or term.endswith(("256color", "-direct", "kitty", "alacritty", "foot"))


def painted(text: str, style: str, environment: Mapping[str, str]) -> str:
    """Return a text with the escape sequences of a style: `bold`, a colour, or both, as in `bold red`."""
    codes = []
    for word in style.split():
        if word == "bold":
            codes.append("1")
        else:
            number, basic = COLOURS[word]
            codes.append(f"38;5;{number}" if has_256(environment) else basic)
    return f"\x1b[{';'.join(codes)}m{text}\x1b[0m"
