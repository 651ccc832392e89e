"""How an operation is applied, resumed and undone: journaled first, then in one transaction or in safe steps.

- On a replica set or a sharded cluster a plan of up to `SMALL` documents runs in one transaction, with the end of its
  record in it: it happens as a whole or not at all. That write is also its fence: a process that takes the operation
  over writes to the record, so the transaction of the former process can't commit.
- Everything else runs in steps that may be repeated, each with its precondition and the fence in the filter of its own
  write, in an order in which a reader never sees a dangling reference.

A record goes `applying` → `applied` → `done`, or `undoing` → `undone`, from where a redo begins anew. An operation
that was stopped before its first write is `void`. docs/safety.md has the whole.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from projects_cli.changes import chunks, conditions, conflicts, effects, following, restoring
from projects_cli.changes.records import Projects, removed_and_renamed
from projects_cli.changes.signals import Deferred
from projects_cli.changes.writer import Tally, Writer
from projects_cli.errors import ExpectedUniqueData, ServiceError
from projects_cli.extended_json import id_text
from projects_cli.messages import Outcome, Prefixes, Skipped, Step
from projects_cli.store import transactions
from projects_cli.store.bson_codec import NULL, value_of
from projects_cli.store.collections import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from projects_cli.changes.journal import Journal
    from projects_cli.changes.lease import Lease
    from projects_cli.changes.records import Chunk, Kind, Operation, State
    from projects_cli.messages import Document, Plan
    from projects_cli.store.bson_codec import Value
    from projects_cli.store.collections import Store
    from projects_cli.store.transactions import Session

    Progress = Callable[[int, int], None]

Made = TypeVar("Made")


class Incomplete(Exception):
    """An essential change could not be made, after others of its transaction: all of them are given up."""

    def __init__(self, tally: Tally) -> None:
        """`tally` has the reason."""
        self.tally = tally


SMALL = 1000
"""Documents that one transaction may change; more could outlive its time limit."""

KEPT = 16 * 1024 * 1024
"""Bytes of documents that one transaction may remove."""

KINDS: tuple[Kind, ...] = ("task", "model")

NOTHING = frozenset({NULL, value_of("")})
"""What tasks and models have as their project that are in none, so that a project with such an id never holds any."""

PERIOD = 1.0
"""Seconds between two checks of the lease, and of the record, while small chunks are applied."""

ROUNDS = 4
"""How often it is looked whether a server has put something into removed projects, or below renamed ones."""

OLD_NAME = "a server gave it the old name at that moment (correct it: projects doctor --fix)"
LEFT = "a server put it into the deleted project at that moment (move it out: projects doctor --fix)"


@dataclass(slots=True)
class Engine:
    """Applies plans to a store, and finishes or undoes what was interrupted."""

    store: Store
    journal: Journal
    progress: Progress
    lease: Lease | None = None
    small: int = SMALL

    def apply(self, plan: Plan[Step]) -> Outcome:
        """Make a change. Return what happened.

        Raises:
            ServiceError: the database refused a step (a name was taken in the meantime); nothing is left of the plan.
            CannotUndo: a document is too large to be undone; nothing was changed.
            Interrupted: a signal came; what was begun can be resumed or undone.
        """
        small = sum(step.count for step in plan.steps) <= self.small and sum(step.size for step in plan.steps) <= KEPT
        in_transaction = small and transactions.available(self.store.connection)
        if in_transaction:
            tally = self._in_transaction(plan)
        else:
            operation, kept = self.journal.begin(plan, self.store, self.lease, {"mode": "steps"})
            try:
                tally = self._make(operation, kept, resumed=False)
            except ServiceError:  # the database refused a chunk: those before it are put back
                self.undo(operation)
                raise
        return Outcome(tally.changed, tally.skipped)

    def _in_transaction(self, plan: Plan[Step]) -> Tally:
        """Make all chunks and end the record in one transaction."""
        transaction = transactions.Transaction(self.store.connection)
        details = {"mode": "transaction", "session": transaction.number}
        # Outside the transaction: after a crash the record says which session has to be ended.
        operation, kept = self.journal.begin(plan, self.store, self.lease, details)
        stored = list(self.journal.chunks(operation)) if kept is None else kept
        # What a server does meanwhile is handled after the commit; until then the operation is not done.
        removed, renamed = removed_and_renamed(stored)
        state: State = "applied" if plan.prefixes or removed else "done"

        def work(session: Session) -> Tally:
            # With the lease lost, another process may have looked for this record before it was written.
            self._check(operation)
            inside = open_store(self.store.connection, self.store.company, session)
            writer, tally = self._writer(operation, inside), Tally()
            for chunk in stored:
                if not effects.make(chunk, writer, tally):
                    if tally.changed:
                        raise Incomplete(tally)
                    break
            self.journal.within(session).finish(operation, state, tally)
            return tally

        with Deferred(operation.id):
            try:
                tally = transaction.run(work)
            except (ServiceError, Incomplete) as error:
                # `finish` has set the state in memory; the record itself was rolled back with the transaction.
                operation.state = "applying"
                self.journal.finish(operation, "void", Tally())
                if isinstance(error, Incomplete):
                    return Tally(skipped=error.tally.skipped)
                raise
            if state == "applied":
                self._complete(operation, removed, renamed, tally)
        return tally

    def _writer(self, operation: Operation, store: Store) -> Writer:
        return Writer(store, operation.id, self.lease, partial(self.journal.renew, operation))

    # --- forwards -------------------------------------------------------------------------------------------------

    def resume(self, operation: Operation) -> Tally:
        """Make what a record says, from wherever it was left; what is done already is left as it is."""
        self._take_over(operation, {})
        return self._make(operation, None, resumed=True)

    def redo(self, operation: Operation) -> Tally:
        """Make an undone operation again, in steps; if it is interrupted, it can be resumed or undone as ever."""
        fields = {"state": "applying", "mode": "steps", "skipped": None, "left": None}
        self._take_over(operation, {**fields, "redone_by": self.journal.signature()})
        operation.mode, operation.left = "steps", frozenset()
        return self._make(operation, None, resumed=True)

    def _make(self, operation: Operation, kept: Sequence[Chunk] | None, *, resumed: bool) -> Tally:
        """Make all chunks, and end the record; those that are not `kept` are read from the journal.

        If an essential change could not be made, what was made before it is put back: nothing is changed then.
        """
        tally = Tally()
        with Deferred(operation.id) as signals:
            stored = self.journal.chunks(operation) if kept is None else kept
            whole = self._make_all(operation, self._watched(operation, stored, signals), tally)
            if whole or not (tally.changed or resumed):
                self.journal.finish(operation, "applied", tally)
                # Chunks that are not kept are streamed again: they may not fit into the memory.
                removed, renamed = removed_and_renamed(self.journal.chunks(operation) if kept is None else kept)
                self._complete(operation, removed, renamed, tally)
                return tally
        self.undo(operation)
        return Tally(skipped=tally.skipped)

    def _make_all(self, operation: Operation, stored: Iterable[Chunk], tally: Tally) -> bool:
        """Make one chunk after the other. Return False, and stop, if an essential change can't be made."""
        return all(self._persistently(operation, partial(effects.make, chunk), tally) for chunk in stored)

    def _persistently(self, operation: Operation, work: Callable[[Writer, Tally], Made], tally: Tally) -> Made:
        """Do a part of an operation; again if a connection breaks or the replica set gets another primary.

        This process may have been cut off for so long that another one took the operation over: that is checked first.
        What the broken connection asked for may still be running on the server: that is waited for. Transactions are
        not repeated here; the driver repeats them as a whole.

        Raises:
            LeaseLost: another process took over.
        """
        tries = count()
        connection = self.store.connection
        writer = self._writer(operation, self.store)

        def before_again() -> None:
            self._check(operation)
            transactions.await_writes(connection, operation.id)

        def attempt() -> tuple[Made, Tally]:
            own = Tally(repeated=next(tries) > 0)
            return work(writer, own), own

        result, own = connection.retry(attempt, before_again=before_again)
        tally.include(own)
        return result

    def _take_over(self, operation: Operation, fields: Document) -> None:
        """Make this process the worker of an operation, and set fields of its record.

        Raises:
            LeaseLost: another process took the lease, or the operation itself.
        """
        if self.lease is not None:
            self.lease.check()
        self.journal.take_over(operation, self.lease, fields)

    def _check(self, operation: Operation) -> None:
        """Check that this process may continue an operation.

        Raises:
            LeaseLost: another process took the lease, or the operation itself.
        """
        if self.lease is not None:
            self.lease.check()
        self.journal.check(operation)

    def _watched(self, operation: Operation, stored: Iterable[Chunk], signals: Deferred) -> Iterator[Chunk]:
        """Stream the chunks; between two of them a signal or the loss of the lease stops the work.

        The lease is asked for once a second only: a chunk may be a few tasks, and each write has its own fence.
        """
        done, next_check = 0, 0.0
        for chunk in stored:
            signals.check()
            if time.monotonic() >= next_check:
                self._check(operation)
                next_check = time.monotonic() + PERIOD
            yield chunk
            done += chunk.size
            self.progress(min(done, operation.documents), operation.documents)

    # --- what others did in the meantime --------------------------------------------------------------------------

    def _complete(self, operation: Operation, removed: Sequence[Value], renamed: Sequence[Value], tally: Tally) -> None:
        """Handle what a server did while the change was applied, then end the record.

        Tasks and models that came into removed projects leave them; new projects below a renamed one follow its name.
        After the end of the record this is looked at again, a few times. What came at the very last moment is reported.
        """
        # Tasks in no project have null or "" there: they did not come into a removed project with such an id.
        removed = [project for project in removed if project not in NOTHING]
        left: list[Skipped] = []
        for _ in range(ROUNDS):
            for gone in self._gone(removed):
                for kind in KINDS:
                    while late := self._late(kind, gone, value_of(operation.successor)):
                        self._make_all(operation, self.journal.add(operation, late), tally)
            if operation.prefixes:
                self._follow(operation, renamed, operation.prefixes, tally)
            self.journal.finish(operation, "done", tally)
            left = self._left(removed)
            if operation.prefixes:
                stale = following.stale(renamed, operation.prefixes, self.store)
                left += [Skipped(id_text(project["_id"]), project["name"], OLD_NAME) for project, _ in stale]
            if not left:
                return
            self.journal.reopen(operation)
        self.journal.finish(operation, "done", tally)
        tally.skipped += left

    def _gone(self, removed: Sequence[Value]) -> Iterator[list[Value]]:
        """Stream the removed projects that do not exist any more, some at a time."""
        for start in range(0, len(removed), chunks.ENTRIES):
            some = removed[start : start + chunks.ENTRIES]
            gone = self.store.connection.retry(partial(effects.missing, some, self.store))
            if gone:
                yield gone

    def _late(self, kind: Kind, gone: Sequence[Value], target: Value) -> list[Chunk]:
        """Return the chunks for what is in these projects now."""
        inside = conditions.among(gone, "project")
        return self.store.connection.retry(lambda: list(chunks.member_chunks(kind, inside, self.store, target)))

    def _left(self, removed: Sequence[Value]) -> list[Skipped]:
        """Return the tasks and models that are in removed projects."""
        return [
            Skipped(id_text(document["_id"]), f"{kind} {document.get('name')!r}", LEFT)
            for gone in self._gone(removed)
            for kind in KINDS
            for document in self.store.named(kind).find(conditions.among(gone, "project"), {"name": 1})
        ]

    def _follow(
        self,
        operation: Operation,
        renamed: Sequence[Value],
        prefixes: Prefixes,
        tally: Tally,
        *,
        undone: frozenset[Value] | None = None,
    ) -> None:
        """Rename, and move, the projects below renamed ones until all of them follow.

        A server may have created or renamed some of them since the change was planned. An undo has restored those that
        are `undone`, whatever their names are, and keeps no journal of the others.
        """
        # A project that could not be renamed would be found again for ever.
        tried: set[str] = set()
        while True:
            stale = following.stale(renamed, prefixes, self.store)
            late = [
                (project, renaming)
                for project, renaming in stale
                if repr(project["_id"]) not in tried and value_of(project["_id"]) not in (undone or ())
            ]
            if not late:
                break
            tried |= {repr(project["_id"]) for project, _ in late}
            steps = [following.step(project, renaming, self.store.company) for project, renaming in late]
            new = chunks.chunks_of(steps, self.store)
            for chunk in self.journal.add(operation, new) if undone is None else new:
                try:
                    self._make_all(operation, [chunk], tally)
                except ExpectedUniqueData as error:
                    tally.skipped += [
                        Skipped(id_text(project["_id"]), project["name"], error.message) for project, _ in late
                    ]
        if tally.skipped:
            right = following.correct(renamed, prefixes, self.store)
            tally.skipped = [skipped for skipped in tally.skipped if skipped.id not in right]

    # --- backwards ------------------------------------------------------------------------------------------------

    def undo(self, operation: Operation) -> Tally:
        """Put everything back as it was, projects first, the last change first; may be interrupted and repeated.

        What others changed since is left as it is and is in the tally's `skipped`. If that is everything, the operation
        is still done. An undo of an undone operation is about what the former one has left, and nothing else.
        """
        was_done = operation.state == "done"  # otherwise an earlier attempt may have restored something
        self._take_over(operation, {"state": "undoing", "undone_by": self.journal.signature()})
        tally = Tally()
        context = self._undo_context(operation)
        created: list[Value] = []
        renamed = removed_and_renamed(self.journal.to_undo(operation))[1] if operation.prefixes else []
        with Deferred(operation.id) as signals:
            for chunk in self._watched(operation, self.journal.to_undo(operation, backwards=True), signals):
                if isinstance(chunk, Projects):
                    created += [entry.id for entry in chunk.entries if entry.action == "insert"]
                    for entries in restoring.undone_together(chunk.entries):
                        for entry, why in self._persistently(
                            operation, partial(restoring.unmake, entries, context), tally
                        ):
                            context.skipped.add(entry.id)
                            tally.skip(entry, why)
                # The rest waits for its projects, which this pass restores.
                elif restoring.comes_first(chunk):
                    self._persistently(operation, partial(restoring.restore, chunk, context), tally)
            for chunk in self._watched(operation, self.journal.to_undo(operation, backwards=True), signals):
                if not isinstance(chunk, Projects) and not restoring.comes_first(chunk):
                    self._persistently(operation, partial(restoring.restore, chunk, context), tally)
            if operation.prefixes:  # projects that were created below follow the old name as well
                back = Prefixes(operation.prefixes.new, operation.prefixes.old)
                self._follow(operation, renamed, back, tally, undone=context.ids - context.skipped)
            if was_done and tally.skipped and not tally.changed:
                self.journal.give_up_undo(operation)
            else:
                self.journal.finish(operation, "undone", tally)
            tally.skipped += self._left(created)
        return tally

    def _undo_context(self, operation: Operation) -> conflicts.Context:
        context = conflicts.Context.of(self.journal.to_undo(operation))
        # Tasks and models that it inserted are removed before their project: those that are in it then were left.
        context.contents = frozenset()
        if context.returning != context.removed:  # something is renamed or moved
            work = partial(conflicts.skip_roots, store=self.store, context=context)
            self.store.connection.retry(lambda: work(self.journal.to_undo(operation)))
        return context
