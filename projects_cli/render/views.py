"""How each response is displayed, as data: where its records are, and which fields are its columns."""

from __future__ import annotations

from typing import Literal, NamedTuple

from projects_cli.messages import PROJECT_FIELDS, UNLISTED_FIELDS
from projects_cli.render.project_columns import COLUMNS, COMPUTED

TASK_STATUSES = (
    *("completed", "failed", "in_progress", "queued", "created", "stopped"),
    *("published", "publishing", "closed", "unknown"),
)
"""Statuses of tasks, those of most interest first."""


class View(NamedTuple):
    """How one response is displayed.

    Attributes:
        rows: the list of records in the response.
        record: the single record; with neither of them the response itself is the record.
        columns: those of the table, as (field, heading); a field may be a path (`stats.active.total_tasks`).
        fields: all fields, for the formats with a fixed set; by default those of the columns.
        id: the field that `-o id` prints.
        empty: the notice if there are no records.
        values: lists of plain values in the response, each with a label. Each value becomes a record of two fields, the
            value and the label, or of the value alone; the columns name them.
        alone: the only field that a table has, without a heading, for use in scripts.
        more: further fields that records may have; the parts of one whose name ends with a dot can be selected.
        changes: whether this is the response of a change, instead of which a dry run shows the plan.
        titled: whether all formats have the headings of the columns.
        nested: whether records have `children`, and a terminal shows them as a tree.
        wide: the columns of `-o wide`, if they are not those of the table.
        further: columns that can be chosen, beside those of the two tables.
        name_width: the least width of a longer name; other columns are left out before a name gets less.
        bars: the field for whose value a terminal shows a bar in each record's line.
        panel: whether a table is a panel with a summary of the record, also in a pipe.
        blocks: whether a terminal shows each record as several lines: the `findings` of the doctor, or `differences`.
    """

    rows: str | None = None
    record: str | None = None
    columns: tuple[tuple[str, str], ...] = ()
    fields: tuple[str, ...] = ()
    id: str | None = None
    empty: str = "nothing found"
    values: tuple[tuple[str, str], ...] = ()
    alone: str | None = None
    more: tuple[str, ...] = ()
    changes: bool = False
    titled: bool = False
    nested: bool = False
    wide: tuple[tuple[str, str], ...] = ()
    further: tuple[tuple[str, str], ...] = ()
    name_width: int = 20
    blocks: Literal["", "findings", "differences"] = ""
    bars: str | None = None
    panel: bool = False

    @property
    def all_fields(self) -> tuple[str, ...]:
        """The fields of a record, in order."""
        return self.fields or tuple(field for field, _ in self.columns)

    @property
    def is_one_record(self) -> bool:
        """Whether the response is a single record."""
        return self.rows is None and not self.values

    @property
    def headings(self) -> dict[str, str]:
        """The heading of each field that can be a column."""
        return dict((*self.further, *self.wide, *self.columns))

    def table_columns(self, selected: tuple[str, ...] | None, *, wide: bool = False) -> list[tuple[str, str]]:
        """Return the columns of a table: those of the selected fields, or the view's own; with `wide`, more of them."""
        if selected is None:
            return list((wide and self.wide) or self.columns)
        return [(field, self.headings.get(field, field.upper())) for field in selected]

    @property
    def selectable(self) -> tuple[str, ...]:
        """The fields that can be selected by name: those of the records, those on request, and those of the columns."""
        columns = [field for field, _ in (*self.columns, *self.wide, *self.further)]
        on_request = (field for field in self.more if not field.endswith("."))
        return tuple(dict.fromkeys((*self.all_fields, *on_request, *columns)))


def label(heading: str) -> str:
    """Return the label of a field that is beside its value: the heading in lower case."""
    return heading.lower().replace("_", " ")


def _columns(*fields: str) -> tuple[tuple[str, str], ...]:
    """Return the columns of fields: the heading follows `=`, or is the last part of the field in capitals."""
    columns = []
    for field in fields:
        path, _, heading = field.partition("=")
        columns.append((path, heading or path.rpartition(".")[2].upper().replace("_", " ")))
    return tuple(columns)


_HISTORY = View(
    rows="runs",
    columns=_columns("id=RUN", "started", "state", "operations=OPS", "summary", "by", "host"),
    fields=("id", "started", "finished", "by", "host", "pid", "state", "operations", "summary", "counts", "command"),
    id="id",
    more=("database_user", "counts.", "undone_by"),
    empty="the journal is empty",
)
_OPERATION = ("operation", "state", "projects", "tasks", "models", "summary", "skipped")
_OF_PROJECTS = {column.heading: (column.path, column.heading) for column in COLUMNS}


def _project_columns(*headings: str) -> tuple[tuple[str, str], ...]:
    return tuple(_OF_PROJECTS[heading] for heading in headings)


_LIST = View(
    rows="projects",
    columns=_project_columns("NAME", "TAGS", "UPDATED", "ID"),
    further=tuple((column.path, column.heading) for column in COLUMNS if column.needs in {"", "user"}),
    fields=PROJECT_FIELDS,
    id="id",
    empty="no project matches",
    more=(*UNLISTED_FIELDS, "owner", "owner."),
    name_width=30,
)
_STATISTICS = ("TASKS", "RUNNING", "COMPLETED", "FAILED", "RUNTIME", "LAST RUN", "MODELS", "OWNER", "SUB-PROJECTS")
_TREE = View(
    rows="projects", columns=_columns("name", "id"), id="id", empty="no project matches", more=("depth",), nested=True
)
_ACTIVITY = View(
    rows="activity",
    columns=_columns("name", "tasks", "completed", "failed", "runtime", "last_run", "id"),
    fields=("id", "name", "tasks", "completed", "failed", "runtime", "last_run"),
    id="id",
    empty="no task was started in this time: see --since",
    bars="tasks",
)
_TOP = View(rows="projects", id="id", empty="no project has a value", bars="tasks")
_TOP_FIELDS = {
    "tasks": "tasks",
    "models": "models",
    "runtime": "runtime",
    "age": "created",
    "last-run": "last_run",
    "size": "sub_projects=SUB-PROJECTS",
}
_PROJECT = _columns(
    *("name", "id", "description", "tags", "system_tags"),
    *("owner.name=OWNER", "user=OWNER ID", "parent_name=PARENT", "parent=PARENT ID"),
    *("created", "last_update=UPDATED", "last_activity", "last_run", "tasks.total=TASKS"),
    *(f"tasks.status_count.{status}={status.upper()} TASKS" for status in TASK_STATUSES),
    *("tasks.archived=ARCHIVED TASKS", "runtime", "models.total=MODELS", "models.archived=ARCHIVED MODELS"),
    *("sub_projects.direct=DIRECT SUB-PROJECTS", "sub_projects.all=ALL SUB-PROJECTS"),
    *("default_output_destination=OUTPUT DESTINATION", "logo_url"),
)
_ON_REQUEST = ("hidden", "own_tasks", "own_models", "own_datasets", "dataset_stats")
_LIST_EX = _LIST._replace(
    further=tuple((column.path, column.heading) for column in COLUMNS),
    more=(
        *(*UNLISTED_FIELDS, "hidden", "own_tasks", "own_models", "own_datasets", "dataset_stats", *COMPUTED),
        *("dataset_stats.", "parent.", "user.", "company.", "owner.", "stats", "stats.", "sub_projects"),
    ),
)
_UPDATED = View(columns=_columns("updated"), changes=True)
_TAGS = View(
    values=(("tags", "user"), ("system_tags", "system")), columns=_columns("tag", "kind"), id="tag", empty="no tags"
)
_VALUES = View(values=(("values", ""),), columns=_columns("value"), id="value", empty="no values")
_SETTING = _columns("key", "value", "origin", "source")

VIEWS: dict[str, View] = {
    "projects.create": View(columns=_columns("id"), id="id", changes=True),
    "projects.get_by_id": View(
        record="project",
        columns=_PROJECT,
        wide=(
            *_PROJECT,
            *_columns("sub_projects.hidden=HIDDEN SUB-PROJECTS", "basename", "company", "company_origin"),
            *_columns("featured", "path", "logo_blob"),
        ),
        fields=(*PROJECT_FIELDS, *UNLISTED_FIELDS),
        id="id",
        more=(
            *("owner", "tasks", "models", "sub_projects"),
            *("owner.", "tasks.", "models.", "sub_projects."),
        ),
    ),
    "addresses": View(
        rows="projects", columns=_columns("name", "web"), fields=("id", "name", "web"), id="id", empty=_LIST.empty
    ),
    "address": View(columns=_columns("web"), fields=("id", "name", "web"), id="id", alone="web"),
    "projects.get_all": _LIST,
    "projects.get_all_ex": _LIST_EX,
    "projects.get_all_ex statistics": _LIST_EX._replace(
        columns=_project_columns("NAME", *_STATISTICS, "ID"),
        wide=_project_columns("NAME", "TAGS", *_STATISTICS, "CREATED", "UPDATED", "ID"),
        fields=(*PROJECT_FIELDS, "stats", "sub_projects"),
    ),
    "tree": _TREE,
    "tree statistics": _TREE._replace(columns=_columns("name", "tasks", "running", "failed", "models", "id")),
    "overview": View(
        columns=_columns(
            "project.name=PROJECT",
            "sub_projects.direct",
            "sub_projects.all",
            "sub_projects.hidden",
            "tasks.total=TASKS",
            "tasks.archived=ARCHIVED TASKS",
            "tasks.status_count=STATUSES",
            "models.total=MODELS",
            "models.archived=ARCHIVED MODELS",
            "runtime",
            "last_run",
            "activity.weeks=ACTIVITY",
            "largest",
            "owners",
        ),
        more=("project.", "tasks.", "models.", "activity.", "largest.", "owners."),
        panel=True,
    ),
    **{
        f"top by {measure}": _TOP._replace(columns=_columns("name", field, "id"), bars=field.partition("=")[0])
        for measure, field in _TOP_FIELDS.items()
    },
    "activity by user": _ACTIVITY._replace(columns=(("name", "USER"), *_ACTIVITY.columns[1:])),
    "activity by project": _ACTIVITY._replace(columns=(("name", "PROJECT"), *_ACTIVITY.columns[1:])),
    "activity by week": _ACTIVITY._replace(columns=(("id", "WEEK"), ("name", "MONDAY"), *_ACTIVITY.columns[1:-1])),
    "projects.get_all_ex own contents": _LIST_EX._replace(
        columns=_project_columns("NAME", "OWN TASKS", "OWN MODELS", "UPDATED", "ID"),
        fields=(*PROJECT_FIELDS, "own_tasks", "own_models"),
    ),
    "projects.get_all_ex own datasets": _LIST_EX._replace(
        columns=_project_columns("NAME", "DATASETS", "UPDATED", "ID"), fields=(*PROJECT_FIELDS, "own_datasets")
    ),
    "projects.get_all_ex dataset sizes": _LIST_EX._replace(
        columns=_project_columns("NAME", "FILES", "DATASET SIZE", "UPDATED", "ID"),
        fields=(*PROJECT_FIELDS, "dataset_stats"),
    ),
    "projects.get_all_ex hidden": _LIST_EX._replace(
        columns=_project_columns("NAME", "HIDDEN", "TAGS", "UPDATED", "ID"), fields=(*PROJECT_FIELDS, "hidden")
    ),
    "report": View(
        columns=_columns(
            *("project.name=PROJECT", "sub_projects.all=SUB-PROJECTS", "tasks.total=TASKS", "models.total=MODELS"),
            *("runtime", "last_run"),
        ),
        fields=(
            *("project", "sub_projects", "tasks", "models", "runtime", "last_run", "activity", "largest", "owners"),
        ),
        more=("project.", "sub_projects.", "tasks.", "models.", "activity."),
    ),
    "report.files": View(rows="files", columns=_columns("file", "size"), id="file"),
    "contents": View(
        rows="contents",
        columns=_columns("name", "kind", "status", "type", "owner.name=OWNER", "created=AGE", "archived", "id"),
        fields=("id", "kind", "name", "type", "status", "owner", "created", "last_update", "archived"),
        id="id",
        more=("owner.",),
        empty="the project has no such tasks or models",
    ),
    "projects.update": View(columns=_columns("updated", "fields"), more=("fields.",), changes=True),
    "projects.delete": View(
        columns=_columns("deleted", "disassociated_tasks", "deleted_models", "deleted_tasks"),
        more=("urls", "urls."),
        changes=True,
    ),
    "projects.validate_delete": View(
        columns=_columns(
            *("tasks", "non_archived_tasks", "models", "non_archived_models"),
            *("reports", "non_archived_reports", "pipelines", "datasets"),
        )
    ),
    "validate-delete": View(
        rows="blockers",
        columns=_columns("project.name=PROJECT", "kind", "count", "samples.name=EXAMPLES", "to_clear"),
        fields=("kind", "project", "count", "samples", "to_clear"),
        empty="nothing keeps the project from being deleted",
    ),
    "projects.move": View(columns=_columns("moved"), changes=True),
    "lint": View(
        rows="findings", columns=_columns("rule", "name", "message=FINDING", "id"), id="id", empty="no findings"
    ),
    "prune": View(
        rows="projects",
        columns=_columns("name", "result", "reason", "projects", "tasks", "models"),
        fields=("name", "result", "projects", "tasks", "models", "reason", "id"),
        id="id",
        empty="no project matches the policy",
        changes=True,
    ),
    "projects.merge": View(columns=_columns("moved_entities", "moved_projects"), changes=True),
    "projects.get_unique_metric_variants": View(
        rows="metrics",
        columns=_columns("metric", "variant"),
        fields=("metric", "variant", "metric_hash", "variant_hash"),
        empty="no metrics",
    ),
    "projects.get_hyper_parameters": View(
        rows="parameters", columns=_columns("section", "name"), empty="no task has hyper-parameters"
    ),
    "projects.get_task_tags": _TAGS,
    "projects.get_model_tags": _TAGS,
    "projects.get_project_tags": _TAGS,
    "projects.get_task_parents": View(
        rows="parents",
        columns=_columns("name", "project.name=PROJECT", "id"),
        fields=("id", "name", "project"),
        id="id",
        empty="no task has a parent",
        more=("project.",),
    ),
    "projects.get_hyperparam_values": _VALUES,
    "projects.get_model_metadata_keys": View(
        values=(("keys", ""),), columns=_columns("key"), id="key", empty="no model has metadata"
    ),
    "projects.get_model_metadata_values": _VALUES,
    "projects.get_user_names": View(
        rows="users", columns=_columns("name", "id"), fields=("id", "name"), id="id", empty="no user"
    ),
    "projects.make_public": _UPDATED,
    "projects.make_private": _UPDATED,
    "tags.list": View(rows="tags", columns=_columns("tag", "of"), id="tag", empty="no tags"),
    "tags.counts": View(rows="tags", columns=_columns("tag", "projects", "tasks", "models"), id="tag", empty="no tags"),
    "tags.change": View(columns=_columns("projects", "tasks", "models"), changes=True),
    "plan": View(
        rows="steps",
        columns=_columns("action", "collection=WHAT", "documents=COUNT", "name", "id", "why"),
        more=("filter", "change", "change.", "before", "before."),
        id="id",
    ),
    "operation": View(columns=_columns(*_OPERATION), id="operation", more=("run",), changes=True),
    "operations": View(rows="operations", columns=_columns(*_OPERATION), id="operation", more=("run",), changes=True),
    "export": View(columns=_columns("file", "counts", "snapshot"), more=("counts.",)),
    "apply": View(columns=_columns("created", "updated", "deleted"), changes=True),
    "diff": View(
        rows="changes",
        columns=_columns("action", "name", "field", "old", "new"),
        empty="no difference: all projects are as the files have them",
        blocks="differences",
    ),
    "import": View(columns=_columns("projects", "tasks", "models", "updated"), changes=True),
    "history": _HISTORY,
    "history filtered": _HISTORY._replace(empty="no operation matches"),
    "history.operations": View(
        rows="operations",
        columns=_columns("id", "started", "state", "summary", "by", "host"),
        fields=(
            *("id", "run", "started", "finished", "by", "host", "pid", "state", "endpoint", "summary", "counts"),
            "command",
        ),
        id="id",
        more=("database_user", "counts.", "undone_by", "redone_by", "skipped"),
        empty="no operation matches",
    ),
    "history.show": View(
        columns=_columns(
            *("id", "run", "state", "summary", "endpoint", "started", "finished", "by", "database_user=MONGODB USER"),
            *("host", "pid", "command", "mode", "counts", "documents", "steps.name=PROJECTS", "skipped"),
            *("undone_by.by=UNDONE BY", "undone_by.database_user=UNDONE BY MONGODB USER", "undone_by.at=UNDONE AT"),
            *("undone_by.host=UNDONE ON", "undone_by.command=UNDONE WITH"),
            *("redone_by.by=REDONE BY", "redone_by.at=REDONE AT", "redone_by.command=REDONE WITH"),
        ),
        id="id",
        more=("counts.", "projects", "steps", "steps.", "undone_by", "undone_by.", "redone_by", "redone_by."),
    ),
    "history.prune": View(columns=_columns("pruned", "found")),
    "doctor": View(
        rows="findings",
        columns=_columns(
            "severity",
            "name=FINDING",
            "count",
            "fixable",
            "description",
            "examples.id=IDS",
            "examples.name=NAMES",
            "advice",
        ),
        fields=("name", "severity", "count", "fixable", "description", "advice", "fix", "examples"),
        id="name",
        empty="no problem was found",
        blocks="findings",
    ),
    "schema": View(rows="endpoints", columns=_columns("endpoint", "command", "summary", "versions"), id="endpoint"),
    "schema.json": View(
        fields=("endpoint", "version", "description", "request", "response"), more=("request.", "response.")
    ),
    "schema.endpoint": View(
        rows="parameters", columns=_columns("name=PARAMETER", "type", "required", "default", "description")
    ),
    "status": View(
        columns=_columns(
            "profile.name=PROFILE",
            "profile.production",
            "database.uri=DATABASE",
            "database.source",
            "database.private=PRIVATE DATABASE",
            "database.name=DATABASE NAME",
            "database.name_source",
            "database.journal=JOURNAL DATABASE",
            "server.version=MONGODB",
            "server.topology",
            "server.hosted_by",
            "server.replica_set",
            "server.primary",
            "server.members",
            "company.id=COMPANY",
            "company.name=COMPANY NAME",
            "counts.projects.own=PROJECTS",
            "counts.projects.public=PUBLIC PROJECTS",
            "counts.tasks.own=TASKS",
            "counts.tasks.public=PUBLIC TASKS",
            "counts.models.own=MODELS",
            "counts.models.public=PUBLIC MODELS",
            "rights.user",
            "rights.can_read",
            "rights.can_write",
            "rights.can_write_journal",
            "rights.missing=MISSING RIGHTS",
            "rights.read_only=READ-ONLY",
            "interrupted.count=INTERRUPTED",
            "lock.holder=LOCKED BY",
        )
    ),
    "local.status": View(
        columns=_columns("running", "pid", "version", "socket", "data", "size", "started", "last_used", "stops_at")
    ),
    "local.stop": View(columns=_columns("stopped")),
    "local.reset": View(columns=_columns("data", "removed")),
    "local.path": View(columns=_columns("path"), alone="path"),
    "local.sample": View(
        columns=tuple(
            (f"{part}.{name}", f"{name} {part}")
            for part in ("added", "present")
            for name in ("project", "task", "model")
        )
    ),
    "completion": View(columns=_columns("shell", "path", "state", "next")),
    "config.list": View(rows="settings", columns=_SETTING, id="key"),
    "config.get": View(columns=_SETTING, alone="value"),
    "config.path": View(columns=_columns("path", "exists"), alone="path"),
    "config.change": View(columns=_columns("key", "value", "changed", "file"), id="key"),
    "profile.list": View(
        rows="profiles",
        columns=_columns("name", "in_use", "production", "database", "company", "uri", "uri_file"),
        fields=("name", "in_use", "production", "uri", "uri_file", "database", "company"),
        id="name",
        empty="no profile is defined: projects config set profiles.NAME.uri-file FILE",
    ),
    "profile.show": View(rows="settings", columns=_columns("key", "value"), id="key"),
    "indexes": View(
        rows="indexes",
        columns=_columns("name", "collection", "state", "size", "commands", "benefit"),
        fields=("name", "collection", "state", "kind", "size", "commands", "benefit", "key"),
        id="name",
        empty="no index is missing",
    ),
    "raw": View(),
    "fields": View(rows="fields", columns=_columns("field", "column")),
}
