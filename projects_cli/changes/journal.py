"""The journal of a run: it writes what a change is going to do and how everything was before, so it can be undone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from projects_cli import process_identity
from projects_cli.changes.chunks import chunks_of, part_of
from projects_cli.changes.records import (
    FORMAT,
    LARGEST_CHUNK,
    UNFINISHED,
    Operation,
    Worker,
    chunk_id,
    decode_chunk,
    encode_chunk,
)
from projects_cli.errors import LeaseLost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from projects_cli.changes.lease import Lease
    from projects_cli.changes.records import Chunk, State
    from projects_cli.changes.writer import Tally
    from projects_cli.messages import Document, Plan, Step
    from projects_cli.store.collections import Store
    from projects_cli.store.journal import JournalStore
    from projects_cli.store.transactions import Session

Result = TypeVar("Result")

TOUCHED = 100
"""Projects, or skipped documents, that a record itself names; all projects are in its chunks."""

LEFT = 50_000
"""Documents that an undo may leave so that it can be repeated: their ids are in the record."""

KEPT = 16 * 1024 * 1024
"""Bytes of chunks that are kept in memory while their operation is applied; larger plans are read from the journal."""

BYTES = 250_000
"""Bytes of chunks that are written by one command. A chunk of 10,000 tasks has more: several at once cost 10 MB."""

UNLIMITED = 2**31
"""Bytes of a chunk that is kept in memory only."""

ATTEMPTS = 5
"""How often another id is tried if an operation has the id already."""


@dataclass(slots=True)
class Run:
    """One invocation of the program. Its id begins with the server's time of its first write to the journal."""

    id: str = ""

    def begun(self, now: datetime) -> str:
        """Return the id of the run, which begins now if it has not begun."""
        self.id = self.id or f"r{process_identity.dated_id(now)}"
        return self.id


@dataclass(frozen=True, slots=True)
class Author:
    """The OS login that makes a change, its user in MongoDB, its command without secrets, and its run."""

    by: str
    command: str
    database_user: str | None = None
    run: Run = field(default_factory=Run)


@dataclass(frozen=True, slots=True)
class Journal:
    """Records of operations and their chunks; `_database` is the one that is changed."""

    _stored: JournalStore | MemoryStore
    _author: Author
    _database: str

    def begin(
        self, plan: Plan[Step], store: Store, lease: Lease | None, details: Document
    ) -> tuple[Operation, list[Chunk] | None]:
        """Write what a plan is going to do and how everything was before. Return the operation and its chunks.

        The chunks are None if they are too large to be kept in memory; then `chunks` streams them from the journal.
        They are written first: a record without all its chunks never exists. If a connection breaks in between they
        are written anew, under another id.

        Raises:
            CannotUndo: a document is too large to be kept.
        """
        process = process_identity.process()
        for _ in range(ATTEMPTS):
            # By the server's clock, so that ids of several hosts are in order. Without a lease nothing is stored.
            started = datetime.now(UTC).replace(tzinfo=None) if lease is None else self._stored.now()
            identifier = process_identity.dated_id(started)
            written = store.connection.retry(partial(self._write_chunks, identifier, plan, store))
            if written is None:
                continue
            documents, number, kept = written
            record = {
                "_id": identifier,
                "format": FORMAT,
                "run": self._author.run.begun(started),
                "state": "applying",
                "database": self._database,
                "company": store.company,
                "endpoint": plan.endpoint,
                "summary": plan.summary,
                "started": started,
                "by": self._author.by,
                "database_user": self._author.database_user,
                "command": self._author.command,
                **process,
                "worker": _worker(process, lease).as_document(),
                "counts": dict(plan.counts),
                "projects": [sample.id for sample in islice(plan.samples, TOUCHED)],
                "documents": documents,
                "chunks": number,
                "prefixes": None if plan.prefixes is None else plan.prefixes._asdict(),
                "successor": plan.successor,
                **details,
            }
            if self._stored.add_operation(record):
                return Operation.parse(record), kept
        raise LeaseLost("no free id for the operation was found in the journal", hint="try again")

    def _write_chunks(
        self, identifier: str, plan: Plan[Step], store: Store
    ) -> tuple[int, int, list[Chunk] | None] | None:
        """Write the chunks of a plan. Return the number of documents, that of chunks, and the chunks.

        Return None if the id is taken. Chunks of more than `KEPT` bytes in all are not returned, so that memory does
        not grow with the plan.
        """
        documents = number = size = waiting = 0
        kept: list[Chunk] = []
        unwritten: list[bytes] = []
        journaled = not isinstance(self._stored, MemoryStore)
        for number, chunk in enumerate(chunks_of(plan.steps, store, journaled=journaled), start=1):
            documents += chunk.size
            numbered = replace(chunk, number=number)
            # MongoDB's limit of a document does not hold for a chunk that is only in memory.
            raw = encode_chunk(identifier, numbered, limit=LARGEST_CHUNK if journaled else UNLIMITED)
            size, waiting = size + len(raw), waiting + len(raw)
            if size <= KEPT:
                kept.append(numbered)
            unwritten.append(raw)
            if waiting >= BYTES:
                if not self._stored.add_chunks(unwritten):
                    return None
                unwritten, waiting = [], 0
        if unwritten and not self._stored.add_chunks(unwritten):
            return None
        return documents, number, kept if size <= KEPT else None

    def chunks(self, operation: Operation, *, backwards: bool = False) -> Iterator[Chunk]:
        """Stream the chunks of an operation."""
        return map(decode_chunk, self._stored.chunks(operation.id, backwards=backwards))

    def to_undo(self, operation: Operation, *, backwards: bool = False) -> Iterator[Chunk]:
        """Stream the chunks that an undo is about: of those of a repeated one, only what the former one has left."""
        return part_of(self.chunks(operation, backwards=backwards), operation.left)

    def add(self, operation: Operation, chunks: Iterable[Chunk]) -> list[Chunk]:
        """Write chunks that came later: documents that others put there in the meantime. Return them as stored."""
        added: list[Chunk] = []
        for chunk in chunks:
            operation.chunks += 1  # counted first: a number is never used twice, wherever this is stopped
            self._advance(operation, UNFINISHED, {"chunks": operation.chunks})
            numbered = replace(chunk, number=operation.chunks)
            self.renew(operation, numbered)
            added.append(numbered)
        return added

    def renew(self, operation: Operation, chunk: Chunk) -> None:
        """Replace the chunk with the same number, or add a chunk."""
        raw = encode_chunk(operation.id, chunk)
        name = chunk_id(operation.id, chunk.number)
        self._stored.replace_chunk(name, raw)

    def take_over(self, operation: Operation, lease: Lease | None, fields: Document) -> None:
        """Make this process the worker of an operation, and set fields of its record.

        Raises:
            LeaseLost: the operation was removed from the journal, or another process took it over.
        """
        worker = _worker(process_identity.process(), lease)
        ended: State = "done" if operation.is_unfinished else operation.state
        self._advance(operation, (*UNFINISHED, ended), {"worker": worker.as_document(), **fields})
        operation.worker = worker

    def signature(self) -> Document:
        """Return who undoes or redoes an operation, when, and in which run, for its record."""
        now = self._stored.now()
        return {
            "at": now,
            "run": self._author.run.begun(now),
            "by": self._author.by,
            "database_user": self._author.database_user,
            "command": self._author.command,
            **process_identity.process(),
        }

    def finish(self, operation: Operation, state: State, tally: Tally) -> None:
        """Bring a record to another state, with what was skipped; may be repeated.

        Raises:
            LeaseLost: another process ended the operation, or took it over.
        """
        fields: Document = {"state": state}
        if tally.skipped or state == "undone":
            fields["skipped"] = [skipped._asdict() for skipped in tally.skipped[:TOUCHED]] or None
        if state == "undone":
            left = list(dict.fromkeys([*(skipped.id for skipped in tally.skipped if skipped.id), *tally.left]))
            fields["left"] = left if 0 < len(left) <= LEFT else None
        self._advance(operation, (*UNFINISHED, state), fields, finished=True)

    def give_up_undo(self, operation: Operation) -> None:
        """Bring a record back to what it was before an undo that restored nothing; may be repeated.

        Raises:
            LeaseLost: another process ended the operation, or took it over.
        """
        self._advance(operation, ("undoing", "done"), {"state": "done", "undone_by": operation.undone_by})

    def reopen(self, operation: Operation) -> None:
        """Take a record from `done` back to `applied`: there is something left to do.

        Raises:
            LeaseLost: another process has begun to undo the operation.
        """
        self._advance(operation, ("done", "applied"), {"state": "applied"})

    def check(self, operation: Operation) -> None:
        """Check that a record is as this process left it.

        Raises:
            LeaseLost: another process ended the operation, or took it over.
        """
        same = {"_id": operation.id, "state": operation.state, "worker": operation.worker.as_document()}
        if not self._stored.has_operation(same):
            raise _taken(operation)

    def _advance(
        self, operation: Operation, states: Sequence[State], fields: Document, *, finished: bool = False
    ) -> None:
        # A repetition finds its own first try: the new worker is as good as the old one.
        workers = [operation.worker.as_document(), fields.get("worker", operation.worker.as_document())]
        condition = {"state": {"$in": list(states)}, "worker": {"$in": workers}}
        if not self._stored.advance(operation.id, condition, fields, finished=finished):
            raise _taken(operation)
        operation.state = fields.get("state", operation.state)

    def within(self, session: Session) -> Journal:
        """Return the same journal inside a transaction."""
        return Journal(self._stored.within(session), self._author, self._database)


def _worker(process: Document, lease: Lease | None) -> Worker:
    key, owner = ("", "") if lease is None else (lease.key, lease.owner)
    return Worker(**process, key=key, owner=owner)


def _taken(operation: Operation) -> LeaseLost:
    return LeaseLost(
        f"operation {operation.id} was taken over by another process, or removed from the journal",
        hint="see what became of it: projects history",
    )


class MemoryStore:
    """A journal that is not stored, for `--no-journal`: a refused change is put back at once, no more."""

    def __init__(self) -> None:
        """Start empty."""
        self._chunks: dict[str, bytes] = {}

    def now(self) -> datetime:
        """Return this machine's time."""
        return datetime.now(UTC).replace(tzinfo=None)

    def within(self, _: object) -> MemoryStore:
        """Return itself: it takes part in no transaction."""
        return self

    def add_operation(self, _: Document) -> bool:
        """Drop the record."""
        return True

    def advance(self, *_: object, **__: object) -> bool:
        """Drop the change of a record."""
        return True

    def has_operation(self, _: Document) -> bool:
        """Return True: no other process sees the record."""
        return True

    def add_chunks(self, chunks: Sequence[bytes]) -> bool:
        """Keep chunks."""
        self._chunks |= {f"{decode_chunk(raw).number:08}": raw for raw in chunks}
        return True

    def replace_chunk(self, identifier: str, raw: bytes) -> None:
        """Keep a chunk in the place of another."""
        self._chunks[identifier.rpartition("/")[2]] = raw

    def chunks(self, _: str, *, backwards: bool = False) -> Iterator[bytes]:
        """Stream the chunks."""
        return iter([self._chunks[number] for number in sorted(self._chunks, reverse=backwards)])
