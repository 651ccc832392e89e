"""What `projects help` shows: the whole, a command, or a topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.cli.registry import BY_WORD
from projects_cli.cli.topics import BY_NAME, Topic, write_topic
from projects_cli.errors import UsageError, did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import typer


def explain(ctx: typer.Context, words: Sequence[str]) -> None:
    """Write the help of what the words name to standard output.

    Raises:
        UsageError: there is no such command or topic.
    """
    root: Any = ctx.find_root()
    topic = BY_NAME.get(words[0]) if len(words) == 1 else None
    text = _topic_text(topic, root) if topic else _command_text(root, words)
    ctx.obj.streams.stdout.write(f"{text}\n")


def _topic_text(topic: Topic, ctx: Any) -> str:
    formatter = ctx.make_formatter()
    write_topic(topic, formatter)
    if topic.name in BY_WORD:
        formatter.write_paragraph()
        formatter.write_text(f"The command of that name: projects {topic.name} --help")
    text: str = formatter.getvalue()
    return text.rstrip("\n")


def _command_text(ctx: Any, words: Sequence[str]) -> str:
    for number, word in enumerate(words):
        below = ctx.command.get_command(ctx, word) if hasattr(ctx.command, "get_command") else None
        if below is None:
            raise _unknown(words[: number + 1], ctx)
        ctx = below.make_context(word, [], parent=ctx, resilient_parsing=True)
    text: str = ctx.get_help()
    return text


def _unknown(words: Sequence[str], ctx: Any) -> UsageError:
    """Give the fault, with what may have been meant."""
    first = len(words) == 1
    known = [*BY_WORD, *BY_NAME] if first else list(getattr(ctx.command, "commands", ()))
    see = "see: projects help" if first else f"see: {ctx.command_path} --help"
    what = "command or topic" if first else "command"
    return UsageError(f"there is no {what} {' '.join(words)!r}", hint=did_you_mean(nearest(words[-1], known), see))
