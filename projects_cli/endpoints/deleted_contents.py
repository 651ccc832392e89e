"""Tasks and models that are deleted with their projects: references to them, and the URLs of their files.

docs/semantics.md (delete_contents) has the rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import refusals
from projects_cli.extended_json import can_be_id, identity
from projects_cli.messages import Edit
from projects_cli.store import bson_codec, filters
from projects_cli.store.bson_codec import NULL, Value, document, fields, items, python_value, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from projects_cli.messages import Document
    from projects_cli.store.collections import Collection, Store

DELETED = value_of("__DELETED__")
"""What a server writes instead of the id of a deleted model."""

IDS = 5000
"""Ids in one filter, about 250 kB."""

STORAGE_TYPES = {"s3://": "s3", "azure://": "azure", "gs://": "gs"}
"""The beginnings of URLs whose files the clean-up job of a server deletes, with its names for the storage."""


# --- references ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class References:
    """The changes of tasks, or of models, that refer to the contents of deleted projects and are not in these."""

    kind: str
    projects: Sequence[Any]
    user: str
    now: datetime

    def edits(self, store: Store) -> Iterator[Edit]:
        """Stream an edit for each document; references of several kinds in one document are cleared at once."""
        inside = {identity(project) for project in self.projects}
        seen: set[Value] = set()
        for raw in self._referring(store):
            values = fields(raw)
            identifier = values["_id"]
            # What is in the projects is deleted itself.
            if identifier in seen or identity(python_value(values.get("project", NULL))) in inside:
                continue
            seen.add(identifier)
            if self.kind == "task":
                after = self._cleared(values, store)
            else:
                is_orphan = self._is_deleted(values.get("task"), store.tasks)
                after = {"task": NULL, **self._touched()} if is_orphan else {}
            changed = {name: value for name, value in after.items() if values.get(name) != value}
            if changed:
                before = {name: values[name] for name in changed if name in values}
                yield Edit(identifier, document(before), document(changed))

    def _referring(self, store: Store) -> Iterator[bytes]:
        """Stream the documents that refer to something in the projects, some of them several times."""
        wanted = {"project": 1, "last_change": 1, "last_changed_by": 1}
        if self.kind == "model":
            for ids in self._ids(store.tasks):
                yield from store.models.raw({"task": {"$in": ids}}, {**wanted, "task": 1})
            return
        # Only what can change: an undo puts back these fields, not the whole document.
        projection = {**wanted, "status": 1, "parent": 1, "models": 1}
        # The children of deleted tasks.
        for ids in self._ids(store.tasks):
            yield from store.tasks.raw({"parent": {"$in": ids}}, projection)
        # The tasks that use deleted models.
        for ids in self._ids(store.models):
            yield from store.tasks.raw({"models.input.model": {"$in": ids}}, projection)
        # The tasks that made deleted models.
        for ids in self._ids(store.models, "task"):
            yield from store.tasks.raw({"_id": {"$in": ids}}, projection)

    def _ids(self, collection: Collection, name: str = "_id") -> Iterator[list[Any]]:
        """Stream the ids of the contents of the projects, or what another field refers to, as lists for filters."""
        values = (
            fields(raw).get(name, NULL)
            for chunk in refusals.chunks(self.projects)
            for raw in collection.raw(filters.in_projects(chunk), {name: 1})
        )
        ids = filter(can_be_id, map(python_value, values))
        while some := list(islice(ids, IDS)):
            yield some

    def _cleared(self, task: dict[str, Value], store: Store) -> dict[str, Value]:
        """Return the fields of a task without its references to deleted tasks and models."""
        after: dict[str, Value] = {}
        touched = False
        if self._is_deleted(task.get("parent"), store.tasks):
            after["parent"], touched = NULL, True
        models = fields(task["models"].data) if task.get("models", NULL).type == bson_codec.DOCUMENT else {}
        lists = {
            name: items(models[name]) for name in ("input", "output") if models.get(name, NULL).type == bson_codec.ARRAY
        }
        deleted = {
            item: self._is_deleted(_model_of(item), store.models) for values in lists.values() for item in set(values)
        }
        if any(deleted[item] for item in lists.get("input", ())):
            models["input"] = _marked(lists["input"], deleted)
        if self._made_deleted_model(task["_id"], store):
            named = any(deleted[item] for item in lists.get("output", ()))
            published = task.get("status") == value_of("published")
            touched |= named or not published
            if named:
                kept = [item for item in lists["output"] if not deleted[item]]
                models["output"] = _marked(lists["output"], deleted) if published else bson_codec.array(kept)
        if models:
            after["models"] = Value(bson_codec.DOCUMENT, document(models))
        return after | self._touched() if touched else after

    def _touched(self) -> dict[str, Value]:
        return {"last_change": value_of(self.now), "last_changed_by": value_of(self.user)}

    def _is_deleted(self, reference: Value | None, collection: Collection) -> bool:
        """Return whether a reference is the id of something in the projects."""
        if reference is None or reference.type in {NULL.type, bson_codec.UNDEFINED.type, bson_codec.REGEX}:
            return False
        # Looked up one by one: the ids of all contents would not fit into the memory.
        same: Document = {"_id": bson_codec.embedded({"$eq": reference})}
        return any(
            collection.read(filters.all_of([same, filters.in_projects(chunk)])) is not None
            for chunk in refusals.chunks(self.projects)
        )

    def _made_deleted_model(self, task: Value, store: Store) -> bool:
        """Return whether a task is the `task` of a model in the projects."""
        same: Document = {"task": bson_codec.embedded({"$eq": task})}
        return any(
            store.models.read(filters.all_of([same, filters.in_projects(chunk)])) is not None
            for chunk in refusals.chunks(self.projects)
        )


def _model_of(item: Value) -> Value | None:
    return fields(item.data).get("model") if item.type == bson_codec.DOCUMENT else None


def _marked(values: Sequence[Value], deleted: dict[Value, bool]) -> Value:
    """Return a list of a task's models in which the deleted ones are marked."""
    return bson_codec.array(
        Value(bson_codec.DOCUMENT, document(fields(item.data) | {"model": DELETED})) if deleted[item] else item
        for item in values
    )


# --- URLs ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Files:
    """The URLs of the files of deleted tasks and models, each once and sorted: those that remain, and external ones."""

    model_urls: list[str]
    artifact_urls: list[str]
    external: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, projects: Sequence[Any], store: Store, *, hand_over: bool) -> Files:
        """Return the URLs of the contents of projects; external ones are separate if they are to be handed over."""
        models = set(_urls(document.get("uri") for document in _contents(store.models, projects, "uri")))
        tasks = _contents(store.tasks, projects, "execution.artifacts")
        artifacts = set(_urls(uri for task in tasks for uri in _artifacts(task)))
        external = {url for url in models | artifacts if hand_over and url.startswith(tuple(STORAGE_TYPES))}
        return cls(sorted(models - external), sorted(artifacts - external), sorted(external))

    @property
    def answer(self) -> dict[str, list[str]]:
        """Return the URLs that remain, as the response has them; those of events are not known here."""
        return {"model_urls": self.model_urls, "artifact_urls": self.artifact_urls, "event_urls": []}


def _contents(collection: Collection, projects: Sequence[Any], name: str) -> Iterator[Document]:
    for chunk in refusals.chunks(projects):
        yield from collection.find(filters.in_projects(chunk), {name: 1})


def _artifacts(task: Document) -> Iterator[Any]:
    """Yield the URIs of a task's output artifacts: a document by name, or in old tasks a list."""
    execution = task.get("execution")
    artifacts = execution.get("artifacts") if isinstance(execution, dict) else None
    values: Iterable[Any] = artifacts.values() if isinstance(artifacts, dict) else artifacts or ()
    for artifact in values if isinstance(artifacts, dict | list) else ():
        if isinstance(artifact, dict) and artifact.get("mode") == "output":
            yield artifact.get("uri")


def _urls(values: Iterable[Any]) -> Iterator[str]:
    return (value for value in values if type(value) is str and value)


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The documents by which URLs of external storage are handed over to the server's clean-up job."""

    urls: Sequence[str]
    project: Any
    user: str
    now: datetime
    new_id: Callable[[], str]

    def edits(self, store: Store) -> Iterator[Edit]:
        """Stream an edit for each URL: a new document, or the one that the company has for it as if it were new."""
        for start in range(0, len(self.urls), refusals.CHUNK):
            urls = self.urls[start : start + refusals.CHUNK]
            stored = {python_value(fields(raw)["url"]): raw for raw in store.urls.raw({"url": {"$in": list(urls)}})}
            for url in urls:
                yield self._edit(url, stored.get(url), store.company)

    def _edit(self, url: str, before: bytes | None, company: str) -> Edit:
        renewed = {"user": self.user, "task": self.project, "created": self.now, "retry_count": 0, "status": "created"}
        if before is not None:
            values = fields(before) | fields(bson_codec.encode(renewed))
            kept = {name: values[name] for name in values if not name.startswith("last_failure_")}
            return Edit(values["_id"], before, document(kept))
        storage = next(kind for prefix, kind in STORAGE_TYPES.items() if url.startswith(prefix))
        new = {
            "_id": self.new_id(),
            "company": company,
            "user": self.user,
            "url": url,
            "task": self.project,
            "created": self.now,
            "storage_type": storage,
            "type": "file",
            "retry_count": 0,
            "status": "created",
        }
        return Edit(value_of(new["_id"]), None, bson_codec.encode(new))
