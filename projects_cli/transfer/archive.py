"""The file of an export: lines of JSON, from a header to a trailer with counts and a checksum (docs/backup.md).

Each line is an object with one member, whose name says what it is: `export` (the header), `parent`, `project`, `task`,
`model`, `end`. The checksum is the SHA-256 of all bytes before the trailer.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import sys
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import orjson

from projects_cli.errors import DamagedFile, UsageError, unwritable
from projects_cli.store import bson_codec
from projects_cli.store.extended_reader import UnreadableLine, document_of
from projects_cli.store.extended_writer import line_of
from projects_cli.transfer.replacement import replacement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from projects_cli.messages import Document
    from projects_cli.transfer.exports import Kind

FORMAT = 1
"""The version of the file's form; a file of a newer one is refused."""

KINDS: tuple[Kind, ...] = ("parent", "project", "task", "model")

LONGEST = 128 * 1024 * 1024
"""Bytes of a line. A document has at most 16 MiB, its line usually twice as much."""

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
"""The first bytes of compressed files: what counts is the content of a file, not its name."""

NO_ID = frozenset({bson_codec.ARRAY, bson_codec.REGEX, bson_codec.UNDEFINED.type})
"""Types that MongoDB refuses for an id. A document without one would get one that no undo knows."""

PER_UPDATE = 1000
"""Lines between two updates of the progress line."""

COPIED = 1 << 20

_CONTROLS = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""C1 controls, bidirectional marks and overrides, line and paragraph separators; JSON itself escapes the others."""


# --- writing --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class ArchiveWriter:
    """Writes the lines of an export, and keeps their counts and checksum."""

    write: Callable[[bytes], object]
    counts: dict[str, int] = field(default_factory=dict)
    _hash: Any = field(default_factory=hashlib.sha256)

    def begin(self, header: Document) -> None:
        """Write the header."""
        self._line(orjson.dumps({"export": {"format": FORMAT, **header}}) + b"\n")

    def add(self, kind: Kind, raw: bytes) -> None:
        """Write a document."""
        self._line(b'{"%s":%s}\n' % (kind.encode(), line_of(raw)[:-1]))
        self.counts[f"{kind}s"] = self.counts.get(f"{kind}s", 0) + 1

    def end(self) -> None:
        """Write the trailer."""
        self.write(trailer_of(self.counts, self._hash.hexdigest()))

    def _line(self, line: bytes) -> None:
        if not line.isascii() or b"\x7f" in line:  # a terminal would obey what JSON does not escape
            line = _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", line.decode()).encode()
        self._hash.update(line)
        self.write(line)


def trailer_of(counts: dict[str, int], checksum: str) -> bytes:
    """Return the last line of a file."""
    return orjson.dumps({"end": {"counts": counts, "sha256": checksum}}) + b"\n"


@contextmanager
def replacing(path: str) -> Iterator[Callable[[bytes], object]]:
    """Write a private file that takes the place of `path` only when all of it is on the disk; yield its `write`.

    It is compressed if its name ends with `.gz` or `.zst`.

    Raises:
        ProjectsError: the file can't be written, or is not a regular file (see `errors.unwritable`).
    """
    try:
        with replacement(path) as file, _compressed(file, path) as stream:
            yield stream.write
    except OSError as error:
        raise unwritable(path, error) from error


@contextmanager
def _compressed(file: IO[bytes], path: str) -> Iterator[IO[bytes]]:
    if path.endswith(".gz"):
        # Neither a name nor a time in its header: the same documents give the same file.
        with gzip.GzipFile("", "wb", 6, cast("Any", file), 0) as stream, io.BufferedWriter(stream, COPIED) as buffered:
            yield buffered
    elif path.endswith(".zst"):
        with zstd_module().ZstdFile(file, "wb") as stream:
            yield stream
    else:
        yield file


def zstd_module() -> Any:
    """Return the module `zstd` of the standard library, which Python has since 3.14, or its backport."""
    import importlib

    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of a file says about its content."""

    company: str
    created: str
    snapshot: bool
    roots: tuple[str, ...]


@dataclass(slots=True)
class Archive:
    """A file of an export that stays open, so that every pass reads the same file even if another takes its name.

    `counts`, by the plural of the kind, and `sizes` in bytes, by kind, are known once it was checked.
    """

    name: str
    file: IO[bytes]
    counts: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def opened(cls, path: str, stdin: IO[bytes]) -> Iterator[Archive]:
        """Open a file; `-` is standard input, which is copied to a file that only this process has.

        Raises:
            UsageError: it can't be read.
        """
        import tempfile

        try:
            if path == "-":
                with tempfile.TemporaryFile() as copy:
                    while block := stdin.read(COPIED):
                        copy.write(block)
                    yield cls("standard input", copy)
                return
            file = Path(path).open("rb")  # noqa: SIM115 - closed below
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot read '{path}': {getattr(error, 'strerror', None) or error}") from error
        with file:
            if not file.seekable():
                raise UsageError(f"'{path}' is not a regular file", hint="give it on standard input: import -")
            yield cls(path, file)

    def check(self, progress: Callable[[int, int], None]) -> Header:
        """Read the whole file once: each line, the order of the lines, the counts and the checksum.

        Raises:
            DamagedFile: the file is damaged, ends too soon, or is not of this program.
        """
        checksum, order, header, trailer = hashlib.sha256(), 0, None, None
        # One more than can be read: it is complete only when the trailer was compared.
        total = os.fstat(self.file.fileno()).st_size + 1
        for number, line in self.lines():
            if trailer is not None:
                raise self._damaged(number, "there is something after the end")
            kind = line[2 : line.find(b'":')].decode("utf-8", "replace")
            if header is None:
                header = self._header(line)
            elif kind == "end":
                trailer = line
                continue
            elif kind not in KINDS or KINDS.index(kind) < order:
                raise self._damaged(number, f"{kind[:20]!r} is not expected here")
            else:
                order = KINDS.index(kind)
                self._document(number, kind, line)
                self.counts[f"{kind}s"] = self.counts.get(f"{kind}s", 0) + 1
                self.sizes[kind] = self.sizes.get(kind, 0) + len(line)
            checksum.update(line)
            if number % PER_UPDATE == 0:
                progress(self.file.tell(), total)
        progress(total, total)
        if header is None or trailer is None:
            raise DamagedFile(f"{self.name} is not complete: it has no end", hint="export it again")
        # Compared as bytes, so that nothing in the trailer escapes the check.
        if trailer != trailer_of(self.counts, checksum.hexdigest()):
            raise DamagedFile(f"{self.name} is damaged: its checksum or counts are wrong", hint="export it again")
        return header

    def documents(self, *kinds: Kind) -> Iterator[tuple[Kind, bytes]]:
        """Stream the documents of these kinds, in the order of the file, as BSON.

        Raises:
            DamagedFile: the file was changed since it was checked.
        """
        last = max(map(KINDS.index, kinds))
        later = tuple(b'{"%s":' % kind.encode() for kind in (*KINDS[last + 1 :], "end"))
        for number, line in self.lines():
            kind = line[2 : line.find(b'":')].decode("utf-8", "replace")
            if kind in kinds:
                yield kind, self._document(number, kind, line)
            elif line.startswith(later):
                return

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Stream the lines with their numbers."""
        self.file.seek(0)
        magic = self.file.read(4)
        self.file.seek(0)
        stream: Any = self.file
        faults: tuple[type[Exception], ...] = (EOFError, OSError, zlib.error)
        try:
            if magic.startswith(GZIP):
                stream = io.BufferedReader(gzip.GzipFile(fileobj=self.file), COPIED)
            elif magic == ZSTD:
                faults = (*faults, zstd_module().ZstdError)
                stream = io.BufferedReader(zstd_module().ZstdFile(self.file), COPIED)
            yield from enumerate(iter(partial(stream.readline, LONGEST + 1), b""), 1)
        except faults as error:
            raise DamagedFile(f"{self.name} is damaged: it can't be decompressed", hint="export it again") from error
        finally:
            if stream is not self.file:
                with suppress(Exception):
                    # Only the decompressor: the file below it is read again.
                    stream.detach().close()

    def _document(self, number: int, kind: str, line: bytes) -> bytes:
        if len(line) > LONGEST:
            raise self._damaged(number, "it is too long")
        if line.endswith(b"\r\n"):
            raise self._damaged(number, "its end was changed to that of Windows")
        if not line.endswith(b"}\n"):
            raise self._damaged(number, "it is cut off")
        try:
            document = document_of(line[len(kind) + 4 : -2])
        except UnreadableLine as error:
            raise self._damaged(number, str(error)) from error
        types = (value.type for name, value in bson_codec.elements(document) if name == "_id")
        if next(types, bson_codec.UNDEFINED.type) in NO_ID:
            raise self._damaged(number, "its document has no valid _id")
        return document

    def _header(self, line: bytes) -> Header:
        foreign = DamagedFile(f"{self.name} is not a file that projects export wrote")
        try:
            header = orjson.loads(line)["export"]
            if header["format"] != FORMAT:
                raise DamagedFile(f"{self.name} has another format: {header['format']!r} instead of {FORMAT}")
            company, roots = header["company"], tuple(map(str, header["roots"]))
        except (ValueError, LookupError, TypeError) as error:
            raise foreign from error
        if not isinstance(company, str):
            raise foreign
        return Header(company, str(header.get("created")), header.get("snapshot") is True, roots)

    def _damaged(self, number: int, why: str) -> DamagedFile:
        return DamagedFile(f"{self.name} is damaged: line {number}: {why}", hint="export it again")
