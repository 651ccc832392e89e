"""The variables that give a ClearML server the address of its MongoDB, read by the server's own rules.

A server uses the first non-empty variable of each part, with the prefix `CLEARML_`, then `TRAINS_`, then without one.
A connection string wins over the parts. A value of the server's configuration (`CLEARML__HOSTS__MONGO__BACKEND__HOST`)
is modified by the parts. An unsupported variable is an error: a change must not reach another database than the one
that the environment names.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn
from urllib.parse import quote

from projects_cli.config.settings import parse_uri
from projects_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIXES = ("CLEARML_", "TRAINS_", "")
PARTS = ("CONNECTION_STRING", "HOST", "PORT", "USERNAME", "PASSWORD", "QUERY")
VARIABLES: dict[str, tuple[str, ...]] = {
    part: (
        *(f"{prefix}MONGODB_SERVICE_{part}" for prefix in PREFIXES),
        *(["MONGODB_SERVICE_SERVICE_HOST"] if part == "HOST" else []),
    )
    for part in PARTS
}
"""The variables of each part, in the order in which a server looks for them."""

CONFIGURATION_PREFIXES = ("CLEARML__", "TRAINS__")
"""What follows is a path in the server's configuration, with `__` for each dot and in any case of letters."""

BACKEND = ("hosts", "mongo", "backend")
FOLDERS = ("CLEARML_CONFIG_DIR", "TRAINS_CONFIG_DIR")
DEFAULT_PORT = "27017"
DEFAULT_DATABASE = "backend"

INSTEAD = "or set PROJECTS_MONGO_URI, which overrides the variables of a server"


class ServerAddress(NamedTuple):
    """The URI of a server's variables, the variables used, and the database if one of them names it."""

    uri: str
    variables: tuple[str, ...]
    database: str | None


def server_address(environment: Mapping[str, str]) -> ServerAddress | None:
    """Return the address that the server's variables give, or None if none of them is set.

    Raises:
        ConfigError: a variable is unsupported or invalid, or contradicts another one.
    """
    parts = {part: name for part, names in VARIABLES.items() if (name := _first_set(names, environment))}
    keys = _configured(environment)
    # Two keys of a server's configuration may name the database.
    named = keys.get("name") or keys.get("db")
    database = _unquoted(environment[named]) if named else None
    extra = (named,) if named else ()
    if string := parts.get("CONNECTION_STRING"):
        return ServerAddress(_uri(string, environment[string]), (string, *extra), database)
    if host := keys.get("host"):
        if parts:
            _refuse((host, *parts.values()), "cannot be combined", "remove one of them")
        value = _unquoted(environment[host])
        return ServerAddress(_uri(host, value if "://" in value else f"mongodb://{value}"), (host, *extra), database)
    if "HOST" in parts:
        return ServerAddress(_composed(parts, environment), (*parts.values(), *extra), database)
    # Without a host the server would use its default, a container of that name: no guess for a change.
    if parts or named:
        _refuse((*parts.values(), *extra), "set without a host", f"set {VARIABLES['HOST'][0]}")
    _check_folders(environment)
    return None


def _first_set(names: Iterable[str], environment: Mapping[str, str]) -> str | None:
    return next((name for name in names if environment.get(name)), None)


def _configured(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that set keys of the server's backend database, by key; `CLEARML__` wins over `TRAINS__`."""
    variables: dict[str, str] = {}
    # The stronger prefix comes last, so that it overwrites the other.
    for prefix in reversed(CONFIGURATION_PREFIXES):
        for variable in sorted(name for name in environment if name.startswith(prefix) and environment[name]):
            path = tuple(variable.removeprefix(prefix).lower().split("__"))
            if path == BACKEND[: len(path)]:
                _refuse((variable,), "contains a whole section of a configuration", f"set {variable}__…__HOST")
            if path[: len(BACKEND)] == BACKEND:
                key = ".".join(path[len(BACKEND) :])
                if key not in {"host", "name", "db"}:
                    _refuse((variable,), "is not supported", "set …__HOST, …__NAME or …__DB")
                variables[key] = variable
    return variables


def _composed(parts: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """Return the URI of host, port, user, password and query, each escaped as its part of the URI requires."""
    values = {part: environment[variable] for part, variable in parts.items()}
    # A secret that was mounted as a file often ends with a line break.
    user, password = (values.get(part, "").rstrip("\r\n") for part in ("USERNAME", "PASSWORD"))
    # Some installations put user and password before the host.
    credentials, at, host = values["HOST"].strip().rpartition("@")
    if "://" in values["HOST"] or "/" in host:
        _refuse((parts["HOST"],), "holds a URI, not a host name", f"set {VARIABLES['CONNECTION_STRING'][0]}")
    if password and not user:
        _refuse((parts["PASSWORD"],), "is set without a user", f"set {VARIABLES['USERNAME'][0]}")
    if user and at:
        _refuse((parts["HOST"], parts["USERNAME"]), "both name a user", "remove one of them")
    if user:
        credentials, at = quote(user, safe="") + (":" + quote(password, safe="") if password else ""), "@"
    query = values.get("QUERY", "").strip().lstrip("?&")
    # The server's URI has the path /backend, in which MongoDB then looks up the user.
    path = f"/{DEFAULT_DATABASE}" if user else "/" if query else ""
    return f"mongodb://{credentials}{at}{_host_and_port(host, parts, environment)}{path}" + (
        f"?{query}" if query else ""
    )


def _host_and_port(host: str, parts: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """Return the host with its port; an IPv6 address gets its brackets."""
    # Two colons or more without brackets: an IPv6 address.
    if host.count(":") > 1 and re.fullmatch(r"[0-9A-Fa-f:.]+(%25\w+)?", host):
        host = f"[{host}]"
    has_port = re.fullmatch(r"(\[[^\]]*\]|[^:,\[\]]+):\d+", host)
    if not host or re.search(r"[\s?#\\]", host) or (has_port and "PORT" in parts):
        _refuse((parts["HOST"],), f"is not a host name: {host!r}", f"put the port into {VARIABLES['PORT'][0]}")
    if has_port or "PORT" not in parts:
        return host if has_port else f"{host}:{DEFAULT_PORT}"
    port = environment[parts["PORT"]].strip()
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 1 << 16):
        from projects_cli.config.redaction import redacted

        fault = f"is not a port number: {redacted(port)!r}"
        if port.startswith("tcp://"):
            fault += " (Kubernetes sets it for a service of that name)"
        _refuse((parts["PORT"],), fault, f"set {VARIABLES['PORT'][0]}")
    return f"{host}:{port}"


def _uri(variable: str, value: str) -> str:
    try:
        return parse_uri(value)
    except ValueError as error:
        raise ConfigError(f"{variable}: {error}", hint=f"correct it, {INSTEAD}") from None


def _unquoted(value: str) -> str:
    """Return a value of the configuration without HOCON's quotes."""
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _check_folders(environment: Mapping[str, str]) -> None:
    """Refuse a folder of server configuration that names the database: its files are not read."""
    variable = _first_set(FOLDERS, environment)
    # Only looked at: a value in such a file must not be overlooked, and to parse it is the server's job.
    for folder in environment[variable].split(":") if variable else ():
        file = Path(folder, "hosts.conf")
        try:
            names_database = b"mongo" in file.read_bytes()
        except (OSError, ValueError):
            continue
        if names_database:
            _refuse((variable or "",), f"names a database in {file}, which is not read", "set its URI")


def _refuse(variables: Iterable[str], fault: str, hint: str) -> NoReturn:
    names = list(dict.fromkeys(variables))
    raise ConfigError(f"{' and '.join(names)}: {fault}", hint=f"{hint}, {INSTEAD}")
