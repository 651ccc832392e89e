"""The address of the database: its URI, the origin of the URI, and how it is shown without its secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote_plus

from projects_cli.config.values import uri as checked_uri
from projects_cli.errors import ConfigError
from projects_cli.private_files import check_secret, read_owned

if TYPE_CHECKING:
    from pathlib import Path

    from projects_cli.config.settings import Settings

_HIDDEN = "(?i)(?P<before>\\b(?:tlsCertificateKeyFilePassword|authMechanismProperties|proxyPassword)=)"
_CREDENTIALS = r"(?i)(?P<before>\b[a-z][a-z0-9+.-]*://[^\s/@:]*:)[^\s]*(?P<after>@)"
_MONGODB = r"(?is)(?P<before>\bmongodb(?:\+srv)?://[^/@:]*:).*(?P<after>@)"
"""In a MongoDB URI a user and a password may have spaces: where a text goes on behind it, some of that is hidden too.

Compiled when they are first needed, which a command without a URI never does.
"""

NOT_DATA = "admin"
"""The database that a URI names for the login alone."""


OTHER_WAYS = "mount a secret read-only or with mode 0400; or put the URI into PROJECTS_MONGO_URI"
"""What to do about a URI file that others can read, besides chmod."""


class Target(NamedTuple):
    """The database to work on.

    Without a URI it is the private one. `source` is where the URI was found, `name_source` where the name of the
    database was ("" for the default). `warnings` are about the files that were read.
    """

    uri: str | None
    source: str
    name: str
    name_source: str
    warnings: tuple[str, ...] = ()


def target(settings: Settings) -> Target:
    """Return the database that the settings name, else the one that the variables of a server name.

    A database in the URI is used, as the server does, unless it is `admin`; the setting `database` wins over it.

    Raises:
        ConfigError: a URI file or a variable of the server cannot be used.
    """
    warnings: tuple[str, ...] = ()
    uri: str | None = None
    source, configured = "", None
    if settings.uri:
        uri, source = str(settings.uri), settings.sources["uri"]
    elif settings.uri_file:
        uri, warnings = _from_file(settings.uri_file)
        source = settings.sources["uri_file"]
    else:
        from projects_cli.config.server_variables import server_address  # a site's own settings do without

        if address := server_address(settings.environment):
            uri, source, configured = address.uri, ", ".join(address.variables), address.database
    if settings.origins["database"] != "default":
        return Target(uri, source, settings.database, settings.sources["database"], warnings)
    named = database_in(uri or "") or configured
    if named:
        return Target(uri, source, named, source, warnings)
    return Target(uri, source, settings.database, "", warnings)


def database_uri(settings: Settings) -> str | None:
    """Return the URI of the site's database, or None for the private server."""
    return target(settings).uri


def database_in(uri: str) -> str | None:
    """Return the database that a URI names for its documents, or None."""
    path = uri.partition("?")[0].partition("://")[2].rpartition("@")[2].partition("/")[2]
    name = unquote_plus(path).partition(".")[0]  # as the driver reads DATABASE.COLLECTION
    return name if name and name != NOT_DATA else None


def _from_file(path: Path) -> tuple[str, tuple[str, ...]]:
    """Read a URI from a file that nobody else can read; return it with a warning about the file, if there is one."""
    content, information, on_read_only_mount = read_owned(path)
    warning = check_secret(path, information, OTHER_WAYS, on_read_only_mount=on_read_only_mount)
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise ConfigError(f"the URI file {path} is not valid UTF-8") from error
    if not text or len(text.splitlines()) > 1:
        raise ConfigError(f"{path} should hold one line, a MongoDB URI")
    try:
        checked_uri(text)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None
    return text, (warning,) if warning else ()


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
