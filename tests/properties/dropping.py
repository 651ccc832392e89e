"""An index that another process drops while a command reads through it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pymongo
from pymongo import ReadPreference, monitoring

from projects_cli.store.client import Connection
from projects_cli.store.collections import open_store
from tests.properties.calling import OWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymongo.collection import Collection

    from projects_cli.store.collections import Store
    from tests.servers import Server


class Dropper(monitoring.CommandListener):
    """Drops an index just before the n-th command of a kind is sent."""

    def __init__(self, collection: Collection[dict[str, Any]], index: str, command: str, number: int) -> None:
        self._collection = collection
        self._index = index
        self._command = command
        self._left = number

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name == self._command:
            self._left -= 1
            if not self._left:
                self._collection.drop_index(self._index)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Do nothing."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Do nothing."""

    @property
    def dropped(self) -> bool:
        return self._left <= 0


@contextmanager
def dropping(
    server: Server, collection: Collection[dict[str, Any]], index: str, command: str, number: int = 1
) -> Iterator[tuple[Store, Dropper]]:
    """Yield a store whose n-th command of a kind finds an index of the collection dropped."""
    dropper = Dropper(collection, index, command, number)
    with pymongo.MongoClient[dict[str, Any]](server.uri, event_listeners=[dropper]) as client:
        yield open_store(Connection(client, collection.database.name, None, ReadPreference.PRIMARY), OWN), dropper
