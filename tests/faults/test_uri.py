"""Invalid URIs: each is reported in our own words, without a secret, a class name or a piece of Python."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.nodes import free_port
from tests.running import run, start

if TYPE_CHECKING:
    from tests.conftest import Cli
    from tests.servers import Server

FOREIGN = ("Error", "Warning", "docstring", "RFC", "urllib", "urlquote", "Traceback", "python-", "getaddrinfo")
"""What only a programmer would understand."""

SECRET = "zebra"  # noqa: S105
LOGIN = f"ann:{SECRET}"


def checked(result: Any) -> str:
    assert not [word for word in (*FOREIGN, SECRET) if word in result.stderr + result.stdout], result.stderr
    return str(result.stderr)


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("mongodb://", "a host is missing"),
        ("mongodb:///backend", "a host is missing"),
        ("mongodb://h,", "a host is missing"),
        ("mongodb://h,,g", "a host is missing"),
        ("mongodb://:27017", "a host is missing"),
        ("mongodb://h g", "a host contains a space"),
        ("mongodb://::1", "an IPv6 address without brackets: '::1'"),
        ("mongodb://fe80::1:27017/backend", "an IPv6 address without brackets"),
        (f"mongodb://{LOGIN}@2001:db8::7", "an IPv6 address without brackets"),
        ("mongodb://[::1", "the bracket of an IPv6 address is not closed"),
        ("mongodb://[::1]x", "a port is not a number"),
        ("mongodb://[::1]:x", "a port is not a number"),
        ("mongodb://h:tcp://10.0.0.1:27017", "a host or port is itself a URI"),
        ("mongodb://http://h", "a host or port is itself a URI"),
        ("mongodb://mongodb://h", "a host or port is itself a URI"),
        ("mongodb://h:", "a port is not a number"),
        ("mongodb://h:x", "a port is not a number"),
        ("mongodb://h:-1", "a port is not a number"),
        (f"mongodb://ann:{SECRET}", "a port is not a number"),
        ("mongodb://h:0", "invalid port 0"),
        ("mongodb://h:65536", "invalid port 65536"),
        ("mongodb://h:1:2", "a port is not a number"),
        ("mongodb://%2Ftmp%2Fx", "a host contains an escape"),
        ("mongodb://%2Ftmp%2Fx.sock:1", "a socket has no port"),
        (f"mongodb://ann:{SECRET}@{SECRET}@h", "an unescaped @"),
        (f"mongodb://ann@{SECRET}:{SECRET}@h", "an unescaped @"),
        (f"mongodb://ann:{SECRET}/{SECRET}@h", "an unescaped /"),
        (f"mongodb://ann:{SECRET}:{SECRET}@h", "an unescaped :"),
        (f"mongodb://ann:{SECRET}%@h", "an unescaped %"),
        (f"mongodb://ann:{SECRET}%zz@h", "an unescaped %"),
        (f"mongodb://ann:{SECRET}?{SECRET}@h", "an unescaped ?"),
        (f"mongodb://ann:{SECRET}?a=b@h", "an unescaped ?"),
        (f"mongodb://:{SECRET}@h", "the user is empty"),
        ("mongodb://ann@h", "a user is given without a password"),
        ("mongodb://ann:@h", "a user is given without a password"),
        ("mongodb://h/a b", "its database has an invalid name"),
        ("mongodb://h/a/b", "its database has an invalid name"),
        ("mongodb://h/a$", "its database has an invalid name"),
        ("mongodb://h/?tls", "an option is not of the form NAME=VALUE"),
        ("mongodb://h/?w=1;tls=true&x=1", "separated by both"),
        ("mongodb://h/?readPreferenceTags=dc:ny", "readPreferenceTags needs a readPreference other than primary"),
        ("mongodb://h/?maxStalenessSeconds=100", "maxStalenessSeconds needs a readPreference other than primary"),
        ("mongodb://h/?tls=true&ssl=false", "tls and ssl contradict each other"),
        ("mongodb://h/?tlsInsecure=true&tlsAllowInvalidHostnames=true", "tlsInsecure cannot be combined"),
        ("mongodb://h/?tls=false&tlsCAFile=/etc/passwd", "tls=true is missing"),
        ("mongodb://h,g/?directConnection=true", "directConnection=true allows one host only"),
        ("mongodb://h,g/?loadBalanced=true", "loadBalanced=true allows one host only"),
        ("mongodb://h/?srvMaxHosts=1", "mongodb+srv:// only"),
        ("mongodb://h/?authSource=", "authSource is empty"),
        ("mongodb://h/?heartbeatFrequencyMS=1", "heartbeatFrequencyMS must be at least 500"),
        ("mongodb://h/?datetime_conversion=x", "the option 'datetime_conversion' has an invalid value"),
        ("mongodb://h/?w=0", "w=0"),
        ("mongodb+srv://", "no host"),
        ("mongodb+srv://a.example,b.example", "allows one host only"),
        ("mongodb+srv://a.example:27017", "allows no port"),
        ("mongodb+srv://127.0.0.1", "needs a host name, not an IP address"),
        (f"mongodb+srv://ann:{SECRET}@{SECRET}@a.example", "an unescaped @"),
    ],
)
def test_a_uri_that_cannot_be_used_is_2(cli: Cli, uri: str, words: str) -> None:
    result = cli("list", "--timeout", "0.2s", uri=uri)
    assert (result.exit_code, result.stdout) == (2, ""), result.stderr
    error, hint = checked(result).splitlines()
    assert words in error
    assert hint.startswith("hint: ")


def with_options(server: Server, options: str) -> str:
    return f"{server.uri}&{options}"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("nonsense=1", "option 'nonsense' in the MongoDB URI is unknown and has no effect"),
        ("tls=maybe", "option 'tls' in the MongoDB URI has an invalid value and has no effect"),
        ("journal=maybe", "option 'journal'"),
        ("readPreference=sekundary", "option 'readPreference'"),
        ("authMechanism=FOO", "option 'authMechanism'"),
        ("timeoutMS=soon", "option 'timeoutMS'"),
        ("maxPoolSize=-1", "option 'maxPoolSize'"),
        ("retryWrites=maybe", "option 'retryWrites'"),
        ("appname=" + "x" * 200, "option 'appname'"),
        (f"authMechanismProperties={SECRET}", "option 'authMechanismProperties'"),
        ("compressors=fast", "compressor 'fast' in the MongoDB URI is unknown"),
        ("w=1&w=1", "option 'w' in the MongoDB URI occurs more than once"),
    ],
)
def test_what_the_driver_only_warns_about_is_a_warning(standalone: Server, cli: Cli, options: str, words: str) -> None:
    result = cli("list", "-o", "id", uri=with_options(standalone, options))
    assert (result.exit_code, result.stdout) == (0, ""), result.stderr
    lines = checked(result).splitlines()
    assert [line for line in lines if line.startswith(f"warning: {words}")], lines
    quiet = cli("list", "--json", uri=with_options(standalone, options))
    assert json.loads(quiet.stdout) == {"projects": []}
    assert quiet.stderr.startswith("warning: ")


def test_a_compressor_without_its_library_is_a_warning(standalone: Server, cli: Cli) -> None:
    result = cli("list", "-o", "id", uri=with_options(standalone, "compressors=snappy,zstd"))
    assert result.exit_code == 0, result.stderr
    missing = [line for line in checked(result).splitlines() if "is not available" in line]
    assert all(line.endswith("its library is not installed") for line in missing)


# --- hosts that are not there -------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["nowhere.invalid", "cluster0.nowhere.mongodb.invalid", "nowhere"])
def test_a_seed_list_that_does_not_resolve_is_69_at_once(cli: Cli, host: str) -> None:
    result = cli("list", "--timeout", "20s", uri=f"mongodb+srv://{LOGIN}@{host}")
    assert (result.exit_code, result.stdout) == (69, "")
    error, hint = checked(result).splitlines()
    assert error.startswith(f"error: no answer from mongodb+srv://ann:***@{host}: the DNS record _mongodb._tcp.{host} ")
    assert "mongodb://HOST" in hint


def test_a_seed_list_that_does_not_resolve_ends_a_batch(cli: Cli) -> None:
    lines = '{"id": 1, "endpoint": "projects.get_all"}\n{"id": 2, "endpoint": "projects.get_all"}\n'
    result = cli("batch", "-", uri="mongodb+srv://nowhere.invalid", stdin=lines)
    assert result.exit_code == 69
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(one["id"], one["error"]["name"]) for one in answers] == [(1, "DatabaseUnavailable")]
    checked(result)


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("127.0.0.1:{port}", "check the address and the port"),
        ("[::1]:{port}", "check"),
        ("nowhere.invalid", "check the name of the host"),
        ("%2Ftmp%2Fnowhere.sock", "check the path of the socket"),
    ],
)
def test_a_single_server_that_is_not_there_is_reported_soon(address: str, hint: str) -> None:
    began = time.monotonic()
    result = run(None, "list", PROJECTS_MONGO_URI=f"mongodb://{address.format(port=free_port())}/")
    took = time.monotonic() - began
    assert (result.returncode, result.stdout) == (69, ""), result.stderr
    error, advice = result.stderr.splitlines()
    assert error.startswith("error: no answer from mongodb://")
    assert hint in advice
    assert took < 8  # far from the 10 s of a first contact, on a busy machine too


def test_a_replica_set_that_refuses_is_reported_while_it_is_tried_on() -> None:
    uri = f"mongodb://127.0.0.1:{free_port()},127.0.0.1:{free_port()}/?replicaSet=rs"
    began = time.monotonic()
    process = start(None, "list", "--timeout", "4s", PROJECTS_MONGO_URI=uri)
    assert process.stderr is not None
    line = process.stderr.readline()
    reported = time.monotonic() - began
    _, rest = process.communicate(timeout=60)
    ended = time.monotonic() - began
    assert line.startswith(f"no answer from {uri} yet: 127.0.0.1:")
    assert line.endswith("Connection refused; trying for 4 s\n")
    assert rest.startswith(f"error: no answer from {uri} within 4 s: ")
    assert (process.returncode, ended > 4, ended - reported > 2) == (69, True, True)


def test_with_json_a_server_that_refuses_is_one_object() -> None:
    uri = f"mongodb://127.0.0.1:{free_port()},127.0.0.1:{free_port()}"
    result = run(None, "list", "--json", "--timeout", "2s", PROJECTS_MONGO_URI=uri)
    assert json.loads(result.stderr)["error"]["name"] == "DatabaseUnavailable"
