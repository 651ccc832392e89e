"""Reading a cursor to its end, though a broken server may never come to one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from projects_cli.errors import MalformedReply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from pymongo.command_cursor import CommandCursor
    from pymongo.cursor import Cursor

    from projects_cli.messages import Document

BATCH = 1000
"""Documents in one batch of a cursor: the driver's default of 16 MB costs memory and time (bars.md)."""

REPEATS = 50
"""How often a cursor may return its first document. One that is moved while it is read may come twice."""


class Progress:
    """Watches what a cursor returns, and raises once that cannot be the answer of a working server."""

    def __init__(self, seconds: float) -> None:
        """Keep for how long empty batches are accepted in a row."""
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._first: Any = None
        self._repeats = 0

    def empty(self) -> None:
        """Note an empty batch of a cursor that has not ended: a router of a cluster may send one.

        Raises:
            MalformedReply: there were no others for too long.
        """
        if time.monotonic() > self._deadline:
            raise MalformedReply("the server sends one empty batch after the other, and no end")

    def batch(self, documents: list[Any], *, unique: bool) -> None:
        """Note a batch of documents, or of batches as bytes; `unique` if none can come twice.

        Raises:
            MalformedReply: it is the same again and again.
        """
        self._deadline = time.monotonic() + self._seconds
        if self._first is None:
            self._first = documents[0]
        self._repeats += documents.count(self._first)
        if unique and self._repeats > REPEATS:
            raise MalformedReply("the server sends the same documents again and again")


def documents(
    cursor: Cursor[Document] | CommandCursor[Document],
    seconds: float,
    *,
    key: str | None,
    check: Callable[[], object] = lambda: None,
) -> Iterator[Document]:
    """Yield the documents of a cursor; `check` is called after each batch.

    `key` is a field that every document has, with a value of its own; None if there is none.

    Raises:
        MalformedReply: what comes are no documents, empty batches for longer than `seconds`, or the same documents
            again and again.
    """
    progress = Progress(seconds)
    while cursor.alive:
        batch = cursor.to_list(BATCH)
        if batch:
            check_key(batch, key)
            progress.batch(batch, unique=key is not None)
            yield from batch
            check()
        elif cursor.alive:
            progress.empty()


def check_key(batch: list[Any], key: str | None) -> None:
    """Check that what a server sent are documents, and have a field that none can lack.

    Raises:
        MalformedReply: they are not.
    """
    if any(not isinstance(document, dict) or (key is not None and key not in document) for document in batch):
        raise MalformedReply("the server sent documents that lack what was asked for")
