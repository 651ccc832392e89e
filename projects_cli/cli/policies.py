"""Options of a command that come from a file: a policy has them under their names, as defaults of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer  # noqa: TC002 - likewise

from projects_cli.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping


def use_policy(ctx: typer.Context, name: str | None) -> str | None:
    """Make the options of a policy of the configuration, `[policies.NAME]`, the defaults of the command line.

    It is the callback of an eager option: Click then parses and checks the values as if they had been typed.

    Raises:
        ConfigError: there is no such policy, or it has a key that is not an option of the command.
    """
    if name is not None:
        from projects_cli.cli.commands.config import user_file

        file = user_file(ctx.find_root().obj)
        if name not in file.policies:
            known = ", ".join(sorted(file.policies)) or "(none)"
            raise ConfigError(f"no policy {name!r} in {file.path}", hint=f"policies in the file: {known}")
        _use(ctx, file.policies[name], file.path, f"policies.{name}.")
    return name


def use_policy_file(ctx: typer.Context, path: str | None) -> str | None:
    """Make the keys of a TOML file the defaults of the command line: see `use_policy`.

    Raises:
        ConfigError: the file can't be read, is not TOML, or has a key that is not an option of the command.
    """
    if path is not None:
        from projects_cli.config.files import parse_toml
        from projects_cli.private_files import read_regular

        try:
            content = read_regular(path, MAX_SIZE + 1)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
        if len(content) > MAX_SIZE:
            raise ConfigError(f"{path}: it is larger than {MAX_SIZE} bytes")
        _use(ctx, parse_toml(content, Path(path)), Path(path), "")
    return path


MAX_SIZE = 64 * 1024
"""Bytes of a policy file."""


def _use(ctx: typer.Context, table: Mapping[str, Any], path: Path, prefix: str) -> None:
    # An option may have several names; each is accepted, with dashes or underscores.
    options = {
        flag.lstrip("-").replace("-", "_"): param
        for param in ctx.command.params
        for flag in param.opts
        if flag.startswith("--") and not param.is_eager
    }
    defaults: dict[str, Any] = {}
    for key, value in table.items():
        param = options.get(key.replace("-", "_"))
        if param is None:
            near = nearest(key.replace("_", "-"), [flag.replace("_", "-") for flag in options], 1)
            hint = f"did you mean {near[0]}?" if near else f"its keys are the options of: {ctx.command_path} --help"
            raise ConfigError(f"{path}: unknown key '{prefix}{key}'", hint=hint)
        # A single value of an option that may be repeated would be read as a list of letters.
        defaults[str(param.name)] = [value] if param.multiple and not isinstance(value, list) else value
    ctx.default_map = defaults
