"""The deployment itself: version, topology, clock, rights, use of indexes. No document of a company is read here."""

from __future__ import annotations

from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from projects_cli.store.driver_errors import malformed_reply, translation
from projects_cli.store.reading import batches

if TYPE_CHECKING:
    from projects_cli.messages import Document
    from projects_cli.store.client import Connection


MEMBERS = ("hosts", "passives", "arbiters")  # fields of the reply to `hello` that list the members of a replica set


def hello(connection: Connection) -> Document:
    """Return the reply to `hello`: `localTime`, `isWritablePrimary`, `setName` of a replica set, `msg`."""
    reply = _command(connection, "hello")
    types = {"localTime": datetime, "setName": str, "primary": str, **dict.fromkeys(MEMBERS, list)}
    if any(not isinstance(reply[name], type_) for name, type_ in types.items() if name in reply):
        raise malformed_reply()
    return reply


def topology(hello: Document) -> str:
    """Return the kind of deployment that sent this reply to `hello`: `sharded`, `replica set`, `standalone`."""
    return "sharded" if hello.get("msg") == "isdbgrid" else "replica set" if "setName" in hello else "standalone"


def hosted_by(connection: Connection) -> str | None:
    """Return the service that hosts the deployment, by the names of its members: `Atlas`, or None if unknown."""
    return "Atlas" if any(host.endswith(".mongodb.net") for host, _ in connection.client.nodes) else None


def version(connection: Connection) -> str:
    """Return the server's version, as `6.0.5`."""
    with translation():
        return str(_command(connection, "buildInfo")["version"])


def compatibility(connection: Connection) -> str:
    """Return the feature compatibility version, as `6.0`; the router of a cluster has none.

    Raises:
        DatabaseRefused: the user lacks the right.
    """
    with translation():
        reply = _command(connection, "getParameter", featureCompatibilityVersion=1)
        return str(reply["featureCompatibilityVersion"]["version"])


def members(connection: Connection) -> list[Document]:
    """Return the members of the replica set, each with `name`, `health` (1: reached) and `stateStr`.

    Raises:
        DatabaseRefused: the user lacks the right.
    """
    with translation():
        return [dict(member) for member in _command(connection, "replSetGetStatus")["members"]]


def privileges(connection: Connection) -> tuple[str | None, list[Document]]:
    """Return the user's name, and its privileges as `{resource, actions}`; no name if the server knows no users."""
    with translation():
        login = _command(connection, "connectionStatus", showPrivileges=True)["authInfo"]
        users = [str(user["user"]) for user in login["authenticatedUsers"]]
        return (users[0] if users else None), [dict(privilege) for privilege in login["authenticatedUserPrivileges"]]


def user(connection: Connection) -> str | None:
    """Return the name of the database's user; None if the server knows no users."""
    with translation():
        users = _command(connection, "connectionStatus")["authInfo"]["authenticatedUsers"]
        return str(users[0]["user"]) if users else None


def is_direct(connection: Connection) -> bool:
    """Return whether the URI is for one server only, even if that is a member of a replica set."""
    return connection.client.topology_description.topology_type_name == "Single"


def sizes(connection: Connection, collection: str) -> Document:
    """Return the size of a collection and of its indexes: `{count, indexSizes: {name: bytes}}`.

    Raises:
        DatabaseRefused: the user lacks the right.
    """
    with translation():
        reply = dict(connection.database.command("collStats", collection))
        return {"count": int(reply.get("count", 0)), "indexSizes": dict(reply.get("indexSizes", {}))}


def index_use(connection: Connection, collection: str) -> list[Document]:
    """Return how often each index was used, and since when: `{name, spec, host, accesses: {ops, since}}`.

    Each member counts for itself. These are the counts of the member that the read preference chooses, or of one
    member of each shard.

    Raises:
        DatabaseRefused: the user lacks the right.
    """
    with translation():
        cursor = connection.reading[collection].aggregate([{"$indexStats": {}}])
        return list(chain.from_iterable(batches(cursor, connection.command_timeout, key="name")))


def _command(connection: Connection, command: str, **parameters: Any) -> Document:
    """Return the reply of the member that the read preference chooses."""
    admin, preference = connection.client.admin, connection.reading.read_preference
    return connection.retry.command(lambda: dict(admin.command(command, read_preference=preference, **parameters)))
