"""The settings: the type, default and places of each, and how its text is parsed.

`resolution.py` finds the value in effect. Parsers raise ValueError with the text for an error message.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, field, fields
from errno import ELOOP, ENOENT, ENOTDIR
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from projects_cli.errors import ConfigError
from projects_cli.private_files import xdg_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COMMUNITY_COMPANY = "d1bd92a3b039400cbafc60a7a5b1e52b"
"""The only company of a community server (docs/data-model.md)."""

READ_PREFERENCES = ("primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest")
OUTPUTS = ("table", "wide", "json", "jsonl", "yaml", "csv", "tsv", "id", "id0")
TIMES = ("relative", "absolute", "iso")

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})

FORBIDDEN = frozenset('/\\. "$*<>:|?\0') | {chr(code) for code in range(0xD800, 0xE000)}
"""Characters that MongoDB or UTF-8 does not allow in the name of a database."""

LONGEST_DATABASE = 63

UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
DURATIONS = "write 30, 45s, 15m, 1h30m or 2d"


# --- parsers ------------------------------------------------------------------------------------------------------


def parse_boolean(text: str) -> bool:
    """Parse a switch: 1/0, true/false, yes/no, on/off."""
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError(f"{text!r} is neither true nor false")
    return word in TRUE


def parse_names(text: str) -> tuple[str, ...]:
    """Parse a list of names: `id,name`."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise ValueError(f"{text!r} contains no name; write a,b")
    return names


def parse_count(text: str) -> int:
    """Parse a non-negative integer."""
    if not text.strip().isdecimal():
        raise ValueError(f"{text!r} is not a non-negative integer")
    return int(text)


def parse_duration(text: str) -> float:
    """Parse a duration that is greater than zero; return seconds."""
    seconds = parse_wait(text)
    if seconds == 0:
        raise ValueError(f"{text!r}: a duration must be greater than zero")
    return seconds


def parse_wait(text: str) -> float:
    """Parse a duration or 0 (`30`, `1.5s`, `15m`, `1h30m`, `2d`, `1w`); return seconds, which a bare number is."""
    try:
        seconds = float(text)
    except ValueError:
        # Each unit at most once, the largest first.
        # One group for each unit: what follows can sum them without parsing again.
        pattern = r"\s*".join(rf"(?:([0-9]+(?:\.[0-9]+)?)\s*{unit})?" for unit in UNITS)
        match = re.fullmatch(pattern, text.strip().lower())
        amounts = dict(zip(UNITS.values(), match.groups(), strict=True)) if match and match[0] else {}
        seconds = sum(unit * float(amount) for unit, amount in amounts.items() if amount) if amounts else math.nan
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{text!r} is not a duration; {DURATIONS}")
    return seconds


def parse_path(text: str) -> Path:
    """Parse the path of a file; `~` is the user's home folder."""
    if "://" in text:
        raise ValueError("expected a path, not a URI")
    if "\0" in text:
        raise ValueError(f"{text!r}: a path cannot contain a NUL")
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise ValueError(f"{text!r}: a path cannot contain a lone surrogate") from None
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{text!r}: {error}") from error


def parse_database(text: str) -> str:
    """Parse the name of a MongoDB database."""
    if not text or len(text.encode("utf-8", "replace")) > LONGEST_DATABASE or FORBIDDEN & set(text):
        forbidden = r'space or / \ . " $ * < > : | ?'
        raise ValueError(f"{text!r} is not the name of a database: 1 to {LONGEST_DATABASE} bytes without {forbidden}")
    return text


def parse_uri(text: str) -> str:
    """Parse a URI; an empty one is probably a variable that was not set, and must not lead to another database."""
    text = text.strip()  # a secret that is mounted or exported often ends with a newline
    if not text.lower().startswith(("mongodb://", "mongodb+srv://")):
        raise ValueError("a URI begins with mongodb:// or mongodb+srv://")  # without the text: it may hold a password
    return text


def parse_company(text: str) -> str:
    """Parse the id of a company; public documents have an empty one, which no company has."""
    if not text.strip():
        raise ValueError("the id of a company cannot be empty: that marks public documents")
    return text


def parse_web_url(text: str) -> str:
    """Parse the address of a web UI: http or https, without a password, which would be printed, and without a query."""
    from urllib.parse import urlsplit

    text = text.strip()
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not text.isascii() or not text.isprintable():
        raise ValueError("the address of a web UI begins with http:// or https:// and the name of a host")
    if parts.username is not None or parts.query or parts.fragment or " " in text:
        raise ValueError("the address of a web UI has no user, query, fragment or space")
    return text.rstrip("/")


NUMERIC = frozenset({parse_duration, parse_wait, parse_count})
"""Parsers of what a file may have as a number."""

PARSED: dict[Callable[[str], Any], type] = {parse_boolean: bool, parse_path: Path}
"""Parsers of values that a file or an option may have in their own type."""


# --- the table ----------------------------------------------------------------------------------------------------

PROGRESS = ("auto", "json", "none")
"""How progress is shown: on a terminal, as JSON lines, not at all."""

Origin = Literal["flag", "environment", "project file", "user file", "default"]


class Setting(NamedTuple):
    """One setting.

    `in_file` and `in_profile`: the top of the user's file, and a profile in it, may contain the setting. One that is in
    neither answers a question of a single run. One without a variable is a property of a profile, which nothing else
    may override.
    """

    name: str
    variable: str | None
    default: Any
    parse: Callable[[str], Any]
    choices: tuple[str, ...] = ()
    in_file: bool = True
    in_profile: bool = False

    @property
    def key(self) -> str:
        """Return its name as in files and options: `read-only`."""
        return self.name.replace("_", "-")

    def value(self, raw: object, source: str) -> Any:
        """Return the value of a text, or of a switch, number or path of a file or option.

        Raises:
            ConfigError: it is invalid; the message begins with its source.
        """
        is_number = isinstance(raw, int | float) and not isinstance(raw, bool)
        try:
            if isinstance(raw, str) or (is_number and self.parse in NUMERIC):
                value = self.parse(str(raw))
            elif isinstance(raw, PARSED.get(self.parse, ())):
                value = raw
            else:
                raise ValueError(f"{raw!r} has the wrong type")  # noqa: TRY301 - one translation
            if self.choices and value not in self.choices:
                raise ValueError(f"{value!r} is not one of {', '.join(self.choices)}")  # noqa: TRY301 - one translation
        except ValueError as error:
            from projects_cli.config.redaction import redacted  # the value may be a URI at the wrong place

            raise ConfigError(f"{source}: {redacted(str(error))}") from error
        return value

    def stored(self, text: str, source: str) -> Any:
        """Return the value for a file of what the user typed; a path becomes absolute, `1h30m` stays a text.

        Raises:
            ConfigError: it is invalid for this setting.
        """
        value = self.value(text, source)
        # TOML has booleans; a URI is stored without the line break of its source.
        if self.parse in {parse_boolean, parse_uri}:
            return value
        if self.parse is parse_path:
            # The file is read in any working folder.
            return str(absolute(value))
        try:
            number = float(text) if self.parse in NUMERIC else None
        except ValueError:
            return text
        return text if number is None else int(number) if number.is_integer() else number


def setting(parse: Callable[[str], Any] = str, **properties: Any) -> dict[str, Any]:
    """Return the metadata of a field of `Settings`: the properties of its `Setting` that are not the default."""
    return {"parse": parse, **properties}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)  # the URI has a password
class Settings:
    """The settings in effect; `origins` and `sources` say by name where each was set, as in `Layer`."""

    uri: str | None = field(default=None, metadata=setting(parse_uri, in_profile=True, variable="PROJECTS_MONGO_URI"))
    uri_file: Path | None = field(
        default=None, metadata=setting(parse_path, in_profile=True, variable="PROJECTS_MONGO_URI_FILE")
    )
    database: str = field(default="backend", metadata=setting(parse_database, in_profile=True))
    company: str = field(default=COMMUNITY_COMPANY, metadata=setting(parse_company, in_profile=True))
    user: str | None = field(default=None, metadata=setting(in_profile=True))
    profile: str | None = field(default=None, metadata=setting())
    schema: Path | None = field(default=None, metadata=setting(parse_path, in_profile=True))
    api_version: str | None = field(default=None, metadata=setting(in_profile=True))
    output: str = field(default="table", metadata=setting(choices=OUTPUTS, in_profile=True))
    fields: tuple[str, ...] | None = field(default=None, metadata=setting(parse_names, in_file=False))
    query: str | None = field(default=None, metadata=setting(in_file=False))
    no_header: bool = field(default=False, metadata=setting(parse_boolean))
    csv_safe: bool = field(default=False, metadata=setting(parse_boolean, in_profile=True))
    time: str | None = field(default=None, metadata=setting(choices=TIMES, in_profile=True))
    no_pager: bool = field(default=False, metadata=setting(parse_boolean))
    no_color: bool = field(default=False, metadata=setting(parse_boolean, in_profile=True))
    log_file: Path | None = field(default=None, metadata=setting(parse_path, in_profile=True))
    progress: str = field(default="auto", metadata=setting(choices=PROGRESS))
    quiet: bool = field(default=False, metadata=setting(parse_boolean))
    verbose: bool = field(default=False, metadata=setting(parse_boolean))
    timeout: float | None = field(default=None, metadata=setting(parse_duration, in_profile=True))
    yes: bool = field(default=False, metadata=setting(parse_boolean, in_file=False))
    confirm: str | None = field(default=None, metadata=setting(in_file=False))
    dry_run: bool = field(default=False, metadata=setting(parse_boolean, in_file=False))
    new_company: bool = field(default=False, metadata=setting(parse_boolean, in_file=False))
    max_delete: int | None = field(default=None, metadata=setting(parse_count, in_profile=True))
    no_input: bool = field(default=False, metadata=setting(parse_boolean))
    read_only: bool = field(default=False, metadata=setting(parse_boolean, in_profile=True))
    lock_wait: float = field(default=10.0, metadata=setting(parse_wait, in_profile=True))
    no_journal: bool = field(default=False, metadata=setting(parse_boolean, in_profile=True))
    journal_db: str = field(default="projects_cli", metadata=setting(parse_database, in_profile=True))
    read_preference: str | None = field(default=None, metadata=setting(choices=READ_PREFERENCES, in_profile=True))
    fail_if_empty: bool = field(default=False, metadata=setting(parse_boolean))
    web_url: str | None = field(default=None, metadata=setting(parse_web_url, in_profile=True))
    local_dir: Path | None = field(default=None, metadata=setting(parse_path))
    local_idle: float = field(default=900.0, metadata=setting(parse_duration))
    mongod: str | None = field(default=None, metadata=setting())
    production: bool = field(
        default=False, metadata=setting(parse_boolean, in_file=False, in_profile=True, variable=None)
    )

    origins: Mapping[str, Origin]
    sources: Mapping[str, str]
    environment: Mapping[str, str]
    warnings: tuple[str, ...]

    @property
    def format(self) -> str:
        """Return the format of the output: `wide` is a table with more columns."""
        return "table" if self.output == "wide" else self.output


SETTINGS: tuple[Setting, ...] = tuple(
    Setting(name=row.name, default=row.default, **{"variable": f"PROJECTS_{row.name.upper()}", **row.metadata})
    for row in fields(Settings)
    if row.metadata
)
BY_NAME = {setting.name: setting for setting in SETTINGS}
TOP_SETTINGS = frozenset(setting.name for setting in SETTINGS if setting.in_file)
PROFILE_SETTINGS = frozenset(setting.name for setting in SETTINGS if setting.in_profile)


class Layer(NamedTuple):
    """The settings of one origin, and the source of each: a flag, a variable, or a file and its table."""

    origin: Origin
    values: Mapping[str, Any]
    sources: Mapping[str, str]
    warning: str | None = None


# --- files and the user -------------------------------------------------------------------------------------------


def user_config_file(environment: Mapping[str, str]) -> Path:
    """Return the path of the user's configuration, whether it exists or not."""
    return Path(xdg_folder(environment, "XDG_CONFIG_HOME", ".config"), "projects", "config.toml")


def is_file(path: Path) -> bool:
    """Return whether a file exists; a link that leads nowhere is not a file.

    Raises:
        ConfigError: its folder cannot be read.
    """
    try:
        # Not `path.is_file()`: since Python 3.14 that is false for a file in a folder that cannot be read.
        return S_ISREG(path.stat().st_mode)
    except OSError as error:
        if error.errno in {ENOENT, ENOTDIR, ELOOP}:
            return False
        raise ConfigError(f"{path}: {error.strerror}", hint="the folder of settings is XDG_CONFIG_HOME") from error


def absolute(path: Path) -> Path:
    """Return a path as an absolute one.

    Raises:
        ConfigError: the path is relative, and the working folder was removed.
    """
    try:
        return path.absolute()
    except OSError as error:
        hint = "write an absolute path, or change to a folder that exists"
        raise ConfigError(f"relative path {str(path)!r}, but the working folder does not exist", hint=hint) from error


def login_name() -> str | None:
    """Return the login name of the user, or None if it is unknown; bytes that are not UTF-8 become `?`."""
    import getpass

    try:
        return getpass.getuser().encode("utf-8", "replace").decode("utf-8")
    except (OSError, KeyError, ImportError):  # ImportError: Windows, if no variable has the name
        return None
