"""How a run ends: exceptions that nothing else has handled become one line, without a traceback and without secrets."""

from __future__ import annotations

from errno import EBADF
from itertools import pairwise
from typing import TYPE_CHECKING

from projects_cli.errors import ExitStatus, ProjectsError, UsageError

if TYPE_CHECKING:
    from projects_cli.cli.context import Context

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


# --- endings -----------------------------------------------------------------------------------------------------


class Terminated(KeyboardInterrupt):
    """SIGTERM was received. It is handled like Ctrl-C, but has a status of its own."""


QUIET_ENDINGS: dict[type[BaseException], ExitStatus] = {
    BrokenPipeError: ExitStatus.DONE,  # the reader has seen enough
    Terminated: ExitStatus.TERMINATED,
    KeyboardInterrupt: ExitStatus.INTERRUPTED,
}
"""Endings without a message. Terminated comes before its base class KeyboardInterrupt."""


def quiet_status(ending: BaseException) -> ExitStatus:
    """Return the status of a quiet ending."""
    return next(status for kind, status in QUIET_ENDINGS.items() if isinstance(ending, kind))


def report(exception: Exception, args: list[str], context: Context) -> ExitStatus:
    """Print an exception as a message. `--json` applies even if the command line could not be parsed."""
    import typer  # not above: completion takes `error_of` from here, and does without Typer

    if isinstance(exception, typer.TyperException):
        message = exception.format_message() if hasattr(exception, "format_message") else str(exception)
        # Typer knows the command in whose line the mistake is; its help is the best hint.
        ctx = getattr(exception, "ctx", None)
        error: ProjectsError = UsageError(message, hint=f"see: {ctx.command_path if ctx else 'projects'} --help")
    else:
        error = error_of(exception)
        if context.made and isinstance(exception, OSError):
            error.hint = f"the change was made all the same: {context.made}"
    # The settings are not known if parsing has failed, so the arguments themselves are searched.
    if {"--json", "-ojson", "--output=json"} & set(args) or "json" in [
        value for flag, value in pairwise(args) if flag in {"-o", "--output"}
    ]:
        context.flags["output"] = "json"
        context.console.output = "json"
    # Passwords in known places are hidden already; this is a URI that was typed where none is expected.
    if "://" in error.message and ":***@" not in error.message:
        from projects_cli.config.redaction import redacted

        error.message = redacted(error.message)
    context.console.error(error)
    return error.status
