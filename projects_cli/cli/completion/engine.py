"""The answer to a TAB: `projects --complete SHELL`, with the command line on standard input.

The completion files of the three shells pass the line on and take the answer; everything else is decided here.
Commands, options and fixed values come from `commands.tsv`, which `make docs` writes, and names of projects from the
names cache. If the cache is old or missing, another process fetches the names for the next time.

Most of the time allowed is the interpreter's own start, so this module imports only what the interpreter has loaded
anyway. Names need a little more, and endpoints and profiles, which come from files, need the modules that read them.
"""

# ruff: noqa: PTH118, PTH120, PTH123
# pathlib alone takes longer to import than the whole answer.

from __future__ import annotations

import os
import sys

from projects_cli.cli.completion.quoting import continued, is_visible, unquoted

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing costs as much as the interpreter's whole start
    from collections.abc import Iterable, Mapping, Sequence

    from projects_cli.cli.completion.quoting import Mode

    Pair = tuple[str, str]
    """A value and its description."""

GRAMMAR = os.path.join(os.path.dirname(__file__), "commands.tsv")

CACHED = {"projects", "ids", "tags", "system-tags"}
"""Kinds of values in the names cache."""

MAX_INPUT = 256 * 1024
"""Bytes of a command line that are read."""

VARIABLES = {
    "--uri": "PROJECTS_MONGO_URI",
    "--uri-file": "PROJECTS_MONGO_URI_FILE",
    "--database": "PROJECTS_DATABASE",
    "--company": "PROJECTS_COMPANY",
    "--profile": "PROJECTS_PROFILE",
    "--schema": "PROJECTS_SCHEMA",
}
"""The options that choose the database, with the variables that have the same meaning."""

URI_VARIABLES = ("PROJECTS_MONGO_URI", "PROJECTS_MONGO_URI_FILE")
"""An option for one of them overrides the other variable too."""


def main(arguments: list[str]) -> int:
    """Write the answer to standard output. After any failure a TAB just does nothing."""
    try:
        (shell,) = arguments
        line = sys.stdin.buffer.read(MAX_INPUT).decode("utf-8", "surrogateescape")
        sys.stdout.buffer.write(ANSWERS[shell](line).encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    except Exception:  # noqa: BLE001 - a message in the middle of a command line would be worse
        return 1
    return 0


# --- the command line ---------------------------------------------------------------------------------------------


class Line:
    """A command line before the cursor: the command, and what the last word is the beginning of."""

    def __init__(self, words: Sequence[str], last: str) -> None:
        """Parse the finished words and the last one, all without quotes."""
        with open(GRAMMAR, encoding="utf-8") as file:
            rows = [row.rstrip("\n").split("\t") for row in file if row[0] != "#"]
        self._rows = [(kind, set(places.split(",")), words, value, help_) for kind, places, words, value, help_ in rows]
        self.place = ""
        """The command, as in `config set`; empty for the root."""
        self.position = 0
        """The number of arguments after the command."""
        self.option = ""
        """The option that the next word is the value of."""
        self.only_arguments = False
        """Whether `--` came before."""
        self.values: dict[str, str] = {}
        """The values of options."""
        for word in words:
            self._read(word)
        self._skip_interval(last)
        self.kept = ""
        """The part of the last word that is not completed, such as `--output=`."""
        self.prefix = last
        """The part that is."""
        if not self.option and not self.only_arguments and last.startswith("--") and "=" in last:
            self.option, _, self.prefix = last.partition("=")
            self.kept = f"{self.option}="

    def _skip_interval(self, word: str) -> None:
        """Leave the option if its value is an interval, which may be left out, and the next word is not one."""
        if self.option and self.value_of(self.option) == "interval" and not word[:1].isdigit():
            self.option = ""

    def _take(self, value: str) -> None:
        """Read a value of the option; the name of a chart is followed by that of a file."""
        is_first = self.value_of(self.option).startswith("chart ") and self.option not in self.values
        self.values[self.option] = value
        self.option = self.option if is_first else ""

    def _read(self, word: str) -> None:
        self._skip_interval(word)
        if self.option:
            self._take(word)
        elif self.only_arguments or word == "-" or not word.startswith("-"):
            name = word.removeprefix("projects.").replace("_", "-")
            commands = [words[0] for words, _, _ in self.rows("command", self.place) if name in words]
            if commands and not self.position:
                self.place = f"{self.place} {commands[0]}".strip()
            else:
                self.position += 1
        elif word == "--":
            self.only_arguments = True
        elif word.startswith("--"):
            name, joined, value = word.partition("=")
            self.option = name if joined or self.value_of(name) else ""
            if joined:
                self._take(value)
        else:
            # In -qo json the last letter takes the next word; in -ojson the rest of the word is the value.
            valued = [index for index, letter in enumerate(word) if index and self.value_of(f"-{letter}")]
            if valued and valued[0] == len(word) - 1:
                self.option = f"-{word[-1]}"

    def rows(self, kind: str, *places: str) -> list[tuple[list[str], str, str]]:
        """Return the rows of a kind for a command: the spellings, the value, the description."""
        return [
            (words.split(" "), value, help_)
            for row_kind, commands, words, value, help_ in self._rows
            if row_kind == kind and not commands.isdisjoint(places)
        ]

    def value_of(self, flag: str) -> str:
        """Return what the value of an option is; empty for a switch and an unknown option."""
        return next((value for flags, value, _ in self.rows("option", self.place, "*") if flag in flags), "")

    def candidates(self) -> tuple[str, list[Pair]]:
        """Return the kind of value that the last word is, and the values that begin with it."""
        commands = self.rows("command", self.place)
        pairs: Iterable[Pair]
        if self.option:
            kind, pairs = self._values(self.value_of(self.option))
        elif self.prefix.startswith("-") and not self.only_arguments:
            options = self.rows("option", self.place, "*")
            kind, pairs = "words", ((flag, help_) for flags, _, help_ in options for flag in flags)
        elif commands and not self.position:
            kind, pairs = "words", ((words[0], help_) for words, _, help_ in commands)
        else:
            arguments = self.rows("argument", self.place)
            repeats = bool(arguments) and arguments[-1][0] == ["..."]
            index = min(self.position, len(arguments) - 1) if repeats else self.position
            kind, pairs = self._values(arguments[index][1] if index < len(arguments) else "")
        return kind, [pair for pair in pairs if pair[0].startswith(self.prefix)]

    def _values(self, value: str) -> tuple[str, Iterable[Pair]]:
        """Return the kind of a value in the grammar, and what it may be."""
        kind, _, text = value.partition(" ")
        words = text.split(" ")
        if kind == "request" and self.prefix.startswith("@"):
            self.kept, self.prefix = f"{self.kept}@", self.prefix[1:]
            return "files", ()
        if kind == "fields":  # a list of fields, which continues with one that is not in it yet
            before, comma, _ = self.prefix.rpartition(",")
            words = [f"{before}{comma}{word}" for word in words if word not in before.split(",")]
        if kind == "chart" and self.option in self.values:
            return "files", ()
        if kind in {"words", "fields", "chart"}:
            return kind, ((word, "") for word in words)
        if kind == "request":
            return kind, (("@", "The request is in a file"), ("-", "The request is standard input"))
        environment = dict(os.environ)
        for flag, variable in VARIABLES.items():
            if flag not in self.values:
                continue
            if "$" in self.values[flag] or "`" in self.values[flag]:  # only the shell can expand it
                return kind, ()
            for other in URI_VARIABLES if variable in URI_VARIABLES else ():
                environment.pop(other, None)
            environment[variable] = self.values[flag]
        return kind, _known(kind, self.prefix, environment)


def _known(kind: str, prefix: str, environment: Mapping[str, str]) -> Iterable[Pair]:
    """Return values that are not in the grammar: from the user's files, or from the names cache."""
    if kind == "endpoints":
        from projects_cli.schema.cache import load

        endpoints = load(environment.get("PROJECTS_SCHEMA") or None).endpoints()
        # A description comes from the user's own schema file, and is shown on one line of the terminal.
        lines = (" ".join(endpoint.description.split()) for endpoint in endpoints)
        texts = ("".join(character if character.isprintable() else "?" for character in line) for line in lines)
        return ((endpoint.name, text) for endpoint, text in zip(endpoints, texts, strict=True))
    if kind == "profiles":
        from projects_cli.config.files import user_file
        from projects_cli.config.settings import user_config_file

        return ((name, "") for name in sorted(user_file(user_config_file(environment)).tables))
    if kind in CACHED:
        from projects_cli.cli.completion.names import cached

        return cached(kind, prefix, environment)
    return ()


# --- the shells ---------------------------------------------------------------------------------------------------


def _for_zsh(line: str) -> str:
    """Return `files` or `values`, the length of the part that stays, then values and descriptions, NUL-separated."""
    *words, last = line.split("\0")[:-1]
    parsed = Line(words, last)
    kind, pairs = parsed.candidates()
    fields = [field for pair in pairs if not _is_deceptive(pair[0]) for field in pair]
    return "\0".join(["files" if kind == "files" else "values", str(len(parsed.kept)), *fields])


def _for_fish(line: str) -> str:
    """Return `files` with the part that stays, or whole words, each with its description after a tab.

    Fish takes a line break or a tab as the end of a value, so a value with one of them is left out.
    """
    *words, last = line.split("\0")[:-1]
    parsed = Line(words, last)
    kind, pairs = parsed.candidates()
    if kind == "files":
        return f"files\n{parsed.kept}\n"
    plain = (pair for pair in pairs if not _is_deceptive(pair[0]) and "\t" not in pair[0] and "\n" not in pair[0])
    return "values\n" + "".join(f"{parsed.kept}{value}\t{description}\n" for value, description in plain)


def _is_deceptive(value: str) -> bool:
    """Return whether a value looks like another one: shells show control characters, but not these."""
    return not value.isprintable() and any(character > "\x7f" and not is_visible(character) for character in value)


def _for_bash(line: str) -> str:
    """Return `files`, or `whole` or `part` (no space follows) and the words to insert, a line each behind a `=`.

    The input is the word as readline has it, the line up to the cursor, then the words as bash has split it.
    """
    typed, text, *pieces = line.split("\n")[:-1]
    words = _joined(text, pieces)
    raw = words[-1]
    last = unquoted(raw)
    if last is None:
        return ""
    if len(pieces) > 1 and pieces[-2][:1] in {"<", ">"}:  # a redirection
        return "files\n"
    # A word that only the shell can expand stays as it is: it is an argument, or a value that selects no database.
    finished = [(unquoted(word) or (word, ""))[0] for word in words[1:-1]]
    parsed = Line(finished, last[0])
    kind, pairs = parsed.candidates()
    if kind == "files" and parsed.kept.endswith("@"):  # readline would look for a file whose name begins with @
        pairs = _files(parsed.prefix)
    elif kind == "files":
        return "files\n"
    texts, whole = bash_continuations(parsed.prefix, last[1], [value for value, _ in pairs])
    # Readline replaces only the part of the word after the last = or :
    stays = raw.removesuffix(typed)
    lines = [f"={(raw + continuation).removeprefix(stays)}" for continuation in texts]
    return "\n".join(["whole" if whole else "part", *lines]) if lines else ""


def _joined(line: str, pieces: Sequence[str]) -> list[str]:
    """Return the words of a line, which bash has split at = : and @ too; the last one ends at the cursor."""
    words: list[str] = []
    line = pieces[0] + line.partition(pieces[0])[2]  # without variables before the command
    for piece in pieces:
        rest = line.lstrip()
        if len(rest) < len(line) or not words:
            words.append("")
        words[-1] += piece
        line = rest.removeprefix(piece)
    words[-1] = words[-1].removesuffix(pieces[-1]) + rest
    return words


def _files(prefix: str) -> list[Pair]:
    """Return the paths of files that begin with a prefix; folders end with a slash."""
    folder, start = os.path.split(prefix)
    return sorted(
        (os.path.join(folder, entry.name) + "/" * entry.is_dir(), "")
        for entry in os.scandir(folder or ".")
        if entry.name.startswith(start) and (start or not entry.name.startswith("."))
    )


def bash_continuations(prefix: str, mode: Mode, values: Sequence[str]) -> tuple[list[str], bool]:
    """Return what may follow the prefix, quoted as the word was begun, and whether the word is complete then.

    Bash inserts what the texts have in common, and that may end in the middle of an escape. Then only what the values
    have in common is offered, or one of them is quoted in another way.
    """
    rests = [value[len(prefix) :] for value in values]
    texts = [continued(rest, mode) for rest in rests]
    shared = continued(_common_start(rests), mode)
    if len(texts) < 2 or _common_start(texts) == shared:  # noqa: PLR2004 - a single text is always safe
        return texts, not any(value.endswith(("/", "@")) for value in values)
    if shared:
        return [shared], False
    for index, rest in enumerate(rests):
        if mode != "'" and rest[0].isprintable() and rest[0] != "'":
            quoted = f"'{rest[0]}'" if not mode else f"\"'{rest[0]}'\""
            others = [*texts[:index], quoted + continued(rest[1:], mode), *texts[index + 1 :]]
            return [] if _common_start(others) else others, True
    return [], True


def _common_start(texts: Sequence[str]) -> str:
    """Return what all texts begin with."""
    if not texts:
        return ""
    # All texts share what the first and the last one in alphabetical order share.
    first, last = min(texts), max(texts)
    length = next((index for index, char in enumerate(first) if last[index : index + 1] != char), len(first))
    return first[:length]


ANSWERS = {"bash": _for_bash, "zsh": _for_zsh, "fish": _for_fish}
