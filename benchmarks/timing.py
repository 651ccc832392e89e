"""Interleaved rounds of two commands, and their medians."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Measure = Literal["wall", "written", "cpu", "memory", "first line"]


def _nothing() -> None:
    """Do nothing before a command."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command line to measure, the file that it reads; `before` is done before each run, and not measured."""

    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], object] = _nothing
    reads_first_line: bool = False
    stdin: str = os.devnull


@dataclass(frozen=True, slots=True)
class Timed:
    """The measurements of a command's rounds, and what its last one wrote."""

    runs: Sequence[Mapping[str, float]]
    output: bytes

    def median(self, measure: Measure) -> float:
        """Return the median, in seconds or bytes."""
        return median(run[measure] for run in self.runs)


class CommandFailed(Exception):
    """A command failed."""


class Stopwatch:
    """Runs commands through the small process; see `stopwatch.py`."""

    def __init__(self, process: subprocess.Popen[str], folder: Path, environment: Mapping[str, str]) -> None:
        """Keep the process, the folder for the output of commands, and their environment."""
        self._process = process
        self._folder = folder
        self._environment = environment

    def time(self, command: Command, name: str) -> dict[str, float]:
        """Run a command once; return its measurements.

        Raises:
            CommandFailed: it did not succeed.
        """
        command.before()
        output = self._folder / name
        request = {
            "argv": list(command.argv),
            "environment": {**self._environment, **command.environment},
            "stdin": command.stdin,
            "output": str(output),
            "reads_first_line": command.reads_first_line,
        }
        streams = self._process.stdin, self._process.stdout
        if streams[0] is None or streams[1] is None:
            raise RuntimeError("the stopwatch has no streams")
        streams[0].write(json.dumps(request) + "\n")
        streams[0].flush()
        found: dict[str, float] = json.loads(streams[1].readline())
        if found["status"] != 0:
            words = Path(f"{output}.err").read_text(errors="replace").strip()[-400:]
            raise CommandFailed(f"{' '.join(command.argv[1:])[:200]} ended with {found['status']}: {words}")
        return found

    def output(self, name: str) -> bytes:
        """Return what the last command of that name wrote; nothing if its output went into a pipe."""
        path = self._folder / name
        return path.read_bytes() if path.exists() else b""


@contextmanager
def stopwatch(folder: Path, environment: Mapping[str, str]) -> Iterator[Stopwatch]:
    """Start the small process for the duration of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("stopwatch.py")
    with subprocess.Popen(
        [sys.executable, "-I", "-S", str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
    ) as process:
        yield Stopwatch(process, folder, environment)


def interleaved(watch: Stopwatch, name: str, commands: Sequence[Command], rounds: int) -> list[Timed]:
    """Run the commands alternately, also as the first of a round, after a warm-up round."""
    runs: list[list[dict[str, float]]] = [[] for _ in commands]
    labels = [f"{name}.{position}" for position in range(len(commands))]
    for number in range(rounds + 1):
        order = list(range(len(commands)))
        for position in order if number % 2 else reversed(order):
            found = watch.time(commands[position], labels[position])
            if number:
                runs[position].append(found)
    return [Timed(found, watch.output(label)) for found, label in zip(runs, labels, strict=True)]
