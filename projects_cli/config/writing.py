"""Changes of the user's configuration: comments stay, what results is checked first, and it is there wholly or not."""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli import private_files
from projects_cli.config.files import nearest_key, parsed, understood
from projects_cli.config.settings import BY_NAME, PROFILE_SETTINGS, Setting, absolute, is_there
from projects_cli.config.values import boolean, count, duration, file_path, patience, uri
from projects_cli.errors import ConfigError, LockHeld

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PRIVATE = 0o600
"""The mode of a new file, and of one that holds a URI."""

PATIENCE = 5.0
"""Seconds to wait for another process that changes the file; a change takes far less."""

PROFILES = "profiles"


class Key(NamedTuple):
    """A place in the file: a key of the top, of a profile (`profiles.NAME.KEY`), or a whole profile (no name)."""

    profile: str | None
    name: str | None

    def __str__(self) -> str:
        """Give it as people write it."""
        return ".".join(part for part in (self.profile and f"{PROFILES}.{self.profile}", self.name) if part)


def key_of(text: str) -> Key:
    """Parse a key; the name of a profile may have dots, that of a setting has none.

    Raises:
        ConfigError: it is empty.
    """
    if not text:
        raise ConfigError("the key is empty", hint="list the keys: projects config list")
    head, _, rest = text.partition(".")
    if head != PROFILES or not rest:
        return Key(None, text)
    profile, dot, name = rest.rpartition(".")
    return Key(profile, name) if dot else Key(rest, None)


def setting_at(key: Key) -> Setting:
    """Give the setting that a key is about.

    Raises:
        ConfigError: there is none, or not in that part of the file; with the nearest that there is.
    """
    setting = BY_NAME.get((key.name or "").replace("-", "_"))
    if key.profile is not None:
        allowed = PROFILE_SETTINGS
        _check_name(key.profile)
    else:
        allowed = frozenset(one.name for one in BY_NAME.values() if one.in_file)
    if setting is not None and setting.name in allowed:
        return setting
    hint = nearest_key(key.name or "", (BY_NAME[name].key for name in allowed))
    if setting is not None:
        place = "the top of the file" if key.profile else f"a profile: {PROFILES}.NAME.{setting.key}"
        hint = f"{setting.key} belongs to {place}" if setting.in_file or setting.in_profile else _FOR_ONE_RUN
    raise ConfigError(f"there is no setting {str(key)!r}", hint=hint)


_FOR_ONE_RUN = "an answer to a question belongs to one run: give it as a flag"


def _check_name(profile: str) -> None:
    if not profile.isprintable() or profile != profile.strip():
        raise ConfigError(f"{profile!r} is no name for a profile: it has characters that don't show")


def as_stored(setting: Setting, text: str, where: str) -> Any:
    """Give a value as the file has it, from what was typed; a path is made whole.

    Raises:
        ConfigError: it is none for this setting.
    """
    value = setting.value(text, where)
    if setting.read in {boolean, uri}:
        return value
    if setting.read is file_path:
        return str(absolute(value))
    return _number(text) if setting.read in {duration, patience, count} else text


def _number(text: str) -> float | int | str:
    """Give a bare number as one; a duration with a unit stays as it was typed."""
    with suppress(ValueError):
        number = float(text)
        return int(number) if number.is_integer() else number
    return text


# --- the text -----------------------------------------------------------------------------------------------------


def with_value(text: str, key: Key, value: object) -> str:
    """Give the text of a file with a value put in; the profile is made where it is not there yet."""
    import tomlkit  # for changes alone: reading is the standard library's

    document = tomlkit.parse(text)
    table: Any = document
    if key.profile is not None:
        profiles: Any = document.setdefault(PROFILES, tomlkit.table(is_super_table=True))
        if key.profile not in profiles:
            inline = isinstance(profiles, tomlkit.items.InlineTable)
            profiles[key.profile] = tomlkit.inline_table() if inline else tomlkit.table()
        table = profiles[key.profile]
    table[_spelled(table, key.name or "")] = value
    return tomlkit.dumps(document)


def without(text: str, key: Key) -> str:
    """Give the text of a file with a key taken out, or a whole profile.

    Raises:
        ConfigError: it is not there.
    """
    if key == Key(None, PROFILES):
        raise ConfigError("that would be every profile", hint=f"name one: {PROFILES}.NAME")
    import tomlkit  # as above

    document = tomlkit.parse(text)
    table: Any = document
    if key.profile is not None:
        profiles: Any = document.get(PROFILES, {})
        if key.name and f"{key.profile}.{key.name}" in profiles:  # a whole profile, whose name has a dot
            key = Key(f"{key.profile}.{key.name}", None)
        table = profiles.get(key.profile, {}) if key.name else profiles
    name = _spelled(table, key.name) if key.name else key.profile
    if name not in table:
        raise ConfigError(f"{str(key)!r} is not in the file", hint="see what holds, and why: projects config list")
    del table[name]
    return tomlkit.dumps(document)


def _spelled(table: Any, name: str) -> str:
    """Give a key as the file spells it already, else with dashes."""
    dashed = name.replace("_", "-")
    return next((one for one in (name, dashed, name.replace("-", "_")) if one in table), dashed)


# --- the file -----------------------------------------------------------------------------------------------------


def rewrite(path: Path, change: Callable[[str], str], *, dry_run: bool = False) -> bool:
    """Change the file's text, one process at a time; tells whether anything was to be changed.

    Raises:
        ConfigError: the file, or what it would become, can't be used; then it is as it was.
    """
    with _alone(path):
        before = current(path)
        parsed(before, path)
        after = change(before.decode("utf-8-sig")).encode("utf-8")
        check(after, path)
        if after != before and not dry_run:
            _replace(path.resolve(), after)
        return after != before


def replace(path: Path, after: bytes, *, instead_of: bytes) -> None:
    """Put a text that was checked in the place of another one.

    Raises:
        ConfigError: there is something else there by now.
    """
    with _alone(path):
        if current(path) != instead_of:
            raise ConfigError(f"{path} was changed by somebody else in the meantime", hint="edit it again")
        _replace(path.resolve(), after)


def current(path: Path) -> bytes:
    """Give the file's text, empty where there is none yet.

    Raises:
        ConfigError: somebody else could have written it.
    """
    return private_files.read_owned(path)[0] if is_there(path) else b""


def check(text: bytes, path: Path) -> None:
    """Make sure that a text is a configuration that can be used, all its profiles too.

    Raises:
        ConfigError: it is not.
    """
    understood(text, path).check()


def draft(path: Path, text: bytes) -> Path:
    """Write a text beside the file, for an editor; gives the path of what only its owner can read."""
    with _alone(path):
        return Path(private_files.create(path.parent, text, suffix=".toml", durable=True))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes from the file; the lock is on its folder, so nothing is left of it.

    Raises:
        LockHeld: another process has the lock all the time; whoever may open the folder can.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if not private_files.lock(handle, timeout=PATIENCE):
                raise LockHeld(
                    f"another process has held the lock on {path.parent} for {PATIENCE:.0f} s",
                    hint=f"see which: fuser -v {shlex.quote(str(path.parent))}; then try again",
                )
            yield
        finally:
            os.close(handle)
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror}") from error


def _replace(path: Path, text: bytes) -> None:
    """Replace the file and keep its mode; a file that holds a URI is for its owner alone."""
    mode = path.stat().st_mode & 0o777 if is_there(path) else PRIVATE
    private_files.replace(path, text, mode & PRIVATE if understood(text, path).holds_uri else mode, durable=True)
