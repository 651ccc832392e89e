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


UTF8_MODE = ["-X", "utf8"]


def main() -> NoReturn:
    """Run the command line of this process and end it.

    pymongo's exit hook joins threads that sleep in half-second slices, so the process leaves by itself once
    everything is written (bars.md).
    """
    _ensure_utf8()
    _repair_streams()
    status = _status(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # told already, where it is a fault; a reader that went away is none
            continue
    os._exit(status)


def _ensure_utf8() -> None:
    """Replace this process by one in Python's UTF-8 mode if the locale has another encoding.

    Python decodes arguments, variables and paths before any code of ours runs, and the mode cannot be changed later.
    People still get text in the encoding of their locale, which PYTHONIOENCODING passes on.
    """
    if sys.getfilesystemencoding() == "utf-8" or sys.orig_argv[1:3] == UTF8_MODE:
        return
    os.environ.setdefault("PYTHONIOENCODING", getattr(sys.stdout, "encoding", None) or "ascii")
    try:
        os.execv(sys.executable, [*map(os.fsencode, [sys.executable, *UTF8_MODE]), *_raw_arguments()])  # noqa: S606
    except (OSError, ValueError):
        sys.stderr.write("error: Python does not start again in UTF-8 mode\nhint: set PYTHONUTF8=1\n")
        os._exit(1)


def _raw_arguments() -> list[bytes]:
    """Return the arguments of the interpreter as bytes.

    The kernel is asked first: with a multi-byte encoding such as EUC-JP, what Python has decoded does not always
    encode to the same bytes.
    """
    try:
        with open("/proc/self/cmdline", "rb") as file:  # noqa: PTH123 - pathlib is slow to import
            return file.read().split(b"\0")[1:-1]
    except OSError:
        return [os.fsencode(argument) for argument in sys.orig_argv[1:]]


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
        from projects_cli.cli.completion.engine import main as complete

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
        from projects_cli.cli.exceptions import error_of

        sys.stderr.write(f"error: {error_of(error).message}\n")
        return 1
    return 0


def _repair_streams() -> None:
    """Open closed streams, read UTF-8, and escape characters that the encoding of an output stream lacks.

    A closed descriptor would be taken by the next file or socket that is opened. Standard output is opened for reading
    only, so that whatever is written to it fails: an answer must not get lost with status 0. The descriptors stay open
    when the stream is replaced by a wider one.

    Bytes of standard input that are not UTF-8 become lone surrogates, which `check_utf8` refuses with the place.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:  # closed by whoever started this process
            null = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if not (sys.stdout.isatty() or getattr(sys.stdout, "write_through", False)):
        sys.stdout = _widened(sys.stdout)


def _widened(out: TextIO) -> TextIO:
    """Give the same stream with a larger buffer."""
    return open(out.fileno(), "w", BUFFER, out.encoding, "backslashreplace", closefd=False)


if __name__ == "__main__":
    main()
