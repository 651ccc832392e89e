"""Messages for exceptions that nothing else has handled: one line, no traceback, no secret."""

from __future__ import annotations

from errno import EBADF

from projects_cli.errors import ProjectsError, UsageError

MAX_FOREIGN = 300
"""Characters of a foreign exception's message that are shown."""


def error_of(exception: Exception) -> ProjectsError:
    """Return the error to report for any exception."""
    if isinstance(exception, ProjectsError):
        return exception
    if isinstance(exception, RecursionError):
        return UsageError("the input is nested too deeply")
    if isinstance(exception, OSError) and exception.errno == EBADF and not exception.filename:
        return ProjectsError("standard output is closed")
    if isinstance(exception, OSError):
        file = exception.filename or "writing the output"
        return ProjectsError(f"{exception.strerror or type(exception).__name__}: {file}")
    from projects_cli.config.redaction import redacted

    frame = exception.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f" ({frame.tb_frame.f_code.co_name}, line {frame.tb_lineno})" if frame else ""
    return ProjectsError(
        f"unexpected failure: {type(exception).__name__}: {redacted(str(exception))[:MAX_FOREIGN]}{place}",
        hint="this is a bug: please report it, with the command",
    )


def signal_behind(error: BaseException) -> KeyboardInterrupt | None:
    """Return the Ctrl-C or SIGTERM that caused another exception, or None.

    While a class is created, as in an import, Python turns any exception into a RuntimeError with it as the cause.
    """
    cause = error.__cause__
    if cause is None or isinstance(cause, KeyboardInterrupt):
        return cause
    return signal_behind(cause)
