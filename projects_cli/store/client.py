"""The connection to a deployment: its options, its first command, its time limits."""

from __future__ import annotations

import logging
import re
import threading
import time
import warnings
from contextlib import nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pymongo
from pymongo import errors as driver
from pymongo.read_preferences import Secondary, make_read_preference, read_pref_mode_from_name

from projects_cli import __version__
from projects_cli.errors import ConfigError, ConnectionLost, DatabaseRefused, DatabaseTimeout, DatabaseUnavailable
from projects_cli.store import uri as uris
from projects_cli.store.driver_errors import (
    LOGIN_CODES,
    UNREADABLE,
    Retry,
    malformed_reply,
    server_message,
    translation,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pymongo.database import Database
    from pymongo.read_preferences import _ServerMode as ReadPreference

    Client = pymongo.MongoClient[dict[str, Any]]

PRIMARY = pymongo.ReadPreference.PRIMARY
"""For the journal, and everything that a change is planned from: a secondary may lag behind."""

DEFAULT_TIMEOUT = 30.0  # seconds for one command of the server without `--timeout`
FIRST_CONTACT = 10.0  # seconds to find the server at all; a wrong address should not cost the whole timeout

DURABLE = {"w": "majority", "journal": True}
"""How every write is acknowledged. A change continues after its server was killed and restarted, so an acknowledged
write must still be there: a majority keeps it, and a standalone has it on the disk.
"""

SOON = 1.0
"""Seconds after which a server that does not answer is reported; with the start of the program that is under 2 s."""

NOT_YET = "No servers found yet"  # the driver's words for servers that have neither answered nor failed

FINAL = ("refused", "Name or service not known", "nodename nor servname", "No such file")
"""Words of a fault for which waiting does not help, unless another member takes over."""

POLL = 0.005  # seconds between two looks at what the driver's monitors know
HICCUP = 1.0  # seconds for which a server with an open cursor may be away

UNLIMITED = 0.0
"""No limit, as `pymongo.timeout` takes it. A server that stalls is noticed all the same: the driver's monitor pings it
on a second connection, and closes all connections if it gets no answer. Any real number of seconds, however large,
would also be how long the driver then looks for a server.
"""

ROUTERS = frozenset({"Mongos", "LoadBalancer", "Unknown"})  # the driver's names; an unknown server may be one
ENOUGH_CONNECTIONS = 5  # a cursor may be read while another is, and both while questions are asked
LONGEST = 900_000.0  # seconds that `--timeout` may be at most: the driver takes less than 10**9 milliseconds
LONG_WRITE = 300.0  # seconds for one write of many documents without `--timeout`: a majority may never come


_former_hook = threading.excepthook


def _report_of_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.thread is None or not arguments.thread.name.startswith("pymongo"):
        _former_hook(arguments)


# Failures in the driver's own threads are not printed. Closing a cursor of a server that is gone fails in such a
# thread: the driver logs it, and without a handler Python prints a traceback. A monitor ends by an exception after a
# malformed reply; its servers then stay unknown, which is reported to the user.
logging.getLogger("pymongo").addHandler(logging.NullHandler())
threading.excepthook = _report_of_thread


class Connection:
    """A client of one deployment, and the database that holds the documents.

    `database` is read from the primary, `reading` by the read preference. `timeout` is what `--timeout` sets, or None.
    `command_timeout` are the seconds for one command. `retry` repeats what may be repeated after a transient failure.
    """

    def __init__(self, client: Client, database: str, timeout: float | None, preference: ReadPreference) -> None:
        """`preference` is for `reading`."""
        self.client = client
        self.database: Database[dict[str, Any]] = client.get_database(database, read_preference=PRIMARY)
        self.reading: Database[dict[str, Any]] = client.get_database(database, read_preference=preference)
        self.timeout = timeout
        self.command_timeout = timeout or DEFAULT_TIMEOUT
        self.retry = Retry(self.command_timeout)

    def within(self, seconds: float) -> AbstractContextManager[object]:
        """Limit the time of the whole block: to `--timeout` if it is set, else to `seconds`."""
        return pymongo.timeout(self.timeout or seconds)

    def unlimited(self) -> AbstractContextManager[object]:
        """Remove the time limit of each command inside, unless `--timeout` is set."""
        return pymongo.timeout(UNLIMITED) if self.timeout is None else nullcontext()

    def sends_ahead(self) -> bool:
        """Return whether a server may send batch after batch without being asked: a router before MongoDB 7.1 does not.

        The connection is the cursor's until its end, so there must be others.
        """
        kinds = {server.server_type_name for server in self.client.topology_description.server_descriptions().values()}
        most = self.client.options.pool_options.max_pool_size or ENOUGH_CONNECTIONS  # 0 in a URI: any number
        return not kinds & ROUTERS and most >= ENOUGH_CONNECTIONS

    def close(self) -> None:
        """Close the sockets. A failure has no consequences: the server may be gone already."""
        with suppress(driver.PyMongoError, *UNREADABLE):
            self.client.close()


def connect(
    uri: str,
    database: str,
    *,
    shown: str,
    timeout: float | None = None,
    read_preference: str | None = None,
    warn: Callable[[str], None] = lambda _: None,
    notice: Callable[[str], None] = lambda _: None,
) -> Connection:
    """Connect and send a first command, so that a wrong address or password is found before anything else.

    `shown` is the name of the server in messages: the URI without its secrets. Writes are acknowledged by a majority
    and on the disk unless the URI says otherwise. `read_preference` is for `reading`; everything else is read from the
    primary, whatever the URI prefers. `warn` gets the oddities of the URI, `notice` a first attempt that failed.

    Raises:
        ConfigError: the URI cannot be used, or asks for unacknowledged writes.
        DatabaseUnavailable, DatabaseRefused: no server answers, or it refuses the user.
    """
    timeout = timeout and min(timeout, LONGEST)
    client = _client(uri, _options(uri, timeout), warn)
    if not client.write_concern.acknowledged:
        client.close()
        raise ConfigError(
            "the MongoDB URI sets w=0: it would be unknown whether a change was made",
            hint="leave w out of the URI (the default is w=majority), or set w=1",
        )
    preference = client.read_preference
    if read_preference is not None:
        preference = make_read_preference(read_pref_mode_from_name(read_preference), None)
    first = min(timeout or DEFAULT_TIMEOUT, FIRST_CONTACT)
    try:
        _contact(client, preference, uri, shown, first, notice)
        if preference.mongos_mode.endswith("Preferred"):
            _await_preferred(client, preference)
        return Connection(client, database, timeout, preference)
    except BaseException:
        client.close()
        raise


def _options(uri: str, timeout: float | None) -> dict[str, Any]:
    """Return the driver's options: `--timeout` overrides the URI, and the URI overrides the rest."""
    limit = timeout or DEFAULT_TIMEOUT
    in_uri = {option.partition("=")[0].lower() for option in re.split("[&;]", uri.partition("?")[2])}
    limits = {"timeoutMS": int(limit * 1000), "serverSelectionTimeoutMS": int(limit * 1000)}
    defaults: dict[str, Any] = {
        "connectTimeoutMS": int(min(limit, FIRST_CONTACT) * 1000),  # also how long a stalled server may be silent
    }
    if not in_uri & {"w", "journal", "j"}:
        defaults |= DURABLE
    if timeout is None:
        defaults, limits = limits | defaults, {}
    return {
        "appname": f"projects-cli {__version__}",
        "datetime_conversion": "DATETIME_AUTO",
        "unicode_decode_error_handler": "replace",
        "connect": False,
        **limits,
        **{name: value for name, value in defaults.items() if name.lower() not in in_uri},
    }


def _client(uri: str, options: dict[str, Any], warn: Callable[[str], None]) -> Client:
    """Create the client, with a warning for each oddity of the URI."""
    for warning in uris.login_warnings(uris.check(uri)):
        warn(warning)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            client: Client = pymongo.MongoClient(uri, **options)
    except (OSError, driver.PyMongoError, ValueError, TypeError, KeyError) as error:
        raise uris.option_fault(uri, error) from None
    if any(warning.category is UserWarning for warning in caught):
        for warning in uris.ignored_options(uri):
            warn(warning)
    return client


# --- the first command ------------------------------------------------------------------------------------------------


def _contact(
    client: Client, preference: ReadPreference, uri: str, shown: str, seconds: float, notice: Callable[[str], None]
) -> None:
    """Send the first command. If it does not get through soon, report that and keep trying.

    A single server that is down is not waited for: nothing would take its place.
    """
    soon = min(seconds, SOON)
    ping = partial(_ping, client, preference, uri, shown)
    try:
        return ping(soon, soon)
    except (DatabaseTimeout, ConnectionLost):
        # No time is left for another attempt.
        if soon == seconds:
            raise
    except DatabaseUnavailable as error:
        topology = client.topology_description
        single = topology.topology_type_name in {"Single", "Unknown"} and len(topology.server_descriptions()) == 1
        final = uris.NO_RECORD in error.message or (single and any(word in error.message for word in FINAL))
        if soon == seconds or final:
            raise
        if not single and NOT_YET not in error.message:
            reason = error.message.partition(" s: ")[2]
            notice(f"no answer from {shown} yet: {reason}; trying for {seconds:g} s")
    return ping(seconds - soon, seconds)


def _ping(client: Client, preference: ReadPreference, uri: str, shown: str, seconds: float, tried: float) -> None:
    """Send a command within `seconds`; `tried` includes all attempts before, for the message."""
    with translation(shown, tried):
        try:
            with pymongo.timeout(seconds):
                client.admin.command("ping", read_preference=preference)
        except driver.ConfigurationError as error:
            if "wire version" in str(error):
                raise DatabaseUnavailable(f"{shown} is not a MongoDB server, or one that is too old") from None
            if uri.lower().startswith("mongodb+srv:"):
                reason = uris.unresolved(uri, error)
                raise DatabaseUnavailable(f"no answer from {shown}: {reason}", hint=uris.SEED_HINT) from None
            raise uris.option_fault(uri, error) from None
        except driver.ServerSelectionTimeoutError as error:
            if _is_misunderstood(client):
                raise malformed_reply(shown) from error
            raise
        except driver.OperationFailure as error:
            if error.code in LOGIN_CODES:
                message, hint = uris.login_refused(uri, shown, server_message(error))
                raise DatabaseRefused(message, hint=hint) from error
            raise


def _is_misunderstood(client: Client) -> bool:
    """Return whether a monitor of the driver could not read a server's reply to `hello`."""
    servers = client.topology_description.server_descriptions().values()
    return any(
        isinstance(server.error, driver.ProtocolError)
        or (isinstance(server.error, UNREADABLE) and not isinstance(server.error, (driver.PyMongoError, OSError)))
        for server in servers
    )


def _await_preferred(client: Client, preference: ReadPreference) -> None:
    """Wait for a short time until the member that a `…Preferred` mode prefers is known, if there is one.

    The driver takes the first member that has answered: with secondaryPreferred that is the primary in every run in
    which it was faster than the secondaries. A run of a command is too short for this to even out.
    """
    preferred: ReadPreference = PRIMARY
    if preference.mongos_mode == "secondaryPreferred":
        preferred = Secondary(preference.tag_sets, preference.max_staleness)
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        topology = client.topology_description
        servers = topology.server_descriptions().values()
        pending = any(not server.is_server_type_known and server.error is None for server in servers)
        if topology.has_readable_server(preferred) or not pending:
            return
        time.sleep(POLL)


def check_server(client: Client, address: tuple[str, int | None]) -> None:
    """Check that a server is there, as far as the driver's monitor knows.

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
