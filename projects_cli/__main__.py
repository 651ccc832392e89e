"""The process: it runs a command line, and exits without waiting for the driver's threads.

Command lines that need neither Typer nor a database (`--version`, `--help`, a TAB) are answered before anything is
imported.
"""

from __future__ import annotations

import os
import sys
from io import BufferedWriter, FileIO, TextIOWrapper

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing costs as much as the interpreter's whole start
    import signal
    from typing import Any, NoReturn
else:
    import _signal as signal  # without `enum`

HELP: dict[tuple[str, ...], str] = {(): "SHORT", ("--help",): "TEXT", ("-h",): "TEXT", ("help",): "TEXT"}
"""Command lines that are answered with a generated text, and its name in `root_help.py`."""

COLUMNS = 80
"""Width of the generated texts. Help for a narrower terminal comes from Typer."""

BUFFER = 1 << 16
"""Bytes of the output buffer. With Python's default of 8 kB a long list spends a sixth of its time writing."""

COLLECT_AFTER = 100_000
"""New objects before the garbage collector runs. The imports of a short command make 65,000, all of which stay: a look
through them would take as long as the import of ten modules. By default it also looks through all documents of a large
change again and again: a third of its processor time, for a few hundred objects (docs/performance.md).
"""

UTF8_MODE = ["-X", "utf8"]


def main() -> NoReturn:
    """Run the command line of this process and end it.

    pymongo's exit hook joins threads that sleep for half a second at a time. `os._exit` skips it, once everything is
    written (docs/performance.md).
    """
    _end_on_interrupt()
    _ensure_utf8()
    _repair_streams()
    status = _status(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # reported already if it is an error; a reader that closed the pipe is none
            continue
    os._exit(status)


def _end_on_interrupt() -> None:
    """Let Ctrl-C end the process as SIGTERM does, without a traceback, until `take_signals` takes both."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a parent may have it ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _ensure_utf8() -> None:
    """Replace this process by one in Python's UTF-8 mode if the locale has another encoding.

    Python decodes arguments, variables and paths before this code runs, and the mode cannot be changed later.
    Output is still encoded as in the locale, which PYTHONIOENCODING passes on.
    """
    if sys.getfilesystemencoding() == "utf-8" or sys.orig_argv[1:3] == UTF8_MODE:
        return
    os.environ.setdefault("PYTHONIOENCODING", getattr(sys.stdout, "encoding", None) or "ascii")
    try:
        # From the kernel: with a multi-byte encoding such as EUC-JP, decoding and encoding an argument does not always
        # return the same bytes.
        with open("/proc/self/cmdline", "rb") as file:  # noqa: PTH123 - pathlib is slow to import
            arguments = file.read().split(b"\0")[1:-1]
    except OSError:
        arguments = [os.fsencode(argument) for argument in sys.orig_argv[1:]]
    try:
        os.execv(sys.executable, [*map(os.fsencode, [sys.executable, *UTF8_MODE]), *arguments])  # noqa: S606 - itself
    except (OSError, ValueError):
        sys.stderr.write("error: Python does not start again in UTF-8 mode\nhint: set PYTHONUTF8=1\n")
        os._exit(1)


def _status(arguments: list[str]) -> int:
    """Run a command line and return its exit status."""
    if arguments == ["--version"]:
        from projects_cli import __version__

        return _written(f"projects {__version__}\n")
    text = HELP.get(tuple(arguments))
    if text and not _is_narrow():
        try:
            from projects_cli.cli import root_help
        except ImportError:  # a checkout that was not built: Typer writes the same
            pass
        else:
            return _written(getattr(root_help, text))
    if arguments[:1] == ["--complete"]:
        from projects_cli.cli.completion.engine import main as complete

        return complete(arguments[1:])
    if arguments == ["--fetch-names"]:
        from projects_cli.cli.completion.fetch import main as fetch

        return fetch()
    import gc

    gc.set_threshold(COLLECT_AFTER)
    from projects_cli.cli.app import run

    return run(arguments)


def _is_narrow() -> bool:
    """Return whether the terminal is too narrow for the generated help."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns < COLUMNS
    except (OSError, ValueError):
        return False


def _written(text: str) -> int:
    """Write a text and return the exit status. A reader that closed the pipe is not a failure."""
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


class _Errors(FileIO):
    """Standard error, which takes everything: a message that can't be written must not change what a command does."""

    def write(self, data: Any, /) -> int:
        """Write data. Return the number of bytes; all of them if the disk or a pipe is full, or closed."""
        written: int | None
        try:
            written = super().write(data)
        except OSError:
            written = None
        return len(data) if written is None else written


def _repair_streams() -> None:
    """Open closed streams, read UTF-8, and escape characters that the encoding of an output stream lacks.

    The next file or socket that is opened would reuse a closed descriptor. A closed standard output is reopened
    read-only, so that writing fails: output must not get lost with status 0. The descriptors stay open if the stream is
    replaced by one with a larger buffer. A full disk under standard error does not matter.

    Bytes of standard input that are not UTF-8 become lone surrogates, which `check_utf8` refuses with their location.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:  # closed by the parent process
            null = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
    sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr] # a TextIOWrapper
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # a TextIOWrapper
    sys.stderr = TextIOWrapper(
        BufferedWriter(_Errors(sys.stderr.fileno(), "w", closefd=False)),
        encoding=sys.stderr.encoding,
        errors="backslashreplace",
        line_buffering=True,
    )
    out = sys.stdout
    if not out.isatty():
        # Not without a buffer, as PYTHONUNBUFFERED wants it: Python ignores that a part of a text could not be written.
        at_once = getattr(out, "write_through", False)
        sys.stdout = os.fdopen(out.fileno(), "w", BUFFER, out.encoding, "backslashreplace", closefd=False)
        sys.stdout.reconfigure(line_buffering=at_once)


if __name__ == "__main__":
    main()
