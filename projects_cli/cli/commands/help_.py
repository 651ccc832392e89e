"""`projects help`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.help_format import write_topic
from projects_cli.cli.registry import BY_WORD, TOPICS
from projects_cli.errors import UsageError, did_you_mean, nearest

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def help_(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND|TOPIC]", help="A command, or a topic such as filters. [default: all commands]"
        ),
    ] = None,
) -> None:
    """Show the help of a command or a topic: exit-codes, output, environment, filters, safety, config.

    Example: projects help filters
    """
    words = words or []
    root: Any = ctx.find_root()
    topic = next((topic for topic in TOPICS if [topic.name] == words), None)
    if topic is None:
        text = _command_help(root, words)
    else:
        formatter = root.make_formatter()
        write_topic(topic, formatter)
        if topic.name in BY_WORD:
            formatter.write_paragraph()
            formatter.write_text(f"The command of that name: projects {topic.name} --help")
        text = formatter.getvalue().rstrip("\n")
    ctx.obj.streams.stdout.write(f"{text}\n")


def _command_help(ctx: Any, words: list[str]) -> str:
    """Return the help of the command that the words name.

    Raises:
        UsageError: there is no such command.
    """
    for number, word in enumerate(words, 1):
        command = ctx.command.get_command(ctx, word) if hasattr(ctx.command, "get_command") else None
        if command is None:
            name = repr(" ".join(words[:number]))
            if number == 1:
                hint = did_you_mean(nearest(word, [*BY_WORD, *(topic.name for topic in TOPICS)]), "see: projects help")
                raise UsageError(f"there is no command or topic {name}", hint=hint)
            hint = did_you_mean(nearest(word, getattr(ctx.command, "commands", ())), f"see: {ctx.command_path} --help")
            raise UsageError(f"there is no command {name}", hint=hint)
        ctx = command.make_context(word, [], parent=ctx, resilient_parsing=True)
    text: str = ctx.get_help()
    return text
