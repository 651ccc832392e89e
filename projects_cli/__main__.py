"""The process: it runs a command line, and leaves without waiting for the driver's threads.

What needs neither Typer nor a database (`--version`, the help of the whole, a TAB) is answered before anything is
imported.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing costs as much as the interpreter's whole start
    from typing import NoReturn, TextIO

HELP: dict[tuple[str, ...], str] = {(): "SHORT", ("--help",): "TEXT", ("-h",): "TEXT", ("help",): "TEXT"}
"""The command lines that are answered from generated text: the names of the texts in `root_help.py`."""

COLUMNS = 80
"""What the generated texts are written for; a narrower terminal gets them from Typer."""


BUFFER = 1 << 16
"""Bytes that are written at once; with the 8 kB that Python takes a long list spends a sixth of its time writing."""


def main() -> NoReturn:
    """Run the command line of this process and end it.

    pymongo's exit hook joins threads that sleep in half-second slices, so the process leaves by itself once
    everything is written (bars.md).
    """
    _repair_streams()
    status = _status(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # told already, where it is a fault; a reader that went away is none
            continue
    os._exit(status)


def _status(arguments: list[str]) -> int:
    """Run a command line; gives its exit status."""
    if arguments == ["--version"]:
        from projects_cli import __version__

        return _written(f"projects {__version__}\n")
    text = HELP.get(tuple(arguments))
    if text and not _is_narrow():
        from projects_cli.cli import root_help

        return _written(getattr(root_help, text))
    if arguments[:1] == ["--complete"]:
        from projects_cli.cli.completion.answer import main as complete

        return complete(arguments[1:])
    if arguments == ["--fetch-names"]:
        from projects_cli.cli.completion.fetch import main as fetch

        return fetch()
    from projects_cli.cli.app import run

    return run(arguments)


def _is_narrow() -> bool:
    """Tell whether the help would be broken by the terminal."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns < COLUMNS
    except (OSError, ValueError):
        return False


def _written(text: str) -> int:
    """Write a text; a reader that went away is no failure."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        pass
    except OSError as error:
        sys.stderr.write(f"error: {error.strerror}: writing the answer\n")
        return 1
    return 0


def _repair_streams() -> None:
    """Give every stream something to write to, and a way to write what its encoding lacks."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by whoever started this process
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - until the end
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if not (sys.stdout.isatty() or getattr(sys.stdout, "write_through", False)):
        sys.stdout = _widened(sys.stdout)


def _widened(out: TextIO) -> TextIO:
    """Give the same stream with a larger buffer."""
    return open(out.fileno(), "w", BUFFER, out.encoding, "backslashreplace", closefd=False)


if __name__ == "__main__":
    main()
