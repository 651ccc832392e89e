r"""Words as bash has them on its command line: read, and continued in the way they were begun.

A name may hold anything, `$(…)` and escapes too: whatever is offered stands for itself and nothing else.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing costs as much as the interpreter's whole start
    from collections.abc import Callable
    from typing import Literal

    Mode = Literal["", "'", '"']
    """What a word is in the middle of: nothing, or a quotation."""

SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./,:@%")
"""ASCII that means nothing to bash, wherever it stands in a word."""

JOINERS = "\u200c\u200d"
"""Not printable by themselves; emoji and scripts are made with them."""

ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "e": 27, "E": 27, "\\": 92, "'": 39, '"': 34}
"""What bash's `$'…'` understands after a backslash, besides numbers."""


def unquoted(word: str) -> tuple[str, Mode] | None:
    """Read a word as far as it goes: its text, and the quotation that is still open.

    Gives None where it has what only the shell knows: a variable, a command; or the middle of an escape.
    """
    text, mode, index = bytearray(), "", 0
    while index < len(word):
        character = word[index]
        index += 1
        if mode == "'" and character != "'":
            text += _bytes(character)
        elif character == "\\":
            if index == len(word):
                return None
            text += _escaped(word[index], mode)
            index += 1
        elif character == mode:
            mode = ""
        elif character in "'\"" and not mode:
            mode = character
        elif character == "$" and not mode and word[index : index + 1] == "'":
            found = _ansi(word, index + 1, text)
            if found is None:
                return None
            index = found
        elif character in "$`":
            return None
        else:
            text += _bytes(character)
    return text.decode("utf-8", "surrogateescape"), mode  # type: ignore[return-value] # one of the three by now


def _bytes(character: str) -> bytes:
    return character.encode("utf-8", "surrogateescape")


def _escaped(character: str, mode: str) -> bytes:
    """Read what follows a backslash; in double quotes it only counts before some characters."""
    counts = not mode or character in '$`"\\\n'
    return _bytes(character) if counts else b"\\" + _bytes(character)


def _ansi(word: str, index: int, text: bytearray) -> int | None:
    """Read the inside of `$'…'` into `text`; gives where the word goes on, or None where it does not end."""
    while index < len(word):
        character = word[index]
        index += 1
        if character == "'":
            return index
        if character != "\\":
            text += _bytes(character)
            continue
        letter = word[index : index + 1]
        digits = word[index + 1 : index + 3]
        if letter == "x" and len(digits) == 2 and all(digit in "0123456789abcdefABCDEF" for digit in digits):  # noqa: PLR2004
            text.append(int(digits, 16))
            index += 3
        elif letter in ESCAPES and letter:
            text.append(ESCAPES[letter])
            index += 1
        else:
            return None
    return None


def continued(rest: str, mode: Mode) -> str:
    """Give what to write behind a word that is in the middle of `mode`, so that it goes on with `rest`."""
    return rest.translate(_TABLES[mode])


def _plain(character: str) -> str:
    if not is_visible(character):
        return _as_escape(character)
    return character if character in SAFE or not character.isascii() else "\\" + character


def _single(character: str) -> str:
    if character == "'":
        return "'\\''"
    return character if is_visible(character) else f"'{_as_escape(character)}'"


def _double(character: str) -> str:
    if character == "!":  # history, which a backslash in double quotes stops but does not leave
        return '"\\!"'
    if not is_visible(character):
        return f'"{_as_escape(character)}"'
    return f"\\{character}" if character in '$`"\\' else character


def is_visible(character: str) -> bool:
    """Tell whether a person sees the character as what it is."""
    return character.isprintable() or character in JOINERS


def _as_escape(character: str) -> str:
    r"""Give `$'\x1b'` for a character that a terminal would act on, or that nobody sees."""
    return "$'" + "".join(f"\\x{byte:02x}" for byte in _bytes(character)) + "'"


class _Table(dict[int, str]):
    """What to write for each character, found when it is first met: an answer may have hundreds of names."""

    def __init__(self, quoted: Callable[[str], str]) -> None:
        """Keep the way to write one character."""
        super().__init__()
        self._quoted = quoted

    def __missing__(self, code: int) -> str:
        """Find what to write for a character."""
        return self.setdefault(code, self._quoted(chr(code)))


_TABLES: dict[str, _Table] = {"": _Table(_plain), "'": _Table(_single), '"': _Table(_double)}
