"""URIs and command lines without their secrets."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_COMMAND = 1000
"""Characters of a command line that the journal keeps."""

_HIDDEN = r"(?i)(?P<before>\b(?:authMechanismProperties|[\w-]{0,40}(?:passw|pwd|secret|token)[\w-]{0,40})=)"
"""Options of a URI with a secret, and unknown ones whose name says so."""
_CREDENTIALS = r"(?i)(?P<before>\b[a-z][a-z0-9+.-]*://[^\s/@:]*:)[^\s]*(?P<after>@)"
_MONGODB = r"(?is)(?P<before>\bmongodb(?:\+srv)?://[^/@:]*:).*(?P<after>@)"
"""A user and a password in a MongoDB URI may contain spaces, so text behind the URI may be hidden with them.

Patterns are compiled when they are first used, which a command without a URI never does.
"""

_NO_PORT = r"(?i)(?P<before>\bmongodb(?:\+srv)?://[^/@:\[\s]*:)(?!\d{1,5}(?:[,/?\s]|$))(?!\S*@)\S*"
"""Text behind a host that is not a port number: a password, if the `@` and the host are missing."""


def shown_uri(uri: str) -> str:
    """Return a URI without its secrets, even an invalid one."""
    # The last @: an unescaped password may have some itself.
    before, at, host = uri.rpartition("@")
    scheme, separator, credentials = before.rpartition("://")
    user, colon, _ = credentials.partition(":")
    host = re.sub(_HIDDEN + "[^&]*", r"\g<before>***", host)
    return redacted(f"{scheme}{separator}{user}{':***' if colon else ''}{at}{host}")


def redacted(text: str) -> str:
    """Return a text with the password of every URI in it replaced by `***`; rather too much than too little."""
    for credentials in (_MONGODB, _CREDENTIALS):
        text = re.sub(credentials, r"\g<before>***\g<after>", text)
    text = re.sub(_NO_PORT, r"\g<before>***", text)
    return re.sub(_HIDDEN + r"[^&\s]*", r"\g<before>***", text)


def redacted_command(words: Sequence[str]) -> str:
    """Return the command line for the journal, without the secrets of its URIs."""
    shown = ["projects"]
    # A word is looked at with the one before it, whose value it may be.
    for before, word in pairwise(words):
        option, joined, value = word.partition("=")
        if option == "--uri" and joined:
            shown.append(f"{option}={shown_uri(value)}")
        else:
            shown.append(shown_uri(word) if before == "--uri" else redacted(word))
    return shlex.join(shown)[:MAX_COMMAND]
