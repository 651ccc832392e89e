"""The console sessions of the pages show what the commands print on the sample, on a terminal of 80 columns.

A session does not pipe a command into another: which of the two writes first to the terminal would be left to chance.
`make snapshots` writes what differs into the pages. Review the difference before you commit it.
"""

from __future__ import annotations

import os
import re
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from rich.cells import cell_len

from projects_cli.local.sample import load, sample
from projects_cli.store.client import connect
from tests.running import on_terminal
from tests.worlds.site import COMPANY, empty_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cli
    from tests.servers import Server
    from tests.worlds.site import Site

CHECKOUT = Path(__file__).parents[2]
RENEW = bool(os.environ.get("RENEW_SNAPSHOTS"))
COLUMNS = 80

SHELL = re.compile(r"^projects .*#.*", re.MULTILINE)
"""A command with a comment, in a block without output."""

BLOCK = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)

ELSEWHERE = ("projects local", "projects config", "projects profile")
"""Commands on a private server or on the user's files, which the tests of these commands cover."""

AGE = re.compile(r"\b(an?|\d+) (moment|second|minute|hour|day|week|month|year)s? ago\b|\bnow\b")
OPERATION = re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{7}\b")
BAR = re.compile(r"[━╸]+")
ID = re.compile(r"\b[0-9a-f]{32}\b")

OMITTED = "…"
"""A line of a page that stands for any number of lines."""


class Step(NamedTuple):
    """A command line of a session, and the lines that it is shown to print."""

    command: str
    shown: list[str]


def steps_of(block: str) -> list[Step]:
    """Return the steps of a console session."""
    steps: list[Step] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            steps.append(Step(line.removeprefix("$ "), []))
        else:
            steps[-1].shown.append(line)
    return steps


SAMPLE_IDS = {document["_id"] for documents in sample(COMPANY).values() for document in documents}


def stable(lines: list[str]) -> list[str]:
    """Return lines without what differs from run to run: ages, their bars, new ids, and the widths of columns."""
    text = BAR.sub("BAR", "\n".join(lines))
    text = AGE.sub("AGE", OPERATION.sub("OPERATION", text))
    text = ID.sub(lambda match: match[0] if match[0] in SAMPLE_IDS else "ID", text)
    return [" ".join(line.split()) for line in text.splitlines()]


def is_shown(shown: list[str], printed: list[str]) -> bool:
    """Return whether a page shows these lines, some of them perhaps omitted."""
    parts = [list(part) for is_gap, part in groupby(stable(shown), OMITTED.__eq__) if not is_gap]
    pattern = r"\n(?:.*\n)*".join(re.escape("\n".join(part)) for part in parts)
    if OMITTED in shown[-1:]:
        pattern += r"(?:\n.*)*"
    return re.fullmatch(pattern, "\n".join(stable(printed))) is not None


@pytest.fixture
def site(standalone: Server, cli: Cli) -> Iterator[Site]:
    with empty_site(standalone, cli) as site:
        connection = connect(site.server.uri, site.name, shown="test")
        load(connection, COMPANY)
        connection.close()
        yield site


def printed_by(command: str, site: Site) -> list[str]:
    """Return what a command line of a shell prints on a terminal."""
    script = f'projects() {{ "{sys.executable}" -m projects_cli "$@"; }}\n{command}'
    seen = on_terminal(site, "-c", script, columns=COLUMNS, program=("sh",), PROJECTS_USER="")
    assert seen.status == 0, (command, seen.text)
    return [line.rstrip() for line in seen.plain.splitlines()]


@pytest.mark.parametrize("page", ["README.md", "docs/recipes.md"])
def test_a_page_shows_what_the_commands_print(page: str, site: Site) -> None:
    file = CHECKOUT / page
    different = []

    def renewed(block: re.Match[str]) -> str:
        session = ""
        for command, shown in steps_of(block[0]):
            printed = shown if command.startswith(ELSEWHERE) else printed_by(command, site)
            if is_shown(shown, printed):
                printed = shown
            else:
                different.append((command, shown, printed))
            session += "".join(f"{line}\n" for line in (f"$ {command}", *printed))
        return session

    text = BLOCK.sub(renewed, file.read_text("utf-8"))
    if RENEW:
        file.write_text(text, "utf-8")
    else:
        assert different == []


@pytest.mark.parametrize("page", ["README.md", "docs/recipes.md"])
def test_sessions_fit_a_terminal(page: str) -> None:
    text = (CHECKOUT / page).read_text("utf-8")
    lines = [*SHELL.findall(text), *(line for block in BLOCK.findall(text) for line in block.splitlines())]
    assert lines
    assert [line for line in lines if line.startswith("$ ") and " | " in line] == []
    assert [line for line in lines if cell_len(line) > COLUMNS] == []


def test_a_difference_is_noticed() -> None:
    shown = ["NAME   UPDATED", "vision  1 year ago", OMITTED, "end"]
    assert is_shown(shown, ["NAME    UPDATED", "vision  2 days ago", "b", "c", "end"])
    assert is_shown(["a", OMITTED], ["a", "b"])
    assert not is_shown(shown, ["NAME    UPDATED", "vision  2 tags", "b", "end"])
    assert not is_shown(["a"], ["a", "b"])
    assert not is_shown(["a", "b"], ["a"])
