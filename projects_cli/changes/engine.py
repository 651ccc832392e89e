"""How an operation is applied, resumed and undone: journaled first, then in one transaction or in safe steps.

- On a replica set or a sharded cluster a plan of up to `SMALL` documents runs in one transaction, with the end of its
  record in it: it happens as a whole or not at all. That write is also its fence: a process that takes the operation
  over writes to the record, so the transaction of the former process can't commit.
- Everything else runs in steps that may be repeated, each with its precondition and the fence in the filter of its own
  write, in an order in which a reader never sees a dangling reference.

A record goes `applying` → `applied` → `done`, or `undoing` → `undone`. An operation that was stopped before its first
write is `void`. docs/safety.md has the whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from projects_cli.changes import chunks, conditions, conflicts, effects
from projects_cli.changes.records import Members, Projects, removed_projects
from projects_cli.changes.signals import Deferred
from projects_cli.changes.writer import Tally, Writer
from projects_cli.errors import ExpectedUniqueData, ServiceError
from projects_cli.extended_json import id_text
from projects_cli.messages import Outcome, Renaming, Skipped, Step
from projects_cli.store import transactions
from projects_cli.store.bson_codec import NULL, value_of
from projects_cli.store.collections import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from projects_cli.changes.journal import Journal
    from projects_cli.changes.lease import Lease
    from projects_cli.changes.records import Chunk, Entry, Kind, Operation, State
    from projects_cli.messages import Document, Plan
    from projects_cli.store.bson_codec import Value
    from projects_cli.store.collections import Store
    from projects_cli.store.transactions import Session

    Progress = Callable[[int, int], None]

Made = TypeVar("Made")

SMALL = 1000
"""Documents that one transaction may change; more could outlive its time limit."""

KINDS: tuple[Kind, ...] = ("task", "model")

NOTHING = frozenset({NULL, value_of("")})
"""What tasks and models have as their project that are in none, so that a project with such an id never holds any."""

ROUNDS = 4
"""How often it is looked whether a server has put something into removed projects, or below renamed ones."""

NAMED = 100
"""Documents of a chunk that are named when they are left as they are."""

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
        tally = self._in_transaction(plan) if self._fits_a_transaction(plan) else self._in_steps(plan)
        return Outcome(tally.changed, tally.skipped)

    def _fits_a_transaction(self, plan: Plan[Step]) -> bool:
        return sum(step.count for step in plan.steps) <= self.small and transactions.available(self.store.connection)

    def _in_transaction(self, plan: Plan[Step]) -> Tally:
        """Make all chunks and end the record in one transaction."""
        transaction = transactions.Transaction(self.store.connection)
        details = {"mode": "transaction", "session": transaction.number}
        operation, kept = self.journal.begin(plan, self.store, self.lease, details)
        stored = list(self.journal.chunks(operation)) if kept is None else kept
        state: State = "applied" if plan.renamings or removed_projects(stored) else "done"

        def work(session: Session) -> Tally:
            # With the lease lost, another process may have looked for this record before it was written.
            self._check(operation)
            inside = open_store(self.store.connection, self.store.company, session)
            writer, tally = self._writer(operation, inside), Tally()
            for chunk in stored:
                if not effects.make(chunk, writer, tally):
                    break
            self.journal.within(session).finish(operation, state, tally)
            return tally

        with Deferred(operation.id):
            try:
                tally = transaction.run(work)
            except ServiceError:
                operation.state = "applying"
                self.journal.finish(operation, "void", Tally())
                raise
            if state == "applied":
                self._complete(operation, stored, tally)
        return tally

    def _in_steps(self, plan: Plan[Step]) -> Tally:
        """Make one chunk after the other; if the database refuses one, everything is put back."""
        operation, kept = self.journal.begin(plan, self.store, self.lease, {"mode": "steps"})
        try:
            return self._make(operation, kept)
        except ServiceError:
            self.undo(operation)
            raise

    def _writer(self, operation: Operation, store: Store) -> Writer:
        return Writer(store, operation.id, self.lease, partial(self.journal.renew, operation))

    # --- forwards -------------------------------------------------------------------------------------------------

    def resume(self, operation: Operation) -> Tally:
        """Make what a record says, from wherever it was left; what is done already is left as it is."""
        self._take_over(operation, {})
        return self._make(operation)

    def _make(self, operation: Operation, kept: Sequence[Chunk] | None = None) -> Tally:
        """Make all chunks, and end the record; those that are not `kept` are read from the journal."""
        tally = Tally()
        with Deferred(operation.id) as signals:
            stored = self.journal.chunks(operation) if kept is None else kept
            self._make_all(operation, self._watched(operation, stored, signals), tally)
            self.journal.finish(operation, "applied", tally)
            self._complete(operation, self.journal.chunks(operation) if kept is None else kept, tally)
        return tally

    def _make_all(self, operation: Operation, stored: Iterable[Chunk], tally: Tally) -> None:
        """Make one chunk after the other, until an essential change can't be made."""
        for chunk in stored:
            if not self._persistently(operation, partial(effects.make, chunk), tally):
                return

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
        """Check that this process may go on with an operation.

        Raises:
            LeaseLost: another process took the lease, or the operation itself.
        """
        if self.lease is not None:
            self.lease.check()
        self.journal.check(operation)

    def _watched(self, operation: Operation, stored: Iterable[Chunk], signals: Deferred) -> Iterator[Chunk]:
        """Stream the chunks; between two of them a signal or the loss of the lease stops the work."""
        done = 0
        for chunk in stored:
            signals.check()
            self._check(operation)
            yield chunk
            done += chunk.size
            self.progress(min(done, operation.documents), operation.documents)

    # --- what others did in the meantime --------------------------------------------------------------------------

    def _complete(self, operation: Operation, stored: Iterable[Chunk], tally: Tally) -> None:
        """Handle what a server did while the change was applied, then end the record.

        Tasks and models that came into removed projects leave them; new projects below a renamed one follow its name.
        After the end of the record this is looked at again, a few times. What came at the very last moment is reported.
        """
        removed = [project for project in removed_projects(stored) if project not in NOTHING]
        left: list[Skipped] = []
        for _ in range(ROUNDS):
            for gone in self._gone(removed):
                for kind in KINDS:
                    while late := self._late(kind, gone):
                        self._make_all(operation, self.journal.add(operation, late), tally)
            for renaming in operation.renamings:
                self._follow(operation, renaming, tally)
            self.journal.finish(operation, "done", tally)
            left = [skipped for gone in self._gone(removed) for skipped in self._left(gone)]
            left += [skipped for renaming in operation.renamings for skipped in self._stale(renaming)]
            if not left:
                return
            self.journal.reopen(operation)
        self.journal.finish(operation, "done", tally)
        tally.skipped += left

    def _stale(self, renaming: Renaming) -> list[Skipped]:
        """Return the projects below a renamed one that have its old name in theirs."""
        root = self.store.projects.find_one({"_id": renaming.project}, {"name": 1})
        if root is None or root.get("name") != renaming.new:
            return []
        return [Skipped(id_text(project["_id"]), project["name"], OLD_NAME) for project in self._below(renaming)]

    def _gone(self, removed: Sequence[Value]) -> Iterator[list[Value]]:
        """Stream the removed projects that do not exist any more, some at a time."""
        for start in range(0, len(removed), chunks.ENTRIES):
            some = removed[start : start + chunks.ENTRIES]
            gone = self.store.connection.retry(partial(effects.missing, some, self.store))
            if gone:
                yield gone

    def _late(self, kind: Kind, gone: Sequence[Value]) -> list[Chunk]:
        """Return the chunks for what is in these projects now."""
        inside = conditions.among(gone, "project")
        return self.store.connection.retry(lambda: list(chunks.member_chunks(kind, inside, self.store)))

    def _left(self, gone: Sequence[Value]) -> list[Skipped]:
        inside = conditions.among(gone, "project")
        return [
            Skipped(id_text(document["_id"]), f"{kind} {document.get('name')!r}", LEFT)
            for kind in KINDS
            for document in self.store.named(kind).find(inside, {"name": 1})
        ]

    def _follow(self, operation: Operation, renaming: Renaming, tally: Tally, *, journaled: bool = True) -> None:
        """Rename the projects below a renamed one until the names of all of them follow it.

        A server may have created or renamed some of them since the change was planned.
        """
        root = self.store.projects.find_one({"_id": renaming.project}, {"name": 1})
        if root is None or root.get("name") != renaming.new:
            return
        tried: set[str] = set()
        while late := [project for project in self._below(renaming) if repr(project["_id"]) not in tried]:
            tried |= {repr(project["_id"]) for project in late}
            steps = [_followed(project, renaming, self.store.company) for project in late]
            new = chunks.chunks_of(steps, self.store)
            for chunk in self.journal.add(operation, new) if journaled else new:
                try:
                    self._make_all(operation, [chunk], tally)
                except ExpectedUniqueData as error:
                    tally.skipped += [
                        Skipped(id_text(project["_id"]), project["name"], error.message) for project in late
                    ]
        if tally.skipped:
            right = self._named_after(renaming)
            tally.skipped = [skipped for skipped in tally.skipped if skipped.id not in right]

    def _named_after(self, renaming: Renaming) -> set[str]:
        """Return the ids of the projects below a renamed one that have the right name now."""
        right = {"path": renaming.project, "name": {"$regex": f"^{re.escape(renaming.new)}/"}}
        return {id_text(project["_id"]) for project in self.store.projects.find(right, {"_id": 1})}

    def _below(self, renaming: Renaming) -> list[Document]:
        """Return the own projects below a renamed one that still have its old name in theirs."""
        stale = {
            "company": self.store.company,
            "path": renaming.project,
            "name": {"$regex": f"^{re.escape(renaming.old)}/"},
        }
        wanted = {"name": 1}
        projects = self.store.connection.retry(
            lambda: list(self.store.projects.find(stale, wanted, sort=[("name", 1)]))
        )
        return [project for project in projects if type(project["name"]) is str]  # a list may have an item that matches

    # --- backwards ------------------------------------------------------------------------------------------------

    def undo(self, operation: Operation) -> Tally:
        """Put everything back as it was, projects first, the last change first; may be interrupted and repeated.

        What others changed since is left as it is and is in the tally's `skipped`. If that is everything, the operation
        keeps the state that it had.
        """
        before = operation.before_undo or operation.state
        fields = {"state": "undoing", "before_undo": before, "undone_by": self.journal.undone_by()}
        self._take_over(operation, fields)
        tally = Tally()
        context = conflicts.Context.of(self.journal.chunks(operation))
        created: list[Value] = []
        with Deferred(operation.id) as signals:
            for chunk in self._watched(operation, self.journal.chunks(operation, backwards=True), signals):
                if isinstance(chunk, Projects):
                    created += [entry.id for entry in chunk.entries if entry.action == "insert"]
                    for entry in reversed(chunk.entries):
                        why = self._persistently(operation, partial(_unmake, entry, context), tally)
                        if why is not None:
                            context.skipped.add(entry.id)
                            tally.skip(entry, why)
            for chunk in self._watched(operation, self.journal.chunks(operation, backwards=True), signals):
                if isinstance(chunk, Members):
                    self._persistently(operation, partial(_move_back, chunk, context), tally)
            for renaming in operation.renamings:  # projects that were created below follow the old name as well
                self._follow(operation, Renaming(renaming.project, renaming.new, renaming.old), tally, journaled=False)
            nothing = bool(tally.skipped) and not tally.changed
            self.journal.finish(operation, before if nothing and before == "done" else "undone", tally)
            tally.skipped += [skipped for gone in self._gone(created) for skipped in self._left(gone)]
        return tally


def _followed(project: Document, renaming: Renaming, company: str) -> Step:
    """Return the step that lets a project's name follow that of the renamed one above it."""
    return Step(
        "project",
        "update",
        {"_id": project["_id"], "company": company},
        {"$set": {"name": renaming.new + project["name"][len(renaming.old) :]}},
        why="name follows",
        name=project["name"],
        expects={"name": project["name"]},
    )


def _unmake(entry: Entry, context: conflicts.Context, writer: Writer, tally: Tally) -> str | None:
    """Put a project back unless others changed it since. Return why it was left as it is, or None."""
    why = conflicts.conflict_of_entry(entry, writer.store, context)
    return effects.unmake(entry, writer, tally) if why is None else why


def _move_back(chunk: Members, context: conflicts.Context, writer: Writer, tally: Tally) -> None:
    """Move tasks or models back into their project; what others moved stays, and is named."""
    listed = 0
    for document, why in conflicts.conflicts_of_members(chunk, writer.store, context):
        if document is None:
            tally.skipped.append(Skipped(conditions.shown(chunk.source), f"{chunk.size} {chunk.kind}s", why))
            return
        listed += 1
        if listed <= NAMED:
            tally.skipped.append(Skipped(id_text(document["_id"]), f"{chunk.kind} {document.get('name')!r}", why))
    if listed > NAMED:
        more = listed - NAMED
        tally.skipped.append(
            Skipped(conditions.shown(chunk.source), f"{more} more {chunk.kind}s", "they were moved as well")
        )
    effects.move(chunk, chunk.target, chunk.source, writer, tally)
