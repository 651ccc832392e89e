"""The precedence of settings: flag > environment > project file > user file > default."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from projects_cli.config.resolution import resolve
from projects_cli.config.settings import (
    COMMUNITY_COMPANY,
    PROFILE_SETTINGS,
    SETTINGS,
    Settings,
    user_config_file,
)
from projects_cli.errors import ConfigError
from projects_cli.private_files import xdg_folder

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
    """The files that settings are read from: the user's and a folder's."""

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
    return getattr(settings, name), settings.origins[name]


def test_defaults(places: Places) -> None:
    settings = places.resolve()
    assert {name: getattr(settings, name) for name in ("database", "company", "output", "timeout", "uri", "user")} == {
        "database": "backend",
        "company": COMMUNITY_COMPANY,
        "output": "table",
        "timeout": None,
        "uri": None,
        "user": None,
    }
    assert set(settings.origins.values()) == {"default"}


def test_each_source_is_weaker_than_the_previous(places: Places) -> None:
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
    assert places.resolve().database == "top"
    settings = places.resolve(PROJECTS_PROFILE="work")
    assert (settings.database, settings.read_only, settings.timeout) == ("work-db", True, 60)


def test_a_profile_is_chosen_by_flag_then_variable_then_project_then_user_file(places: Places) -> None:
    places.user(USER_FILE + "[profiles.third]\ncompany = 'third-company'\n")
    places.project('profile = "work"')
    flags = {"profile": "third"}
    assert places.resolve(flags=flags, PROJECTS_PROFILE="home").company == "third-company"
    assert places.resolve(PROJECTS_PROFILE="home").company == "home-company"
    assert places.resolve().company == "work-company"


def test_the_error_for_an_unknown_profile_lists_the_profiles(places: Places) -> None:
    places.user(USER_FILE)
    error = places.refused(PROJECTS_PROFILE="wrok")
    assert error.message == f"no profile 'wrok' in {places.user_file}"
    assert error.hint == "profiles in the file: home, work"


def test_a_profile_without_a_file_is_refused(places: Places) -> None:
    assert places.refused(flags={"profile": "work"}).hint == "profiles in the file: (none)"


@pytest.mark.parametrize(
    "content", ['uri = "mongodb://x"', 'company = "x"', 'database = "x"', "yes = true", "[profiles.x]", 'command = "x"']
)
def test_a_project_file_may_only_choose_a_profile(places: Places, content: str) -> None:
    places.project(content)
    message = places.refused().message
    assert ".projects.toml" in message
    assert message.endswith("is not allowed here: this file may only choose a profile by name")


def test_a_flag_overrides_the_profile_of_a_project_file(places: Places) -> None:
    places.user(USER_FILE)
    places.project('profile = "nowhere"')
    assert places.resolve(flags={"profile": "home"}).company == "home-company"


@pytest.mark.parametrize("content", ["profile = 7", "profile = ['home']"])
def test_the_name_of_a_profile_must_be_text(places: Places, content: str) -> None:
    places.user(USER_FILE)
    places.project(content)
    assert "profile" in places.refused().message


def test_each_value_has_its_source(places: Places) -> None:
    places.user(USER_FILE)
    places.project('profile = "work"')
    settings = places.resolve(flags={"output": "csv"}, PROJECTS_TIMEOUT="5")
    profile = f"{places.user_file} [profiles.work]"
    assert {name: settings.sources[name] for name in ("output", "timeout", "company", "profile", "quiet")} == {
        "output": "--output",
        "timeout": "PROJECTS_TIMEOUT",
        "company": profile,
        "profile": str(places.folder / ".projects.toml"),
        "quiet": "",
    }
    assert settings.origins["profile"] == "project file"
    assert places.resolve(flags={"profile": "home"}).sources["database"] == str(places.user_file)


def test_without_a_folder_no_file_is_read(places: Places) -> None:
    places.user("= no configuration")
    environment = {"XDG_CONFIG_HOME": str(places.user_file.parents[1]), "PROJECTS_OUTPUT": "csv"}
    settings = resolve({"profile": "nowhere"}, environment, None)
    assert (settings.output, settings.profile) == ("csv", "nowhere")


ADDRESSES = {"uri": "mongodb://somewhere", "uri-file": "/some/where"}


@pytest.mark.parametrize(("above", "below"), [("uri", "uri-file"), ("uri-file", "uri")])
def test_an_address_of_a_profile_wins_over_the_other_kind_at_the_top(places: Places, above: str, below: str) -> None:
    top, own = ADDRESSES[above], ADDRESSES[below]
    places.user(f'profile = "home"\n{above} = "{top}"\n[profiles.home]\n{below} = "{own}"\n')
    settings = places.resolve()
    assert str(getattr(settings, below.replace("-", "_"))) == own
    assert origin(settings, above.replace("-", "_")) == (None, "default")


@pytest.mark.parametrize(
    ("flags", "environment", "file", "both"),
    [
        ({"uri": "mongodb://x", "uri_file": "x"}, {}, "", "--uri and --uri-file are both set"),
        (
            {},
            {"PROJECTS_MONGO_URI": "mongodb://x", "PROJECTS_MONGO_URI_FILE": "x"},
            "",
            "PROJECTS_MONGO_URI and PROJECTS_MONGO_URI_FILE are both set",
        ),
        ({}, {}, 'uri = "mongodb://x"\nuri-file = "x"\n', "uri and uri-file in {} are both set"),
    ],
)
def test_two_addresses_of_one_source_are_refused(
    places: Places, flags: Any, environment: dict[str, str], file: str, both: str
) -> None:
    places.user(file)
    assert places.refused(flags=flags, **environment).message == both.format(places.user_file)


# --- what a file may say ------------------------------------------------------------------------------------------


def test_an_unknown_key_is_refused_with_the_nearest(places: Places) -> None:
    places.user('databse = "x"')
    error = places.refused()
    assert error.message == f"{places.user_file}: unknown key 'databse'"
    assert error.hint == "did you mean 'database'?"


def test_an_unknown_key_of_a_profile_is_named_with_the_profile(places: Places) -> None:
    places.user('profile = "home"\n[profiles.home]\nzebra = 1')
    error = places.refused()
    assert error.message == f"{places.user_file}: unknown key 'profiles.home.zebra'"
    assert str(error.hint).startswith("known: api-version, company, csv-safe, database")


@pytest.mark.parametrize("key", ["yes", "confirm", "dry-run"])
def test_settings_of_a_single_run_are_refused_in_a_file(places: Places, key: str) -> None:
    places.user(f'{key} = "true"')
    assert f"unknown key '{key}'" in places.refused().message


@pytest.mark.parametrize("name", sorted({one.name for one in SETTINGS} - PROFILE_SETTINGS))
def test_a_profile_has_its_own_settings_only(places: Places, name: str) -> None:
    places.user(f'profile = "home"\n[profiles.home]\n{name} = "1"')
    assert "unknown key" in places.refused().message


def test_dashes_and_underscores_are_equivalent(places: Places) -> None:
    places.user('no-color = true\nfail_if_empty = "yes"')
    settings = places.resolve()
    assert (settings.no_color, settings.fail_if_empty) == (True, True)


@pytest.mark.parametrize("content", ["timeout = 'soon'", "output = 'xml'", "no-color = 'maybe'"])
def test_an_invalid_value_is_named_with_its_source(places: Places, content: str) -> None:
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
    assert places.resolve().timeout == seconds


@pytest.mark.parametrize("content", ["timeout = 0", "timeout = -1"])
def test_a_duration_in_a_file_is_greater_than_zero(places: Places, content: str) -> None:
    places.user(content)
    assert "timeout" in places.refused().message


@pytest.mark.parametrize("content", ["profiles = 7", "[profiles]\nhome = 7", "= 7", "\x00"])
def test_an_invalid_file_is_named(places: Places, content: str) -> None:
    places.user(content)
    assert str(places.user_file) in places.refused(PROJECTS_PROFILE="home").message


def test_a_file_that_is_not_utf_8_is_named(places: Places) -> None:
    places.user_file.write_bytes(b"\xff")
    assert str(places.user_file) in places.refused().message


def test_a_key_in_both_spellings_is_refused(places: Places) -> None:
    places.user("no-color = true\nno_color = false")
    assert "no-color is set twice" in places.refused().message


def test_the_hint_for_a_misplaced_key_names_the_right_part(places: Places) -> None:
    places.user('profile = "home"\n[profiles.home]\nmongod = "x"')
    assert places.refused().hint == "mongod belongs to the top of the file, not to a profile"


def test_a_path_in_a_file_is_relative_to_its_folder(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    for written, meant in (("x", places.user_file.parent / "x"), ("/x", Path("/x")), ("~/x", Path("/home/ann/x"))):
        places.user(f'uri-file = "{written}"')
        assert places.resolve().uri_file == meant
    assert places.resolve(PROJECTS_MONGO_URI_FILE="~/y").uri_file == Path("/home/ann/y")


def test_a_file_that_never_ends_is_refused(places: Places) -> None:
    places.user("# " + "x" * (1 << 20))
    assert "is too long for a settings file" in places.refused().message


# --- whose file it is ---------------------------------------------------------------------------------------------

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@NEEDS_ROOT
def test_a_file_of_another_user_is_refused(places: Places) -> None:
    places.user('database = "x"')
    places.project('profile = "home"')
    for path in (places.folder / ".projects.toml", places.user_file):
        os.chown(path, 12345, -1)
        error = places.refused()
        assert error.message == f"{path} belongs to another user (uid 12345)"
        assert str(error.hint).startswith(f"change its owner: chown {os.geteuid()} {path}; ")
        path.unlink()


@pytest.mark.parametrize("name", ["user", "project"])
@pytest.mark.parametrize(("mode", "others"), [(0o646, "all users"), (0o666, "all users"), (0o664, "its group")])
def test_a_file_that_others_can_write_is_refused(places: Places, name: str, mode: int, others: str) -> None:
    paths = {"user": places.user_file, "project": places.folder / ".projects.toml"}
    paths[name].write_text('profile = "home"')
    paths[name].chmod(mode)
    error = places.refused()
    assert error.message.startswith(f"{paths[name]} can be written by {others}")
    assert error.hint == f"chmod go-w {paths[name]}"


def test_the_mode_of_a_link_is_that_of_its_target(places: Places, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.toml"
    target.write_text('uri = "mongodb://x"')
    places.user_file.symlink_to(target)
    target.chmod(0o644)
    assert "can be read by others" in places.refused().message
    target.chmod(0o600)
    assert places.resolve().uri == "mongodb://x"


def test_a_uri_of_an_unused_profile_must_be_private_too(places: Places) -> None:
    places.user('[profiles.home]\nuri = "mongodb://x"', 0o644)
    assert "can be read by others" in places.refused().message


# --- secrets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
@pytest.mark.parametrize("content", ['uri = "mongodb://x"', 'profile = "p"\n[profiles.p]\nuri = "mongodb://x"'])
def test_a_file_with_a_uri_must_be_private(places: Places, content: str, mode: int) -> None:
    places.user(content, mode)
    error = places.refused()
    assert error.message == f"{places.user_file} holds a URI and can be read by others"
    assert error.hint == f"chmod 600 {places.user_file}"
    places.user(content)
    assert places.resolve().uri == "mongodb://x"


@pytest.mark.parametrize("content", ['uri = ["mongodb://ann:secret@x"]', 'output = "mongodb://ann:secret@x"'])
def test_a_misplaced_uri_is_reported_without_its_password(places: Places, content: str) -> None:
    places.user(content)
    message = places.refused().message
    assert "ann:***@x" in message
    assert "secret" not in message


def test_a_file_without_a_uri_may_be_read_by_others(places: Places) -> None:
    places.user('database = "x"', 0o644)
    assert places.resolve().database == "x"


# --- environment and flags ----------------------------------------------------------------------------------------


def test_an_empty_variable_is_not_set(places: Places) -> None:
    settings = places.resolve(PROJECTS_DATABASE="", PROJECTS_READ_ONLY="")
    assert (settings.database, settings.read_only) == ("backend", False)


def test_a_variable_with_an_invalid_value_is_named(places: Places) -> None:
    for variable, value in (("PROJECTS_TIMEOUT", "soon"), ("PROJECTS_OUTPUT", "xml"), ("PROJECTS_READ_ONLY", "maybe")):
        assert places.refused(**{variable: value}).message.startswith(f"{variable}: ")


def test_a_flag_with_an_invalid_value_is_named(places: Places) -> None:
    assert places.refused(flags={"timeout": "soon"}).message == (
        "--timeout: 'soon' is not a duration; write 30, 45s, 15m, 1h30m or 2d"
    )


def test_a_variable_can_switch_off_a_setting_of_the_file(places: Places) -> None:
    places.user("read-only = true")
    assert places.resolve(PROJECTS_READ_ONLY="0").read_only is False


def test_every_setting_has_a_variable_of_its_own() -> None:
    variables = [setting.variable for setting in SETTINGS if setting.name != "production"]
    assert len(set(variables)) == len(variables)
    assert all(variable and variable.startswith("PROJECTS_") for variable in variables)


def test_production_can_be_set_in_a_profile_only(places: Places) -> None:
    places.user("[profiles.home]\nproduction = true\n")
    assert places.resolve(flags={"profile": "home"}, PROJECTS_PRODUCTION="0").production is True
    places.user("production = true")
    assert places.refused().hint == "production belongs to a profile: profiles.NAME.production"


def test_the_user_file_is_below_home_without_xdg_variables(tmp_path: Path) -> None:
    file = tmp_path / ".config" / "projects" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('database = "at-home"')
    assert resolve({}, {"HOME": str(tmp_path)}, tmp_path).database == "at-home"


def test_a_relative_xdg_folder_is_ignored(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "relative"}
    assert user_config_file(environment) == tmp_path / ".config" / "projects" / "config.toml"


def test_an_unreadable_folder_of_settings_is_an_error(places: Places) -> None:
    error = places.refused(XDG_CONFIG_HOME="/" + "x" * 300)
    assert error.message.endswith("config.toml: File name too long")
    assert error.hint == "the folder of settings is XDG_CONFIG_HOME"


@NEEDS_ROOT
@pytest.mark.parametrize(("closed", "works"), [("folder", True), ("config", False)])
def test_an_unreadable_working_folder_is_ignored_but_unreadable_settings_are_an_error(closed: str, works: bool) -> None:
    """The program is run by a user who cannot read the working folder, or their own settings."""
    code = "import os; from pathlib import Path; from projects_cli.config.resolution import resolve; os.setuid(65534); "
    code += "resolve({}, {'XDG_CONFIG_HOME': os.environ['SETTINGS']}, Path(os.environ['FOLDER']))"
    with tempfile.TemporaryDirectory() as base:
        Path(base).chmod(0o755)
        for name in ("folder", "config"):
            (Path(base) / name).mkdir()
        if closed == "folder":
            (Path(base) / "folder" / ".projects.toml").write_text('profile = "x"')
        (Path(base) / closed).chmod(0o700)
        where = {"SETTINGS": f"{base}/config", "FOLDER": f"{base}/folder"}
        ended = subprocess.run(
            [sys.executable, "-c", code], check=False, env={**os.environ, **where}, capture_output=True, text=True
        )
    assert (ended.returncode == 0) == works, ended.stderr
    assert ("config.toml: Permission denied" in ended.stderr) == (not works)


@pytest.mark.parametrize("chosen", [None, "", "relative", "./here", "~/x", "/srv/ada"])
@pytest.mark.parametrize("home", [None, "", "/home/ada"])
def test_an_xdg_folder_is_absolute_or_below_home(chosen: str | None, home: str | None) -> None:
    given = {"XDG_CACHE_HOME": chosen, "HOME": home}
    environment = {name: value for name, value in given.items() if value is not None}
    folder = xdg_folder(environment, "XDG_CACHE_HOME", ".cache")
    assert folder == str(Path("/srv/ada") if chosen == "/srv/ada" else Path(home or "~").expanduser() / ".cache")
