"""Failures of the database: the driver's exceptions as this program's errors, and retries after transient ones.

The driver itself repeats single reads and writes, once. Everything else is repeated here, and nowhere else.
"""

from __future__ import annotations

import re
import struct
import time
import zlib
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from bson.errors import BSONError, InvalidDocument
from pymongo import errors as driver

from projects_cli import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Result = TypeVar("Result")

UNREADABLE = (
    BSONError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    struct.error,
    zlib.error,
)
"""Exceptions that the driver raises on a malformed reply, whose content it does not check."""

UNAUTHORIZED = 13
BAD_VALUE = 2  # MongoDB's code for many faults, a NUL in a regular expression among them
LOGIN_CODES = (18, 33, 334, 8000)  # MongoDB's codes of a refused login, from AuthenticationFailed to AtlasError

ERRORS_BY_CODE: dict[int, type[errors.ProjectsError]] = {
    **dict.fromkeys((UNAUTHORIZED, *LOGIN_CODES), errors.DatabaseRefused),
    26: errors.CollectionMissing,  # NamespaceNotFound
    27: errors.TextIndexMissing,
    50: errors.DatabaseTimeout,  # MaxTimeMSExpired
    175: errors.IndexGone,  # QueryPlanKilled
    **dict.fromkeys((239, 246), errors.SnapshotGone),  # SnapshotTooOld, SnapshotUnavailable
    51174: errors.IndexGone,  # the index has other fields than the bounds of the query
    51091: errors.InvalidRegexError,
    11000: errors.ExpectedUniqueData,
}

TRANSIENT_CODES = frozenset({6, 7, 43, 89, 91, 189, 237, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436})
"""MongoDB's codes of transient faults: a retry may succeed, on another member or a new connection.

In this order: HostUnreachable, HostNotFound, CursorNotFound, NetworkTimeout, ShutdownInProgress, PrimarySteppedDown,
CursorKilled, ExceededTimeLimit, SocketException, LegacyNotPrimary, NotWritablePrimary, InterruptedAtShutdown,
InterruptedDueToReplStateChange, NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary.
"""

NO_SUCH_INDEX = "hint provided does not correspond to an existing index"
"""MongoDB's message for a missing index, after a dump of the whole query; the code is `BAD_VALUE`."""

TEXT_INDEX_HINT = "create it, as a server does: projects indexes create"
NO_RIGHT = "the user lacks a role: projects needs read on the database of the documents, readWrite to change them"
NO_LOGIN = (
    "check the user, the password, and authSource=DATABASE in the URI: where the user is defined [default: admin]"
)
NO_USER = f"put the user into the URI: mongodb://USER:PASSWORD@HOST; {NO_LOGIN}"

_REASONS = (
    ('match selector "Primary()"', "the replica set has no primary"),
    ("any_server_selector", "the member that was answering is gone"),
    ("internal hostnames", "the members of the replica set can't be reached by the names that it has for them"),
    ("match selector", "the replica set has no member of the kind that the read preference asks for"),
    ("IP address mismatch", "the server's certificate is for another address"),
    ("Hostname mismatch", "the server's certificate is for another host name"),
    ("certificate has expired", "the server's certificate has expired"),
    ("certificate is not yet valid", "the server's certificate is not valid yet"),
    ("certificate verify failed", "the server's certificate is not signed by a trusted authority"),
)
"""Words of the driver, Python and OpenSSL, and the reason that is shown instead. The first match counts."""

_AUTHORITY = (
    "name the authority that signed the server's certificate: tlsCAFile=FILE in the URI; check the name and dates in it"
)
_TLS = "check TLS: whether the server wants it (tls=true), its certificate, and yours (tlsCertificateKeyFile=FILE)"
_CLOSED = (
    "check that the server is running, and whether it requires TLS (tls=true) or a client certificate "
    "(tlsCertificateKeyFile=FILE)"
)
_NO_PRIMARY = "look at the replica set: rs.status(); without a majority of its members it has no primary"
_HINTS: tuple[tuple[str, str], ...] = (
    ("the server's certificate", _AUTHORITY),
    ("has no primary", _NO_PRIMARY),
    ("No primary", _NO_PRIMARY),
    ("has no member", "look at the replica set: rs.status(); or choose another --read-preference"),
    (
        "by the names that it has",
        "for a forwarded port or a socket add directConnection=true to the URI; else check that the names resolve here",
    ),
    ("No replica set members", "check replicaSet=NAME in the URI, and which members there are: rs.status()"),
    # A server that refuses the client's certificate closes the connection, at a moment of its own choice.
    ("connection closed", _CLOSED),
    ("Connection reset", _CLOSED),
    ("Broken pipe", _CLOSED),
    ("EOF occurred", _CLOSED),
    ("SSL", _TLS),
    ("TLS", _TLS),
    ("Name or service not known", "check the name of the host, and what resolves it"),
    ("No such file", "check the path of the socket, and that the server is running"),
    ("refused", "check the address and the port, and that the server is running"),
)
"""A word in the reason, and what to check. The first match counts."""

DEFAULT_HINT = "check the address, that the server is running, and what lies between: network, TLS, replica set name"

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0  # seconds between two attempts; the pauses double in between

_is_repeated: ContextVar[bool] = ContextVar("is_repeated", default=False)
"""Whether the current work is repeated as a whole: then no part of it is repeated by itself."""


# --- translation ------------------------------------------------------------------------------------------------------


@contextmanager
def translation(server: str = "the database", limit: float | None = None) -> Iterator[None]:
    """Translate the exceptions of this block; `limit` is how long the driver could try, in seconds."""
    try:
        yield
    except driver.PyMongoError as error:
        try:
            translated = malformed_reply(server) if _is_malformed(error) else _translate(error, server, limit)
        except UNREADABLE:  # the details of the error are a part of the reply
            translated = malformed_reply(server)
        raise translated from error
    except UnicodeEncodeError as error:
        raise errors.ValidationError("a text in the request is not valid Unicode (a lone surrogate)") from error
    except InvalidDocument:  # a fault of the request, not of the reply
        raise
    except UNREADABLE as error:
        raise malformed_reply(server) from error


def malformed_reply(server: str = "the database") -> errors.MalformedReply:
    """Return the error for an unreadable reply; the driver's own exception would not help a user."""
    return errors.MalformedReply(f"{server} sent a malformed reply")


def _is_malformed(error: driver.PyMongoError) -> bool:
    """Return whether the driver reports a reply that it could not read, or that lacks its code or cursor."""
    if isinstance(error, driver.OperationFailure) and not isinstance(error, driver.BulkWriteError):
        # The id of a cursor came from a server, which refuses it now: a text, for example.
        return (not isinstance(error.code, int) and not error.timeout) or "field 'getMore.getMore'" in str(error)
    return isinstance(error, driver.ProtocolError) or "does not return a cursor" in str(error)


def _translate(error: driver.PyMongoError, server: str, limit: float | None) -> errors.ProjectsError:
    """Return the error for an exception of the driver: by its code, else by its class."""
    if isinstance(error, driver.BulkWriteError):
        details = error.details or {}
        first = (details.get("writeErrors") or details.get("writeConcernErrors") or [{}])[0]
        return _by_code(int(first.get("code", 0)), str(first.get("errmsg", "a bulk write failed")), server)
    if isinstance(error, driver.OperationFailure) and error.code is not None and not error.timeout:
        return _by_code(error.code, server_message(error), server)
    # The first reason of a connection fault, in one line: the driver lists every host with its settings.
    first = str(error).partition(" (configured timeouts")[0].partition(", Timeout:")[0].partition(", full error")[0]
    reason = next((reason for words, reason in _REASONS if words in first), " ".join(first.split())[:300])
    hint = next((hint for word, hint in _HINTS if word in reason), DEFAULT_HINT)
    if isinstance(error, driver.ServerSelectionTimeoutError):
        within = f" within {limit:g} s" if limit is not None else ""
        return errors.DatabaseUnavailable(f"no answer from {server}{within}: {reason}", hint=hint)
    if error.timeout:
        return errors.DatabaseTimeout(f"{server} did not answer in time")
    if isinstance(error, driver.ConnectionFailure):
        return errors.ConnectionLost(f"the connection to {server} broke: {reason}", hint=hint)
    return errors.DatabaseError(f"the database reported: {reason}")


def _by_code(code: int, message: str, server: str) -> errors.ProjectsError:
    kind = errors.ConnectionLost if code in TRANSIENT_CODES else ERRORS_BY_CODE.get(code, errors.DatabaseError)
    if message == NO_SUCH_INDEX:
        kind = errors.IndexGone
    if code == BAD_VALUE and "parallel arrays" in message:
        kind = errors.ListsInSeveralKeys
    if kind is errors.InvalidRegexError or (code == BAD_VALUE and message.startswith("Regular expression")):
        return errors.InvalidRegexError(f"MongoDB refuses the regular expression: {message}")
    if kind is errors.TextIndexMissing:
        return kind("search needs a text index, and the collection `project` has none", hint=TEXT_INDEX_HINT)
    if kind is errors.DatabaseTimeout:
        return kind(f"{server} did not finish in time")
    if kind is errors.ExpectedUniqueData:
        return kind("a project with that name exists already")
    if kind is errors.DatabaseRefused:
        anonymous = "requires authentication" in message
        hint = NO_USER if anonymous else NO_RIGHT if code == UNAUTHORIZED else NO_LOGIN
        return kind(f"{server} refused: {message}" + (", and the URI names no user" if anonymous else ""), hint=hint)
    return kind(f"the database reported: {message} (code {code})")


def server_message(error: driver.OperationFailure) -> str:
    """Return the server's own message in one line, without the driver's dump of the whole reply.

    If a right is missing the server quotes the whole command, of which only the name is kept.
    """
    message = " ".join((str((error.details or {}).get("errmsg", "")) or str(error)).split())
    if error.code == BAD_VALUE and NO_SUCH_INDEX in message:
        return NO_SUCH_INDEX
    return re.sub(r"(to execute command) \{ (\w+):.*", r"\1 \2", message)[:300]


# --- retries ----------------------------------------------------------------------------------------------------------


@contextmanager
def repeated_as_a_whole() -> Iterator[None]:
    """Retry no part of this block: after a transient failure the caller repeats all of it."""
    token = _is_repeated.set(True)
    try:
        yield
    finally:
        _is_repeated.reset(token)


class Retry:
    """Repeats work that may be repeated, until it succeeds or the time is over."""

    def __init__(self, seconds: float) -> None:
        """`seconds` is how long attempts are made after the first failure."""
        self._seconds = seconds

    def __call__(self, work: Callable[[], Result], *, before_again: Callable[[], object] | None = None) -> Result:
        """Return the result of `work`; `before_again` is called first in every repetition, and repeated with it.

        Raises:
            ConnectionLost: the failure was not transient. DatabaseUnavailable: no server answers any longer.
        """
        if _is_repeated.get():
            return work()
        deadline: float | None = None
        pause = FIRST_PAUSE
        while True:
            try:
                with repeated_as_a_whole():
                    if deadline is not None and before_again is not None:
                        before_again()
                    return work()
            except errors.ConnectionLost:
                deadline = deadline or time.monotonic() + self._seconds
                if time.monotonic() >= deadline:
                    raise
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)

    def command(self, work: Callable[[], Result]) -> Result:
        """Return the result of `work`, which calls the driver: its exceptions are translated."""
        return self(translation()(work))

    def stream(self, begin: Callable[[], Iterator[Result]]) -> Iterator[Result]:
        """Yield from the iterator of the driver that `begin` returns, with the driver's exceptions translated.

        It is begun again until it has yielded its first item. Later failures are raised: a repetition would yield items
        twice.
        """

        def begun() -> tuple[list[Result], Iterator[Result]]:
            stream = begin()
            return list(islice(stream, 1)), stream

        first, rest = self.command(begun)
        yield from first
        with translation():
            yield from rest
