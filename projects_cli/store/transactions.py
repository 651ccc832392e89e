"""Transactions, if the deployment has them, and the remaining work of killed processes."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from pymongo import WriteConcern
from pymongo import errors as driver
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern

from projects_cli.errors import DatabaseTimeout, ProjectsError
from projects_cli.store import deployment
from projects_cli.store.client import LONG_WRITE, PRIMARY
from projects_cli.store.driver_errors import repeated_as_a_whole, translation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from projects_cli.store.client import Connection

Result = TypeVar("Result")

Session = ClientSession  # the driver's session, for packages that do not import the driver
FIRST = 5  # the first version of MongoDB that has snapshots outside transactions
POLL = 0.05  # seconds between two looks at the writes that are running


def available(connection: Connection) -> bool:
    """Return whether the deployment has transactions: a replica set or a sharded cluster has."""
    return deployment.topology(deployment.hello(connection)) != "standalone"


@contextmanager
def snapshot(connection: Connection, *, wanted: bool = True) -> Iterator[Session | None]:
    """Yield a session whose reads all see one moment; None if the deployment has no snapshots, or none is `wanted`.

    A server of MongoDB 5.0 or newer that is not a standalone has them.
    """
    has_snapshots = wanted and available(connection) and int(deployment.version(connection).partition(".")[0]) >= FIRST
    if not has_snapshots:
        yield None
        return
    with translation():
        session = connection.client.start_session(snapshot=True)
    with session:
        yield session


class Transaction:
    """A session with a known id, so that another process can end it if this one is killed."""

    def __init__(self, connection: Connection) -> None:
        """Start the session; `number` is its id."""
        self._connection = connection
        with translation():
            self._session = connection.client.start_session()
        self.number = self._session.session_id["id"]

    def run(self, work: Callable[[ClientSession], Result]) -> Result:
        """Do the work in a transaction, which the driver repeats after a transient failure."""

        def attempt(session: ClientSession) -> Result:
            try:
                return work(session)
            except ProjectsError as error:
                # The driver has to see its own exception to know that it may repeat the transaction.
                cause = error.__cause__
                if isinstance(cause, driver.PyMongoError) and cause.has_error_label("TransientTransactionError"):
                    raise cause from None
                raise

        with translation(), repeated_as_a_whole(), self._session, self._connection.within(LONG_WRITE):
            return self._session.with_transaction(
                attempt,
                read_concern=ReadConcern("snapshot"),
                read_preference=PRIMARY,
                write_concern=WriteConcern(w="majority", j=True),
            )


def end_session(connection: Connection, number: Any) -> None:
    """End the session of a killed process, so that its open transaction holds no documents any longer."""
    with translation(), suppress(driver.OperationFailure):  # another user's: the server ends it within a minute
        connection.client.admin.command("killSessions", [{"id": number}])


def await_writes(connection: Connection, comment: str) -> None:
    """Wait until the server has ended the writes with this comment, which a killed process had sent.

    The writes of other database users are listed only for a user with the right to see them. Without it, only the
    user's own writes are waited for.

    Raises:
        DatabaseTimeout: it takes longer than one command may.
    """
    running: list[dict[str, Any]] = [{"$match": {"command.comment": comment}}, {"$limit": 1}]
    admin = connection.client.get_database("admin", read_preference=PRIMARY)
    deadline = time.monotonic() + connection.command_timeout
    with translation(), suppress(driver.OperationFailure):  # some hosted deployments do not have the list
        while True:
            try:
                writes = list(admin.aggregate([{"$currentOp": {"allUsers": True}}, *running]))
            except driver.OperationFailure:
                # Without the right to see those of all users: the user's own.
                writes = list(admin.aggregate([{"$currentOp": {}}, *running]))
            if not writes:
                return
            if time.monotonic() > deadline:
                raise DatabaseTimeout(f"the database is still working on operation {comment}")
            time.sleep(POLL)
