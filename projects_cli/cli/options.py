"""The options that several commands share, and the global ones, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from projects_cli.cli.help_format import OPTIONS
from projects_cli.config.settings import BY_NAME, OUTPUTS, SETTINGS, TIMES
from projects_cli.errors import FieldsValueError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class GlobalOption(NamedTuple):
    """An option that every command understands, before its name and after it.

    `constant` is the value that a switch gives its setting; None: the option takes a value.
    """

    flags: tuple[str, ...]
    setting: str
    help: str
    metavar: str | None = None
    constant: object = None

    @property
    def group(self) -> str:
        """The heading that it stands under."""
        return next((title for title, settings in GLOBAL_GROUPS if self.setting in settings), OPTIONS)


GLOBAL_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Database", ("uri", "uri_file", "database", "company", "user", "profile", "timeout", "read_preference")),
    ("Schema", ("schema", "api_version")),
    (
        "Output",
        (
            "output",
            "fields",
            "query",
            "no_header",
            "csv_safe",
            "time",
            "no_pager",
            "no_color",
            "quiet",
            "verbose",
            "fail_if_empty",
        ),
    ),
    ("Changes", ("yes", "confirm", "dry_run", "new_company", "no_input", "read_only")),
    ("Lock and journal", ("lock_wait", "no_journal", "journal_db")),
)
"""What the global options are for: each heading, and the settings below it."""

GLOBAL_OPTIONS: tuple[GlobalOption, ...] = (
    GlobalOption(("--uri",), "uri", "MongoDB URI; better in PROJECTS_MONGO_URI: process lists show flags.", "URI"),
    GlobalOption(("--uri-file",), "uri_file", "File that holds the MongoDB URI, readable by you alone.", "FILE"),
    GlobalOption(("--database",), "database", "Database that holds the documents. [default: backend]", "NAME"),
    GlobalOption(("--company",), "company", "Company (tenant) id. [default: the community server's]", "ID"),
    GlobalOption(
        ("--user",), "user", "Owner of new projects, a name or an id. [default: the only user, or the OS login]", "USER"
    ),
    GlobalOption(("--profile",), "profile", "Profile of the configuration file to use.", "NAME"),
    GlobalOption(("--schema",), "schema", "Schema file (HOCON), or a folder of *.conf.", "PATH"),
    GlobalOption(("--api-version",), "api_version", "Use the endpoints of this version. [default: newest]", "VERSION"),
    GlobalOption(("--output", "-o"), "output", f"Format: {', '.join(OUTPUTS)}. [default: table]", "FORMAT"),
    GlobalOption(("--json",), "output", "The same as -o json.", constant="json"),
    GlobalOption(("--fields",), "fields", "Only these fields; --fields help lists them.", "A,B"),
    GlobalOption(("--query",), "query", "What to take from the JSON answer, in JMESPath.", "JMESPATH"),
    GlobalOption(("--no-header",), "no_header", "Tables, tsv and csv without their heading.", constant=True),
    GlobalOption(
        ("--csv-safe",), "csv_safe", "Quote csv and tsv cells that a spreadsheet takes for formulas.", constant=True
    ),
    GlobalOption(
        ("--time",), "time", f"Times in tables: {', '.join(TIMES)}. [default: relative on a terminal, else iso]", "FORM"
    ),
    GlobalOption(("--no-pager",), "no_pager", "Long tables straight to the terminal.", constant=True),
    GlobalOption(("--no-color",), "no_color", "No colour.", constant=True),
    GlobalOption(("--quiet", "-q"), "quiet", "No notices: only data, warnings and errors.", constant=True),
    GlobalOption(("--verbose", "-v"), "verbose", "Say which database and schema are used.", constant=True),
    GlobalOption(
        ("--timeout",),
        "timeout",
        "Limit for one command of the server. [default: 30s; none for aggregations and doctor]",
        "DURATION",
    ),
    GlobalOption(("--yes", "-y"), "yes", "Answer every question with yes.", constant=True),
    GlobalOption(("--confirm",), "confirm", "Answer the question for this name; refuse any other.", "NAME"),
    GlobalOption(("--dry-run", "-n"), "dry_run", "Show what a change would do, and do nothing.", constant=True),
    GlobalOption(
        ("--new-company",), "new_company", "Allow a change for a company that has no documents yet.", constant=True
    ),
    GlobalOption(("--no-input",), "no_input", "Never ask; fail where a question would come.", constant=True),
    GlobalOption(("--read-only",), "read_only", "Refuse every change of a database, not of settings.", constant=True),
    GlobalOption(
        ("--lock-wait",), "lock_wait", "Wait so long for another run's lock; 0: not at all. [default: 10s]", "DURATION"
    ),
    GlobalOption(("--no-journal",), "no_journal", "Change without journal: no undo, no lock.", constant=True),
    GlobalOption(("--journal-db",), "journal_db", "Database of the journal. [default: projects_cli]", "NAME"),
    GlobalOption(
        ("--read-preference",),
        "read_preference",
        "Members of a replica set to read answers from. [default: the URI's, or primary]",
        "MODE",
    ),
    GlobalOption(("--fail-if-empty",), "fail_if_empty", "End with status 6 where nothing matches.", constant=True),
)

_READS = frozenset({"list", "get", "metrics", "hyperparams", "task-tags", "model-tags"})
_CHANGES = frozenset({"create", "update", "delete", "make-public", "make-private"})
_REQUESTS = frozenset({"call", "batch"})
_JOURNALED = _CHANGES | _REQUESTS | {"undo", "resume", "history", "history prune", "doctor --fix"}
_CONNECTED = _READS | _JOURNALED | {"doctor", "status", "indexes plan", "indexes create", "local sample"}

USED_BY: dict[str, frozenset[str]] = {
    **dict.fromkeys(("uri", "uri_file", "database", "company", "timeout", "read_preference"), _CONNECTED),
    **dict.fromkeys(("schema", "api_version"), _READS | _CHANGES | _REQUESTS | {"schema"}),
    **dict.fromkeys(("no_journal", "journal_db"), _JOURNALED | {"doctor", "status"}),
    "lock_wait": _JOURNALED - {"history"},
    "user": frozenset({"create"}) | _REQUESTS,
    "confirm": _CHANGES | {"undo", "doctor --fix", "history prune", "indexes create", "local reset"},
}
"""The commands that use a global option; any other refuses it, since it would not do what its caller expects.

Options that are not here are understood everywhere: those that choose the profile or how an answer is shown, and those
that hold for a command without changes too (--yes, --dry-run, --no-input, --read-only).
"""

SHOWING_SETTINGS = frozenset({"config list", "config get"})
"""Commands that show what all options come to."""


def refuse_unused(command: str, settings: Iterable[str]) -> None:
    """Refuse an option on the command line that the command does not use.

    Variables and files are not refused: they hold for all commands.

    Raises:
        UsageError: there is one; the hint names the commands that use it.
    """
    for option in GLOBAL_OPTIONS:
        users = USED_BY.get(option.setting)
        if users is not None and option.setting in settings and command not in users | SHOWING_SETTINGS:
            flag, others = option.flags[0], ", ".join(sorted(users))
            raise UsageError(f"projects {command} does not use {flag}", hint=f"leave {flag} out; used by: {others}")


WITHOUT_OPTION: dict[str, str] = {
    "max_delete": "Refuse to delete more projects at once, those below counted; delete has it as --max-delete.",
    "local_dir": "Folder of the private database. [default: projects-cli/local in the XDG data folder]",
    "local_idle": "The private database stops after so long without a command. [default: 15m]",
    "mongod": "The mongod of the private database. [default: the package's, else the one on the PATH]",
    "production": "A mistake costs much here: questions name the profile in red, and a change about which nobody is "
    "asked (also by --yes, --confirm, --force) needs --profile NAME on the same command line.",
}
"""What the settings do that no option has."""


class Explained(NamedTuple):
    """A setting as people may give it: its option and its variable, where it has them, and its places in files."""

    flags: tuple[str, ...]
    metavar: str | None
    variable: str | None
    key: str
    in_file: bool
    in_profile: bool
    default: str
    help: str


def explained() -> list[Explained]:
    """Give every global option, then the settings that have none."""
    with_option = [_explained(option.setting, option.help, option) for option in GLOBAL_OPTIONS]
    named = {option.setting for option in GLOBAL_OPTIONS}
    others = [name for name in (setting.name for setting in SETTINGS) if name not in named]
    return with_option + [_explained(name, WITHOUT_OPTION[name], None) for name in others]


def _explained(name: str, text: str, option: GlobalOption | None) -> Explained:
    setting = BY_NAME[name]
    words, _, default = text.removesuffix("]").partition(" [default: ")
    return Explained(
        flags=option.flags if option else (),
        metavar=option.metavar if option else None,
        variable=setting.variable,
        key=setting.key,
        in_file=setting.in_file,
        in_profile=setting.in_profile,
        default=default or ("off" if setting.default is False else ""),
        help=words,
    )


ProjectArgument = Annotated[
    str | None,
    typer.Argument(metavar="PROJECT", help="Id, full name, or the first 8 or more digits of an id; - reads it."),
]
OptionalProject = Annotated[
    str | None, typer.Argument(metavar="[PROJECT]", help="Id, full name, or beginning of an id. [default: all]")
]
ProjectArguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="PROJECT...", help="Ids, full names, or beginnings of ids; - reads them, a line each."),
]
Interactive = Annotated[
    bool, typer.Option("--interactive", "-i", help="Pick from a list, by typing a part of the name.")
]
OperationArgument = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="The operation. [default: the newest; projects history lists them]")
]
Tags = Annotated[list[str] | None, typer.Option("--tag", "--tags", metavar="TAG", help="Tag; repeat for more.")]
SystemTags = Annotated[
    list[str] | None,
    typer.Option("--system-tag", "--system-tags", metavar="TAG", help="System tag; repeat for more. The server's own."),
]
Destination = Annotated[
    str | None,
    typer.Option("--default-output-destination", metavar="URL", help="Where new tasks put their output."),
]
Page = Annotated[int | None, typer.Option("--page", metavar="N", help="Page number, from 0.")]
PageSize = Annotated[int | None, typer.Option("--page-size", metavar="N", help="Records of a page.")]


def check_filter_tags(*options: Sequence[str] | None) -> None:
    """Refuse an empty tag in a filter, which comes from an unset variable rather than from a tag.

    Raises:
        FieldsValueError: there is an empty tag.
    """
    if any("" in (tags or ()) for tags in options):
        raise FieldsValueError("a tag to filter by must not be empty", hint="projects without tags: --no-tags")
