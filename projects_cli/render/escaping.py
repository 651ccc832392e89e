"""Making text harmless: whatever stands in a name, a terminal or a line-oriented program gets plain characters."""

from __future__ import annotations

import re

from projects_cli.errors import UsageError

UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0 and C1 controls, bidirectional marks and overrides, line and paragraph separators, lone surrogates."""

_INVALID_BYTE = re.compile("[\udc80-\udcff]")
"""The lone surrogates by which Python represents bytes that are not UTF-8 (PEP 383)."""

_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def shown(text: str) -> str:
    r"""Give a text with its unsafe characters written as escapes: `\n`, `\x1b`, `\u202e`."""
    return text if text.isprintable() else UNSAFE.sub(_escape, text)  # what is printable holds nothing unsafe


def check_utf8(text: str, source: str) -> str:
    """Return a text that was read from outside, if all of its bytes are UTF-8.

    Raises:
        UsageError: they are not; the message names the source, such as `argument 2`, and not the text, which may be
            a secret.
    """
    invalid = None if text.isascii() else _INVALID_BYTE.search(text)
    if invalid is None:
        return text
    byte, offset = ord(invalid.group()) - 0xDC00, len(text[: invalid.start()].encode("utf-8", "surrogateescape"))
    raise UsageError(
        f"{source} is not valid UTF-8: byte 0x{byte:02x} at offset {offset}",
        hint="text is read as UTF-8 whatever the locale; convert it, for example with iconv -t UTF-8",
    )


def has_unsafe(lines: str) -> bool:
    """Tell whether lines of text hold an unsafe character besides their ends."""
    return UNSAFE.search(lines.replace("\n", "")) is not None


def shown_in_json(text: str) -> str:
    """Give JSON with the unsafe characters that JSON itself lets through written as JSON's escapes."""
    if text.isascii() and "\x7f" not in text:  # JSON has escaped the rest itself
        return text
    return UNSAFE.sub(_json_escape, text) if UNSAFE.search(text) else text


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")  # noqa: PLR2004


def _json_escape(match: re.Match[str]) -> str:
    character = match.group()
    return character if character == "\n" else f"\\u{ord(character):04x}"
