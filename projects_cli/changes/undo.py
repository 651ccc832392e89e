"""Undo and resume of operations: which one, whether it can be done, and what it would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projects_cli.changes import conflicts
from projects_cli.changes.records import Edits, Members, Operation, Projects, decode_chunk
from projects_cli.errors import CannotUndo, Problem
from projects_cli.extended_json import id_text
from projects_cli.messages import Response
from projects_cli.store import bson_codec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projects_cli.changes.engine import Engine
    from projects_cli.changes.history import Operations
    from projects_cli.changes.records import Chunk, Entry
    from projects_cli.changes.writer import Tally
    from projects_cli.messages import Document

REASONS = 10
"""Reasons that a refusal lists."""


@dataclass(frozen=True, slots=True)
class Undo:
    """Undoes and resumes the operations of one company."""

    operations: Operations

    # --- undo -----------------------------------------------------------------------------------------------------

    def chosen(self, identifier: str | None) -> Operation:
        """Return the operation to undo: the one that is named, else the caller's newest.

        Raises:
            OperationNotFound: there is none. CannotUndo: it is undone, void, or still running.
        """
        operation = self.operations.newest_own() if identifier is None else self.operations.named(identifier)
        if operation.state in {"undone", "void"}:
            raise CannotUndo(f"operation {operation.id} is {_ended(operation)}: there is nothing to undo")
        self._check_stopped(operation, "undo")
        return operation

    def undo(self, identifier: str | None, engine: Engine, *, all_or_nothing: bool) -> Response:
        """Undo an operation; what others changed since is left as it is, or with `all_or_nothing` refused.

        Raises:
            OperationNotFound, CannotUndo: see `chosen`; or later changes are in the way.
        """
        operation = self.chosen(identifier)
        self._stop_worker(operation)
        if all_or_nothing:
            reasons = list(dict.fromkeys(f"{name}: {why}" for _, name, why in self._conflicts(operation)))
            self._refuse(operation, "undone", reasons)
        return _response(operation, engine.undo(operation))

    def preview(self, operation: Operation) -> Response:
        """Return what undoing an operation would change and what it would leave as it is; nothing is written."""
        skipped = [{"id": identifier, "name": name, "why": why} for identifier, name, why in self._conflicts(operation)]
        left = {document["id"] for document in skipped}
        steps = [step for chunk in self._chunks(operation, backwards=True) for step in _undoing(chunk)]
        return _as_plan(
            operation, "undo", [step for step in steps if step["id"] not in left or not step["id"]], skipped
        )

    def _conflicts(self, operation: Operation) -> Iterator[tuple[str, str, str]]:
        """Stream what an undo would leave as it is: id, name, reason. In the order in which an undo works."""
        store = self.operations.store
        context = conflicts.Context.of(self._chunks(operation))
        for chunk in self._chunks(operation, backwards=True):
            for entry in reversed(chunk.entries) if isinstance(chunk, Projects) else ():
                why = conflicts.conflict_of_entry(entry, store, context)
                if why is not None:
                    context.skipped.add(entry.id)
                    yield _text(entry), f"'{entry.name}'", why
        for chunk in self._chunks(operation, backwards=True):
            if isinstance(chunk, Members):
                for document, why in conflicts.conflicts_of_members(chunk, store, context):
                    name = (
                        f"{chunk.size} {chunk.kind}s" if document is None else f"{chunk.kind} {document.get('name')!r}"
                    )
                    yield "" if document is None else id_text(document["_id"]), name, why
            elif isinstance(chunk, Edits):
                yield from conflicts.conflicts_of_edits(chunk, store, context)

    # --- resume ---------------------------------------------------------------------------------------------------

    def resumable(self, identifier: str | None) -> Operation:
        """Return the operation to resume: the one that is named, else the newest interrupted one.

        Raises:
            OperationNotFound: there is none. CannotUndo: it has ended, is running, or can't be finished any more.
        """
        operation = self.operations.newest_interrupted() if identifier is None else self.operations.named(identifier)
        if not operation.is_unfinished:
            raise CannotUndo(f"operation {operation.id} is {_ended(operation)}: there is nothing to finish")
        self._check_stopped(operation, "finish")
        if operation.state != "undoing":
            context = conflicts.Context.of(self._chunks(operation))
            reasons = [
                reason
                for chunk in self._chunks(operation)
                for reason in conflicts.hindrances(chunk, self.operations.store, context)
            ]
            self._refuse(operation, "finished", list(dict.fromkeys(reasons)))
        return operation

    def resume(self, identifier: str | None, engine: Engine) -> Response:
        """Finish an interrupted operation, in the direction in which it was going.

        Raises:
            OperationNotFound, CannotUndo: see `resumable`.
        """
        operation = self.resumable(identifier)
        self._stop_worker(operation)
        go_on = engine.undo if operation.state == "undoing" else engine.resume
        return _response(operation, go_on(operation))

    def preview_resume(self, operation: Operation) -> Response:
        """Return all that an interrupted operation is about; nothing is written."""
        if operation.state == "undoing":
            return self.preview(operation)
        steps = [step for chunk in self._chunks(operation) for step in _making(chunk)]
        return _as_plan(operation, "resume", steps, [])

    # --- both -----------------------------------------------------------------------------------------------------

    def _chunks(self, operation: Operation, *, backwards: bool = False) -> Iterator[Chunk]:
        return map(decode_chunk, self.operations.stored.chunks(operation.id, backwards=backwards))

    def _check_stopped(self, operation: Operation, word: str) -> None:
        if not operation.is_unfinished:
            return
        if self.operations.is_running(operation):
            raise CannotUndo(
                f"operation {operation.id} is running: {operation.by} on {operation.host}",
                hint="wait until it has ended; the lease of a process that does not answer ends within a minute",
            )
        if self.operations.is_void(operation):
            raise CannotUndo(f"operation {operation.id} is {_ENDINGS['void']}: there is nothing to {word}")

    def _stop_worker(self, operation: Operation) -> None:
        if operation.is_unfinished and not self.operations.take_from_worker(operation):
            raise CannotUndo(f"operation {operation.id} is running: {operation.by} on {operation.host}")

    def _refuse(self, operation: Operation, word: str, reasons: list[str]) -> None:
        if reasons:
            raise CannotUndo(
                f"operation {operation.id} can't be {word}, later changes are in the way: {reasons[0]}",
                hint="undo the later changes first: projects history",
                problems=[Problem(operation.id, reason) for reason in reasons[:REASONS]],
            )


_ENDINGS = {"void": "void: it was interrupted before its first write", "undone": "undone", "done": "done"}


def _ended(operation: Operation) -> str:
    return _ENDINGS.get(operation.state, operation.state)


def _response(operation: Operation, tally: Tally) -> Response:
    names = {"project": "projects", "task": "tasks", "model": "models", "url_to_delete": "urls"}
    changed = dict.fromkeys(("projects", "tasks", "models"), 0)
    for (collection, _), count in tally.changed.items():
        changed[names[collection]] = changed.get(names[collection], 0) + count
    skipped = [skipped._asdict() for skipped in tally.skipped]
    summary = {"operation": operation.id, "state": operation.state, "summary": operation.summary}
    return Response("operation", {**summary, **changed, "skipped": skipped}, skipped=tally.skipped)


def _as_plan(operation: Operation, word: str, steps: list[Document], skipped: list[Document]) -> Response:
    return Response(
        "plan",
        {
            "plan": f"{word} {operation.id}: {operation.summary}",
            "endpoint": operation.endpoint,
            "counts": operation.counts,
            "samples": [{"id": step["id"], "name": step["name"]} for step in steps if step["id"]],
            "skipped": skipped,
            "steps": steps,
        },
    )


_OPPOSITE = {"insert": "delete", "update": "restore", "delete": "insert"}


def _undoing(chunk: Chunk) -> Iterator[Document]:
    if isinstance(chunk, Projects):
        for entry in reversed(chunk.entries):
            yield _step(_OPPOSITE[entry.action], "project", "undo", entry=entry)
    elif isinstance(chunk, Edits):
        yield _step("restore", chunk.kind, "undo", documents=chunk.size)
    else:
        yield _step("update", chunk.kind, f"back into {bson_codec.python_value(chunk.source)}", documents=chunk.size)


def _making(chunk: Chunk) -> Iterator[Document]:
    if isinstance(chunk, Projects):
        for entry in chunk.entries:
            yield _step(entry.action, "project", "resume", entry=entry)
    elif isinstance(chunk, Edits):
        action = "delete" if all(edit.after is None for edit in chunk.edits) else "update"
        yield _step(action, chunk.kind, "resume", documents=chunk.size)
    else:
        source, target = (bson_codec.python_value(place) for place in (chunk.source, chunk.target))
        why = f"leave {source}" if target is None else f"from {source} to {target}"
        yield _step("update", chunk.kind, why, documents=chunk.size)


def _step(action: str, kind: str, why: str, *, entry: Entry | None = None, documents: int = 1) -> dict[str, Any]:
    """Return a step as a plan shows it: of one project with its id and name, of tasks or models with their number."""
    return {
        "action": action,
        "collection": kind,
        "documents": documents,
        "id": None if entry is None else _text(entry),
        "name": None if entry is None else entry.name,
        "why": why,
    }


def _text(entry: Entry) -> str:
    return id_text(bson_codec.python_value(entry.id))
