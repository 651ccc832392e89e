"""The journal: who changed what, and how it was before; kept so that a change can be finished or undone."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from projects_cli.errors import LeaseLost
from projects_cli.safety import changes, locks
from projects_cli.store.retries import persistently

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from projects_cli.messages import Document, Plan
    from projects_cli.safety.changes import Tally
    from projects_cli.store.collections import Store
    from projects_cli.store.journal import JournalStore
    from projects_cli.store.transactions import Session

Result = TypeVar("Result")

UNFINISHED = ("applying", "applied", "undoing")
TOUCHED = 100
"""Projects that a record itself names; all of them are in its chunks."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a change, and with what command (without its secrets)."""

    by: str
    command: str


class Journal:
    """Records of operations and their chunks, in a database."""

    def __init__(
        self, stored: JournalStore | MemoryStore, author: Author, database: str, clock: Callable[[], datetime]
    ) -> None:
        """`database` is the one that is changed; `clock` gives UTC."""
        self._stored = stored
        self._author = author
        self._database = database
        self._clock = clock

    def begin(self, plan: Plan, store: Store, details: Document) -> Document:
        """Write what a plan is going to do and how everything was before; gives the operation's record.

        The chunks come first: a record without all its chunks never exists. Where a connection breaks on the way they
        are written anew, under another id.
        """
        identifier, now, number, documents = self._persistently(lambda: self._write_chunks(plan, store))
        record = {
            "_id": identifier,
            "state": "applying",
            "database": self._database,
            "company": store.company,
            "endpoint": plan.endpoint,
            "summary": plan.summary,
            "started": now,
            "by": self._author.by,
            "command": self._author.command,
            **locks.process(),
            "counts": dict(plan.counts),
            "projects": [sample.id for sample in islice(plan.samples, TOUCHED)],
            "documents": documents,
            "chunks": number,
            **details,
        }
        self._persistently(lambda: self._stored.add_operation(record))
        return record

    def _write_chunks(self, plan: Plan, store: Store) -> tuple[str, datetime, int, int]:
        """Write what there was and what will be; gives the operation's id, its time, its chunks and its documents."""
        now = self._clock()
        identifier = f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03}{secrets.token_hex(2)}"
        documents = 0
        number = 0
        for number, chunk in enumerate(changes.chunks_of(plan.steps, store), start=1):
            documents += changes.size(chunk)
            self._stored.add_chunks([_numbered(identifier, number, chunk)])
        return identifier, now, number, documents

    def chunks(self, operation: Document, *, backwards: bool = False) -> Iterator[Document]:
        """Stream the chunks of an operation."""
        return self._stored.chunks(operation["_id"], backwards=backwards)

    def add(self, operation: Document, chunks: Iterable[Document]) -> list[Document]:
        """Write chunks that came later: documents that somebody else put there in the meantime; gives them as kept."""
        added = []
        for chunk in chunks:
            operation["chunks"] += 1  # counted first: a number is never used twice, wherever this is stopped
            self._advance(operation, UNFINISHED, {"chunks": operation["chunks"]})
            added.append(_numbered(operation["_id"], operation["chunks"], chunk))
            self._persistently(lambda: self._stored.add_chunks(added[-1:]))
        return added

    def note(self, operation: Document, fields: Document) -> None:
        """Set fields of a record.

        Raises:
            LeaseLost: another process ended it, or took it over.
        """
        self._advance(operation, (*UNFINISHED, "done"), fields)

    def finish(self, operation: Document, state: str, tally: Tally) -> None:
        """Bring a record to another state, with what was skipped on the way; may be repeated.

        Raises:
            LeaseLost: another process ended it, or took it over.
        """
        fields: Document = {"state": state, "finished": self._clock()}
        if tally.skipped:
            fields["skipped"] = [{"id": one.id, "name": one.name, "why": one.why} for one in tally.skipped[:TOUCHED]]
        self._advance(operation, (*UNFINISHED, state), fields)

    def check(self, operation: Document) -> None:
        """Make sure that a record stands as this process left it.

        Raises:
            LeaseLost: another process ended it, or took it over.
        """
        if not self._persistently(lambda: self._stored.stands(operation)):
            raise _taken(operation)

    def _advance(self, operation: Document, states: Sequence[str], fields: Document) -> None:
        if not self._persistently(lambda: self._stored.advance(operation, states, fields)):
            raise _taken(operation)
        operation |= fields

    def _persistently(self, work: Callable[[], Result]) -> Result:
        return persistently(work, self._stored.patience)

    def within(self, session: Session) -> Journal:
        """Give the same journal inside a transaction."""
        return Journal(self._stored.within(session), self._author, self._database, self._clock)


def _taken(operation: Document) -> LeaseLost:
    return LeaseLost(
        f"operation {operation['_id']} was taken over by another run, which heard nothing of this one for too long",
        hint="see what became of it: projects history",
    )


def _numbered(operation: str, number: int, chunk: Document) -> Document:
    return {"_id": f"{operation}/{number:08}", "operation": operation, **chunk}


class MemoryStore:
    """A journal that is kept nowhere, for `--no-journal`: a refused change can still be taken back, nothing more."""

    patience = 0.0

    def __init__(self) -> None:
        """Start empty."""
        self._chunks: dict[str, Document] = {}

    def within(self, _: Any) -> MemoryStore:
        """Give itself: it takes part in no transaction."""
        return self

    def add_operation(self, *_: Any) -> None:
        """Forget the record."""

    def advance(self, *_: Any) -> bool:
        """Forget the change of a record."""
        return True

    def stands(self, _: Document) -> bool:
        """Say that nobody took a record over: nobody else sees it."""
        return True

    def add_chunks(self, chunks: Iterable[Document]) -> None:
        """Keep chunks."""
        self._chunks |= {chunk["_id"]: chunk for chunk in chunks}

    def chunks(self, operation: str, *, backwards: bool = False) -> Iterator[Document]:
        """Stream the chunks of an operation."""
        found = sorted(name for name in self._chunks if name.startswith(f"{operation}/"))
        return iter([self._chunks[name] for name in (reversed(found) if backwards else found)])
