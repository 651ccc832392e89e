r"""Words on the command line of bash: parsed, and continued with the same quoting.

A name may contain anything, even `$(…)` and escape sequences. Whatever is offered is quoted so that bash takes it
literally.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing costs as much as the interpreter's whole start
    from collections.abc import Callable
    from typing import Literal

    Mode = Literal["", "'", '"']
    """The quotation that is open at the end of a word."""

SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./,:@%")
"""ASCII characters without a special meaning in bash, anywhere in a word."""

JOINERS = "\u200c\u200d"
"""Not printable alone, but part of emoji and of some scripts."""

ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "e": 27, "E": 27, "\\": 92, "'": 39, '"': 34}
"""Characters after a backslash in `$'…'`, and their codes."""


def unquoted(word: str) -> tuple[str, Mode] | None:
    """Return the text of a word and the quotation that is still open.

    None if the word has something that only the shell can expand, or ends in the middle of an escape sequence.
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
            # In double quotes only some characters are escaped; before any other the backslash stays.
            text += _bytes(word[index] if not mode or word[index] in '$`"\\\n' else f"\\{word[index]}")
            index += 1
        elif character == mode:
            mode = ""
        elif character in "'\"" and not mode:
            mode = character
        elif character == "$" and not mode and word[index : index + 1] == "'":
            end = _ansi(word, index + 1, text)
            if end is None:
                return None
            index = end
        elif character in "$`":
            return None
        else:
            text += _bytes(character)
    return text.decode("utf-8", "surrogateescape"), mode  # type: ignore[return-value] # one of the three by now


def _bytes(character: str) -> bytes:
    return character.encode("utf-8", "surrogateescape")


def _ansi(word: str, index: int, text: bytearray) -> int | None:
    """Append the content of `$'…'` to `text`. Return the index after it, or None if it is incomplete."""
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
        if letter == "x" and len(digits) == len("ff") and all(digit in "0123456789abcdefABCDEF" for digit in digits):
            text.append(int(digits, 16))
            index += 3
        elif letter in ESCAPES and letter:
            text.append(ESCAPES[letter])
            index += 1
        else:
            return None
    return None


def continued(rest: str, mode: Mode) -> str:
    """Return `rest`, quoted to continue a word with an open quotation `mode`."""
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
    if character == "!":  # history expansion: in double quotes the backslash before it would stay in the word
        return '"\\!"'
    if not is_visible(character):
        return f'"{_as_escape(character)}"'
    return f"\\{character}" if character in '$`"\\' else character


def is_visible(character: str) -> bool:
    """Return whether a terminal displays the character as it is."""
    return character.isprintable() or character in JOINERS


def _as_escape(character: str) -> str:
    r"""Return `$'\x1b'` for a control character or an invisible one."""
    return "$'" + "".join(f"\\x{byte:02x}" for byte in _bytes(character)) + "'"


class _Table(dict[int, str]):
    """The quoted form of each character, computed at its first use: an answer may have hundreds of names."""

    def __init__(self, quoted: Callable[[str], str]) -> None:
        super().__init__()
        self._quoted = quoted

    def __missing__(self, code: int) -> str:
        return self.setdefault(code, self._quoted(chr(code)))


_TABLES: dict[str, _Table] = {"": _Table(_plain), "'": _Table(_single), '"': _Table(_double)}
