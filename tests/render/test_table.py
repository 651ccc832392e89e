"""Tables for a terminal: widths with wide characters, whole ids, nothing lost, aligned chunks."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from bson.datetime_ms import DatetimeMS
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from projects_cli.messages import Response
from projects_cli.render import colours, humanize
from projects_cli.render.cells import folded
from projects_cli.render.pager import pager_command
from projects_cli.render.streams import Streams
from projects_cli.render.table import CHUNK, Style, draw
from projects_cli.render.views import VIEWS, View

if TYPE_CHECKING:
    from typing import TextIO

ID = "0123456789abcdef0123456789abcdef"
NOW = datetime(2024, 1, 11, 9, tzinfo=UTC)
LIST = VIEWS["projects.get_all"]
STATISTICS = VIEWS["projects.get_all_ex statistics"]


class Screen(Streams):
    """Streams whose screen has a size of its own."""

    columns = 80

    def size(self) -> tuple[int, int]:
        return self.columns, 1_000_000


class Painted(Screen):
    """The same, in colour."""

    def has_colour(self, stream: TextIO) -> bool:
        return stream is self.stdout


def drawn(
    rows: Any,
    view: View = LIST,
    *,
    columns: int = 80,
    fields: tuple[str, ...] | None = None,
    environment: dict[str, str] | None = None,
    kind: type[Screen] | None = None,
    **style: Any,
) -> list[str]:
    """Return the lines of a table on a screen of that width, as seen two days after `project` was updated."""
    screen = (kind or Screen)(io.StringIO(), io.StringIO(), io.StringIO(), environment or {})
    screen.columns = columns
    key = view.rows or view.record
    data = {key: iter(rows) if view.rows else rows} if key else rows
    look = Style(**{"heading": True, "times": "relative", "now": NOW, **style})
    return "".join(draw(Response("x", data, fields), view, screen, look)).splitlines()


def project(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": ID, "name": name, "tags": [], "last_update": "2024-01-09T08:00:12.345000+00:00", **fields}


def test_a_table_is_as_wide_as_it_needs() -> None:
    assert drawn([project("vision", tags=["a", "b"])]) == [
        "NAME    TAGS  UPDATED     ID",
        f"vision  a, b  2 days ago  {ID}",
    ]


def test_a_long_name_is_folded_and_the_id_stays_whole() -> None:
    lines = drawn([project("x" * 100)])
    assert all(cell_len(line) <= 80 for line in lines)
    assert lines[1].endswith(ID)
    assert sum(line.count("x") for line in lines) == 100


@pytest.mark.parametrize("name", ["日本語" * 20, "😀" * 40, "e\u0301" * 60, "אבג" * 40, "a日" * 40, "\u200d" * 90])
def test_wide_and_narrow_characters_fit_too(name: str) -> None:
    lines = drawn([project(name), project("short")])
    assert [line for line in lines if cell_len(line) > 80] == []
    assert all(line.split().count(ID) <= 1 for line in lines)
    assert sum(ID in line for line in lines) == 2


@settings(max_examples=50, deadline=None)
@given(
    names=st.lists(st.text(st.characters(codec="utf-8"), max_size=120), min_size=1, max_size=4),
    tags=st.lists(st.text(max_size=20), max_size=5),
    columns=st.integers(80, 250),
)
def test_any_table_fits_the_screen_with_every_id_whole(names: list[str], tags: list[str], columns: int) -> None:
    for view in (LIST, STATISTICS):
        lines = drawn([project(name, tags=tags) for name in names], view, columns=columns)
        assert [line for line in lines if cell_len(line) > columns] == []
        assert sum(ID in line for line in lines) == len(names)


def test_statistics_are_right_aligned_and_durations_are_readable() -> None:
    tally = {"total_tasks": 7, "total_runtime": 3_725, "last_task_run": "2024-01-09T08:00:00+00:00", "status_count": {}}
    lines = drawn([project("vision", stats={"active": tally}), project("audio", stats={})], STATISTICS, columns=200)
    heading, vision, audio = lines
    end = heading.index("TASKS") + len("TASKS")
    assert vision[:end].split() == ["vision", "7"]
    assert vision[end - 1] == "7"
    assert "1h02m" in vision
    assert "2 days ago" in vision
    assert audio.split() == ["audio", ID]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (60, "1m00s"), (3_599, "59m59s"), (90_000, "25h00m")]
)
def test_durations(seconds: int, text: str) -> None:
    tally = {"total_runtime": seconds}
    assert text in drawn([project("vision", stats={"active": tally})], STATISTICS, columns=200)[1].split()


def test_chosen_fields_are_the_columns() -> None:
    assert drawn([{"basename": "vision"}], fields=("basename", "path")) == ["BASENAME  PATH", "vision"]


def test_markup_is_text() -> None:
    assert drawn([project("[red]a[/red] :smile:")])[1].startswith("[red]a[/red] :smile:  ")


def test_control_characters_are_escaped() -> None:
    text = "\n".join(drawn([project("a\x1b[31m\u202e\n", tags=["\x07"])]))
    assert "a\\x1b[31m\\u202e\\n" in text
    assert "\\x07" in text


def test_chunks_of_a_long_list_line_up_and_have_one_heading() -> None:
    rows = [project("first name"), *(project("name") for _ in range(CHUNK + 5))]
    lines = drawn(iter(rows))
    assert len(lines) == CHUNK + 7
    assert sum(line.startswith("NAME") for line in lines) == 1
    assert {line.index(ID) for line in lines[1:]} == {lines[0].index("ID")}


def test_a_later_chunk_with_longer_values_still_fits() -> None:
    rows = [*(project("name") for _ in range(CHUNK)), project("y" * 200, tags=["t" * 50])]
    lines = drawn(rows)
    assert [line for line in lines if cell_len(line) > 80] == []
    assert sum(line.replace("days", "").count("y") for line in lines) == 200
    assert sum(ID in line for line in lines) == CHUNK + 1


def test_no_rows_draw_nothing() -> None:
    assert drawn([]) == []


def test_a_record_has_a_line_for_each_field_with_a_value() -> None:
    lines = drawn(project("vision", tags=["a"], description=""), VIEWS["projects.get_by_id"])
    assert [line.split()[0] for line in lines] == ["name", "id", "tags", "updated"]
    assert lines[1].split() == ["id", ID]


def test_a_false_or_zero_value_of_a_record_is_shown() -> None:
    assert drawn({"deleted": 0, "disassociated_tasks": 2}, VIEWS["projects.delete"]) == [
        "deleted              0",
        "disassociated tasks  2",
    ]


def test_colour_needs_a_terminal_that_can(terminal: TextIO) -> None:
    for environment, coloured in (
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": ""}, True),
    ):
        streams = Streams(io.StringIO(), terminal, io.StringIO(), environment)
        assert streams.has_colour(terminal) is coloured
        assert streams.has_colour(io.StringIO()) is False
    assert not Streams(io.StringIO(), terminal, io.StringIO(), {}, colour=False).has_colour(terminal)


@pytest.mark.parametrize(
    ("environment", "command"),
    [
        ({}, ["less"]),
        ({"PAGER": "more -s"}, ["more", "-s"]),
        ({"PAGER": "more", "PROJECTS_PAGER": "most"}, ["most"]),
        ({"PAGER": "more", "PROJECTS_PAGER": ""}, []),
        ({"PAGER": "cat"}, []),
        ({"PAGER": ""}, []),
    ],
)
def test_the_pager_is_projects_pager_else_pager_else_less(environment: dict[str, str], command: list[str]) -> None:
    assert pager_command(Streams(io.StringIO(), io.StringIO(), io.StringIO(), environment)) == command


def test_an_invalid_pager_command_means_no_pager() -> None:
    assert pager_command(Streams(io.StringIO(), io.StringIO(), io.StringIO(), {"PAGER": "less 'x"})) == []


# --- characters whose width is disputed, and other directions ------------------------------------------------------

FAMILY = "👨‍👩‍👧‍👦"


@pytest.mark.parametrize("name", [FAMILY, "🇩🇪🇫🇷 flags", "👍🏽 thumb", "❤️ heart", "1️⃣ one", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏳️‍🌈 x"])
def test_an_emoji_of_several_code_points_is_printed_as_it_is(name: str) -> None:
    environment = {"TERM": "xterm-256color"}
    _, first, second = drawn(
        [project(name, tags=["tag"]), project("plain" * 4, tags=["tag"])], columns=120, environment=environment
    )
    assert first.startswith(name)
    assert "\x1b" not in first
    assert cell_len(first) == cell_len(second)


@pytest.mark.parametrize("one", [FAMILY, "🇩🇪", "👍🏽", "é", "日"])
def test_a_grapheme_is_never_split(one: str) -> None:
    lines = drawn([project(one * 40)], columns=60)
    pieces = [line.replace(ID, "").replace("2 days ago", "").strip() for line in lines]
    assert "".join(pieces[1:] if pieces[0].startswith("NAME") else pieces).replace(" ", "") == one * 40
    assert all(len(piece) % len(one) == 0 for piece in pieces if piece and not piece.startswith("NAME"))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one two three", ["one two", "three"]),
        ("vision/detector", ["vision/", "detector"]),
        ("a//b/ccccc/d", ["a//b/", "ccccc/d"]),
        ("x" * 20, ["x" * 8, "x" * 8, "x" * 4]),
        ("ab " + "x" * 12, ["ab xxxxx", "xxxxxxx"]),
        ("日本語/検出モデル", ["日本語/", "検出モデ", "ル"]),
        ("   ", [""]),
        ("", [""]),
    ],
)
def test_a_cell_is_folded_at_spaces_and_slashes_first(text: str, lines: list[str]) -> None:
    assert folded(text, 8) == lines


def test_text_from_right_to_left_is_closed_before_the_next_column() -> None:
    _, first, second = drawn([project("שלום 12", tags=["34"]), project("x" * 7, tags=["34"])])
    assert first.startswith("שלום 12\u200e  34")
    assert cell_len(first) == cell_len(second)


@pytest.mark.parametrize("columns", [40, 50])
def test_columns_are_stacked_on_a_narrow_screen(columns: int) -> None:
    tally = {"total_tasks": 7, "status_count": {"failed": 1}}
    lines = drawn([project("vision/" + "x" * 40, tags=["a"], stats={"active": tally})], STATISTICS, columns=columns)
    assert [line for line in lines if cell_len(line) > columns] == []
    assert f"  {ID}" in lines
    assert "  tasks 7  failed 1" in lines
    name = "vision/" + "x" * 30
    assert drawn([project(name, tags=["a", "b"])], columns=columns) == [name, "  a, b  2 days ago", f"  {ID}"]


def test_an_id_is_whole_even_if_the_screen_is_narrower() -> None:
    assert f"  {ID}" in drawn([project("vision/" + "x" * 40)], columns=20)


def test_a_narrow_screen_never_cuts_the_id_of_one_record() -> None:
    lines = drawn(project("vision"), VIEWS["projects.get_by_id"], columns=40)
    assert lines[:4] == ["name", "  vision", "id", f"  {ID}"]


# --- colours ------------------------------------------------------------------------------------------------------


def luminance(number: int) -> float:
    """Return the relative luminance (WCAG) of one of the 256 colours, from 16 on."""
    if number >= 232:
        levels = [8 + 10 * (number - 232)] * 3
    else:
        cube = number - 16
        levels = [0 if part == 0 else 55 + 40 * part for part in (cube // 36, cube // 6 % 6, cube % 6)]
    linear = [one / 255 / 12.92 if one / 255 <= 0.03928 else ((one / 255 + 0.055) / 1.055) ** 2.4 for one in levels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", colours.COLOURS)
def test_a_colour_can_be_read_on_black_and_on_white(name: str) -> None:
    bright = luminance(colours.COLOURS[name][0])
    assert (bright + 0.05) / 0.05 >= 3.8
    assert 1.05 / (bright + 0.05) >= 3.8


def test_every_style_is_a_known_colour() -> None:
    assert {*colours.OF_FIELD.values(), *colours.OF_WORD.values()} <= {"bold", "link", *colours.COLOURS}


def test_a_state_has_its_own_colour_and_its_own_word() -> None:
    looks = {}
    for state in ("done", "undone", "applying"):
        lines = drawn(
            [{"id": "x", "state": state}], VIEWS["history"], kind=Painted, environment={"TERM": "xterm-256color"}
        )
        looks[state] = re.search(rf"\x1b\[([0-9;]*)m{state}", lines[1])
    assert len({found[1] for found in looks.values() if found}) == 3


# --- times ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "text"),
    [("relative", "2 days ago"), ("absolute", "2024-01-09 08:00Z"), ("iso", "2024-01-09T08:00:12.345")],
)
def test_times_in_each_form(form: str, text: str) -> None:
    assert text in drawn([project("vision")], columns=120, times=form)[1]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2024-01-11T09:00:00+00:00", "a moment ago"),
        ("2024-01-11T08:59:30+00:00", "30 seconds ago"),
        ("2024-01-11T09:15:00+00:00", "in 15 minutes"),
        ("2022-03-01T00:00:00+00:00", "1 year ago"),
        (NOW.replace(tzinfo=None, hour=8), "an hour ago"),
        ("2022-01-11T08:59:59+00:00", "2 years ago"),
        ("2022-01-11T09:00:01+00:00", "1 year ago"),
        ("1969-01-01T00:00:00+00:00", "55 years ago"),
        ("1027-01-01T00:00:00+00:00", "997 years ago"),
        ("0900-01-01T00:00:00+00:00", "1,124 years ago"),
        ("0001-01-01T00:00:00+00:00", "2,023 years ago"),
        ("2024-06-25T09:00:00+00:00", "in 5 months"),
        ("2999-01-01T00:00:00+00:00", "in 974 years"),
        ("3100-01-01T00:00:00+00:00", "in 1,075 years"),
        ("9999-01-01T00:00:00+00:00", "in 7,974 years"),
        (datetime(9999, 12, 31, 23, 59, 59), "in 7,975 years"),  # noqa: DTZ001 - as it is stored
        (DatetimeMS(253402300800000), "in 7,975 years"),
        (DatetimeMS(-62135596800001), "2,023 years ago"),
        (DatetimeMS(2**63 - 1), "in 292,276,970 years"),
        ("no date", "no date"),
        (7, 7),
        (None, None),
    ],
)
def test_how_long_ago(moment: Any, text: str) -> None:
    assert humanize.time(moment, form="relative", now=NOW) == text


def test_a_table_without_its_heading() -> None:
    assert drawn([project("vision")], heading=False) == [f"vision    2 days ago  {ID}"]
