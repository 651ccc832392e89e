"""`projects completion`: the files that ship, printed, and put where the shells look for them."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from projects_cli.cli.commands.completion import LOCATIONS, MARK, Shell
from tests.terminals import put_on_path
from tools.__main__ import CHECKOUT

if TYPE_CHECKING:
    from tests.conftest import Cli

WHERE = {
    Shell.bash: ".local/share/bash-completion/completions/projects",
    Shell.zsh: ".local/share/zsh/site-functions/_projects",
    Shell.fish: ".config/fish/completions/projects.fish",
}


def shipped(shell: Shell) -> str:
    return (CHECKOUT / "completions" / LOCATIONS[shell].source).read_text("utf-8")


@pytest.mark.parametrize("shell", Shell)
def test_the_file_is_printed_as_it_ships(cli: Cli, shell: Shell) -> None:
    result = cli("completion", shell)
    assert (result.exit_code, result.stdout, result.stderr) == (0, shipped(shell), "")
    assert MARK in "".join(result.stdout.splitlines()[:2])


@pytest.mark.parametrize("shell", Shell)
def test_it_goes_where_the_shell_looks_and_nothing_else_is_touched(cli: Cli, shell: Shell, tmp_path: Path) -> None:
    home = tmp_path / "home"
    before = {path for path in home.rglob("*") if path.is_file()}
    told = json.loads(cli("completion", shell, "--install", "--json").stdout)
    assert (told["path"], told["state"]) == (str(home / WHERE[shell]), "written")
    assert (home / WHERE[shell]).read_text("utf-8") == shipped(shell)
    assert {path for path in home.rglob("*") if path.is_file()} - before == {home / WHERE[shell]}
    assert stat.S_IMODE((home / WHERE[shell]).stat().st_mode) == 0o644
    again = json.loads(cli("completion", shell, "--install", "--json").stdout)
    assert again == {**told, "state": "unchanged"}


def test_without_the_variables_it_goes_below_home(cli: Cli, tmp_path: Path) -> None:
    told = json.loads(cli("completion", "fish", "--install", "--json", XDG_CONFIG_HOME="not/absolute").stdout)
    assert told["path"] == str(tmp_path / "home" / WHERE[Shell.fish])


def test_what_is_left_to_do_is_told(cli: Cli, tmp_path: Path) -> None:
    result = cli("completion", "zsh", "--install")
    folder = (tmp_path / "home" / WHERE[Shell.zsh]).parent
    assert f"fpath+=({folder})" in result.stdout


def test_an_older_file_of_ours_is_replaced_and_a_link_stays_one(cli: Cli, tmp_path: Path) -> None:
    place = tmp_path / "home" / WHERE[Shell.bash]
    place.parent.mkdir(parents=True)
    kept = tmp_path / "dotfiles"
    kept.write_text(f"# {MARK}\nold")
    place.symlink_to(kept)
    assert cli("completion", "bash", "--install").exit_code == 0
    assert place.is_symlink()
    assert kept.read_text("utf-8") == shipped(Shell.bash)


def test_a_file_of_somebody_else_is_not_replaced(cli: Cli, tmp_path: Path) -> None:
    place = tmp_path / "home" / WHERE[Shell.bash]
    place.parent.mkdir(parents=True)
    place.write_text("mine")
    result = cli("completion", "bash", "--install", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert str(place) in json.loads(result.stderr)["error"]["message"]
    assert place.read_text() == "mine"


def test_a_dry_run_writes_nothing(cli: Cli, tmp_path: Path) -> None:
    told = json.loads(cli("completion", "bash", "--install", "--dry-run", "--json").stdout)
    assert told["state"] == "would be written"
    assert not Path(told["path"]).exists()


def test_a_folder_that_can_not_be_written_is_told(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "home" / ".config" / "fish").touch()
    result = cli("completion", "fish", "--install")
    assert (result.exit_code, result.stdout) == (1, "")
    assert str(tmp_path / "home" / ".config" / "fish") in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("words", [(), ("csh",), ("bash", "zsh")])
def test_wrong_words_are_refused(cli: Cli, words: tuple[str, ...]) -> None:
    assert cli("completion", *words).exit_code == 2


@pytest.mark.skipif(not shutil.which("fish"), reason="no fish here")
def test_fish_finds_what_was_installed(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_path(tmp_path / "bin", monkeypatch)
    cli("completion", "fish", "--install")
    done = subprocess.run(["fish", "-c", "complete -C 'projects lis'"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("list\t")
