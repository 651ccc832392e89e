"""What to tell of an exception that nobody expected: one line, no traceback, no secret."""

from __future__ import annotations

from errno import EBADF

from projects_cli.errors import ProjectsError, UsageError

MOST = 300
"""Characters of a foreign message."""


def fault_of(error: Exception) -> ProjectsError:
    """Give the fault to tell for whatever was raised."""
    if isinstance(error, ProjectsError):
        return error
    if isinstance(error, RecursionError):
        return UsageError("the input is nested too deeply")
    if isinstance(error, OSError) and error.errno == EBADF and not error.filename:
        return ProjectsError("standard output is closed")
    if isinstance(error, OSError):
        return ProjectsError(f"{error.strerror or type(error).__name__}: {error.filename or 'writing the answer'}")
    return _unexpected(error)


def signal_behind(error: BaseException) -> KeyboardInterrupt | None:
    """Give the Ctrl-C or SIGTERM that something else was raised for, or None.

    While a class is made, as in an import, Python turns whatever is raised into a RuntimeError with that as its cause.
    """
    cause = error.__cause__
    if cause is None or isinstance(cause, KeyboardInterrupt):
        return cause
    return signal_behind(cause)


def _unexpected(error: Exception) -> ProjectsError:
    from projects_cli.config.redaction import redacted

    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f" ({where.tb_frame.f_code.co_name}, line {where.tb_lineno})" if where else ""
    return ProjectsError(
        f"unexpected failure: {type(error).__name__}: {redacted(str(error))[:MOST]}{place}",
        hint="this is a fault of the program: please report it, with the command",
    )
