"""Charts: bars and spark lines, for any names and values and on any screen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from projects_cli.render.cells import LEFT_TO_RIGHT_MARK
from projects_cli.render.charts import ASCII, UNICODE, Marks, bar, chart, spark_line
from projects_cli.render.encode import cell
from projects_cli.render.escaping import UNSAFE
from projects_cli.render.table import Style
from projects_cli.render.views import VIEWS

NOW = datetime(2024, 6, 1, tzinfo=UTC)
STYLE = Style(heading=True, times="relative", now=NOW)

NAMES = st.one_of(st.text(), st.none(), st.text(alphabet="a/画שé\u0301\U0001f468\u200d", max_size=300))
VALUES = st.one_of(st.integers(), st.none(), st.floats(), st.lists(st.integers()), st.just("2024-01-01"), st.booleans())


def lines(records: list[dict[str, Any]], view: str, columns: int, marks: Marks = UNICODE) -> list[str]:
    """Return the lines of a chart, without the marks that close text from right to left."""
    drawn = chart(records, VIEWS[view].columns[:-1], VIEWS[view].bars or "", columns, marks, STYLE)
    return [line.plain.replace(LEFT_TO_RIGHT_MARK, "") for line in drawn]


@given(
    st.lists(st.tuples(NAMES, VALUES), max_size=5), st.sampled_from([40, 80, 200]), st.sampled_from(["tasks", "age"])
)
def test_any_chart_fits_the_screen_and_has_only_safe_characters(
    rows: list[tuple[Any, Any]], columns: int, measure: str
) -> None:
    field = VIEWS[f"top by {measure}"].bars or ""
    # No server counts more than that; a longer number is a column of its own, and so is the text for an infinite one.
    usual = [(name, value) for name, value in rows if len(cell(value)) < 18]
    for line in lines([{"name": name, field: value} for name, value in usual], f"top by {measure}", columns):
        assert cell_len(line) <= columns
        assert not UNSAFE.search(line)


@pytest.mark.parametrize(("value", "halves"), [(0, 0), (1, 1), (500, 10), (1000, 20), (-5, 0), (float("nan"), 0)])
def test_a_bar_is_relative_and_a_small_value_is_not_nothing(value: float, halves: int) -> None:
    drawn = bar(value, 1000, 10)
    assert 2 * drawn.count("━") + drawn.count("╸") == halves


def test_a_chart_of_nothing_has_no_heading() -> None:
    assert lines([], "activity by user", 80) == []
    assert len(lines([{"name": "ana", "tasks": 1}], "activity by user", 80)) == 2


def test_in_a_spark_line_nothing_differs_from_little() -> None:
    assert spark_line([0, 1, 50, 100]) == "·▁▄█"
    assert spark_line([0, 1, 50, 100], ASCII) == ".,+#"
    assert (spark_line([0, 0]), spark_line([])) == ("··", "")


def test_the_last_columns_are_left_out_before_bars_and_names_become_too_short() -> None:
    week = {"id": "2024-W02", "name": "2024-01-08", "tasks": 7, "completed": 5, "failed": 1, "runtime": 4000}
    wide, narrow = (lines([week], "activity by week", columns) for columns in (120, 40))
    assert wide[0].split() == ["WEEK", "MONDAY", "TASKS", "COMPLETED", "FAILED", "RUNTIME"]
    assert narrow == ["WEEK      MONDAY      TASKS", "2024-W02  2024-01-08      7  ━━━━━━━━━━━"]


def test_of_a_long_name_the_end_is_shown() -> None:
    shown = lines([{"name": "vision/" + "x" * 90 + "/end", "tasks": 1}], "top by tasks", 40)[1]
    assert shown.startswith("…xx")
    assert "/end  " in shown
