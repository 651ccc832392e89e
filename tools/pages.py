"""The pages of docs/commands, one for each command, docs/options.md and docs/doctor.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.cli.help_format import OPTIONS
from projects_cli.cli.options import GLOBAL_OPTIONS, OTHER_SETTINGS, GlobalOption
from projects_cli.cli.registry import TOPICS
from projects_cli.config.settings import BY_NAME
from projects_cli.diagnosis.findings import DEPLOYMENT, MEMBERS, PROJECTS
from tools.program import HEADER, Command, Option, Program, grouped, usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MORE = "Options of every command: [options](../options.md)."

ENDPOINTS = """\
`projects list` is `projects.get_all_ex` with options that only that endpoint has, such as `--stats` and `--hidden`.
The names of the endpoints are commands too (`projects get-all`)."""

TOPIC_PAGES = "../../projects_cli/cli/topics"

MARK = f"<!-- {HEADER} -->"

LIST = ("list",)

OPTIONS_HEAD = """\
# Options of every command

They may be given before or after the command. If one is given twice, the last one counts. A flag overrides its
variable, which overrides the profile, which overrides the top level of `~/.config/projects/config.toml`, which
overrides the default. A switch can also be set by its variable or key: `1`, `true`, `yes` or `on`. No flag turns a
switch off; if a file or a variable turns it on, put `VARIABLE=0` before the command. In a file a setting is at the top
level, in a profile, or in either.
"""


DOCTOR_HEAD = """\
# Findings of the doctor

`projects doctor` checks a company's projects, tasks and models, the indexes, the journal and the server. It writes
nothing. The exit status is 6 if there is an error or a warning, and 0 otherwise. `--only FINDING` checks for one kind.

`projects doctor --fix` repairs what is unambiguous. Like every change it has a dry run, a confirmation, the lock, the
journal and `projects undo`. If only tags and basenames change, the confirmation is a yes, else the name of the
database. Ambiguous problems are left alone and reported again. A dry run ends with 0.

- Only the company's own documents are checked, and public ones are never changed. Another company's are neither read
  nor counted: a missing project and another company's project are the same finding, so that nothing about the other
  company is disclosed.
- The projects are read in one pass, and the server groups the tasks and models: there is no query for each project.
  Memory is needed for the ids, names and parents of projects, not for tasks.
- A check that fails, that the user may not make, or that needs a missing primary is skipped with a warning (`skipped`
  in JSON). With `--only` it is an error (77 if a privilege is missing). The documents themselves need `read`.
- A project's name, its `parent` and the end of its `path` each name its parent. Two that agree outvote the third. A
  single one is believed if both others name nothing. Ties and cycles are left alone.
- After an interrupted change `--fix` waits until it is finished or undone: what looks wrong may be its other half.
- An error makes answers wrong or stops work, a warning may, and a note is for information: ordinary servers cause some.
- Errors come first, then warnings, then notes. In a terminal a finding has a few examples with ids, the advice, and
  what `--fix` would do; `-o json` has the same fields.
- Values of types that JSON does not have are shown as Extended JSON; see `projects help output`.
"""


def command_pages(program: Program) -> dict[str, str]:
    """Return the text of each page, by the name of its file."""
    pages = {f"{command.path[0]}.md": _page(program, command) for command in program.root.commands}
    return {"README.md": _index(program), **pages}


def options_page() -> str:
    """Return the table of the options of every command, and of the settings without an option."""
    rows = [_option_of_all(row) for row in (*GLOBAL_OPTIONS, *OTHER_SETTINGS)]
    heads = ("option", "variable", "in a file", "default", "description")
    return "\n".join([MARK, OPTIONS_HEAD, *table(heads, rows), ""])


def _option_of_all(row: GlobalOption) -> Sequence[str]:
    flags = ", ".join(sorted(row.flags, key=lambda flag: flag.startswith("--")))
    option = code(f"{flags} {row.metavar or ''}".rstrip()) if flags else ""
    setting = BY_NAME[row.setting]
    places = ", ".join(["top"] * setting.in_file + ["profile"] * setting.in_profile)
    key = f"{code(setting.key)}: {places}" if places else ""
    return option, code(setting.variable) if setting.variable else "", key, plain(row.default), plain(row.meaning)


def doctor_page() -> str:
    """Return the page docs/doctor.md, from the tables of findings."""
    lines = [MARK, DOCTOR_HEAD]
    parts = (("Projects", PROJECTS), ("Tasks and models", MEMBERS), ("Indexes, journal, server", DEPLOYMENT))
    for title, kinds in parts:
        rows = [
            (code(kind.name), kind.severity, *map(plain, (kind.description, kind.advice, kind.fix))) for kind in kinds
        ]
        lines += [f"## {title}", "", *table(("finding", "severity", "description", "advice", "--fix"), rows), ""]
    return "\n".join(lines)


def _index(program: Program) -> str:
    rows = [
        (
            f"[{code(command.call)}]({command.path[0]}.md)",
            plain(command.summary),
            code(command.endpoint) if command.endpoint else "",
        )
        for command in program.root.commands
    ]
    lines = table(("command", "description", "endpoint"), rows)
    return "\n".join([MARK, "# Commands", "", *lines, "", ENDPOINTS, "", MORE, ""])


def _page(program: Program, command: Command) -> str:
    topics = [topic.name for topic in TOPICS if command.path[0] in topic.commands]
    about = f" More: {', '.join(f'[{name}]({TOPIC_PAGES}/{name}.md)' for name in topics)}." if topics else ""
    lines = [MARK, f"# {command.call}", *_body(program, command, f" {MORE}{about}")]
    for below in command.commands:
        lines += ["", f"## {below.call}", *_body(program, below)]
    return "\n".join([*lines, ""])


def _body(program: Program, command: Command, more: str = "") -> Iterator[str]:
    """Yield the lines about one command: description, examples, usage with `more`, arguments, and options by group."""
    yield from ("", plain(command.text.summary))
    if command.text.examples:
        yield from ("", *(f"    {example}" for example in command.text.examples))
    for paragraph in command.text.paragraphs:
        yield from ("", plain(paragraph))
    yield from ("", f"Usage: {code(usage(command))}{_also(command)}{more}")
    arguments = [(code(value.name), plain(value.help)) for value in command.arguments]
    heading = "argument or option" if arguments else "option"
    for title, options in {OPTIONS: [], **grouped(program.own(command))}.items():
        rows = [(code(option.spelling), plain(option.help)) for option in options]
        if title == OPTIONS:
            if arguments or rows:
                yield from ("", *table((heading, "description"), [*arguments, *rows]))
        elif command.path != LIST and _is_of_list(options, program):
            # Otherwise ten tables would repeat those rows.
            names = ", ".join(code(flag) for option in options for flag in option.flags)
            yield from ("", f"{plain(title)}: {names}; see [list](list.md).")
        else:
            yield from ("", *table((plain(title), "description"), rows))


def _is_of_list(options: Iterable[Option], program: Program) -> bool:
    """Return whether `list` has all these options, perhaps without the prefix of those that select projects."""
    [listing] = (command for command in program.root.commands if command.path == LIST)
    known = {option.flags for option in listing.options}
    return all(tuple(flag.replace("--where-", "--") for flag in option.flags) in known for option in options)


def _also(command: Command) -> str:
    """Return the aliases of a command and its endpoint."""
    also = ", ".join(code(f"projects {name}") for name in command.names[1:])
    endpoint = f" Endpoint: {code(command.endpoint)}." if command.endpoint else ""
    return f"{f'; also {also}' if also else ''}.{endpoint}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join('---' for _ in heads)} |"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def code(words: str) -> str:
    """Return words as code. A bar would end a table's cell even there."""
    return f"`{words}`".replace("|", "\\|")


def plain(text: str) -> str:
    """Return a text with everything escaped that has a meaning in Markdown."""
    for character in "\\`*_[]<|":
        text = text.replace(character, f"\\{character}")
    return text
