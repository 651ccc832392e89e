"""HOCON files as tokens: without comments, and with the content of each included file in place of its include.

Errors in quotes and braces are found here, with the file and line. Nothing is imported that an unchanged schema in the
cache does not need: `cache` reads the names of included files with this module.
"""

# ruff: noqa: PTH118, PTH120
# Paths are strings as in cache.py.

from __future__ import annotations

import os
import re
from bisect import bisect
from typing import NamedTuple

from projects_cli.errors import SchemaError
from projects_cli.private_files import read_regular
from projects_cli.schema.model import MAX_FILE_SIZE

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

SYNTAX_ERRORS = {
    "open_triple": 'the text that starts here with """ never ends',
    "open_string": "the text that starts here has no closing quote on its line",
    "dollar": "a $ without {name}; put the text in quotes",
    "backslash": "a backslash outside quotes; put the text in quotes",
}
"""Kinds of tokens that no HOCON file may have, with the error that they cause."""

PARTNER = {"}": "{", "]": "["}


class Place(NamedTuple):
    """The position of a token: the file as the user named it, the line and the column, both from 1."""

    file: str
    line: int = 1
    column: int = 1

    @classmethod
    def after(cls, file: str, text: str) -> Place:
        """Return the place in a file that follows this text from its beginning."""
        return cls(file, text.count("\n") + 1, len(text) - text.rfind("\n"))

    def error(self, message: str) -> SchemaError:
        """Return the error `FILE:LINE:COLUMN: message`."""
        return SchemaError(f"{self.file}:{self.line}:{self.column}: {message}")


class Token(NamedTuple):
    """A piece of HOCON: its kind (a group of `TOKEN`), its text and its place."""

    kind: str
    text: str
    place: Place


class Source(NamedTuple):
    """A file that has been read: its path, and its bytes."""

    name: str
    content: bytes


def read(path: str) -> Source:
    """Read a file.

    Raises:
        SchemaError: it is missing, unreadable, not a regular file or too large.
    """
    try:
        content = read_regular(path, MAX_FILE_SIZE + 1)
    except (OSError, ValueError) as error:
        raise SchemaError(f"{path} can't be read: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > MAX_FILE_SIZE:
        raise SchemaError(f"{path} can't be read: it is larger than {MAX_FILE_SIZE // 1024} kB")
    return Source(path, content)


def includes(source: Source) -> list[Source]:
    """Return every file that a file includes, directly or through others, in the order of reading.

    Raises:
        SchemaError: see `parse`.
    """
    reader = Reader()
    reader.tokens(source)
    return reader.sources[1:]


# --- tokens -------------------------------------------------------------------------------------------------------


def _decode(source: Source) -> str:
    """Return the text of a file: UTF-8, with or without a byte order mark, its lines ending in a line feed."""
    before, zero, _ = source.content.partition(b"\0")
    if zero:
        raise Place.after(source.name, before.decode("latin-1")).error("this is a binary file, not HOCON text")
    try:
        text = source.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = source.content[: error.start].decode("utf-8-sig")
        raise Place.after(source.name, text).error("this is not UTF-8 text") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _tokenize(source: Source) -> list[Token]:
    """Return the tokens of one file without its comments, once its quotes, braces and brackets are known to match."""
    tokens: list[Token] = []
    opened: list[Token] = []
    text = _decode(source)
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    for match in TOKEN.finditer(text):
        line = bisect(starts, match.start())
        place = Place(source.name, line, match.start() - starts[line - 1] + 1)
        token = Token(match.lastgroup or "other", match.group(), place)
        # pyhocon would continue, and report something else much later.
        if token.kind in SYNTAX_ERRORS:
            raise token.place.error(SYNTAX_ERRORS[token.kind])
        if token.kind != "comment":
            tokens.append(token)
        if token.kind == "open":
            opened.append(token)
            if len(opened) > MAX_NESTING:
                raise token.place.error(f"nested deeper than {MAX_NESTING} levels")
        elif token.kind == "close":
            if not opened:
                raise token.place.error(f"unmatched {token.text}")
            opening = opened.pop()
            if opening.text != PARTNER[token.text]:
                start = f"the {opening.text} opened on line {opening.place.line}"
                raise token.place.error(f"this {token.text} does not match {start}")
    if opened:
        raise opened[-1].place.error(f"the {opened[-1].text} opened here is never closed")
    return tokens


def starts_entry(tokens: list[Token], index: int) -> bool:
    """Return whether the token at `index` is where an object's next key is expected."""
    before = neighbour(tokens, index, -1)
    return before is None or before.kind == "newline" or before.text in {"{", "}", ","}


def neighbour(tokens: list[Token], index: int, step: int) -> Token | None:
    """Return the nearest token before (-1) or after (1) that is not a space."""
    index += step
    while 0 <= index < len(tokens) and tokens[index].kind == "space":
        index += step
    return tokens[index] if 0 <= index < len(tokens) else None


# --- includes -----------------------------------------------------------------------------------------------------


class Reader:
    """Reads a file and all that it includes; `sources` has every file, in the order of reading."""

    def __init__(self) -> None:
        """Start without a file."""
        self.sources: list[Source] = []

    def tokens(self, source: Source, parents: tuple[str, ...] = ()) -> list[Token]:
        """Return the tokens of a file, with those of the included file in place of each include.

        Raises:
            SchemaError: about any of the files; an include does not name a local file, or leads back to its own file.
        """
        self.sources.append(source)
        # By real paths: a link is another name of the same file.
        chain = (*parents, os.path.realpath(source.name))
        tokens = _tokenize(source)
        result: list[Token] = []
        index = 0
        while index < len(tokens):
            if tokens[index].kind == "include":
                name, following = _included_name(tokens, index)
                result += self._included(tokens[index].place, name, chain)
                index = following
            else:
                result.append(tokens[index])
                index += 1
        return result

    def _included(self, place: Place, name: str, chain: tuple[str, ...]) -> list[Token]:
        path = os.path.join(os.path.dirname(place.file), name)
        can_quote = len(chain) == 1  # the name is content of the including file: only the user's own may be quoted
        if os.path.realpath(path) in chain:
            quoted = f' "{name}"' if can_quote else ""
            raise place.error(f"include{quoted} leads back to a file that is being read")
        if len(self.sources) > MAX_INCLUDES or len(chain) > MAX_NESTING:
            raise place.error("too many includes")
        try:
            source = read(path)
        except SchemaError as error:
            raise place.error(
                f"the included file {error.message}" if can_quote else "an include can't be read"
            ) from error
        # A file may be included many times: what counts is the sum.
        if sum(len(known.content) for known in (*self.sources, source)) > MAX_FILE_SIZE:
            raise place.error(f"the file and its includes are larger than {MAX_FILE_SIZE // 1024} kB")
        # The file's entries go to where the include was, without the braces that may be around them.
        tokens = self.tokens(source, chain)
        solid = [index for index, token in enumerate(tokens) if token.kind not in {"newline", "space"}]
        if solid and tokens[solid[0]].text == "[":
            raise tokens[solid[0]].place.error("an included file must hold an object, not a list")
        if solid and tokens[solid[0]].text == "{":
            del tokens[solid[-1]], tokens[solid[0]]
        newline = Token("newline", "\n", place)
        return [newline, *tokens, newline]


def _included_name(tokens: list[Token], index: int) -> tuple[str, int]:
    """Return the file that the include at `index` names, and the index after the statement.

    The forms are `include "a.conf"`, `include file("a.conf")` and `include required(file("a.conf"))`.
    """
    place = tokens[index].place
    if not starts_entry(tokens, index):
        raise place.error("include stands inside a value; put the text in quotes")
    end = index + 1
    while end < len(tokens) and tokens[end].kind not in {"newline", "close"} and tokens[end].text != ",":
        end += 1
    # The words of the statement are not tokens of their own, so its text is matched as a whole.
    statement = "".join(token.text for token in tokens[index + 1 : end])
    opening = INCLUDE.match(statement)
    quoted = INCLUDED_NAME.match(statement, opening.end() if opening else 0)
    if opening is None or quoted is None or quoted.end() != len(statement):
        raise place.error('include requires a file name in quotes: include "other.conf"')
    name = re.sub(r"\\(.)", r"\1", quoted["name"])
    if opening["kind"] == "url" or URL.match(name):
        raise place.error("include of a URL is not allowed; only files are read")
    if opening["kind"] in {"package", "classpath"}:
        raise place.error(f"include {opening['kind']}(…) is not supported; only files are read")
    if quoted["closing"].count(")") != bool(opening["required"]) + bool(opening["kind"]) or not name:
        raise place.error('include requires a file name in quotes: include "other.conf"')
    return name, end
