"""Every row of the benchmarks runs on tiny data and agrees with its baseline; nothing is timed here."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from benchmarks.__main__ import arguments, environment
from benchmarks.data import load
from benchmarks.installed import Programs
from benchmarks.report import Result, as_json, as_table
from benchmarks.rows import JOURNAL, ROWS, Bar, Row, Site
from benchmarks.sizes import SIZES
from benchmarks.timing import Command, CommandFailed, Timed, interleaved, stopwatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Server

TINY = SIZES["tiny"]
SHAPES = {TINY.listed, TINY.statistics, TINY.deleted, TINY.relocated, TINY.retagged}

CHANGES = {"delete", "move", "merge", "retag"}  # rows that share a database or the journal, which each of them restores


@pytest.fixture
def site(standalone: Server, tmp_path: Path) -> Iterator[Site]:
    for shape in SHAPES:
        load(standalone.client, shape)
    programs = Programs.of(sys.executable)
    yield Site(programs, standalone.uri, standalone.client, TINY, tmp_path, environment(tmp_path))
    for name in [shape.name for shape in SHAPES] + [JOURNAL]:
        standalone.drop(name)


def test_every_row_runs_and_agrees_with_its_baseline(site: Site, tmp_path: Path) -> None:
    def answers(row: Row) -> bool | None:
        folder = tmp_path / row.name
        with stopwatch(folder, environment(tmp_path)) as watch:
            program, baseline = interleaved(watch, row.name, row.sides(site), 0)
        return row.same(program.output, baseline.output) if row.same else None

    changes = [row for row in ROWS if row.name in CHANGES]
    reads = [row for row in ROWS if row.name not in CHANGES]
    with ThreadPoolExecutor(4) as pool:
        changed = pool.submit(lambda: [answers(row) for row in changes])
        found = dict(zip([row.name for row in reads], pool.map(answers, reads), strict=True))
        found |= zip([row.name for row in changes], changed.result(), strict=True)
    assert {name: same for name, same in found.items() if same is not None} == {
        row.name: True for row in ROWS if row.same
    }


def test_data_are_the_same_each_time_made_once_and_as_asked_for(standalone: Server) -> None:
    shape = TINY.statistics
    database = load(standalone.client, shape)
    first = list(database["task"].find().sort("_id", 1))
    assert len(first) == shape.tasks
    assert max(len(project["path"]) for project in database["project"].find()) < shape.depth
    assert shape.document * 0.8 < database.command("collStats", "task")["avgObjSize"] < shape.document * 1.2
    database["task"].delete_many({})
    assert load(standalone.client, shape)["task"].count_documents({}) == 0
    standalone.drop(shape.name)
    assert list(load(standalone.client, shape)["task"].find().sort("_id", 1)) == first
    standalone.drop(shape.name)


def test_a_command_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    with stopwatch(tmp_path, {}) as watch, pytest.raises(CommandFailed, match=r"ended with 3: oh no"):
        watch.time(Command([sys.executable, "-c", "import sys; sys.stderr.write('oh no'); sys.exit(3)"]), "fails")


def test_the_stopwatch_does_not_lend_its_own_memory(tmp_path: Path) -> None:
    ballast = bytearray(200_000_000)
    with stopwatch(tmp_path, {}) as watch:
        found = watch.time(Command([sys.executable, "-I", "-S", "-c", "pass"]), "small")
    assert found["memory"] < len(ballast) / 4
    assert 0 < found["cpu"] < found["wall"] + 1


def timed(seconds: float) -> Timed:
    return Timed([{"wall": seconds, "written": seconds}], b"")


def test_a_missed_bar_and_a_failed_row_are_in_the_table_too() -> None:
    row = Row("slow", "this", "that", [Bar("wall", 2)], lambda site: (site.python("pass"), site.python("pass")))
    results = [
        Result(row, timed(3), timed(1), same=False),
        Result(row, timed(2), timed(1)),
        Result(row, fault="broken"),
    ]
    table = as_table(results)
    assert [word for word in ("MISSED", "DIFFER", "met", "FAILED", "broken") if word not in table] == []
    rows = as_json(results, "tiny", 1)["rows"]
    assert [found.get("met") for found in rows] == [False, True, None]
    assert rows[0]["ratio"] == 3


def test_rows_are_asked_for_by_name() -> None:
    assert arguments(["--only", "list", "get", "--size", "full"]).only == ["list", "get"]
    assert arguments([]).only == [row.name for row in ROWS]
    assert arguments([]).size == "small"
    with pytest.raises(SystemExit):
        arguments(["--only", "nothing"])


def test_names_of_rows_are_unique() -> None:
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names))
