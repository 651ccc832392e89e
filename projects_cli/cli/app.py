"""The root of the command line: global options, and a table of commands that are loaded on use."""

from __future__ import annotations

import re
import shlex
import signal
import sys
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from projects_cli import __version__
from projects_cli.cli.context import Context
from projects_cli.cli.exceptions import fault_of, signal_behind
from projects_cli.cli.help_format import (
    help_text,
    help_width,
    write_first_steps,
    write_more,
    write_more_of_all,
    write_options,
    write_pairs,
    write_short_help,
    write_text,
)
from projects_cli.cli.options import GLOBAL_OPTIONS, GlobalOption, refuse_unused
from projects_cli.cli.registry import BY_WORD, COMMANDS, by_group, entry_of
from projects_cli.errors import ExitStatus, ProjectsError, UsageError, ValidationError, did_you_mean, nearest
from projects_cli.render.escaping import check_utf8
from projects_cli.render.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


TYPER_OPTIONS: dict[str, Any] = {
    "add_completion": False,
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["--help", "-h"]},
}
"""The options of every `Typer` of this program."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came; it takes the way of Ctrl-C, with a status of its own."""


class GroupedCommand(TyperCommand):
    """A command whose help shows its options by group, the global ones last and in short."""

    allow_extra_args = True  # they are refused in `invoke`, in this program's own words

    def collect_usage_pieces(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Give what follows the name; what has to be there stands as it is, without Typer's braces."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run it; where its endpoint's schema refuses the request, the options are named that this was made of.

        Raises:
            ValidationError: it does. UsageError: a global option is given that the command does not use.
        """
        command = command_of(ctx)
        if ctx.args:
            raise _unexpected_argument(command, ctx.args[0])
        refuse_unused(f"{command} --fix" if ctx.params.get("fix") else command, ctx.find_root().obj.flags)
        try:
            return super().invoke(ctx)
        except ValidationError as error:
            entry = entry_of(ctx.command_path.split()[1])
            if entry is not None and entry.endpoint:
                error.hint = error.hint or _options_hint(error, self.params)
            raise

    def format_help_text(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write what it does, with an example."""
        write_text(help_text(self.help), formatter)

    def format_options(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write its arguments and its own options, by group."""
        write_options([one for one in self.get_params(ctx) if not getattr(one, "is_global", False)], ctx, formatter)

    def format_epilog(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write where to read more."""
        entry = entry_of(ctx.command_path.split()[1])
        write_more(entry.name if entry else "", formatter)


class PlainGroup(TyperGroup):
    """A command with commands below it."""

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """Give a command by its name; it gets the global options when it is asked for."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            add_global_options(command)
        return command

    def format_help_text(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write what it does, with an example."""
        write_text(help_text(self.help), formatter)

    def format_options(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write the options, then the commands, each with its whole summary."""
        GroupedCommand.format_options(self, ctx, formatter)  # type: ignore[arg-type]
        with formatter.section("Commands"):
            write_pairs([(name, help_text(one.help).summary) for name, one in self.commands.items()], formatter)

    def format_epilog(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write where to read more."""
        GroupedCommand.format_epilog(self, ctx, formatter)  # type: ignore[arg-type]


class GlobalTyperOption(TyperOption):
    """A global option, as the root has it and as every command gets a copy."""

    is_global = True


class Commands(TyperGroup):
    """The root: it finds commands by name or endpoint, and imports the one that is used."""

    def __init__(self, **attributes: Any) -> None:
        """Add the global options to the root's own."""
        super().__init__(**attributes)
        self.params.extend(global_options())
        self._loaded: dict[str, Any] = {}

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Give the names of all commands, in the order of the table."""
        return [entry.name for entry in COMMANDS]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """Give a command by its name, or by its endpoint's, with dashes or underscores."""
        entry = entry_of(cmd_name)
        if entry is None:
            return None
        if cmd_name not in self._loaded:
            module = import_module(f"projects_cli.cli.commands.{entry.module}")
            command = self._loaded[cmd_name] = typer.main.get_command(module.app)
            command.name = cmd_name
            add_global_options(command)
        return self._loaded[cmd_name]

    def format_help_text(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write what the whole does, with the first steps."""
        write_text(help_text(self.help), formatter)
        write_first_steps(formatter)

    def format_options(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write the commands without importing any, then the options."""
        for title, entries in by_group().items():
            with formatter.section(title):
                write_pairs([(entry.name, entry.summary) for entry in entries], formatter)
        write_options(self.get_params(ctx), ctx, formatter)

    def format_epilog(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write where to read more."""
        write_more_of_all(formatter)

    def bare_help(self, ctx: typer.Context) -> str:
        """Give what a person sees who names no command."""
        formatter = ctx.make_formatter()
        write_short_help({title: [entry.name for entry in entries] for title, entries in by_group().items()}, formatter)
        return str(formatter.getvalue())

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """Find the command, or say which one may have been meant."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            hint = did_you_mean(nearest(args[0], BY_WORD), "see: projects --help")
            raise UsageError(f"there is no command {args[0]!r}", hint=hint)
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        """Run a command line and leave with its exit status; inside another program, so nothing stays open."""
        context = Context(Streams.of_process())
        try:
            sys.exit(self.status(list(sys.argv[1:] if args is None else args), context))
        finally:
            context.close()

    def status(self, args: list[str], context: Context) -> ExitStatus:
        """Run a command line; gives the exit status. Every fault ends here, as a message."""
        try:
            return self._run(args, context)
        except tuple(_QUIET_ENDINGS) as ending:
            return _quiet(ending)
        except Exception as error:  # noqa: BLE001 - the last resort: never a traceback
            came = signal_behind(error)
            return _report(_fault_of(error), args, context) if came is None else _quiet(came)

    def _run(self, args: list[str], context: Context) -> ExitStatus:
        status = ExitStatus.DONE
        for number, argument in enumerate(args, 1):
            check_utf8(argument, f"argument {number}")
        try:
            with self.make_context("projects", args, obj=context, terminal_width=help_width()) as ctx:
                self.invoke(ctx)
        except typer.Exit as leaving:
            status = ExitStatus(leaving.exit_code)
        context.streams.stdout.flush()
        context.console.flush_warnings()
        return status


def command_of(ctx: typer.Context) -> str:
    """Return the name of the command that runs, without aliases: `list`, `history prune`."""
    _, word, *below = ctx.command_path.split()
    entry = entry_of(word)
    return " ".join([entry.name if entry else word, *below])


def global_options() -> list[TyperOption]:
    """Make the global options anew; each puts what it was given into the context's flags, the last one wins."""
    return [_made(option) for option in GLOBAL_OPTIONS]


def add_global_options(command: Any) -> None:
    """Let a command understand the global options that it does not have itself; a second time changes nothing."""
    if any(getattr(param, "is_global", False) for param in command.params):
        return
    own = {flag for param in command.params for flag in param.opts}
    for option in global_options():
        option.opts = [flag for flag in option.opts if flag not in own]
        if option.opts:
            command.params.append(option)


def _made(option: GlobalOption) -> TyperOption:
    def keep(ctx: Any, _: Any, value: Any) -> None:
        if value is not None and value is not False:
            flags = ctx.find_root().obj.flags
            flags[option.setting] = value if option.constant is None else option.constant

    return GlobalTyperOption(
        param_decls=list(option.flags),
        rich_help_panel=option.group,
        type=str if option.constant is None else None,
        is_flag=option.constant is not None,
        help=option.help,
        metavar=option.metavar,
        expose_value=False,
        callback=keep,
        allow_from_autoenv=False,
    )


_QUIET_ENDINGS: dict[type[BaseException], ExitStatus] = {
    BrokenPipeError: ExitStatus.DONE,  # the reader has seen enough
    Terminated: ExitStatus.TERMINATED,
    KeyboardInterrupt: ExitStatus.INTERRUPTED,
}


def _quiet(ending: BaseException) -> ExitStatus:
    """Give the status of an ending that needs no words."""
    return next(status for kind, status in _QUIET_ENDINGS.items() if isinstance(ending, kind))


def _unexpected_argument(command: str, word: str) -> UsageError:
    """Return the error for an argument that a command does not have."""
    hint = f"see: projects {command} --help"
    if command == "list":
        from projects_cli.config.redaction import redacted  # only for a mistake

        name = shlex.quote(redacted(word))
        hint = f"for one project use: projects get {name}; for names with a pattern: projects list --name {name}"
    return UsageError(f"unexpected argument {word!r}", hint=hint)


def _hide_passwords(error: ProjectsError) -> None:
    """Take the password out of a URI that stands where it was not wanted, and is quoted; others are hidden before."""
    if "://" in error.message and ":***@" not in error.message:
        from projects_cli.config.redaction import redacted

        error.message = redacted(error.message)


def _report(error: ProjectsError, args: list[str], context: Context) -> ExitStatus:
    """Tell a fault; where the command line itself is wrong, `--json` in it still holds."""
    if {"--json", "-ojson", "--output=json"} & set(args) or "json" in [
        value for flag, value in pairwise(args) if flag in {"-o", "--output"}
    ]:
        context.flags["output"] = "json"
        context.console.output = "json"
    _hide_passwords(error)
    context.console.error(error)
    return error.status


def _fault_of(error: Exception) -> ProjectsError:
    """Give the fault to tell for whatever was raised; Typer's own tell of a wrong command line."""
    if isinstance(error, typer.TyperException):
        words = error.format_message() if hasattr(error, "format_message") else str(error)
        return UsageError(words, hint=_usage_hint(error))
    return fault_of(error)


def _options_hint(error: ValidationError, params: Iterable[Any]) -> str | None:
    """Give the options that the refused parameters were made of, as they are typed; None where none was."""
    spelled = {
        param.name.strip("_"): f"{param.opts[0] if param.param_type_name == 'option' else ''} {param.metavar or ''}"
        for param in params
        if not getattr(param, "is_global", False)
    }
    refused = (re.match(r"params\._?(\w+?)_?(?=\W|$)", problem.path) for problem in error.problems)
    found = dict.fromkeys(spelled[one.group(1)].strip() for one in refused if one and one.group(1) in spelled)
    return f"on the command line: {', '.join(found)}" if found else None


def _usage_hint(error: Any) -> str:
    ctx = getattr(error, "ctx", None)
    return f"see: {ctx.command_path} --help" if ctx else "see: projects --help"


def _terminated(*_: object) -> NoReturn:
    raise Terminated


app = typer.Typer(cls=Commands, **TYPER_OPTIONS)


@app.callback(invoke_without_command=True)
def root(ctx: typer.Context, version: bool = typer.Option(False, "--version", help="Show the version.")) -> None:
    """Administer the projects of a ClearML server's database.

    With no database configured, projects starts a private one and works on that. PROJECT is an id, a full name such
    as vision/detection, or the beginning of an id.
    """
    if version:
        ctx.obj.streams.stdout.write(f"projects {__version__}\n")
        raise typer.Exit(0)
    if ctx.invoked_subcommand is None:
        root_command: Any = ctx.command
        ctx.obj.streams.stdout.write(root_command.bare_help(ctx))


def run(args: list[str]) -> int:
    """Run a command line as a process does, which leaves its connection to the kernel; gives the exit status."""
    signal.signal(signal.SIGTERM, _terminated)
    command = typer.main.get_command(app)
    return int(command.status(args, Context(Streams.of_process())))  # type: ignore[attr-defined]
