"""The connection: how it is made, what it promises, and how the driver's faults become this program's."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pymongo
from pymongo import errors as driver

from projects_cli import __version__
from projects_cli.errors import (
    ConfigError,
    DatabaseError,
    DatabaseRefused,
    DatabaseTimeout,
    DatabaseUnavailable,
    ExpectedUniqueData,
    InvalidRegexError,
    ProjectsError,
    TextIndexMissing,
    ValidationError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymongo.database import Database

DEFAULT_TIMEOUT = 30.0
"""Seconds for one command of the server, where `--timeout` says nothing (cli.md, Global options)."""

FIRST_CONTACT = 10.0
"""Seconds to find the server at all; a wrong address should not cost the whole timeout."""

UNLIMITED = 2_000_000.0
"""Seconds; stands for no limit, as MongoDB takes at most 2**31 milliseconds."""

TEXT_INDEX_HINT = (
    "an administrator of the database can make one: db.project.createIndex("
    '{name: "text", description: "text", _id: "text"}, {weights: {name: 10, description: 10, _id: 1}})'
)

BAD_VALUE = 2
"""MongoDB's code for many faults, a NUL in a regular expression among them."""

_CODES: dict[int, type[ProjectsError]] = {
    13: DatabaseRefused,  # Unauthorized
    18: DatabaseRefused,  # AuthenticationFailed
    33: DatabaseRefused,  # AccountDisabled... as Atlas reports it
    8000: DatabaseRefused,  # AtlasError
    27: TextIndexMissing,
    50: DatabaseTimeout,  # MaxTimeMSExpired
    51091: InvalidRegexError,
    11000: ExpectedUniqueData,
    91: DatabaseUnavailable,  # ShutdownInProgress
    11600: DatabaseUnavailable,  # InterruptedAtShutdown
}


class Connection:
    """A client of one deployment, and the database that holds the documents."""

    def __init__(self, client: pymongo.MongoClient[dict[str, Any]], database: str, timeout: float | None) -> None:
        """Keep the client; `timeout` is what the person asked for, or None."""
        self.client = client
        self.database: Database[dict[str, Any]] = client[database]
        self.timeout = timeout

    def close(self) -> None:
        """Close the sockets."""
        self.client.close()


def connect(uri: str, database: str, *, shown: str, timeout: float | None = None) -> Connection:
    """Connect and say hello once, so that a wrong address or password is found before anything else.

    `shown` is what messages call the server: the URI without its secrets. Writes are acknowledged by a majority
    unless the URI says otherwise; the database in the URI is the authentication source only.

    Raises:
        ConfigError: the URI can't be understood.
        DatabaseUnavailable, DatabaseRefused: nobody answers, or not to this user.
    """
    limit = timeout or DEFAULT_TIMEOUT
    options: dict[str, Any] = {
        "appname": f"projects-cli {__version__}",
        "timeoutMS": int(limit * 1000),
        "serverSelectionTimeoutMS": int(limit * 1000),
        "datetime_conversion": "DATETIME_AUTO",
        "unicode_decode_error_handler": "replace",
        "connect": False,
    }
    if "w=" not in uri.partition("?")[2].lower().replace("writeconcern=", ""):
        options["w"] = "majority"
    client = _client(uri, options)
    try:
        with translated(shown), pymongo.timeout(min(limit, FIRST_CONTACT)):
            client.admin.command("ping")
        return Connection(client, database, timeout)
    except BaseException:
        client.close()
        raise


def _client(uri: str, options: dict[str, Any]) -> pymongo.MongoClient[dict[str, Any]]:
    """Make the client; what the driver would only warn of, and pass over, is an error too."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            return pymongo.MongoClient(uri, **options)
    except (driver.ConfigurationError, driver.InvalidURI, ValueError, TypeError, UnicodeError, UserWarning) as error:
        raise ConfigError(
            f"the MongoDB URI can't be used: {_harmless(error)}",
            hint="a URI looks like mongodb://HOST:27017 or mongodb+srv://HOST; escape : / @ % in a password as %3A …",
        ) from None


def _harmless(error: Exception) -> str:
    """Give only the kind of fault: the driver's own words may quote the URI, with its password."""
    text = str(error)
    known: tuple[str, ...] = (
        "escaped according to RFC 3986",
        "must begin with",
        "nknown option",
        "Port must be",
        "DNS",
        "dns",
    )
    known += ("read preference", "readPreference")
    return text if "@" not in text and any(word in text for word in known) else type(error).__name__


@contextmanager
def translated(shown: str = "the database") -> Iterator[None]:
    """Turn whatever the driver raises inside into one of this program's errors."""
    try:
        yield
    except driver.PyMongoError as error:
        raise _translation(error, shown) from error
    except UnicodeEncodeError as error:
        raise ValidationError("a text in the request is no valid Unicode (a lone surrogate)") from error


def _translation(error: driver.PyMongoError, shown: str) -> ProjectsError:
    """Choose the error for a fault of the driver: by its code, else by its class."""
    if isinstance(error, driver.BulkWriteError):
        return _by_code(*_first_write_error(error), shown)
    if isinstance(error, driver.OperationFailure) and error.code is not None and not error.timeout:
        return _by_code(error.code, _server_words(error), shown)
    if isinstance(error, driver.ServerSelectionTimeoutError):
        return DatabaseUnavailable(
            f"no answer from {shown}: {_reason(error)}",
            hint="check the address, that the server runs, and what lies between: network, TLS, replica set name",
        )
    if error.timeout:
        return DatabaseTimeout(f"{shown} did not answer in time")
    if isinstance(error, driver.ConnectionFailure):
        return DatabaseUnavailable(f"the connection to {shown} broke: {_reason(error)}", hint="try again")
    return DatabaseError(f"the database reported: {_reason(error)}")


def _by_code(code: int, words: str, shown: str) -> ProjectsError:
    kind = _CODES.get(code, DatabaseError)
    if kind is InvalidRegexError or (code == BAD_VALUE and words.startswith("Regular expression")):
        return InvalidRegexError(f"MongoDB refuses the regular expression: {words}")
    if kind is TextIndexMissing:
        return kind("search needs a text index, and the collection `project` has none", hint=TEXT_INDEX_HINT)
    if kind is DatabaseTimeout:
        return kind(f"{shown} did not finish in time")
    if kind is ExpectedUniqueData:
        return kind("a project with that name exists already")
    if kind is DatabaseRefused:
        return kind(f"{shown} refused: {words}", hint="check the user, the password and the user's roles")
    return kind(f"the database reported: {words} (code {code})")


def _first_write_error(error: driver.BulkWriteError) -> tuple[int, str]:
    details = (error.details or {}).get("writeErrors") or [{}]
    return int(details[0].get("code", 0)), str(details[0].get("errmsg", "a bulk write failed"))


def _server_words(error: driver.OperationFailure) -> str:
    """Give the server's own message, in one line, without the driver's dump of the whole reply."""
    words = str((error.details or {}).get("errmsg", "")) or str(error)
    return " ".join(words.split())[:300]


def _reason(error: driver.PyMongoError) -> str:
    """Give the first reason of a connection fault in one line: the driver lists every host with its settings."""
    first = str(error).partition(" (configured timeouts")[0].partition(", Timeout:")[0]
    return " ".join(first.split())[:300]
