"""A server with users: privileges, wrong passwords, missing privileges, and secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymongo
import pytest

from tests.faults.nodes import Node, one_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cli

SECRET = "top:s/cr@t"  # noqa: S105 - of a server that lives for this test
ESCAPED = "top%3As%2Fcr%40t"
TRACES = (SECRET, ESCAPED, "wrongsecret", "cr@t", "Traceback")
USERS: dict[str, list[tuple[str, str]]] = {
    "writer": [("readWrite", "backend"), ("readWrite", "projects_cli")],
    "reader": [("read", "backend")],
    "without-journal": [("readWrite", "backend")],
    "nobody": [],
}
CREATE = ("create", "vision", "-d", "x", "--new-company")


@pytest.fixture(scope="module")
def guarded() -> Iterator[Node]:
    """Run a server that wants a login."""
    with one_node(["--auth"]) as node:
        with pymongo.MongoClient[dict[str, Any]](node.uri) as client:
            client.admin.command("createUser", "root", pwd=SECRET, roles=["root"])
        with pymongo.MongoClient[dict[str, Any]](as_user(node, "root")) as client:
            for name, roles in USERS.items():
                granted = [{"role": role, "db": database} for role, database in roles]
                client.admin.command("createUser", name, pwd=SECRET, roles=granted)
        yield node


@pytest.fixture
def administrator(guarded: Node) -> Iterator[pymongo.MongoClient[dict[str, Any]]]:
    """Provide a client with all privileges; drop what the test created."""
    with pymongo.MongoClient[dict[str, Any]](as_user(guarded, "root")) as client:
        yield client
        client.drop_database("backend")
        client.drop_database("projects_cli")


def as_user(node: Node, name: str, options: str = "", password: str = ESCAPED) -> str:
    return f"mongodb://{name}:{password}@{node.address}/{options}"


def told(result: Any) -> str:
    """Return the message of a command that failed: one line and a hint, without a secret."""
    lines = result.stderr.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["error", "hint"], result.stderr
    assert not [trace for trace in TRACES if trace in result.stdout + result.stderr]
    return str(result.stderr)


@pytest.mark.parametrize("mechanism", ["", "?authMechanism=SCRAM-SHA-1", "?authMechanism=SCRAM-SHA-256"])
def test_a_login_works(
    guarded: Node, administrator: pymongo.MongoClient[dict[str, Any]], cli: Cli, mechanism: str
) -> None:
    made = cli(*CREATE, "--verbose", uri=as_user(guarded, "writer", mechanism))
    assert made.exit_code == 0, made.stderr
    assert f"database: mongodb://writer:***@{guarded.address}/" in made.stderr
    assert SECRET not in made.stderr + made.stdout
    assert administrator["backend"]["project"].distinct("name") == ["vision"]


@pytest.mark.parametrize(
    ("user", "options", "password"),
    [
        ("writer", "", "wrongsecret"),
        ("writer", "?authMechanism=SCRAM-SHA-1", "wrongsecret"),
        ("writer", "?authSource=backend", ESCAPED),
        ("stranger", "", ESCAPED),
    ],
)
def test_a_wrong_login_is_77(guarded: Node, cli: Cli, user: str, options: str, password: str) -> None:
    result = cli("list", uri=as_user(guarded, user, options, password))
    assert (result.exit_code, result.stdout) == (77, "")
    assert f"error: mongodb://{user}:***@{guarded.address}/{options} refused: Authentication failed." in told(result)
    assert "authSource" in told(result)


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ("", "'admin', by default, as the URI has no authSource"),
        ("backend", "'backend', by the path of the URI, as it has no authSource"),
        ("back%65nd?w=1", "'backend', by the path of the URI, as it has no authSource"),
        ("?authSource=backend", "'backend', by authSource in the URI"),
        ("other?authSource=backend", "'backend', by authSource in the URI"),
    ],
)
def test_a_refused_login_says_where_the_user_was_looked_up(guarded: Node, cli: Cli, options: str, where: str) -> None:
    wrong = "" if "backend" in options or "back%65" in options else "wrongsecret"
    result = cli("list", uri=as_user(guarded, "writer", options, wrong or ESCAPED))
    assert (result.exit_code, result.stdout) == (77, "")
    error, hint = told(result).splitlines()
    assert error.endswith(f"Authentication failed. (the user 'writer' was looked up in the database {where})")
    assert "authSource=DATABASE" in hint


@pytest.mark.parametrize(("password", "escape"), [("wrong+secret", "%2B"), ("wrong secret", "%20")])
def test_a_password_with_a_plus_or_a_blank_is_explained(guarded: Node, cli: Cli, password: str, escape: str) -> None:
    result = cli("list", uri=as_user(guarded, "writer", password=password))
    assert (result.exit_code, result.stdout) == (77, "")
    warning, error, hint = result.stderr.splitlines()
    assert warning.startswith("warning: user or password in the MongoDB URI has an unescaped ")
    assert escape in warning
    assert "Authentication failed" in error
    assert escape in hint
    assert "secret" not in result.stderr


def test_the_password_of_the_server_s_variables_is_escaped_and_shown_nowhere(
    guarded: Node, administrator: pymongo.MongoClient[dict[str, Any]], cli: Cli
) -> None:
    host, port = guarded.address.split(":")
    variables = {"HOST": host, "PORT": port, "USERNAME": "writer", "PASSWORD": SECRET, "QUERY": "authSource=admin"}
    given = {f"CLEARML_MONGODB_SERVICE_{part}": value for part, value in variables.items()}
    result = cli("status", "--verbose", **given)
    assert result.exit_code == 0, result.stderr
    assert cli(*CREATE, **given).exit_code == 0
    assert administrator["backend"]["project"].distinct("name") == ["vision"]
    texts = [result.stdout, result.stderr, cli("config", "list", **given).stdout, cli("history", **given).stdout]
    without_source = {name: value for name, value in given.items() if not name.endswith("QUERY")}
    refused = cli("list", **without_source)
    assert (refused.exit_code, "looked up in the database 'backend'" in refused.stderr) == (77, True)
    assert not [trace for trace in TRACES for text in (*texts, refused.stderr) if trace in text]


def test_a_wrong_login_is_told_once_for_several(guarded: Node, cli: Cli) -> None:
    result = cli("delete", "one", "two", "--yes", uri=as_user(guarded, "writer", password="wrongsecret"))  # noqa: S106
    assert (result.exit_code, result.stdout) == (77, "")
    assert "Authentication failed." in told(result)


def test_no_login_at_all_is_77(guarded: Node, cli: Cli) -> None:
    result = cli("list", uri=f"mongodb://{guarded.address}")
    assert (result.exit_code, result.stdout) == (77, "")
    assert "requires authentication, and the URI names no user" in told(result)
    assert "mongodb://USER:PASSWORD@HOST" in told(result)
    assert "check the user, the password" in told(result)


@pytest.mark.parametrize(
    ("user", "arguments", "words", "hint"),
    [
        ("nobody", ("list",), "not authorized on backend to execute command find", "needs read"),
        ("nobody", ("list", "--stats"), "not authorized on backend", "needs read"),
        ("nobody", ("metrics",), "not authorized on backend to execute command count", "needs read"),
        ("nobody", ("task-tags",), "not authorized on backend to execute command", "needs read"),
        ("nobody", CREATE, "not authorized on backend", "needs read"),
        ("reader", CREATE, "not authorized on projects_cli", 'db: "projects_cli"'),
        ("reader", (*CREATE, "--no-journal"), "not authorized on backend to execute command insert", "readWrite"),
        ("without-journal", CREATE, "cannot write the journal", "--no-journal"),
        ("without-journal", ("history",), "cannot read the journal: ", 'role: "read", db: "projects_cli"'),
    ],
)
def test_a_missing_right_is_77(
    guarded: Node,
    administrator: pymongo.MongoClient[dict[str, Any]],
    cli: Cli,
    user: str,
    arguments: tuple[str, ...],
    words: str,
    hint: str,
) -> None:
    result = cli(*arguments, uri=as_user(guarded, user))
    assert (result.exit_code, result.stdout) == (77, "")
    error, advice = told(result).splitlines()
    assert words in error
    assert hint in advice
    assert not administrator["backend"].list_collection_names()


def test_a_reader_reads(guarded: Node, administrator: pymongo.MongoClient[dict[str, Any]], cli: Cli) -> None:
    assert cli(*CREATE, uri=as_user(guarded, "writer")).exit_code == 0
    for arguments in [("list",), ("list", "--stats"), ("get", "vision"), ("metrics",), ("task-tags",)]:
        result = cli(*arguments, "--json", uri=as_user(guarded, "reader"))
        assert (result.exit_code, result.stderr) == (0, "")


def test_the_journal_keeps_no_secret(
    guarded: Node, administrator: pymongo.MongoClient[dict[str, Any]], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["projects", *CREATE, "--uri", as_user(guarded, "writer")]
    monkeypatch.setattr(sys, "argv", words)
    assert cli(*words[1:]).exit_code == 0
    record = administrator["projects_cli"]["operation"].find_one()
    assert record is not None
    assert "--uri" in record["command"]
    assert not [trace for trace in TRACES if trace in str(record)]


@pytest.mark.parametrize("joined", [False, True], ids=["--uri URI", "--uri=URI"])
def test_a_password_with_spaces_is_shown_nowhere(
    guarded: Node,
    administrator: pymongo.MongoClient[dict[str, Any]],
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    joined: bool,
) -> None:
    """The driver takes one as it is, in a user's name too."""
    user, password = f"ann lee {joined}", "my spaced word"
    roles = [{"role": "readWrite", "db": database} for database in ("backend", "projects_cli")]
    administrator.admin.command("createUser", user, pwd=password, roles=roles)
    uri = f"mongodb://{user}:{password}@{guarded.address}/"
    flags = [f"--uri={uri}"] if joined else ["--uri", uri]

    def said(*arguments: str, status: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["projects", *flags, *arguments])
        result = cli(*flags, *arguments)
        assert result.exit_code == status, result.stderr
        return str(result.stdout + result.stderr)

    texts = [said(*CREATE, "-v"), said("delete", "vision", "--force"), said("undo", "--yes")]
    texts += [said("history", "--json"), said("status", "--json"), said("doctor", status=6)]
    holder = {"expires": datetime.now(UTC) + timedelta(hours=1), "owner": "x", "host": "elsewhere"}
    lease = administrator["projects_cli"]["lease"].find_one()
    assert lease is not None
    administrator["projects_cli"]["lease"].update_one({"_id": lease["_id"]}, {"$set": holder})
    texts += [said("delete", "vision", "--force", "--lock-wait", "1s", status=75), said("status", "--json")]
    texts += [str(list(administrator["projects_cli"][name].find())) for name in ("operation", "change", "lease")]
    texts += [str(cli("list", uri=uri.replace("word", "wrong")).stderr)]
    assert not [text for text in texts if "spaced" in text or "word@" in text or "wrong@" in text]
    assert texts[-4].count(f"{user}:***@") == 3  # create, delete, undo
    assert f"{user}:***@" in texts[-2]


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc")
@pytest.mark.parametrize("way", ["variable", "file"])
def test_no_process_list_shows_the_password(guarded: Node, tmp_path: Path, way: str) -> None:
    """A flag is shown there by every system; the program reports that, and has these two ways for it."""
    file = tmp_path / "uri"
    file.write_text(as_user(guarded, "writer"))
    file.chmod(0o600)
    variables = {"PROJECTS_MONGO_URI": as_user(guarded, "writer")} if way == "variable" else {}
    flags = ["--uri-file", str(file)] if way == "file" else []
    process = subprocess.Popen(
        [sys.executable, "-m", "projects_cli", "batch", "-", *flags],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        process.stdin.write('{"endpoint": "projects.get_all"}\n')
        process.stdin.flush()
        assert '"ok":true' in process.stdout.readline()
        titles = [Path(f"/proc/{process.pid}/{name}").read_text() for name in ("cmdline", "comm", "stat")]
        process.stdin.close()
    assert "projects_cli" in titles[0]
    assert not [trace for trace in TRACES if trace in "".join(titles)]
