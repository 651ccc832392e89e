"""The layout of help: a summary, an example, the options by group, and where to read more."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli.cli.options import GLOBAL_OPTIONS, OTHER_SETTINGS
from projects_cli.cli.registry import TOPICS, by_group
from projects_cli.config.settings import BY_NAME
from projects_cli.errors import STATUS_MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from projects_cli.cli.registry import Topic

OPTIONS = "Options"
"""The heading of options without a group of their own."""

EXAMPLE = "Example: "
"""The beginning of a line with an example in the text of a command."""

GLOBAL = "Global options such as --json, --dry-run and --yes: projects --help"

NARROWEST, WIDEST = 40, 80
"""Columns of help."""

NARROW = 60
"""Columns below which a list stands under its heading, not beside it."""

WIDEST_TERM = 34
"""Columns of the terms in a list; a narrow terminal gives them a third."""

FIRST_STEPS: tuple[tuple[str, str], ...] = (
    ("projects local sample", "load a private sample database"),
    ("projects list --stats", "list projects and count their tasks"),
    ("projects get vision/detection", "show a project"),
    ("projects delete vision --force --dry-run", "preview a deletion"),
)
"""Commands for a new user, in this order."""


# --- texts --------------------------------------------------------------------------------------------------------


class HelpText(NamedTuple):
    """The text of a command: its first paragraph, the other ones, and command lines to copy."""

    summary: str = ""
    paragraphs: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


class Pairs(NamedTuple):
    """A list of terms with their meanings."""

    rows: tuple[tuple[str, str], ...]


class Lines(NamedTuple):
    """Lines to copy, which are never wrapped."""

    lines: tuple[str, ...]


Block = str | Pairs | Lines
"""A part of a topic; a string is a paragraph."""


def help_text(text: str | None) -> HelpText:
    """Parse the docstring of a command: paragraphs, and lines that begin with `Example: `."""
    lines = inspect.cleandoc(text or "").partition("\f")[0].splitlines()
    examples = tuple(line.removeprefix(EXAMPLE) for line in lines if line.startswith(EXAMPLE))
    # Examples are taken out first, since one may stand between two paragraphs.
    blocks = "\n".join(line for line in lines if not line.startswith(EXAMPLE)).split("\n\n")
    paragraphs = [" ".join(block.split()) for block in blocks if block.strip()]
    return HelpText(paragraphs[0] if paragraphs else "", tuple(paragraphs[1:]), examples)


def topic_blocks(topic: Topic) -> list[Block]:
    """Parse a topic's page: Markdown with paragraphs, `- term: meaning` lists, and lines indented by four spaces."""
    text = Path(__file__).with_name("topics").joinpath(f"{topic.name}.md").read_text("utf-8")
    blocks: list[Block] = []
    for part in text.strip("\n").split("\n\n")[1:]:  # the first is the title
        lines = part.split("\n")
        # What the code knows is not written twice: these marks stand for lists made from it.
        if part == "<!-- statuses -->":
            rows = ((str(status.value), _plain(meaning)) for status, meaning in STATUS_MEANINGS.items())
            blocks.append(Pairs(tuple(rows)))
        elif part == "<!-- variables -->":
            blocks.append(Pairs(tuple(_variables())))
        # As in Markdown, four spaces mark text that is shown as it is.
        elif all(line.startswith("    ") for line in lines):
            blocks.append(Lines(tuple(line[4:] for line in lines)))
        elif part.startswith("- "):
            items = (" ".join(item.split()).partition(": ") for item in _plain(f"\n{part}").split("\n- ")[1:])
            blocks.append(Pairs(tuple((term, meaning) for term, _, meaning in items)))
        else:
            blocks.append(_plain(" ".join(lines)))
    return blocks


def _plain(markdown: str) -> str:
    # A backslash escapes the next character, except in code.
    parts = markdown.split("`")
    return "".join(part if number % 2 else part.replace("\\", "") for number, part in enumerate(parts))


def _variables() -> Iterable[tuple[str, str]]:
    for option in (*GLOBAL_OPTIONS, *OTHER_SETTINGS):
        variable = BY_NAME[option.setting].variable
        if variable and "--json" not in option.flags:
            # That the URI is safer in its variable need not be said of the variable.
            meaning, _, advice = option.meaning.partition("; ")
            meaning = f"{meaning}." if variable in advice else option.meaning
            yield variable, f"{meaning} [default: {option.default}]" if option.default else meaning


# --- writing, into Typer's formatter ------------------------------------------------------------------------------


def help_width() -> int:
    """Return the columns of help: those of the terminal, between 40 and 80."""
    import shutil

    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))


def write_text(text: HelpText, formatter: Any) -> None:
    """Write the text of a command."""
    _write_paragraph(text.summary, formatter)
    if text.examples:
        with formatter.section("Example" if len(text.examples) == 1 else "Examples"):
            _write_lines(text.examples, formatter)
    for paragraph in text.paragraphs:
        _write_paragraph(paragraph, formatter)


def write_topic(topic: Topic, formatter: Any) -> None:
    """Write a topic."""
    formatter.write_text(topic.summary)
    for block in topic_blocks(topic):
        if isinstance(block, str):
            _write_paragraph(block, formatter)
        else:
            formatter.write_paragraph()
            with formatter.indentation():
                if isinstance(block, Pairs):
                    formatter.write_dl(block.rows, col_max=_column((term for term, _ in block.rows), formatter))
                else:
                    _write_lines(block.lines, formatter)


def write_sections(sections: Mapping[str, Sequence[tuple[str, str]]], formatter: Any) -> None:
    """Write lists of terms under their headings, with the same column for all meanings."""
    column = _column([term for pairs in sections.values() for term, _ in pairs], formatter)
    for title, pairs in sections.items():
        with formatter.section(title):
            # Padded, so that every list of a page has the same column, whatever its own terms are.
            formatter.write_dl([(term.ljust(column), meaning) for term, meaning in pairs], col_max=column)


def _column(terms: Iterable[str], formatter: Any) -> int:
    """Return the columns of the terms beside their meanings, or 2 if the meanings have to stand below the terms."""
    lengths = [len(term) for term in terms]
    if formatter.width < NARROW and max(lengths) > formatter.width // 3:
        return 2
    # A few long terms may stand alone on their lines; the others keep their meanings beside them.
    limit = WIDEST_TERM if formatter.width >= WIDEST - 2 else formatter.width // 3
    return max((length for length in lengths if length <= limit), default=2)


def write_options(params: Iterable[Any], ctx: Any, formatter: Any) -> None:
    """Write the arguments, then the options of each group."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for param in params:
        record = param.get_help_record(ctx)
        if record is not None:
            title = "Arguments" if param.param_type_name == "argument" else OPTIONS
            term, meaning = record
            row = term, " ".join(meaning.split())
            groups.setdefault(getattr(param, "rich_help_panel", None) or title, []).append(row)
    write_sections(groups, formatter)


def write_more(name: str, formatter: Any) -> None:
    """Write where to read more about a command."""
    topics = [f"projects help {topic.name}" for topic in TOPICS if name in topic.commands]
    formatter.write_paragraph()
    formatter.write_text(GLOBAL)
    formatter.write_text(f"More: {', '.join([*topics, f'man projects-{name}'])}")


def write_commands(formatter: Any) -> None:
    """Write all commands by group, and the topics, without importing any command."""
    sections = {title: [(entry.name, entry.summary) for entry in entries] for title, entries in by_group().items()}
    sections["Topics"] = [(topic.name, topic.summary) for topic in TOPICS]
    write_sections(sections, formatter)


def write_first_steps(formatter: Any) -> None:
    """Write commands for a new user."""
    widest = max(len(command) for command, _ in FIRST_STEPS)
    with formatter.section("Examples"):
        formatter.write_dl(list(FIRST_STEPS), col_max=widest if formatter.width > 2 * widest - 6 else 2)


def write_short_help(formatter: Any) -> None:
    """Write the help of `projects` without any command."""
    formatter.write_usage("projects", "COMMAND [OPTIONS]")
    _write_paragraph("Administer the projects of a ClearML server's database.", formatter)
    write_first_steps(formatter)
    formatter.write_paragraph()
    formatter.write_heading("Commands")
    groups = {title: [entry.name for entry in entries] for title, entries in by_group().items()}
    groups["Topics"] = [topic.name for topic in TOPICS]
    widest = max(map(len, groups)) + 1
    for title, names in groups.items():
        if formatter.width < NARROW:
            formatter.write(f"  {title}:\n")
            _write_filled(", ".join(names), "      ", "      ", formatter)
        else:
            _write_filled(", ".join(names), f"  {title + ':':{widest}}  ", " " * (widest + 4), formatter)
    write_more_of_all(formatter)
    formatter.write_text("All commands and options: projects --help")


def write_more_of_all(formatter: Any) -> None:
    """Write where to read more about the program."""
    formatter.write_paragraph()
    formatter.write_text("Help on a command or a topic: projects help NAME")


def _write_paragraph(text: str, formatter: Any) -> None:
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(text)


def _write_lines(lines: Sequence[str], formatter: Any) -> None:
    for line in lines:
        formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def _write_filled(text: str, first: str, other: str, formatter: Any) -> None:
    """Write words between these margins. Typer's own wrapping breaks names at their dashes."""
    import textwrap

    lines = textwrap.wrap(text, formatter.width, initial_indent=first, subsequent_indent=other, break_on_hyphens=False)
    formatter.write("".join(f"{line}\n" for line in lines))
