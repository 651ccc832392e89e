"""A small process that starts commands and measures them: one request per line, one answer per line, in JSON.

It is a process of its own because Linux counts what the parent of a new process holds as that process's peak memory:
a parent with a database driver in it would hide how little a command needs.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

KILOBYTE = 1024


def run(
    argv: list[str], environment: dict[str, str], stdin: str, output: str, *, reads_first_line: bool
) -> dict[str, Any]:
    """Run a command to its end; return seconds, bytes and the exit status.

    `written` is when the last of the output was written: what a process does after that, a script that reads its file
    does not wait for. With `reads_first_line` the output goes to a pipe, which is closed after one line.
    """
    reading, writing = os.pipe() if reads_first_line else (-1, os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
    errors = os.open(f"{output}.err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, writing, 1),
        (os.POSIX_SPAWN_DUP2, errors, 2),
    ]
    clock, began = time.time(), time.perf_counter()
    process = os.posix_spawn(argv[0], argv, environment, file_actions=actions)
    os.close(writing)
    first = _first_line(reading, began) if reads_first_line else None
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - began
    os.close(errors)
    written = os.stat(output) if not reads_first_line else None  # noqa: PTH116 - pathlib would double the process
    return {
        "wall": wall,
        "written": written.st_mtime - clock if written and written.st_size else wall,
        "first line": first or wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss * KILOBYTE,
        "status": os.waitstatus_to_exitcode(status),
    }


def _first_line(reading: int, began: float) -> float:
    """Return the seconds until the first line, and close the pipe."""
    seen = b""
    while b"\n" not in seen and (more := os.read(reading, 65536)):
        seen += more
    found = time.perf_counter() - began
    os.close(reading)
    return found


def main() -> None:
    """Answer requests until the end of the input."""
    for line in sys.stdin:
        request = json.loads(line)
        sys.stdout.write(json.dumps(run(**request)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
