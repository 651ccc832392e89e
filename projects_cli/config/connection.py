"""Which database: the URI that holds, where it came from, and how it is shown without its secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from projects_cli.config.owned import check_private, read
from projects_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from projects_cli.config.settings import Settings

CLEARML_URI = "CLEARML_MONGODB_SERVICE_CONNECTION_STRING"
CLEARML_HOST = "CLEARML_MONGODB_SERVICE_HOST"
CLEARML_PORT = "CLEARML_MONGODB_SERVICE_PORT"

_HIDDEN = "(?i)(?P<before>\\b(?:tlsCertificateKeyFilePassword|authMechanismProperties|proxyPassword)=)"
_CREDENTIALS = r"(?i)(?P<before>\b[a-z][a-z0-9+.-]*://[^\s/@:]*:)[^\s]*(?P<after>@)"
_MONGODB = r"(?is)(?P<before>\bmongodb(?:\+srv)?://[^/@:]*:).*(?P<after>@)"
"""In a MongoDB URI a user and a password may have spaces: where a text goes on behind it, some of that is hidden too.

Compiled when they are first needed, which a command without a URI never does.
"""


def database_uri(settings: Settings) -> str | None:
    """Give the URI of the site's database, or None where the private server is meant.

    The server's own variables rank below flags, this program's variables and profiles (data-model.md, Deployment).
    """
    if settings["uri"]:
        return str(settings["uri"])
    if settings["uri_file"]:
        return _from_file(settings["uri_file"])
    return _from_clearml(settings.environment)


def clearml_variable(settings: Settings) -> str | None:
    """Give the server's own variable that names the database, where it is one of those that does."""
    if settings["uri"] or settings["uri_file"]:
        return None
    return next((name for name in (CLEARML_URI, CLEARML_HOST) if settings.environment.get(name)), None)


def _from_file(path: Path) -> str:
    """Read a URI from a file that nobody else can read."""
    content, mode = read(path)
    check_private(path, mode)
    try:
        text = content.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise ConfigError(f"the URI file {path} is no UTF-8: {error.reason}") from error
    if not text or len(text.splitlines()) > 1:
        raise ConfigError(f"{path} should hold one line, a MongoDB URI")
    return text


def _from_clearml(environment: Mapping[str, str]) -> str | None:
    if environment.get(CLEARML_URI):
        return environment[CLEARML_URI]
    host = environment.get(CLEARML_HOST)
    if not host:
        return None
    return f"mongodb://{host}:{environment.get(CLEARML_PORT) or 27017}"


def socket_uri(path: Path) -> str:
    """Give the URI of a private server's socket; discovery would lower-case the path, so there is none."""
    return f"mongodb://{quote(str(path), safe='')}/?directConnection=true"


def shown_uri(uri: str) -> str:
    """Give a URI without its secrets, even one that is badly written."""
    before, at, host = uri.rpartition("@")
    user, colon, _ = before.rpartition("://")[2].partition(":")
    scheme = before.rpartition("://")[0]
    hidden = f"{scheme}://" * bool(scheme) + user + ":***" * bool(colon)
    found = re.sub(_HIDDEN + "[^&]*", r"\g<before>***", host)
    return redacted(f"{hidden}@{found}" if at else found)


def redacted(text: str) -> str:
    """Give a text with the password of every URI in it replaced by `***`; rather too much than too little."""
    for credentials in (_MONGODB, _CREDENTIALS):
        text = re.sub(credentials, r"\g<before>***\g<after>", text)
    return re.sub(_HIDDEN + r"[^&\s]*", r"\g<before>***", text)
