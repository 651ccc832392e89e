"""The answer to a TAB: `projects --complete KIND SHELL`, with the words of the line on standard input.

The words end with a NUL each (for bash, which reads such a thing a byte at a time, with a newline), the last one is the
word to complete. The answer comes from a file of names in the cache folder, at once; where that is old or missing,
another process fetches the names for the next time.
Nothing here imports more than the interpreter has loaded anyway; endpoints and profiles, which come from files, do.
"""

# ruff: noqa: PTH100, PTH103, PTH116, PTH118, PTH120, PTH123
# As in names.py: no pathlib.

from __future__ import annotations

import os
import sys
import time

from projects_cli.cli.completion import names
from projects_cli.cli.completion.quoting import continued, is_shown, unquoted
from projects_cli.private_files import cache_folder, is_private, sha256, xdg_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from projects_cli.cli.completion.quoting import Mode

FRESH = 60.0
"""Seconds after which names are fetched again."""

KEPT = 24 * 60 * 60.0
"""Seconds after which names are not offered any more."""

PATIENCE = 20.0
"""Seconds between two tries to fetch names."""

MOST_TYPED = 256 * 1024
"""Bytes of a command line that are looked at."""

FLAGS = {
    "--uri": "PROJECTS_MONGO_URI",
    "--uri-file": "PROJECTS_MONGO_URI_FILE",
    "--database": "PROJECTS_DATABASE",
    "--company": "PROJECTS_COMPANY",
    "--profile": "PROJECTS_PROFILE",
    "--schema": "PROJECTS_SCHEMA",
}
"""The options that choose what is named, and the variables that say the same."""

WITH_IDS = ("projects", "ids")
"""Kinds of values that may be ids of projects."""

RIVALS = ("PROJECTS_MONGO_URI", "PROJECTS_MONGO_URI_FILE")
"""Where one of them is a flag, the other one's variable does not count."""

CHOOSING = ("PROJECTS_", "CLEARML_", "TRAINS_", "MONGODB_SERVICE_", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "HOME")
"""What variables begin with that say which database is meant."""

PATHS = {"PROJECTS_MONGO_URI_FILE", "PROJECTS_SCHEMA", "PROJECTS_LOCAL_DIR"}
"""Those of them that are paths, from the working folder where they don't begin at the root or at `~`."""

if TYPE_CHECKING:
    Pair = tuple[str, str]
    """A value, and what it is."""

    Read = tuple[str, Mode]
    """A word as the shell takes it, and the quotation that is still open."""

    Reader = Callable[[str], Read | None]


def main(arguments: list[str]) -> int:
    """Write the answer to standard output; whatever goes wrong, a TAB just does nothing."""
    try:
        kind, shell = arguments
        line = sys.stdin.buffer.read(MOST_TYPED).decode("utf-8", "surrogateescape")
        typed = line.split("\n" if shell == "bash" else "\0")[:-1]
        sys.stdout.buffer.write(_answer(kind, shell, typed).encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    except Exception:  # noqa: BLE001 - nobody wants a message in the middle of a command line
        return 1
    return 0


def _answer(kind: str, shell: str, typed: list[str]) -> str:
    """Give the values that go on from the last word, in the way that the shell wants them."""
    read: Reader = unquoted if shell == "bash" else _as_it_is
    last = read(typed[-1])
    environment = _environment(typed[:-1], read)
    if last is None or environment is None:
        return ""
    prefix, mode = last
    found = OTHERS[kind](prefix, environment) if kind in OTHERS else _from_names(kind, prefix, environment)
    if shell == "bash":
        return _for_bash(prefix, mode, [value for value, _ in found])
    return "".join(f"{value}\0{meaning}\0" for value, meaning in found if not _deceives(value))


def _deceives(value: str) -> bool:
    """Tell whether a value looks like another one: shells show control characters as such, and these not."""
    return not value.isprintable() and any(one > "\x7f" and not is_shown(one) for one in value)


def _as_it_is(word: str) -> Read | None:
    return word, ""


def _environment(words: list[str], read: Reader) -> dict[str, str] | None:
    """Give the environment with the flags of the line put in; None where the shell alone knows what one says."""
    environment = dict(os.environ)
    waiting = None
    for word in words:
        flag, joined, value = word.partition("=")
        if waiting:
            variable, value, waiting = waiting, word, None
        elif flag in FLAGS and joined:
            variable = FLAGS[flag]
        else:
            waiting = FLAGS.get(flag)
            continue
        text = read(value)
        if text is None or "$" in text[0]:
            return None
        for rival in RIVALS if variable in RIVALS else ():
            environment.pop(rival, None)
        environment[variable] = text[0]
    return environment


# --- names of what is in the database -----------------------------------------------------------------------------


def _from_names(kind: str, prefix: str, environment: Mapping[str, str]) -> list[Pair]:
    path = path_of(environment)
    found = names.opened(path)
    now = time.time()
    if found is None or not 0 <= now - found.written < FRESH:
        _fetch(path, environment, now)
    if found is None or now - found.written > KEPT:
        return []
    start = prefix.encode("utf-8", "surrogateescape")
    values = [(_text(record), "") for record in found.matching(kind, start)] if kind != "ids" else []
    if kind in WITH_IDS and (start or kind == "ids") and not start.strip(b"0123456789abcdef"):
        values += [
            (_text(one), _text(name)) for one, _, name in (i.partition(b"\t") for i in found.beginning("ids", start))
        ]
    return values


def _text(record: bytes) -> str:
    return record.decode("utf-8", "surrogateescape")


def path_of(environment: Mapping[str, str]) -> str:
    """Give the file of names for what the environment and the files of settings choose, by a digest of those."""
    chosen = [f"{name}={_whole(name, environment[name])}" for name in sorted(environment) if name.startswith(CHOOSING)]
    base = xdg_folder(environment, "XDG_CONFIG_HOME", ".config")
    files = [_content(".projects.toml"), _content(os.path.join(base, "projects", "config.toml"))]
    pieces = ["\0".join(chosen).encode("utf-8", "surrogateescape"), *files]
    digest = sha256(b"".join(b"%d:%b" % (len(piece), piece) for piece in pieces)).hexdigest()
    return os.path.join(cache_folder(), f"names-{digest}")


def _whole(name: str, value: str) -> str:
    """Return a variable's value so that it means the same in every folder; `~` does already."""
    try:
        return os.path.abspath(value) if name in PATHS and value and not value.startswith("~") else value
    except OSError:  # the working folder was removed
        return value


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(MOST_TYPED)
    except OSError:
        return b""


def _fetch(path: str, environment: Mapping[str, str], now: float) -> None:
    """Let another process fetch the names; where that can't be done, what is there is offered all the same."""
    try:
        _start(path, environment, now)
    except (OSError, NotImplementedError):  # a full disk, a system without sessions
        return


def _start(path: str, environment: Mapping[str, str], now: float) -> None:
    """Start the process that fetches the names, unless one was started just now; nobody waits for it."""
    folder, mark = os.path.dirname(path), f"{path}.lock"
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if not is_private(os.stat(folder)):
        return
    try:
        if 0 <= now - os.stat(mark).st_mtime < PATIENCE:
            return
    except FileNotFoundError:
        pass
    os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    os.utime(mark)
    nothing = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    command = [sys.executable, "-P", "-m", "projects_cli", "--fetch-names"]
    os.posix_spawn(sys.executable, command, environment, file_actions=nothing, setsid=True)


# --- names out of files -------------------------------------------------------------------------------------------


def _endpoints(prefix: str, environment: Mapping[str, str]) -> list[Pair]:
    from projects_cli.schema.cache import load

    described = load(environment.get("PROJECTS_SCHEMA") or None).endpoints()
    pairs = [(one.name, _harmless(one.description)) for one in described]
    return [pair for pair in pairs if pair[0].startswith(prefix)]


def _fields(prefix: str, _: Mapping[str, str]) -> list[Pair]:
    """Give lists of fields that go on with one more, which is not there yet."""
    from projects_cli.endpoints.fields import LISTED

    before, comma, last = prefix.rpartition(",")
    there = before.split(",")
    return [(f"{before}{comma}{name}", "") for name in LISTED if name.startswith(last) and name not in there]


def _harmless(text: str) -> str:
    """Give a text of somebody's file as one line that a terminal takes for nothing else."""
    return "".join(one if one.isprintable() else "?" for one in " ".join(text.split()))


def _profiles(prefix: str, environment: Mapping[str, str]) -> list[Pair]:
    from projects_cli.config.files import user_file
    from projects_cli.config.settings import user_config_file

    profiles = user_file(user_config_file(environment)).tables
    return [(name, "") for name in sorted(profiles) if name.startswith(prefix)]


OTHERS: dict[str, Callable[[str, Mapping[str, str]], list[Pair]]] = {
    "endpoints": _endpoints,
    "profiles": _profiles,
    "fields": _fields,
}


# --- what bash gets -----------------------------------------------------------------------------------------------


def _for_bash(prefix: str, mode: Mode, values: list[str]) -> str:
    """Give a line that says `whole` or `part`, then what may be written behind the word, a line each behind a sign.

    Bash writes what the texts have in common, and that may end in the middle of an escape: then only what the values
    have in common is offered, or one of them is quoted in another way.
    """
    rests = [value[len(prefix) :] for value in values]
    texts = [continued(rest, mode) for rest in rests]
    whole = len(values) != 1 or not values[0].endswith("/")
    shared = continued(_shared(rests), mode)
    if len(texts) > 1 and _shared(texts) != shared:
        texts, whole = ([shared], False) if shared else (_told_apart(rests, texts, mode), True)
    return "\n".join(["whole" if whole else "part", *(f"={text}" for text in texts)]) if texts else ""


def _told_apart(rests: list[str], texts: list[str], mode: Mode) -> list[str]:
    """Give the texts with one quoted in another way, so that they share nothing; none where they still do."""
    for index, rest in enumerate(rests):
        if mode != "'" and rest[0].isprintable() and rest[0] != "'":
            quoted = f"'{rest[0]}'" if not mode else f"\"'{rest[0]}'\""
            others = [*texts[:index], quoted + continued(rest[1:], mode), *texts[index + 1 :]]
            return [] if _shared(others) else others
    return []


def _shared(texts: list[str]) -> str:
    """Give what all texts begin with."""
    if not texts:
        return ""
    first, last = min(texts), max(texts)
    length = next((index for index, one in enumerate(first) if last[index : index + 1] != one), len(first))
    return first[:length]
