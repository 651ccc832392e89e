"""The collections of one company: every read and write here carries the company, so none can forget it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pymongo

from projects_cli.store.client import UNLIMITED, Connection, translated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from pymongo.collection import Collection as DriverCollection

    from projects_cli.messages import Document, Pipeline

BATCH = 1000
"""Documents in one batch of a cursor: the driver's default of 16 MB costs memory and time (bars.md)."""

Sort = list[tuple[str, Any]]


class Collection:
    """One collection, as one company may see it: its own documents and the public ones."""

    def __init__(self, raw: DriverCollection[dict[str, Any]], scope: Document, timeout: float | None) -> None:
        """Keep the driver's collection and the scope that every filter gets."""
        self._raw = raw
        self._scope = scope
        self._timeout = timeout

    def find(
        self,
        filter_: Document,
        projection: Document | None = None,
        *,
        sort: Sort | None = None,
        skip: int = 0,
        limit: int = 0,
    ) -> Iterator[Document]:
        """Stream the matching documents."""
        with translated():
            yield from self._raw.find(
                self.scoped(filter_),
                projection,
                sort=sort,
                skip=skip,
                limit=limit,
                batch_size=BATCH,
                allow_disk_use=True if sort else None,
            )

    def find_one(self, filter_: Document, projection: Document | None = None) -> Document | None:
        """Give one matching document, or None."""
        return next(self.find(filter_, projection, limit=1), None)

    def count(self, filter_: Document) -> int:
        """Count the matching documents."""
        with translated():
            return self._raw.count_documents(self.scoped(filter_))

    def aggregate(self, filter_: Document, stages: Pipeline) -> Iterator[Document]:
        """Stream what the stages make of the matching documents; no limit of time unless one was asked for."""
        with translated():
            with self._patience():
                cursor = self._raw.aggregate([{"$match": self.scoped(filter_)}, *stages], allowDiskUse=True)
            yield from cursor

    def insert(self, document: Document) -> None:
        """Insert one document."""
        with translated():
            self._raw.insert_one(document)

    def update(self, filter_: Document, change: Document | Pipeline) -> int:
        """Change the matching documents; gives how many were changed."""
        with translated(), self._patience():
            return self._raw.update_many(self.scoped(filter_), change).matched_count

    def delete(self, filter_: Document) -> int:
        """Remove the matching documents; gives how many there were."""
        with translated(), self._patience():
            return self._raw.delete_many(self.scoped(filter_)).deleted_count

    def scoped(self, filter_: Document) -> Document:
        """Give the filter with this company's part of the database added."""
        return {"$and": [self._scope, filter_]} if filter_ else self._scope

    def _patience(self) -> AbstractContextManager[object]:
        return pymongo.timeout(self._timeout or UNLIMITED)


@dataclass(frozen=True, slots=True)
class Store:
    """The documents of one company, and the public ones."""

    company: str
    projects: Collection
    tasks: Collection
    models: Collection
    users: Collection
    companies: Collection

    def named(self, collection: str) -> Collection:
        """Give the collection that a step of a plan names."""
        return {"project": self.projects, "task": self.tasks, "model": self.models}[collection]


def open_store(connection: Connection, company: str) -> Store:
    """Give the collections of a connection as one company may see them."""

    def collection(name: str, scope: Document) -> Collection:
        return Collection(connection.database[name], scope, connection.timeout)

    visible: Document = {"company": {"$in": [company, ""]}}
    return Store(
        company=company,
        projects=collection("project", visible),
        tasks=collection("task", visible),
        models=collection("model", visible),
        users=collection("user", visible),
        companies=collection("company", {"_id": company}),
    )
