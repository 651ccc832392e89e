"""`projects profile`: the profiles of the configuration, and the default one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Cli

UNSPOKEN = "topsecret"
PROFILES = f"""\
# mine
profile = "home"

[profiles.home]
database = "x"

[profiles.work]
uri = "mongodb://ann:{UNSPOKEN}@mongo.example"
company = "c"
production = true
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "home" / ".config" / "projects" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(PROFILES)
    path.chmod(0o600)
    return path


def answer(cli: Cli, *arguments: str, **environment: str) -> Any:
    result = cli("profile", *arguments, "--json", **environment)
    assert (result.exit_code, result.stderr) == (0, "")
    assert UNSPOKEN not in result.stdout
    return json.loads(result.stdout)


def refused(cli: Cli, *arguments: str, **environment: str) -> dict[str, Any]:
    result = cli("profile", *arguments, "--json", **environment)
    assert (result.exit_code, result.stdout) == (2, "")
    found: dict[str, Any] = json.loads(result.stderr)["error"]
    return found


def in_use(cli: Cli, *arguments: str, **environment: str) -> list[str]:
    return [one["name"] for one in answer(cli, "list", *arguments, **environment)["profiles"] if one["in_use"]]


def test_list_shows_each_without_secrets(cli: Cli, file: Path) -> None:
    assert answer(cli, "list") == {
        "profiles": [
            {
                "name": "home",
                "in_use": True,
                "production": False,
                "uri": None,
                "uri_file": None,
                "database": "x",
                "company": None,
            },
            {
                "name": "work",
                "in_use": False,
                "production": True,
                "uri": "mongodb://ann:***@mongo.example",
                "uri_file": None,
                "database": None,
                "company": "c",
            },
        ]
    }
    assert cli("profile", "list", "-o", "id").stdout == "home\nwork\n"


def test_list_marks_the_profile_in_use_whatever_chose_it(cli: Cli, file: Path) -> None:
    assert in_use(cli) == ["home"]
    Path(".projects.toml").write_text('profile = "work"')
    assert in_use(cli) == ["work"]
    assert in_use(cli, PROJECTS_PROFILE="home") == ["home"]
    assert in_use(cli, "--profile", "work", PROJECTS_PROFILE="home") == ["work"]


def test_list_without_profiles_shows_how_to_create_one(cli: Cli, file: Path) -> None:
    file.unlink()
    result = cli("profile", "list")
    assert (result.exit_code, result.stdout.count("\n")) == (0, 1)
    assert result.stderr == "no profile is defined: projects config set profiles.NAME.uri-file FILE\n"
    assert answer(cli, "list") == {"profiles": []}


def test_use_sets_the_default_and_keeps_comments(cli: Cli, file: Path) -> None:
    assert answer(cli, "use", "work") == {"key": "profile", "value": "work", "changed": True, "file": str(file)}
    assert file.read_text() == PROFILES.replace('profile = "home"', 'profile = "work"')
    assert in_use(cli) == ["work"]


def test_use_warns_if_a_stronger_source_chooses(cli: Cli, file: Path) -> None:
    result = cli("profile", "use", "work", PROJECTS_PROFILE="home")
    assert result.exit_code == 0
    assert "warning: PROJECTS_PROFILE chooses 'home' here and takes precedence\n" in result.stderr
    assert "warning" not in cli("profile", "use", "home").stderr


def test_use_of_a_missing_profile_is_refused(cli: Cli, file: Path) -> None:
    error = refused(cli, "use", "wrok")
    assert error["message"] == f"no profile 'wrok' in {file}"
    assert error["hint"] == "profiles in the file: home, work"
    assert file.read_text() == PROFILES


def test_use_repairs_a_missing_default(cli: Cli, file: Path) -> None:
    file.write_text(PROFILES.replace('profile = "home"', 'profile = "gone"'))
    assert refused(cli, "list")["hint"] == "profiles in the file: home, work"
    answer(cli, "use", "home")
    assert in_use(cli) == ["home"]


def test_use_with_dry_run_changes_nothing(cli: Cli, file: Path) -> None:
    assert answer(cli, "use", "work", "--dry-run")["changed"] is False
    assert file.read_text() == PROFILES


def test_show_lists_the_settings_of_a_profile(cli: Cli, file: Path) -> None:
    assert answer(cli, "show", "work") == {
        "profile": "work",
        "settings": [
            {"key": "uri", "value": "mongodb://ann:***@mongo.example"},
            {"key": "company", "value": "c"},
            {"key": "production", "value": True},
        ],
    }
    assert answer(cli, "show")["profile"] == "home"
    assert answer(cli, "show", PROJECTS_PROFILE="work")["profile"] == "work"


def test_show_without_a_profile_has_a_hint(cli: Cli, file: Path) -> None:
    file.unlink()
    assert refused(cli, "show")["hint"] == "name a profile from: projects profile list"
    assert refused(cli, "show", "work")["hint"] == "profiles in the file: (none)"
