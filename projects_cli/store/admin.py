"""What only a database of one's own is asked: its replica set, its indexes, its sample."""

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

SHOWN = "the private server"

PATIENCE = 30.0
"""Seconds for one command of a server that has just started, and for it to take writes."""

NOT_INITIATED = 94
"""MongoDB's code for a replica set that has no configuration yet."""


def prepare(
    uri: str, host: str, database: str, indexes: Mapping[str, Iterable[Document]], owners: Mapping[str, Document]
) -> str:
    """Make a server that has just started take writes, with its indexes and its owners; return its version.

    `owners` are a document each for the collections `company` and `user`; a user of the company is left alone.

    `host` is what the replica set's only member is called: the socket's path. Each part is left out where it was
    done before, so a start that was killed is simply done again.

    Raises:
        NoPrivateServer, DatabaseError: it does not become writable, or refuses.
    """
    with translation(SHOWN):
        with _client(uri) as client:
            _configure(client, host)
            _await_primary(client)
        with _client(uri) as client:  # a new one: the other believes that there are no sessions
            create_indexes(client[database], indexes)
            _insert_owners(client[database], owners)
            return str(client.admin.command("buildInfo")["version"])


def _client(uri: str) -> pymongo.MongoClient[dict[str, Any]]:
    return pymongo.MongoClient(uri, timeoutMS=int(PATIENCE * 1000))


def _configure(client: pymongo.MongoClient[dict[str, Any]], host: str) -> None:
    """Make it a replica set of one, whose only member is this socket; moved data names another one."""
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


def _await_primary(client: pymongo.MongoClient[dict[str, Any]]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not client.admin.command("hello").get("isWritablePrimary"):
        if time.monotonic() > deadline:
            raise NoPrivateServer(f"mongod does not take writes after {PATIENCE:.0f} s", hint="projects local stop")
        time.sleep(0.005)


def create_indexes(database: Database[dict[str, Any]], indexes: Mapping[str, Iterable[Document]]) -> None:
    """Make the indexes of each collection that are not there yet."""
    with translation():
        for collection, wanted in indexes.items():
            database.command("createIndexes", collection, indexes=list(wanted))


def _insert_owners(database: Database[dict[str, Any]], owners: Mapping[str, Document]) -> None:
    """Insert the company and a user, unless the database has the company, or a user of it."""
    company, user = owners["company"], owners["user"]
    database["company"].update_one({"_id": company["_id"]}, {"$setOnInsert": company}, upsert=True)
    if database["user"].find_one({"company": company["_id"]}, {"_id": 1}) is None:
        database["user"].update_one({"_id": user["_id"]}, {"$setOnInsert": user}, upsert=True)


def present_ids(connection: Connection, collection: str, ids: Sequence[str]) -> set[str]:
    """Give those of the ids that a collection has, whoever's they are."""
    with translation():
        found = connection.database[collection].find({"_id": {"$in": list(ids)}}, {"_id": 1})
        return {document["_id"] for document in found}


def taken_names(connection: Connection, company: str, names: Sequence[str]) -> list[str]:
    """Give those of the names that a project of the company, or a public one, has."""
    with translation():
        wanted = {"name": {"$in": list(names)}, "company": {"$in": [company, ""]}}
        found = connection.database["project"].find(wanted, {"name": 1})
        return sorted(document["name"] for document in found)


def insert(connection: Connection, collection: str, documents: Sequence[Document]) -> None:
    """Insert documents whose ids are not there yet."""
    if documents:
        with translation():
            connection.database[collection].insert_many(documents)
