"""The two files that may hold settings: the user's `config.toml` and a folder's `.projects.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from projects_cli.config.settings import BY_NAME, PROFILE_SETTINGS, Layer, is_there
from projects_cli.errors import ConfigError, did_you_mean, nearest
from projects_cli.private_files import check_secret, read_owned

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TOP_SETTINGS = frozenset(setting.name for setting in BY_NAME.values() if setting.in_file)


@dataclass(frozen=True, slots=True)
class UserFile:
    """The user's configuration as it was read: raw tables, whose values are checked when they are asked for."""

    path: Path
    table: Mapping[str, Any]
    tables: Mapping[str, Mapping[str, Any]]
    warning: str | None = None

    def top(self) -> dict[str, Any]:
        """Give what holds whatever the profile."""
        return _settings(self.table, self.path, "", TOP_SETTINGS)

    def profile(self, name: str) -> dict[str, Any]:
        """Give what a profile says.

        Raises:
            ConfigError: there is no such profile, or it has an unknown key or a wrong value.
        """
        if name not in self.tables:
            known = ", ".join(sorted(self.tables)) or "none is defined"
            raise ConfigError(f"there is no profile {name!r} in {self.path}", hint=f"profiles there: {known}")
        return _settings(self.tables[name], self.path, f"profiles.{name}.", PROFILE_SETTINGS)

    def check(self) -> None:
        """Make sure that all of it can be used, the profile that it chooses too.

        Raises:
            ConfigError: it can't.
        """
        chosen = self.top().get("profile")
        for name in (*self.tables, *([] if chosen is None else [chosen])):
            self.profile(name)

    @property
    def holds_uri(self) -> bool:
        """Tell whether there is a URI in it, of whatever profile."""
        return any("uri" in table for table in (self.table, *self.tables.values()))


def project_layer(path: Path) -> Layer:
    """Read a folder's `.projects.toml`, which may only name a profile."""
    table = parsed(read_owned(path)[0], path)
    for key in table:
        if key != "profile":
            raise ConfigError(f"{path}: {key!r} is not allowed here: this file may only choose a profile by name")
    values = {key: BY_NAME[key].value(value, f"{path}: {key}") for key, value in table.items()}
    return Layer("project file", values, dict.fromkeys(values, str(path)))


def user_layers(path: Path, profile: str | None) -> tuple[Layer, ...]:
    """Read the user's configuration: its top level, and over it the profile that was chosen.

    Raises:
        ConfigError: the file is no TOML, has an unknown key, lacks the profile, or holds a URI for others to read.
    """
    file = user_file(path)
    top = file.top()
    layers = [Layer("user file", top, dict.fromkeys(top, str(path)), file.warning)]
    profile = profile or top.get("profile")
    if profile is not None:
        values = file.profile(profile)
        layers.append(Layer("user file", values, dict.fromkeys(values, f"{path} [profiles.{profile}]")))
    return tuple(layers)


def user_file(path: Path) -> UserFile:
    """Read the user's configuration; one that is not there is empty.

    Raises:
        ConfigError: it can't be read, is no TOML, is somebody else's, or holds a URI for others to read.
    """
    if not is_there(path):
        return UserFile(path, {}, {})
    content, information, on_read_only_mount = read_owned(path)
    file = understood(content, path)
    if file.holds_uri:
        return replace(file, warning=check_secret(path, information, on_read_only_mount=on_read_only_mount))
    return file


def understood(text: bytes, path: Path) -> UserFile:
    """Give the configuration that a text is; its values are not looked at yet."""
    table = parsed(text, path)
    profiles = table.pop("profiles", {})
    if not isinstance(profiles, dict) or not all(isinstance(one, dict) for one in profiles.values()):
        raise ConfigError(f"{path}: profiles should be tables: [profiles.NAME]")
    return UserFile(path, table, profiles)


def parsed(text: bytes, path: Path) -> dict[str, Any]:
    """Parse a text in TOML; editors on other systems begin it with a byte order mark."""
    try:
        return tomllib.loads(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        place = f"byte 0x{error.object[error.start]:02x} at offset {error.start}"
        raise ConfigError(f"{path} is not valid UTF-8: {place}", hint="convert it with iconv -t UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: it is nested too deeply") from error


def nearest_key(key: str, known: Iterable[str]) -> str:
    """Give a hint for a key that is none: the nearest that is one, else all."""
    keys = sorted(known)
    return did_you_mean(nearest(key.replace("_", "-"), keys, 1), f"known: {', '.join(keys)}")


def _settings(table: Mapping[str, Any], path: Path, prefix: str, allowed: Iterable[str]) -> dict[str, Any]:
    """Check a table's keys and read its values; a relative path starts at the file's own folder."""
    known = {BY_NAME[name].key: name for name in allowed}
    values: dict[str, Any] = {}
    for key, raw in table.items():
        name = known.get(key.replace("_", "-"))
        if name is None:
            raise ConfigError(f"{path}: unknown key {prefix + key!r}", hint=_hint(key, prefix, known))
        if name in values:
            raise ConfigError(f"{path}: {prefix}{BY_NAME[name].key} is there twice, with dashes and with underscores")
        value = BY_NAME[name].value(raw, f"{path}: {prefix}{key}")
        values[name] = path.parent / value if isinstance(value, Path) else value
    return values


def _hint(key: str, prefix: str, known: Iterable[str]) -> str:
    name = key.replace("-", "_")
    if not prefix and name in PROFILE_SETTINGS:
        return f"{key} belongs to a profile: profiles.NAME.{BY_NAME[name].key}"
    if prefix and name in TOP_SETTINGS:
        return f"{key} does not belong to a profile, but to the top of the file"
    return nearest_key(key, known)
