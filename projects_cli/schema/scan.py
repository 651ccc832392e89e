"""HOCON before it is parsed: cut into pieces, its includes put in place, and faults named with file and line.

pyhocon reads the text that comes out of here. By then no comment is left for it to misread, every include has been
replaced by what the file holds, and what can be said in plain words about quotes and braces has been said.
"""

# ruff: noqa: PTH118, PTH120
# Names of files are plain strings all through this room: pathlib alone costs more than a request's whole validation.

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from projects_cli.errors import SchemaError
from projects_cli.private_files import read_regular
from projects_cli.schema.cache import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_INCLUDES = 1000
MAX_NESTING = 100

TOKEN = re.compile(
    r"""
      (?P<comment>(?:\#|//)[^\n]*)
    | (?P<triple>\"{3}(?s:.*?)\"*\"{3})
    | (?P<open_triple>\"{3})
    | (?P<string>"(?:[^"\\\n]|\\.)*")
    | (?P<open_string>")
    | (?P<substitution>\$\{[^}\n"]*(?:"[^"\n}]*"[^}\n"]*)*\})
    | (?P<dollar>\$)
    | (?P<open>[{\[])
    | (?P<close>[}\]])
    | (?P<include>(?i:include)(?=[ \t]*(?:"|(?:url|file|package|classpath|required)\b)))
    | (?P<backslash>\\)
    | (?P<newline>\n)
    | (?P<space>[ \t\r]+)
    | (?P<separator>\+=|[,:=])
    | (?P<word>(?:(?!//|\+=)[^\s"{}\[\],:=\#\\$])+)
    | (?P<other>.)
    """,
    re.VERBOSE,
)
INCLUDE = re.compile(r"[ \t]*(?P<required>required[ \t]*\()?[ \t]*(?:(?P<kind>url|file|package|classpath)[ \t]*\()?")
INCLUDED_NAME = re.compile(r'[ \t]*"(?P<name>(?:[^"\\\n]|\\.)*)"(?P<closing>[ \t)]*)')
URL = re.compile(r"(?i)[a-z][a-z0-9+.-]*://")
VERSION_KEY = re.compile(r"\d+(?:\.\d+)+")
VERSION_IN_PATH = re.compile(r"(?<=\.)\d+(?:\.\d+)+(?=\.|$)")
UNICODE_ESCAPE = re.compile(r"\\(?:u(?P<hex>[0-9a-fA-F]{4})|.)")

FAULTS = {
    "open_triple": 'the text that starts here with """ never ends',
    "open_string": "the text that starts here has no closing quote on its line",
    "dollar": "a $ that starts no ${name}; put the text in quotes",
    "backslash": "a backslash outside quotes; put the text in quotes",
}
"""Pieces that no HOCON file may have, and how to say so."""

PARTNER = {"}": "{", "]": "["}


class Place(NamedTuple):
    """Where a piece stands: the file as the person named it, and the line from 1."""

    file: str
    line: int

    def fault(self, what: str) -> SchemaError:
        """The error `FILE:LINE: what is wrong`."""
        return SchemaError(f"{self.file}:{self.line}: {what}")


class Token(NamedTuple):
    """A piece of HOCON: its kind (a group of `TOKEN`), its text and its place."""

    kind: str
    text: str
    place: Place


class Source(NamedTuple):
    """A file that was read: its name as shown, and its bytes."""

    name: str
    content: bytes


def read(path: str, asked_by: Place | None = None, *, shown: bool = True) -> Source:
    """Return the file's bytes.

    `asked_by` is the place of the include that names it. Unless `shown`, an error does not have the file's name.

    Raises:
        SchemaError: it is missing, unreadable, not a regular file or too large.
    """
    try:
        content = read_regular(path, LARGEST + 1)
        if len(content) <= LARGEST:
            return Source(path, content)
        reason = f"it is larger than {LARGEST // 1024} kB"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    if asked_by is None:
        raise SchemaError(f"{path}: can't be read: {reason}")
    raise asked_by.fault(f"the included file {path} can't be read: {reason}" if shown else "an include can't be read")


def decoded(source: Source) -> str:
    """The file's text: UTF-8, with or without a mark at its start, lines ending in a line feed."""
    if b"\0" in source.content:
        line = source.content[: source.content.index(b"\0")].count(b"\n") + 1
        raise Place(source.name, line).fault("this is a binary file, not HOCON text")
    try:
        text = source.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source.content[: error.start].count(b"\n") + 1
        raise Place(source.name, line).fault("this is not UTF-8 text") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def tokens(source: Source) -> list[Token]:
    """The file's pieces, comments left out, with its own faults of quotes and braces found.

    Raises:
        SchemaError: a quote, brace or bracket that is not closed, or closed and never opened.
    """
    found: list[Token] = []
    line = 1
    for match in TOKEN.finditer(decoded(source)):
        token = Token(match.lastgroup or "other", match.group(), Place(source.name, line))
        if token.kind in FAULTS:
            raise token.place.fault(FAULTS[token.kind])
        if token.kind != "comment":
            found.append(token)
        line += token.text.count("\n")
    _check_balance(found)
    return found


def _check_balance(found: list[Token]) -> None:
    """Raise where the braces and brackets of one file don't match."""
    open_ones: list[Token] = []
    for token in found:
        if token.kind == "open":
            open_ones.append(token)
            if len(open_ones) > MAX_NESTING:
                raise token.place.fault(f"nested deeper than {MAX_NESTING} levels")
        elif token.kind == "close":
            if not open_ones:
                raise token.place.fault(f"this {token.text} closes nothing")
            opened = open_ones.pop()
            if opened.text != PARTNER[token.text]:
                raise token.place.fault(
                    f"this {token.text} does not match the {opened.text} opened on line {opened.place.line}"
                )
    if open_ones:
        raise open_ones[-1].place.fault(f"the {open_ones[-1].text} opened here is never closed")


# --- includes -----------------------------------------------------------------------------------------------------


class Reader:
    """Reads a file and all that it includes; `sources` then has every file, in the order of reading."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self.sources: list[Source] = []

    def tokens(self, source: Source, parents: tuple[str, ...] = ()) -> list[Token]:
        """The file's pieces, each include replaced by the pieces of what it names.

        Raises:
            SchemaError: of any of the files, an include that names no local file, one that leads back to itself.
        """
        self.sources.append(source)
        chain = (*parents, os.path.realpath(source.name))
        found = tokens(source)
        result: list[Token] = []
        index = 0
        while index < len(found):
            if found[index].kind == "include":
                name, following = _included_name(found, index)
                result += self._included(found[index].place, name, chain)
                index = following
            else:
                result.append(found[index])
                index += 1
        return result

    def _included(self, place: Place, name: str, chain: tuple[str, ...]) -> list[Token]:
        path = os.path.join(os.path.dirname(place.file), name)
        shown = len(chain) == 1  # the name is content of the including file, and only the user's own may be quoted
        if os.path.realpath(path) in chain:
            quoted = f' "{name}"' if shown else ""
            raise place.fault(f"include{quoted} leads back to a file that is being read")
        if len(self.sources) > MAX_INCLUDES or len(chain) > MAX_NESTING:
            raise place.fault("too many includes")
        source = read(path, place, shown=shown)
        if sum(len(known.content) for known in self.sources) + len(source.content) > LARGEST:
            raise place.fault(f"the file and what it includes are larger than {LARGEST // 1024} kB")
        inner = _without_braces(self.tokens(source, chain))
        newline = Token("newline", "\n", place)
        return [newline, *inner, newline]


def _included_name(found: list[Token], index: int) -> tuple[str, int]:
    """What the include at `index` names, and the index behind the statement."""
    place = found[index].place
    if not _starts_entry(found, index):
        raise place.fault("include stands inside a value; put the text in quotes")
    end = index + 1
    while end < len(found) and found[end].kind not in {"newline", "close"} and found[end].text != ",":
        end += 1
    statement = "".join(token.text for token in found[index + 1 : end])
    return _file_named(statement, place), end


def _starts_entry(found: list[Token], index: int) -> bool:
    """Whether the piece at `index` stands where an object's next key is expected."""
    before = _beside(found, index, -1)
    return before is None or before.kind == "newline" or before.text in {"{", "}", ","}


def _beside(found: list[Token], index: int, step: int) -> Token | None:
    """The nearest piece before (-1) or after (1) that is no space."""
    index += step
    while 0 <= index < len(found) and found[index].kind == "space":
        index += step
    return found[index] if 0 <= index < len(found) else None


def _file_named(statement: str, place: Place) -> str:
    """The file in what follows the word include: `"a.conf"`, `file("a.conf")`, `required("a.conf")`."""
    opening = INCLUDE.match(statement)
    named = INCLUDED_NAME.match(statement, opening.end() if opening else 0)
    if opening is None or named is None or named.end() != len(statement):
        raise place.fault('include is followed by a file name in quotes: include "other.conf"')
    name = re.sub(r"\\(.)", r"\1", named["name"])
    if opening["kind"] == "url" or URL.match(name):
        raise place.fault("include of a URL is not allowed; only files are read")
    if opening["kind"] in {"package", "classpath"}:
        raise place.fault(f"include {opening['kind']}(…) is not supported; only files are read")
    parentheses = bool(opening["required"]) + bool(opening["kind"])
    if named["closing"].count(")") != parentheses or not name:
        raise place.fault('include is followed by a file name in quotes: include "other.conf"')
    return name


def _without_braces(found: list[Token]) -> list[Token]:
    """The entries of a file that may or may not have braces around all of it."""
    solid = [index for index, token in enumerate(found) if token.kind not in {"newline", "space"}]
    if not solid or found[solid[0]].text != "{":
        if solid and found[solid[0]].text == "[":
            raise found[solid[0]].place.fault("an included file holds an object, not a list")
        return found
    return found[: solid[0]] + found[solid[0] + 1 : solid[-1]] + found[solid[-1] + 1 :]


# --- the text for pyhocon -----------------------------------------------------------------------------------------


class Text(NamedTuple):
    """The whole text without includes and comments, and the place of each of its lines."""

    text: str
    places: list[Place]

    def place(self, line: int) -> Place:
        """Where a line of the text (from 1) came from."""
        return self.places[min(max(line, 1), len(self.places)) - 1]


def rendered(found: list[Token]) -> Text:
    """The text that pyhocon reads: unquoted version keys quoted, escapes that it doesn't know decoded."""
    parts: list[str] = []
    places = [found[0].place if found else Place("", 1)]
    for index, token in enumerate(found):
        parts.append(_rewritten(found, index))
        for step in range(token.text.count("\n")):
            following = found[index + 1].place if index + 1 < len(found) else token.place
            inside = Place(token.place.file, token.place.line + step + 1)
            places.append(inside if token.kind == "triple" else following)
    return Text("".join(parts), places)


def _rewritten(found: list[Token], index: int) -> str:
    rewrite: dict[str, Callable[[list[Token], int], str]] = {
        "word": _word,
        "string": _string,
        "substitution": _substitution,
    }
    change = rewrite.get(found[index].kind)
    return change(found, index) if change else found[index].text


def _word(found: list[Token], index: int) -> str:
    """`2.8 {` is the key "2.8" (to pyhocon the path 2, then 8)."""
    text = found[index].text
    if not VERSION_KEY.fullmatch(text) or not _starts_entry(found, index):
        return text
    after = _beside(found, index, 1)
    return f'"{text}"' if after is not None and after.text in {"{", ":", "="} else text


def _string(found: list[Token], index: int) -> str:
    """A quoted text with its four-digit escapes decoded."""
    text = found[index].text
    if "\\u" not in text:
        return text
    changed = UNICODE_ESCAPE.sub(lambda match: _unescaped(match["hex"]) or match[0], text)
    return changed.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unescaped(digits: str | None) -> str:
    if digits is None:
        return ""
    character = chr(int(digits, 16))
    return {'"': '\\"', "\\": "\\\\", "\n": "\\n"}.get(character, character)


def _substitution(found: list[Token], index: int) -> str:
    """`${get_all.2.1}` finds the key "2.1"."""
    text = found[index].text
    if '"' in text:
        return text
    return "${" + VERSION_IN_PATH.sub(lambda match: f'"{match[0]}"', text[2:-1].strip()) + "}"


# --- where each key stands ----------------------------------------------------------------------------------------


def places(found: list[Token]) -> dict[tuple[str, ...], Place]:
    """The place of each key by its path from the root; the last one where a key is repeated."""
    return dict(_entries(found))


def _entries(found: list[Token]) -> Iterator[tuple[tuple[str, ...], Place]]:
    stack: list[tuple[str, ...]] = []
    path: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    in_value = False
    for token in found:
        if token.kind == "open":
            stack.append(path)
            path, key, in_value = (*path, *key), (), token.text == "["
        elif token.kind == "close":
            path = stack.pop() if stack else ()
            key, in_value = (), False
        elif token.kind == "newline" or token.text == ",":
            key, in_value = ((), False) if in_value or token.text == "," else (key, False)
        elif token.kind == "separator":
            in_value = True
        elif token.kind in {"word", "string"} and not in_value:
            key = _key_path(token)
            for length in range(1, len(key) + 1):
                yield (*path, *key[:length]), token.place


def _key_path(token: Token) -> tuple[str, ...]:
    """Return the names in a key: `a.b` are two, `"a.b"` and 2.8 are one.

    Raises:
        SchemaError: they are more than the levels that a file may have.
    """
    if token.kind == "string" or VERSION_KEY.fullmatch(token.text):
        return (token.text.strip('"'),)
    names = tuple(token.text.split("."))
    if len(names) > MAX_NESTING:
        raise token.place.fault(f"nested deeper than {MAX_NESTING} levels")
    return names
