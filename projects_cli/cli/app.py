"""The root of the command line: global options, and a table of commands that are loaded on use."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from projects_cli import __version__
from projects_cli.cli.context import Context
from projects_cli.cli.exceptions import QUIET_ENDINGS, Terminated, quiet_status, report, signal_behind
from projects_cli.cli.help_format import (
    help_text,
    help_width,
    write_commands,
    write_first_steps,
    write_more,
    write_more_of_all,
    write_options,
    write_sections,
    write_short_help,
    write_text,
)
from projects_cli.cli.options import GLOBAL_OPTIONS, SHORT_FORMS, GlobalOption, refuse_unused
from projects_cli.cli.registry import BY_WORD, COMMANDS, entry_of
from projects_cli.errors import (
    ExitStatus,
    ProjectsError,
    UnknownEndpoint,
    UsageError,
    ValidationError,
    did_you_mean,
    nearest,
)
from projects_cli.render.escaping import check_utf8
from projects_cli.render.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType


TYPER_OPTIONS: dict[str, Any] = {
    "add_completion": False,
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["--help", "-h"]},
}
"""The arguments of every `Typer` of this program."""


class HelpLayout:
    """The help of a command: what it does, an example, its options by group, and where to read more."""

    def format_help_text(self: Any, ctx: Any, formatter: Any) -> None:
        """Write what the command does, with an example."""
        write_text(help_text(self.help), formatter)

    def format_options(self: Any, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the command's own options by group, then the commands of a group."""
        params = self.get_params(ctx)
        newer = _newer_options(ctx, formatter)
        own = [param for param in params if not getattr(param, "is_global", False) and newer.isdisjoint(param.opts)]
        write_options(own, ctx, formatter)
        commands = getattr(self, "commands", None)
        if commands:
            rows = [(name, help_text(command.help).summary) for name, command in commands.items()]
            write_sections({"Commands": rows}, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write where to read more."""
        write_more(command_of(ctx).partition(" ")[0], formatter)


class GroupedCommand(HelpLayout, TyperCommand):
    """A command whose help shows its options by group, without the global ones."""

    allow_extra_args = True  # `invoke` refuses them with a hint

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments. The version has to be known before `--help`, which ends the parsing where it stands."""
        for version in re.findall(r"(?:^|\0)--api-version[=\0]([^\0]+)", "\0".join(args)):
            ctx.find_root().obj.flags["api_version"] = version
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words after the name, without the braces that Typer puts around required ones."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises:
            ValidationError: the schema refuses the request. The hint names the options of the refused parameters.
            UsageError: there is an unexpected argument, or a global option that the command does not use.
        """
        command = command_of(ctx)
        if ctx.args:
            hint = f"see: projects {command} --help"
            if command == "list":
                from projects_cli.config.redaction import redacted  # only for a mistake

                name = shlex.quote(redacted(ctx.args[0]))
                hint = (
                    f"for one project use: projects get {name}; for names with a pattern: projects list --name {name}"
                )
            raise UsageError(f"unexpected argument {ctx.args[0]!r}", hint=hint)
        refuse_unused(f"{command} --fix" if ctx.params.get("fix") else command, ctx.find_root().obj.flags)
        ctx.find_root().obj.open_log()
        try:
            return super().invoke(ctx)
        except ValidationError as error:
            entry = entry_of(ctx.command_path.split()[1])
            if entry is not None and entry.endpoint and not error.hint:
                error.hint = self._options_of(error)
            raise

    def _options_of(self, error: ValidationError) -> str | None:
        """Return the hint with the options of the refused parameters, or None if there are none."""
        spelled = {
            param.name.strip("_"): f"{param.opts[0] if param.param_type_name == 'option' else ''} {param.metavar or ''}"
            for param in self.params
            if param.name and not getattr(param, "is_global", False)
        }
        refused = (re.match(r"params\._?(\w+?)_?(?=\W|$)", problem.path) for problem in error.problems)
        options = dict.fromkeys(spelled[match[1]].strip() for match in refused if match and match[1] in spelled)
        return f"on the command line: {', '.join(options)}" if options else None


def _newer_options(ctx: Any, formatter: Any) -> set[str]:
    """Return the options for parameters that the version of `--api-version` lacks, which help leaves out.

    If that version lacks the command's endpoint, this is written. A setting or schema that is invalid is not reported
    here, because help always works.
    """
    context, entry = ctx.find_root().obj, entry_of(ctx.command_path.split()[1])
    try:
        limit = context.settings.api_version
        if limit is None or entry is None or entry.endpoint is None:
            return set()
        known, all_names = set(), set()
        for name in filter(context.catalog.has, (entry.endpoint, *entry.aliases)):
            endpoint = context.catalog.endpoint(name)
            known |= endpoint.version(limit).request_schema.get("properties", {}).keys()
            all_names |= endpoint.version().request_schema.get("properties", {}).keys()
        newer = all_names - known
        return {"--" + name.strip("_").replace("_", "-") for name in newer} | {
            flag for flag, name in SHORT_FORMS.items() if name in newer
        }
    except UnknownEndpoint as error:
        formatter.write_paragraph()
        formatter.write_text(f"Not available: {error.message}.")
    except ProjectsError:
        pass
    return set()


class CommandGroup(HelpLayout, TyperGroup):
    """A command with commands below it. Without one of them it shows its help."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by its name, with the global options."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            add_global_options(command)
        return command

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is named, else the group's own function, else show the help."""
        # With `invoke_without_command` the group itself runs if no command is named, and prints nothing.
        result = super().invoke(ctx)
        if ctx.invoked_subcommand is None and self.callback is None:
            ctx.find_root().obj.streams.stdout.write(f"{ctx.get_help()}\n")
        return result


def command_group(text: str) -> typer.Typer:
    """Return an app for commands below a command, with the text of its help."""
    return typer.Typer(cls=CommandGroup, invoke_without_command=True, help=text, **TYPER_OPTIONS)


class GlobalTyperOption(TyperOption):
    """A global option. The root has it, and every command gets a copy."""

    is_global = True


class Commands(HelpLayout, TyperGroup):
    """The root: it finds commands by name or endpoint, and imports only the one that is used."""

    # Typer asks for a command several times, and needs 10 ms to build it. All roots of a process share them.
    _loaded: ClassVar[dict[str, Any]] = {}

    def __init__(self, **attributes: Any) -> None:
        """Add the global options to the root's own."""
        super().__init__(**attributes)
        self.params.extend(global_options())

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands, in the order of the table."""
        return [entry.name for entry in COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by its name or its endpoint's, with dashes or underscores."""
        entry = entry_of(cmd_name)
        if entry is None:
            return None
        if cmd_name not in self._loaded:
            module = import_module(f"projects_cli.cli.commands.{entry.module}")
            command = self._loaded[cmd_name] = typer.main.get_command(module.app)
            command.name = cmd_name
            add_global_options(command)
        return self._loaded[cmd_name]

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write what the program does, with the first steps."""
        super().format_help_text(ctx, formatter)
        write_first_steps(formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands and topics, then all options."""
        write_commands(formatter)
        write_options(self.get_params(ctx), ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write where to read more."""
        write_more_of_all(formatter)

    def bare_help(self, ctx: Any) -> str:
        """Return the help that is shown if no command is named."""
        formatter = ctx.make_formatter()
        write_short_help(formatter)
        return str(formatter.getvalue())

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is named.

        Raises:
            UsageError: there is no such command. The hint suggests similar ones.
        """
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            hint = did_you_mean(nearest(args[0], BY_WORD), "see: projects --help")
            raise UsageError(f"there is no command {args[0]!r}", hint=hint)
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, *extra: Any, **more: Any) -> NoReturn:
        """Run a command line inside another program: close the connection, and raise SystemExit with the status."""
        context = Context(Streams.of_process())
        try:
            sys.exit(self.status(list(sys.argv[1:] if args is None else args), context))
        finally:
            context.close()

    def status(self, args: list[str], context: Context) -> ExitStatus:
        """Run a command line and return its exit status, which ends the log. Exceptions end here, as messages."""
        status = ExitStatus.DONE
        try:
            # Before Typer sees them: its messages quote arguments, and could not be encoded.
            for number, argument in enumerate(args, 1):
                check_utf8(argument, f"argument {number}")
            try:
                with self.make_context("projects", args, obj=context, terminal_width=help_width()) as ctx:
                    self.invoke(ctx)
            except typer.Exit as ending:
                status = ExitStatus(ending.exit_code)
            # A full disk may show only now, and has to be an error, not a status of 0.
            context.streams.stdout.flush()
            context.console.flush_warnings()
        except tuple(QUIET_ENDINGS) as ending:
            status = quiet_status(ending)
        except Exception as error:  # noqa: BLE001 - the last resort: never a traceback
            signalled = signal_behind(error)
            status = report(error, args, context) if signalled is None else quiet_status(signalled)
        if context.is_logging:
            context.console.record("info", f"ended with status {int(status)}")
        return status


def command_of(ctx: typer.Context) -> str:
    """Return the name of the command that runs, without aliases: `list`, `history prune`."""
    _, word, *below = ctx.command_path.split()
    entry = entry_of(word)
    return " ".join([entry.name if entry else word, *below])


def global_options() -> list[TyperOption]:
    """Return new global options. Each puts its value into the context's flags, and the last one wins."""
    return [_typer_option(option) for option in GLOBAL_OPTIONS]


def add_global_options(command: Any) -> None:
    """Add the global options to a command, except those whose flags it has itself."""
    if any(getattr(param, "is_global", False) for param in command.params):
        return
    own = {flag for param in command.params for flag in param.opts}
    for option in global_options():
        # The command's own option of that name wins.
        option.opts = [flag for flag in option.opts if flag not in own]
        if option.opts:
            command.params.append(option)


def _typer_option(option: GlobalOption) -> TyperOption:
    def keep(ctx: Any, _: Any, value: Any) -> None:
        # A switch that is not given must not override a variable or a file.
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


def take_signals() -> None:
    """Have SIGINT and SIGTERM raise an exception: the default would end the process in the middle of a change.

    Python drops an exception that a signal raises in a destructor or a callback of a weak reference, and prints a
    traceback. The signal is sent again then.
    """
    if signal.getsignal(signal.SIGINT) in {signal.SIG_DFL, signal.default_int_handler}:  # a parent may have it ignored
        signal.signal(signal.SIGINT, _raise)
    signal.signal(signal.SIGTERM, _raise)
    sys.unraisablehook = _send_again


def _raise(number: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_code is _send_again.__code__:  # where an exception would be dropped, too
            _send_later(number)
            return
        frame = frame.f_back
    raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


def _send_again(unraisable: sys.UnraisableHookArgs) -> None:
    signals: dict[type[BaseException], int] = {KeyboardInterrupt: signal.SIGINT, Terminated: signal.SIGTERM}
    if number := signals.get(unraisable.exc_type):
        _send_later(number)
    else:
        sys.__unraisablehook__(unraisable)


def _send_later(number: int) -> None:
    from threading import Timer  # rarely needed

    Timer(0.01, os.kill, (os.getpid(), number)).start()


app = typer.Typer(cls=Commands, **TYPER_OPTIONS)


@app.callback(invoke_without_command=True)
def root(ctx: typer.Context, version: bool = typer.Option(False, "--version", help="Show the version.")) -> None:
    """Administer the projects of a ClearML server's database.

    With no database configured, a private one is started and used. PROJECT is an id, a full name such as
    vision/detection, or the first 8 or more digits of an id.
    """
    if version:
        ctx.obj.streams.stdout.write(f"projects {__version__}\n")
        raise typer.Exit(0)
    if ctx.invoked_subcommand is None:
        root_command: Any = ctx.command
        ctx.obj.streams.stdout.write(root_command.bare_help(ctx))


def run(args: list[str]) -> int:
    """Run a command line and return its exit status. The connection is left open: the process is about to end."""
    command: Any = typer.main.get_command(app)
    take_signals()
    return int(command.status(args, Context(Streams.of_process())))
