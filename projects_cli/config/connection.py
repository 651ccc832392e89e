"""Which database: the URI that holds, where it came from, and how it is shown without its secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from projects_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from projects_cli.config.settings import Settings

CLEARML_URI = "CLEARML_MONGODB_SERVICE_CONNECTION_STRING"
CLEARML_HOST = "CLEARML_MONGODB_SERVICE_HOST"
CLEARML_PORT = "CLEARML_MONGODB_SERVICE_PORT"

_PASSWORD = re.compile(r"(?P<before>\b[a-z][a-z0-9+.-]*://[^\s/@:]*:)[^\s]*(?P<after>@)", re.IGNORECASE)
_OPTION = re.compile(
    r"(?P<before>\b(?:tlsCertificateKeyFilePassword|authMechanismProperties|proxyPassword)=)[^&\s]*", re.IGNORECASE
)


def database_uri(settings: Settings) -> str | None:
    """Give the URI of the site's database, or None where the private server is meant.

    The server's own variables rank below flags, this program's variables and profiles (data-model.md, Deployment).
    """
    if settings["uri"]:
        return str(settings["uri"])
    if settings["uri_file"]:
        return _from_file(settings["uri_file"])
    return _from_clearml(settings.environment)


def _from_file(path: Path) -> str:
    """Read a URI from a file that nobody else can read."""
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path} holds a URI and can be read by others", hint=f"chmod 600 {path}")
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the URI file can't be read: {error}") from error
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
    return redacted(f"{hidden}@{host}" if at else uri)


def redacted(text: str) -> str:
    """Give a text with the password of every URI in it replaced by `***`."""
    return _OPTION.sub(r"\g<before>***", _PASSWORD.sub(r"\g<before>***\g<after>", text))
