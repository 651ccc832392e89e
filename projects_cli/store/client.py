"""The connection: how it is made, what it promises, and how the driver's faults become this program's."""

from __future__ import annotations

import logging
import re
import struct
import threading
import time
import warnings
import zlib
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

import pymongo
from bson.errors import BSONError, InvalidDocument
from pymongo import errors as driver
from pymongo.read_preferences import Secondary, make_read_preference, read_pref_mode_from_name

from projects_cli import __version__
from projects_cli.errors import (
    CollectionMissing,
    ConfigError,
    ConnectionLost,
    DatabaseError,
    DatabaseRefused,
    DatabaseTimeout,
    DatabaseUnavailable,
    ExpectedUniqueData,
    IndexGone,
    InvalidRegexError,
    ListsInSeveralKeys,
    MalformedReply,
    ProjectsError,
    TextIndexMissing,
    ValidationError,
)
from projects_cli.store import uri as faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from pymongo.database import Database
    from pymongo.read_preferences import _ServerMode as ReadPreference

PRIMARY = pymongo.ReadPreference.PRIMARY
"""Where everything is read that a change is planned from, and the journal: a secondary may lag behind."""

DEFAULT_TIMEOUT = 30.0
"""Seconds for one command of the server, where `--timeout` says nothing (cli.md, Global options)."""

FIRST_CONTACT = 10.0
"""Seconds to find the server at all; a wrong address should not cost the whole timeout."""

DURABLE = {"w": "majority", "journal": True}
"""How every write is acknowledged. A change goes on after its server was killed and came back, so what was acknowledged
before has to be there again: a majority keeps it, and a standalone has it on the disk.
"""

SOON = 1.0
"""Seconds after which a server that does not answer is reported; with the start of the program that is under 2 s."""

NOT_YET = "No servers found yet"
"""The driver's words for servers that have neither answered nor failed."""

_GONE = ("refused", "Name or service not known", "nodename nor servname", "No such file")
"""Words of a fault that waiting does not cure, unless another member takes over."""

POLL = 0.005
"""Seconds between two looks at what the driver's monitors know."""

HICCUP = 1.0
"""Seconds for which a server with an open cursor may be away."""

UNLIMITED = 0.0
"""No limit, as `pymongo.timeout` takes it. A server that stalls is noticed all the same: the driver's monitor asks
it for a sign of life beside, and cuts its connections where none comes. Any real number of seconds, however large,
would also be how long the driver then looks for a server.
"""

LONGEST = 900_000.0
"""Seconds; what `--timeout` may be at most, as the driver takes less than a milliard of milliseconds."""

LONG_WRITE = 300.0
"""Seconds for one write of many documents, where `--timeout` says nothing: a majority may never come."""

TEXT_INDEX_HINT = (
    "an administrator of the database can make one: db.project.createIndex("
    '{name: "text", description: "text", _id: "text"}, {weights: {name: 10, description: 10, _id: 1}})'
)

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
"""What the driver trips over when a reply is malformed: it does not check what it expects."""

UNAUTHORIZED = 13

NO_RIGHT = "the user lacks a role: projects needs read on the database of the documents, readWrite to change them"
NO_LOGIN = (
    "check the user, the password, and authSource=DATABASE in the URI: where the user is defined [default: admin]"
)
NO_USER = f"put the user into the URI: mongodb://USER:PASSWORD@HOST; {NO_LOGIN}"

LOGIN_CODES = frozenset({18, 33, 334, 8000})
"""MongoDB's codes of a login that was refused."""

BAD_VALUE = 2
"""MongoDB's code for many faults, a NUL in a regular expression among them."""

NO_SUCH_INDEX = "hint provided does not correspond to an existing index"
"""MongoDB's words, behind a dump of the whole query, for an index that is not there; the code is `BAD_VALUE`."""

_CODES: dict[int, type[ProjectsError]] = {
    13: DatabaseRefused,  # Unauthorized
    18: DatabaseRefused,  # AuthenticationFailed
    33: DatabaseRefused,  # AccountDisabled... as Atlas reports it
    8000: DatabaseRefused,  # AtlasError
    26: CollectionMissing,  # NamespaceNotFound
    27: TextIndexMissing,
    50: DatabaseTimeout,  # MaxTimeMSExpired
    175: IndexGone,  # QueryPlanKilled
    51174: IndexGone,  # it has other fields than the bounds of the query
    51091: InvalidRegexError,
    11000: ExpectedUniqueData,
    334: DatabaseRefused,  # MechanismUnavailable: the user has no credentials of that kind
}

PASSING = frozenset(
    {
        6,  # HostUnreachable
        7,  # HostNotFound
        43,  # CursorNotFound: it was on a server that is not asked any longer
        89,  # NetworkTimeout
        91,  # ShutdownInProgress
        189,  # PrimarySteppedDown
        237,  # CursorKilled
        262,  # ExceededTimeLimit
        9001,  # SocketException
        10058,  # LegacyNotPrimary
        10107,  # NotWritablePrimary
        11600,  # InterruptedAtShutdown
        11602,  # InterruptedDueToReplStateChange
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
    }
)
"""MongoDB's codes of faults that pass: the same thing may work in a moment, on another member or a new connection."""

_PLAIN = (
    ('match selector "Primary()"', "the replica set has no primary"),
    ("any_server_selector", "the member that was answering has gone"),
    ("match selector", "the replica set has no member of the kind that the read preference asks for"),
    ("IP address mismatch", "the server's certificate is for another address"),
    ("Hostname mismatch", "the server's certificate is for another host name"),
    ("certificate has expired", "the server's certificate has expired"),
    ("certificate is not yet valid", "the server's certificate is not valid yet"),
    ("certificate verify failed", "the server's certificate is not signed by a trusted authority"),
)
"""Words of the driver, Python and OpenSSL, and the words that are shown instead. The first match counts."""

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
    ("No replica set members", "check replicaSet=NAME in the URI, and which members there are: rs.status()"),
    # A server that refuses the client's certificate closes the connection, at a moment of its own choice.
    ("connection closed", _CLOSED),
    ("Connection reset", _CLOSED),
    ("Broken pipe", _CLOSED),
    ("EOF occurred", _CLOSED),
    ("SSL", _TLS),
    ("TLS", _TLS),
    ("Name or service not known", "check the name of the host, and what resolves it"),
    ("No such file", "check the path of the socket, and that the server runs"),
    ("refused", "check the address and the port, and that the server runs"),
)
"""What to check first, by a word in the reason."""

_TLS_FILES = frozenset({"tlscafile", "tlscertificatekeyfile", "tlscrlfile", "ssl_ca_certs", "ssl_certfile"})
_TLS_FILES_HINT = "tlsCAFile=FILE holds certificates in PEM, tlsCertificateKeyFile=FILE a certificate and its key"

ELSEWHERE = "check the address, that the server runs, and what lies between: network, TLS, replica set name"


# What goes wrong in the driver's own threads, such as closing a cursor of a server that has gone, is told to its
# logger; where that has no handler, Python writes it to standard error with a traceback. Nobody waits for it.
logging.getLogger("pymongo").addHandler(logging.NullHandler())


def _silence_monitors() -> None:
    """Print nothing about a monitor of the driver that ends by an exception, as after a malformed reply.

    The servers that it looked after stay unknown, which is what the user is told.
    """
    before = threading.excepthook

    def hook(arguments: threading.ExceptHookArgs) -> None:
        if arguments.thread is None or not arguments.thread.name.startswith("pymongo"):
            before(arguments)

    threading.excepthook = hook


_silence_monitors()


class Connection:
    """A client of one deployment, and the database that holds the documents."""

    def __init__(
        self,
        client: pymongo.MongoClient[dict[str, Any]],
        database: str,
        timeout: float | None,
        preference: ReadPreference,
    ) -> None:
        """Keep the client; `timeout` is what the person asked for, or None; `preference` is for `reading`."""
        self.client = client
        self.database: Database[dict[str, Any]] = client.get_database(database, read_preference=PRIMARY)
        self.reading: Database[dict[str, Any]] = client.get_database(database, read_preference=preference)
        self.timeout = timeout

    @property
    def patience(self) -> float:
        """Give for how many seconds a fault that passes is waited out."""
        return self.timeout or DEFAULT_TIMEOUT

    def unhurried(self) -> AbstractContextManager[object]:
        """Let each command inside take as long as it needs, unless the person has set a limit."""
        return pymongo.timeout(UNLIMITED) if self.timeout is None else nullcontext()

    def close(self) -> None:
        """Close the sockets; a server that is broken or gone by then changes nothing."""
        with suppress(driver.PyMongoError, *UNREADABLE):
            self.client.close()


def _silent(_: str) -> None:
    """Report nothing."""


def connect(
    uri: str,
    database: str,
    *,
    shown: str,
    timeout: float | None = None,
    read_preference: str | None = None,
    warn: Callable[[str], None] = _silent,
    notice: Callable[[str], None] = _silent,
) -> Connection:
    """Connect and send a first command, so that a wrong address or password is found before anything else.

    `shown` is the name of the server in messages: the URI without its secrets. Writes are acknowledged by a majority
    and on the disk unless the URI says otherwise. `read_preference` is for `reading`; everything else is read from the
    primary, whatever the URI prefers. `warn` gets what is odd in the URI, `notice` what is being tried if that lasts.

    Raises:
        ConfigError: the URI cannot be used, or wants writes that are not acknowledged.
        DatabaseUnavailable, DatabaseRefused: no server answers, or it refuses the user.
    """
    timeout = timeout and min(timeout, LONGEST)
    client = _client(uri, _options(uri, timeout), warn)
    _check_acknowledged(client)
    preference = client.read_preference if read_preference is None else _preference(read_preference)
    first = min(timeout or DEFAULT_TIMEOUT, FIRST_CONTACT)
    try:
        _contact(client, preference, Contact(uri, shown, first, notice))
        _await_preferred(client, preference)
        return Connection(client, database, timeout, preference)
    except BaseException:
        client.close()
        raise


class Contact(NamedTuple):
    """The first command to a server: its URI, its name in messages, the seconds to try, and where to report."""

    uri: str
    shown: str
    seconds: float
    notice: Callable[[str], None]


def _contact(client: pymongo.MongoClient[dict[str, Any]], preference: ReadPreference, contact: Contact) -> None:
    """Send the first command; if it does not get through soon, say so and go on trying.

    A single server that is not there is not waited for: nothing would take its place.
    """
    soon = min(contact.seconds, SOON)
    try:
        return _ping(client, preference, contact, soon, soon)
    except (DatabaseTimeout, ConnectionLost):
        if soon == contact.seconds:
            raise
    except DatabaseUnavailable as error:
        single = is_single(client)
        is_final = faults.NO_RECORD in error.message or (single and any(word in error.message for word in _GONE))
        if soon == contact.seconds or is_final:
            raise
        if not single and NOT_YET not in error.message:
            reason = error.message.partition(" s: ")[2]
            contact.notice(f"no answer from {contact.shown} yet: {reason}; trying for {contact.seconds:g} s")
    return _ping(client, preference, contact, contact.seconds - soon, contact.seconds)


def _ping(
    client: pymongo.MongoClient[dict[str, Any]],
    preference: ReadPreference,
    contact: Contact,
    seconds: float,
    tried: float,
) -> None:
    """Send a command within some seconds; `tried` is how long that is with all attempts before, for the message."""
    with translated(contact.shown, tried):
        try:
            with pymongo.timeout(seconds):
                client.admin.command("ping", read_preference=preference)
        except driver.ConfigurationError as error:
            if "wire version" in str(error):
                raise DatabaseUnavailable(f"{contact.shown} is no MongoDB server, or one that is too old") from None
            if contact.uri.lower().startswith("mongodb+srv:"):
                reason = faults.unresolved(contact.uri, error)
                raise DatabaseUnavailable(f"no answer from {contact.shown}: {reason}", hint=faults.SEED_HINT) from None
            raise faults.option_fault(contact.uri, error) from None
        except driver.ServerSelectionTimeoutError as error:
            if _is_misunderstood(client):
                raise malformed(contact.shown) from error
            raise
        except driver.OperationFailure as error:
            if error.code in LOGIN_CODES:
                message, hint = faults.login_refused(contact.uri, contact.shown, _server_words(error))
                raise DatabaseRefused(message, hint=hint) from error
            raise


def _await_preferred(client: pymongo.MongoClient[dict[str, Any]], preference: ReadPreference) -> None:
    """Wait for a short time until the member that a `…Preferred` mode prefers is known, if there is one.

    The driver takes the first member that has answered: with secondaryPreferred that is the primary in every run in
    which it was faster than the secondaries. A run of a command is too short for this to even out.
    """
    tags, staleness = preference.tag_sets, preference.max_staleness
    wanted: dict[str, ReadPreference] = {
        "secondaryPreferred": Secondary(tags, staleness),
        "primaryPreferred": PRIMARY,
    }
    preferred = wanted.get(preference.mongos_mode)
    deadline = time.monotonic() + SOON
    while preferred is not None and time.monotonic() < deadline:
        description = client.topology_description
        if description.has_readable_server(preferred) or not _has_unasked(client):
            return
        time.sleep(POLL)


def _has_unasked(client: pymongo.MongoClient[dict[str, Any]]) -> bool:
    """Return whether there is a member that has neither answered nor failed yet."""
    servers = client.topology_description.server_descriptions().values()
    return any(not server.is_server_type_known and server.error is None for server in servers)


def is_single(client: pymongo.MongoClient[dict[str, Any]]) -> bool:
    """Return whether the URI names one server, as far as is known not a member of a replica set."""
    description = client.topology_description
    return description.topology_type_name in {"Single", "Unknown"} and len(description.server_descriptions()) == 1


def _preference(name: str) -> ReadPreference:
    return make_read_preference(read_pref_mode_from_name(name), None)


def _options(uri: str, timeout: float | None) -> dict[str, Any]:
    """Give the driver's options: what the person asked for first, then what the URI says, then these."""
    limit = timeout or DEFAULT_TIMEOUT
    named = {option.partition("=")[0].lower() for option in re.split("[&;]", uri.partition("?")[2])}
    asked = {"timeoutMS": int(limit * 1000), "serverSelectionTimeoutMS": int(limit * 1000)}
    defaults: dict[str, Any] = {
        "connectTimeoutMS": int(min(limit, FIRST_CONTACT) * 1000),  # also how long a stalled server may be silent
    }
    if not named & {"w", "journal", "j"}:
        defaults |= DURABLE
    if timeout is None:
        defaults, asked = asked | defaults, {}
    return {
        "appname": f"projects-cli {__version__}",
        "datetime_conversion": "DATETIME_AUTO",
        "unicode_decode_error_handler": "replace",
        "connect": False,
        **asked,
        **{name: value for name, value in defaults.items() if name.lower() not in named},
    }


def _client(uri: str, options: dict[str, Any], warn: Callable[[str], None]) -> pymongo.MongoClient[dict[str, Any]]:
    """Make the client; what is odd in the URI is a warning."""
    parts = faults.check(uri)
    for words in faults.login_warnings(parts):
        warn(words)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(uri, **options)
    except OSError as error:
        raise ConfigError(_tls_file_fault(uri, error), hint=_TLS_FILES_HINT) from None
    except (driver.PyMongoError, ValueError, TypeError, KeyError) as error:
        fault = faults.option_fault(uri, error)
        if "tlsCertificateKeyFile" in fault.message:
            fault.hint = _TLS_FILES_HINT
        raise fault from None
    for words in faults.ignored_options(uri) if any(one.category is UserWarning for one in caught) else ():
        warn(words)
    return client


def _tls_file_fault(uri: str, error: OSError) -> str:
    """Return which TLS file of a URI cannot be used, and why. The driver's message depends on its version."""
    for option, path in parse_qsl(uri.partition("?")[2].replace(";", "&")):
        if option.lower() in _TLS_FILES:
            try:
                with open(path, "rb") as file:  # noqa: PTH123 - pathlib is not needed otherwise
                    file.read(1)
            except OSError as reason:
                return f"cannot read {path} ({option} in the MongoDB URI): {reason.strerror}"
    return f"the TLS files in the MongoDB URI are not valid PEM files ({type(error).__name__})"


def _check_acknowledged(client: pymongo.MongoClient[dict[str, Any]]) -> None:
    """Refuse a client that would not hear what became of its writes: nobody could say how a change ended.

    Raises:
        ConfigError: it is one.
    """
    if not client.write_concern.acknowledged:
        client.close()
        raise ConfigError(
            "the MongoDB URI says w=0: whether a change was made would not be known",
            hint="leave w out of the URI (w=majority holds then), or say w=1",
        )


def check_server(client: pymongo.MongoClient[dict[str, Any]], address: tuple[str, int | None]) -> None:
    """Make sure that a server is there, as far as the driver's monitor knows.

    Raises:
        ConnectionLost: it has been away for longer than a hiccup takes.
    """
    deadline = time.monotonic() + HICCUP
    while True:
        server = client.topology_description.server_descriptions().get(address)
        if server is not None and server.is_server_type_known:
            return
        if time.monotonic() > deadline:
            raise ConnectionLost(f"the connection broke: {address[0]} does not answer any longer")
        time.sleep(HICCUP / 10)


@contextmanager
def translated(shown: str = "the database", limit: float | None = None) -> Iterator[None]:
    """Turn whatever the driver raises inside into one of this program's errors; `limit` is how long it could try."""
    try:
        yield
    except driver.PyMongoError as error:
        try:
            fault = malformed(shown) if _is_malformed(error) else _translation(error, shown, limit)
        except UNREADABLE:  # the details of the error are a part of the reply
            fault = malformed(shown)
        raise fault from error
    except UnicodeEncodeError as error:
        raise ValidationError("a text in the request is no valid Unicode (a lone surrogate)") from error
    except InvalidDocument:  # a fault of the request, not of the reply
        raise
    except UNREADABLE as error:
        raise malformed(shown) from error


def malformed(shown: str) -> MalformedReply:
    """Return the error for a reply that cannot be read; what exactly the driver tripped over says nothing to a user."""
    return MalformedReply(f"{shown} sent a malformed reply")


def _is_malformed(error: driver.PyMongoError) -> bool:
    """Return whether the driver reports a reply that it could not read, or that lacks its code or cursor."""
    if isinstance(error, driver.OperationFailure) and not isinstance(error, driver.BulkWriteError):
        return not isinstance(error.code, int) and not error.timeout
    return isinstance(error, driver.ProtocolError) or "does not return a cursor" in str(error)


def _is_misunderstood(client: pymongo.MongoClient[dict[str, Any]]) -> bool:
    """Return whether a monitor of the driver could not read what a server introduced itself with."""
    servers = client.topology_description.server_descriptions().values()
    faults_found = [server.error for server in servers if server.error is not None]
    return any(
        isinstance(fault, driver.ProtocolError)
        or (isinstance(fault, UNREADABLE) and not isinstance(fault, (driver.PyMongoError, OSError)))
        for fault in faults_found
    )


def _translation(error: driver.PyMongoError, shown: str, limit: float | None) -> ProjectsError:
    """Choose the error for a fault of the driver: by its code, else by its class."""
    if isinstance(error, driver.BulkWriteError):
        return _by_code(*_first_write_error(error), shown)
    if isinstance(error, driver.OperationFailure) and error.code is not None and not error.timeout:
        return _by_code(error.code, _server_words(error), shown)
    if isinstance(error, driver.ServerSelectionTimeoutError):
        within = f" within {limit:g} s" if limit is not None else ""
        return DatabaseUnavailable(f"no answer from {shown}{within}: {_reason(error)}", hint=_hint(_reason(error)))
    if error.timeout:
        return DatabaseTimeout(f"{shown} did not answer in time")
    if isinstance(error, driver.ConnectionFailure):
        return ConnectionLost(f"the connection to {shown} broke: {_reason(error)}", hint=_hint(_reason(error)))
    return DatabaseError(f"the database reported: {_reason(error)}")


def _by_code(code: int, words: str, shown: str) -> ProjectsError:
    kind = ConnectionLost if code in PASSING else _CODES.get(code, DatabaseError)
    if words == NO_SUCH_INDEX:
        kind = IndexGone
    if code == BAD_VALUE and "parallel arrays" in words:
        kind = ListsInSeveralKeys
    if kind is InvalidRegexError or (code == BAD_VALUE and words.startswith("Regular expression")):
        return InvalidRegexError(f"MongoDB refuses the regular expression: {words}")
    if kind is TextIndexMissing:
        return kind("search needs a text index, and the collection `project` has none", hint=TEXT_INDEX_HINT)
    if kind is DatabaseTimeout:
        return kind(f"{shown} did not finish in time")
    if kind is ExpectedUniqueData:
        return kind("a project with that name exists already")
    if kind is DatabaseRefused:
        return _refused(code, words, shown)
    return kind(f"the database reported: {words} (code {code})")


def _refused(code: int, words: str, shown: str) -> DatabaseRefused:
    if "requires authentication" in words:
        return DatabaseRefused(f"{shown} refused: {words}, and the URI names no user", hint=NO_USER)
    return DatabaseRefused(f"{shown} refused: {words}", hint=NO_RIGHT if code == UNAUTHORIZED else NO_LOGIN)


def _first_write_error(error: driver.BulkWriteError) -> tuple[int, str]:
    details = (error.details or {}).get("writeErrors") or [{}]
    return int(details[0].get("code", 0)), str(details[0].get("errmsg", "a bulk write failed"))


def _server_words(error: driver.OperationFailure) -> str:
    """Give the server's own message, in one line, without the driver's dump of the whole reply.

    Where a right is missing the server quotes the whole command: its name is enough.
    """
    words = " ".join((str((error.details or {}).get("errmsg", "")) or str(error)).split())
    if error.code == BAD_VALUE and NO_SUCH_INDEX in words:
        return NO_SUCH_INDEX
    return re.sub(r"(to execute command) \{ (\w+):.*", r"\1 \2", words)[:300]


def _reason(error: driver.PyMongoError) -> str:
    """Give the first reason of a connection fault in one line: the driver lists every host with its settings."""
    first = str(error).partition(" (configured timeouts")[0].partition(", Timeout:")[0].partition(", full error")[0]
    for words, plain in _PLAIN:
        if words in first:
            return plain
    return " ".join(first.split())[:300]


def _hint(reason: str) -> str:
    """Say what to check, by what the driver said."""
    return next((hint for word, hint in _HINTS if word in reason), ELSEWHERE)
