"""The deployment itself: version, topology, clock, rights, indexes; nothing here reads a company's documents."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pymongo

from projects_cli.errors import CollectionMissing
from projects_cli.store.client import malformed, translated
from projects_cli.store.cursors import documents

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from projects_cli.messages import Document
    from projects_cli.store.client import Connection


MEMBERS = ("hosts", "passives", "arbiters")
"""What lists the members of a replica set in the server's introduction."""


def hello(connection: Connection, *, anywhere: bool = False) -> Document:
    """Give how the server introduces itself: `localTime`, `isWritablePrimary`, `setName` of a replica set, `msg`.

    It is the primary's introduction, or with `anywhere` that of the member which the read preference chooses.
    """
    found = _ask_any(connection, "hello") if anywhere else _ask(connection, "hello")
    kinds = {"localTime": datetime, "setName": str, "primary": str, **dict.fromkeys(MEMBERS, list)}
    if any(not isinstance(found[name], kind) for name, kind in kinds.items() if name in found):
        raise malformed("the database")
    return found


def topology(hello: Document) -> str:
    """Give what kind of deployment introduced itself: `sharded`, `replica set`, `standalone`."""
    return "sharded" if hello.get("msg") == "isdbgrid" else "replica set" if "setName" in hello else "standalone"


def hosted_by(connection: Connection) -> str | None:
    """Give whose service the deployment is, by the names of its members: `Atlas`, or None where that can't be told."""
    return "Atlas" if any(host.endswith(".mongodb.net") for host, _ in connection.client.nodes) else None


def within(seconds: float) -> AbstractContextManager[object]:
    """Give a block whose commands all end within a time."""
    return pymongo.timeout(seconds)


def version(connection: Connection) -> str:
    """Give the server's version, as `6.0.5`."""
    with translated():
        return str(_ask_any(connection, "buildInfo")["version"])


def compatibility(connection: Connection) -> str:
    """Give the feature compatibility version, as `6.0`; the router of a cluster has none.

    Raises:
        DatabaseRefused: the user may not ask.
    """
    with translated():
        found = _ask_any(connection, "getParameter", featureCompatibilityVersion=1)
        return str(found["featureCompatibilityVersion"]["version"])


def members(connection: Connection) -> list[Document]:
    """Give the members of the replica set, each with `name`, `health` (1: reached) and `stateStr`.

    Raises:
        DatabaseRefused: the user may not ask.
    """
    with translated():
        return [dict(member) for member in _ask_any(connection, "replSetGetStatus")["members"]]


def privileges(connection: Connection) -> tuple[str | None, list[Document]]:
    """Give the user's name, and what it may do, as `{resource, actions}`; no name where the server asks for none."""
    with translated():
        found = _ask_any(connection, "connectionStatus", showPrivileges=True)["authInfo"]
        users = [str(user["user"]) for user in found["authenticatedUsers"]]
        return (users[0] if users else None), [dict(held) for held in found["authenticatedUserPrivileges"]]


def user(connection: Connection) -> str | None:
    """Return the name of the database's user; None if the server asks for none."""
    users = _ask_any(connection, "connectionStatus")["authInfo"]["authenticatedUsers"]
    return str(users[0]["user"]) if users else None


def is_alone(connection: Connection) -> bool:
    """Tell whether the URI means one server and no other, though that may be a member of a replica set."""
    return connection.client.topology_description.topology_type_name == "Single"


def indexes(connection: Connection, collection: str, *, anywhere: bool = False) -> list[Document]:
    """Give the indexes of a collection; none where it is not there. `anywhere` is as for `hello`."""
    database = connection.reading if anywhere else connection.database
    try:
        with translated():
            # The driver's own method would insist on the primary.
            found = database.cursor_command("listIndexes", collection, read_preference=database.read_preference)
            return list(documents(found, connection.patience, key="name"))
    except CollectionMissing:
        return []


def sizes(connection: Connection, collection: str) -> Document:
    """Give how many documents a collection has, and its indexes' bytes: `{count, indexSizes: {name: bytes}}`.

    Raises:
        DatabaseRefused: the user may not ask.
    """
    with translated():
        found = dict(connection.database.command("collStats", collection))
        return {"count": int(found.get("count", 0)), "indexSizes": dict(found.get("indexSizes", {}))}


def index_use(connection: Connection, collection: str) -> list[Document]:
    """Give how often each index was used since when: `{name, spec, host, accesses: {ops, since}}`.

    Each member counts for itself: it is what the one knows that the read preference chooses, or one of each shard.

    Raises:
        DatabaseRefused: the user may not ask.
    """
    with translated():
        found = connection.reading[collection].aggregate([{"$indexStats": {}}])
        return list(documents(found, connection.patience, key="name"))


def _ask(connection: Connection, command: str, **parameters: Any) -> Document:
    with translated():
        return dict(connection.client.admin.command(command, **parameters))


def _ask_any(connection: Connection, command: str, **parameters: Any) -> Document:
    """Ask the member that the read preference chooses what each can say."""
    return _ask(connection, command, read_preference=connection.reading.read_preference, **parameters)
