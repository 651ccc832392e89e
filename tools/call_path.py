"""Measure how many functions a command passes: `python -m tools.call_path list --name X --json`.

The command runs in this process, with the settings of the environment. Counted are calls of functions of projects_cli
from the body of the command on (no lambdas and comprehensions): distinct functions, their files, and how often a call
leaves one file for another.
"""

from __future__ import annotations

import inspect
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import projects_cli
from projects_cli.cli.app import run

if TYPE_CHECKING:
    from types import FrameType

PACKAGE = str(Path(projects_cli.__file__).parent)


def main(arguments: list[str]) -> None:
    """Run a command, and print the figures; with `--list` first, the path as well."""
    listed = arguments[:1] == ["--list"]
    calls: list[tuple[str, int, str]] = []
    started = False

    def profile(frame: FrameType, event: str, _: object) -> None:
        nonlocal started
        code = frame.f_code
        is_function = code.co_flags & inspect.CO_OPTIMIZED and not code.co_name.startswith("<")
        if event != "call" or not is_function or not code.co_filename.startswith(PACKAGE):
            return
        file = code.co_filename.removeprefix(PACKAGE + "/")
        started = started or file.startswith("cli/commands/")
        if started:
            calls.append((file, code.co_firstlineno, code.co_qualname))

    sys.setprofile(profile)
    try:
        run(arguments[listed:])
    finally:
        sys.setprofile(None)
    changes = sum(before[0] != after[0] for before, after in pairwise(calls))
    if listed:
        for call in dict.fromkeys(calls):
            sys.stderr.write(f"{calls.count(call):5} {call[0]}:{call[1]} {call[2]}\n")
    sys.stderr.write(
        f"{len(set(calls))} functions in {len({call[0] for call in calls})} files, {changes} changes of file\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
