"""The database: the precedence of the sources of a URI, and that its secrets are never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from projects_cli.config.connection import socket_uri, target
from projects_cli.config.redaction import redacted, redacted_command, shown_uri
from projects_cli.config.resolution import resolve
from projects_cli.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

CONNECTION_STRING = "CLEARML_MONGODB_SERVICE_CONNECTION_STRING"
HOST = {"CLEARML_MONGODB_SERVICE_HOST": "mongo"}
PORT = {"CLEARML_MONGODB_SERVICE_PORT": "27018"}


def uri(folder: Path, *, flags: Any = None, **environment: str) -> str | None:
    return target(resolve(flags or {}, {"XDG_CONFIG_HOME": str(folder), **environment}, folder)).uri


def uri_file(folder: Path, content: str = "mongodb://from-file\n", mode: int = 0o600) -> str:
    path = folder / "uri"
    path.write_text(content)
    path.chmod(mode)
    return str(path)


def profile(folder: Path, content: str) -> None:
    path = folder / "projects" / "config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    path.chmod(0o600)


def test_nothing_set_means_the_private_server(tmp_path: Path) -> None:
    assert uri(tmp_path) is None


def test_clearmls_connection_string_wins_over_its_host(tmp_path: Path) -> None:
    assert uri(tmp_path, **HOST, **PORT, **{CONNECTION_STRING: "mongodb://string"}) == "mongodb://string"


def test_clearmls_host_and_port(tmp_path: Path) -> None:
    assert uri(tmp_path, **HOST) == "mongodb://mongo:27017"
    assert uri(tmp_path, **HOST, **PORT) == "mongodb://mongo:27018"


def test_clearmls_variables_rank_below_a_profile(tmp_path: Path) -> None:
    profile(tmp_path, 'profile = "site"\n[profiles.site]\nuri = "mongodb://profile"\n')
    assert uri(tmp_path, **{CONNECTION_STRING: "mongodb://string"}) == "mongodb://profile"


def test_the_variable_wins_over_a_profile_and_the_flag_over_both(tmp_path: Path) -> None:
    profile(tmp_path, 'profile = "site"\n[profiles.site]\nuri = "mongodb://profile"\n')
    assert uri(tmp_path, PROJECTS_MONGO_URI="mongodb://variable") == "mongodb://variable"
    flags = {"uri": "mongodb://flag"}
    assert uri(tmp_path, flags=flags, PROJECTS_MONGO_URI="mongodb://variable") == "mongodb://flag"


def test_a_uri_file_of_a_stronger_source_wins_over_a_uri(tmp_path: Path) -> None:
    flags = {"uri_file": uri_file(tmp_path)}
    assert uri(tmp_path, flags=flags, PROJECTS_MONGO_URI="mongodb://variable") == "mongodb://from-file"
    assert uri(tmp_path, PROJECTS_MONGO_URI_FILE=uri_file(tmp_path)) == "mongodb://from-file"


def test_a_uri_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    for mode in (0o640, 0o604, 0o644):
        path = uri_file(tmp_path, mode=mode)
        with pytest.raises(ConfigError, match="holds a URI and can be read by others") as caught:
            uri(tmp_path, PROJECTS_MONGO_URI_FILE=path)
        assert caught.value.hint is not None
        assert caught.value.hint.startswith(f"chmod 600 {path}; ")
        assert "PROJECTS_MONGO_URI" in caught.value.hint


@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff\r\n", "mongodb://one\nmongodb://two\n"])
def test_a_uri_file_holds_one_line(tmp_path: Path, content: str) -> None:
    with pytest.raises(ConfigError, match="should contain one line"):
        uri(tmp_path, PROJECTS_MONGO_URI_FILE=uri_file(tmp_path, content))


def test_a_missing_uri_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=str(tmp_path / "missing")):
        uri(tmp_path, PROJECTS_MONGO_URI_FILE=str(tmp_path / "missing"))


# --- secrets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mongodb://ann:secret@host/db", "mongodb://ann:***@host/db"),
        ("mongodb+srv://ann:se:cret@host", "mongodb+srv://ann:***@host"),
        ("mongodb://ann:s@cr/t@host", "mongodb://ann:***@host"),
        ("mongodb://ann:@host", "mongodb://ann:***@host"),
        ("no answer from mongodb://ann:secret@a,b:1/?x=1 now", "no answer from mongodb://ann:***@a,b:1/?x=1 now"),
        (
            "mongodb://host/?tlsCertificateKeyFilePassword=secret&w=1",
            "mongodb://host/?tlsCertificateKeyFilePassword=***&w=1",
        ),
        (
            "mongodb://host/?authMechanismProperties=AWS_SESSION_TOKEN:secret",
            "mongodb://host/?authMechanismProperties=***",
        ),
        ("mongodb://host:27017", "mongodb://host:27017"),
        ("mongodb://ann:my secret@host/db", "mongodb://ann:***@host/db"),
        ("mongodb+srv://ann lee:my secret@host", "mongodb+srv://ann lee:***@host"),
        ("mongodb://ann:my\nsecret@host", "mongodb://ann:***@host"),
        ("'mongodb://ann:1234 secret@host' is no path", "'mongodb://ann:***@host' is no path"),
        ("see https://ann:secret@host and mail a@b", "see https://ann:***@host and mail a@b"),
        ("mongodb://h:1/?password=secret&w=1", "mongodb://h:1/?password=***&w=1"),
        ("mongodb://h/?my-Token=secret", "mongodb://h/?my-Token=***"),
        ("mongodb://ann:secret", "mongodb://ann:***"),  # the @ and the host were forgotten
        ("'mongodb+srv://ann:12secret/db' is invalid", "'mongodb+srv://ann:*** is invalid"),
        ("mongodb://a:27017,b:27018/db", "mongodb://a:27017,b:27018/db"),
        ("mongodb://[::1]:27017/", "mongodb://[::1]:27017/"),
    ],
)
def test_the_secrets_of_a_uri_are_not_shown(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize("scheme", ["mongodb", "MongoDB", "MONGODB+SRV"])
def test_secrets_are_hidden_however_the_scheme_is_written(scheme: str) -> None:
    assert "secret" not in redacted(f"{scheme}://ann:secret@host")


SPACED = "mongodb://ann lee:my se cret@host/?tlsCertificateKeyFilePassword=pass word&w=1"


def test_a_uri_is_shown_without_secrets_that_have_spaces() -> None:
    assert shown_uri(SPACED) == "mongodb://ann lee:***@host/?tlsCertificateKeyFilePassword=***&w=1"
    assert shown_uri("mongodb://ann:my secret@a:1,b:2/db") == "mongodb://ann:***@a:1,b:2/db"


@pytest.mark.parametrize("words", [["--uri", SPACED], [f"--uri={SPACED}"]], ids=["apart", "joined"])
def test_a_command_line_is_kept_without_secrets_and_with_all_else(words: list[str]) -> None:
    kept = redacted_command(["/bin/projects", *words, "update", "x", "-d", "mail ann@example"])
    assert not [secret for secret in ("my", "cret", "pass", "word=p") if secret in kept.replace("FilePassword", "")]
    assert kept.endswith(" update x -d 'mail ann@example'")
    assert redacted_command(["projects", "config", "set", "uri", SPACED]).count("***") == 2


def test_the_uri_of_a_socket_escapes_its_path(tmp_path: Path) -> None:
    assert socket_uri(tmp_path / "a b.sock").endswith("a%20b.sock/?directConnection=true")
