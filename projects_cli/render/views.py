"""How each response is displayed, as data: where its records are, and which fields are its columns."""

from __future__ import annotations

from typing import NamedTuple

from projects_cli.messages import PROJECT_FIELDS, UNLISTED_FIELDS


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
            value and the label; the columns name them.
        alone: the only field that a table has, without a heading, for use in scripts.
        more: further fields that records may have; the parts of one whose name ends with a dot can be selected.
        changes: whether this is the response of a change, instead of which a dry run shows the plan.
        titled: whether all formats have the headings of the columns.
        blocks: whether a terminal shows each record, which is a finding of the doctor, as several lines.
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
    blocks: bool = False

    @property
    def all_fields(self) -> tuple[str, ...]:
        """The fields of a record, in order."""
        return self.fields or tuple(field for field, _ in self.columns)

    def table_columns(self, selected: tuple[str, ...] | None) -> list[tuple[str, str]]:
        """Return the columns of a table: those of the selected fields, or the view's own."""
        if selected is None:
            return list(self.columns)
        headings = dict(self.columns)
        return [(field, headings.get(field, field.upper())) for field in selected]

    @property
    def selectable(self) -> tuple[str, ...]:
        """The fields that can be selected by name: those of the records, those on request, and those of the columns."""
        columns = (field for field, _ in self.columns)
        on_request = (field for field in self.more if not field.endswith("."))
        return tuple(dict.fromkeys((*self.all_fields, *on_request, *columns)))


_HISTORY = View(
    rows="operations",
    columns=(
        ("id", "ID"),
        ("started", "STARTED"),
        ("state", "STATE"),
        ("summary", "SUMMARY"),
        ("by", "BY"),
        ("host", "HOST"),
    ),
    fields=("id", "started", "finished", "by", "host", "pid", "state", "endpoint", "summary", "counts", "command"),
    id="id",
    more=("counts.",),
    empty="the journal is empty",
)

_LISTING = (("name", "NAME"), ("tags", "TAGS"), ("last_update", "UPDATED"), ("id", "ID"))
_STATISTICS = (
    ("name", "NAME"),
    ("stats.*.total_tasks", "TASKS"),
    ("stats.*.status_count.in_progress", "RUNNING"),
    ("stats.*.status_count.completed", "COMPLETED"),
    ("stats.*.status_count.failed", "FAILED"),
    ("stats.*.total_runtime", "RUNTIME"),
    ("stats.*.last_task_run", "LAST RUN"),
    ("id", "ID"),
)
_REFERENCES = ("parent.", "user.", "company.")
_UPDATED = (("updated", "UPDATED"),)
_TAGS = View(
    values=(("tags", "user"), ("system_tags", "system")),
    columns=(("tag", "TAG"), ("kind", "KIND")),
    id="tag",
    empty="no tags",
)

VIEWS: dict[str, View] = {
    "projects.create": View(columns=(("id", "ID"),), id="id", changes=True),
    "projects.get_by_id": View(
        record="project",
        columns=tuple((field, field) for field in (*PROJECT_FIELDS, *UNLISTED_FIELDS)),
        id="id",
    ),
    "projects.get_all": View(
        rows="projects",
        columns=_LISTING,
        fields=PROJECT_FIELDS,
        id="id",
        empty="no project matches",
        more=UNLISTED_FIELDS,
    ),
    "projects.get_all_ex": View(
        rows="projects",
        columns=_LISTING,
        fields=PROJECT_FIELDS,
        id="id",
        empty="no project matches",
        more=(*UNLISTED_FIELDS, *_REFERENCES),
    ),
    "projects.get_all_ex statistics": View(
        rows="projects",
        columns=_STATISTICS,
        fields=(*PROJECT_FIELDS, "stats", "sub_projects"),
        id="id",
        empty="no project matches",
        more=(*UNLISTED_FIELDS, *_REFERENCES, "stats."),
    ),
    "projects.update": View(columns=(*_UPDATED, ("fields", "FIELDS")), more=("fields.",), changes=True),
    "projects.delete": View(
        columns=(("deleted", "DELETED"), ("disassociated_tasks", "DISASSOCIATED TASKS")), changes=True
    ),
    "projects.get_unique_metric_variants": View(
        rows="metrics",
        columns=(("metric", "METRIC"), ("variant", "VARIANT")),
        fields=("metric", "variant", "metric_hash", "variant_hash"),
        empty="no task reports a metric",
    ),
    "projects.get_hyper_parameters": View(
        rows="parameters", columns=(("section", "SECTION"), ("name", "NAME")), empty="no task has hyper-parameters"
    ),
    "projects.get_task_tags": _TAGS,
    "projects.get_model_tags": _TAGS,
    "projects.make_public": View(columns=_UPDATED, changes=True),
    "projects.make_private": View(columns=_UPDATED, changes=True),
    "plan": View(
        rows="steps",
        columns=(
            ("action", "ACTION"),
            ("collection", "WHAT"),
            ("documents", "COUNT"),
            ("name", "NAME"),
            ("id", "ID"),
            ("why", "WHY"),
        ),
        more=("filter", "change"),
        id="id",
    ),
    "operation": View(
        columns=tuple(
            (field, field.upper())
            for field in ("operation", "state", "projects", "tasks", "models", "summary", "skipped")
        ),
        id="operation",
        changes=True,
    ),
    "history": _HISTORY,
    "history filtered": _HISTORY._replace(empty="no operation matches"),
    "history.prune": View(columns=(("pruned", "PRUNED"), ("found", "FOUND"))),
    "doctor": View(
        rows="findings",
        columns=(
            ("severity", "SEVERITY"),
            ("name", "FINDING"),
            ("count", "COUNT"),
            ("fixable", "FIXABLE"),
            ("description", "DESCRIPTION"),
            ("examples.id", "IDS"),
            ("examples.name", "NAMES"),
            ("advice", "ADVICE"),
        ),
        fields=("name", "severity", "count", "fixable", "description", "advice", "fix", "examples"),
        id="name",
        empty="no problem was found",
        blocks=True,
    ),
    "schema": View(
        rows="endpoints",
        columns=(("endpoint", "ENDPOINT"), ("command", "COMMAND"), ("summary", "SUMMARY"), ("versions", "VERSIONS")),
        id="endpoint",
    ),
    "schema.json": View(
        fields=("endpoint", "version", "description", "request", "response"), more=("request.", "response.")
    ),
    "schema.endpoint": View(
        rows="parameters",
        columns=(
            ("name", "PARAMETER"),
            ("type", "TYPE"),
            ("required", "REQUIRED"),
            ("default", "DEFAULT"),
            ("description", "DESCRIPTION"),
        ),
    ),
    "status": View(
        columns=(
            ("profile.name", "PROFILE"),
            ("profile.production", "PRODUCTION"),
            ("database.uri", "DATABASE"),
            ("database.source", "SOURCE"),
            ("database.private", "PRIVATE DATABASE"),
            ("database.name", "DATABASE NAME"),
            ("database.name_source", "NAME SOURCE"),
            ("database.journal", "JOURNAL DATABASE"),
            ("server.version", "MONGODB"),
            ("server.topology", "TOPOLOGY"),
            ("server.hosted_by", "HOSTED BY"),
            ("server.replica_set", "REPLICA SET"),
            ("server.primary", "PRIMARY"),
            ("server.members", "MEMBERS"),
            ("company.id", "COMPANY"),
            ("company.name", "COMPANY NAME"),
            ("counts.projects.own", "PROJECTS"),
            ("counts.projects.public", "PUBLIC PROJECTS"),
            ("counts.tasks.own", "TASKS"),
            ("counts.tasks.public", "PUBLIC TASKS"),
            ("counts.models.own", "MODELS"),
            ("counts.models.public", "PUBLIC MODELS"),
            ("rights.user", "USER"),
            ("rights.can_read", "CAN READ"),
            ("rights.can_write", "CAN WRITE"),
            ("rights.can_write_journal", "CAN WRITE JOURNAL"),
            ("rights.missing", "MISSING RIGHTS"),
            ("rights.read_only", "READ-ONLY"),
            ("interrupted.count", "INTERRUPTED"),
            ("lock.holder", "LOCKED BY"),
        )
    ),
    "local.status": View(
        columns=tuple(
            (field, field.upper())
            for field in ("running", "pid", "version", "socket", "data", "size", "started", "last_used", "stops_at")
        )
    ),
    "local.stop": View(columns=(("stopped", "STOPPED"),)),
    "local.reset": View(columns=(("data", "DATA"), ("removed", "REMOVED"))),
    "local.path": View(columns=(("path", "PATH"),), alone="path"),
    "completion": View(columns=(("shell", "SHELL"), ("path", "PATH"), ("state", "STATE"), ("next", "NEXT"))),
    "config.list": View(
        rows="settings",
        columns=(("key", "KEY"), ("value", "VALUE"), ("origin", "ORIGIN"), ("source", "SOURCE")),
        id="key",
    ),
    "config.get": View(
        columns=(("key", "KEY"), ("value", "VALUE"), ("origin", "ORIGIN"), ("source", "SOURCE")), alone="value"
    ),
    "config.path": View(columns=(("path", "PATH"), ("exists", "EXISTS")), alone="path"),
    "config.change": View(
        columns=(("key", "KEY"), ("value", "VALUE"), ("changed", "CHANGED"), ("file", "FILE")), id="key"
    ),
    "profile.list": View(
        rows="profiles",
        columns=(
            ("name", "NAME"),
            ("in_use", "IN USE"),
            ("production", "PRODUCTION"),
            ("database", "DATABASE"),
            ("company", "COMPANY"),
            ("uri", "URI"),
            ("uri_file", "URI FILE"),
        ),
        fields=("name", "in_use", "production", "uri", "uri_file", "database", "company"),
        id="name",
        empty="no profile is defined: projects config set profiles.NAME.uri-file FILE",
    ),
    "profile.show": View(rows="settings", columns=(("key", "KEY"), ("value", "VALUE")), id="key"),
    "indexes": View(
        rows="indexes",
        columns=(
            ("name", "NAME"),
            ("collection", "COLLECTION"),
            ("state", "STATE"),
            ("size", "SIZE"),
            ("commands", "COMMANDS"),
            ("benefit", "BENEFIT"),
        ),
        fields=("name", "collection", "state", "kind", "size", "commands", "benefit", "key"),
        id="name",
        empty="no index is missing",
    ),
    "local.sample": View(
        columns=tuple(
            (f"{part}.{name}", f"{name} {part}")
            for part in ("added", "present")
            for name in ("project", "task", "model")
        )
    ),
    "raw": View(),
    "fields": View(rows="fields", columns=(("field", "FIELD"), ("column", "COLUMN"))),
}
