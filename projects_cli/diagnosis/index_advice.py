"""Which indexes would help a database, what they would cost, and making them; none is ever dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projects_cli.errors import DatabaseError, DatabaseRefused, ExpectedUniqueData
from projects_cli.store import admin, deployment
from projects_cli.store.bson_codec import encode
from projects_cli.store.index_definitions import EXTRAS, SERVER
from projects_cli.store.index_match import fields_of, signature

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from projects_cli.messages import Document
    from projects_cli.store.collections import Store

SAMPLE = 500
"""Documents whose keys are looked at, to estimate an index's size."""

ENTRY = 12
"""Bytes of an index's entry besides its key: where the document lies, and the page's own."""

SERVERS_OWN = "a server makes it, and its own queries need it"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An index that would help, or does: `size` in bytes, where it is not there by estimate; None: nobody may know."""

    collection: str
    index: Document
    kind: str
    present: bool
    size: int | None
    commands: Sequence[str]
    brings: str

    @property
    def name(self) -> str:
        """Give the name."""
        return str(self.index["name"])

    def record(self) -> Document:
        """Give it as the answer has it."""
        return {
            "name": self.name,
            "collection": self.collection,
            "state": "present" if self.present else "missing",
            "kind": self.kind,
            "size": self.size,
            "commands": list(self.commands),
            "brings": self.brings,
            "key": dict(self.index["key"]),
        }


def suggestions(store: Store) -> list[Suggestion]:
    """Give this program's own indexes, and those of a server's that are missing."""
    return [one for name in SERVER for one in _suggested(store, name)]


def _suggested(store: Store, collection: str) -> Iterator[Suggestion]:
    there = {signature(index): str(index["name"]) for index in store.named(collection).indexes(required=True)}
    sizes = Sizes.of(store, collection)
    for extra in EXTRAS:
        if extra.collection == collection:
            name = there.get(signature(extra.index))
            size = sizes.of_index(extra.index, name)
            yield Suggestion(collection, extra.index, "extra", name is not None, size, extra.commands, extra.benefit)
    for index in SERVER[collection]:
        if signature(index) not in there:
            commands = ("list --search",) if collection == "project" and "weights" in index else ()
            yield Suggestion(collection, index, "server", False, sizes.of_index(index, None), commands, SERVERS_OWN)


def make(store: Store, wanted: Sequence[Suggestion]) -> Iterator[Suggestion]:
    """Make the indexes one after the other; gives each when it is there. MongoDB lets others work meanwhile.

    Raises:
        DatabaseError: what is stored forbids one; those made before stay.
    """
    for one in wanted:
        try:
            with store.connection.unlimited():
                admin.create_indexes(store.connection.database, {one.collection: [one.index]})
        except ExpectedUniqueData as error:
            raise DatabaseError(
                f"the index {one.name} can't be made: several documents have the same {', '.join(one.index['key'])}",
                hint="find them: projects doctor",
            ) from error
        except DatabaseError as error:
            raise (_in_the_way(store, one) or error) from error
        there = {signature(index): index["name"] for index in store.named(one.collection).indexes(required=True)}
        name = there.get(signature(one.index))
        if name is None and (odd := _in_the_way(store, one)):  # MongoDB takes a hidden one for the same
            raise odd
        size = Sizes.of(store, one.collection).of_index(one.index, name)
        yield Suggestion(one.collection, one.index, one.kind, True, size, one.commands, one.brings)


def _in_the_way(store: Store, wanted: Suggestion) -> DatabaseError | None:
    """Give the error for an index of the same fields or name that is there, and that queries can't do with."""
    for index in store.named(wanted.collection).indexes(required=True):
        if fields_of(index) == fields_of(wanted.index) or index["name"] == wanted.name:
            return DatabaseError(
                f"the index {wanted.name} can't be made: {index['name']} is there with other options",
                hint=f"look at it: db.{wanted.collection}.getIndexes(); show it again where it is hidden, else drop it",
            )
    return None


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of a collection's indexes, in bytes, and how large others would be.

    Keys are measured in a sample of documents; how much MongoDB's compression of prefixes leaves of them is learned
    from the indexes that are there.
    """

    documents: int
    known: Mapping[str, int]
    sample: Sequence[Document]
    share: float

    @classmethod
    def of(cls, store: Store, collection: str) -> Sizes | NoSizes:
        """Look at a collection."""
        try:
            found = deployment.sizes(store.connection, collection)
        except DatabaseRefused:
            return NoSizes()
        kept = [index for index in store.named(collection).indexes(required=True) if "weights" not in index]
        fields = {field: 1 for index in (*kept, *SERVER[collection], *_extras(collection)) for field in index["key"]}
        sample = list(store.named(collection).find({}, fields, limit=SAMPLE))
        measured = sum(_average(sample, index["key"]) for index in kept) * found["count"]
        stored = sum(found["indexSizes"].get(index["name"], 0) for index in kept)
        return cls(found["count"], found["indexSizes"], sample, min(1.0, stored / measured) if measured else 1.0)

    def of_index(self, index: Document, name: str | None) -> int | None:
        """Give an index's size, by its name where it is there."""
        if name is not None:
            return self.known.get(name)
        fields: Mapping[str, Any] = index.get("weights") or index["key"]
        return int(self.documents * _average(self.sample, fields) * self.share)


class NoSizes:
    """Where the user may not ask for sizes."""

    def of_index(self, index: Document, name: str | None) -> int | None:
        """Give nothing."""


def _extras(collection: str) -> list[Document]:
    return [extra.index for extra in EXTRAS if extra.collection == collection]


def _average(sample: Sequence[Document], fields: Mapping[str, Any]) -> float:
    """Give the bytes of a document's entries in an index of these fields: an entry for each item of its list."""
    total = 0
    for document in sample:
        entries = 1
        size = ENTRY
        for field in fields:
            value = document.get(field)
            items = value if isinstance(value, list) and value else [value]
            entries = max(entries, len(items))
            size += sum(len(encode({"": item})) - 7 for item in items) // len(items)
        total += entries * size
    return total / len(sample) if sample else 0
