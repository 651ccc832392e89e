"""`--watch`: a command that is run again and again, with its output redrawn in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer.core import TyperOption

from projects_cli.cli.app import GroupedCommand, command_of
from projects_cli.config.settings import parse_duration
from projects_cli.errors import UsageError
from projects_cli.render.streams import is_terminal

if TYPE_CHECKING:
    from projects_cli.cli.context import Context

FLAG = "--watch"

SECONDS = "2"
"""The interval if none is given."""

SHORTEST = 0.1
"""Seconds: a shorter interval would only keep the database busy."""


class WatchedCommand(GroupedCommand):
    """A command with the option `--watch [SECONDS]`."""

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        """Add the option to the command's own."""
        super().__init__(*arguments, **attributes)
        option = TyperOption(
            param_decls=[FLAG],
            metavar="[SECONDS]",
            help=f"Redraw every {SECONDS} seconds, or at another interval, until Ctrl-C.",
            type=str,
            expose_value=False,
            callback=lambda ctx, _, value: ctx.meta.__setitem__(FLAG, value),
        )
        self.params.append(option)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; `--watch` takes the next word only if that is an interval."""
        words = args[: args.index("--")] if "--" in args else args
        given = list(args)
        for at, word in enumerate(words):
            if word == FLAG and not (at + 1 < len(words) and _is_interval(words[at + 1])):
                given[at] = f"{FLAG}={SECONDS}"
        return super().parse_args(ctx, given)

    def invoke(self, ctx: Any) -> Any:
        """Run the command, once or until Ctrl-C.

        Raises:
            UsageError: the output can't be redrawn, or the interval is invalid.
        """
        text = ctx.meta.get(FLAG)
        if text is None:
            return super().invoke(ctx)
        context: Context = ctx.find_root().obj
        try:
            seconds = parse_duration(text)
        except ValueError as error:
            raise UsageError(f"{FLAG}: {error}") from error
        if seconds < SHORTEST:
            raise UsageError(f"{FLAG} {text!r}: must be at least {SHORTEST} seconds")
        _check_terminal(context)
        from projects_cli.render.screen import redraw

        context.output.pager = False
        command = f"projects {command_of(ctx)}"
        redraw(context.console, lambda: super(WatchedCommand, self).invoke(ctx), command, seconds)
        return None


def _is_interval(word: str) -> bool:
    try:
        parse_duration(word)
    except ValueError:
        return False
    return True


def _check_terminal(context: Context) -> None:
    output = context.settings.output
    if output not in {"table", "wide"}:
        raise UsageError(f"{FLAG} can't be used with -o {output}", hint="it redraws a table on a terminal")
    if context.streams.is_dumb or not is_terminal(context.streams.stdout):
        hint = "leave it out, or run the command in a loop of your own"
        raise UsageError(f"{FLAG} needs a terminal: standard output is not one that can be redrawn", hint=hint)
