"""Help, and the response to a typing error: summaries, examples, topics, and the nearest word."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from projects_cli.cli import root_help
from projects_cli.cli.help_format import FIRST_STEPS, OPTIONS, Lines, Pairs, topic_blocks
from projects_cli.cli.options import GLOBAL_OPTIONS
from projects_cli.cli.registry import COMMANDS, GROUPS, TOPICS, Topic
from projects_cli.config.settings import SETTINGS
from projects_cli.errors import STATUS_MEANINGS
from tools.program import program

if TYPE_CHECKING:
    from tests.conftest import Cli

PLACES = [command for command in program().places() if command.path]
LIGHT = """
import os, sys
from projects_cli import __main__
os._exit = lambda status: sys.stderr.write(" ".join(sys.modules))
sys.argv[1:] = {arguments!r}
__main__.main()
"""


def shown(cli: Cli, *arguments: str) -> str:
    result = cli(*arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return str(result.stdout)


def hint_of(cli: Cli, *arguments: str) -> str:
    result = cli(*arguments, "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    error: dict[str, Any] = json.loads(result.stderr)["error"]
    return f"{error['message']}; {error['hint']}"


# --- the root -----------------------------------------------------------------------------------------------------


def test_a_bare_command_prints_short_help_with_status_0(cli: Cli) -> None:
    text = shown(cli)
    assert text.startswith("Usage: projects ")
    assert len(text.splitlines()) < len(shown(cli, "--help").splitlines()) / 2
    assert [entry.name for entry in COMMANDS if not re.search(rf"[ ,]{entry.name}(,|\n)", text)] == []
    assert [topic.name for topic in TOPICS if topic.name not in text] == []


def test_root_help_has_every_command_and_every_global_option_in_a_group(cli: Cli) -> None:
    text = shown(cli, "--help")
    assert [entry.name for entry in COMMANDS if f"\n  {entry.name} " not in text] == []
    assert [flag for option in GLOBAL_OPTIONS for flag in option.flags if flag not in text] == []
    assert [option.flags for option in GLOBAL_OPTIONS if option.group == OPTIONS] == []
    assert {entry.group for entry in COMMANDS} == set(GROUPS)


def test_help_without_arguments_is_the_root_help(cli: Cli) -> None:
    assert shown(cli, "help") == shown(cli, "--help") == shown(cli, "-h")


def test_every_example_in_help_is_a_valid_command_line(cli: Cli) -> None:
    examples = [line for line, _ in FIRST_STEPS]
    examples += [example for command in PLACES for example in command.text.examples]
    examples += [
        line for topic in TOPICS for block in topic_blocks(topic) if isinstance(block, Lines) for line in block.lines
    ]
    calls = [found.split() for example in examples for found in re.findall(r"(?:^|\| )projects ([^|]*)", example)]
    assert len(calls) > len(COMMANDS)
    flags = {command.path: {flag for option in command.options for flag in option.flags} for command in PLACES}
    for words in calls:
        place = tuple(words[:2]) if tuple(words[:2]) in flags else tuple(words[:1])
        used = [word for word in words if word.startswith("--") or (word.startswith("-") and len(word) == 2)]
        assert [flag for flag in used if flag not in flags[place]] == [], words


# --- a command ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", PLACES, ids=lambda command: command.place)
def test_help_of_a_command_has_summary_example_options_and_references_in_this_order(cli: Cli, command: Any) -> None:
    text = shown(cli, *command.path, "--help")
    assert command.text.summary.endswith(".")
    assert command.text.examples, "no line of its text begins with Example:"
    assert all(example.startswith("projects ") for example in command.text.examples)
    flat = " ".join(text.split())
    example = " ".join(command.text.examples[0].split())
    places = [
        flat.index(" ".join(command.text.summary.split())),
        flat.rindex(f": {example} "),
        flat.index("-h, --help"),
    ]
    assert places == sorted(places)
    assert text.splitlines()[-1].startswith("More: ")
    assert f"man projects-{command.path[0]}" in text.splitlines()[-1]
    assert max(map(len, (line for line in text.splitlines() if not line.startswith("  projects ")))) <= 80


@pytest.mark.parametrize("words", [("list",), ("get-all",), ("projects.get_all",), ("local", "start")])
def test_help_with_a_command_is_the_help_of_the_command(cli: Cli, words: tuple[str, ...]) -> None:
    assert shown(cli, "help", *words) == shown(cli, *words, "--help")


def test_help_of_a_command_refers_to_its_topics(cli: Cli) -> None:
    named = {topic.name: set(topic.commands) for topic in TOPICS}
    for entry in COMMANDS:
        last = shown(cli, entry.name, "--help").splitlines()[-1]
        assert set(re.findall(r"projects help ([\w-]+)", last)) == {
            n for n, names in named.items() if entry.name in names
        }


# --- topics -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_is_printed_completely(cli: Cli, topic: Topic) -> None:
    text = shown(cli, "help", topic.name)
    flat = re.sub(r"- (?=\w)", "-", " ".join(text.split()))
    assert text.startswith(topic.summary)
    for block in topic_blocks(topic):
        parts = block.rows if isinstance(block, Pairs) else [block.lines] if isinstance(block, Lines) else [(block,)]
        for part in (" ".join(word.split()) for row in parts for word in row):
            assert re.sub(r"- (?=\w)", "-", part) in flat


def test_exit_codes_are_complete(cli: Cli) -> None:
    text = shown(cli, "help", "exit-codes")
    assert [status for status in STATUS_MEANINGS if not re.search(rf"^  {status.value} ", text, re.MULTILINE)] == []


def test_environment_variables_are_complete(cli: Cli) -> None:
    text = shown(cli, "help", "environment")
    variables = [setting.variable for setting in SETTINGS if setting.variable]
    assert [variable for variable in variables if not re.search(rf"^  {variable}\b", text, re.MULTILINE)] == []


def test_every_variable_that_the_program_reads_is_documented(cli: Cli) -> None:
    """Except HOME, which every program reads."""
    reading = re.compile(r'(?:environ(?:ment)?(?:\.get\(|\[)|xdg_folder\([^,]+, )"([A-Z][A-Z_]*)"')
    sources = (Path(__file__).parents[2] / "projects_cli").rglob("*.py")
    found = {name for source in sources for name in reading.findall(source.read_text("utf-8"))}
    assert {"TMPDIR", "XDG_CONFIG_HOME", "COLORTERM", "VISUAL"} < found
    told = set(re.findall(r"[A-Z_]+", cli("help", "environment").stdout))
    assert (found | {"LESS", "COLUMNS", "LINES"}) - told == {"HOME"}
    assert "better in" not in cli("help", "environment").stdout


# --- mistakes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("lst",), "list"),
        (("help", "lst"), "list"),
        (("help", "exit-code"), "exit-codes"),
        (("help", "filter"), "filters"),
        (("local", "strat"), "start"),
        (("help", "local", "strat"), "start"),
        (("list", "--nmae", "x"), "--name"),
        (("list", "--jsn"), "--json"),
        (("--databse", "x", "list"), "--database"),
    ],
)
def test_a_mistyped_word_suggests_similar_ones(cli: Cli, words: tuple[str, ...], meant: str) -> None:
    assert meant in hint_of(cli, *words)


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("zebra",), "projects --help"),
        (("help", "zebra"), "projects help"),
        (("help", "local", "zebra"), "projects local --help"),
        (("help", "get", "zebra"), "projects get --help"),
    ],
)
def test_an_unknown_word_without_similar_ones_refers_to_help(cli: Cli, words: tuple[str, ...], where: str) -> None:
    assert hint_of(cli, *words).endswith(f"see: {where}")


def test_control_characters_of_a_word_are_escaped(cli: Cli) -> None:
    result = cli("help", "\x1b[31m\u202e" + "x" * 10_000)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "\x1b" not in result.stderr
    assert "\u202e" not in result.stderr


# --- as a process -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"], ["--version"]])
def test_root_help_imports_nothing(arguments: list[str]) -> None:
    command = [sys.executable, "-c", LIGHT.format(arguments=arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(result.stderr.split())
    assert loaded & {"typer", "typing", "re", "json", "dataclasses", "pathlib", "pymongo", "pyhocon"} == set()
    texts = {(): root_help.SHORT, ("--version",): result.stdout}
    assert result.stdout == texts.get(tuple(arguments), root_help.TEXT)


def test_root_help_is_the_same_in_a_checkout_that_was_not_built() -> None:
    code = "import sys; sys.modules['projects_cli.cli.root_help'] = None; import projects_cli.__main__ as m; m.main()"
    result = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, root_help.TEXT, "")


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("arguments", [(), ("--help",), ("list", "--help"), ("help", "safety")])
def test_help_fits_the_terminal(columns: int, arguments: tuple[str, ...]) -> None:
    mine, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    command = [sys.executable, "-m", "projects_cli", *arguments]
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env={**os.environ, "TERM": "xterm"}) as process:
        os.close(its)
        text = b""
        try:
            while chunk := os.read(mine, 65536):
                text += chunk
        except OSError:  # EIO: the other side is closed
            os.close(mine)
    assert process.returncode == 0
    lines = text.decode().splitlines()
    copied = ("  projects ", "  -")  # what is to be copied, and the names of options, are not broken
    assert [line for line in lines if len(line) > min(columns, 80) and not line.startswith(copied)] == []
