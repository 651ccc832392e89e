"""The address of the database: its URI, and the origin of the URI."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote_plus

from projects_cli.config.settings import parse_uri
from projects_cli.errors import ConfigError
from projects_cli.private_files import check_secret, read_owned

if TYPE_CHECKING:
    from pathlib import Path

    from projects_cli.config.settings import Settings

LOGIN_DATABASE = "admin"
"""The database that a URI names for the login alone."""

ALTERNATIVES = "mount a secret read-only or with mode 0400; or put the URI into PROJECTS_MONGO_URI"
"""What to do about a URI file that others can read, besides chmod."""


class Target(NamedTuple):
    """The database to work on; without a URI it is the private one.

    `source` is the setting that the URI is from, `name_source` the one that the database's name is from ("" for the
    default). `warnings` are about the files that were read.
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
    # A URI of our own settings wins over the variables of a server.
    if settings.uri:
        uri, source = settings.uri, settings.sources["uri"]
    elif settings.uri_file:
        uri, warnings = _from_file(settings.uri_file)
        source = settings.sources["uri_file"]
    else:
        from projects_cli.config.server_variables import server_address  # not needed with a URI of our own settings

        if address := server_address(settings.environment):
            uri, source, configured = address.uri, ", ".join(address.variables), address.database
    if settings.origins["database"] != "default":
        return Target(uri, source, settings.database, settings.sources["database"], warnings)
    if name := database_in(uri or "") or configured:
        return Target(uri, source, name, source, warnings)
    return Target(uri, source, settings.database, "", warnings)


def database_in(uri: str) -> str | None:
    """Return the database that a URI names for its documents, or None."""
    path = uri.partition("?")[0].partition("://")[2].rpartition("@")[2].partition("/")[2]
    name = unquote_plus(path).partition(".")[0]  # as the driver reads DATABASE.COLLECTION
    return name if name and name != LOGIN_DATABASE else None


def _from_file(path: Path) -> tuple[str, tuple[str, ...]]:
    """Read a URI from a file that no other user can read; return it with a warning about the file, if there is one."""
    # Content, owner and mode are of one open file, so that nothing can be exchanged in between.
    content, information, on_read_only_mount = read_owned(path)
    warning = check_secret(path, information, ALTERNATIVES, on_read_only_mount=on_read_only_mount)
    try:
        # Mounted secrets and editors add a byte order mark or a line break.
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise ConfigError(f"the URI file {path} is not valid UTF-8") from error
    if not text or len(text.splitlines()) > 1:
        raise ConfigError(f"{path} should contain one line, a MongoDB URI")
    try:
        parse_uri(text)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None
    return text, (warning,) if warning else ()


def socket_uri(path: Path) -> str:
    """Return the URI of a private server's socket; discovery would convert the path to lower case, so it is off."""
    return f"mongodb://{quote(str(path), safe='')}/?directConnection=true"
