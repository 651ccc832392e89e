"""What `projects help TOPIC` tells: the texts about the whole, as data that help, pages and manuals are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projects_cli.cli.help_format import write_lines, write_pairs
from projects_cli.cli.options import Explained, explained
from projects_cli.errors import STATUS_MEANINGS

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Pairs:
    """A list of terms, each with what it means."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines to copy, kept as they are."""

    lines: tuple[str, ...]


Block = str | Pairs | Lines
"""A paragraph, a list, or lines."""

STATUSES = Pairs(
    tuple((str(status.value), meaning.replace("`", "")) for status, meaning in STATUS_MEANINGS.items()),
)


def _meaning(row: Explained) -> str:
    """Give what a variable means; that an option is better said by its variable goes without saying here."""
    words, _, advice = row.help.partition("; ")
    meaning = f"{words}." if row.variable and row.variable in advice else row.help
    return f"{meaning} [default: {row.default}]" if row.default else meaning


VARIABLES = Pairs(
    tuple((row.variable, _meaning(row)) for row in explained() if row.variable and "--json" not in row.flags)
)


@dataclass(frozen=True, slots=True)
class Topic:
    """A text about the whole; the help of `commands` names it.

    In the text an empty line ends a block. A block is a paragraph, or lines to copy (four spaces before each), or a
    list (`- term: meaning`), or the name of a list that is generated (`<statuses>`).
    """

    name: str
    summary: str
    text: str
    commands: tuple[str, ...] = ()

    def blocks(self) -> list[Block]:
        """Give its parts, in order."""
        return [_block(part) for part in self.text.strip("\n").split("\n\n")]


def _block(part: str) -> Block:
    if part in GENERATED:
        return GENERATED[part]
    lines = part.split("\n")
    if all(line.startswith("    ") for line in lines):
        return Lines(tuple(line[4:] for line in lines))
    if part.startswith("- "):
        items = " ".join(lines).removeprefix("- ").split(" - ")
        return Pairs(tuple((term, meaning) for term, _, meaning in (item.partition(": ") for item in items)))
    return " ".join(lines)


GENERATED: dict[str, Block] = {"<statuses>": STATUSES, "<variables>": VARIABLES}

EXIT_CODES = """
<statuses>

A reader that goes away (projects list | head -1) is no failure.
"""

OUTPUT = """
Data goes to standard output; notices, questions, progress and errors go to standard error.

- table: The default. On a terminal it fits the width and goes through $PAGER when it is long.
- json: One document in the shape of the service's response.
- jsonl, id: A record a line, written as it comes: for lists of any length.
- csv, tsv, yaml: All fields of every record.

Off a terminal a table is plain tab-separated lines of the same columns with a header, nothing cut. JSON changes by
addition only; tables may change.

- --fields: Only these fields, in every format, and no more is fetched; --fields help lists what a command has.
- --query: What a JMESPath expression takes from the JSON: objects become columns of a table, values a line each.
- --no-header: Tables, tsv and csv without their heading.
- --csv-safe: An apostrophe before text in csv and tsv that begins with = + - @, a tab or a line break.
- --time: absolute, relative or iso times in tables, tsv and csv. A terminal gets relative ones, all else iso.
- --no-pager: Long tables straight to the terminal. The pager is $PROJECTS_PAGER, else $PAGER, else less -FRX.

On failure standard output stays empty, but for three cases: where a part of several did not succeed (status 5), the
responses of the others are there, summed, and all answers of a batch; findings, or an empty list, are the answer (6);
and a server may go away in the middle of a list. Standard error says what failed; with --json as one object:
{"error": {"code", "subcode", "name", "message", "hint"}}.

- problems: In it if a request is invalid, or a delete or an undo is refused: each has a path and a message.
- failures: In it where some of several failed: each has the project, and what an error has.

A value of a type that JSON does not have, which another program stored, is MongoDB's relaxed Extended JSON, also in
the cells of a table: {"$oid":"65f0…"}, {"$numberDecimal":"1.50"}. A date is ISO 8601 text; one outside the years 1 to
9999 is {"$date":{"$numberLong":"…"}}. jsonl and json have it as an object, and -o id writes an ObjectId as its digits.

json, jsonl, yaml, csv, tsv and id are UTF-8 whatever the locale. Arguments, variables, files and standard input are
read as UTF-8; anything else is refused with status 2. Tables and messages use the encoding of the locale, and escape
what it cannot show.

Control characters and bidirectional marks in names are shown escaped everywhere. There is colour on a terminal only,
and none with --no-color, NO_COLOR or TERM=dumb.

Without --csv-safe cells hold what is stored: a spreadsheet may take a project's name for a formula, and run it. Numbers
are never quoted.

    projects list --tag prod --fields id,name --json
    projects list --stats --query 'projects[].name'
    projects list --exclude-tag prod -o id | head -2
"""

ENVIRONMENT = """
A flag wins over its variable; a variable over the files (projects help config).

A command refuses a flag that it does not use, such as list --user, and names the commands that use it. Variables and
files hold for all commands and are never refused; nor are the flags for the profile and the output, --yes, --dry-run,
--no-input and --read-only.

<variables>

The variables of a ClearML server rank below everything else. One that cannot be followed is an error:

- CLEARML_MONGODB_SERVICE_CONNECTION_STRING: MongoDB URI; wins over the variables below.
- CLEARML_MONGODB_SERVICE_HOST, CLEARML_MONGODB_SERVICE_PORT: Host and port. [default port: 27017]
- CLEARML_MONGODB_SERVICE_USERNAME, CLEARML_MONGODB_SERVICE_PASSWORD: Login, of the database backend unless the query \
says otherwise.
- CLEARML_MONGODB_SERVICE_QUERY: Options of the URI, such as authSource=admin&replicaSet=rs0.
- TRAINS_MONGODB_SERVICE_…, MONGODB_SERVICE_…: The same; the prefix CLEARML_ wins over TRAINS_, and that over none.
- MONGODB_SERVICE_SERVICE_HOST: The host, if none of the others is set.
- CLEARML__HOSTS__MONGO__BACKEND__HOST: Host or URI in the server's configuration; …__NAME or …__DB names the database.

Also understood:

- PROJECTS_PAGER, PAGER: The pager of long tables; empty or cat: none. [default: less]
- LESS: The options of less. [default: FRX]
- VISUAL, EDITOR: The editor of config edit. [default: vi]
- NO_COLOR: Where it is not empty: no colour.
- TERM, COLORTERM: What the terminal can; dumb: no colour, no pager and no progress.
- COLUMNS, LINES: The size of the terminal, where it is not what the terminal says.
- XDG_CONFIG_HOME: The folder of settings. [default: ~/.config]
- XDG_DATA_HOME: The folder of the private database. [default: ~/.local/share]
- XDG_CACHE_HOME: The folder of compiled schemas and of names for TAB. [default: ~/.cache]
- XDG_RUNTIME_DIR, TMPDIR: For the socket of a private database whose own folder has too long a path. [default: /tmp]
"""

FILTERS = """
PROJECT is an id, a full name such as vision/detection, or the first 8 or more digits of an id. An id that is not a text
is written as a list shows it: 65f000000000000000000002 or {"$oid":"65f000000000000000000002"}. A minus sign reads
projects from standard input, a line each.

Filters of list combine: a project has to pass every one.

- --name REGEX: The pattern (PCRE) is found anywhere in the full name; case matters.
- --tag A --tag B: Any of the tags.
- --tag '__$all' --tag A --tag B: All of them.
- --exclude-tag A: Not this one; --tag '__$not' --tag A is the same.
- --no-tags: None at all; together with --tag: those, or none.
- --any name,tags=REGEX: Any of the fields has the pattern, in any case; --all: all of them.
- --search WORDS: Words in name or description, by the text index; the best come first.

List operators are values of --tag, --system-tag and --filter-tag: __$all (or __$and) makes what follows required
together, __$any (or __$or) any of it, __$not excludes the next value, __$nop returns to the default.

Projects with the system tag hidden are left out, unless they are asked for by id.

    projects list --name '^vision/' --tag prod --order-by -last_update
"""

SAFETY = """
Everything is checked before anything is written. --dry-run (-n) shows the whole plan and does nothing; --read-only
refuses every change of a database, the private one too. Settings are no part of that: config and profile still write
their file.

A change asks as much as it deserves: deleting an empty project wants a y, anything with contents the name, typed in
full; what can be changed back (create, update, make-public, make-private, undo, resume) asks nothing. --yes answers
every question; --confirm NAME answers the question about that name; the --force of delete asks nothing. Without a
terminal the command fails and names the flag.

A --confirm that does not match refuses the change, with --yes and --force too. The name is that of the project, for
several their number as in --confirm '5 projects', for doctor --fix, history prune and indexes create the database, and
for local reset the folder of the data.

Several projects are shown as one plan, with one question: the number that go in all answers it, typed or given, as in
--confirm '5 projects'. delete --max-delete N refuses where more would go. --interactive picks projects from a list.

Where the profile in use has production = true, questions name it in red, and an answer in advance holds only with
--profile NAME on the same command line. So does every change that asks nothing: create, update, undo, resume and the
like, and all that call and batch do.

Before the first write, the documents go to a journal: projects undo restores them byte for byte, projects history
lists all changes. Tasks and models are never deleted: they are kept, without a project. What history prune removes
can't be undone any more, so it asks first.

Without an id, undo takes your own newest change and asks; in a script name the id, or use --yes. What others changed
since is left as it is and named (5); --all-or-nothing refuses instead.

An interrupted change is reported by the next one; projects resume finishes it, projects undo undoes it. One change of
structure runs at a time for each company: another one waits (--lock-wait), then ends with 75.

The journal is a database of its own on the same deployment (--journal-db). --no-journal does without it: no undo, and
no lock.

    projects delete vision/detection --force --dry-run
    projects undo --dry-run
"""

CONFIG = """
The first of these that says something holds: a flag; its variable (projects help environment); a profile; the top of
~/.config/projects/config.toml; the default. projects config list shows every setting with the place it comes from.

A switch has no flag that switches it off: where a file or a variable says yes, VARIABLE=0 before the command does.

    PROJECTS_NO_PAGER=0 projects list

    timeout = "1m"                   # for all profiles
    profile = "lab"                  # projects profile use lab
    [profiles.lab]                   # projects --profile lab list
    uri-file = "lab.uri"             # beside this file
    production = true                # see: projects help safety

projects config set and unset change the file and keep its comments; the key of a profile's setting is
profiles.NAME.KEY. A URI is best read from standard input: it is not shown then, nor kept in the shell's history.

    projects config set profiles.lab.uri -
    projects config set profiles.lab.read-only true

A file that holds a URI, or that uri-file names, has to be readable by you alone (mode 0600); all files of settings
have to be yours, or root's.

The file .projects.toml in the current folder may only choose a profile by its name: what somebody else put into a
folder can't redirect a change.

With no database configured, projects starts a private one and works on that.
"""

CHANGING = ("create", "update", "delete", "make-public", "make-private", "call", "batch", "undo", "resume", "history")
SHOWING = ("list", "get", "metrics", "hyperparams", "task-tags", "model-tags", "status", "doctor")

TOPICS: tuple[Topic, ...] = (
    Topic("exit-codes", "What the process ends with.", EXIT_CODES, ("batch", "doctor")),
    Topic("output", "Formats, what goes where, and what scripts can rely on.", OUTPUT, SHOWING),
    Topic("environment", "The variables that are understood.", ENVIRONMENT, ("config",)),
    Topic("filters", "How projects are chosen: names, patterns, tags.", FILTERS, ("list", "task-tags", "model-tags")),
    Topic("safety", "What a change asks, keeps and promises.", SAFETY, (*CHANGING, "indexes")),
    Topic(
        "config",
        "Files of settings, profiles, and what wins over what.",
        CONFIG,
        ("config", "profile", "local", "status"),
    ),
)
"""Every topic; `projects help` names them in this order."""

BY_NAME = {topic.name: topic for topic in TOPICS}


def write_topic(topic: Topic, formatter: Any) -> None:
    """Write a topic into Typer's formatter."""
    formatter.write_text(topic.summary)
    writers: dict[type, Callable[[Any], None]] = {
        str: formatter.write_text,
        Pairs: lambda block: write_pairs(block.rows, formatter),
        Lines: lambda block: write_lines(block.lines, formatter),
    }
    for block in topic.blocks():
        formatter.write_paragraph()
        with formatter.indentation():
            writers[type(block)](block)
