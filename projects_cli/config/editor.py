"""Changes of the user's configuration: comments are kept, the result is checked, the file is replaced at once."""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli import private_files
from projects_cli.config.files import key_hint, parse_toml, parse_user_file
from projects_cli.config.settings import BY_NAME, PROFILE_SETTINGS, TOP_SETTINGS, Setting, is_file
from projects_cli.errors import ConfigError, LockHeld

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PRIVATE = 0o600
"""The mode of a new file, and of one that contains a URI."""

LOCK_TIMEOUT = 5.0
"""Seconds to wait for another process that changes the file; a change takes far less."""

PROFILES = "profiles"


class Key(NamedTuple):
    """A key of the file's top, a key of a profile (`profiles.NAME.KEY`), or a whole profile (no name)."""

    profile: str | None
    name: str | None

    def __str__(self) -> str:
        """Return it as users write it."""
        return ".".join(part for part in (self.profile and f"{PROFILES}.{self.profile}", self.name) if part)


def parse_key(text: str) -> Key:
    """Parse a key; the name of a profile may contain dots, that of a setting does not.

    Raises:
        ConfigError: it is empty.
    """
    if not text:
        raise ConfigError("the key is empty", hint="list the keys: projects config list")
    head, _, rest = text.partition(".")
    if head != PROFILES or not rest:
        return Key(None, text)
    # The last dot separates: names of profiles may have some.
    profile, dot, name = rest.rpartition(".")
    return Key(profile, name) if dot else Key(rest, None)


def setting_at(key: Key) -> Setting:
    """Return the setting of a key.

    Raises:
        ConfigError: it is unknown, or does not belong to that part of the file.
    """
    if key.profile is not None and (not key.profile.isprintable() or key.profile != key.profile.strip()):
        raise ConfigError(f"invalid profile name {key.profile!r}: it has invisible characters")
    names = TOP_SETTINGS if key.profile is None else PROFILE_SETTINGS
    setting = BY_NAME.get((key.name or "").replace("-", "_"))
    # Each mistake has its own hint: an unknown name, the wrong part of the file, not for files at all.
    if setting is None:
        hint = key_hint(key.name or "", names)
    elif setting.name in names:
        return setting
    elif setting.in_file or setting.in_profile:
        part = "the top of the file" if key.profile else f"a profile: {PROFILES}.NAME.{setting.key}"
        hint = f"{setting.key} belongs to {part}"
    else:
        hint = "it answers a question of a single run: use the option"
    raise ConfigError(f"unknown setting {str(key)!r}", hint=hint)


# --- the text -----------------------------------------------------------------------------------------------------


def with_value(text: str, key: Key, value: object) -> str:
    """Return the text of a file with a value set; the profile is created if needed."""
    import tomlkit  # only for changes: the standard library reads

    document = tomlkit.parse(text)
    table: Any = document
    if key.profile is not None:
        profiles: Any = document.setdefault(PROFILES, tomlkit.table(is_super_table=True))
        if key.profile not in profiles:
            # `profiles = { work = { … } }` on one line cannot get a table of several lines.
            inline = isinstance(profiles, tomlkit.items.InlineTable)
            profiles[key.profile] = tomlkit.inline_table() if inline else tomlkit.table()
        table = profiles[key.profile]
    table[_spelling(table, key.name or "")] = value
    return tomlkit.dumps(document)


def without(text: str, key: Key) -> str:
    """Return the text of a file without a key, or without a whole profile.

    Raises:
        ConfigError: the file does not have it.
    """
    if key == Key(None, PROFILES):
        raise ConfigError("this would remove all profiles", hint=f"name one: {PROFILES}.NAME")
    import tomlkit

    document = tomlkit.parse(text)
    table: Any = document
    if key.profile is not None:
        profiles: Any = document.get(PROFILES, {})
        if key.name and f"{key.profile}.{key.name}" in profiles:  # a whole profile, whose name contains a dot
            key = Key(f"{key.profile}.{key.name}", None)
        table = profiles.get(key.profile, {}) if key.name else profiles
    name = _spelling(table, key.name) if key.name else key.profile
    if name not in table:
        raise ConfigError(f"{str(key)!r} is not in the file", hint="see the values in effect: projects config list")
    del table[name]
    return tomlkit.dumps(document)


def _spelling(table: Any, name: str) -> str:
    """Return a key as the file spells it already, else with dashes."""
    dashed = name.replace("_", "-")
    return next((spelling for spelling in (name, dashed, name.replace("-", "_")) if spelling in table), dashed)


# --- the file -----------------------------------------------------------------------------------------------------


def rewrite(path: Path, change: Callable[[str], str], *, dry_run: bool = False) -> bool:
    """Change the file's text, one process at a time; return whether it changes.

    Raises:
        ConfigError: the file or the changed text is invalid; the file is then left unchanged.
    """
    with _locked(path):
        before = current(path)
        # A file that is invalid already is reported as it is, not as a result of this change.
        parse_toml(before, path)
        after = change(before.decode("utf-8-sig")).encode("utf-8")
        check(after, path)
        if after != before and not dry_run:
            _replace(path.resolve(), after)
        return after != before


def replace(path: Path, after: bytes, *, instead_of: bytes) -> None:
    """Replace the file's content with one that was checked.

    Raises:
        ConfigError: the file no longer has the content `instead_of`.
    """
    with _locked(path):
        # Under the lock, so nothing comes between the comparison and the replacement.
        if current(path) != instead_of:
            raise ConfigError(f"{path} was changed by another process in the meantime", hint="edit it again")
        _replace(path.resolve(), after)


def current(path: Path) -> bytes:
    """Return the file's content, empty if it does not exist.

    Raises:
        ConfigError: another user could have written it.
    """
    return private_files.read_owned(path)[0] if is_file(path) else b""


def check(content: bytes, path: Path) -> None:
    """Raise ConfigError if a content is not a valid configuration, with all its profiles."""
    parse_user_file(content, path).check()


def draft(path: Path, content: bytes) -> Path:
    """Write a content into a new private file beside the configuration, for an editor; return its path."""
    with _locked(path):
        return Path(private_files.create(path.parent, content, suffix=".toml"))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Exclude other processes by a lock on the file's folder, so that no lock file is left.

    Raises:
        LockHeld: another process keeps the lock; any process that may open the folder can.
    """
    folder = path.parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = private_files.open_folder_lock(folder)
        try:
            if not private_files.lock(descriptor, timeout=LOCK_TIMEOUT):
                raise LockHeld(
                    f"another process has held the lock on {folder} for {LOCK_TIMEOUT:.0f} s",
                    hint=f"see which: fuser -v {shlex.quote(str(folder))}; then try again",
                )
            yield
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror}") from error


def _replace(path: Path, content: bytes) -> None:
    """Replace the file and keep its mode; one that contains a URI becomes private."""
    mode = path.stat().st_mode & 0o777 if is_file(path) else PRIVATE
    # A URI was added: no other user may read the file from now on.
    mode = mode & PRIVATE if parse_user_file(content, path).holds_uri else mode
    private_files.replace(path, content, mode, durable=True)
