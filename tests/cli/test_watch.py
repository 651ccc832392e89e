"""`--watch`: a command whose output is redrawn in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.running import on_terminal, run

if TYPE_CHECKING:
    from tests.worlds.site import Site

ALTERNATE, NORMAL = "\x1b[?1049h", "\x1b[?1049l"
"""The escape sequences for a screen of its own, and for the one with what was there before."""


@pytest.fixture
def named(site: Site) -> Site:
    """Return a site with a task in a project."""
    site.task(site.project("vision"))
    return site


@pytest.mark.parametrize(
    "command", [("top", "--watch", "0.1"), ("list", "--watch", "0.1", "--stats"), ("status", "--watch=0.1")]
)
def test_the_screen_is_redrawn_until_ctrl_c_and_restored(named: Site, command: tuple[str, ...]) -> None:
    twice = f"(?s)projects {command[0]}, every 0.1s.*projects {command[0]}, every 0.1s"
    status, shown = on_terminal(named, *command, keys=[(twice, "\x03")], controlling=True)
    assert status == 130
    assert shown.count(ALTERNATE) == shown.count(NORMAL) == 1
    assert shown.index("Ctrl-C ends") > shown.index(ALTERNATE)
    _, _, after = shown.rpartition(NORMAL)
    assert after.replace("\x1b[?25h", "").strip() in ("", "^C")


def test_an_error_ends_it_and_is_printed_on_the_normal_screen(named: Site) -> None:
    status, shown = on_terminal(named, "top", "no such", "--watch", "--no-color")
    assert status == 3
    assert "error: there is no project 'no such'" in shown.rpartition(NORMAL)[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--watch",), "--watch needs a terminal: standard output is not one that can be redrawn"),
        (("--watch", "vision"), "--watch needs a terminal: standard output is not one that can be redrawn"),
        (("--watch", "--json"), "--watch can't be used with -o json"),
        (("--watch", "5", "-o", "csv"), "--watch can't be used with -o csv"),
        (("--watch=soon",), "--watch: 'soon' is not a duration"),
        (("--watch", "0.01"), "--watch '0.01': must be at least 0.1 seconds"),
    ],
)
def test_it_is_refused_where_nothing_can_be_redrawn(named: Site, arguments: tuple[str, ...], message: str) -> None:
    result = run(named, "top", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_terminal_that_cannot_be_redrawn_is_refused(named: Site) -> None:
    assert "--watch needs a terminal" in on_terminal(named, "top", "--watch", TERM="dumb").text
