"""The help of commands: a line that says it all, an example, the options by group, and where to read more."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OPTIONS = "Options"
"""The heading of options that no other group claims."""

EXAMPLE = "Example: "
"""What a line of a command's text begins with that is an example."""

GLOBAL = "Every command takes -o/--json, -n/--dry-run, -y/--yes and more: projects --help"

NARROWEST, WIDEST = 40, 80
"""Columns of help."""

NARROW = 60
"""Columns below which a list stands under its heading, not beside it."""

WIDEST_TERM = 30
"""Columns for the left side of a list; a narrow terminal gives it less."""

FIRST_STEPS: tuple[tuple[str, str], ...] = (
    ("projects local sample", "fill a private database with a sample"),
    ("projects list --stats", "see projects, and the tasks in them"),
    ("projects get vision/detection", "look at one"),
    ("projects delete vision --force --dry-run", "see what a deletion would do"),
)
"""What a newcomer may type, in this order."""


class HelpText(NamedTuple):
    """The text of a command: its first paragraph, the other ones, and command lines to copy."""

    summary: str = ""
    paragraphs: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


def help_text(text: str | None) -> HelpText:
    """Read the text of a command: paragraphs, and lines that begin with `Example: `."""
    lines = inspect.cleandoc(text or "").partition("\f")[0].splitlines()
    examples = tuple(line.removeprefix(EXAMPLE) for line in lines if line.startswith(EXAMPLE))
    rest = _paragraphs([line for line in lines if not line.startswith(EXAMPLE)])
    return HelpText(rest[0] if rest else "", tuple(rest[1:]), examples)


def help_width() -> int:
    """Give the columns that help is written for: those of the terminal, between 40 and 80."""
    import shutil

    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))


def show_help(ctx: Any) -> None:
    """Print the help of a group of commands, where none of them is called."""
    if ctx.invoked_subcommand is None:
        ctx.obj.streams.stdout.write(f"{ctx.get_help()}\n")


def _paragraphs(lines: Sequence[str]) -> list[str]:
    blocks = "\n".join(lines).split("\n\n")
    return [" ".join(block.split()) for block in blocks if block.strip()]


# --- writing, into Typer's formatter ------------------------------------------------------------------------------


def write_text(text: HelpText, formatter: Any) -> None:
    """Write what a command does, and how to use it."""
    _write_paragraph(text.summary, formatter)
    if text.examples:
        with formatter.section("Example" if len(text.examples) == 1 else "Examples"):
            write_lines(text.examples, formatter)
    for paragraph in text.paragraphs:
        _write_paragraph(paragraph, formatter)


def _write_paragraph(text: str, formatter: Any) -> None:
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(text)


def write_lines(lines: Iterable[str], formatter: Any) -> None:
    """Write lines as they are: what is to be copied is never wrapped."""
    for line in lines:
        formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def write_pairs(pairs: Iterable[tuple[str, str]], formatter: Any) -> None:
    """Write terms on the left, what they mean on the right."""
    formatter.write_dl(list(pairs), col_max=min(WIDEST_TERM, max(formatter.width // 3, 8)))


def write_options(params: Iterable[Any], ctx: Any, formatter: Any) -> None:
    """Write the arguments, then the options of each group."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for param in params:
        record = param.get_help_record(ctx)
        if record is not None:
            title = "Arguments" if param.param_type_name == "argument" else OPTIONS
            groups.setdefault(getattr(param, "rich_help_panel", None) or title, []).append(record)
    for title, records in groups.items():
        with formatter.section(title):
            write_pairs(records, formatter)


def write_more(name: str, formatter: Any) -> None:
    """Write where to read more about a command."""
    from projects_cli.cli.topics import TOPICS  # only help needs them

    topics = [f"projects help {topic.name}" for topic in TOPICS if name in topic.commands]
    formatter.write_paragraph()
    formatter.write_text(GLOBAL)
    formatter.write_text(f"More: {', '.join([*topics, f'man projects-{name}'])}")


# --- the help of the whole ----------------------------------------------------------------------------------------


def write_first_steps(formatter: Any) -> None:
    """Write what a newcomer may type."""
    widest = max(len(command) for command, _ in FIRST_STEPS)
    with formatter.section("Examples"):
        formatter.write_dl(list(FIRST_STEPS), col_max=widest if formatter.width > 2 * widest else 2)


def write_short_help(groups: Mapping[str, Sequence[str]], formatter: Any) -> None:
    """Write what a person sees who types `projects` and nothing else."""
    formatter.write_usage("projects", "COMMAND [OPTIONS]")
    _write_paragraph("Administer the projects of a ClearML server's database.", formatter)
    write_first_steps(formatter)
    formatter.write_paragraph()
    formatter.write_heading("Commands")
    widest = max(map(len, groups)) + 1
    for title, names in groups.items():
        if formatter.width < NARROW:
            formatter.write(f"  {title}:\n")
            _write_filled(", ".join(names), "      ", "      ", formatter)
        else:
            _write_filled(", ".join(names), f"  {title + ':':{widest}}  ", " " * (widest + 4), formatter)
    write_more_of_all(formatter)


def _write_filled(text: str, first: str, other: str, formatter: Any) -> None:
    """Write words between these margins; Typer's own way breaks names at their dashes."""
    import textwrap

    lines = textwrap.wrap(text, formatter.width, initial_indent=first, subsequent_indent=other, break_on_hyphens=False)
    formatter.write("".join(f"{line}\n" for line in lines))


def write_more_of_all(formatter: Any) -> None:
    """Write where to read more about the whole."""
    from projects_cli.cli.topics import BY_NAME

    formatter.write_paragraph()
    for text in (
        "All commands and options: projects --help. One command: projects help COMMAND.",
        f"projects help TOPIC tells about {', '.join(BY_NAME)}.",
    ):
        _write_filled(text, "", "", formatter)
