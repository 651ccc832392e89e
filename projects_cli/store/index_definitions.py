"""The indexes that a ClearML server creates, and those that make this program fast, as `createIndexes` takes them.

The server's were recorded from a real one (docs/data-model.md, `project`). The private database has all of them. On any
other database an index is created only on request: `projects indexes create`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projects_cli.messages import Document

NATURAL_ORDER: Document = {"locale": "en_US", "numericOrdering": True}
"""The collation that sorts `run 2` before `run 10`."""


def _plain(*fields: str, **options: Any) -> Document:
    """Return an ascending index, with the name that every driver gives it."""
    name = "_".join(f"{field}_1" for field in fields)
    return {"key": dict.fromkeys(fields, 1), "name": name, "background": False, **options}


def _text(collection: str, weights: Mapping[str, int]) -> Document:
    """Return the text index of a collection."""
    return {
        "key": dict.fromkeys(weights, "text"),
        "name": f"backend-db.{collection}.main_text_index",
        "background": False,
        "weights": dict(weights),
        "default_language": "english",
    }


_OF_MEMBERS = (
    ("company", "name"),
    *(("company", field) for field in ("tags", "system_tags", "user")),
    *(("company", "project", field) for field in ("tags", "system_tags", "user")),
)
"""Fields of the indexes that tasks and models have in common."""

SERVER: Mapping[str, tuple[Document, ...]] = {
    "project": (
        *map(_plain, ("parent", "path")),
        *(_plain("company", field) for field in ("name", "basename")),
        _plain("company", "parent", "system_tags", "featured", "last_update"),
        _text("project", {"name": 10, "description": 10, "id": 10, "_id": 1}),
        _plain("name", "company", unique=True, sparse=False),
    ),
    "task": (
        *map(_plain, ("created", "started", "completed", "active_duration", "parent", "project", "last_update")),
        *map(_plain, ("status_changed", "models.input.model")),
        *(_plain(*fields) for fields in _OF_MEMBERS),
        *(_plain("company", field) for field in ("parent", "type")),
        *(_plain("company", "project", field) for field in ("parent", "type")),
        _plain("company", "status", "type"),
        _plain("company", "last_update", "system_tags"),
        _plain("company", "type", "system_tags", "status"),
        _plain("company", "project", "type", "system_tags", "status"),
        _plain("status", "last_update"),
        _plain("company", "project", collation=NATURAL_ORDER),
        _text(
            "task",
            {
                **dict.fromkeys(("name", "comment", "report", "id"), 10),
                "_id": 1,
                **dict.fromkeys(("models.input.model", "models.output.model"), 2),
                **dict.fromkeys(("script.repository", "script.entry_point"), 1),
            },
        ),
    ),
    "model": (
        *map(_plain, ("parent", "project", "task", "last_update")),
        *(_plain(*fields) for fields in _OF_MEMBERS),
        *(_plain("company", field) for field in ("last_update", "uri", "framework")),
        _plain("company", "project", "framework"),
        _text("model", {"name": 10, "comment": 10, "id": 10, "_id": 1, "parent": 5, "project": 3, "task": 3}),
    ),
}
"""Collection -> the indexes that a server creates."""


@dataclass(frozen=True, slots=True)
class Extra:
    """An index that no server creates, the commands that use it, and its benefit."""

    collection: str
    index: Document
    commands: tuple[str, ...]
    benefit: str


EXTRAS: tuple[Extra, ...] = (
    Extra(
        "task",
        {
            "key": dict.fromkeys(("company", "project", "system_tags", "status", "started", "completed"), 1),
            "name": "projects_cli_statistics",
        },
        ("list --stats",),
        "sums are read from the index alone, whatever the size of the tasks",
    ),
    Extra(
        "task",
        {"key": {"tags": 1}, "name": "projects_cli_task_tags"},
        ("task-tags",),
        "all tags from one read of the index, if all tasks belong to one company",
    ),
    Extra(
        "model",
        {"key": {"tags": 1}, "name": "projects_cli_model_tags"},
        ("model-tags",),
        "all tags from one read of the index, if all models belong to one company",
    ),
)

INDEXES: Mapping[str, tuple[Document, ...]] = {
    collection: (*server_indexes, *(extra.index for extra in EXTRAS if extra.collection == collection))
    for collection, server_indexes in SERVER.items()
}
"""Collection -> all indexes: those of a private database."""
