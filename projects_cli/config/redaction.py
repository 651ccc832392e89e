"""URIs without their secrets."""

from __future__ import annotations

import re

_HIDDEN = "(?i)(?P<before>\\b(?:tlsCertificateKeyFilePassword|authMechanismProperties|proxyPassword)=)"
_CREDENTIALS = r"(?i)(?P<before>\b[a-z][a-z0-9+.-]*://[^\s/@:]*:)[^\s]*(?P<after>@)"
_MONGODB = r"(?is)(?P<before>\bmongodb(?:\+srv)?://[^/@:]*:).*(?P<after>@)"
"""A user and a password in a MongoDB URI may contain spaces, so text behind the URI may be hidden with them.

Patterns are compiled when they are first used, which a command without a URI never does.
"""


def shown_uri(uri: str) -> str:
    """Return a URI without its secrets, even an invalid one."""
    before, at, host = uri.rpartition("@")
    scheme, separator, credentials = before.rpartition("://")
    user, colon, _ = credentials.partition(":")
    host = re.sub(_HIDDEN + "[^&]*", r"\g<before>***", host)
    return redacted(f"{scheme}{separator}{user}{':***' if colon else ''}{at}{host}")


def redacted(text: str) -> str:
    """Return a text with the password of every URI in it replaced by `***`; rather too much than too little."""
    for credentials in (_MONGODB, _CREDENTIALS):
        text = re.sub(credentials, r"\g<before>***\g<after>", text)
    return re.sub(_HIDDEN + r"[^&\s]*", r"\g<before>***", text)
