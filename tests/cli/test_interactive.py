"""`--interactive`: projects are selected from a list, on a terminal only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.running import QUESTION, on_terminal, run
from tests.worlds.site import OTHER, Site, empty_site

if TYPE_CHECKING:
    from tests.conftest import Cli
    from tests.servers import Server

LISTED = "Esc cancels"
"""What the list ends with; after that it waits for keys."""

UP, DOWN, TAB, ENTER, ESCAPE, CTRL_C = "\x1b[A", "\x1b[B", "\t", "\r", "\x1b", "\x03"


@pytest.fixture
def site(site: Site) -> Site:
    for name in ("audio", "vision/detection", "vision/Segmentation", "日本語"):
        site.project(name)
    return site


def test_a_project_is_found_by_typing_parts_of_its_name(site: Site) -> None:
    seen = on_terminal(site, "get", "-i", "-o", "id", keys=[(LISTED, "visi SEG" + ENTER)])
    assert seen.status == 0
    assert "selected: vision/Segmentation" in seen.plain
    assert seen.plain.splitlines()[-1] == site.named("vision/Segmentation")["_id"]


def test_keys_go_through_the_list(site: Site) -> None:
    keys = [(LISTED, DOWN * 9 + UP * 3 + DOWN + ENTER)]
    assert "selected: vision/Segmentation" in on_terminal(site, "get", "--interactive", keys=keys).plain


def test_a_search_that_finds_nothing_takes_nothing(site: Site) -> None:
    seen = on_terminal(site, "get", "-i", keys=[(LISTED, "nowhere" + ENTER + ESCAPE)])
    assert (seen.status, "nothing was selected" in seen.plain) == (1, True)


def test_several_are_marked_and_asked_about_once(site: Site) -> None:
    keys = [(LISTED, TAB * 3 + UP * 2 + TAB + "日本" + TAB + ENTER), (QUESTION, "y\n")]
    seen = on_terminal(site, "delete", "-i", keys=keys)
    assert (seen.status, "Delete 3 projects? [y/N]" in seen.plain) == (0, True)
    assert site.names() == ["vision", "vision/detection"]


@pytest.mark.parametrize("columns", [40, 80])
def test_an_id_is_never_cut(site: Site, columns: int) -> None:
    """Beside a long name its end is cut; on a narrow terminal the id at the cursor has a line of its own."""
    identifier = site.project("a/" + "x" * 60 + " the end")
    first = site.named("a")["_id"]
    seen = on_terminal(site, "get", "-i", "-o", "id", columns=columns, keys=[(first, ENTER)])
    assert seen.plain.splitlines()[-1] == first
    assert "x the end" in seen.plain
    assert (identifier in seen.plain) == (columns == 80)


@pytest.mark.parametrize(("key", "status"), [(ESCAPE, 1), (CTRL_C, 130)])
def test_leaving_changes_nothing(site: Site, key: str, status: int) -> None:
    before = site.everything()
    assert on_terminal(site, "delete", "-i", "--yes", keys=[(LISTED, key)]).status == status
    assert site.everything() == before


def test_a_change_offers_only_what_it_can_change(site: Site) -> None:
    site.project("shared", company="", company_origin=OTHER)
    site.project("mine-shared", company="", company_origin=site.named("audio")["company"])
    site.project("foreign", company=OTHER)
    site.project("a-hidden", system_tags=["hidden"])
    for command, names in (
        ("get", ["audio", "mine-shared", "shared", "vision"]),
        ("make-public", ["audio", "vision"]),
        ("make-private", ["mine-shared"]),
    ):
        seen = on_terminal(site, command, "-i", keys=[(LISTED, ESCAPE)])
        assert [
            name
            for name in ("audio", "foreign", "mine-shared", "a-hidden", "shared", "vision")
            if f" {name}  " in seen.plain
        ] == names, command


def test_a_name_is_harmless_in_the_list(site: Site) -> None:
    site.project("evil\x1b]0;x\x07\u202e")
    assert "evil\\x1b]0;x\\x07\\u202e" in on_terminal(site, "get", "-i", keys=[(LISTED, ESCAPE)]).plain


@pytest.mark.parametrize(
    "command", ["get", "update", "delete", "make-public", "make-private", "metrics", "hyperparams"]
)
def test_without_a_terminal_nothing_can_be_picked(site: Site, command: str) -> None:
    result = site(command, "-i")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--interactive needs a terminal" in result.stderr


def test_nor_where_nothing_may_be_asked_or_the_terminal_can_not(site: Site) -> None:
    assert on_terminal(site, "get", "-i", "--no-input").status == 2
    assert on_terminal(site, "get", "-i", TERM="dumb").status == 2


def test_a_name_besides_is_wrong_usage(site: Site) -> None:
    assert on_terminal(site, "get", "audio", "-i").status == 2


@pytest.mark.parametrize("command", ["get", "update", "delete", "make-public"])
def test_who_names_no_project_is_told_of_it(site: Site, command: str) -> None:
    error = site.error(command, status=2)
    assert (error["message"], "--interactive" in error["hint"]) == ("no project was named", True)


def test_without_projects_there_is_nothing_to_pick(standalone: Server, cli: Cli) -> None:
    with empty_site(standalone, cli) as empty:
        assert on_terminal(empty, "get", "-i").status == 3


def test_the_list_is_on_standard_error(site: Site) -> None:
    assert run(site, "get", "-i").stdout == ""
