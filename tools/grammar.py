"""The data of completion: `projects_cli/cli/completion/commands.tsv`.

A row has five fields: `command`, `option` or `argument`, the commands that have it (empty for the root, `*` for all,
with commas between several), the spellings (`...` for an argument that repeats), the kind of the value with its words,
and the description.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.program import HEADER, Command, Option, Program, Value

if TYPE_CHECKING:
    from collections.abc import Iterator


def grammar(program: Program) -> str:
    """Return the table for all commands."""
    rows = [row for command in program.places() for row in _command_rows(program, command)]
    rows += [_option_row("*", option) for option in program.shared]
    # An option that several commands have, such as a filter of `list`, is one row.
    places: dict[tuple[str, ...], list[str]] = {}
    for kind, place, *rest in rows:
        key = (kind, "" if kind == "option" else place, *rest)
        places.setdefault(key, []).append(place)
    lines = ["\t".join([kind, ",".join(commands), *rest]) for (kind, _, *rest), commands in places.items()]
    return "\n".join([f"# {HEADER}", *lines])


def _command_rows(program: Program, command: Command) -> Iterator[list[str]]:
    for below in command.commands:
        yield ["command", command.place, " ".join(below.names), "", below.summary]
    for option in program.own(command):
        yield _option_row(command.place, option)
    for value in command.arguments:
        yield ["argument", command.place, "..." if value.repeats else "", _value(value), value.help or value.name]


def _option_row(place: str, option: Option) -> list[str]:
    return ["option", place, " ".join(option.flags), _value(option.value) if option.value else "", option.help]


def _value(value: Value) -> str:
    return " ".join([value.kind, *value.words])
