"""`projects completion`: the completion files are printed and installed."""

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
from tools.built import CHECKOUT

if TYPE_CHECKING:
    from tests.conftest import Cli

PATHS = {
    Shell.bash: ".local/share/bash-completion/completions/projects",
    Shell.zsh: ".local/share/zsh/site-functions/_projects",
    Shell.fish: ".config/fish/completions/projects.fish",
}


def shipped(shell: Shell) -> str:
    return (CHECKOUT / "completions" / LOCATIONS[shell].source).read_text("utf-8")


@pytest.mark.parametrize("shell", Shell)
def test_the_shipped_file_is_printed(cli: Cli, shell: Shell) -> None:
    result = cli("completion", shell)
    assert (result.exit_code, result.stdout, result.stderr) == (0, shipped(shell), "")
    assert MARK in "".join(result.stdout.splitlines()[:2])


@pytest.mark.parametrize("shell", Shell)
def test_the_file_is_installed_and_no_other_file_changes(cli: Cli, shell: Shell, tmp_path: Path) -> None:
    home = tmp_path / "home"
    before = {path for path in home.rglob("*") if path.is_file()}
    answer = json.loads(cli("completion", shell, "--install", "--json").stdout)
    assert (answer["path"], answer["state"]) == (str(home / PATHS[shell]), "written")
    assert (home / PATHS[shell]).read_text("utf-8") == shipped(shell)
    assert {path for path in home.rglob("*") if path.is_file()} - before == {home / PATHS[shell]}
    assert stat.S_IMODE((home / PATHS[shell]).stat().st_mode) == 0o644
    again = json.loads(cli("completion", shell, "--install", "--json").stdout)
    assert again == {**answer, "state": "unchanged"}


def test_a_relative_xdg_folder_is_ignored(cli: Cli, tmp_path: Path) -> None:
    answer = json.loads(cli("completion", "fish", "--install", "--json", XDG_CONFIG_HOME="not/absolute").stdout)
    assert answer["path"] == str(tmp_path / "home" / PATHS[Shell.fish])


def test_the_next_step_is_printed(cli: Cli, tmp_path: Path) -> None:
    result = cli("completion", "zsh", "--install")
    folder = (tmp_path / "home" / PATHS[Shell.zsh]).parent
    assert f"fpath+=({folder})" in result.stdout


def test_an_older_version_is_replaced_and_a_link_is_kept(cli: Cli, tmp_path: Path) -> None:
    place = tmp_path / "home" / PATHS[Shell.bash]
    place.parent.mkdir(parents=True)
    kept = tmp_path / "dotfiles"
    kept.write_text(f"# {MARK}\nold")
    place.symlink_to(kept)
    assert cli("completion", "bash", "--install").exit_code == 0
    assert place.is_symlink()
    assert kept.read_text("utf-8") == shipped(Shell.bash)


def test_a_foreign_file_is_not_replaced(cli: Cli, tmp_path: Path) -> None:
    place = tmp_path / "home" / PATHS[Shell.bash]
    place.parent.mkdir(parents=True)
    place.write_text("mine")
    result = cli("completion", "bash", "--install", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert str(place) in json.loads(result.stderr)["error"]["message"]
    assert place.read_text() == "mine"


def test_a_dry_run_writes_nothing(cli: Cli, tmp_path: Path) -> None:
    answer = json.loads(cli("completion", "bash", "--install", "--dry-run", "--json").stdout)
    assert answer["state"] == "would be written"
    assert not Path(answer["path"]).exists()


def test_an_unwritable_folder_is_an_error(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "home" / ".config" / "fish").touch()
    result = cli("completion", "fish", "--install")
    assert (result.exit_code, result.stdout) == (1, "")
    assert str(tmp_path / "home" / ".config" / "fish") in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("words", [(), ("csh",), ("bash", "zsh")])
def test_invalid_arguments_are_refused(cli: Cli, words: tuple[str, ...]) -> None:
    assert cli("completion", *words).exit_code == 2


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_loads_the_installed_file(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_path(tmp_path / "bin", monkeypatch)
    cli("completion", "fish", "--install")
    done = subprocess.run(["fish", "-c", "complete -C 'projects lis'"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("list\t")
