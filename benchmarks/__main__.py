"""The command line: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import mongod, report
from benchmarks.installed import CHECKOUT, Programs, install
from benchmarks.rows import ROWS, Row, Site
from benchmarks.sizes import SIZES
from benchmarks.timing import CommandFailed, Stopwatch, interleaved, stopwatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAMES = [row.name for row in ROWS]
EPILOG = f"""rows: {", ".join(NAMES)}.
The exit status is 0 even if bars are missed: this is a table, not a gate. The bars apply to `full`; it takes
about half an hour and 3 GB, so `small` is the default."""


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, epilog=EPILOG)
    parser.add_argument("--only", nargs="+", metavar="ROW", choices=NAMES, default=NAMES, help="only these rows")
    parser.add_argument("--size", choices=list(SIZES), default="small", help="how much data [default: small]")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds of slow rows; quick rows have more")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    parser.add_argument("--folder", type=Path, default=CHECKOUT / ".bench", help="folder for data and the venv")
    parser.add_argument("--venv", type=Path, help="measure the program of this venv instead of installing it")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and print the table."""
    given = arguments(words)
    folder = given.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        results = measure(given, folder)
    if given.json:
        print(json.dumps(report.as_json(results, given.size, given.rounds), indent=2))
    else:
        print(report.as_table(results))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Allow one run at a time to use the folder."""
    with (folder / "in-use").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def measure(given: argparse.Namespace, folder: Path) -> list[report.Result]:
    """Run the selected rows."""
    programs = Programs.of(given.venv / "bin" / "python") if given.venv else install(folder)
    files = folder / "files"
    files.mkdir(exist_ok=True)
    with ExitStack() as stack:
        uri, client = stack.enter_context(mongod.running(folder))
        surroundings = environment(folder)
        watch = stack.enter_context(stopwatch(files, surroundings))
        site = Site(programs, uri, client, SIZES[given.size], files, surroundings)
        return [run(row, site, watch, given.rounds) for row in ROWS if row.name in given.only]


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of measured commands: a home directory of their own, and no settings."""
    home = folder / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    return {"HOME": str(home), "PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"}


def run(row: Row, site: Site, watch: Stopwatch, rounds: int) -> report.Result:
    """Measure a row; an extra index that it needs exists only meanwhile."""
    print(f"{row.name} …", file=sys.stderr, flush=True)
    try:
        with _indexed(row, site):
            program, baseline = interleaved(watch, row.name, row.sides(site), rounds * row.rounds)
    except CommandFailed as error:
        return report.Result(row, fault=str(error))
    same = row.same(program.output, baseline.output) if row.same else None
    return report.Result(row, program, baseline, same)


@contextmanager
def _indexed(row: Row, site: Site) -> Iterator[None]:
    if row.index is None or row.shape is None:
        yield
        return
    name = site.made(row.shape(site.size))
    site.client[name].command("createIndexes", "task", indexes=[row.index])
    try:
        yield
    finally:
        site.client[name]["task"].drop_index(row.index["name"])


if __name__ == "__main__":
    main()
