"""The root of the command line: global options, and a table of commands that are loaded on use."""

from __future__ import annotations

import re
import shlex
import signal
import sys
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

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
from projects_cli.errors import ExitStatus, ProjectsError, UsageError, ValidationError, did_you_mean, nearest
from projects_cli.render.console import Streams
from projects_cli.render.escaping import check_utf8

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Entry(NamedTuple):
    """A command: its name, the module that has it, what the list of commands says, and its endpoint if it has one."""

    name: str
    module: str
    summary: str
    endpoint: str | None = None
    aliases: tuple[str, ...] = ()


COMMANDS: tuple[Entry, ...] = (
    Entry("list", "list_", "List projects, filtered and ordered.", "projects.get_all", ("get-all", "get-all-ex")),
    Entry("get", "get", "Show one project.", "projects.get_by_id", ("get-by-id",)),
    Entry("create", "create", "Create a project, and the ones above it that are missing.", "projects.create"),
    Entry("update", "update", "Change a project's name, description or tags.", "projects.update"),
    Entry("delete", "delete", "Delete projects with all below; tasks and models stay.", "projects.delete"),
    Entry("make-public", "make_public", "Let every company see projects.", "projects.make_public"),
    Entry("make-private", "make_private", "Take public projects back.", "projects.make_private"),
    Entry(
        "metrics",
        "metrics",
        "List the metrics that tasks report.",
        "projects.get_unique_metric_variants",
        ("get-unique-metric-variants",),
    ),
    Entry(
        "hyperparams",
        "hyperparams",
        "List the hyper-parameters that tasks use.",
        "projects.get_hyper_parameters",
        ("get-hyper-parameters",),
    ),
    Entry("task-tags", "task_tags", "List the tags of tasks.", "projects.get_task_tags", ("get-task-tags",)),
    Entry("model-tags", "model_tags", "List the tags of models.", "projects.get_model_tags", ("get-model-tags",)),
    Entry("undo", "undo", "Take a change back."),
    Entry("resume", "resume", "Finish a change that was stopped in the middle."),
    Entry("history", "history", "Show who changed what, when, and how it ended."),
    Entry("doctor", "doctor", "Find what is wrong with a database, and mend it."),
    Entry("indexes", "indexes", "Show which indexes would help, and make them."),
    Entry("call", "call", "Call any endpoint: a request in, the response out."),
    Entry("batch", "batch", "Carry out many requests, a JSON line each."),
    Entry("schema", "schema", "Show what the loaded schema says."),
    Entry("status", "status", "Show the database, how much is in it, and what you may do."),
    Entry("config", "config", "Your settings: what holds and why; change them."),
    Entry("profile", "profile", "Profiles: list them, show one, choose the default."),
    Entry("local", "local", "The private database: start, stop, status, sample data."),
    Entry("completion", "completion", "Let TAB complete commands, options and names in your shell."),
    Entry("help", "help_", "Show the help of a command, or tell about a topic."),
)
"""Every command; help and completion read this table, and only the command that is used is imported."""

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Look", ("status", "list", "get", "metrics", "hyperparams", "task-tags", "model-tags")),
    ("Change", ("create", "update", "delete", "make-public", "make-private")),
    ("Take back and mend", ("undo", "resume", "history", "doctor", "indexes")),
    ("In the raw", ("call", "batch", "schema")),
    ("Set up", ("local", "config", "profile", "completion", "help")),
)
"""What a person may want to do, and the commands for it, in this order."""

BY_WORD: dict[str, Entry] = {word: entry for entry in COMMANDS for word in (entry.name, *entry.aliases)}

HABITS: dict[str, Any] = {
    "add_completion": False,
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["--help", "-h"]},
}
"""How every Typer of this program is made."""


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
        for title, names in grouped_commands().items():
            with formatter.section(title):
                write_pairs([(name, BY_WORD[name].summary) for name in names], formatter)
        write_options(self.get_params(ctx), ctx, formatter)

    def format_epilog(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write where to read more."""
        write_more_of_all(formatter)

    def bare_help(self, ctx: typer.Context) -> str:
        """Give what a person sees who names no command."""
        formatter = ctx.make_formatter()
        write_short_help(grouped_commands(), formatter)
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
        context.console.tell_warnings()
        return status


def entry_of(word: str) -> Entry | None:
    """Give the entry of a command by any of its names: `get-all`, `get_all`, `projects.get_all`."""
    return BY_WORD.get(word.removeprefix("projects.").replace("_", "-"))


def command_of(ctx: typer.Context) -> str:
    """Return the name of the command that runs, without aliases: `list`, `history prune`."""
    _, word, *below = ctx.command_path.split()
    entry = entry_of(word)
    return " ".join([entry.name if entry else word, *below])


def grouped_commands() -> dict[str, list[str]]:
    """Give the names of the commands that there are, by what a person may want to do."""
    having = {title: [name for name in names if name in BY_WORD] for title, names in GROUPS}
    named = {name for names in having.values() for name in names}
    return (
        having | {"Others": others} if (others := [one.name for one in COMMANDS if one.name not in named]) else having
    )


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
        from projects_cli.config.connection import redacted  # only for a mistake

        name = shlex.quote(redacted(word))
        hint = f"for one project use: projects get {name}; for names with a pattern: projects list --name {name}"
    return UsageError(f"unexpected argument {word!r}", hint=hint)


def _hide_passwords(error: ProjectsError) -> None:
    """Take the password out of a URI that stands where it was not wanted, and is quoted; others are hidden before."""
    if "://" in error.message and ":***@" not in error.message:
        from projects_cli.config.connection import redacted

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


app = typer.Typer(cls=Commands, **HABITS)


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
