"""The completion files: complete, and working in real shells."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import typer

from projects_cli.cli.app import app
from projects_cli.cli.completion.engine import Line
from projects_cli.cli.registry import BY_WORD, COMMANDS
from tests.terminals import Terminal, put_on_path
from tools.built import CHECKOUT
from tools.grammar import grammar
from tools.program import Command, Option, Program, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

FOLDER = CHECKOUT / "completions"


@pytest.fixture(autouse=True)
def _program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the program on the PATH: it is asked for endpoints."""
    put_on_path(tmp_path / "bin", monkeypatch)


NAMES = [entry.name for entry in COMMANDS]
FORMATS = {"table", "json", "jsonl", "yaml", "csv", "tsv", "id", "id0", "wide"}
NASTY = 'it\'s [a] "b" $HOME $(touch oops) `touch oops` \\ c: %s ’'


@cache
def live_flags() -> dict[str, set[str]]:
    """Return every spelling of every option of each command, as the program itself parses them; '' is the root."""
    found: dict[str, set[str]] = {}

    def walk(place: str, command: Any, above: Any) -> None:
        ctx = command.make_context("projects", [], parent=above, resilient_parsing=True)
        options = [param for param in command.get_params(ctx) if param.param_type_name == "option"]
        found[place] = {flag for option in options for flag in (*option.opts, *option.secondary_opts)}
        for name in command.list_commands(ctx) if hasattr(command, "list_commands") else ():
            walk(f"{place} {name}".strip(), command.get_command(ctx, name), ctx)

    walk("", typer.main.get_command(app), None)
    return found


def below(place: str) -> set[str]:
    """Return the subcommands of a command."""
    start = f"{place} " if place else ""
    names = {other[len(start) :] for other in live_flags() if other.startswith(start) and other != place}
    return {name for name in names if " " not in name}


# The answer, for all shells


def answer(*words: str) -> dict[str, str]:
    """Return what the program offers for the last word, with descriptions."""
    _, pairs = Line(words[:-1], words[-1]).candidates()
    return dict(pairs)


def test_every_option_and_command_is_offered_with_a_description() -> None:
    for place, flags in live_flags().items():
        offered = answer(*place.split(), "-")
        assert offered.keys() == flags, place
        assert all(offered.values())
        commands = answer(*place.split(), "") if below(place) else {}
        assert commands.keys() == below(place)
        assert all(commands.values())


def test_a_chart_is_followed_by_a_file_and_an_interval_may_be_left_out() -> None:
    kinds = {
        ("report", "--svg", "weeks", ""): "files",
        ("report", "--svg=weeks", "x"): "files",
        ("report", "--svg", "weeks", "x.svg", ""): "projects",
        ("report", "--svg", ""): "chart",
        ("top", "--watch", ""): "projects",
        ("top", "--watch", "5", ""): "projects",
        ("top", "--watch", "5"): "interval",
        ("top", "--watch=5", ""): "projects",
        ("report", "--html", ""): "files",
    }
    assert {words: Line(words[:-1], words[-1]).candidates()[0] for words in kinds} == kinds


def test_the_files_are_short_and_name_no_option() -> None:
    for path in FOLDER.iterdir():
        text = path.read_text()
        assert len(text.splitlines()) <= 45
        assert set(re.findall(r" (--[a-z]+) ", text)) == {"--complete"}


@pytest.fixture
def nasty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program with one command on the PATH, whose texts have what a shell might take for its own."""
    option = Option(("--odd", "-x"), NASTY, Value("N:[A]ME's"))
    command = Command(("run",), ("run",), NASTY, (option,), (Value("N:[A]ME's"),), ())
    table = tmp_path / "commands.tsv"
    table.write_text(grammar(Program(Command((), (), "", (option,), (), (command,)), (option,))))
    code = (
        f"import sys; from projects_cli.cli.completion import engine; engine.GRAMMAR = {str(table)!r}; "
        "sys.exit(engine.main(sys.argv[2:]))"
    )
    program = tmp_path / "bin" / "projects"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(code)} "$@"\n')


# Lines, and what every shell has to offer for them

CASES: list[tuple[str, set[str]]] = [
    ("projects lis", {"list"}),
    ("projects ", set(NAMES)),
    ("projects get-al", set()),  # other names are understood, not offered
    ("projects loc", {"local"}),
    ("projects local ", below("local")),
    ("projects local sta", {"start", "status"}),
    ("projects --uri mongodb://a:b@c lis", {"list"}),
    ("projects -qo json lis", {"list"}),
    ("projects -ojson lis", {"list"}),
    ("projects --output=json --user=a lis", {"list"}),
    ("projects list --exclude", {"--exclude-tag"}),
    ("projects list --id list --exclude", {"--exclude-tag"}),
    ("projects get_all --exclude", {"--exclude-tag"}),
    ("projects projects.get_all_ex --exclude", {"--exclude-tag"}),
    ("projects get x --exclude", set()),
    ("projects list --dry", {"--dry-run"}),
    ("projects local start --dry", {"--dry-run"}),
    ("projects --dry", {"--dry-run"}),
    ("projects --output ", FORMATS),
    ("projects list -o js", {"json", "jsonl"}),
    ("projects list --state ar", {"archived"}),
    ("projects list --stats-for-state ", {"active", "archived", "all"}),
    ("projects list --any name=a --state ar", {"archived"}),
    ("projects list --name ", set()),
    ("projects call projects.make", {"projects.make_public", "projects.make_private"}),
    ("projects call --data x projects.get_all_", {"projects.get_all_ex"}),
    ("projects schema --json projects.cr", {"projects.create"}),
    ("projects call projects.create projects.cr", set()),
    ("projects call x --data ", {"@", "-"}),
    ("projects list -- --na", set()),
    ("projects list --watch --state ar", {"archived"}),
    ("projects list --watch 5 --state ar", {"archived"}),
    ("projects list --watch -o js", {"json", "jsonl"}),
    ("projects status --watch 1", set()),
    ("projects report --svg we", {"weeks"}),
    ("projects report --svg weeks x.svg --format m", {"markdown"}),
    ("projects report --svg=weeks x.svg --format m", {"markdown"}),
    ("projects nothing li", set()),
]
EQUALS = [("projects --output=y", "yaml"), ("projects list --state=ar", "archived")]
"""Told apart: here shells differ in whether the answer has the option in front."""


# bash


def bash_call(line: str, breaks: str = "=:@><") -> str:
    """Return the result of TAB in bash at the end of a line, which bash splits (readline keeps the @)."""
    words = [
        part for word in line.split() for part in re.findall(rf"[{breaks}]+|[^{breaks}]+" if breaks else ".+", word)
    ]
    words += [""] if line.endswith(" ") else []
    cut = breaks.replace("@", "")
    typed = re.search(rf"[^\s{cut}]*$", line)
    assert typed
    return (
        f"COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_CWORD={len(words) - 1}\n"
        f"COMP_WORDS=({shlex.join(words)})\n"
        f"_projects projects {shlex.quote(typed[0])} {shlex.quote(words[-2])}\n"
        "printf '%s\\n' \"${COMPREPLY[@]}\" ===\n"
    )


def bash_answers(lines: Sequence[str], cwd: Path = FOLDER, breaks: str = "=:@><") -> list[set[str]]:
    """Ask bash for the completions of each line; a `compopt` is reported as such."""
    calls = "".join(bash_call(line, breaks) for line in lines)
    script = f'set -u\nsource {shlex.quote(str(FOLDER / "projects.bash"))}\ncompopt() {{ echo "compopt $2"; }}\n{calls}'
    done = subprocess.run(["bash", "--norc"], input=script, capture_output=True, text=True, check=True, cwd=cwd)
    assert done.stderr == ""
    return [set(answer.split("\n")) - {""} for answer in done.stdout.split("===\n")[:-1]]


@pytest.mark.parametrize("breaks", ["=:@><", ""])
def test_bash_answers(breaks: str) -> None:
    expected = [answer | ({"compopt nospace"} if "@" in answer else set()) for _, answer in CASES]
    given = bash_answers([line for line, _ in CASES], breaks=breaks)
    assert dict(zip([line for line, _ in CASES], given, strict=True)) == dict(
        zip([line for line, _ in CASES], expected, strict=True)
    )


def test_bash_knows_every_option_and_command() -> None:
    flags = live_flags()
    assert bash_answers([f"projects {place} -" for place in flags]) == list(flags.values())
    groups = [place for place in flags if below(place)]
    assert bash_answers([f"projects {place} " for place in groups]) == [below(place) for place in groups]


def test_bash_completes_the_value_after_an_equals_sign() -> None:
    lines = [line for line, _ in EQUALS]
    assert bash_answers(lines) == [{word} for _, word in EQUALS]
    whole = [{f"--output={EQUALS[0][1]}"}, {f"--state={EQUALS[1][1]}"}]
    assert bash_answers(lines, breaks="") == whole


def test_bash_leaves_files_to_readline(tmp_path: Path) -> None:
    (tmp_path / "req.json").touch()
    (tmp_path / "requests").mkdir()
    files = ["projects --uri-file r", "projects --uri-file=r", "projects list --schema r", "projects batch r"]
    files.append("projects list > r")
    assert bash_answers(files, tmp_path) == [{"compopt default"}] * len(files)
    at_files = {"@req.json", "@requests/", "compopt nospace"}
    lines = ["projects call x --data @r", "projects call x --data=@r"]
    assert bash_answers(lines, tmp_path) == [at_files, at_files]


# A terminal, for the shells that complete only there


BASH_SETUP = """
projects() {{ printf '%s|' "$@" >> log; echo >> log; }}
source {file}
bind -x '"\\C-xd": echo done >> log'
"""


@pytest.fixture
def bash_terminal(tmp_path: Path) -> Iterator[Terminal]:
    setup = BASH_SETUP.format(file=shlex.quote(str(FOLDER / "projects.bash")))
    terminal = Terminal(["bash", "--norc", "--noprofile", "-i"], tmp_path, setup)
    yield terminal
    terminal.close()


def test_bash_on_a_terminal(bash_terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "my file.json").touch()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "one").touch()
    cases = {
        "projects lis\t--out\t=y\t": "list|--output|=y|",
        "projects --output=y\t": "--output=yaml|",
        "X=1 projects lis\t": "list|",
        "echo; projects lis\t": "list|",
        "projects list --exc\tx --state ar\t": "list|--exclude-tag|x|--state|archived|",
        "projects --uri mongodb://a:1/b lis\t": "--uri|mongodb://a:1/b|list|",
        "projects call projects.get_by\t--data @my\t": "call|projects.get_by_id|--data|@my file.json|",
        "projects call x --data=@my\t": "call|x|--data=@my file.json|",
        "projects call x --data @no\to\t": "call|x|--data|@notes/one|",
        "projects call x --data @my\\ f\t": "call|x|--data|@my file.json|",
        "projects call x --data '@my\t": "call|x|--data|@my file.json|",
        'projects call x --data "@my f\t': "call|x|--data|@my file.json|",
        "projects batch my\t": "batch|my file.json|",
        "projects --uri-file=my\tlis\t": "--uri-file=my file.json|list|",
        "projects list -o 'y\t": "list|-o|yaml|",
        "projects list --output='y\t": "list|--output=yaml|",
        "projects list --name my\t": "list|--name|my|",
        "projects list my\t": "list|my|",
    }
    assert {keys: bash_terminal.press(f"{keys}\n") for keys in cases} == {keys: [line] for keys, line in cases.items()}


# zsh

needs_zsh = pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")

ZSH_SETUP = """
autoload -Uz compinit && compinit -u -D
LISTMAX=100000
report-done() {{ BUFFER=''; echo done >> log }}
zle -N report-done
bindkey '^Xd' report-done
source {file}
compadd() {{
    if [[ ${{@[1,(i)(-|--)]}} != *-(O|A|D)* ]]; then
        local -a hits
        builtin compadd -A hits "$@"
        (( $#hits )) && print -rl -- $hits >> log
    fi
    builtin compadd "$@"
}}
"""


@pytest.fixture
def zsh_terminal(tmp_path: Path) -> Iterator[Callable[[Path], Terminal]]:
    opened: list[Terminal] = []

    def opening(file: Path) -> Terminal:
        opened.append(Terminal(["zsh", "-f", "-i"], tmp_path, ZSH_SETUP.format(file=shlex.quote(str(file)))))
        return opened[-1]

    yield opening
    for terminal in opened:
        terminal.close()


def zsh_answers(terminal: Terminal, lines: Sequence[str]) -> list[set[str]]:
    """Ask zsh for the completions of each line; an option that takes a value may come with its = sign."""
    return [{re.sub(r"^(--.*)=$", r"\1", word) for word in terminal.press(f"{line}\t")} for line in lines]


@needs_zsh
def test_zsh_answers(zsh_terminal: Callable[[Path], Terminal]) -> None:
    terminal = zsh_terminal(FOLDER / "_projects")
    lines = [line for line, _ in CASES]
    assert dict(zip(lines, zsh_answers(terminal, lines), strict=True)) == dict(CASES)
    assert zsh_answers(terminal, [line for line, _ in EQUALS]) == [{word} for _, word in EQUALS]


@needs_zsh
def test_zsh_knows_every_option_and_command(zsh_terminal: Callable[[Path], Terminal]) -> None:
    terminal = zsh_terminal(FOLDER / "_projects")
    for place, flags in live_flags().items():
        long = {flag for flag in flags if flag.startswith("--")}
        assert zsh_answers(terminal, [f"projects {place} --"]) == [long], place
        assert flags - long <= zsh_answers(terminal, [f"projects {place} -"])[0], place


@needs_zsh
def test_zsh_finds_the_file_in_a_folder_of_fpath(tmp_path: Path) -> None:
    setup = ZSH_SETUP.format(file="/dev/null")
    terminal = Terminal(["zsh", "-f", "-i"], tmp_path, f"fpath=({shlex.quote(str(FOLDER))} $fpath)\n{setup}")
    try:
        assert zsh_answers(terminal, ["projects lis", "projects list --state ar"]) == [{"list"}, {"archived"}]
    finally:
        terminal.close()


@needs_zsh
def test_zsh_offers_files(zsh_terminal: Callable[[Path], Terminal], tmp_path: Path) -> None:
    (tmp_path / "request.json").touch()
    terminal = zsh_terminal(FOLDER / "_projects")
    lines = ["projects batch req", "projects --uri-file=req", "projects call x --data @req", "projects get req"]
    assert zsh_answers(terminal, lines) == [{"request.json"}] * 3 + [set()]


@needs_zsh
@pytest.mark.usefixtures("nasty")
def test_zsh_is_not_misled_by_a_text(zsh_terminal: Callable[[Path], Terminal], tmp_path: Path) -> None:
    lines = ["projects --o", "projects run --o", "projects r", "projects run "]
    assert zsh_answers(zsh_terminal(FOLDER / "_projects"), lines) == [{"--odd"}, {"--odd"}, {"run"}, set()]
    assert not (tmp_path / "oops").exists()


# fish

needs_fish = pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")


def fish_answers(lines: Sequence[str], cwd: Path) -> list[dict[str, str]]:
    """Ask fish for the completions of each line, with the description of each."""
    asking = "".join(f"complete -C {shlex.quote(line)}\necho ===\n" for line in lines)
    script = f"source {shlex.quote(str(FOLDER / 'projects.fish'))}\n{asking}"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script], capture_output=True, text=True, check=True, cwd=cwd, timeout=60
    )
    assert done.stderr == ""
    answers = done.stdout.split("===\n")[:-1]
    return [dict(line.partition("\t")[::2] for line in answer.splitlines()) for answer in answers]


@needs_fish
def test_fish_answers(tmp_path: Path) -> None:
    lines = [line for line, _ in CASES]
    given = [set(answer) for answer in fish_answers(lines, tmp_path)]
    assert dict(zip(lines, given, strict=True)) == dict(CASES)
    joined = [{word.partition("=")[2] for word in answer} for answer in fish_answers([a for a, _ in EQUALS], tmp_path)]
    assert joined == [{word} for _, word in EQUALS]


@needs_fish
def test_fish_knows_every_option_and_command(tmp_path: Path) -> None:
    for place, flags in live_flags().items():
        long = {flag for flag in flags if flag.startswith("--")}
        with_two, with_one = fish_answers([f"projects {place} --", f"projects {place} -"], tmp_path)
        assert {word.rstrip("=") for word in with_two} == long, place
        assert flags - long <= set(with_one), place


@needs_fish
def test_fish_offers_files_and_shows_descriptions(tmp_path: Path) -> None:
    (tmp_path / "request.json").touch()
    (tmp_path / "my file").touch()
    lines = ["projects batch req", "projects --uri-file=req", "projects call x --data @req", "projects get req"]
    answers = [set(answer) for answer in fish_answers(lines, tmp_path)]
    assert answers == [{"request.json"}, {"--uri-file=request.json"}, {"@request.json"}, set()]
    assert fish_answers(["projects lis"], tmp_path) == [{"list": BY_WORD["list"].summary}]


@needs_fish
@pytest.mark.usefixtures("nasty")
def test_fish_is_not_misled_by_a_text(tmp_path: Path) -> None:
    answers = fish_answers(["projects --od", "projects r"], tmp_path)
    assert answers == [{"--odd": NASTY}, {"run": NASTY}]
    assert not (tmp_path / "oops").exists()
