"""Reading a cursor to its end, although a broken server may never reach one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from projects_cli.errors import MalformedReply
from projects_cli.store.driver_errors import malformed_reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from pymongo.command_cursor import CommandCursor
    from pymongo.cursor import Cursor

    from projects_cli.messages import Document

BATCH = 1000
"""Documents in one batch of a cursor: the driver's default of 16 MB costs memory and time (docs/performance.md)."""

REPEATS = 50  # how often a cursor may return its first document. One that is moved while it is read may come twice
EMPTY_DOCUMENT = 5  # bytes of an empty document


class Progress:
    """Watches the batches of a cursor, and raises when they cannot come from a working server."""

    def __init__(self, seconds: float) -> None:
        """`seconds` is how long empty batches are accepted in a row."""
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
        if not unique:
            return
        if self._first is None:
            self._first = documents[0]
        self._repeats += documents.count(self._first)
        if self._repeats > REPEATS:
            raise MalformedReply("the server sends the same documents again and again")


def batches(
    cursor: Cursor[Document] | CommandCursor[Document], seconds: float, *, key: str | None
) -> Iterator[list[Document]]:
    """Yield the batches of a cursor, without empty ones.

    `key` is a field that every document has, with a value of its own; None if there is none.

    Raises:
        MalformedReply: the items are not documents, or empty batches come for longer than `seconds`, or the same
            documents again and again.
    """
    progress = Progress(seconds)
    while cursor.alive:
        batch: list[Any] = cursor.to_list(BATCH)
        if batch:
            if any(not isinstance(document, dict) or (key is not None and key not in document) for document in batch):
                raise MalformedReply("the server sent documents without the fields that were requested")
            progress.batch(batch, unique=key is not None)
            yield batch
        elif cursor.alive:
            progress.empty()


def split(batch: bytes) -> Iterator[bytes]:
    """Split a batch of bytes into its documents, each of which begins with its length.

    Raises:
        MalformedReply: a length cannot be right.
    """
    position = 0
    while position < len(batch):
        size = int.from_bytes(batch[position : position + 4], "little")
        if not EMPTY_DOCUMENT <= size <= len(batch) - position:
            raise malformed_reply()
        yield batch[position : position + size]
        position += size
