"""Files generated from the live commands: fresh, complete, and displayed as intended."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from projects_cli.cli.help_format import HelpText, help_text
from projects_cli.cli.options import GLOBAL_OPTIONS, OTHER_SETTINGS
from projects_cli.config.settings import BY_NAME, SETTINGS
from tools import __main__ as generating
from tools.__main__ import COMMANDS
from tools.built import CHECKOUT, GRAMMAR
from tools.manual import manual_pages
from tools.pages import command_pages
from tools.program import HEADER, Command, Option, Program, Value, program

if TYPE_CHECKING:
    from pathlib import Path

LIVE = program()
NASTY = ".dot 'quote' \\fBbold\\fR `tick` ~ ^ a-b -- \"double\" | bar *star* _line_ <tag> [link] ↑"

# --- fresh --------------------------------------------------------------------------------------------------------


def test_the_files_are_fresh() -> None:
    assert generating.stale(CHECKOUT) == [], "run: make docs"


def test_the_check_reports_stale_missing_and_left_over_files_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generating.main([], tmp_path) == 0
    assert generating.main(["--check"], tmp_path) == 0
    assert capsys.readouterr().out == ""
    (tmp_path / GRAMMAR).write_text("old")
    (tmp_path / COMMANDS / "list.md").unlink()
    (tmp_path / COMMANDS / "gone.md").write_text("left over")
    assert generating.main(["--check"], tmp_path) == 1
    output = capsys.readouterr().out
    named = {GRAMMAR, "docs/commands/list.md", "docs/commands/gone.md"}
    assert set(re.findall(r"[\w/]+/[-\w.]+", output)) == named
    assert "make docs" in output
    assert (tmp_path / GRAMMAR).read_text() == "old"
    assert not (tmp_path / COMMANDS / "list.md").exists()
    assert generating.main([], tmp_path) == 0
    assert generating.stale(tmp_path) == []
    assert not (tmp_path / COMMANDS / "gone.md").exists()


def test_the_text_is_the_same_in_another_process() -> None:
    check = [sys.executable, "-m", "tools", "--check"]
    for seed in "12":
        subprocess.run(check, cwd=CHECKOUT, check=True, env={**os.environ, "PYTHONHASHSEED": seed})


@pytest.mark.parametrize("path", generating.generated())
def test_each_file_says_that_it_is_generated(path: str) -> None:
    assert HEADER in "\n".join((CHECKOUT / path).read_text("utf-8").splitlines()[:2])


# --- complete -----------------------------------------------------------------------------------------------------


def test_every_command_has_its_page_and_its_manual() -> None:
    manuals = manual_pages(LIVE)
    assert len(manuals) == len(LIVE.root.commands) + 1
    for command in LIVE.root.commands:
        page = (CHECKOUT / COMMANDS / f"{command.path[0]}.md").read_text("utf-8")
        manual = manuals[f"projects-{command.path[0]}.1"]
        for each in (command, *command.commands):
            flags = [flag for option in LIVE.own(each) for flag in option.flags]
            assert [flag for flag in flags if flag not in page] == []
            assert [flag for flag in flags if flag.replace("-", "\\-") not in manual] == []
            assert f"projects {each.place}" in page
            assert all(example in page for example in each.text.examples)


def test_the_page_of_a_command_omits_the_options_of_every_command() -> None:
    shared = {option.flags[0] for option in LIVE.shared}
    named = {option.flags[0] for option in GLOBAL_OPTIONS}
    taken = {flag for command in LIVE.places() for option in LIVE.own(command) for flag in option.flags}
    assert named - taken <= shared
    assert taken & {"--database", "--json", "--uri", "--yes", "--journal-db"} == set()


def test_the_table_of_options_has_every_setting_once_with_its_variable() -> None:
    rows = (CHECKOUT / "docs" / "options.md").read_text("utf-8").splitlines()
    for setting in SETTINGS:
        having = [row for row in rows if f"`{setting.variable or setting.key}`" in row]
        named = [option for option in GLOBAL_OPTIONS if option.setting == setting.name]
        assert len(having) == max(len(named), 1), setting.name
        assert all(any(f"{option.flags[0]}" in row for row in having) for option in named)


def test_the_default_in_the_help_is_the_default_of_the_setting() -> None:
    for row in (*GLOBAL_OPTIONS, *OTHER_SETTINGS):
        setting = BY_NAME[row.setting]
        if isinstance(setting.default, str) and setting.name != "company" and "--json" not in row.flags:
            assert row.default == setting.default
        if isinstance(setting.default, float):
            assert BY_NAME[setting.name].parse(row.default) == setting.default


# --- shown as meant -----------------------------------------------------------------------------------------------


def nasty_program() -> Program:
    """Return a program whose texts contain the syntax of Markdown and roff."""
    option = Option(("--odd", "-x"), NASTY, Value("A|B"))
    text = HelpText(NASTY, (NASTY,), ("projects run '.a' --odd \\\\n",))
    command = Command(("run",), ("run",), NASTY, (option,), (Value("N", help=NASTY),), (), "[OPTIONS]", text)
    return Program(Command((), (), "", (), (), (command,)), ())


def rendered(page: str, folder: Path) -> str:
    """Return a manual page as it is displayed, without line breaks; fail if groff prints a warning."""
    file = folder / "page.1"
    file.write_text(page, "utf-8")
    command = ["groff", "-ww", "-man", "-Tutf8", "-P-cbou", "-rLL=200n", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return " ".join(done.stdout.split())


needs_groff = pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")


@needs_groff
@pytest.mark.parametrize("name", manual_pages(LIVE))
def test_groff_accepts_a_manual_page(name: str, tmp_path: Path) -> None:
    assert "NAME" in rendered(manual_pages(LIVE)[name], tmp_path)


@needs_groff
def test_a_manual_page_shows_every_text_literally(tmp_path: Path) -> None:
    shown = rendered(manual_pages(nasty_program())["projects-run.1"], tmp_path)
    assert shown.count(NASTY) == 5
    assert "-x, --odd A|B" in shown
    assert "projects run '.a' --odd \\\\n" in shown


def test_special_characters_do_not_break_tables() -> None:
    page = command_pages(nasty_program())["run.md"]
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {3}


def test_a_text_is_a_summary_paragraphs_and_examples() -> None:
    text = "Do it.\n\n    More of\n    it.\n\n    Example: projects do it\n    Example: projects do more\n    "
    assert help_text(text) == HelpText("Do it.", ("More of it.",), ("projects do it", "projects do more"))
    assert help_text(None) == HelpText()


# --- where they go ------------------------------------------------------------------------------------------------


def test_make_installs_the_manual(tmp_path: Path) -> None:
    command = ["make", "--silent", "install-man", f"DESTDIR={tmp_path}", "PREFIX=/usr"]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    installed = {path.name: path.read_text("utf-8") for path in (tmp_path / "usr" / "share" / "man" / "man1").iterdir()}
    assert installed == manual_pages(LIVE)
