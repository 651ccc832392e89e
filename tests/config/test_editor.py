"""Changes of the configuration's text and file: only the intended ones, completely or not at all."""

from __future__ import annotations

import fcntl
import os
import tomllib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import pytest

from projects_cli.config import editor
from projects_cli.config.editor import Key, parse_key, replace, rewrite, setting_at, with_value, without
from projects_cli.config.settings import BY_NAME
from projects_cli.errors import ConfigError, LockHeld

if TYPE_CHECKING:
    from pathlib import Path

COMMENTED = """\
# settings of mine
database = "x"   # the usual one

# work
[profiles.work]
company = "c"    # theirs
read_only = true
"""
SHAPES = [
    "",
    COMMENTED,
    'profiles.work.company = "c"\n',
    'profiles = {work = {company = "c"}}\n',
    '[profiles]\n[profiles.home]\n[profiles.work]\ncompany = "c"\n',
    '[profiles.work]\ncompany = "c"\n[profiles."a.b"]\ndatabase = "z"\n',
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "projects" / "config.toml"


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


# --- keys and values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("database", Key(None, "database")),
        ("profiles.work.database", Key("work", "database")),
        ("profiles.a.b.database", Key("a.b", "database")),
        ("profiles.work", Key("work", None)),
        ("profiles", Key(None, "profiles")),
        ("x.y", Key(None, "x.y")),
    ],
)
def test_a_key_belongs_to_the_top_or_to_a_profile(text: str, key: Key) -> None:
    assert parse_key(text) == key
    assert str(key) == text


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("databse", "did you mean 'database'?"),
        ("profiles.work.databse", "did you mean 'database'?"),
        ("production", "production belongs to a profile: profiles.NAME.production"),
        ("profiles.work.mongod", "mongod belongs to the top of the file"),
        ("yes", "it answers a question of a single run: use the option"),
        ("profiles", "did you mean 'profile'?"),
    ],
)
def test_an_unknown_key_is_refused_with_a_suggestion(key: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown setting '{key}'") as caught:
        setting_at(parse_key(key))
    assert caught.value.hint == hint


@pytest.mark.parametrize("name", ["a\x1b[31mb", "a\nb", " a", "a\u202eb"])
def test_a_profile_name_must_be_printable(name: str) -> None:
    with pytest.raises(ConfigError, match="invalid profile name"):
        setting_at(Key(name, "database"))


@pytest.mark.parametrize(
    ("name", "text", "stored"),
    [
        ("read_only", "yes", True),
        ("read_only", "0", False),
        ("timeout", "30", 30),
        ("timeout", "1.5", 1.5),
        ("timeout", "2m", "2m"),
        ("max_delete", "30", 30),
        ("database", "30", "30"),
        ("uri_file", "/x/y", "/x/y"),
        ("output", "csv", "csv"),
    ],
)
def test_a_value_is_stored_with_its_type(name: str, text: str, stored: object) -> None:
    assert BY_NAME[name].stored(text, name) == stored


def test_a_path_is_stored_as_an_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ann")
    assert BY_NAME["uri_file"].stored("x/y", "") == str(tmp_path / "x/y")
    assert BY_NAME["uri_file"].stored("~/y", "") == "/home/ann/y"


def filled(table: dict[str, Any]) -> dict[str, Any]:
    """Return a table without empty profiles: dotted keys leave nothing when the last of them is removed."""
    profiles = {name: profile for name, profile in table.get("profiles", {}).items() if profile}
    return {**table, "profiles": profiles}


# --- the text -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", SHAPES)
@pytest.mark.parametrize("key", [Key(None, "database"), Key("work", "company"), Key("new one", "user")])
def test_setting_and_removing_a_value_changes_nothing_else(text: str, key: Key) -> None:
    expected: dict[Any, Any] = tomllib.loads(text)
    table = expected if key.profile is None else expected.setdefault("profiles", {}).setdefault(key.profile, {})
    table[key.name] = 'a "new" value'
    after = with_value(text, key, 'a "new" value')
    assert tomllib.loads(after) == expected
    del table[key.name]
    assert filled(tomllib.loads(without(after, key))) == filled(expected)


@pytest.mark.parametrize("text", [shape for shape in SHAPES if "company" in shape])
def test_a_whole_profile_is_removed(text: str) -> None:
    expected = tomllib.loads(text)
    del expected["profiles"]["work"]
    found = tomllib.loads(without(text, Key("work", None)))
    assert found.get("profiles", {}) == expected["profiles"]
    assert found.get("database") == expected.get("database")


def test_a_whole_profile_with_a_dot_in_its_name_is_removed() -> None:
    text = '[profiles.a]\nuser = "u"\n[profiles."a.b"]\nuser = "u"\n'
    assert tomllib.loads(without(text, parse_key("profiles.a.b")))["profiles"] == {"a": {"user": "u"}}


def test_removing_all_profiles_at_once_is_refused() -> None:
    with pytest.raises(ConfigError, match="this would remove all profiles"):
        without(COMMENTED, parse_key("profiles"))


def test_comments_and_spelling_are_kept() -> None:
    after = with_value(with_value(COMMENTED, Key("work", "read-only"), value=False), Key(None, "database"), "y")
    assert after == COMMENTED.replace("true", "false").replace('"x"', '"y"')


@pytest.mark.parametrize("key", [Key(None, "company"), Key("work", "user"), Key("home", None), Key("home", "user")])
def test_removing_a_missing_key_is_refused(key: Key) -> None:
    with pytest.raises(ConfigError, match="is not in the file"):
        without(COMMENTED, key)


# --- the file -----------------------------------------------------------------------------------------------------


def test_a_new_file_is_private(path: Path) -> None:
    assert rewrite(path, lambda text: text + 'database = "x"\n')
    assert (path.read_text(), mode_of(path), mode_of(path.parent)) == ('database = "x"\n', 0o600, 0o700)


def test_a_file_keeps_its_mode_until_it_contains_a_uri(path: Path) -> None:
    written(path, "", 0o644)
    rewrite(path, lambda _: 'database = "x"\n')
    assert mode_of(path) == 0o644
    rewrite(path, lambda _: '[profiles.work]\nuri = "mongodb://x"\n')
    assert mode_of(path) == 0o600


def test_an_invalid_configuration_is_not_written(path: Path) -> None:
    written(path, COMMENTED)
    for wrong in ("= 7", 'databse = "x"', 'profile = "nowhere"', '[profiles.other]\noutput = "xml"'):
        with pytest.raises(ConfigError, match=str(path)):
            rewrite(path, lambda _, wrong=wrong: wrong)  # type: ignore[misc]  # the default binds the loop's value
    assert path.read_text() == COMMENTED
    assert list(path.parent.iterdir()) == [path]


def test_a_dry_run_returns_the_result_and_writes_nothing(path: Path) -> None:
    written(path, COMMENTED)
    assert rewrite(path, lambda text: text + "\n", dry_run=True)
    assert not rewrite(path, lambda text: text, dry_run=True)
    assert path.read_text() == COMMENTED


def test_a_link_is_kept(path: Path, tmp_path: Path) -> None:
    target = written(tmp_path / "dotfiles" / "config.toml", COMMENTED)
    path.parent.mkdir(parents=True)
    path.symlink_to(target)
    rewrite(path, lambda text: text.replace('"x"', '"y"'))
    assert path.is_symlink()
    assert 'database = "y"' in target.read_text()


def test_a_content_that_changed_meanwhile_is_not_replaced(path: Path) -> None:
    written(path, COMMENTED)
    with pytest.raises(ConfigError, match="was changed by another process in the meantime"):
        replace(path, b"", instead_of=b"something else")
    replace(path, b'database = "y"', instead_of=COMMENTED.encode())
    assert path.read_text() == 'database = "y"'


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="can't be written: "):
        rewrite(tmp_path / "file" / "config.toml", lambda text: text)


def test_a_lock_that_another_process_keeps_is_awaited_and_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any process that can open the folder can lock it."""
    monkeypatch.setattr(editor, "LOCK_TIMEOUT", 0.2)
    written(path, COMMENTED)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        with pytest.raises(LockHeld, match="another process has held the lock on ") as caught:
            rewrite(path, lambda text: text.replace('"x"', '"y"'))
    finally:
        os.close(handle)
    assert caught.value.status == 75
    assert path.read_text() == COMMENTED
    rewrite(path, lambda text: text.replace('"x"', '"y"'))
    assert 'database = "y"' in path.read_text()


def _add(path: Path, number: int) -> None:
    rewrite(path, lambda text: with_value(text, Key(f"p{number}", "database"), str(number)))


def test_concurrent_changes_are_all_kept(path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("fork")) as pool:
        list(pool.map(_add, [path] * 20, range(20)))
    assert tomllib.loads(path.read_text())["profiles"] == {f"p{n}": {"database": str(n)} for n in range(20)}
