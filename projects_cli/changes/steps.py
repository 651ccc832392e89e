"""The steps of an operation as plans and history show them, from its chunks in the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.changes.records import Edits, Projects, Tagging
from projects_cli.extended_json import id_text
from projects_cli.store import bson_codec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projects_cli.changes.records import Chunk, Entry
    from projects_cli.messages import Document

_OPPOSITE = {"insert": "delete", "update": "restore", "delete": "insert"}


def steps_undone(chunk: Chunk) -> Iterator[Document]:
    """Stream what an undo of a chunk does, the last step of the chunk first."""
    if isinstance(chunk, Projects):
        for entry in reversed(chunk.entries):
            yield _step(_OPPOSITE[entry.action], "project", "undo", entry=entry)
    elif isinstance(chunk, Tagging):
        yield _step("restore", chunk.kind, "undo: tags", documents=chunk.size)
    elif isinstance(chunk, Edits):
        yield _step("delete" if chunk.inserts else "restore", chunk.kind, "undo", documents=chunk.size)
    else:
        yield _step("update", chunk.kind, f"back into {bson_codec.python_value(chunk.source)}", documents=chunk.size)


def steps_made(chunk: Chunk, why: str) -> Iterator[Document]:
    """Stream what a chunk does; `why` is the reason that each step has."""
    if isinstance(chunk, Projects):
        for entry in chunk.entries:
            yield _step(entry.action, "project", why, entry=entry)
    elif isinstance(chunk, Tagging):
        yield _step("update", chunk.kind, f"{why}: tags", documents=chunk.size)
    elif isinstance(chunk, Edits):
        removes = all(edit.after is None for edit in chunk.edits)
        action = "delete" if removes else "insert" if chunk.inserts else "update"
        yield _step(action, chunk.kind, why, documents=chunk.size)
    else:
        source, target = (bson_codec.python_value(place) for place in (chunk.source, chunk.target))
        place = f"leave {source}" if target is None else f"from {source} to {target}"
        yield _step("update", chunk.kind, place, documents=chunk.size)


def _step(action: str, kind: str, why: str, *, entry: Entry | None = None, documents: int = 1) -> dict[str, Any]:
    """Return a step as a plan shows it: of one project with its id and name, of tasks or models with their number."""
    return {
        "action": action,
        "collection": kind,
        "documents": documents,
        "id": None if entry is None else text_of(entry),
        "name": None if entry is None else entry.name,
        "why": why,
    }


def text_of(entry: Entry) -> str:
    """Return the id of an entry's project for display."""
    return id_text(bson_codec.python_value(entry.id))
