"""The variables that a ClearML server reads: each is interpreted by the server's rules, or refused by name."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from urllib.parse import quote

import pytest

from projects_cli.config.connection import Target, target
from projects_cli.config.resolution import resolve
from projects_cli.config.server_variables import CONFIGURATION_PREFIXES, FOLDERS, PARTS, PREFIXES, VARIABLES
from projects_cli.errors import ConfigError

HOST = "CLEARML_MONGODB_SERVICE_HOST"
PORT = "CLEARML_MONGODB_SERVICE_PORT"
STRING = "CLEARML_MONGODB_SERVICE_CONNECTION_STRING"
USERNAME = "CLEARML_MONGODB_SERVICE_USERNAME"
PASSWORD = "CLEARML_MONGODB_SERVICE_PASSWORD"  # noqa: S105 - the name of a variable
QUERY = "CLEARML_MONGODB_SERVICE_QUERY"
BACKEND = "CLEARML__HOSTS__MONGO__BACKEND__"
SECRET = "p@ss:w/o+r d%"  # noqa: S105


def found(folder: Path, flags: dict[str, str] | None = None, /, **environment: str) -> Target:
    return target(resolve(flags or {}, {"XDG_CONFIG_HOME": str(folder), **environment}, folder))


def refused(folder: Path, **environment: str) -> str:
    with pytest.raises(ConfigError) as caught:
        found(folder, **environment)
    assert caught.value.hint is not None
    assert "PROJECTS_MONGO_URI" in caught.value.hint
    assert SECRET not in caught.value.message + caught.value.hint
    return caught.value.message


@pytest.mark.parametrize("prefix", PREFIXES)
def test_all_parts_make_a_uri_whatever_their_prefix(tmp_path: Path, prefix: str) -> None:
    values = {"HOST": "mongo", "PORT": "27018", "USERNAME": "a@b", "PASSWORD": SECRET, "QUERY": "authSource=admin"}
    variables = {f"{prefix}MONGODB_SERVICE_{part}": value for part, value in values.items()}
    made = found(tmp_path, **variables)
    assert made.uri == f"mongodb://a%40b:{quote(SECRET, safe='')}@mongo:27018/backend?authSource=admin"
    assert made.source == ", ".join(variables)
    assert made.name == "backend"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_connection_string_wins_over_the_parts(tmp_path: Path, prefix: str) -> None:
    name = f"{prefix}MONGODB_SERVICE_CONNECTION_STRING"
    made = found(tmp_path, **{name: " mongodb://string/other \n", HOST: "mongo", PORT: "tcp://x"})
    assert made == Target("mongodb://string/other", name, "other", name)


def test_kubernetes_service_host(tmp_path: Path) -> None:
    made = found(tmp_path, MONGODB_SERVICE_SERVICE_HOST="10.0.0.1")
    assert (made.uri, made.source) == ("mongodb://10.0.0.1:27017", "MONGODB_SERVICE_SERVICE_HOST")


@pytest.mark.parametrize("part", ["HOST", "CONNECTION_STRING"])
def test_the_server_s_order_of_prefixes_holds_and_empty_values_are_not_set(tmp_path: Path, part: str) -> None:
    names = VARIABLES[part]
    values = {name: f"mongodb://h{number}:27017" for number, name in enumerate(names)}
    if part == "HOST":
        values = {name: value[10:-6] for name, value in values.items()}
    for number, name in enumerate(names):
        assert found(tmp_path, **values).uri == f"mongodb://h{number}:27017"
        values[name] = ""
    assert found(tmp_path, **values).uri is None


def test_host_and_port_of_different_prefixes_are_combined(tmp_path: Path) -> None:
    made = found(tmp_path, MONGODB_SERVICE_HOST="mongo", TRAINS_MONGODB_SERVICE_PORT="1")
    assert made.uri == "mongodb://mongo:1"


@pytest.mark.parametrize(
    ("host", "hosts"),
    [
        ("::1", "[::1]:27017"),
        ("[::1]", "[::1]:27017"),
        ("a,b", "a,b:27017"),
        ("mongo:1", "mongo:1"),
        (" m\n", "m:27017"),
    ],
)
def test_hosts(tmp_path: Path, host: str, hosts: str) -> None:
    assert found(tmp_path, **{HOST: host}).uri == f"mongodb://{hosts}"


def test_the_newline_of_a_mounted_secret_is_removed(tmp_path: Path) -> None:
    made = found(tmp_path, **{HOST: "h", USERNAME: "ann\n", PASSWORD: " x\r\n", QUERY: "?w=1\n"})
    assert made.uri == "mongodb://ann:%20x@h:27017/backend?w=1"


@pytest.mark.parametrize("prefix", ["CLEARML__", "TRAINS__"])
@pytest.mark.parametrize("path", ["HOSTS__MONGO__BACKEND__HOST", "hosts__mongo__backend__host"])
@pytest.mark.parametrize(
    ("value", "uri", "database"),
    [
        ("mongodb://mongo:1/other", "mongodb://mongo:1/other", "other"),
        ('"mongodb://mongo:1/backend"', "mongodb://mongo:1/backend", "backend"),
        ("mongo", "mongodb://mongo", "backend"),
    ],
)
def test_the_server_s_configuration(
    tmp_path: Path, prefix: str, path: str, value: str, uri: str, database: str
) -> None:
    made = found(tmp_path, **{prefix + path: value})
    assert (made.uri, made.source, made.name) == (uri, prefix + path, database)


@pytest.mark.parametrize("key", ["NAME", "DB"])
def test_the_server_s_configuration_names_the_database(tmp_path: Path, key: str) -> None:
    variables = {f"{BACKEND}HOST": "mongodb://mongo", f"{BACKEND}{key}": "other"}
    assert found(tmp_path, **variables).name == "other"
    variables[f"{BACKEND}HOST"] += "/third"
    assert found(tmp_path, **variables).name == "third"
    assert found(tmp_path, **{HOST: "mongo", f"{BACKEND}{key}": "other"}).name == "other"
    assert found(tmp_path, {"database": "mine"}, **variables).name == "mine"


def test_clearml_wins_over_trains_in_the_configuration(tmp_path: Path) -> None:
    host = "HOSTS__MONGO__BACKEND__HOST"
    assert found(tmp_path, **{f"CLEARML__{host}": "a", f"TRAINS__{host}": "b"}).uri == "mongodb://a"


@pytest.mark.parametrize("part", [part for part in PARTS if part not in {"CONNECTION_STRING", "HOST"}])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_part_without_a_host_is_refused_by_its_name(tmp_path: Path, part: str, prefix: str) -> None:
    name = f"{prefix}MONGODB_SERVICE_{part}"
    assert refused(tmp_path, **{name: SECRET}).startswith(f"{name}: set without a host")


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({HOST: "mongo", PORT: "tcp://10.0.0.1:27017"}, [PORT, "Kubernetes"]),
        ({HOST: "mongo", "MONGODB_SERVICE_PORT": "0"}, ["MONGODB_SERVICE_PORT"]),
        ({HOST: "mongo", PORT: "65536"}, [PORT]),
        ({HOST: "mongo", PORT: "x"}, [PORT]),
        ({HOST: "mongodb://ann:p@ss:w/o+r d%@mongo"}, [HOST, "URI"]),
        ({HOST: "mongo/db"}, [HOST]),
        ({HOST: " "}, [HOST]),
        ({HOST: "mongo:1", PORT: "2"}, [HOST]),
        ({HOST: "mongo", PASSWORD: SECRET}, [PASSWORD, "without a user"]),
        ({HOST: "ann@mongo", USERNAME: "bob"}, [HOST, USERNAME]),
        ({STRING: "mongo:27017"}, [STRING]),
        ({STRING: "https://ann:p@ss:w/o+r d%@mongo"}, [STRING]),
        ({f"{BACKEND}HOST": "mongo", HOST: "other"}, [f"{BACKEND}HOST", HOST]),
        ({f"{BACKEND}PORT": "1"}, [f"{BACKEND}PORT"]),
        ({f"{BACKEND}HOST__X": "1"}, [f"{BACKEND}HOST__X"]),
        ({f"{BACKEND}NAME": "other"}, [f"{BACKEND}NAME"]),
        ({"CLEARML__HOSTS__MONGO__BACKEND": "{host: a}"}, ["CLEARML__HOSTS__MONGO__BACKEND"]),
        ({"TRAINS__HOSTS__MONGO": "{}"}, ["TRAINS__HOSTS__MONGO"]),
        ({"CLEARML__hosts": "{}"}, ["CLEARML__hosts"]),
    ],
)
def test_an_unsupported_variable_is_refused_by_name(
    tmp_path: Path, environment: dict[str, str], names: list[str]
) -> None:
    message = refused(tmp_path, **environment)
    assert not [name for name in names if name not in message], message
    assert found(tmp_path, PROJECTS_MONGO_URI="mongodb://mine", **environment).uri == "mongodb://mine"


def test_other_variables_of_a_server_are_ignored(tmp_path: Path) -> None:
    others = {"CLEARML__HOSTS__MONGO__AUTH__HOST": "a", "CLEARML__APISERVER__X": "1", "CLEARML_CONFIG_FILE": "x"}
    others |= {"CLEARML_CONFIG_DIR": str(tmp_path), "CLEARML_ELASTIC_SERVICE_HOST": "e", "MONGODB_PORT": "tcp://x"}
    assert found(tmp_path, **others).uri is None


@pytest.mark.parametrize("variable", ["CLEARML_CONFIG_DIR", "TRAINS_CONFIG_DIR"])
def test_a_folder_of_server_configuration_that_names_a_database_is_refused(tmp_path: Path, variable: str) -> None:
    (tmp_path / "hosts.conf").write_text('mongo { backend { host: "mongodb://x/backend" } }')
    assert refused(tmp_path, **{variable: f"/nowhere:{tmp_path}"}).startswith(variable)
    assert found(tmp_path, **{variable: str(tmp_path), HOST: "mongo"}).uri == "mongodb://mongo:27017"


# --- the database -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("mongodb://h", "backend"),
        ("mongodb://h/", "backend"),
        ("mongodb://h/?w=1", "backend"),
        ("mongodb://h/admin", "backend"),
        ("mongodb://h/admin?authSource=x", "backend"),
        ("mongodb://h/other", "other"),
        ("mongodb://u:p%40x@h,g/other?w=1", "other"),
        ("mongodb://u:p/w@h/other", "other"),
        ("mongodb+srv://h.example/o%2Dther", "o-ther"),
        ("mongodb://h/other.collection", "other"),
        ("mongodb://%2Ftmp%2Fx.sock/other", "other"),
    ],
)
def test_a_database_in_the_uri_is_used_unless_it_is_admin(tmp_path: Path, uri: str, name: str) -> None:
    source = "" if name == "backend" else "PROJECTS_MONGO_URI"
    assert found(tmp_path, PROJECTS_MONGO_URI=uri) == Target(uri, "PROJECTS_MONGO_URI", name, source)
    mine = found(tmp_path, PROJECTS_MONGO_URI=uri, PROJECTS_DATABASE="mine")
    assert (mine.name, mine.name_source) == ("mine", "PROJECTS_DATABASE")
    mine = found(tmp_path, {"database": "mine"}, PROJECTS_MONGO_URI=uri)
    assert (mine.name, mine.name_source) == ("mine", "--database")


def test_every_variable_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "connecting.md").read_text("utf-8")
    hosts = [f"{prefix}HOSTS__MONGO__BACKEND__HOST" for prefix in CONFIGURATION_PREFIXES]
    names = [*chain.from_iterable(VARIABLES.values()), *FOLDERS, *hosts]
    assert [name for name in names if f"`{name}`" not in page] == []
