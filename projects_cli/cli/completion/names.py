r"""The file of names: sorted records in sections, of which a lookup reads a few pages whatever their number.

    projects-cli names 1\n
    watched MTIME SIZE PATH\n        files whose change makes the names those of another database
    section NAME START END\n         bytes of the file
    \n
    record\0record\0…

It is believed only where it and its folder belong to this user and nobody else may write there; it is written whole or
not at all.
"""

# ruff: noqa: PTH116, PTH120
# Names of files are plain strings here, as in schema/cache.py: pathlib alone costs more than the whole answer.

from __future__ import annotations

import os
import stat

from projects_cli.private_files import is_private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAGIC = b"projects-cli names 1"
HEAD = 8192
"""Bytes that the header may take."""

LONGEST = 1000
"""Bytes of a record; nobody completes a longer name."""

PAGE = 1024
FEW = 16 * 1024
"""Bytes of records that are offered whole; more of them are offered level by level."""

MOST = 300
"""Records in one answer."""

LAST = b"\xff"
"""Follows every record that begins with a prefix: no UTF-8 has it."""


class Names:
    """An open file of names."""

    def __init__(self, handle: int, sections: Mapping[str, tuple[int, int]], written: float) -> None:
        """Keep the file, where its sections are, and when it was written."""
        self.handle = handle
        self.sections = sections
        self.written = written

    def matching(self, section: str, prefix: bytes) -> list[bytes]:
        """Give the records that begin so; of very many, what they have in common up to the next slash.

        Where even that is too much, the last one is there too, so that what all have in common stays right.
        """
        low, high = self._range(section, prefix)
        if high - low <= FEW:
            return os.pread(self.handle, high - low, low).split(b"\0")[:-1]
        found: list[bytes] = []
        while low < high and len(found) < MOST:
            record = self._record(low)
            cut = _cut(record, len(prefix))
            found.append(cut)
            low = low + len(record) + 1 if cut is record else self._after(low, high, cut[:-1] + b"0")  # 0 follows /
        if low < high:
            start = max(low, high - 2 * LONGEST)
            tail = os.pread(self.handle, high - start, start)
            found.append(_cut(tail.split(b"\0")[-2], len(prefix)))
        return found

    def beginning(self, section: str, prefix: bytes) -> list[bytes]:
        """Give the records that begin so, or none where there are very many."""
        low, high = self._range(section, prefix)
        return os.pread(self.handle, high - low, low).split(b"\0")[:-1] if high - low <= FEW else []

    def _range(self, section: str, prefix: bytes) -> tuple[int, int]:
        start, end = self.sections.get(section, (0, 0))
        low = self._lower(start, end, prefix)
        return low, self._lower(low, end, prefix + LAST)

    def _after(self, low: int, high: int, key: bytes) -> int:
        """Give the same as `_lower`, which is likely to be near."""
        step = PAGE
        begin, record = self._next(low + step)
        while begin < high and record < key:
            low, step = begin, 4 * step
            begin, record = self._next(low + step)
        return self._lower(low, min(high, low + step), key)

    def _next(self, place: int) -> tuple[int, bytes]:
        """Give the record that begins behind a place: where, and what it is."""
        page = os.pread(self.handle, 2 * LONGEST + 2, place)
        begin = page.find(b"\0") + 1
        return place + begin, page[begin : page.find(b"\0", begin)]

    def _lower(self, low: int, high: int, key: bytes) -> int:
        """Give where the first record begins that does not come before the key, between two places."""
        end = high
        while high - low > PAGE:
            middle = (low + high) // 2
            begin, record = self._next(middle)
            if begin < high and record < key:
                low = begin
            else:
                high = middle
        for record in os.pread(self.handle, PAGE + 2 * LONGEST, low).split(b"\0"):
            if low >= end or record >= key:
                break
            low += len(record) + 1
        return low

    def _record(self, place: int) -> bytes:
        return os.pread(self.handle, LONGEST + 1, place).partition(b"\0")[0]


def _cut(record: bytes, known: int) -> bytes:
    """Give a record up to the slash that comes next behind what is known, else the record itself."""
    slash = record.find(b"/", known)
    return record if slash < 0 else record[: slash + 1]


def opened(path: str) -> Names | None:
    """Give the file of names, or None where there is none, or it is not to be trusted, or a watched file changed."""
    try:
        if not is_private(os.stat(os.path.dirname(path))):
            return None
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or not is_private(found):
            return None
        head, end, _ = os.pread(handle, HEAD, 0).partition(b"\n\n")
        magic, *lines = head.split(b"\n")
        if magic != MAGIC or not end:
            return None
        watched = [line.split(b" ", 3)[1:] for line in lines if line.startswith(b"watched ")]
        if any(_state(name) != b"%b %b" % (time, size) for time, size, name in watched):
            return None
        sections = [line.split(b" ") for line in lines if line.startswith(b"section ")]
        places = {name.decode(): (int(start), int(stop)) for _, name, start, stop in sections}
    except (OSError, ValueError):
        return None
    return Names(handle, places, found.st_mtime)


def _state(path: bytes) -> bytes:
    """Give what changes when a file does."""
    try:
        found = os.stat(path)
    except OSError:
        return b"0 0"
    return b"%d %d" % (found.st_mtime_ns, found.st_size)


def content(sections: Mapping[str, Sequence[bytes]], watched: Sequence[str]) -> bytes:
    """Give what to write into a file of names; records too long, or with a NUL, are left out."""
    bodies = {
        name: b"".join(
            record + b"\0" for record in sorted(set(records)) if len(record) <= LONGEST and b"\0" not in record
        )
        for name, records in sections.items()
    }
    files = [os.fsencode(path) for path in watched if "\n" not in path]
    head = [MAGIC, *(b"watched %b %b" % (_state(path), path) for path in files)]
    sample = [b"section %b %012d %012d" % (name.encode(), 0, 0) for name in bodies]
    start = len(b"\n".join([*head, *sample])) + 2
    for name, body in bodies.items():
        head.append(b"section %b %012d %012d" % (name.encode(), start, start + len(body)))
        start += len(body)
    return b"\n".join(head) + b"\n\n" + b"".join(bodies.values())
