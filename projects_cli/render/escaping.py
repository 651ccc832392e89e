"""Escapes for text that may be hostile, so that a terminal and a line-oriented program get plain characters."""

from __future__ import annotations

import re

from projects_cli.errors import UsageError

UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0 and C1 controls, bidirectional marks and overrides, line and paragraph separators, lone surrogates."""

_INVALID_BYTE = re.compile("[\udc80-\udcff]")
"""The lone surrogates by which Python represents bytes that are not UTF-8 (PEP 383)."""


def escape(text: str) -> str:
    r"""Return a text with its unsafe characters as escapes: `\n`, `\x1b`, `\u202e`."""
    if text.isprintable():  # no unsafe character is
        return text
    return UNSAFE.sub(lambda match: ascii(match[0])[1:-1], text)


def check_utf8(text: str, source: str) -> str:
    """Return a text of the user's, if all of its bytes are UTF-8.

    Raises:
        UsageError: they are not. The message names the source, such as `argument 2`, not the text: it may be a secret.
    """
    invalid = None if text.isascii() else _INVALID_BYTE.search(text)
    if invalid is None:
        return text
    byte, offset = ord(invalid.group()) - 0xDC00, len(text[: invalid.start()].encode("utf-8", "surrogateescape"))
    raise UsageError(
        f"{source} is not valid UTF-8: byte 0x{byte:02x} at offset {offset}",
        hint="text is read as UTF-8 whatever the locale; convert it, for example with iconv -t UTF-8",
    )


def escape_json(text: str) -> str:
    """Return JSON with the unsafe characters that JSON allows in strings as its own escapes."""
    if text.isascii() and "\x7f" not in text:  # the encoder has escaped the other control characters
        return text
    # The line feeds are those between the lines of the document: the encoder has escaped those in strings.
    return UNSAFE.sub(lambda match: match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}", text)
