"""The process: it runs a command line, and leaves without waiting for the driver's threads."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line of this process and end it.

    pymongo's exit hook joins threads that sleep in half-second slices, so the process leaves by itself once
    everything is written (bars.md).
    """
    from projects_cli.cli.app import run  # --version and the like need less: one day they leave before this  # noqa: PLC0415

    _repair_streams()
    status = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass
    os._exit(status)


def _repair_streams() -> None:
    """Give every stream something to write to, and a way to write what its encoding lacks."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by whoever started this process
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - until the end
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


if __name__ == "__main__":
    main()
