"""Undo, redo and resume of operations: which ones, whether it can be done, and what it would do."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from projects_cli.changes import conflicts, redo, tagging
from projects_cli.changes.chunks import part_of
from projects_cli.changes.conditions import shown
from projects_cli.changes.records import Edits, Operation, Projects, Tagging, decode_chunk
from projects_cli.changes.steps import steps_made, steps_undone, text_of
from projects_cli.changes.stored import Stored
from projects_cli.errors import CannotUndo, Problem
from projects_cli.extended_json import id_text
from projects_cli.messages import Response, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projects_cli.changes.engine import Engine
    from projects_cli.changes.history import Operations
    from projects_cli.changes.records import Chunk, Members
    from projects_cli.changes.writer import Tally
    from projects_cli.messages import Document
    from projects_cli.store.bson_codec import Value

EVERY = "*"
"""Stands for all fields of a project that is created or removed."""

REASONS = 10
"""Reasons that a refusal lists."""


@dataclass(frozen=True, slots=True)
class Undo:
    """Undoes and resumes the operations of one company."""

    operations: Operations

    # --- undo -----------------------------------------------------------------------------------------------------

    def chosen(self, identifier: str | None) -> list[Operation]:
        """Return the operations to undo, the newest first: those with this id, else of the caller's newest run.

        Raises:
            OperationNotFound: there is none. CannotUndo: all are undone or void, or one is still running.
        """
        if identifier is None:
            # What is left of the run: one of its operations may have been undone by itself.
            identifier = self.operations.newest_own().run
        named = self.operations.named(identifier)
        operations = [operation for operation in named if operation.can_be_undone]
        if not operations:
            raise CannotUndo(f"{_called(identifier, named)} is {_ended(named[0])}: there is nothing to undo")
        for operation in operations:
            self._check_running(operation)
        # Those that were interrupted before their first write have nothing to undo.
        void = {
            operation.id for operation in operations if operation.is_unfinished and self.operations.is_void(operation)
        }
        if len(void) == len(operations):
            raise CannotUndo(f"{_called(identifier, named)} is {_ENDINGS['void']}: there is nothing to undo")
        return [operation for operation in operations if operation.id not in void]

    def undo(self, identifier: str | None, engine: Engine, *, all_or_nothing: bool) -> Response:
        """Undo an operation or a run; what others changed since is left as it is, or with `all_or_nothing` refused.

        Raises:
            OperationNotFound, CannotUndo: see `chosen`; or later changes are in the way.
        """
        operations = self.chosen(identifier)
        for operation in operations:
            self._stop_worker(operation)
        if all_or_nothing:
            self.check_all(operations)
        tallies = []
        for operation in operations:
            if all_or_nothing and len(operations) > 1:  # now without those that came after it in the run
                self.check_all([operation])
            tallies.append(engine.undo(operation))
        return _response(operations, tallies)

    def preview(self, operations: Sequence[Operation]) -> Response:
        """Return what undoing operations would change and what it would leave as it is; nothing is written."""
        skipped = [skipped._asdict() for _, skipped, _ in self._conflicts(operations)]
        left = {document["id"] for document in skipped}
        steps = [
            step
            for operation in operations
            for chunk in self._to_undo(operation, backwards=True)
            for step in steps_undone(chunk)
        ]
        return _as_plan(
            operations, "undo", [step for step in steps if step["id"] not in left or not step["id"]], skipped
        )

    def check_all(self, operations: Sequence[Operation]) -> None:
        """Check that an undo would leave nothing as it is.

        Raises:
            CannotUndo: later changes are in the way.
        """
        conflicting = list(self._conflicts(operations))
        # The cause first, then what follows from it.
        conflicting.sort(key=lambda conflict: conflict[1].why == conflicts.NOT_RESTORED)
        reasons = list(dict.fromkeys(f"{called}: {skipped.why}" for _, skipped, called in conflicting))
        self._refuse(conflicting[0][0] if conflicting else operations[0], "undone", reasons)

    def _conflicts(self, operations: Sequence[Operation]) -> Iterator[tuple[Operation, Skipped, str]]:
        """Stream what an undo would leave as it is, and how a message calls it. In the order in which an undo works.

        What a newer one of the operations changes is back as it was when an older one is undone.
        """
        store = self.operations.store
        newer, kinds = conflicts.Context.of(()), set[str]()
        changed: defaultdict[Value, set[str]] = defaultdict(set)  # the fields that newer ones change, by project
        for operation in operations:
            context = newer.including(conflicts.Context.of(self._to_undo(operation)))
            conflicts.skip_roots(self._to_undo(operation), store, context, newer.ids)
            context.contents -= self._kept_contents(operation, context)
            for chunk in self._to_undo(operation, backwards=True):
                entries = chunk.entries if isinstance(chunk, Projects) else []
                stored = Stored(store, entries)
                for entry in reversed(entries):
                    fields = entry.changed_fields - {"last_update"} if entry.action == "update" else {EVERY}
                    pending = EVERY in changed[entry.id] | fields or not fields.isdisjoint(changed[entry.id])
                    restored = entry.id in newer.ids and pending and entry.id not in context.skipped
                    changed[entry.id] |= fields
                    why = None if restored else conflicts.conflict_of_entry(entry, stored, context)
                    if why is not None:
                        context.skipped.add(entry.id)
                        yield operation, Skipped(text_of(entry), entry.name, why), f"'{entry.name}'"
            own_kinds = set()
            for chunk in self._to_undo(operation, backwards=True):
                if isinstance(chunk, Projects):
                    continue
                own_kinds.add(chunk.kind)
                if chunk.kind not in kinds:
                    for skipped in self._conflicts_of_contents(chunk, context):
                        yield operation, skipped, skipped.name
            newer, kinds = context, kinds | own_kinds

    def _kept_contents(self, operation: Operation, context: conflicts.Context) -> set[Value]:
        """Return the ids of inserted tasks and models that others have changed, so that they stay."""
        kept: set[Value] = set()
        for chunk in self._to_undo(operation):
            if isinstance(chunk, Edits) and chunk.inserts:
                left = {skipped.id for skipped in conflicts.conflicts_of_edits(chunk, self.operations.store, context)}
                kept |= {edit.id for edit in chunk.edits if shown(edit.id) in left}
        return kept

    def _conflicts_of_contents(self, chunk: Members | Edits | Tagging, context: conflicts.Context) -> Iterator[Skipped]:
        """Stream the tasks, models and other documents that an undo would leave as they are."""
        store = self.operations.store
        if isinstance(chunk, Tagging):
            yield from tagging.conflicts(chunk, store)
            return
        if isinstance(chunk, Edits):
            yield from conflicts.conflicts_of_edits(chunk, store, context)
            return
        for document, why in conflicts.conflicts_of_members(chunk, store, context):
            name = f"{chunk.size} {chunk.kind}s" if document is None else f"{chunk.kind} {document.get('name')!r}"
            yield Skipped("" if document is None else id_text(document["_id"]), name, why)

    # --- redo -----------------------------------------------------------------------------------------------------

    def redoable(self, identifier: str | None) -> list[Operation]:
        """Return the undone operations to do again, the oldest first: those with this id, else of the newest undo.

        Raises:
            OperationNotFound: there is none. CannotUndo: none of them is undone, or later changes are in the way.
        """
        named = self.operations.newest_undone() if identifier is None else self.operations.named(identifier)
        operations = [operation for operation in reversed(named) if operation.state == "undone"]
        if not operations:
            raise CannotUndo(
                f"{_called(identifier or '', named)} is {_ended(named[0])}: there is nothing to redo",
                hint=f"finish it: projects resume {named[0].id}" if named[0].is_unfinished else None,
            )
        earlier = conflicts.Context.of(())
        for operation in operations:
            earlier = self._check_redo(operation, earlier)
        return operations

    def _check_redo(self, operation: Operation, earlier: conflicts.Context) -> conflicts.Context:
        """Check that nothing is in the way of an operation, after `earlier` ones. Return the context of all of them."""
        obstacles = redo.obstacles(partial(self._chunks, operation), self.operations.store, earlier)
        self._refuse(operation, "done again", list(dict.fromkeys(islice(obstacles, REASONS))))
        return earlier.including(conflicts.Context.of(self._chunks(operation)))

    def redo(self, identifier: str | None, engine: Engine) -> Response:
        """Do undone operations again, as they were done.

        Raises:
            OperationNotFound, CannotUndo: see `redoable`.
        """
        operations = self.redoable(identifier)
        tallies = []
        for number, operation in enumerate(operations):
            if number:  # now with the earlier ones done
                self._check_redo(operation, conflicts.Context.of(()))
            tallies.append(engine.redo(operation))
        return _response(operations, tallies)

    def preview_redo(self, operations: Sequence[Operation]) -> Response:
        """Return all that operations are about; nothing is written."""
        return _as_plan(operations, "redo", list(self._steps(operations, "redo")), [])

    def _steps(self, operations: Sequence[Operation], why: str) -> Iterator[Document]:
        for operation in operations:
            for chunk in self._chunks(operation):
                yield from steps_made(chunk, why)

    # --- resume ---------------------------------------------------------------------------------------------------

    def resumable(self, identifier: str | None) -> list[Operation]:
        """Return the operations to resume, in order: those with this id, or of the run, else the newest interrupted.

        Undos come first, the newest operation first as in every undo; then the others, the oldest first.

        Raises:
            OperationNotFound: there is none. CannotUndo: all have ended, one is running, or the first can't be finished
                any more.
        """
        named = [self.operations.newest_interrupted()] if identifier is None else self.operations.named(identifier)
        unfinished = [operation for operation in named if operation.is_unfinished]
        if not unfinished:
            raise CannotUndo(f"{_called(identifier or '', named)} is {_ended(named[0])}: there is nothing to finish")
        for operation in unfinished:
            self._check_running(operation)
        begun = [operation for operation in unfinished if not self.operations.is_void(operation)]
        if not begun:
            raise CannotUndo(
                f"{_called(identifier or '', unfinished)} is {_ENDINGS['void']}: there is nothing to finish"
            )
        undos = [operation for operation in begun if operation.state == "undoing"]
        operations = [*undos, *(operation for operation in reversed(begun) if operation.state != "undoing")]
        self._check_resume(operations[0])
        return operations

    def _check_resume(self, operation: Operation) -> None:
        """Check that others have changed nothing that is in the way of the rest of an operation."""
        if operation.state == "undoing":
            return
        context = conflicts.Context.of(self._chunks(operation))
        reasons = [
            reason
            for chunk in self._chunks(operation)
            for reason in conflicts.hindrances(chunk, self.operations.store, context)
        ]
        self._refuse(operation, "finished", list(dict.fromkeys(reasons)))

    def resume(self, identifier: str | None, engine: Engine) -> Response:
        """Finish interrupted operations, each in the direction in which it was going.

        Raises:
            OperationNotFound, CannotUndo: see `resumable`; what was finished before a refusal stays.
        """
        operations = self.resumable(identifier)
        tallies = []
        for number, operation in enumerate(operations):
            if number:  # now with the earlier ones finished
                self._check_resume(operation)
            self._stop_worker(operation)
            go_on = engine.undo if operation.state == "undoing" else engine.resume
            tallies.append(go_on(operation))
        return _response(operations, tallies)

    def preview_resume(self, operations: Sequence[Operation]) -> Response:
        """Return all that interrupted operations are about; nothing is written."""
        undos = [operation for operation in operations if operation.state == "undoing"]
        if len(undos) == len(operations):
            return self.preview(operations)
        undone = [
            step for each in undos for chunk in self._chunks(each, backwards=True) for step in steps_undone(chunk)
        ]
        return _as_plan(operations, "resume", [*undone, *self._steps(operations[len(undos) :], "resume")], [])

    # --- both -----------------------------------------------------------------------------------------------------

    def _chunks(self, operation: Operation, *, backwards: bool = False) -> Iterator[Chunk]:
        return map(decode_chunk, self.operations.stored.chunks(operation.id, backwards=backwards))

    def _to_undo(self, operation: Operation, *, backwards: bool = False) -> Iterator[Chunk]:
        return part_of(self._chunks(operation, backwards=backwards), operation.left)

    def _check_running(self, operation: Operation) -> None:
        if operation.is_unfinished and self.operations.is_running(operation):
            raise CannotUndo(
                f"operation {operation.id} is running: {operation.by} on {operation.host}",
                hint="wait until it has ended; the lease of a process that does not answer ends within a minute",
            )

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


def _called(identifier: str, operations: Sequence[Operation]) -> str:
    """Return how a message names operations: one by its id, several by their run."""
    return f"operation {operations[0].id}" if len(operations) == 1 else f"run {identifier or operations[0].run}"


def _response(operations: Sequence[Operation], tallies: Sequence[Tally]) -> Response:
    """Return what became of an operation, or of several of a run."""
    figures = [_figures(operation, tally) for operation, tally in zip(operations, tallies, strict=True)]
    skipped = [skipped for tally in tallies for skipped in tally.skipped]
    if len(figures) == 1:
        return Response("operation", figures[0], skipped=skipped)
    return Response("operations", {"run": operations[0].run, "operations": figures}, skipped=skipped)


def _figures(operation: Operation, tally: Tally) -> Document:
    names = {"project": "projects", "task": "tasks", "model": "models", "url_to_delete": "urls"}
    changed = dict.fromkeys(("projects", "tasks", "models"), 0)
    for (collection, _), count in tally.changed.items():
        changed[names[collection]] = changed.get(names[collection], 0) + count
    skipped = [skipped._asdict() for skipped in tally.skipped]
    ids = {"operation": operation.id, "run": operation.run}
    return {**ids, "state": operation.state, "summary": operation.summary, **changed, "skipped": skipped}


def _as_plan(operations: Sequence[Operation], word: str, steps: list[Document], skipped: list[Document]) -> Response:
    counts: Counter[str] = Counter()
    for operation in operations:
        counts.update(operation.counts)
    return Response(
        "plan",
        {
            "plan": f"{word} {title(operations)}",
            "endpoint": operations[0].endpoint,
            "counts": dict(counts),
            "samples": [{"id": step["id"], "name": step["name"]} for step in steps if step["id"]],
            "skipped": skipped,
            "steps": steps,
        },
    )


def title(operations: Sequence[Operation]) -> str:
    """Return the id and the summary of an operation, or those of a run with the number of its operations."""
    first = operations[0]
    if len(operations) == 1:
        return f"{first.id}: {first.summary}"
    return f"{first.run}: {len(operations)} operations: {first.summary}, …, {operations[-1].summary}"
