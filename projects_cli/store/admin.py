"""Administration of a database: the private server's replica set, indexes, and sample documents."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pymongo
from pymongo import errors as driver

from projects_cli.errors import NoPrivateServer
from projects_cli.store.driver_errors import translation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pymongo.database import Database

    from projects_cli.messages import Document
    from projects_cli.store.client import Connection

SERVER = "the private server"

TIMEOUT = 30.0  # seconds for one command of a server that has just started, and for it to accept writes
NOT_INITIATED = 94  # MongoDB's code for a replica set that has no configuration yet


def prepare(
    uri: str, host: str, database: str, indexes: Mapping[str, Iterable[Document]], owners: Mapping[str, Document]
) -> str:
    """Make a server that has just started writable, with its indexes and owners. Return its version.

    `host` is the name of the replica set's only member: the socket's path. `owners` has a document for each of the
    collections `company` and `user`; a company that has a user gets no other. Every part that exists already is left
    as it is, so a start that was killed is simply repeated.

    Raises:
        NoPrivateServer, DatabaseError: it does not become writable, or refuses.
    """
    with translation(SERVER):
        with _client(uri) as client:
            _configure(client, host)
            deadline = time.monotonic() + TIMEOUT
            while not client.admin.command("hello").get("isWritablePrimary"):
                if time.monotonic() > deadline:
                    raise NoPrivateServer(
                        f"mongod does not accept writes after {TIMEOUT:.0f} s", hint="projects local stop"
                    )
                time.sleep(0.005)
        with _client(uri) as client:  # a new client: the first one has learned that there are no sessions
            create_indexes(client[database], indexes)
            company, user = owners["company"], owners["user"]
            stored = client[database]
            stored["company"].update_one({"_id": company["_id"]}, {"$setOnInsert": company}, upsert=True)
            if stored["user"].find_one({"company": company["_id"]}, {"_id": 1}) is None:
                stored["user"].update_one({"_id": user["_id"]}, {"$setOnInsert": user}, upsert=True)
            return str(client.admin.command("buildInfo")["version"])


def _client(uri: str) -> pymongo.MongoClient[dict[str, Any]]:
    return pymongo.MongoClient(uri, timeoutMS=int(TIMEOUT * 1000))


def _configure(client: pymongo.MongoClient[dict[str, Any]], host: str) -> None:
    """Configure a replica set whose only member is this socket. Data that was moved names another socket."""
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except driver.OperationFailure as error:
        if error.code != NOT_INITIATED:
            raise
        client.admin.command("replSetInitiate", {"_id": "local", "members": [{"_id": 0, "host": host}]})
        return
    if config["members"][0]["host"] != host:
        config["members"] = [{**config["members"][0], "host": host}]
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)


def create_indexes(database: Database[dict[str, Any]], indexes: Mapping[str, Iterable[Document]]) -> None:
    """Create the indexes of each collection that are missing."""
    with translation():
        for collection, descriptions in indexes.items():
            database.command("createIndexes", collection, indexes=list(descriptions))


def present_ids(connection: Connection, collection: str, ids: Sequence[str]) -> set[str]:
    """Return the ids that a collection has, of all companies."""
    with translation():
        matching = connection.database[collection].find({"_id": {"$in": list(ids)}}, {"_id": 1})
        return {document["_id"] for document in matching}


def taken_names(connection: Connection, company: str, names: Sequence[str]) -> list[str]:
    """Return the names that projects of the company, or public ones, have."""
    with translation():
        filter_ = {"name": {"$in": list(names)}, "company": {"$in": [company, ""]}}
        return sorted(project["name"] for project in connection.database["project"].find(filter_, {"name": 1}))


def insert(connection: Connection, collection: str, documents: Sequence[Document]) -> None:
    """Insert documents with new ids."""
    if documents:
        with translation():
            connection.database[collection].insert_many(documents)
