"""HOCON files, read into plain values, with the file and line of each key.

pyhocon parses the text that this module makes of the file. Its parser misreads comments, ignores missing includes and
reports errors without a file, so comments are removed before, includes are replaced by the content of their files, and
errors in quotes and braces are found here.
"""

# ruff: noqa: PTH118, PTH120
# Paths are strings as in cache.py.

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli.errors import SchemaError
from projects_cli.private_files import read_regular
from projects_cli.schema.model import MAX_FILE_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

Tree = dict[str, Any]
Path = tuple[str, ...]

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

SYNTAX_ERRORS = {
    "open_triple": 'the text that starts here with """ never ends',
    "open_string": "the text that starts here has no closing quote on its line",
    "dollar": "a $ without {name}; put the text in quotes",
    "backslash": "a backslash outside quotes; put the text in quotes",
}
"""Kinds of tokens that no HOCON file may have, with the error that they cause."""

PARTNER = {"}": "{", "]": "["}


class Place(NamedTuple):
    """The position of a token: the file as the user named it, and the line from 1."""

    file: str
    line: int

    def error(self, message: str) -> SchemaError:
        """Return the error `FILE:LINE: message`."""
        return SchemaError(f"{self.file}:{self.line}: {message}")


class Token(NamedTuple):
    """A piece of HOCON: its kind (a group of `TOKEN`), its text and its place."""

    kind: str
    text: str
    place: Place


class Source(NamedTuple):
    """A file that has been read: its path, and its bytes."""

    name: str
    content: bytes


class Document(NamedTuple):
    """A parsed file: its values, the place of each key by its path, and whether errors may quote it.

    They may not if it includes other files: those may be any files of the user's, and need not be schemas.
    """

    tree: Tree
    places: dict[Path, Place]
    can_quote: bool


def read(path: str) -> Source:
    """Read a file.

    Raises:
        SchemaError: it is missing, unreadable, not a regular file or too large.
    """
    source, reason = _read(path)
    if source is None:
        raise SchemaError(f"{path}: can't be read: {reason}")
    return source


def _read(path: str) -> tuple[Source | None, str]:
    """Return a file, or None and why it can't be read."""
    try:
        content = read_regular(path, MAX_FILE_SIZE + 1)
    except (OSError, ValueError) as error:
        return None, getattr(error, "strerror", None) or str(error)
    if len(content) > MAX_FILE_SIZE:
        return None, f"it is larger than {MAX_FILE_SIZE // 1024} kB"
    return Source(path, content), ""


def includes(source: Source) -> list[Source]:
    """Return every file that a file includes, directly or through others, in the order of reading.

    Raises:
        SchemaError: see `parse`.
    """
    reader = _Reader()
    reader.tokens(source)
    return reader.sources[1:]


def parse(source: Source) -> Document:
    """Parse a file and all that it includes.

    Raises:
        SchemaError: `FILE:LINE: message`, about the file or one that it includes.
    """
    reader = _Reader()
    tokens = reader.tokens(source)
    if all(token.kind in {"newline", "space"} for token in tokens):
        raise SchemaError(f"{source.name}:1: the file is empty: it names no endpoint")
    places = dict(_key_places(tokens))
    can_quote = len(reader.sources) == 1
    return Document(_Parser(source.name, tokens, can_quote=can_quote).tree(), places, can_quote)


# --- tokens -------------------------------------------------------------------------------------------------------


def _decode(source: Source) -> str:
    """Return the text of a file: UTF-8, with or without a byte order mark, its lines ending in a line feed."""
    if b"\0" in source.content:
        line = source.content[: source.content.index(b"\0")].count(b"\n") + 1
        raise Place(source.name, line).error("this is a binary file, not HOCON text")
    try:
        text = source.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source.content[: error.start].count(b"\n") + 1
        raise Place(source.name, line).error("this is not UTF-8 text") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _tokenize(source: Source) -> list[Token]:
    """Return the tokens of one file without its comments, once its quotes, braces and brackets are known to match."""
    tokens: list[Token] = []
    opened: list[Token] = []
    line = 1
    for match in TOKEN.finditer(_decode(source)):
        token = Token(match.lastgroup or "other", match.group(), Place(source.name, line))
        line += token.text.count("\n")
        if token.kind in SYNTAX_ERRORS:
            raise token.place.error(SYNTAX_ERRORS[token.kind])
        if token.kind != "comment":
            tokens.append(token)
        if token.kind == "open":
            opened.append(token)
            if len(opened) > MAX_NESTING:
                raise token.place.error(f"nested deeper than {MAX_NESTING} levels")
        elif token.kind == "close":
            _check_pair(opened.pop() if opened else None, token)
    if opened:
        raise opened[-1].place.error(f"the {opened[-1].text} opened here is never closed")
    return tokens


def _check_pair(opening: Token | None, closing: Token) -> None:
    if opening is None:
        raise closing.place.error(f"unmatched {closing.text}")
    if opening.text != PARTNER[closing.text]:
        opened = f"the {opening.text} opened on line {opening.place.line}"
        raise closing.place.error(f"this {closing.text} does not match {opened}")


def _starts_entry(tokens: list[Token], index: int) -> bool:
    """Return whether the token at `index` is where an object's next key is expected."""
    before = _neighbour(tokens, index, -1)
    return before is None or before.kind == "newline" or before.text in {"{", "}", ","}


def _neighbour(tokens: list[Token], index: int, step: int) -> Token | None:
    """Return the nearest token before (-1) or after (1) that is not a space."""
    index += step
    while 0 <= index < len(tokens) and tokens[index].kind == "space":
        index += step
    return tokens[index] if 0 <= index < len(tokens) else None


# --- includes -----------------------------------------------------------------------------------------------------


class _Reader:
    """Reads a file and all that it includes; `sources` has every file, in the order of reading."""

    def __init__(self) -> None:
        self.sources: list[Source] = []

    def tokens(self, source: Source, parents: Path = ()) -> list[Token]:
        """Return the tokens of a file, with those of the included file in place of each include.

        Raises:
            SchemaError: about any of the files; an include does not name a local file, or leads back to its own file.
        """
        self.sources.append(source)
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

    def _included(self, place: Place, name: str, chain: Path) -> list[Token]:
        path = os.path.join(os.path.dirname(place.file), name)
        can_quote = len(chain) == 1  # the name is content of the including file: only the user's own may be quoted
        if os.path.realpath(path) in chain:
            quoted = f' "{name}"' if can_quote else ""
            raise place.error(f"include{quoted} leads back to a file that is being read")
        if len(self.sources) > MAX_INCLUDES or len(chain) > MAX_NESTING:
            raise place.error("too many includes")
        source, reason = _read(path)
        if source is None:
            message = f"the included file {path} can't be read: {reason}" if can_quote else "an include can't be read"
            raise place.error(message)
        if sum(len(known.content) for known in (*self.sources, source)) > MAX_FILE_SIZE:
            raise place.error(f"the file and its includes are larger than {MAX_FILE_SIZE // 1024} kB")
        newline = Token("newline", "\n", place)
        return [newline, *_without_braces(self.tokens(source, chain)), newline]


def _included_name(tokens: list[Token], index: int) -> tuple[str, int]:
    """Return the file that the include at `index` names, and the index after the statement.

    The forms are `include "a.conf"`, `include file("a.conf")` and `include required(file("a.conf"))`.
    """
    place = tokens[index].place
    if not _starts_entry(tokens, index):
        raise place.error("include stands inside a value; put the text in quotes")
    end = index + 1
    while end < len(tokens) and tokens[end].kind not in {"newline", "close"} and tokens[end].text != ",":
        end += 1
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


def _without_braces(tokens: list[Token]) -> list[Token]:
    """Return the entries of a file, which may or may not have braces around them."""
    solid = [index for index, token in enumerate(tokens) if token.kind not in {"newline", "space"}]
    if not solid or tokens[solid[0]].text != "{":
        if solid and tokens[solid[0]].text == "[":
            raise tokens[solid[0]].place.error("an included file must hold an object, not a list")
        return tokens
    return tokens[: solid[0]] + tokens[solid[0] + 1 : solid[-1]] + tokens[solid[-1] + 1 :]


# --- keys ---------------------------------------------------------------------------------------------------------


def _key_places(tokens: list[Token]) -> Iterator[tuple[Path, Place]]:
    """Yield each key's path from the root and its place, in the order of the file."""
    stack: list[Path] = []
    path: Path = ()
    key: Path = ()
    in_value = False
    for token in tokens:
        if token.kind == "open":
            stack.append(path)
            path, key, in_value = (*path, *key), (), token.text == "["
        elif token.kind == "close":
            path = stack.pop() if stack else ()
            key, in_value = (), False
        elif token.kind == "newline" or token.text == ",":
            # A key and the brace of its value may be on different lines: a line feed only ends a value.
            key, in_value = ((), False) if in_value or token.text == "," else (key, False)
        elif token.kind == "separator":
            in_value = True
        elif token.kind in {"word", "string"} and not in_value:
            key = _key_path(token)
            for length in range(1, len(key) + 1):
                yield (*path, *key[:length]), token.place


def _key_path(token: Token) -> Path:
    """Return the names in a key: `a.b` has two, `"a.b"` and 2.8 have one.

    Raises:
        SchemaError: they are more than the levels that a file may have.
    """
    if token.kind == "string" or VERSION_KEY.fullmatch(token.text):
        return (token.text.strip('"'),)
    names = tuple(token.text.split("."))
    if len(names) > MAX_NESTING:
        raise token.place.error(f"nested deeper than {MAX_NESTING} levels")
    return names


# --- pyhocon ------------------------------------------------------------------------------------------------------


class _NoOutside(NamedTuple):
    """What pyhocon gets instead of the module os: an empty environment, and no files."""

    environ: dict[str, str]


def _pyhocon() -> ModuleType:
    """Return a private copy of pyhocon's parser that can access neither environment nor files nor network."""
    from importlib.util import find_spec, module_from_spec  # 0.1 s, on a cache miss only

    spec = find_spec("pyhocon.config_parser")
    if spec is None or spec.loader is None:
        raise SchemaError("pyhocon is not installed", hint="install the program again")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    vars(module).update(os=_NoOutside({}), urlopen=None, glob=None, codecs=None)
    return module


class _Parser:
    """Parses tokens with pyhocon, and translates its errors and values."""

    def __init__(self, path: str, tokens: list[Token], *, can_quote: bool) -> None:
        self._path = path
        self._can_quote = can_quote
        self._text = "".join(_rewrite(tokens, index) for index in range(len(tokens)))
        # The place of each line of the text, which has lines of several files.
        self._places = [tokens[0].place]
        for index, token in enumerate(tokens):
            following = tokens[index + 1].place if index + 1 < len(tokens) else token.place
            for step in range(token.text.count("\n")):
                inside = Place(token.place.file, token.place.line + step + 1)
                self._places.append(inside if token.kind == "triple" else following)

    def tree(self) -> Tree:
        """Return the values as plain Python.

        Raises:
            SchemaError: whatever pyhocon raised, with the line.
        """
        parser = _pyhocon()
        from pyparsing import ParseBaseException, ParserElement

        whitespace = ParserElement.DEFAULT_WHITE_CHARS
        try:
            tree = parser.ConfigFactory.parse_string(self._text)
        except ParseBaseException as error:
            reason = f"not HOCON{self._context(error.lineno) if self._can_quote else ''}"
            raise self._place(error.lineno).error(reason) from error
        except RecursionError as error:
            raise SchemaError(f"{self._path}: nested too deeply, or a ${{…}} that refers to itself") from error
        except MemoryError:
            raise
        except Exception as error:  # pyhocon has no base class for its errors, and raises others by accident
            raise self._translate(error) from error
        finally:  # pyhocon changes this for all of pyparsing, and does not restore it if it is interrupted
            ParserElement.set_default_whitespace_chars(whitespace)
        if not isinstance(tree, dict):
            raise SchemaError(f"{self._path}:1: the file holds a list, not the endpoints of a service")
        return self._plain_object(tree, ())

    def _place(self, line: int) -> Place:
        return self._places[min(max(line, 1), len(self._places)) - 1]

    def _context(self, line: int) -> str:
        """Return the words on a line, short enough for a message."""
        lines = self._text.split("\n")
        words = lines[line - 1].strip() if line <= len(lines) else ""
        return f": can't be parsed near {words[:40]!r}" if words else ": the previous entry is not complete"

    def _translate(self, error: Exception) -> SchemaError:
        """Return pyhocon's errors about substitutions, and about values that can't be joined, as one short line."""
        message = str(error)
        line = re.search(r"line: ?(\d+)", message)
        variable = re.search(r"\$\{([^}]+)\}", message)
        first_use = self._text.find("${" + variable[1]) if variable else -1
        number = int(line[1]) if line else self._text.count("\n", 0, first_use) + 1 if first_use >= 0 else None
        place = self._place(number) if number is not None else Place(self._path, 1)
        name = re.sub(r"\\?\"", '"', variable[1]) if variable and self._can_quote else "…"
        if "Check for cycles" in message or isinstance(error, RuntimeError):
            return place.error(f"${{{name}}} refers to itself")
        if variable:
            return place.error(f"${{{name}}} is not defined in this file (the environment is not used)")
        return place.error("values that can't be joined: an object, a list and text don't mix")

    def _plain_object(self, tree: dict[str, Any], at: Path) -> Tree:
        """Return an object as a plain dict.

        Raises:
            SchemaError: see `_plain`; or a name has a quote or a backslash.
        """
        result: Tree = {}
        for raw in dict.keys(tree):  # pyhocon's own methods take a key for a path
            key = raw.strip('"')
            if '"' in key or "\\" in key:
                name = f"the name {key[:40]!r}" if self._can_quote else "a name"
                raise SchemaError(f"{self._path}:1: {name} has a quote or a backslash in it")
            result[key] = self._plain(dict.__getitem__(tree, raw), (*at, key))
        return result

    def _plain(self, value: Any, at: Path) -> Any:
        """Return a value as plain Python.

        Raises:
            SchemaError: it is a number that is too large, or unquoted text that pyhocon took for a duration.
        """
        if isinstance(value, dict):
            return self._plain_object(value, at)
        if isinstance(value, list):
            return [self._plain(item, at) for item in value]
        if isinstance(value, str):
            return str(value)
        if value is None or type(value).__name__ == "NoneValue":
            return None
        place = f"{self._path}: {'.'.join(at)}" if self._can_quote else self._path
        if isinstance(value, float) and value - value != 0:  # NaN or an infinity
            raise SchemaError(f"{place}: the number is too large")
        if isinstance(value, (bool, int, float)):
            return value
        raise SchemaError(f"{place}: this is parsed as a duration; put the text in quotes")


def _rewrite(tokens: list[Token], index: int) -> str:
    """Return the text of a token as pyhocon understands it.

    To pyhocon the key `2.8` is the path 2, then 8, so it is quoted: at the start of an entry, and in `${get_all.2.1}`.
    And it does not know the escapes of HOCON with four digits.
    """
    kind, text, _ = tokens[index]
    if kind == "word" and VERSION_KEY.fullmatch(text) and _starts_entry(tokens, index):
        after = _neighbour(tokens, index, 1)
        return f'"{text}"' if after is not None and after.text in {"{", ":", "="} else text
    if kind == "substitution" and '"' not in text:
        return "${" + VERSION_IN_PATH.sub(lambda match: f'"{match[0]}"', text[2:-1].strip()) + "}"
    if kind == "string" and "\\u" in text:
        decoded = UNICODE_ESCAPE.sub(lambda match: _character(match["hex"]) if match["hex"] else match[0], text)
        return decoded.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # joins surrogate pairs
    return text


def _character(digits: str) -> str:
    character = chr(int(digits, 16))
    return {'"': '\\"', "\\": "\\\\", "\n": "\\n"}.get(character, character)
