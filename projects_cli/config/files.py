"""The two files that may hold settings: the user's `config.toml` and a folder's `.projects.toml`."""

from __future__ import annotations

import difflib
import tomllib
from typing import TYPE_CHECKING, Any

from projects_cli.config.settings import BY_NAME, PROFILE_SETTINGS
from projects_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def project_settings(path: Path) -> Mapping[str, Any]:
    """Read a folder's `.projects.toml`, which may only name a profile."""
    if not path.is_file():
        return {}
    table = _read(path)
    for key in table:
        if key != "profile":
            raise ConfigError(f"{path}: {key!r} is not allowed here: this file may only choose a profile by name")
    return {key: BY_NAME[key].value(value, f"{path}: {key}") for key, value in table.items()}


def user_settings(path: Path, profile: str | None) -> Mapping[str, Any]:
    """Read the user's configuration: its top level, and over it the profile that was chosen.

    Raises:
        ConfigError: the file is no TOML, has an unknown key, lacks the profile, or holds a URI for others to read.
    """
    table = _read(path) if path.is_file() else {}
    profiles = table.pop("profiles", {})
    if not isinstance(profiles, dict) or not all(isinstance(one, dict) for one in profiles.values()):
        raise ConfigError(f"{path}: profiles should be tables: [profiles.NAME]")
    top = _settings(table, path, "", (name for name, setting in BY_NAME.items() if setting.in_file))
    profile = profile or top.get("profile")
    if profile is None:
        return top
    if profile not in profiles:
        known = ", ".join(sorted(profiles)) or "none is defined"
        raise ConfigError(f"there is no profile {profile!r} in {path}", hint=f"profiles there: {known}")
    chosen = _settings(profiles[profile], path, f"profiles.{profile}.", PROFILE_SETTINGS)
    return {**top, **chosen, "profile": profile}


def _settings(table: Mapping[str, Any], path: Path, prefix: str, allowed: Iterable[str]) -> dict[str, Any]:
    """Check a table's keys and read its values; a URI in a file that others can read is refused."""
    known = {name.replace("_", "-"): name for name in allowed}
    values = {}
    for key, raw in table.items():
        name = known.get(key.replace("_", "-"))
        if name is None:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
            raise ConfigError(f"{path}: unknown key {prefix + key!r}", hint=hint)
        values[name] = BY_NAME[name].value(raw, f"{path}: {prefix}{key}")
    if "uri" in values and path.stat().st_mode & 0o077:
        raise ConfigError(f"{path} holds a URI and can be read by others", hint=f"chmod 600 {path}")
    return values


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
