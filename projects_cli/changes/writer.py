"""Writes of one operation, each with the fence of its lease, and a tally of what they changed.

The fence is in the filter of each write, so that the server refuses it once another process may have taken over
(docs/safety.md).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from projects_cli.changes.conditions import among, by_id, shown
from projects_cli.errors import ExpectedUniqueData
from projects_cli.messages import Skipped
from projects_cli.store import bson_codec
from projects_cli.store.collections import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from projects_cli.changes.lease import Lease
    from projects_cli.changes.records import Chunk, Entry
    from projects_cli.messages import Document, Pipeline
    from projects_cli.store.collections import Store


@dataclass(slots=True)
class Tally:
    """What was done so far: counts by (collection, action), and what was left as it is, with the reason.

    `left` are the ids of what was left and is not in `skipped`. `repeated` is for a second try after a connection
    broke: what is done already then counts too, since the first try may have done it.
    """

    changed: dict[tuple[str, str], int] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    repeated: bool = False

    def add(self, collection: str, action: str, count: int) -> None:
        """Count changed documents."""
        if count:
            self.changed[collection, action] = self.changed.get((collection, action), 0) + count

    def count_done(self, action: str) -> None:
        """Count a project that is as it should be already."""
        if self.repeated:
            self.add("project", action, 1)

    def skip(self, entry: Entry, why: str) -> None:
        """Note a project that was left as it is."""
        self.skipped.append(Skipped(shown(entry.id), entry.name, why))

    def include(self, other: Tally) -> None:
        """Add what another tally has."""
        for (collection, action), count in other.changed.items():
            self.add(collection, action, count)
        self.skipped += other.skipped
        self.left += other.left


@dataclass(slots=True)
class Writer:
    """Writes the documents of one operation, behind the fence of its lease."""

    store: Store
    operation: str
    lease: Lease | None
    renew: Callable[[Chunk], None] = lambda _: None

    def insert(self, raw: bytes, kind: str = "project") -> None:
        """Insert a document, unless one with its id exists.

        Raises:
            ExpectedUniqueData: another document has its name. LeaseLost: another process took over.
        """
        collection, same = self.store.named(kind), by_id(bson_codec.fields(raw)["_id"])
        if collection.in_transaction:  # one that is refused is over, and one that is repeated begins anew
            collection.insert(raw, Guard(self.operation))
            return

        def write(guard: Guard) -> int:
            try:
                collection.insert(raw, guard)
            except ExpectedUniqueData:
                if collection.read(same) is None:
                    raise
            return int(collection.read(same) is not None)

        self._fenced(write)

    def update(self, kind: str, filter_: Document, change: Document) -> int:
        """Change the matching documents. Return how many matched."""
        return self._fenced(lambda guard: self.store.named(kind).update(filter_, change, guard))

    def update_each(self, updates: Sequence[tuple[Document, Document | Pipeline | bytes]]) -> int:
        """Change, or replace by a document, a project for each of these filters; all of them with a pipeline.

        Return how many matched.
        """
        return self._fenced(lambda guard: self.store.projects.update_each(updates, guard))

    def update_groups(self, kind: str, updates: Sequence[tuple[Document, Document | Pipeline]]) -> int:
        """Change all documents that match each of these filters. Return how many matched."""
        return self._fenced(lambda guard: self.store.named(kind).update_groups(updates, guard))

    def delete(self, filter_: Document, kind: str = "project") -> int:
        """Remove a matching document. Return how many were removed."""
        return self._fenced(lambda guard: self.store.named(kind).delete_one(filter_, guard))

    def delete_each(self, filters_: Sequence[Document]) -> int:
        """Remove a project for each of these filters. Return how many were removed."""
        return self._fenced(lambda guard: self.store.projects.delete_each(filters_, guard))

    def replace(self, filter_: Document, raw: bytes, kind: str = "project") -> int:
        """Replace a matching document. Return how many matched."""
        return self._fenced(lambda guard: self.store.named(kind).replace(filter_, raw, guard))

    def delete_all(self, kind: str, filter_: Document) -> int:
        """Remove the matching documents. Return how many were removed."""
        return self._fenced(lambda guard: self.store.named(kind).delete(filter_, guard))

    def insert_all(self, kind: str, documents: Sequence[bytes]) -> None:
        """Insert documents. If one exists or another writer is faster, some may be missing afterwards.

        Raises:
            ExpectedUniqueData: one exists, and this is a transaction. LeaseLost: another process took over.
        """
        collection = self.store.named(kind)
        if collection.in_transaction:  # in which nothing can be missing afterwards: it is over if one is refused
            for raw in documents:
                collection.insert(raw, Guard(self.operation))
            return
        same = among(bson_codec.identifier(raw) for raw in documents)

        def write(guard: Guard) -> int:
            with suppress(ExpectedUniqueData):
                collection.insert_all(documents, guard)
            return int(collection.read(same) is not None)

        self._fenced(write)

    def _fenced(self, write: Callable[[Guard], int]) -> int:
        """Write; again with a renewed lease if nothing matched because the fence had closed.

        The server evaluates the fence once for a command: if one document matched, it was open. If none did, either the
        documents are not as expected or the deadline had passed. The server's clock only goes forward, so a deadline
        that has not passed now had not passed then.

        Raises:
            LeaseLost: another process took over.
        """
        while True:
            guard = Guard(self.operation) if self.lease is None else self.lease.guard(self.operation)
            count = write(guard)
            if count or self.lease is None or self.lease.is_before(guard.deadline):
                return count
            self.lease.check()
