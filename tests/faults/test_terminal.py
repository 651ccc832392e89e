"""Names that would control a terminal, in every command and every format, in a pipe and on a terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from projects_cli.config.settings import OUTPUTS
from tests.fuzz.trial import RAW
from tests.worlds.site import USER, Site, empty_site, metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cli
    from tests.servers import Server

HOSTILE = (
    "esc\x1b[31m\x1b]0;title\x07",
    "c1\x9b2J\x85",
    "bidi\u202egnp.exe\u2066x\u2069\u200f",
    "[bold red]markup[/]",
    "line\nnext\rover\ttab",
    "nul\0del\x7f",
    "para\u2028graph\u2029",
)
SHOWN = ("\\x1b", "\\x9b", "\\u202e", "[bold red]markup[/]", "\\n")
"""What stands for the first of them, in text; JSON has escapes of its own."""

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server(standalone: Server) -> Server:
    return standalone


@pytest.fixture
def site(server: Server, cli: Cli) -> Iterator[Site]:
    with empty_site(server, cli) as site:
        top = site.project("top" + HOSTILE[0], description=HOSTILE[1])
        for name in HOSTILE:
            project = site.project(
                f"x{name}", description=name, tags=[name], system_tags=[name], default_output_destination=name
            )
            parameters = {name.replace("\0", ""): {"p": {"section": name, "name": name, "value": name}}}
            site.task(project, name=name, tags=[name], last_metrics=metrics(**{name: name}), hyperparams=parameters)
            site.model(project, name=name, tags=[name], system_tags=[name])
        site.task(top, tags=["plain"])
        yield site


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("list",),
    ("list", "--stats"),
    ("get", "x" + HOSTILE[0]),
    ("metrics",),
    ("hyperparams",),
    ("task-tags", "--include-system"),
    ("model-tags", "--include-system"),
    ("delete", "x" + HOSTILE[2], "--force", "--dry-run"),
    ("delete", "x" + HOSTILE[4]),
    ("update", "x" + HOSTILE[3], "--name", "x" + HOSTILE[2], "--dry-run"),
    ("get", "no" + HOSTILE[0]),
    ("create", HOSTILE[1], "-d", HOSTILE[0], "--dry-run"),
    ("history",),
    ("doctor",),
    ("status",),
    ("schema", HOSTILE[0]),
    ("call", HOSTILE[0]),
    (HOSTILE[0],),
    ("list", "--" + HOSTILE[0]),
    ("list", "--fields", HOSTILE[4]),
    ("list", "--company", HOSTILE[0], "--verbose"),
)


@pytest.mark.parametrize("output", OUTPUTS)
def test_no_control_character_leaves_the_program(site: Site, output: str) -> None:
    for arguments in COMMANDS:
        result = site(*arguments, "-o", output, PROJECTS_JOURNAL_DB=f"{site.name}_j")
        assert result.exit_code in {0, 2, 3, 4, 6}, (arguments, result.stderr)
        shown = result.stdout.split("\0") if output == "id0" else [result.stdout]  # a NUL ends each id
        for text in (*shown, result.stderr):
            assert not RAW.search(text), (arguments, RAW.findall(text))
            assert "unexpected failure" not in text
    site.server.drop(f"{site.name}_j")


def test_what_stands_for_them_is_readable(site: Site) -> None:
    shown = site.text("list")
    assert not [one for one in SHOWN if one not in shown]


def on_terminal(site: Site, *arguments: str) -> str:
    """Return the output as a terminal receives it."""
    near, far = pty.openpty()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PROJECTS_MONGO_URI": site.server.uri,
        "PROJECTS_DATABASE": site.name,
        "PROJECTS_JOURNAL_DB": f"{site.name}_j",
        "PROJECTS_USER": USER,
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PAGER": "cat",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "projects_cli", *arguments, "--no-input"], env=environment, stdout=far, stderr=far
    )
    os.close(far)
    seen = b""
    while True:
        ready, _, _ = select.select([near], [], [], 30)
        try:
            piece = os.read(near, 65536) if ready else b""
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        seen += piece
    process.wait(timeout=30)
    os.close(near)
    return seen.decode("utf-8").replace("\r\n", "\n")


@pytest.mark.parametrize("arguments", [("list",), ("list", "--stats"), ("metrics",), ("task-tags",), ("hyperparams",)])
def test_nor_on_a_terminal(site: Site, arguments: tuple[str, ...]) -> None:
    seen = on_terminal(site, *arguments)
    assert not RAW.search(seen), RAW.findall(seen)
    assert "[bold red]markup[/]" in seen or "…" in seen
