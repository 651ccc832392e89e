"""The table of commands: name, module, summary, group, endpoint and aliases. Nothing is imported for it.

Help, completion and the generated pages read it; only the module of the command that runs is imported.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """A command, the module in `cli/commands/` that has it, and its endpoint if it has one.

    `changes` are the subcommands or options that change anything; `("",)` if the command itself does.
    """

    name: str
    module: str
    summary: str
    group: str
    endpoint: str | None = None
    aliases: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


ITSELF = ("",)


class Topic(NamedTuple):
    """A page of `projects help TOPIC`, in `cli/topics/`, to which the help of `commands` refers."""

    name: str
    summary: str
    commands: tuple[str, ...] = ()


INSPECT, CHANGE, TRANSFER, REPAIR, LOW_LEVEL, SETUP = GROUPS = (
    "Inspect",
    "Change",
    "Backup and transfer",
    "Undo and repair",
    "Low level",
    "Setup",
)
"""The groups of commands, in the order in which help lists them."""

COMMANDS: tuple[Entry, ...] = (
    Entry("status", "status", "Show the database, its contents and your privileges.", INSPECT),
    Entry(
        "list",
        "list_",
        "List projects, filtered and ordered.",
        INSPECT,
        "projects.get_all",
        ("get-all", "get-all-ex"),
    ),
    Entry("get", "get", "Show a project.", INSPECT, "projects.get_by_id", ("get-by-id",)),
    Entry("tree", "tree", "Show projects as a tree.", INSPECT),
    Entry("stats", "stats", "Show a project at a glance.", INSPECT),
    Entry("top", "top", "Show the first projects by a measure.", INSPECT),
    Entry("activity", "activity", "Show who ran how much: tasks and run time.", INSPECT),
    Entry("report", "report", "Write a report with charts, as a web page or Markdown.", INSPECT),
    Entry("lint", "lint", "Check the names and tags of projects against rules.", INSPECT),
    Entry("contents", "contents", "List the tasks and models in a project.", INSPECT),
    Entry(
        "metrics",
        "metrics",
        "List the metrics that tasks report.",
        INSPECT,
        "projects.get_unique_metric_variants",
        ("get-unique-metric-variants",),
    ),
    Entry(
        "hyperparams",
        "hyperparams",
        "List the hyperparameters that tasks use.",
        INSPECT,
        "projects.get_hyper_parameters",
        ("get-hyper-parameters",),
    ),
    Entry(
        "hyperparam-values",
        "hyperparam_values",
        "List the distinct values of a hyperparameter.",
        INSPECT,
        "projects.get_hyperparam_values",
        ("get-hyperparam-values",),
    ),
    Entry(
        "model-metadata-keys",
        "model_metadata_keys",
        "List the metadata keys of models.",
        INSPECT,
        "projects.get_model_metadata_keys",
        ("get-model-metadata-keys",),
    ),
    Entry(
        "model-metadata-values",
        "model_metadata_values",
        "List the distinct values of a metadata key of models.",
        INSPECT,
        "projects.get_model_metadata_values",
        ("get-model-metadata-values",),
    ),
    Entry(
        "task-parents",
        "task_parents",
        "List the tasks that are parents of tasks.",
        INSPECT,
        "projects.get_task_parents",
        ("get-task-parents",),
    ),
    Entry(
        "users",
        "users",
        "List the users who created tasks or models.",
        INSPECT,
        "projects.get_user_names",
        ("get-user-names",),
    ),
    Entry(
        "task-tags", "distinct_tags", "List the tags of tasks.", INSPECT, "projects.get_task_tags", ("get-task-tags",)
    ),
    Entry(
        "model-tags",
        "distinct_tags",
        "List the tags of models.",
        INSPECT,
        "projects.get_model_tags",
        ("get-model-tags",),
    ),
    Entry(
        "project-tags",
        "distinct_tags",
        "List the tags of projects.",
        INSPECT,
        "projects.get_project_tags",
        ("get-project-tags",),
    ),
    Entry(
        "validate-delete",
        "validate_delete",
        "List what keeps a project from being deleted.",
        INSPECT,
        "projects.validate_delete",
    ),
    Entry("create", "create", "Create a project and any missing parents.", CHANGE, "projects.create", changes=ITSELF),
    Entry(
        "update", "update", "Change a project's name, description or tags.", CHANGE, "projects.update", changes=ITSELF
    ),
    Entry("delete", "delete", "Delete projects and their sub-projects.", CHANGE, "projects.delete", changes=ITSELF),
    Entry("rename", "rename", "Rename a project and everything below it.", CHANGE, changes=ITSELF),
    Entry("move", "move", "Move a project to another parent.", CHANGE, "projects.move", changes=ITSELF),
    Entry("merge", "merge", "Merge a project into another one.", CHANGE, "projects.merge", changes=ITSELF),
    Entry("prune", "prune", "Delete the projects that match a policy.", CHANGE, changes=ITSELF),
    Entry(
        "make-public",
        "make_public",
        "Make projects visible to every company.",
        CHANGE,
        "projects.make_public",
        changes=ITSELF,
    ),
    Entry(
        "make-private",
        "make_private",
        "Make public projects private again.",
        CHANGE,
        "projects.make_private",
        changes=ITSELF,
    ),
    Entry("export", "export", "Write projects to a file.", TRANSFER),
    Entry(
        "tags",
        "tags",
        "List, rename, merge, add and remove tags everywhere.",
        CHANGE,
        changes=("rename", "merge", "add", "remove"),
    ),
    Entry("import", "import_", "Restore projects from a file.", TRANSFER, changes=ITSELF),
    Entry("diff", "diff", "Compare projects with files that describe them.", TRANSFER),
    Entry("apply", "apply", "Make projects as files describe them.", TRANSFER, changes=ITSELF),
    Entry("edit", "edit", "Edit a project as a file in $EDITOR.", TRANSFER, changes=ITSELF),
    Entry("copy", "copy", "Copy projects to the database of another profile.", TRANSFER, changes=ITSELF),
    Entry("undo", "undo", "Undo a change.", REPAIR, changes=ITSELF),
    Entry("redo", "redo", "Do an undone change again.", REPAIR, changes=ITSELF),
    Entry("resume", "resume", "Resume an interrupted change.", REPAIR, changes=ITSELF),
    Entry("history", "history", "Show who changed what, and when.", REPAIR, changes=("prune",)),
    Entry("doctor", "doctor", "Find and repair inconsistencies.", REPAIR, changes=("--fix",)),
    Entry("indexes", "indexes", "Show and create recommended indexes.", REPAIR, changes=("create",)),
    Entry("call", "call", "Call an endpoint with a JSON request.", LOW_LEVEL, changes=ITSELF),
    Entry("batch", "batch", "Run many requests from a JSON Lines file.", LOW_LEVEL, changes=ITSELF),
    Entry("schema", "schema", "Show the loaded schema.", LOW_LEVEL),
    Entry(
        "local",
        "local",
        "Start, stop and inspect the private database.",
        SETUP,
        changes=("start", "stop", "reset", "sample"),
    ),
    Entry("config", "config", "Show and change settings, with their origins.", SETUP, changes=("set", "unset", "edit")),
    Entry("profile", "profile", "List, show and choose profiles.", SETUP, changes=("use",)),
    Entry("completion", "completion", "Set up shell completion.", SETUP, changes=("--install",)),
    Entry("help", "help_", "Show the help of a command or a topic.", SETUP),
)


_TAGS = ("task-tags", "model-tags", "project-tags")
_VALUES = ("hyperparam-values", "model-metadata-keys", "model-metadata-values", "task-parents", "users")
_READS = ("list", "get", "metrics", "hyperparams", *_VALUES, *_TAGS, "status", "doctor")
_CHANGES = (
    "create",
    "tags",
    "update",
    "rename",
    "move",
    "merge",
    "delete",
    "make-public",
    "make-private",
    "call",
    "batch",
    "undo",
    "redo",
    "resume",
    "history",
)

TOPICS: tuple[Topic, ...] = (
    Topic("exit-codes", "Exit statuses of the process.", ("batch", "doctor")),
    Topic("output", "Formats, streams, and what scripts can rely on.", _READS),
    Topic("environment", "Environment variables.", ("config",)),
    Topic("filters", "How to select projects: names, patterns, tags.", ("list", *_TAGS)),
    Topic("safety", "Confirmation, dry runs, undo and locks.", (*_CHANGES, "indexes")),
    Topic("config", "Configuration files, profiles and precedence.", ("config", "profile", "local", "status")),
)
"""The topics, in the order in which help lists them."""

BY_WORD: dict[str, Entry] = {word: entry for entry in COMMANDS for word in (entry.name, *entry.aliases)}


def entry_of(word: str) -> Entry | None:
    """Return the entry of a command by any of its names: `get-all`, `get_all`, `projects.get_all`."""
    return BY_WORD.get(word.removeprefix("projects.").replace("_", "-"))


def by_group() -> dict[str, list[Entry]]:
    """Return the commands of each group, in the order of the table."""
    return {group: [entry for entry in COMMANDS if entry.group == group] for group in GROUPS}
