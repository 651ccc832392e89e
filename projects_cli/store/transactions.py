"""Transactions, where the deployment has them."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import pymongo
from pymongo import WriteConcern
from pymongo import errors as driver
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern

from projects_cli.errors import DatabaseTimeout, ProjectsError
from projects_cli.store.client import LONG_WRITE, PRIMARY, translated
from projects_cli.store.retry import persistently

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects_cli.messages import Document
    from projects_cli.store.client import Connection

Result = TypeVar("Result")

POLL = 0.05
"""Seconds between two looks at the writes that are under way."""
Session = ClientSession
"""The driver's session, as other rooms name it."""


def available(connection: Connection) -> bool:
    """Tell whether the deployment has transactions: a replica set or a sharded cluster has."""
    hello = persistently(lambda: _hello(connection), connection.patience)
    return "setName" in hello or hello.get("msg") == "isdbgrid"


def _hello(connection: Connection) -> Document:
    with translated():
        return connection.client.admin.command("hello")


class Transaction:
    """A session that is known by a number, so that somebody else can end it where its process was killed."""

    def __init__(self, connection: Connection) -> None:
        """Start the session."""
        self._connection = connection
        with translated():
            self._session = connection.client.start_session()

    @property
    def number(self) -> Any:
        """Give the session's own id."""
        return self._session.session_id["id"]

    def run(self, work: Callable[[ClientSession], Result]) -> Result:
        """Do the work in a transaction, again where the deployment says that trying again may help."""
        with translated(), self._session, pymongo.timeout(self._connection.timeout or LONG_WRITE):
            return self._session.with_transaction(
                _untranslated(work),
                read_concern=ReadConcern("snapshot"),
                read_preference=PRIMARY,
                write_concern=WriteConcern(w="majority", j=True),
            )


def _untranslated(work: Callable[[ClientSession], Result]) -> Callable[[ClientSession], Result]:
    """Let the driver see its own fault where it says that trying again may help."""

    def attempt(session: ClientSession) -> Result:
        try:
            return work(session)
        except ProjectsError as error:
            cause = error.__cause__
            if isinstance(cause, driver.PyMongoError) and cause.has_error_label("TransientTransactionError"):
                raise cause from None
            raise

    return attempt


def end_session(connection: Connection, number: Any) -> None:
    """End the session of a process that was killed, so that its open transaction holds nothing any longer."""
    with translated(), suppress(driver.OperationFailure):  # not this user's: the server ends it within a minute
        connection.client.admin.command("killSessions", [{"id": number}])


def await_writes(connection: Connection, comment: str) -> None:
    """Wait until the server has ended the writes with this comment that a killed process had sent.

    The writes of other database users are listed only to a user with the right to see them; without it, only the
    user's own writes are waited for.

    Raises:
        DatabaseTimeout: it takes longer than one command may.
    """
    deadline = time.monotonic() + connection.patience
    with translated(), suppress(driver.OperationFailure):  # some hosted deployments do not have the list
        while _is_under_way(connection, comment):
            if time.monotonic() > deadline:
                raise DatabaseTimeout(f"the database is still working on operation {comment}")
            time.sleep(POLL)


def _is_under_way(connection: Connection, comment: str) -> bool:
    matching: list[dict[str, Any]] = [{"$match": {"command.comment": comment}}, {"$limit": 1}]
    admin = connection.client.get_database("admin", read_preference=PRIMARY)
    try:
        listed = list(admin.aggregate([{"$currentOp": {"allUsers": True}}, *matching]))
    except driver.OperationFailure:
        listed = list(admin.aggregate([{"$currentOp": {}}, *matching]))
    return bool(listed)
