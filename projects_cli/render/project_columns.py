"""The columns that a list of projects can show: one table for views, `--columns`, `--sort-by` and `--fields`."""

from __future__ import annotations

from typing import NamedTuple

from projects_cli.errors import UsageError, did_you_mean, nearest
from projects_cli.messages import PROJECT_FIELDS, UNLISTED_FIELDS


class Column(NamedTuple):
    """A column of a list: its heading, the path of its value in a record, and what it takes to have that value.

    `needs` is the parameter of get_all_ex that adds the value, `user` for the owner, who is looked up, or empty if the
    value is stored, and the database can sort by it.
    """

    heading: str
    path: str
    needs: str = ""


COLUMNS = (
    Column("NAME", "name"),
    Column("HIDDEN", "hidden", "search_hidden"),
    Column("TAGS", "tags"),
    Column("TASKS", "stats.*.total_tasks", "include_stats"),
    Column("RUNNING", "stats.*.status_count.in_progress", "include_stats"),
    Column("COMPLETED", "stats.*.status_count.completed", "include_stats"),
    Column("FAILED", "stats.*.status_count.failed", "include_stats"),
    Column("RUNTIME", "stats.*.total_runtime", "include_stats"),
    Column("LAST RUN", "stats.*.last_task_run", "include_stats"),
    Column("MODELS", "models", "include_stats"),
    Column("OWNER", "owner.name", "user"),
    Column("SUB-PROJECTS", "sub_project_count", "include_stats"),
    Column("OWN TASKS", "own_tasks", "check_own_contents"),
    Column("OWN MODELS", "own_models", "check_own_contents"),
    Column("DATASETS", "own_datasets", "check_own_contents"),
    Column("FILES", "dataset_stats.file_count", "include_dataset_stats"),
    Column("DATASET SIZE", "dataset_stats.total_size", "include_dataset_stats"),
    Column("CREATED", "created"),
    Column("UPDATED", "last_update"),
    Column("DESCRIPTION", "description"),
    Column("SYSTEM TAGS", "system_tags"),
    Column("PARENT", "parent"),
    Column("COMPANY", "company"),
    Column("OUTPUT", "default_output_destination"),
    Column("ID", "id"),
)

COMPUTED = ("models", "sub_project_count", "owner")
"""Fields that this program adds to the service's: the models and projects of the sub-tree, and the owner."""

NEEDED_BY = {column.path.partition(".")[0]: column.needs for column in COLUMNS if column.needs}
NEEDED_BY |= {"sub_projects": "include_stats"}
"""Field -> what it needs, as in `Column`."""

FIELDS = frozenset({*PROJECT_FIELDS, *UNLISTED_FIELDS, *NEEDED_BY, *COMPUTED, "help"})
"""First words of paths, and the word of `--fields` that lists them."""


def normalized(heading: str) -> str:
    """Return a heading as it is compared: `last-run` and `LAST_RUN` name the column LAST RUN."""
    return heading.strip().lower().replace("_", " ").replace("-", " ")


_BY_NAME = {column.path: column for column in COLUMNS} | {normalized(column.heading): column for column in COLUMNS}


def column_of(option: str, name: str) -> Column:
    """Return the column with this heading, in any case, or this path.

    Raises:
        UsageError: there is no such column.
    """
    column = _BY_NAME.get(name.strip()) or _BY_NAME.get(normalized(name))
    if column is None:
        headings = [column.heading.lower() for column in COLUMNS]
        hint = did_you_mean(nearest(normalized(name), headings, 1), f"columns: {', '.join(headings)}")
        raise UsageError(f"{option}: unknown column {name.strip()!r}", hint=hint)
    return column


def field_path(name: str) -> str:
    """Return the path of a field, or that of the column with this heading; another name is returned as it is."""
    if name.partition(".")[0] in FIELDS:
        return name
    column = _BY_NAME.get(normalized(name))
    return column.path if column else name
