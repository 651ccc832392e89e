"""The manual pages: projects(1), and one for each command, in the macros of man(7).

`python -m tools.manual FOLDER` writes them. They are not in the repository; the build hook puts them into a wheel.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from projects_cli import __version__
from projects_cli.cli.help_format import FIRST_STEPS, Lines, Pairs, topic_blocks
from projects_cli.cli.registry import TOPICS
from tools.program import Command, Program, grouped, program, usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from projects_cli.cli.help_format import Block

SPECIAL = {
    "\\": "\\e",
    "-": "\\-",
    "'": "\\(aq",
    "`": "\\(ga",
    "^": "\\(ha",
    "~": "\\(ti",
    '"': "\\(dq",
}
"""Characters with a meaning in roff, or that it would set as another character."""

HEADINGS = {"exit-codes": "EXIT STATUS", "config": "CONFIGURATION"}
"""Headings of topics that have a conventional name in manuals."""


def write_manuals(folder: Path) -> None:
    """Write all pages into a folder, and remove those of commands that no longer exist."""
    folder.mkdir(parents=True, exist_ok=True)
    for page in folder.glob("projects*.1"):
        page.unlink()
    for name, text in manual_pages(program()).items():
        (folder / name).write_text(text, "utf-8")


def manual_pages(program: Program) -> dict[str, str]:
    """Return the text of each manual page, by the name of its file."""
    pages = {f"projects-{command.path[0]}.1": _page(program, command) for command in program.root.commands}
    return {"projects.1": _main_page(program), **pages}


def _main_page(program: Program) -> str:
    root = program.root
    lines = [*_head(root, "administer the projects of a ClearML server"), *_description(root)]
    commands = [f"projects-{command.path[0]}" for command in root.commands]
    summaries = (command.summary for command in root.commands)
    lines += [".SH COMMANDS", *_pairs(zip((f"{command}(1)" for command in commands), summaries, strict=True))]
    lines += [".SH OPTIONS", "Every command has these options. They may be given before or after its name."]
    lines += _pairs((option.spelling, option.help) for option in root.options)
    lines += [".SH EXAMPLES", *_pairs(FIRST_STEPS)]
    for topic in TOPICS:
        lines += [f".SH {HEADINGS.get(topic.name, topic.name.upper())}", *_topic(topic_blocks(topic))]
    lines += [".SH SEE ALSO", ",\n".join(f".BR {_text(command)} (1)" for command in commands)]
    return "\n".join([*lines, ""])


def _topic(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Pairs):
            yield from _pairs(block.rows)
        elif isinstance(block, Lines):
            yield from _lines(block.lines)
        else:
            yield from (".PP", _text(block))


def _page(program: Program, command: Command) -> str:
    # In manuals the phrase after the name has neither a capital nor a full stop.
    phrase = command.summary[:1].lower() + command.summary[1:].removesuffix(".")
    lines = [*_head(command, phrase), *_description(command), *_parts(program, command)]
    for below in command.commands:
        lines += [f".SH {_text(below.call.upper())}", _text(below.text.summary), ".PP", *_synopsis(below)]
        lines += [*_more(below), *_parts(program, below, ".SS")]
    return "\n".join([*lines, ".SH SEE ALSO", ".BR projects (1)", ""])


def _head(command: Command, phrase: str) -> Iterator[str]:
    name = "-".join(("projects", *command.path))
    yield '.\\" generated from the commands'
    yield f'.TH {_text(name.upper())} 1 "" "projects {__version__}" "projects"'
    yield from (".SH NAME", f"{_text(name)} \\- {_text(phrase)}", ".SH SYNOPSIS", *_synopsis(command))


def _synopsis(command: Command) -> Iterator[str]:
    words = usage(command)
    yield f"\\fB{_text(command.call)}\\fR{_text(words.removeprefix(command.call))}"


def _description(command: Command) -> Iterator[str]:
    yield from (".SH DESCRIPTION", _text(command.text.summary), *_more(command))


def _more(command: Command) -> Iterator[str]:
    for paragraph in command.text.paragraphs:
        yield from (".PP", _text(paragraph))
    if command.text.examples:
        yield from _lines(command.text.examples)


def _parts(program: Program, command: Command, heading: str = ".SH") -> Iterator[str]:
    """Yield the arguments, the options by group, and the commands below."""
    if command.arguments:
        yield from (f"{heading} {_text('ARGUMENTS')}", *_pairs((value.name, value.help) for value in command.arguments))
    for title, options in grouped(program.own(command)).items():
        yield from (f"{heading} {_text(title.upper())}", *_pairs((o.spelling, o.help) for o in options))
    if command.commands:
        rows = ((below.call, below.text.summary) for below in command.commands)
        yield from (f"{heading} COMMANDS", *_pairs(rows))


def _pairs(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield a list of terms, each with its meaning below it."""
    for term, meaning in rows:
        yield from (".TP", f"\\fB{_text(term)}\\fR", _text(meaning))


def _lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines of a terminal, without filling."""
    yield from (".PP", ".EX", *(f"    {_text(line)}" for line in lines), ".EE")


def _text(text: str) -> str:
    """Return a text with everything escaped that has a meaning in roff, at the beginning of a line too."""
    plain = "".join(
        SPECIAL.get(character) or (character if character.isascii() else f"\\[u{ord(character):04X}]")
        for character in text
    )
    return f"\\&{plain}" if plain.startswith((".", "\\(aq")) else plain


if __name__ == "__main__":
    write_manuals(Path(sys.argv[1]))
