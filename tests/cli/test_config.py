"""`projects config`: settings with their origins, and changes of the file."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from projects_cli.config.settings import SETTINGS

if TYPE_CHECKING:
    from tests.conftest import Cli

UNSPOKEN = "topsecret"
URI = f"mongodb://ann:{UNSPOKEN}@mongo.example:27017"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide the path of the user's configuration, which does not exist yet; the current folder is empty."""
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return tmp_path / "home" / ".config" / "projects" / "config.toml"


def write(file: Path, text: str, mode: int = 0o600) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)


def answer(cli: Cli, *arguments: str, stdin: str | None = None, **environment: str) -> Any:
    result = cli(*arguments, "--json", stdin=stdin, **environment)
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    assert UNSPOKEN not in result.stdout
    return json.loads(result.stdout)


def refused(cli: Cli, *arguments: str, status: int = 2, stdin: str | None = None, **environment: str) -> dict[str, Any]:
    result = cli(*arguments, "--json", stdin=stdin, **environment)
    assert (result.exit_code, result.stdout) == (status, "")
    assert UNSPOKEN not in result.stderr
    found: dict[str, Any] = json.loads(result.stderr)["error"]
    return found


def listed(cli: Cli, *arguments: str, **environment: str) -> dict[str, tuple[object, str, str]]:
    rows = answer(cli, "config", "list", *arguments, **environment)["settings"]
    return {row["key"]: (row["value"], row["origin"], row["source"]) for row in rows}


# --- list ---------------------------------------------------------------------------------------------------------


def test_list_has_every_setting(cli: Cli, file: Path) -> None:
    found = listed(cli)
    assert list(found) == [setting.key for setting in SETTINGS]
    assert {name: origin for name, (_, origin, _) in found.items() if name != "output"} == {
        setting.key: "default" for setting in SETTINGS if setting.name != "output"
    }
    assert found["database"] == ("backend", "default", "")


def test_list_shows_the_source_of_each_value(cli: Cli, file: Path) -> None:
    write(file, f'timeout = "1m"\n[profiles.work]\nuri = "{URI}"\nread-only = true\n')
    Path(".projects.toml").write_text('profile = "work"')
    found = listed(cli, "--lock-wait", "5", PROJECTS_DATABASE="other")
    profile = f"{file} [profiles.work]"
    assert {name: found[name] for name in ("lock-wait", "database", "profile", "uri", "read-only", "timeout")} == {
        "lock-wait": (5.0, "flag", "--lock-wait"),
        "database": ("other", "environment", "PROJECTS_DATABASE"),
        "profile": ("work", "project file", str(Path(".projects.toml").absolute())),
        "uri": ("mongodb://ann:***@mongo.example:27017", "user file", profile),
        "read-only": (True, "user file", profile),
        "timeout": (60.0, "user file", str(file)),
    }
    assert found["output"] == ("json", "flag", "--output")


@pytest.mark.parametrize(
    ("environment", "source"),
    [
        ({"CLEARML_MONGODB_SERVICE_CONNECTION_STRING": URI}, "CLEARML_MONGODB_SERVICE_CONNECTION_STRING"),
        ({"CLEARML_MONGODB_SERVICE_HOST": f"ann:{UNSPOKEN}@mongo.example"}, "CLEARML_MONGODB_SERVICE_HOST"),
    ],
)
def test_list_knows_the_servers_own_variables(cli: Cli, file: Path, environment: dict[str, str], source: str) -> None:
    expected = ("mongodb://ann:***@mongo.example:27017", "environment", source)
    assert listed(cli, **environment)["uri"] == expected
    assert listed(cli, "--uri", "mongodb://x", **environment)["uri"] == ("mongodb://x", "flag", "--uri")


@pytest.mark.parametrize("output", ["table", "tsv", "csv", "yaml", "jsonl", "json", "id"])
def test_list_has_every_format_and_no_secret(cli: Cli, file: Path, output: str) -> None:
    result = cli("config", "list", "-o", output, uri=URI)
    assert (result.exit_code, result.stderr) == (0, "")
    assert UNSPOKEN not in result.stdout
    read: dict[str, Any] = {
        "table": lambda text: [line.split()[0] for line in text.splitlines()[1:]],
        "tsv": lambda text: [line.split("\t")[0] for line in text.splitlines()[1:]],
        "csv": lambda text: [row["key"] for row in csv.DictReader(io.StringIO(text))],
        "yaml": lambda text: [row["key"] for row in yaml.safe_load(text)["settings"]],
        "json": lambda text: [row["key"] for row in json.loads(text)["settings"]],
        "jsonl": lambda text: [json.loads(line)["key"] for line in text.splitlines()],
        "id": lambda text: text.splitlines(),
    }
    assert read[output](result.stdout) == [setting.key for setting in SETTINGS]


def test_a_secret_in_another_setting_is_hidden_too(cli: Cli, file: Path) -> None:
    assert listed(cli, PROJECTS_USER=URI)["user"][0] == "mongodb://ann:***@mongo.example:27017"
    error = refused(cli, "config", "list", PROJECTS_MONGO_URI_FILE=URI)
    assert error["message"] == "PROJECTS_MONGO_URI_FILE: expected a path, not a URI"


# --- get, path ----------------------------------------------------------------------------------------------------


def test_get_prints_the_bare_value(cli: Cli, file: Path) -> None:
    for key, value in (("database", "backend"), ("read-only", "false"), ("read_only", "false"), ("user", "")):
        result = cli("config", "get", key)
        assert (result.exit_code, result.stdout, result.stderr) == (0, f"{value}\n", "")
    assert cli("config", "get", "uri", uri=URI).stdout == "mongodb://ann:***@mongo.example:27017\n"


def test_get_in_json_shows_the_source(cli: Cli, file: Path) -> None:
    write(file, f'[profiles.work]\nuri = "{URI}"\n')
    assert answer(cli, "config", "get", "database", PROJECTS_DATABASE="x") == {
        "key": "database",
        "value": "x",
        "origin": "environment",
        "source": "PROJECTS_DATABASE",
    }
    assert answer(cli, "config", "get", "profiles.work.uri") == {
        "key": "profiles.work.uri",
        "value": "mongodb://ann:***@mongo.example:27017",
        "origin": "user file",
        "source": f"{file} [profiles.work]",
    }
    assert answer(cli, "config", "get", "profiles.work.user")["value"] is None


def test_get_of_an_unknown_setting_suggests_the_nearest(cli: Cli, file: Path) -> None:
    assert refused(cli, "config", "get", "databse")["hint"] == "did you mean 'database'?"
    assert refused(cli, "config", "get", "profiles.work.user")["message"] == f"no profile 'work' in {file}"


def test_path_works_with_an_invalid_file(cli: Cli, file: Path) -> None:
    assert cli("config", "path").stdout == f"{file}\n"
    assert answer(cli, "config", "path") == {"path": str(file), "exists": False}
    write(file, "= no configuration")
    assert answer(cli, "config", "path") == {"path": str(file), "exists": True}


# --- set, unset ---------------------------------------------------------------------------------------------------


def test_set_keeps_comments_and_takes_effect(cli: Cli, file: Path) -> None:
    write(file, '# mine\ndatabase = "x"  # the usual\n')
    assert answer(cli, "config", "set", "database", "y") == {
        "key": "database",
        "value": "y",
        "changed": True,
        "file": str(file),
    }
    assert file.read_text() == '# mine\ndatabase = "y"  # the usual\n'
    assert listed(cli)["database"] == ("y", "user file", str(file))


def test_set_creates_the_file_and_a_profile(cli: Cli, file: Path) -> None:
    result = cli("config", "set", "profiles.work.read_only", "yes")
    assert (result.exit_code, result.stderr) == (0, f"changed {file}\n")
    assert file.read_text() == "[profiles.work]\nread-only = true\n"
    assert listed(cli, "--profile", "work")["read-only"][0] is True


def test_setting_the_same_value_changes_nothing(cli: Cli, file: Path) -> None:
    write(file, 'database = "x"\n')
    before = file.stat()
    assert answer(cli, "config", "set", "database", "x")["changed"] is False
    after = file.stat()
    for name in ("st_mode", "st_ino", "st_uid", "st_gid", "st_size", "st_mtime_ns", "st_ctime_ns"):  # it was only read
        assert getattr(after, name) == getattr(before, name), name


def test_a_file_with_a_uri_becomes_private(cli: Cli, file: Path) -> None:
    write(file, 'database = "x"\n', 0o644)
    result = cli("config", "set", "uri", URI)
    assert (result.exit_code, file.stat().st_mode & 0o777) == (0, 0o600)
    assert "the shell's history may keep the password" in result.stderr
    assert UNSPOKEN not in result.stdout + result.stderr
    assert f'uri = "{URI}"' in file.read_text()


def test_a_value_is_read_from_standard_input(cli: Cli, file: Path) -> None:
    assert answer(cli, "config", "set", "profiles.work.uri", "-", stdin=f"{URI}\n")["value"] == (
        "mongodb://ann:***@mongo.example:27017"
    )
    assert f'uri = "{URI}"' in file.read_text()
    assert "is empty" in refused(cli, "config", "set", "uri", "-", stdin="\n")["message"]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("databse", "x"), "did you mean 'database'?"),
        (("profiles.work.databse", "x"), "did you mean 'database'?"),
        (("production", "true"), "production belongs to a profile: profiles.NAME.production"),
        (("database", "x", "--profile", "work"), "name it in the key: profiles.work.database"),
        (("profiles.work", "x"), "known: "),
    ],
)
def test_set_refuses_an_unknown_key(cli: Cli, file: Path, arguments: tuple[str, ...], hint: str) -> None:
    assert refused(cli, "config", "set", *arguments)["hint"].startswith(hint)
    assert not file.exists()


@pytest.mark.parametrize(("key", "value"), [("timeout", "soon"), ("output", "xml"), ("profiles.a.read-only", "maybe")])
def test_set_refuses_an_invalid_value(cli: Cli, file: Path, key: str, value: str) -> None:
    assert refused(cli, "config", "set", key, value)["message"].startswith(f"{key}: {value!r} ")
    assert not file.exists()


def test_set_refuses_to_choose_a_missing_profile(cli: Cli, file: Path) -> None:
    assert refused(cli, "config", "set", "profile", "work")["message"] == f"no profile 'work' in {file}"


def test_unset_removes_a_key_or_a_profile(cli: Cli, file: Path) -> None:
    write(file, 'database = "x"\n[profiles.work]\ncompany = "c"\nuser = "u"\n[profiles.home]\n')
    assert answer(cli, "config", "unset", "profiles.work.user")["value"] is None
    answer(cli, "config", "unset", "profiles.home")
    answer(cli, "config", "unset", "database")
    assert file.read_text() == '[profiles.work]\ncompany = "c"\n'
    assert "is not in the file" in refused(cli, "config", "unset", "database")["message"]


def test_unset_repairs_a_file_with_an_unknown_key(cli: Cli, file: Path) -> None:
    write(file, 'databse = "x"\ndatabase = "y"\n')
    assert refused(cli, "config", "list")["hint"] == "did you mean 'database'?"
    answer(cli, "config", "unset", "databse")
    assert listed(cli)["database"][0] == "y"


def test_the_profile_in_use_is_not_removed(cli: Cli, file: Path) -> None:
    write(file, 'profile = "work"\n[profiles.work]\n')
    assert refused(cli, "config", "unset", "profiles.work")["message"] == f"no profile 'work' in {file}"


@pytest.mark.parametrize("arguments", [("set", "database", "y"), ("unset", "database")])
def test_a_dry_run_changes_nothing(cli: Cli, file: Path, arguments: tuple[str, ...]) -> None:
    write(file, 'database = "x"\n')
    result = cli("config", *arguments, "--dry-run")
    assert (result.exit_code, result.stderr) == (0, f"would change {file}\n")
    assert file.read_text() == 'database = "x"\n'


def test_a_file_that_is_not_toml_is_left_unchanged(cli: Cli, file: Path) -> None:
    write(file, "= no configuration")
    for arguments in (("set", "database", "x"), ("unset", "database"), ("list",), ("get", "database")):
        assert refused(cli, "config", *arguments)["message"].startswith(f"{file}: ")
    assert file.read_text() == "= no configuration"


# --- edit ---------------------------------------------------------------------------------------------------------


def editor(tmp_path: Path, code: str) -> str:
    """Return an editor: Python code that finds the file in `path`."""
    script = tmp_path / "editor script.py"
    script.write_text(f"import pathlib, sys\npath = pathlib.Path(sys.argv[-1])\n{code}\n")
    return f"{sys.executable} '{script}'"


def test_edit_keeps_what_the_editor_wrote(cli: Cli, file: Path, tmp_path: Path) -> None:
    write(file, 'database = "x"\n')
    program = editor(tmp_path, "path.write_text(path.read_text().replace('x', 'y'))")
    result = cli("config", "edit", EDITOR=program)
    assert (result.exit_code, result.stderr) == (0, f"changed {file}\n")
    assert file.read_text() == 'database = "y"\n'
    result = cli("config", "edit", EDITOR="false", VISUAL=editor(tmp_path, ""))
    assert (result.exit_code, result.stderr) == (0, "nothing was changed\n")


def test_edit_begins_with_a_commented_example(cli: Cli, file: Path, tmp_path: Path) -> None:
    program = editor(tmp_path, "assert path.stat().st_mode & 0o777 == 0o600\npath.open('a').write('timeout = 5\\n')")
    assert cli("config", "edit", EDITOR=program).exit_code == 0
    assert file.read_text().startswith("# Settings of `projects`")
    assert listed(cli)["timeout"][0] == 5


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("path.write_text('databse = 1')", 2, "unknown key 'databse'"),
        ("path.write_bytes(b'\\xff')", 2, "is not valid UTF-8: byte 0xff at offset 0"),
        ("path.write_text('changed = 1'); sys.exit(3)", 1, "the editor ended with status 3: nothing was changed"),
        ("path.unlink()", 1, "nothing was changed"),
    ],
)
def test_edit_refuses_an_invalid_configuration(
    cli: Cli, file: Path, tmp_path: Path, code: str, status: int, message: str
) -> None:
    write(file, 'database = "x"\n')
    assert message in refused(cli, "config", "edit", status=status, EDITOR=editor(tmp_path, code))["message"]
    assert file.read_text() == 'database = "x"\n'
    assert list(file.parent.iterdir()) == [file]


def test_edit_repairs_an_invalid_file(cli: Cli, file: Path, tmp_path: Path) -> None:
    write(file, "= no configuration")
    assert cli("config", "edit", EDITOR=editor(tmp_path, "path.write_text('database = \"x\"')")).exit_code == 0
    assert listed(cli)["database"][0] == "x"


def test_edit_does_not_overwrite_a_concurrent_change(cli: Cli, file: Path, tmp_path: Path) -> None:
    write(file, 'database = "x"\n')
    code = f"path.write_text('timeout = 5'); pathlib.Path({str(file)!r}).write_text('database = \"theirs\"')"
    assert "in the meantime" in refused(cli, "config", "edit", EDITOR=editor(tmp_path, code))["message"]
    assert file.read_text() == 'database = "theirs"'


def test_edit_refuses_a_file_that_others_can_write(cli: Cli, file: Path, tmp_path: Path) -> None:
    write(file, 'database = "x"\n')
    file.chmod(0o646)
    error = refused(cli, "config", "edit", EDITOR=editor(tmp_path, "path.write_text('timeout = 5')"))
    assert "can be written by all users" in error["message"]
    assert file.read_text() == 'database = "x"\n'


def test_ctrl_c_is_left_to_the_editor(cli: Cli, file: Path, tmp_path: Path) -> None:
    code = "import os, signal\nassert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
    code += "os.kill(os.getppid(), signal.SIGINT)\npath.write_text('timeout = 5')"
    result = cli("config", "edit", EDITOR=editor(tmp_path, code))
    assert (result.exit_code, file.read_text()) == (0, "timeout = 5")


def test_without_a_terminal_no_editor_is_guessed(cli: Cli, file: Path) -> None:
    error = refused(cli, "config", "edit", EDITOR="", VISUAL="")
    assert (error["message"], error["hint"]) == (
        "cannot start an editor without a terminal",
        "use: projects config set KEY VALUE",
    )


@pytest.mark.parametrize("program", ["/no/such/editor", "'unbalanced"])
def test_an_editor_that_cannot_be_started_is_named(cli: Cli, file: Path, program: str) -> None:
    error = refused(cli, "config", "edit", EDITOR=program)
    assert program in error["message"].replace("\\", "").replace('"', "'")
    assert error["hint"] == "name another editor: EDITOR=nano"


@pytest.mark.parametrize("command", [("unset", ""), ("set", "", "x"), ("get", "")])
def test_an_empty_key_is_refused(cli: Cli, file: Path, command: tuple[str, ...]) -> None:
    assert refused(cli, "config", *command)["message"] == "the key is empty"
