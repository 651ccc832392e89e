"""The two files that may contain settings: the user's `config.toml` and a folder's `.projects.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from projects_cli.config.settings import BY_NAME, PROFILE_SETTINGS, TOP_SETTINGS, Layer, is_file
from projects_cli.errors import ConfigError, did_you_mean, nearest
from projects_cli.private_files import check_secret, read_owned

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class UserFile:
    """The user's configuration as raw tables; values are checked when read.

    `tables` has one per profile, `policies` one per policy of `prune`.
    """

    path: Path
    table: Mapping[str, Any]
    tables: Mapping[str, Mapping[str, Any]]
    warning: str | None = None
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def top(self) -> dict[str, Any]:
        """Return the settings that apply whatever the profile is."""
        return _settings(self.table, self.path, "", TOP_SETTINGS)

    def profile(self, name: str) -> dict[str, Any]:
        """Return the settings of a profile.

        Raises:
            ConfigError: there is no such profile, or it has an unknown key or an invalid value.
        """
        if name not in self.tables:
            known = ", ".join(sorted(self.tables)) or "(none)"
            raise ConfigError(f"no profile {name!r} in {self.path}", hint=f"profiles in the file: {known}")
        return _settings(self.tables[name], self.path, f"profiles.{name}.", PROFILE_SETTINGS)

    def check(self) -> None:
        """Check the whole file, including that the profile it chooses exists; raises as `profile` does."""
        chosen = self.top().get("profile")
        # A file is refused as a whole: a fault in a profile that is not in use would show on the day it is needed.
        for name in (*self.tables, *([] if chosen is None else [chosen])):
            self.profile(name)

    @property
    def holds_uri(self) -> bool:
        """Return whether it contains a URI, in any profile."""
        return any("uri" in table for table in (self.table, *self.tables.values()))


def project_layer(path: Path) -> Layer:
    """Read a folder's `.projects.toml`, which may only name a profile."""
    table = parse_toml(read_owned(path)[0], path)
    # This file may come with a repository of someone else: it must not redirect a change.
    for key in table:
        if key != "profile":
            raise ConfigError(f"{path}: {key!r} is not allowed here: this file may only choose a profile by name")
    values = {key: BY_NAME[key].value(value, f"{path}: {key}") for key, value in table.items()}
    return Layer("project file", values, dict.fromkeys(values, str(path)))


def user_layers(path: Path, profile: str | None) -> tuple[Layer, ...]:
    """Read the user's configuration: its top level, and above it a profile, or else the one that the file chooses.

    Raises:
        ConfigError: as `user_file` and `UserFile.profile` do.
    """
    file = user_file(path)
    top = file.top()
    layers = [Layer("user file", top, dict.fromkeys(top, str(path)), file.warning)]
    # A profile on the command line or in a variable wins over the default in the file.
    profile = profile or top.get("profile")
    if profile is not None:
        values = file.profile(profile)
        layers.append(Layer("user file", values, dict.fromkeys(values, f"{path} [profiles.{profile}]")))
    return tuple(layers)


def user_file(path: Path) -> UserFile:
    """Read the user's configuration; a missing file is empty.

    Raises:
        ConfigError: it cannot be read, is not TOML, belongs to another user, or has a URI that others can read.
    """
    if not is_file(path):
        return UserFile(path, {}, {})
    content, information, on_read_only_mount = read_owned(path)
    file = parse_user_file(content, path)
    # Only a secret needs a private file; other settings may be readable.
    if file.holds_uri:
        return replace(file, warning=check_secret(path, information, on_read_only_mount=on_read_only_mount))
    return file


def parse_user_file(content: bytes, path: Path) -> UserFile:
    """Parse a user's configuration without checking its values."""
    table = parse_toml(content, path)
    # Every other key of the file is a setting.
    tables = {key: table.pop(key, {}) for key in ("profiles", "policies")}
    for key, named in tables.items():
        if not isinstance(named, dict) or not all(isinstance(inner, dict) for inner in named.values()):
            raise ConfigError(f"{path}: {key} should be tables: [{key}.NAME]")
    return UserFile(path, table, tables["profiles"], policies=tables["policies"])


def parse_toml(content: bytes, path: Path) -> dict[str, Any]:
    """Parse TOML; editors on other systems begin it with a byte order mark."""
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        position = f"byte 0x{error.object[error.start]:02x} at offset {error.start}"
        raise ConfigError(f"{path} is not valid UTF-8: {position}", hint="convert it with iconv -t UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: it is nested too deeply") from error


def key_hint(key: str, names: Iterable[str]) -> str:
    """Return the hint for an unknown key: the nearest key of the settings `names`, else all of their keys."""
    keys = sorted(BY_NAME[name].key for name in names)
    return did_you_mean(nearest(key.replace("_", "-"), keys, 1), f"known: {', '.join(keys)}")


def _settings(table: Mapping[str, Any], path: Path, prefix: str, names: frozenset[str]) -> dict[str, Any]:
    """Return the settings of a table, by name; relative paths are relative to the file's folder."""
    values: dict[str, Any] = {}
    for key, raw in table.items():
        # Both spellings are accepted, since options have dashes and variables underscores.
        name = key.replace("-", "_")
        if name not in names:
            if not prefix and name in PROFILE_SETTINGS:
                hint = f"{key} belongs to a profile: profiles.NAME.{BY_NAME[name].key}"
            elif prefix and name in TOP_SETTINGS:
                hint = f"{key} belongs to the top of the file, not to a profile"
            else:
                hint = key_hint(key, names)
            raise ConfigError(f"{path}: unknown key {prefix + key!r}", hint=hint)
        if name in values:
            raise ConfigError(f"{path}: {prefix}{BY_NAME[name].key} is set twice, with a dash and with an underscore")
        value = BY_NAME[name].value(raw, f"{path}: {prefix}{key}")
        values[name] = path.parent / value if isinstance(value, Path) else value
    return values
