"""How the text of a setting becomes its value; each raises ValueError with words for people."""

from __future__ import annotations

import math
import os
from pathlib import Path

TRUE = frozenset({"1", "true", "yes", "on"})
FORBIDDEN = frozenset('/\\. "$*<>:|?\0') | {chr(code) for code in range(0xD800, 0xE000)}
FORBIDDEN_WORDS = r'space or / \ . " $ * < > : | ?'
LONGEST_DATABASE = 63
DURATIONS = "write 30, 45s, 15m or 1h30m"
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
    seconds = _seconds(text)
    if seconds == 0:
        raise ValueError(f"{text!r} leaves no time at all; {DURATIONS}")
    return seconds


def patience(text: str) -> float:
    """Read how long to wait: a duration, or 0 for not at all."""
    return _seconds(text)


def _seconds(text: str) -> float:
    from pytimeparse.timeparse import timeparse  # needed only where a duration was given

    number = _number(text)
    seconds = timeparse(text.strip()) if number is None else number
    if seconds is None or seconds < 0:
        raise ValueError(f"{text!r} is no duration; {DURATIONS}")
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
    if "\0" in text:
        raise ValueError(f"{text!r}: no path has a NUL in it")
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise ValueError(f"{text!r}: no path has half a surrogate pair in it") from None
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{text!r}: {error}") from error


def database(text: str) -> str:
    """Read the name of a MongoDB database."""
    if not text or len(text.encode("utf-8", "replace")) > LONGEST_DATABASE or FORBIDDEN & set(text):
        raise ValueError(f"{text!r} can't be the name of a database: 1 to 63 bytes without {FORBIDDEN_WORDS}")
    return text


def uri(text: str) -> str:
    """Parse a URI; an empty one is most likely a variable that was not set, and must not lead to another database."""
    text = text.strip()  # a secret that is mounted or exported often ends with a newline
    if not text.lower().startswith(("mongodb://", "mongodb+srv://")):
        raise ValueError("a URI begins with mongodb:// or mongodb+srv://")  # without the text: it may hold a password
    return text


def company(text: str) -> str:
    """Read the id of a company; an empty one is what public documents have, and nobody's own."""
    if not text.strip():
        raise ValueError("a company has an id; an empty one stands for what is public")
    return text
