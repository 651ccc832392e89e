"""The table of settings, and their resolution: flag > environment > project file > user file > default.

The project file (`.projects.toml` in the current folder) may only choose a profile by name; a URI, a company
or a command in it is refused, since a folder that somebody else filled must not redirect a change.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from projects_cli.config.values import boolean, company, count, database, duration, file_path, names, patience, uri
from projects_cli.errors import ConfigError
from projects_cli.private_files import xdg_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COMMUNITY_COMPANY = "d1bd92a3b039400cbafc60a7a5b1e52b"
"""The one company of a community server (data-model.md, Identity and tenancy)."""

READ_PREFERENCES = ("primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest")
OUTPUTS = ("table", "json", "jsonl", "yaml", "csv", "tsv", "id")

TIMES = ("relative", "absolute", "iso")

Origin = Literal["flag", "environment", "project file", "user file", "default"]


class Setting(NamedTuple):
    """One setting: its name in files, its environment variable, how its text is read, its default, and its places.

    `in_file`: the top of the user's file may have it; `in_profile`: a profile there may. One that is neither is an
    answer to a question of one run. Without a variable it is a fact about a profile, which nothing else may deny.
    """

    name: str
    variable: str | None
    default: Any = None
    read: Callable[[str], Any] = str
    choices: tuple[str, ...] = ()
    in_file: bool = True
    in_profile: bool = False

    @property
    def key(self) -> str:
        """Give its name as files and people write it: `read-only`."""
        return self.name.replace("_", "-")

    def value(self, raw: object, where: str) -> Any:
        """Give the setting's value for what was written, or say where it is wrong."""
        try:
            return self._chosen(self.read(raw) if isinstance(raw, str) else self._typed(raw))
        except ValueError as error:
            from projects_cli.config.connection import redacted  # what was written may be a URI in the wrong place

            raise ConfigError(f"{where}: {redacted(str(error))}") from error

    def _chosen(self, value: object) -> object:
        """Give the value, which is one of the choices where there are any."""
        if self.choices and value not in self.choices:
            raise ValueError(f"{value!r} is none of {', '.join(self.choices)}")
        return value

    def _typed(self, raw: object) -> object:
        """Give a value that a flag or a file has as something else than text: a switch, or a number of seconds."""
        if (self.read is boolean and isinstance(raw, bool)) or (self.read is file_path and isinstance(raw, Path)):
            return raw
        if self.read in {duration, patience, count} and isinstance(raw, int | float) and not isinstance(raw, bool):
            return self.read(str(raw))
        raise ValueError(f"{raw!r} is of the wrong type")


SETTINGS: tuple[Setting, ...] = (
    Setting("uri", "PROJECTS_MONGO_URI", read=uri, in_profile=True),
    Setting("uri_file", "PROJECTS_MONGO_URI_FILE", read=file_path, in_profile=True),
    Setting("database", "PROJECTS_DATABASE", "backend", read=database, in_profile=True),
    Setting("company", "PROJECTS_COMPANY", COMMUNITY_COMPANY, read=company, in_profile=True),
    Setting("user", "PROJECTS_USER", in_profile=True),
    Setting("profile", "PROJECTS_PROFILE"),
    Setting("schema", "PROJECTS_SCHEMA", read=file_path, in_profile=True),
    Setting("api_version", "PROJECTS_API_VERSION", in_profile=True),
    Setting("output", "PROJECTS_OUTPUT", "table", choices=OUTPUTS, in_profile=True),
    Setting("fields", "PROJECTS_FIELDS", read=names, in_file=False),
    Setting("query", "PROJECTS_QUERY", in_file=False),
    Setting("no_header", "PROJECTS_NO_HEADER", default=False, read=boolean),
    Setting("csv_safe", "PROJECTS_CSV_SAFE", default=False, read=boolean, in_profile=True),
    Setting("time", "PROJECTS_TIME", choices=TIMES, in_profile=True),
    Setting("no_pager", "PROJECTS_NO_PAGER", default=False, read=boolean),
    Setting("no_color", "PROJECTS_NO_COLOR", default=False, read=boolean, in_profile=True),
    Setting("quiet", "PROJECTS_QUIET", default=False, read=boolean),
    Setting("verbose", "PROJECTS_VERBOSE", default=False, read=boolean),
    Setting("timeout", "PROJECTS_TIMEOUT", read=duration, in_profile=True),
    Setting("yes", "PROJECTS_YES", default=False, read=boolean, in_file=False),
    Setting("confirm", "PROJECTS_CONFIRM", in_file=False),
    Setting("dry_run", "PROJECTS_DRY_RUN", default=False, read=boolean, in_file=False),
    Setting("new_company", "PROJECTS_NEW_COMPANY", default=False, read=boolean, in_file=False),
    Setting("max_delete", "PROJECTS_MAX_DELETE", read=count, in_profile=True),
    Setting("no_input", "PROJECTS_NO_INPUT", default=False, read=boolean),
    Setting("read_only", "PROJECTS_READ_ONLY", default=False, read=boolean, in_profile=True),
    Setting("lock_wait", "PROJECTS_LOCK_WAIT", 10.0, read=patience, in_profile=True),
    Setting("no_journal", "PROJECTS_NO_JOURNAL", default=False, read=boolean, in_profile=True),
    Setting("journal_db", "PROJECTS_JOURNAL_DB", "projects_cli", read=database, in_profile=True),
    Setting("read_preference", "PROJECTS_READ_PREFERENCE", choices=READ_PREFERENCES, in_profile=True),
    Setting("fail_if_empty", "PROJECTS_FAIL_IF_EMPTY", default=False, read=boolean),
    Setting("local_dir", "PROJECTS_LOCAL_DIR", read=file_path),
    Setting("local_idle", "PROJECTS_LOCAL_IDLE", 900.0, read=duration),
    Setting("mongod", "PROJECTS_MONGOD"),
    Setting("production", None, default=False, read=boolean, in_file=False, in_profile=True),
)
BY_NAME = {setting.name: setting for setting in SETTINGS}
PROFILE_SETTINGS = frozenset(setting.name for setting in SETTINGS if setting.in_profile)


class Layer(NamedTuple):
    """What one place says: its origin, the values, and where each stands: a flag, a variable, a file and its table."""

    origin: Origin
    values: Mapping[str, Any]
    sources: Mapping[str, str]
    warning: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings in effect. `origins` and `sources` say where each was set, as in `Layer`; both are by name.

    Each setting of `SETTINGS` is a field; a test holds the two together.
    """

    uri: str | None
    uri_file: Path | None
    database: str
    company: str
    user: str | None
    profile: str | None
    schema: Path | None
    api_version: str | None
    output: str
    fields: tuple[str, ...] | None
    query: str | None
    no_header: bool
    csv_safe: bool
    time: str | None
    no_pager: bool
    no_color: bool
    quiet: bool
    verbose: bool
    timeout: float | None
    yes: bool
    confirm: str | None
    dry_run: bool
    new_company: bool
    max_delete: int | None
    no_input: bool
    read_only: bool
    lock_wait: float
    no_journal: bool
    journal_db: str
    read_preference: str | None
    fail_if_empty: bool
    local_dir: Path | None
    local_idle: float
    mongod: str | None
    production: bool

    origins: Mapping[str, Origin]
    sources: Mapping[str, str]
    environment: Mapping[str, str]
    warnings: tuple[str, ...]


def resolve(flags: Mapping[str, Any], environment: Mapping[str, str], folder: Path | None) -> Settings:
    """Settle every setting from the flags given (None: not given), the environment and the files.

    Without a folder no file is read: for what has to work on files that can't be used.

    Raises:
        ConfigError: a value that can't be read, an unknown key or profile, a file that others could read.
    """
    from_flags = _from_flags(flags)
    from_environment = _from_environment(environment)
    profile = from_flags.values.get("profile") or from_environment.values.get("profile")
    from_files = () if folder is None else _from_files(profile, environment, folder)
    values: dict[str, Any] = {setting.name: setting.default for setting in SETTINGS}
    origins: dict[str, Origin] = dict.fromkeys(values, "default")
    sources = dict.fromkeys(values, "")
    for layer in (*from_files, from_environment, from_flags):
        _drop_rival(layer, values, origins, sources)
        values.update(layer.values)
        origins.update(dict.fromkeys(layer.values, layer.origin))
        sources.update(layer.sources)
    warnings = tuple(layer.warning for layer in from_files if layer.warning)
    return Settings(**values, origins=origins, sources=sources, environment=environment, warnings=warnings)


def _drop_rival(layer: Layer, values: dict[str, Any], origins: dict[str, Origin], sources: dict[str, str]) -> None:
    """Let a URI of a stronger place win over a URI file of a weaker one, and the other way round.

    Raises:
        ConfigError: one place has both.
    """
    given = [name for name in ("uri", "uri_file") if name in layer.values]
    if len(given) > 1:
        both = " and ".join(layer.sources[name] for name in given)
        where = both if layer.origin in {"flag", "environment"} else f"uri and uri-file in {layer.sources['uri']}"
        raise ConfigError(f"{where} are both given", hint="one database needs one address: leave one out")
    for name in ("uri", "uri_file") if given else ():
        values[name], origins[name], sources[name] = None, "default", ""


def _from_flags(flags: Mapping[str, Any]) -> Layer:
    given = {name: raw for name, raw in flags.items() if raw is not None}
    names = {name: "--" + BY_NAME[name].key for name in given}
    return Layer("flag", {name: BY_NAME[name].value(raw, names[name]) for name, raw in given.items()}, names)


def _from_environment(environment: Mapping[str, str]) -> Layer:
    names = {one.name: one.variable for one in SETTINGS if one.variable and environment.get(one.variable)}
    values = {name: BY_NAME[name].value(environment[variable], variable) for name, variable in names.items()}
    return Layer("environment", values, names)


def _from_files(profile: str | None, environment: Mapping[str, str], folder: Path) -> tuple[Layer, ...]:
    """Give what the user file and the project file say, the weakest first; neither file is looked for twice."""
    project_file = folder / ".projects.toml"
    user_file = user_config_file(environment)
    with_project = profile is None and _is_seen(project_file)
    if not with_project and not is_there(user_file) and profile is None:
        return ()
    from projects_cli.config import files  # tomllib is needed only where there is a file

    chosen = files.project_layer(project_file) if with_project else Layer("project file", {}, {})
    return (*files.user_layers(user_file, profile or chosen.values.get("profile")), chosen)


def is_there(path: Path) -> bool:
    """Tell whether there is a file; one behind a link that leads nowhere is not.

    Raises:
        ConfigError: that can't be told.
    """
    try:
        return path.is_file()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", hint="the folder of settings is XDG_CONFIG_HOME") from error


def _is_seen(path: Path) -> bool:
    """Tell whether a folder's file is there; one in a folder that is closed to the person is none of theirs."""
    try:
        return path.is_file()
    except OSError:
        return False


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


def user_config_file(environment: Mapping[str, str]) -> Path:
    """Give the path of the user's configuration, whether it exists or not."""
    return Path(xdg_folder(environment, "XDG_CONFIG_HOME", ".config"), "projects", "config.toml")


def login_name() -> str | None:
    """Return the login name of the user, or None if it is unknown; bytes that are not UTF-8 become `?`."""
    import getpass

    try:
        return getpass.getuser().encode("utf-8", "replace").decode("utf-8")
    except (OSError, KeyError):
        return None
