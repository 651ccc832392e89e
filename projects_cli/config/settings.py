"""The table of settings, and their resolution: flag > environment > project file > user file > default.

The project file (`.projects.toml` in the current folder) may only choose a profile by name; a URI, a company
or a command in it is refused, since a folder that somebody else filled must not redirect a change.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from projects_cli.config.values import boolean, duration
from projects_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COMMUNITY_COMPANY = "d1bd92a3b039400cbafc60a7a5b1e52b"
"""The one company of a community server (data-model.md, Identity and tenancy)."""

OUTPUTS = ("table", "json", "jsonl", "yaml", "csv", "tsv", "id")

Origin = Literal["flag", "environment", "project file", "user file", "default"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name in files, its environment variable, how its text is read, and its default."""

    name: str
    variable: str
    default: Any = None
    read: Callable[[str], Any] = str
    choices: tuple[str, ...] = ()
    in_file: bool = True

    def value(self, raw: object, where: str) -> Any:
        """Give the setting's value for what was written, or say where it is wrong."""
        try:
            value = self.read(raw) if isinstance(raw, str) else self._typed(raw)
        except ValueError as error:
            raise ConfigError(f"{where}: {error}") from error
        if self.choices and value not in self.choices:
            raise ConfigError(f"{where}: {value!r} is none of {', '.join(self.choices)}")
        return value

    def _typed(self, raw: object) -> object:
        """Give a value that a flag or a file has as something else than text: a switch, or a number of seconds."""
        if (self.read is boolean and isinstance(raw, bool)) or (self.read is Path and isinstance(raw, Path)):
            return raw
        if self.read is duration and isinstance(raw, int | float) and not isinstance(raw, bool):
            return duration(str(raw))
        raise ValueError(f"{raw!r} is of the wrong type")


SETTINGS: tuple[Setting, ...] = (
    Setting("uri", "PROJECTS_MONGO_URI"),
    Setting("uri_file", "PROJECTS_MONGO_URI_FILE", read=Path),
    Setting("database", "PROJECTS_DATABASE", "backend"),
    Setting("company", "PROJECTS_COMPANY", COMMUNITY_COMPANY),
    Setting("user", "PROJECTS_USER"),
    Setting("profile", "PROJECTS_PROFILE"),
    Setting("schema", "PROJECTS_SCHEMA", read=Path),
    Setting("api_version", "PROJECTS_API_VERSION"),
    Setting("output", "PROJECTS_OUTPUT", "table", choices=OUTPUTS),
    Setting("no_color", "PROJECTS_NO_COLOR", default=False, read=boolean),
    Setting("quiet", "PROJECTS_QUIET", default=False, read=boolean),
    Setting("verbose", "PROJECTS_VERBOSE", default=False, read=boolean),
    Setting("timeout", "PROJECTS_TIMEOUT", read=duration),
    Setting("yes", "PROJECTS_YES", default=False, read=boolean, in_file=False),
    Setting("confirm", "PROJECTS_CONFIRM", in_file=False),
    Setting("dry_run", "PROJECTS_DRY_RUN", default=False, read=boolean, in_file=False),
    Setting("no_input", "PROJECTS_NO_INPUT", default=False, read=boolean),
    Setting("read_only", "PROJECTS_READ_ONLY", default=False, read=boolean),
    Setting("lock_wait", "PROJECTS_LOCK_WAIT", 10.0, read=duration),
    Setting("no_journal", "PROJECTS_NO_JOURNAL", default=False, read=boolean),
    Setting("journal_db", "PROJECTS_JOURNAL_DB", "projects_cli"),
    Setting("fail_if_empty", "PROJECTS_FAIL_IF_EMPTY", default=False, read=boolean),
    Setting("local_dir", "PROJECTS_LOCAL_DIR", read=Path),
    Setting("local_idle", "PROJECTS_LOCAL_IDLE", 900.0, read=duration),
    Setting("mongod", "PROJECTS_MONGOD"),
)
BY_NAME = {setting.name: setting for setting in SETTINGS}
PROFILE_SETTINGS = frozenset({"uri", "uri_file", "database", "company", "user", "read_only", "output", "no_color"})


@dataclass(frozen=True, slots=True)
class Settings:
    """The values that hold for this run, each with its origin."""

    values: Mapping[str, Any]
    origins: Mapping[str, Origin]
    environment: Mapping[str, str]

    def __getitem__(self, name: str) -> Any:
        """Give the value of the setting with that name (as in `SETTINGS`)."""
        return self.values[name]

    def given(self, name: str) -> bool:
        """Tell whether somebody set it, as opposed to its default."""
        return self.origins[name] != "default"


def resolve(flags: Mapping[str, Any], environment: Mapping[str, str], folder: Path) -> Settings:
    """Settle every setting from the flags given (None: not given), the environment and the files.

    Raises:
        ConfigError: a value that can't be read, an unknown key or profile, a file that others could read.
    """
    from_flags = {name: BY_NAME[name].value(raw, _flag(name)) for name, raw in flags.items() if raw is not None}
    from_environment = {
        setting.name: setting.value(environment[setting.variable], setting.variable)
        for setting in SETTINGS
        if environment.get(setting.variable)
    }
    from_files = _from_files(from_flags.get("profile") or from_environment.get("profile"), environment, folder)
    values: dict[str, Any] = {setting.name: setting.default for setting in SETTINGS}
    origins: dict[str, Origin] = dict.fromkeys(values, "default")
    layers: tuple[tuple[Origin, Mapping[str, Any]], ...] = (
        ("project file", from_files[0]),
        ("user file", from_files[1]),
        ("environment", from_environment),
        ("flag", from_flags),
    )
    for origin, layer in layers:
        for name, value in _without_rival(layer, values).items():
            values[name], origins[name] = value, origin
    return Settings(values, origins, environment)


def _without_rival(layer: Mapping[str, Any], values: dict[str, Any]) -> Mapping[str, Any]:
    """Let a URI of a stronger layer win over a URI file of a weaker one, and the other way round."""
    if "uri" in layer or "uri_file" in layer:
        values["uri"] = values["uri_file"] = None
    return layer


def _from_files(
    profile: str | None, environment: Mapping[str, str], folder: Path
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Give what the project file and the user file say; neither file is looked for twice."""
    project_file = folder / ".projects.toml"
    user_file = user_config_file(environment)
    if not project_file.is_file() and not user_file.is_file() and profile is None:
        return {}, {}
    from projects_cli.config import files  # tomllib is needed only where there is a file

    chosen = {} if profile else files.project_settings(project_file)
    return chosen, files.user_settings(user_file, profile or chosen.get("profile"))


def user_config_file(environment: Mapping[str, str]) -> Path:
    """Give the path of the user's configuration, whether it exists or not."""
    base = environment.get("XDG_CONFIG_HOME") or os.path.join(environment.get("HOME", "~"), ".config")  # noqa: PTH118
    return Path(base).expanduser() / "projects" / "config.toml"


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
