"""The settings in effect: flag > environment > project file > user file > default.

The project file (`.projects.toml` in the working folder) may only choose a profile by name. A URI, a company or a
command in it is refused, since a folder that another user filled must not redirect a change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.config.settings import BY_NAME, SETTINGS, Layer, Origin, Settings, is_file, user_config_file
from projects_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def resolve(flags: Mapping[str, Any], environment: Mapping[str, str], folder: Path | None) -> Settings:
    """Return the settings of the flags (None: not given), the environment, and the files of a working folder.

    Without a folder no file is read: for commands that must work although a file is invalid.

    Raises:
        ConfigError: an invalid value, an unknown key or profile, or a file that other users could read.
    """
    # The order of strength: flags, variables, project file, user file, defaults.
    used = {name: raw for name, raw in flags.items() if raw is not None}
    names = {name: "--" + BY_NAME[name].key for name in used}
    from_flags = Layer("flag", {name: BY_NAME[name].value(raw, names[name]) for name, raw in used.items()}, names)

    variables = {one.name: one.variable for one in SETTINGS if one.variable and environment.get(one.variable)}
    parsed = {name: BY_NAME[name].value(environment[variable], variable) for name, variable in variables.items()}
    from_environment = Layer("environment", parsed, variables)

    # The profile has to be known before the files are read: it selects their tables.
    profile = from_flags.values.get("profile") or from_environment.values.get("profile")
    from_files = () if folder is None else _from_files(profile, environment, folder)
    values: dict[str, Any] = {setting.name: setting.default for setting in SETTINGS}
    origins: dict[str, Origin] = dict.fromkeys(values, "default")
    sources = dict.fromkeys(values, "")
    for layer in (*from_files, from_environment, from_flags):
        _drop_weaker_address(layer, values, origins, sources)
        values.update(layer.values)
        origins.update(dict.fromkeys(layer.values, layer.origin))
        sources.update(layer.sources)
    warnings = tuple(layer.warning for layer in from_files if layer.warning)
    return Settings(**values, origins=origins, sources=sources, environment=environment, warnings=warnings)


def _drop_weaker_address(
    layer: Layer, values: dict[str, Any], origins: dict[str, Origin], sources: dict[str, str]
) -> None:
    """Let a URI of a stronger layer win over a URI file of a weaker one, and vice versa.

    Raises:
        ConfigError: the layer has both.
    """
    addresses = [name for name in ("uri", "uri_file") if name in layer.values]
    if len(addresses) > 1:
        both = " and ".join(layer.sources[name] for name in addresses)
        subject = both if layer.origin in {"flag", "environment"} else f"uri and uri-file in {layer.sources['uri']}"
        raise ConfigError(f"{subject} are both set", hint="remove one of them")
    for name in ("uri", "uri_file") if addresses else ():
        values[name], origins[name], sources[name] = None, "default", ""


def _from_files(profile: str | None, environment: Mapping[str, str], folder: Path) -> tuple[Layer, ...]:
    """Return the layers of the user file and the project file, the weakest first."""
    project_file = folder / ".projects.toml"
    user_file = user_config_file(environment)
    try:
        with_project = profile is None and project_file.is_file()
    except OSError:  # a working folder that the user cannot read is not theirs
        with_project = False
    if not with_project and not is_file(user_file) and profile is None:
        return ()
    from projects_cli.config import files  # tomllib is needed only if there is a file

    project = files.project_layer(project_file) if with_project else Layer("project file", {}, {})
    return (*files.user_layers(user_file, profile or project.values.get("profile")), project)
