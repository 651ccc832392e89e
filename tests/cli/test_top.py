"""`projects top`: the first projects by a measure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.running import on_terminal
from tests.worlds.site import LONG_AGO, OTHER, UNKNOWN

if TYPE_CHECKING:
    from tests.worlds.site import Site

HOUR = timedelta(hours=1)


@pytest.fixture
def ranked(site: Site) -> Site:
    """Return a site whose projects are in another order by each measure."""
    audio = site.project("audio", created=LONG_AGO - 9 * HOUR)
    yolo = site.project("vision/yolo", created=LONG_AGO - HOUR)
    hidden = site.project("vision/.datasets", system_tags=["hidden"], created="not a time")
    site.project("empty", created=LONG_AGO + HOUR)
    for hours in (1, 2):
        site.task(yolo, started=LONG_AGO + hours * HOUR, completed=LONG_AGO + 2 * hours * HOUR)
    site.task(audio, started=LONG_AGO, completed=LONG_AGO + 7 * HOUR)
    site.task(site.named("vision")["_id"], started=LONG_AGO + 4 * HOUR)
    site.task(audio, system_tags=["archived"], started=LONG_AGO + 5 * HOUR)
    site.task(hidden)
    site.task(yolo, company=OTHER)
    site.model(audio)
    site.project("foreign", company=OTHER)
    return site


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        (["--by", "tasks"], {"vision": 4, "vision/yolo": 2, "audio": 1}),
        (["--by", "tasks", "--own"], {"vision/yolo": 2, "audio": 1, "vision": 1}),
        (["--by", "tasks", "--hidden", "-L", "2"], {"vision": 4, "vision/yolo": 2}),
        (["--by", "models"], {"audio": 1}),
        (["--by", "runtime"], {"audio": 7 * 3600, "vision": 3 * 3600, "vision/yolo": 3 * 3600}),
        (["--by", "size"], {"vision": 2}),
        (["vision"], {"vision/yolo": 2}),
    ],
)
def test_the_highest_values_come_first(ranked: Site, arguments: list[str], values: dict[str, int]) -> None:
    found: dict[str, Any] = {}
    for project in ranked.json("top", *arguments)["projects"]:
        (found[project["name"]],) = (value for field, value in project.items() if field not in ("id", "name"))
    assert list(found.items()) == list(values.items())


def test_of_times_the_oldest_come_first(ranked: Site) -> None:
    oldest = [(one["name"], one["created"]) for one in ranked.json("top", "--by", "age")["projects"]]
    assert [name for name, _ in oldest] == ["audio", "vision/yolo", "vision", "empty"]
    assert oldest[2][1] == LONG_AGO.isoformat()
    stalest = ranked.json("top", "--by", "last-run")["projects"]
    assert [(one["name"], one["last_run"]) for one in stalest] == [
        ("audio", LONG_AGO.isoformat()),
        ("vision/yolo", (LONG_AGO + 2 * HOUR).isoformat()),
        ("vision", (LONG_AGO + 4 * HOUR).isoformat()),
    ]


def test_formats_with_lines_have_no_bars(ranked: Site) -> None:
    identifier = ranked.named("audio")["_id"]
    assert ranked.text("top", "--by", "models") == f"NAME\tMODELS\tID\naudio\t1\t{identifier}\n"
    assert ranked.text("top", "-L", "1", "-o", "id").strip() == ranked.named("vision")["_id"]


def test_on_a_terminal_bars_are_relative_to_the_highest(ranked: Site) -> None:
    _, shown = on_terminal(ranked, "top", NO_COLOR="1")
    assert shown.splitlines() == [
        "NAME         TASKS",
        f"vision           4  {'━' * 40}",
        f"vision/yolo      2  {'━' * 20}",
        f"audio            1  {'━' * 10}",
    ]
    _, shown = on_terminal(ranked, "top", "-L", "1", NO_COLOR="1", PYTHONUTF8="0", LC_ALL="C", PYTHONCOERCECLOCALE="0")
    assert shown.splitlines()[1] == f"vision      4  {'=' * 40}"


def test_errors_say_what_is_wrong(ranked: Site) -> None:
    assert ranked.error("top", UNKNOWN, status=3)["name"] == "InvalidProjectId"
    assert ranked.error("top", "--own", "--by", "age", status=2)["message"] == "--own can't be used with --by age"
