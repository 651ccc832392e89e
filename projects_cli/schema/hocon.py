"""HOCON files, read into plain values, with the file, line and column of each key and each item of a list.

pyhocon parses the text that this module makes of the tokens. Its parser misreads comments, ignores missing includes and
reports errors without a file, so `hocon_tokens` deals with these before.
"""

from __future__ import annotations

import re
from bisect import bisect, bisect_left
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli.errors import SchemaError
from projects_cli.schema.hocon_tokens import MAX_NESTING, Place, Reader, Source, Token, neighbour, starts_entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

Tree = dict[str, Any]
Path = tuple[str | int, ...]

VERSION_KEY = re.compile(r"\d+(?:\.\d+)+")
VERSION_IN_PATH = re.compile(r"(?<=\.)\d+(?:\.\d+)+(?=\.|$)")
UNICODE_ESCAPE = re.compile(r"\\(?:u(?P<hex>[0-9a-fA-F]{4})|.)")


class Document(NamedTuple):
    """A parsed file: its values, the place of each key and item by its path, and whether errors may quote it.

    They may not if it includes other files: those may be any files of the user's, and need not be schemas.
    """

    tree: Tree
    places: dict[Path, Place]
    can_quote: bool


def parse(source: Source) -> Document:
    """Parse a file and all that it includes.

    Raises:
        SchemaError: `FILE:LINE:COLUMN: message`, about the file or one that it includes.
    """
    reader = Reader()
    tokens = reader.tokens(source)
    if all(token.kind in {"newline", "space"} for token in tokens):
        raise Place(source.name).error("the file is empty")
    places = dict(_places(tokens))
    can_quote = len(reader.sources) == 1
    return Document(_Parser(source.name, tokens, places, can_quote=can_quote).tree(), places, can_quote)


# --- places -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Level:
    """An object or a list that is being read: its path, and the key or the index in it whose value follows."""

    path: Path
    is_list: bool = False
    count: int = 0
    key: Path = ()
    in_value: bool = False

    def begun(self, token: Token) -> Iterator[Path]:
        """Yield the paths that begin with a token."""
        if token.kind == "newline" or token.text == ",":
            # A key and the brace of its value may be on different lines: a line feed only ends a value.
            self.key = () if self.in_value or token.text == "," else self.key
            self.in_value = False
        elif token.kind == "separator":
            self.in_value = True
        elif token.kind in {"space", "close"}:
            return
        elif self.is_list and not self.in_value:
            self.key, self.count, self.in_value = (self.count,), self.count + 1, True
            yield (*self.path, *self.key)
        elif token.kind in {"word", "string"} and not self.in_value:
            self.key = _names(token)
            for length in range(1, len(self.key) + 1):
                yield (*self.path, *self.key[:length])

    def hide(self, token: Token) -> None:
        """Take the indexes of the items that follow as unknown, since others are joined in front of them."""
        self.key = (*self.key, token.text)


def _places(tokens: list[Token]) -> Iterator[tuple[Path, Place]]:
    """Yield the path from the root, and the place, of each key and each item of a list, in the order of the file.

    Raises:
        SchemaError: a key has more names than the levels that a file may have.
    """
    stack = [_Level(())]
    for token in tokens:
        level = stack[-1]
        for path in level.begun(token):
            yield path, token.place
        if token.kind == "open":
            stack.append(_Level((*level.path, *level.key), is_list=token.text == "["))
        elif token.kind == "close" and len(stack) > 1:
            stack.pop()
            stack[-1].in_value = stack[-1].is_list  # another key may follow without a comma
        if token.kind == "substitution" or token.text == "]":
            stack[-1].hide(token)


def _names(token: Token) -> Path:
    """Return the names of a key: `a.b` has two, `"a.b"` and 2.8 have one."""
    is_whole = token.kind == "string" or VERSION_KEY.fullmatch(token.text)
    names = (token.text.strip('"'),) if is_whole else tuple(token.text.split("."))
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
    # A schema may be of someone else: ${HOME} must not get into an error message, nor a URL be opened.
    vars(module).update(os=_NoOutside({}), urlopen=None, glob=None, codecs=None)
    return module


class _Parser:
    """Parses tokens with pyhocon, and translates its errors and values."""

    def __init__(self, path: str, tokens: list[Token], places: dict[Path, Place], *, can_quote: bool) -> None:
        self._path = path
        self._tokens = tokens
        self._places = places
        self._can_quote = can_quote
        texts = [_rewrite(tokens, index) for index in range(len(tokens))]
        self._text = "".join(texts)
        self._ends = list(accumulate(map(len, texts)))

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
            raise self._place(error.lineno, error.column).error(reason) from error
        except RecursionError as error:
            raise SchemaError(f"{self._path}: nested too deeply, or a ${{…}} that refers to itself") from error
        except MemoryError:
            raise
        except Exception as error:  # pyhocon has no base class for its errors, and raises others by accident
            raise self._translate(error) from error
        finally:  # pyhocon changes this for all of pyparsing, and does not restore it if it is interrupted
            ParserElement.set_default_whitespace_chars(whitespace)
        if not isinstance(tree, dict):
            raise Place(self._path).error("the file holds a list, not an object with keys")
        return self._plain_object(tree, ())

    def _place(self, line: int, column: int) -> Place:
        """Return the place of the token at a line and column of the text, as pyparsing counts: with expanded tabs."""
        lines = self._text.split("\n")
        words = lines[min(line, len(lines)) - 1]
        # The first character that is at the column or later once the tabs before it are expanded.
        inside = bisect_left(range(len(words)), column, key=lambda end: len(words[: end + 1].expandtabs()))
        index = bisect(self._ends, sum(len(before) + 1 for before in lines[: line - 1]) + inside)
        return self._tokens[min(index, len(self._tokens) - 1)].place

    def _context(self, line: int) -> str:
        """Return the words on a line, short enough for a message."""
        lines = self._text.split("\n")
        words = lines[line - 1].strip() if line <= len(lines) else ""
        return f": can't be parsed near {words[:40]!r}" if words else ": the previous entry is not complete"

    def _translate(self, error: Exception) -> SchemaError:
        """Return pyhocon's errors about substitutions, and about values that can't be joined, as one short line."""
        message = str(error)
        position = re.search(r"line: ?(\d+), col: (\d+)", message)
        variable = re.search(r"\$\{([^}]+)\}", message)
        first_use = self._text.find("${" + variable[1]) if variable else -1
        place = Place(self._path)
        if position or first_use >= 0:
            after = Place.after("", self._text[:first_use])
            place = self._place(*map(int, position.groups())) if position else self._place(after.line, after.column)
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
                raise nearest(self._places, at, self._path).error(f"{name} has a quote or a backslash in it")
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
            return [self._plain(item, (*at, index)) for index, item in enumerate(value)]
        if isinstance(value, str):
            return str(value)
        if value is None or type(value).__name__ == "NoneValue":
            return None
        is_finite = not isinstance(value, float) or value - value == 0  # not NaN or an infinity
        if isinstance(value, (bool, int, float)) and is_finite:
            return value
        message = "this is parsed as a duration; put the text in quotes" if is_finite else "the number is too large"
        name = f"{'.'.join(map(str, at))}: " if self._can_quote else ""
        raise nearest(self._places, at, self._path).error(f"{name}{message}")


def nearest(places: dict[Path, Place], at: Path, file: str) -> Place:
    """Return the place of a value, or of the nearest one around it.

    What a substitution or an include brought has no place of its own.
    """
    known = (at[:length] for length in range(len(at), 0, -1) if at[:length] in places)
    return places.get(next(known, ()), Place(file))


def _rewrite(tokens: list[Token], index: int) -> str:
    """Return the text of a token as pyhocon understands it.

    To pyhocon the key `2.8` is the path 2, then 8, so it is quoted: at the start of an entry, and in `${get_all.2.1}`.
    And it does not know the escapes of HOCON with four digits.
    """
    kind, text, _ = tokens[index]
    if kind == "word" and VERSION_KEY.fullmatch(text) and starts_entry(tokens, index):
        after = neighbour(tokens, index, 1)
        return f'"{text}"' if after is not None and after.text in {"{", ":", "="} else text
    if kind == "substitution" and '"' not in text:
        return "${" + VERSION_IN_PATH.sub(lambda match: f'"{match[0]}"', text[2:-1].strip()) + "}"
    if kind == "string" and "\\u" in text:

        def decode(match: re.Match[str]) -> str:
            character = chr(int(match["hex"], 16)) if match["hex"] else match[0]
            # These would end the text, or begin another escape.
            return {'"': '\\"', "\\": "\\\\", "\n": "\\n"}.get(character, character)

        decoded = UNICODE_ESCAPE.sub(decode, text)
        return decoded.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # joins surrogate pairs
    return text
