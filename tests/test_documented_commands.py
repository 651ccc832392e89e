"""Every command line of the documentation works: those of code blocks are run, the others have real options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from projects_cli.config.settings import COMMUNITY_COMPANY
from projects_cli.errors import ExitStatus
from projects_cli.local.sample import load
from projects_cli.store.client import connect
from tests.worlds.site import empty_site
from tools.program import program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cli
    from tests.servers import Server
    from tests.worlds.site import Site
    from tools.program import Command

CHECKOUT = Path(__file__).parents[1]
PAGES = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").glob("*.md"), *(CHECKOUT / "packaging").iterdir()])
OWNER = "Ana Souza"
"""A user of the sample."""

FENCE = re.compile(r"^ *```(\w*)")
LINE = re.compile(r"^ *(\$ )?(projects .+)$")
INLINE = re.compile(r"(?<!`)`(projects [^`]+)`(?!`)")
STOPS = re.compile(r"[|<>&]+|\\")
"""Words that end a command line for a shell."""

PLACEHOLDER = re.compile(r"[A-Z]{3,}(=[A-Z]{3,})?")
"""A value that the reader replaces: the line is only checked for its options."""

ELSEWHERE = {"local", "copy", "edit", "--watch"}
"""Words of lines that need a private server, a second database or a terminal: tests of these commands have them."""


def command_lines(page: Path) -> list[str]:
    """Return the command lines of a page's code blocks, without the commands that they are piped into."""
    lines: list[str] = []
    block: str | None = None
    for line in page.read_text("utf-8").splitlines():
        if match := FENCE.match(line):
            block = match[1] if block is None else None
        elif (match := LINE.match(line)) and (block is not None or line.startswith("    ")):
            # A session shows output, too.
            lines += [match[2]] if match[1] or block != "console" else []
    return lines


def words(line: str) -> list[str]:
    """Return the words of a command line as a shell would pass them on."""
    found = shlex.split(line, comments=True)[1:]
    stop = next((index for index, word in enumerate(found) if STOPS.fullmatch(word)), len(found))
    return found[:stop]


RUN = {page.relative_to(CHECKOUT): lines for page in PAGES if page.suffix == ".md" and (lines := command_lines(page))}


@pytest.fixture
def sample(standalone: Server, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Provide the sample, a user who has made a change, and a file with the URI, as in the pages."""
    monkeypatch.chdir(tmp_path)
    uri_file = tmp_path / "home" / "lab.uri"
    uri_file.write_text(f"{standalone.uri}\n")
    uri_file.chmod(0o600)
    with empty_site(standalone, cli) as site:
        connection = connect(site.server.uri, site.name, shown="test")
        load(connection, COMMUNITY_COMPANY)
        connection.close()
        assert site("update", "nlp", "--add-tag", "text").exit_code == 0
        yield site


@pytest.mark.parametrize("page", RUN, ids=str)
def test_the_command_lines_of_a_page_work_on_the_sample(sample: Site, page: Path) -> None:
    """In their order, each with what the ones before it have changed."""
    for line in RUN[page]:
        arguments = words(line)
        if ELSEWHERE & set(arguments) or any(map(PLACEHOLDER.fullmatch, arguments)):
            continue
        variables = {"PROJECTS_USER": OWNER, "PROJECTS_YES": "1", "PROJECTS_WEB_URL": "https://app.example.com"}
        result = sample(*arguments, **variables)
        # The sample has already what an import would restore: tests/cli/test_import.py has empty databases.
        refused = arguments[0] == "import" and "--on-conflict" not in arguments
        expected = {ExitStatus.REFUSED} if refused else {ExitStatus.DONE, ExitStatus.FINDINGS}
        assert result.exit_code in expected, (line, result.stderr)


COMMANDS: dict[str, Command] = {
    " ".join((*command.path[:-1], name)): command for command in program().places() for name in command.names
}
SHARED = {flag for option in program().shared for flag in option.flags}


def unknown_parts(line: str) -> list[str]:
    """Return the command or the options of a line that do not exist; values may be placeholders."""
    arguments = re.sub(r"[…\[\]]", " ", line.partition(" | ")[0]).split()[1:]
    names = [argument for argument in arguments if not argument.startswith("-")]
    command = next((COMMANDS[name] for name in (" ".join(names[:2]), " ".join(names[:1])) if name in COMMANDS), None)
    if command is None:
        return [" ".join(names[:1])] if names and names[0].islower() else []
    known = {flag for option in command.options for flag in option.flags} | SHARED
    below = [other for other in COMMANDS.values() if other.path[: len(command.path)] == command.path]
    known |= {flag for other in below for option in other.options for flag in option.flags}
    flags = [argument.partition("=")[0] for argument in arguments if re.match(r"--[a-z]|-[A-Za-z]$", argument)]
    return [flag for flag in flags if flag not in known]


def test_command_lines_in_the_text_exist_with_their_options() -> None:
    unknown = {}
    for page in PAGES:
        lines = INLINE.findall(" ".join(page.read_text("utf-8").split("\n")))
        for line in [*lines, *command_lines(page)]:
            if parts := unknown_parts(line):
                unknown[f"{page.name}: {line}"] = parts
    assert unknown == {}


def test_an_unknown_command_or_option_is_noticed() -> None:
    assert unknown_parts("projects lst --stats") == ["lst"]
    assert unknown_parts("projects list --statistics") == ["--statistics"]
    assert unknown_parts("projects list --stats | head -2") == []
    assert unknown_parts("projects local start --fields=name") == []
    assert words("projects list -o id | head -1  # two") == ["list", "-o", "id"]
