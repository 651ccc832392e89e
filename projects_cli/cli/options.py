"""The global options, as data, and the options and arguments that several commands share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from projects_cli.config.settings import BY_NAME, OUTPUTS, TIMES, parse_duration
from projects_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class GlobalOption(NamedTuple):
    """An option that every command accepts, before its name and after it; or, without flags, a mere setting.

    A switch has a `constant`, the value that it gives the setting. Other options take a value.
    """

    setting: str
    flags: tuple[str, ...]
    help: str
    metavar: str | None = None
    constant: object = None
    group: str = ""

    @property
    def meaning(self) -> str:
        """Return the help without the default."""
        return self.help.removesuffix("]").partition(" [default: ")[0]

    @property
    def default(self) -> str:
        """Return the default that the help names."""
        default = self.help.removesuffix("]").partition(" [default: ")[2]
        return default or ("off" if BY_NAME[self.setting].default is False else "")


def _value(setting: str, metavar: str, help_: str, *short: str) -> GlobalOption:
    return GlobalOption(setting, (f"--{setting.replace('_', '-')}", *short), help_, metavar)


def _switch(setting: str, help_: str, *short: str) -> GlobalOption:
    return GlobalOption(setting, (f"--{setting.replace('_', '-')}", *short), help_, constant=True)


GROUPS: dict[str, tuple[GlobalOption, ...]] = {
    "Database": (
        _value("uri", "URI", "MongoDB URI; safer in PROJECTS_MONGO_URI: options are visible in process lists."),
        _value("uri_file", "FILE", "File with the MongoDB URI, readable only by you."),
        _value("database", "NAME", "Database with the projects. [default: backend]"),
        _value("company", "ID", "Company (tenant) id. [default: the community server's]"),
        _value("user", "USER", "Owner of new projects, name or id. [default: the only user, or the OS login]"),
        _value("profile", "NAME", "Profile of the configuration file to use."),
        _value(
            "timeout",
            "DURATION",
            "Timeout of a database command. [default: 30s; none for aggregations and doctor]",
        ),
        _value(
            "read_preference",
            "MODE",
            "Members of a replica set to read from. [default: that of the URI, or primary]",
        ),
    ),
    "Schema": (
        _value("schema", "PATH", "Schema file (HOCON), or a folder of *.conf files."),
        _value("api_version", "VERSION", "Endpoint version to use. [default: newest]"),
    ),
    "Output": (
        _value("output", "FORMAT", f"Format: {', '.join(OUTPUTS)}. [default: table]", "-o"),
        GlobalOption("output", ("--json",), "The same as -o json.", constant="json"),
        _value("fields", "A,B", "Show only these fields; --fields help lists them."),
        _value("query", "JMESPATH", "Apply a JMESPath expression to the JSON."),
        _switch("no_header", "Omit the heading of tables, tsv and csv."),
        _switch("csv_safe", "Quote csv and tsv cells that a spreadsheet would run as formulas."),
        _value("time", "FORM", f"Times in tables: {', '.join(TIMES)}. [default: relative on a terminal, else iso]"),
        _switch("no_pager", "Write long tables directly to the terminal."),
        _switch("no_color", "Disable colour."),
        _switch("quiet", "Suppress notices; show only data, warnings and errors.", "-q"),
        _value("log_file", "FILE", "Append all messages to this file, as JSON lines."),
        _value("progress", "FORM", "Progress: auto (on a terminal), json, none. [default: auto]"),
        _switch("verbose", "Print which database and schema are used.", "-v"),
        _switch("fail_if_empty", "Exit with status 6 if nothing matches."),
    ),
    "Changes": (
        _switch("yes", "Answer yes to every prompt.", "-y"),
        _value("confirm", "NAME", "Answer the prompt for this name; refuse any other."),
        _switch("dry_run", "Show what a change would do without doing it.", "-n"),
        _switch("new_company", "Allow a change for a company without documents."),
        _switch("no_input", "Never prompt; fail instead."),
        _switch("read_only", "Refuse every change of a database; settings can be changed."),
    ),
    "Lock and journal": (
        _value("lock_wait", "DURATION", "How long to wait for the lock (0: do not wait). [default: 10s]"),
        _switch("no_journal", "Change without a journal: no undo and no lock."),
        _value("journal_db", "NAME", "Database of the journal. [default: projects_cli]"),
    ),
}
"""The global options under the headings of the help."""

GLOBAL_OPTIONS = tuple(option._replace(group=title) for title, options in GROUPS.items() for option in options)

OTHER_SETTINGS = (
    GlobalOption(
        "max_delete", (), "Refuse to delete more projects at once, sub-projects included (delete --max-delete)."
    ),
    GlobalOption("web_url", (), "Address of the ClearML web UI, for --web: https://app.example.com"),
    GlobalOption(
        "local_dir", (), "Folder of the private database. [default: projects-cli/local in the XDG data folder]"
    ),
    GlobalOption("local_idle", (), "How long the private database runs without a command. [default: 15m]"),
    GlobalOption(
        "mongod", (), "The mongod of the private database. [default: that of the package, else the one on the PATH]"
    ),
    GlobalOption(
        "production",
        (),
        "Mark the profile as production: prompts show its name in red, and changes without a prompt (also due to "
        "--yes, --confirm or --force) need --profile NAME on the same command line.",
    ),
)
"""The settings that no option sets."""

_VALUES = {"hyperparam-values", "model-metadata-keys", "model-metadata-values", "task-parents", "users"}
_READS = frozenset(
    {
        *("list", "get", "validate-delete", "tags list", "metrics", "hyperparams"),
        *("task-tags", "model-tags", "project-tags", *_VALUES),
    }
)
_TAG_CHANGES = frozenset({"tags rename", "tags merge", "tags add", "tags remove"})
_CHANGES = _TAG_CHANGES | {
    *("create", "update", "rename", "move", "merge", "delete", "prune", "make-public", "make-private")
}
_REQUESTS = frozenset({"call", "batch"})
_TRANSFERS = frozenset({"import", "copy", "apply", "edit"})
_JOURNALED = (
    _TRANSFERS
    | _CHANGES
    | _REQUESTS
    | {"undo", "redo", "resume", "history", "history show", "history prune", "doctor --fix"}
)
_CONNECTED = (
    _READS
    | _JOURNALED
    | {
        "activity",
        "diff",
        "export",
        "report",
        "stats",
        "top",
        "tree",
        "contents",
        "lint",
        "doctor",
        "status",
        "indexes plan",
        "indexes create",
        "local sample",
    }
)

USED_BY: dict[str, frozenset[str]] = {
    **dict.fromkeys(("uri", "uri_file", "database", "company", "timeout", "read_preference"), _CONNECTED),
    **dict.fromkeys(("schema", "api_version"), _READS | _CHANGES | _REQUESTS | {"schema"}),
    **dict.fromkeys(("no_journal", "journal_db"), _JOURNALED | {"doctor", "status"}),
    "lock_wait": _JOURNALED - {"history", "history show"},
    "user": frozenset({"create", "delete", "move", "prune", "import", "copy", "apply", "edit"}) | _REQUESTS,
    "confirm": _CHANGES | {"undo", "redo", "doctor --fix", "history prune", "indexes create", "local reset"},
}
"""The commands that use a setting; all others refuse its option, because it would not have the expected effect.

Settings that are not listed are accepted by every command: those that choose the profile or how an answer is shown, and
those that hold for a command without changes too (--yes, --dry-run, --no-input, --read-only).
"""

SHOWING_SETTINGS = frozenset({"config list", "config get"})
"""Commands that show the effect of all options."""


SHORT_FORMS = {
    "--children-of": "parent",
    "--own-stats": "stats_with_children",
    "--no-project": "include_subprojects",
    "--urls-file": "delete_contents",
}
"""Options that set or need a parameter whose own option has another name, and that parameter."""


def refuse_unused(command: str, settings: Iterable[str]) -> None:
    """Refuse an option on the command line that the command does not use.

    Variables and files are not refused: they apply to all commands.

    Raises:
        UsageError: there is such an option; the hint lists the commands that use it.
    """
    for option in GLOBAL_OPTIONS:
        # Ignored silently, the option would look as if it had worked.
        users = USED_BY.get(option.setting)
        if users is not None and option.setting in settings and command not in users | SHOWING_SETTINGS:
            flag, others = option.flags[0], ", ".join(sorted(users))
            raise UsageError(f"projects {command} does not use {flag}", hint=f"leave {flag} out; used by: {others}")


def one_project(project: str | None, include_subprojects: bool | None, no_project: bool) -> dict[str, object]:
    """Return the parameters for the contents of one project, or of none.

    Raises:
        UsageError: both are named.
    """
    if no_project and (project is not None or include_subprojects):
        raise UsageError("--no-project can't be used with a project or --include-subprojects")
    return {"project": project, "include_subprojects": False if no_project else include_subprojects}


def several_projects(
    projects: Sequence[str] | None, include_subprojects: bool | None, no_project: bool
) -> dict[str, object]:
    """Return the parameters for the contents of several projects, of none too (null) with `no_project`."""
    chosen = [*(projects or ()), *[None] * no_project] or None
    return {"projects": chosen, "include_subprojects": include_subprojects}


def time_since(option: str, text: str, now: datetime) -> datetime:
    """Return the time that an option names by a date, a time, or a duration before now; in UTC without a zone.

    Raises:
        UsageError: it names none.
    """
    try:
        if "-" in text:
            time = datetime.fromisoformat(text)
            return (time.astimezone(UTC) if time.tzinfo else time).replace(tzinfo=None)
        return now.replace(tzinfo=None) - timedelta(seconds=parse_duration(text))
    except ValueError as error:
        raise UsageError(
            f"{option}: {text!r} is neither a date, such as 2024-01-31, nor a duration, such as 90d"
        ) from error
    except OverflowError as error:
        raise UsageError(f"{option} {text!r}: before the calendar's first day") from error


ProjectArgument = Annotated[
    str | None,
    typer.Argument(metavar="PROJECT", help="Id, full name, or the first 8 or more digits of an id; - reads stdin."),
]
RequiredProject = Annotated[
    str,
    typer.Argument(metavar="PROJECT", help="Id, full name, or the first 8 or more digits of an id; - reads stdin."),
]
TopLevel = Annotated[bool, typer.Option("--top-level", help="Move to the top level.")]
OptionalProject = Annotated[
    str | None,
    typer.Argument(
        metavar="[PROJECT]", help="Id, full name, or the first 8 or more digits of an id. [default: all projects]"
    ),
]
Since = Annotated[
    str, typer.Option("--since", metavar="TIME", help="Count from this date, or this long ago: 2024-01-31, 90d, 12w.")
]
ProjectArguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PROJECT...", help="Ids, full names, or the first 8 or more digits of ids; - reads lines of stdin."
    ),
]
Web = Annotated[bool, typer.Option("--web", help="Print the address in the ClearML web UI (setting web-url).")]
Interactive = Annotated[
    bool, typer.Option("--interactive", "-i", help="Select from a list by typing a part of the name.")
]
Projects = Annotated[
    list[str] | None,
    typer.Option(
        "--project", "--projects", metavar="PROJECT", help="Only of this project and its sub-projects; repeat for more."
    ),
]
IncludeSubprojects = Annotated[
    bool | None,
    typer.Option(
        "--include-subprojects/--no-subprojects",
        " /--own",
        show_default=False,
        help="Include sub-projects, or leave them out. [default: include]",
    ),
]
NoProject = Annotated[bool, typer.Option("--no-project", help="Those that are in no project.")]
AllowPublic = Annotated[
    bool | None,
    typer.Option(
        "--allow-public/--non-public",
        show_default=False,
        help="Include public ones, or leave them out. [default: include]",
    ),
]
PageNumber = Annotated[int | None, typer.Option("--page", metavar="N", help="Page number, from 0.")]
PageSize = Annotated[int | None, typer.Option("--page-size", metavar="N", help="Number per page. [default: 500]")]
OperationArgument = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="Id of a run or an operation, from projects history.")
]
Tags = Annotated[list[str] | None, typer.Option("--tag", "--tags", metavar="TAG", help="Tag; repeat for more.")]
SystemTags = Annotated[
    list[str] | None,
    typer.Option(
        "--system-tag", "--system-tags", metavar="TAG", help="System tag, reserved for the server; repeat for more."
    ),
]
Destination = Annotated[
    str | None,
    typer.Option("--default-output-destination", metavar="URL", help="Where new tasks store their output."),
]
