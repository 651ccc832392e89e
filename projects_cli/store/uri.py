"""Faults of a MongoDB URI.

The driver's own messages may quote a password, name Python functions, or depend on its version. So the address is
checked here first, and the driver's exceptions about options are translated.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, unquote_plus

import pymongo

from projects_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

FORM = "a URI looks like mongodb://USER:PASSWORD@HOST:27017/DATABASE?OPTION=VALUE"
ESCAPES = "in user and password write %40 for @, %3A for :, %2F for /, %3F for ?, %25 for %, %2B for +, %20 for a space"
IPV6 = "write an IPv6 address in brackets: mongodb://[::1]:27017"
PORT = "a port is a number from 1 to 65535"
OPTIONS_HINT = "see the options of MongoDB's connection strings"
TLS_FILES = frozenset({"tlscafile", "tlscertificatekeyfile", "tlscrlfile", "ssl_ca_certs", "ssl_certfile"})
TLS_FILES_HINT = "tlsCAFile=FILE holds certificates in PEM, tlsCertificateKeyFile=FILE a certificate and its key"
COLONS_OF_IPV6 = 7
EXTERNAL = ("MONGODB-X509", "MONGODB-AWS", "MONGODB-OIDC", "GSSAPI", "PLAIN")

_FAULTS: tuple[tuple[str, str], ...] = (
    ("key=value pairs", "an option is not of the form NAME=VALUE"),
    ("mix '&' and ';'", "options are separated by both & and ;"),
    ("primary cannot be combined with tags", "readPreferenceTags needs a readPreference other than primary"),
    ("primary cannot be combined with max", "maxStalenessSeconds needs a readPreference other than primary"),
    ("ssl and tls", "tls and ssl contradict each other"),
    ("simultaneously", "tlsInsecure cannot be combined with the options that are parts of it"),
    ("TLS has not been enabled", "options for TLS are given, but tls=true is missing"),
    ("directConnection=true", "directConnection=true allows one host only"),
    ("loadBalanced", "loadBalanced=true allows one host only, and no replicaSet"),
    ("only allowed with 'mongodb+srv", "options that begin with srv are for mongodb+srv:// only"),
    ("password is required", "a user is given without a password"),
    ("username is required", "the authMechanism needs a user"),
    ("empty string is not valid username", "the user is empty"),
    ("authSource database", "authSource is empty"),
    ("heartbeatFrequencyMS", "heartbeatFrequencyMS must be at least 500"),
    ("maxStalenessSeconds", "maxStalenessSeconds must be at least 90"),
    ("kerberos", "authMechanism=GSSAPI needs a Kerberos library, which is not installed"),
    ("gssapi", "authMechanism=GSSAPI needs a Kerberos library, which is not installed"),
    ("pymongo-auth-aws", "authMechanism=MONGODB-AWS needs the library pymongo-auth-aws, which is not installed"),
    ("Bad database name", "the name of its database has invalid characters"),
    ("Private key doesn't match", "tlsCertificateKeyFile has no certificate with its private key"),
    ("encryption", "an option for encryption needs a library that is not installed"),
)
"""Words of the driver, and the fault that is reported instead."""


class Parts(NamedTuple):
    """The parts of a URI, still escaped; user and password are None if they are not there."""

    scheme: str
    user: str | None
    password: str | None
    hosts: str
    database: str
    options: tuple[tuple[str, str], ...]

    def option(self, name: str) -> str | None:
        """Return the value of an option, the last one if there are several."""
        return next((value for key, value in reversed(self.options) if key.lower() == name.lower()), None)

    @property
    def login_database(self) -> tuple[str, str]:
        """Return the database in which the server looks for the user, and where the URI names it."""
        source = self.option("authSource")
        if source:
            return unquote_plus(source), "by authSource in the URI"
        if (self.option("authMechanism") or "").upper() in EXTERNAL:
            return "$external", "by authMechanism in the URI"
        if self.database:
            return unquote_plus(self.database), "by the path of the URI, as it has no authSource"
        return "admin", "by default, as the URI has no authSource"


def split(uri: str) -> Parts:
    """Split a URI as the driver does, without checking it."""
    scheme, _, rest = uri.partition("://")
    rest, _, query = rest.partition("?")
    authority, _, database = rest.partition("/")
    # The last one: a password with an unescaped @ is reported by `check`, and never shown as a host.
    login, at, hosts = authority.rpartition("@")
    user, colon, password = login.partition(":")
    pairs = (option.partition("=") for option in re.split("[&;]", query) if option)
    options = tuple((name, value) for name, _, value in pairs)
    return Parts(scheme, user if at else None, password if colon else None, hosts, database, options)


def check(uri: str) -> Parts:
    """Check a URI except for its options. Return its parts.

    Raises:
        ConfigError: it has a fault. The message never quotes user or password.
    """
    parts = split(uri)
    for fault, hint in _faults(uri, parts):
        raise uri_error(fault, hint)
    return parts


def uri_error(fault: str, hint: str = FORM) -> ConfigError:
    """Return the error for a URI with a fault."""
    return ConfigError(f"the MongoDB URI can't be used: {fault}", hint=hint)


def _faults(uri: str, parts: Parts) -> Iterator[tuple[str, str]]:
    """Return the faults of an address, each with a hint."""
    rest = uri.partition("://")[2]
    authority = re.split("[/?]", rest, maxsplit=1)[0]
    login = authority.rpartition("@")[0]
    # The @ of the login is behind the first slash or question mark, so one of these is in the password.
    is_split = "@" not in authority and "@" in rest
    unescaped = {
        "/": is_split and "@" in rest.partition("?")[0],
        "?": is_split and re.search(r":(?!\d+$)", authority),
        "@": "@" in login,
        ":": login.count(":") > 1,
        "%": re.search("%(?![0-9A-Fa-f]{2})", login),
    }
    for character in filter(unescaped.get, unescaped):
        yield f"user or password has an unescaped {character}", ESCAPES
    if parts.user == "":
        yield "the user is empty", FORM
    if parts.hosts.endswith(":tcp:") or rest.startswith(("http:", "https:", "tcp:", "mongodb:")):
        yield "a host or port is itself a URI", PORT
    for host in parts.hosts.split(","):
        yield from _seed_faults(parts.hosts) if parts.scheme.lower() == "mongodb+srv" else _host_faults(host)
    if re.search(r'[/\\ "$]', unquote_plus(parts.database)):
        yield "its database has an invalid name", FORM


def _seed_faults(host: str) -> Iterator[tuple[str, str]]:
    if not host:
        yield "it has no host", FORM
    if "," in host:
        yield "mongodb+srv:// allows one host only", "its DNS record names the members; or use mongodb://A,B,C"
    if re.fullmatch(r"[\d.]+|\[.*\]", host):
        yield "mongodb+srv:// needs a host name, not an IP address", "use mongodb:// with an IP address"
    if re.search(r":\d*$", host):
        yield "mongodb+srv:// allows no port", "its DNS record has the ports; or use mongodb://"


def _host_faults(host: str) -> Iterator[tuple[str, str]]:
    """Return the fault of one host. No quoted value can be a part of a misplaced password."""
    is_bracketed = host.startswith("[")
    name, closed, rest = host.partition("]") if is_bracketed else host.partition(":")
    is_ipv6 = "::" in host or host.count(":") >= COLONS_OF_IPV6
    port = rest if not is_bracketed else rest.removeprefix(":") if rest.startswith(":") or not rest else "?"
    if not is_bracketed and re.fullmatch(r"[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(%25\w+)?", host) and is_ipv6:
        yield f"an IPv6 address without brackets: {host!r}", IPV6
    elif not name.strip("[ \t\r\n"):
        yield "a host is missing", FORM
    elif is_bracketed and not closed:
        yield "the bracket of an IPv6 address is not closed", IPV6
    elif re.search(r"\s", host):
        yield "a host contains a space", FORM
    elif "%" in name and not is_bracketed and not name.endswith(".sock"):
        yield "a host contains an escape, which only the path of a socket (….sock) may", FORM
    elif name.endswith(".sock") and closed:
        yield "a socket has no port", FORM
    elif (rest if is_bracketed else closed) and not (port.isascii() and port.isdecimal() and 0 < int(port) < 1 << 16):
        yield f"invalid port {port}" if port.isdecimal() else "a port is not a number", PORT


# --- options: the driver's exceptions and warnings --------------------------------------------------------------------


def login_warnings(parts: Parts) -> Iterator[str]:
    """Return a warning for each character of user and password that probably should be escaped."""
    login = f"{parts.user or ''}{parts.password or ''}"
    if "+" in login:
        yield "user or password in the MongoDB URI has an unescaped +, which means a space (write %2B for a +)"
    if re.search(r"\s", login):
        yield "user or password in the MongoDB URI has an unescaped space (write %20)"


def option_fault(uri: str, error: Exception) -> ConfigError:
    """Return the error for options that the driver refuses."""
    if isinstance(error, OSError):
        # The driver's message depends on its version: each file is tried here.
        fault = f"the TLS files in the MongoDB URI are not valid PEM files ({type(error).__name__})"
        for option, path in parse_qsl(uri.partition("?")[2].replace(";", "&")):
            if option.lower() in TLS_FILES:
                try:
                    with open(path, "rb") as file:  # noqa: PTH123 - pathlib is not needed otherwise
                        file.read(1)
                except OSError as reason:
                    fault = f"cannot read {path} ({option} in the MongoDB URI): {reason.strerror}"
                    break
        return ConfigError(fault, hint=TLS_FILES_HINT)
    text = str(error)
    for word, fault in _FAULTS:
        if word in text:
            hint = TLS_FILES_HINT if "tlsCertificateKeyFile" in fault else OPTIONS_HINT
            return uri_error(fault, FORM if "user" in fault else hint)
    for name, value in split(uri).options:
        if _verdict(name, value)[0]:
            return uri_error(f"the option {name!r} has an invalid value", "correct the value, or leave the option out")
    return uri_error("its options contradict each other, or one has an invalid value", FORM)


def ignored_options(uri: str) -> list[str]:
    """Return a warning for each option that the driver ignores."""
    options = split(uri).options
    names = [name.lower() for name, _ in options if name.lower() != "readpreferencetags"]
    reported = [
        f"option {name!r} in the MongoDB URI occurs more than once"
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    for name, value in options:
        for warning in _verdict(name, value)[1]:
            fault = f"option {name!r} in the MongoDB URI has an invalid value and has no effect"
            if "nknown option" in warning:
                fault = f"option {name!r} in the MongoDB URI is unknown and has no effect"
            elif name.lower() == "compressors":
                named = next((name for name in value.split(",") if name.lower() in warning), value)
                missing = "not available" in warning
                fault = f"compressor {named!r} in the MongoDB URI is " + (
                    "not available: its library is not installed" if missing else "unknown"
                )
            reported.append(fault)
    return list(dict.fromkeys(reported)) or ["the driver ignores an option of the MongoDB URI"]


def _verdict(name: str, value: str) -> tuple[bool, list[str]]:
    """Return whether the driver refuses an option by itself, and the driver's warnings about it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            # Nothing connects: the driver checks its options when a client is created.
            pymongo.MongoClient(f"mongodb://localhost/?{name}={value}", connect=False).close()
        except Exception:  # noqa: BLE001 - any exception is caused by this option
            return True, []
    return False, [str(warning.message) for warning in caught]


# --- DNS and logins ---------------------------------------------------------------------------------------------------


def unresolved(uri: str, error: Exception) -> str:
    """Return why the DNS records of a `mongodb+srv` URI cannot be found."""
    host = split(uri).hosts
    fault = "does not exist" if "does not exist" in str(error) else "cannot be looked up"
    return f"{NO_RECORD} _mongodb._tcp.{host} {fault}"


NO_RECORD = "the DNS record"
SEED_HINT = "check the host name and what resolves it; a server without that DNS record is mongodb://HOST:27017"


def login_refused(uri: str, shown: str, words: str) -> tuple[str, str]:
    """Return message and hint for a login that the server refused; `shown` is the URI without its secrets."""
    parts = split(uri)
    database, origin = parts.login_database
    user = unquote_plus(parts.user or "")
    hint = f"check the user, the password, and authSource=DATABASE: where the user is defined (now {database})"
    if any(login_warnings(parts)):
        hint = f"{ESCAPES}; {hint}"
    lookup = f"the user {user!r} was looked up in the database {database!r}, {origin}"
    return f"{shown} refused: {words} ({lookup})", hint
