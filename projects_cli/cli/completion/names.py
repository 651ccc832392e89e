"""The names cache: a sorted text file of at most 50,000 projects.

It is a sequence of records that end with a NUL: a magic word, the state of a watched file (empty if there is none),
then a kind, a tab and a value each, sorted. It is only used if it and its folder belong to this user and no other user
may write there. It is replaced as a whole, so no reader sees half of it.
"""

# ruff: noqa: PTH100, PTH103, PTH110, PTH116, PTH118, PTH120, PTH123
# pathlib alone takes longer to import than the whole answer to a TAB.

from __future__ import annotations

import os
import sys
import time
from bisect import bisect_left
from mmap import ACCESS_READ, mmap

from projects_cli.private_files import POSIX, blake2b, cache_folder, is_private, open_private, xdg_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAGIC = b"projects-cli names 1"

FRESH_SECONDS = 60.0
"""Age at which names are fetched again."""

KEPT_SECONDS = 24 * 60 * 60.0
"""Age at which names are not offered any more."""

RETRY_SECONDS = 20.0
"""Time between two attempts to fetch names."""

MAX_INPUT = 256 * 1024
"""Bytes of a settings file that count."""

PREFIXES = ("PROJECTS_", "CLEARML_", "TRAINS_", "MONGODB_SERVICE_", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "HOME")
"""The variables that choose the database begin with one of these."""

PATH_VARIABLES = {"PROJECTS_MONGO_URI_FILE", "PROJECTS_SCHEMA", "PROJECTS_LOCAL_DIR"}
"""Paths, relative to the working folder unless they begin with `/` or `~`."""

MAX_PROJECTS = 50_000
"""Projects whose names are cached; the others are not completed."""

MAX_HEAD = 8192
"""Bytes that the first two records take at most; a path has 4096."""

MAX_RECORD = 1000
"""Bytes of a name that is cached."""

MAX_OFFERED = 300
"""Names in one answer. If there are more, the next level is offered."""


# --- the file ----------------------------------------------------------------------------------------------------


def content(values: Mapping[str, Sequence[bytes]], watched: str | None = None) -> bytes:
    """Return the content of a names file for values by kind; too long ones and ones with a NUL are left out."""
    records = {
        kind.encode() + b"\t" + value
        for kind, kind_values in values.items()
        for value in kind_values
        if len(value) <= MAX_RECORD and b"\0" not in value
    }
    state = b"" if watched is None else _state(os.fsencode(watched))
    return b"".join(record + b"\0" for record in (MAGIC, state, *sorted(records)))


def read(path: str) -> tuple[mmap, float] | None:
    """Return the text of a names file, and the Unix time of its last change.

    None if there is no file, if another user could have written it, or if the watched file has changed, which makes
    the names those of another database.
    """
    try:
        with open(open_private(path), "rb") as file:
            written = os.fstat(file.fileno()).st_mtime
            # Mapped, not read: a copy of 5 MB takes as long as all the rest.
            text = mmap(file.fileno(), 0, access=ACCESS_READ)
    except (OSError, ValueError):  # ValueError: the file is empty
        return None
    magic, state, *_ = [*text[:MAX_HEAD].split(b"\0", 2), b""]
    if magic != MAGIC or (state and state != _state(state.split(b" ", 2)[-1])):
        return None
    return text, written


def _state(path: bytes) -> bytes:
    """Return a path after the time of change and the size of its file."""
    try:
        information = os.stat(path)
    except OSError:
        return b"0 0 " + path
    return b"%d %d %b" % (information.st_mtime_ns, information.st_size, path)


class _Records:
    """The records of a names file by the number of any of their bytes, as `bisect` wants them."""

    def __init__(self, text: mmap) -> None:
        self._text = text

    def __len__(self) -> int:
        return len(self._text)

    def __getitem__(self, place: int) -> bytes:
        begin = self._text.rfind(b"\0", 0, place) + 1
        return self._text[begin : self._text.find(b"\0", begin)]


def matching(text: mmap, kind: str, prefix: bytes) -> list[bytes]:
    """Return the values of a kind that begin with a prefix; of very many only the next level, as a shell has folders.

    If there are too many even then, the last one is included, so that what all have in common stays right.
    """
    # Splitting 50,000 names takes longer than starting Python. The records are sorted and no UTF-8 has the byte FF, so
    # `bisect` finds the first and the last match, and the end of each level, in the text itself.
    records, start = _Records(text), b"%b\t%b" % (kind.encode(), prefix)
    first = bisect_left(records, start, text.find(b"\0", len(MAGIC) + 1) + 1)
    last = bisect_left(records, start + b"\xff", first)
    values = text[first:last].split(b"\0", MAX_OFFERED + 1)[:-1]
    if len(values) > MAX_OFFERED:
        values = []
        while first < last and len(values) < MAX_OFFERED:
            values.append(_level(records[first], len(start)))
            first = bisect_left(records, values[-1] + (b"\xff" if values[-1].endswith(b"/") else b"\0"), first, last)
        if first < last:
            values.append(_level(records[last - 1], len(start)))
    return [value[len(kind) + 1 :] for value in values]


def _level(record: bytes, known: int) -> bytes:
    """Return a record up to the first slash after the part that is known, or all of it."""
    return record[: record.find(b"/", known) + 1] or record


# --- the answer, and the next file ------------------------------------------------------------------------------------


def cached(kind: str, prefix: str, environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the names in the cache that begin with a prefix, and have them fetched again if they are old."""
    path = path_of(environment)
    cache = read(path)
    now = time.time()
    if cache is None or not 0 <= now - cache[1] < FRESH_SECONDS:
        _start_fetching(path, environment, now)
    if cache is None or now - cache[1] > KEPT_SECONDS:
        return []
    text, start = cache[0], prefix.encode("utf-8", "surrogateescape")
    values = [(_decoded(record), "") for record in matching(text, kind, start)] if kind != "ids" else []
    # A project can be named by the beginning of its id too: hexadecimal digits.
    if kind in {"projects", "ids"} and (start or kind == "ids") and not start.strip(b"0123456789abcdef"):
        ids = matching(text, "ids", start)
        parts = (record.partition(b"\t") for record in ids if len(ids) <= MAX_OFFERED)
        values += [(_decoded(identifier), _decoded(name)) for identifier, _, name in parts]
    return values


def _decoded(record: bytes) -> str:
    return record.decode("utf-8", "surrogateescape")


def path_of(environment: Mapping[str, str]) -> str:
    """Return the path of the names file for the database that the environment and the settings files choose."""
    chosen = [
        f"{name}={_absolute(name, environment[name])}" for name in sorted(environment) if name.startswith(PREFIXES)
    ]
    base = xdg_folder(environment, "XDG_CONFIG_HOME", ".config")
    files = [_content(".projects.toml"), _content(os.path.join(base, "projects", "config.toml"))]
    pieces = ["\0".join(chosen).encode("utf-8", "surrogateescape"), *files]
    digest = blake2b(b"".join(b"%d:%b" % (len(piece), piece) for piece in pieces)).hexdigest()
    return os.path.join(cache_folder(), f"names-{digest}")


def _absolute(name: str, value: str) -> str:
    """Return a variable's value so that it means the same in every folder."""
    try:
        return os.path.abspath(value) if name in PATH_VARIABLES and value and not value.startswith("~") else value
    except OSError:  # the working folder was removed
        return value


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(MAX_INPUT)
    except OSError:
        return b""


def _start_fetching(path: str, environment: Mapping[str, str], now: float) -> None:
    """Start the process that fetches the names, unless one was started just now. Nothing waits for it.

    After a failure, such as a full disk, the old names are offered nevertheless.
    """
    if not POSIX:
        return
    folder, mark = os.path.dirname(path), f"{path}.lock"
    nothing = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    command = [sys.executable, "-P", "-m", "projects_cli", "--fetch-names"]
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if not is_private(os.stat(folder)) or (
            os.path.exists(mark) and 0 <= now - os.stat(mark).st_mtime < RETRY_SECONDS
        ):
            return
        os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        os.utime(mark)
        os.posix_spawn(sys.executable, command, environment, file_actions=nothing, setsid=True)
    except (OSError, NotImplementedError):
        return
