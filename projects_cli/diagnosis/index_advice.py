"""The indexes that would help a database, their sizes, and their creation. No index is ever dropped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from projects_cli.errors import DatabaseError, DatabaseRefused, ExpectedUniqueData
from projects_cli.store import admin, deployment
from projects_cli.store.bson_codec import encode
from projects_cli.store.index_definitions import EXTRAS, INDEXES, SERVER
from projects_cli.store.index_match import fields_of, signature

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from projects_cli.messages import Document
    from projects_cli.store.collections import Store

SAMPLE = 500  # documents whose keys are measured to estimate an index's size
ENTRY = 12  # bytes of an index's entry besides its key: the document's location, and a part of the page
BSON_OVERHEAD = 7  # bytes of a document with one empty field name, besides the value

SERVER_BENEFIT = "a server creates it, and its own queries need it"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An index that would help, or does. `size` is in bytes, estimated if it is missing, and None if unknown."""

    collection: str
    index: Document
    kind: str
    present: bool
    size: int | None
    commands: Sequence[str]
    benefit: str

    @property
    def name(self) -> str:
        """Return the index's name."""
        return str(self.index["name"])

    def record(self) -> Document:
        """Return the suggestion as the response has it."""
        return {
            "name": self.name,
            "collection": self.collection,
            "state": "present" if self.present else "missing",
            "kind": self.kind,
            "size": self.size,
            "commands": list(self.commands),
            "benefit": self.benefit,
            "key": dict(self.index["key"]),
        }


def suggestions(store: Store) -> list[Suggestion]:
    """Return this program's own indexes, and the missing ones of a server."""
    result = []
    for collection, server_indexes in SERVER.items():
        present = _names(store, collection)
        sizes = Sizes.of(store, collection)
        for extra in EXTRAS:
            if extra.collection == collection:
                index, name = extra.index, present.get(signature(extra.index))
                size = None if sizes is None else sizes.of_index(index, name)
                is_present = name is not None
                result.append(Suggestion(collection, index, "extra", is_present, size, extra.commands, extra.benefit))
        for index in server_indexes:
            if signature(index) not in present:
                commands = ("list --search",) if collection == "project" and "weights" in index else ()
                size = None if sizes is None else sizes.of_index(index, None)
                result.append(Suggestion(collection, index, "server", False, size, commands, SERVER_BENEFIT))
    return result


def _names(store: Store, collection: str) -> dict[tuple[Any, ...], str]:
    indexes = store.named(collection).indexes(required=True)
    return {signature(index): str(index["name"]) for index in indexes}


def create(store: Store, missing: Sequence[Suggestion]) -> Iterator[Suggestion]:
    """Create indexes one after the other, and yield each. Other clients can work meanwhile.

    Raises:
        DatabaseError: the documents, or another index, prevent one; those created before stay.
    """
    for suggestion in missing:
        collection, index = suggestion.collection, suggestion.index
        try:
            with store.connection.unlimited():
                admin.create_indexes(store.connection.database, {collection: [index]})
        except ExpectedUniqueData as error:
            fields = ", ".join(index["key"])
            raise DatabaseError(
                f"cannot create the index {suggestion.name}: several documents have the same {fields}",
                hint="find them: projects doctor",
            ) from error
        except DatabaseError as error:
            raise (_conflict(store, suggestion) or error) from error
        # Read again rather than believed: the name may be another one.
        name = _names(store, collection).get(signature(index))
        # MongoDB creates no index, and reports no error, if a hidden index is the same otherwise.
        if name is None and (conflict := _conflict(store, suggestion)):
            raise conflict
        sizes = Sizes.of(store, collection)
        size = None if sizes is None else sizes.of_index(index, name)
        yield replace(suggestion, present=True, size=size)


def _conflict(store: Store, suggestion: Suggestion) -> DatabaseError | None:
    """Return the error for an existing index with the same fields or name that queries cannot use instead."""
    for index in store.named(suggestion.collection).indexes(required=True):
        if fields_of(index) == fields_of(suggestion.index) or index["name"] == suggestion.name:
            return DatabaseError(
                f"cannot create the index {suggestion.name}: {index['name']} exists with other options",
                hint=f"look at it: db.{suggestion.collection}.getIndexes(); unhide it if it is hidden, or drop it",
            )
    return None


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of a collection's indexes, in bytes, and estimates for others.

    Keys are measured in a sample of documents. How much MongoDB's prefix compression saves is learned from the existing
    indexes: `ratio` is their stored size, divided by their measured one.
    """

    documents: int
    known: Mapping[str, int]
    sample: Sequence[Document]
    ratio: float

    @classmethod
    def of(cls, store: Store, collection: str) -> Sizes | None:
        """Read the sizes of a collection; None if the user lacks the right."""
        try:
            # A privilege of its own, which readWrite includes, but a custom role may not.
            stats = deployment.sizes(store.connection, collection)
        except DatabaseRefused:
            return None
        count, known = stats["count"], stats["indexSizes"]
        # The keys of a text index are words, which this measure does not know.
        plain = [index for index in store.named(collection).indexes(required=True) if "weights" not in index]
        fields = {field: 1 for index in (*plain, *INDEXES[collection]) for field in index["key"]}
        sample = list(store.named(collection).find({}, fields, limit=SAMPLE))
        measured = sum(_average(sample, index["key"]) for index in plain) * count
        stored = sum(known.get(index["name"], 0) for index in plain)
        return cls(count, known, sample, min(1.0, stored / measured) if measured else 1.0)

    def of_index(self, index: Document, name: str | None) -> int | None:
        """Return the size of an index: of the existing one with this name, or an estimate without a name."""
        if name is not None:
            return self.known.get(name)
        return int(self.documents * _average(self.sample, index.get("weights") or index["key"]) * self.ratio)


def _average(sample: Sequence[Document], fields: Mapping[str, Any]) -> float:
    """Return the bytes of a document's entries in an index of these fields: one entry for each item of its list."""
    total = 0
    for document in sample:
        entries = 1
        size = ENTRY
        for field in fields:
            value = document.get(field)
            items = value if isinstance(value, list) and value else [value]
            # At most one field of an index may be a list.
            entries = max(entries, len(items))
            size += sum(len(encode({"": item})) - BSON_OVERHEAD for item in items) // len(items)
        total += entries * size
    return total / len(sample) if sample else 0
