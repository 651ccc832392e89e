"""Which value of a setting holds: flag > environment > project file > user file > default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from projects_cli.config.settings import COMMUNITY_COMPANY, PROFILE_SETTINGS, SETTINGS, Settings, resolve
from projects_cli.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

USER_FILE = """
profile = "home"
database = "top"
timeout = "1m"

[profiles.home]
company = "home-company"

[profiles.work]
company = "work-company"
database = "work-db"
read-only = true
"""


@dataclass
class Places:
    """Where settings come from: a user's file, a folder's file."""

    folder: Path
    user_file: Path

    def resolve(self, *, flags: Any = None, **environment: str) -> Settings:
        return resolve(flags or {}, {"XDG_CONFIG_HOME": str(self.user_file.parents[1]), **environment}, self.folder)

    def user(self, text: str, mode: int = 0o600) -> None:
        self.user_file.write_text(text)
        self.user_file.chmod(mode)

    def project(self, text: str) -> None:
        (self.folder / ".projects.toml").write_text(text)

    def refused(self, *, flags: Any = None, **environment: str) -> ConfigError:
        with pytest.raises(ConfigError) as caught:
            self.resolve(flags=flags, **environment)
        return caught.value


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "folder").mkdir()
    (tmp_path / "config" / "projects").mkdir(parents=True)
    return Places(tmp_path / "folder", tmp_path / "config" / "projects" / "config.toml")


def origin(settings: Settings, name: str) -> tuple[object, str]:
    return settings[name], settings.origins[name]


def test_defaults(places: Places) -> None:
    settings = places.resolve()
    assert {name: settings[name] for name in ("database", "company", "output", "timeout", "uri", "user")} == {
        "database": "backend",
        "company": COMMUNITY_COMPANY,
        "output": "table",
        "timeout": None,
        "uri": None,
        "user": None,
    }
    assert set(settings.origins.values()) == {"default"}
    assert not settings.given("database")


def test_each_place_is_weaker_than_the_one_before(places: Places) -> None:
    places.user(USER_FILE)
    assert origin(places.resolve(), "company") == ("home-company", "user file")
    places.project('profile = "work"')
    assert origin(places.resolve(), "company") == ("work-company", "user file")
    assert origin(places.resolve(), "profile")[0] == "work"
    assert origin(places.resolve(PROJECTS_COMPANY="variable"), "company") == ("variable", "environment")
    flags = {"company": "flag"}
    assert origin(places.resolve(flags=flags, PROJECTS_COMPANY="variable"), "company") == ("flag", "flag")


def test_a_profile_wins_over_the_top_of_its_file(places: Places) -> None:
    places.user(USER_FILE)
    assert places.resolve()["database"] == "top"
    settings = places.resolve(PROJECTS_PROFILE="work")
    assert (settings["database"], settings["read_only"], settings["timeout"]) == ("work-db", True, 60)


def test_a_profile_is_chosen_by_flag_then_variable_then_project_then_user_file(places: Places) -> None:
    places.user(USER_FILE + "[profiles.third]\ncompany = 'third-company'\n")
    places.project('profile = "work"')
    flags = {"profile": "third"}
    assert places.resolve(flags=flags, PROJECTS_PROFILE="home")["company"] == "third-company"
    assert places.resolve(PROJECTS_PROFILE="home")["company"] == "home-company"
    assert places.resolve()["company"] == "work-company"


def test_an_unknown_profile_names_those_that_there_are(places: Places) -> None:
    places.user(USER_FILE)
    error = places.refused(PROJECTS_PROFILE="wrok")
    assert error.message == f"there is no profile 'wrok' in {places.user_file}"
    assert error.hint == "profiles there: home, work"


def test_a_profile_without_a_file_is_refused(places: Places) -> None:
    assert places.refused(flags={"profile": "work"}).hint == "profiles there: none is defined"


@pytest.mark.parametrize(
    "content", ['uri = "mongodb://x"', 'company = "x"', 'database = "x"', "yes = true", "[profiles.x]", 'command = "x"']
)
def test_a_project_file_may_only_choose_a_profile(places: Places, content: str) -> None:
    places.project(content)
    message = places.refused().message
    assert ".projects.toml" in message
    assert message.endswith("is not allowed here: this file may only choose a profile by name")


def test_a_project_files_profile_does_not_matter_where_a_flag_chooses(places: Places) -> None:
    places.user(USER_FILE)
    places.project('profile = "nowhere"')
    assert places.resolve(flags={"profile": "home"})["company"] == "home-company"


@pytest.mark.parametrize("content", ["profile = 7", "profile = ['home']"])
def test_a_profile_is_named_by_text(places: Places, content: str) -> None:
    places.user(USER_FILE)
    places.project(content)
    assert "profile" in places.refused().message


# --- what a file may say ------------------------------------------------------------------------------------------


def test_an_unknown_key_brings_the_nearest(places: Places) -> None:
    places.user('databse = "x"')
    error = places.refused()
    assert error.message == f"{places.user_file}: unknown key 'databse'"
    assert error.hint == "did you mean 'database'?"


def test_an_unknown_key_of_a_profile_is_named_with_it(places: Places) -> None:
    places.user('profile = "home"\n[profiles.home]\nzebra = 1')
    error = places.refused()
    assert error.message == f"{places.user_file}: unknown key 'profiles.home.zebra'"
    assert str(error.hint).startswith("known: company, database")


@pytest.mark.parametrize("key", ["yes", "confirm", "dry-run"])
def test_answers_to_questions_do_not_belong_in_a_file(places: Places, key: str) -> None:
    places.user(f'{key} = "true"')
    assert f"unknown key '{key}'" in places.refused().message


@pytest.mark.parametrize("name", sorted({one.name for one in SETTINGS} - PROFILE_SETTINGS))
def test_a_profile_has_its_own_settings_only(places: Places, name: str) -> None:
    places.user(f'profile = "home"\n[profiles.home]\n{name} = "1"')
    assert "unknown key" in places.refused().message


def test_dashes_and_underscores_are_the_same(places: Places) -> None:
    places.user('no-color = true\nfail_if_empty = "yes"')
    settings = places.resolve()
    assert (settings["no_color"], settings["fail_if_empty"]) == (True, True)


@pytest.mark.parametrize("content", ["timeout = 'soon'", "output = 'xml'", "no-color = 'maybe'"])
def test_a_value_that_can_not_be_read_is_named_with_its_place(places: Places, content: str) -> None:
    places.user(content)
    assert places.refused().message.startswith(f"{places.user_file}: {content.partition(' ')[0]}: ")


@pytest.mark.parametrize(
    "content",
    ["no-color = 7", "company = 7", "database = ['x']", "output = true", "timeout = true", "schema = 7", "user = {}"],
)
def test_a_value_of_another_type_is_refused(places: Places, content: str) -> None:
    places.user(content)
    assert places.refused().message.startswith(f"{places.user_file}: ")


@pytest.mark.parametrize(("content", "seconds"), [("timeout = 5", 5), ("timeout = 2.5", 2.5), ("timeout = '2m'", 120)])
def test_a_number_in_a_file_is_seconds(places: Places, content: str, seconds: float) -> None:
    places.user(content)
    assert places.resolve()["timeout"] == seconds


@pytest.mark.parametrize("content", ["timeout = 0", "timeout = -1"])
def test_a_duration_in_a_file_is_more_than_nothing(places: Places, content: str) -> None:
    places.user(content)
    assert "timeout" in places.refused().message


@pytest.mark.parametrize("content", ["profiles = 7", "[profiles]\nhome = 7", "= 7", "\x00"])
def test_a_file_that_is_no_configuration_is_named(places: Places, content: str) -> None:
    places.user(content)
    assert str(places.user_file) in places.refused(PROJECTS_PROFILE="home").message


def test_a_file_that_is_no_utf_8_is_named(places: Places) -> None:
    places.user_file.write_bytes(b"\xff")
    assert str(places.user_file) in places.refused().message


# --- secrets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
@pytest.mark.parametrize("content", ['uri = "mongodb://x"', 'profile = "p"\n[profiles.p]\nuri = "mongodb://x"'])
def test_a_file_with_a_uri_is_for_its_owner_alone(places: Places, content: str, mode: int) -> None:
    places.user(content, mode)
    error = places.refused()
    assert error.message == f"{places.user_file} holds a URI and can be read by others"
    assert error.hint == f"chmod 600 {places.user_file}"
    places.user(content)
    assert places.resolve()["uri"] == "mongodb://x"


def test_a_file_without_a_uri_may_be_read_by_others(places: Places) -> None:
    places.user('database = "x"', 0o644)
    assert places.resolve()["database"] == "x"


# --- environment and flags ----------------------------------------------------------------------------------------


def test_an_empty_variable_is_not_set(places: Places) -> None:
    settings = places.resolve(PROJECTS_DATABASE="", PROJECTS_READ_ONLY="")
    assert (settings["database"], settings["read_only"]) == ("backend", False)


def test_a_variable_that_can_not_be_read_is_named(places: Places) -> None:
    for variable, value in (("PROJECTS_TIMEOUT", "soon"), ("PROJECTS_OUTPUT", "xml"), ("PROJECTS_READ_ONLY", "maybe")):
        assert places.refused(**{variable: value}).message.startswith(f"{variable}: ")


def test_a_flag_that_can_not_be_read_is_named(places: Places) -> None:
    assert places.refused(flags={"timeout": "soon"}).message == (
        "--timeout: 'soon' is no duration; write 30, 45s, 15m or 1h30m"
    )


def test_a_switch_in_the_environment_can_be_off_against_the_file(places: Places) -> None:
    places.user("read-only = true")
    assert places.resolve(PROJECTS_READ_ONLY="0")["read_only"] is False


def test_every_setting_has_a_variable_of_its_own() -> None:
    variables = [setting.variable for setting in SETTINGS]
    assert len(set(variables)) == len(variables)
    assert all(variable.startswith("PROJECTS_") for variable in variables)


def test_the_users_file_is_in_home_where_xdg_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / ".config" / "projects" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('database = "at-home"')
    assert resolve({}, {"HOME": str(tmp_path)}, tmp_path)["database"] == "at-home"
