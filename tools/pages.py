"""The pages of docs/commands, one for each command, and docs/options.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.cli.help_format import OPTIONS
from projects_cli.cli.options import GLOBAL_OPTIONS, OTHER_SETTINGS, GlobalOption
from projects_cli.cli.registry import TOPICS
from projects_cli.config.settings import BY_NAME
from tools.program import HEADER, Command, Program, grouped, usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MORE = "Options that every command understands: [options](../options.md)."

TOPIC_PAGES = "../../projects_cli/cli/topics"

MARK = f"<!-- {HEADER} -->"

OPTIONS_HEAD = """\
# Options that every command understands

They stand before or after the command; where one is given twice, the later holds. A flag wins over its variable, that
over the profile, that over the rest of `~/.config/projects/config.toml`, that over the default. A switch is a variable
or a key too: `1`, `true`, `yes` or `on`. It has no flag that switches it off: where a file or a variable says yes,
`VARIABLE=0` before the command does. In a file a setting stands at the top, in a profile, or in either.
"""


def command_pages(program: Program) -> dict[str, str]:
    """Return the text of each page, by the name of its file."""
    pages = {f"{command.path[0]}.md": _page(program, command) for command in program.root.commands}
    return {"README.md": _index(program), **pages}


def options_page() -> str:
    """Return the table of all options that every command understands, and of the settings that have no option."""
    rows = [_option_of_all(row) for row in (*GLOBAL_OPTIONS, *OTHER_SETTINGS)]
    heads = ("option", "variable", "in a file", "default", "what it does")
    return "\n".join([MARK, OPTIONS_HEAD, *table(heads, rows), ""])


def _option_of_all(row: GlobalOption) -> Sequence[str]:
    flags = ", ".join(sorted(row.flags, key=lambda flag: flag.startswith("--")))
    option = code(f"{flags} {row.metavar or ''}".rstrip()) if flags else ""
    setting = BY_NAME[row.setting]
    places = ", ".join(["top"] * setting.in_file + ["profile"] * setting.in_profile)
    key = f"{code(setting.key)}: {places}" if places else ""
    return option, code(setting.variable) if setting.variable else "", key, plain(row.default), plain(row.meaning)


def _index(program: Program) -> str:
    rows = [
        (
            f"[{code(command.call)}]({command.path[0]}.md)",
            plain(command.summary),
            code(command.endpoint) if command.endpoint else "",
        )
        for command in program.root.commands
    ]
    return "\n".join([MARK, "# Commands", "", *table(("command", "what it does", "endpoint"), rows), "", MORE, ""])


def _page(program: Program, command: Command) -> str:
    lines = [MARK, f"# {command.call}", *_body(program, command)]
    for below in command.commands:
        lines += ["", f"## {below.call}", *_body(program, below)]
    topics = [topic.name for topic in TOPICS if command.path[0] in topic.commands]
    about = f" More: {', '.join(f'[{name}]({TOPIC_PAGES}/{name}.md)' for name in topics)}." if topics else ""
    return "\n".join([*lines, "", MORE + about, ""])


def _body(program: Program, command: Command) -> Iterator[str]:
    """Yield the lines about one command: what it does, an example, how it is called, its options by group."""
    yield from ("", plain(command.text.summary))
    if command.text.examples:
        yield from ("", *(f"    {example}" for example in command.text.examples))
    for paragraph in command.text.paragraphs:
        yield from ("", plain(paragraph))
    yield from ("", f"Usage: {code(usage(command))}{_also(command)}")
    if command.arguments:
        rows = [(code(value.name), plain(value.help)) for value in command.arguments]
        yield from ("", *table(("argument", "what it is"), rows))
    for title, options in grouped(program.own(command)).items():
        heading = "option" if title == OPTIONS else plain(title)
        yield from ("", *table((heading, "what it does"), [(code(o.spelled), plain(o.help)) for o in options]))
    if command.commands:
        rows = [(code(below.names[0]), plain(below.text.summary)) for below in command.commands]
        yield from ("", *table(("command", "what it does"), rows))


def _also(command: Command) -> str:
    """Return the other names that are understood, and the endpoint."""
    also = ", ".join(code(f"projects {name}") for name in command.names[1:])
    endpoint = f" Endpoint: {code(command.endpoint)}." if command.endpoint else ""
    return f"{f'; also {also}' if also else ''}.{endpoint}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join('---' for _ in heads)} |"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def code(words: str) -> str:
    """Return words as code; a bar would end a cell of a table even there."""
    return f"`{words}`".replace("|", "\\|")


def plain(text: str) -> str:
    """Return a text of ours as Markdown that shows it as it is."""
    for character in "\\`*_[]<|":
        text = text.replace(character, f"\\{character}")
    return text
