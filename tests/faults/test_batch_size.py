"""A batch of 100,000 lines: memory does not grow with it, and a reader that closes the pipe ends it quietly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.changes.processes import settings_of
from tests.worlds.world import BEFORE, VISION, World, world_on

if TYPE_CHECKING:
    from tests.servers import Server

ROOT = Path(__file__).parents[2]
LINES = int(os.environ.get("PROJECTS_TEST_LINES", "100000"))
FEW = 1_000
LINE = json.dumps({"id": 1, "endpoint": "projects.get_by_id", "params": {"project": "nothing" * 10}}) + "\n"
MORE = 12_000
"""Kilobytes that the larger batch may take besides: what the allocator keeps, not what grows with lines."""

PEAK = """
import os, re, runpy, sys
sys.argv = ["projects", "batch", sys.argv[1]]
leave = os._exit
def told(status):
    print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1], file=sys.stderr, flush=True)
    leave(status)
os._exit = told
runpy.run_module("projects_cli", run_name="__main__")
"""


def peak(world: World, file: Path, count: int) -> int:
    """Return the peak memory of a batch of this many lines, in kilobytes."""
    good = json.dumps({"id": 2, "endpoint": "projects.get_by_id", "params": {"project": VISION["_id"]}}) + "\n"
    with file.open("w") as stream:
        for number in range(count):
            stream.write(good if number % 50 == 0 else LINE.replace('"project"', '"nothing"'))
    out = file.with_suffix(".out")
    with out.open("w") as answers:
        done = subprocess.run(
            [sys.executable, "-c", PEAK, str(file)],
            env={**os.environ, "PYTHONPATH": str(ROOT), **settings_of(world)},
            stdout=answers,
            stderr=subprocess.PIPE,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 5, done.stderr
    with out.open() as answers:
        assert sum(1 for _ in answers) == count
    return int(done.stderr.splitlines()[-1])


def test_a_large_batch_takes_no_more_memory_than_a_small_one(standalone: Server, tmp_path: Path) -> None:
    with world_on(standalone, BEFORE) as world:
        small = peak(world, tmp_path / "few.jsonl", FEW)
        large = peak(world, tmp_path / "many.jsonl", LINES)
    assert large < small + MORE, (small, large)


def test_a_reader_that_goes_away_ends_it_quietly(standalone: Server) -> None:
    """Long before the last line, which is never read."""
    with world_on(standalone, BEFORE) as world:
        script = f"yes '{LINE.strip()}' | {sys.executable} -m projects_cli batch - | head -n 3; echo ${{PIPESTATUS[1]}}"
        done = subprocess.run(
            ["bash", "-c", script],
            env={**os.environ, "PYTHONPATH": str(ROOT), **settings_of(world)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "0"
    assert len(done.stdout.splitlines()) == 4
