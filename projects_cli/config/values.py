"""How the text of a setting becomes its value; each raises ValueError with words for people."""

from __future__ import annotations

import math
from pathlib import Path

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})


def boolean(text: str) -> bool:
    """Read a switch: 1/0, true/false, yes/no, on/off."""
    word = text.strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise ValueError(f"{text!r} is neither true nor false")


def names(text: str) -> tuple[str, ...]:
    """Read a list of names: `id,name`."""
    found = tuple(name.strip() for name in text.split(",") if name.strip())
    if not found:
        raise ValueError(f"{text!r} names nothing; write a,b")
    return found


def count(text: str) -> int:
    """Read a number of things, from 0."""
    if not text.strip().isdecimal():
        raise ValueError(f"{text!r} is no number of things; write 0, 1, 2 …")
    return int(text)


def duration(text: str) -> float:
    """Read a duration (`30`, `1.5s`, `15m`, `1h30m`) as seconds; a bare number is seconds."""
    from pytimeparse.timeparse import timeparse  # needed only where a duration was given

    seconds = _number(text) or timeparse(text.strip())
    if seconds is None or seconds <= 0:
        raise ValueError(f"{text!r} is no duration; write 30, 45s, 15m or 1h30m")
    return float(seconds)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def file_path(text: str) -> Path:
    """Read the path of a file; `~` is the person's own folder."""
    if "://" in text:
        raise ValueError("a path is wanted here, and this is a URI")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{text!r}: {error}") from error
