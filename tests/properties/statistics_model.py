"""What get_all_ex selects by contents and adds to a project, in plain Python, written from docs/semantics.md alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.properties import model
from tests.properties.model import Model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.properties.model import Document, Faults

KINDS = {"pipeline": ("pipeline", "controller"), "report": ("reports", "report")}


class Service(Model):
    """The service with everything that depends on the contents of projects."""

    def passing(self, params: Mapping[str, Any]) -> list[Document]:
        """Return the projects that pass all filters and are selected by their contents."""
        chosen = selected(self, params)
        return [one for one in super().passing(params) if chosen is None or one["_id"] in chosen]

    def listing(self, params: Mapping[str, Any], *, extended: bool) -> list[Document]:
        """Return the projects of get_all_ex with what the options add."""
        chosen = selected(self, params)
        documents = {one["_id"]: one for one in self.see("project")}
        rows = super().listing(params, extended=extended)
        return [row | added(self, documents[row["id"]], params, chosen) for row in rows]


def is_marked(document: Document, mark: str) -> bool:
    """Return whether a document has a system tag."""
    return mark in (document.get("system_tags") or ())


def _is_of_users(document: Document, params: Mapping[str, Any]) -> bool:
    return not params.get("active_users") or document.get("user") in params["active_users"]


def _passes_children_tags(document: Document, params: Mapping[str, Any]) -> bool:
    if params.get("children_tags_filter") is not None:
        return model.passes_filter(params["children_tags_filter"], document.get("tags"))
    return model.passes(params.get("children_tags"), document.get("tags"))


def _is_child(document: Document, params: Mapping[str, Any]) -> bool:
    """Return whether a project is a pipeline or dataset of the children type, of the users, with the tags."""
    kind = params["children_type"]
    is_container = document.get("basename") == f".{kind}s"
    return is_marked(document, kind) and not is_container and _passes_children_tags(document, params)


def selected(service: Model, params: Mapping[str, Any]) -> set[Any] | None:
    """Return the ids of the matches and their ancestors, None without a parameter that selects by contents."""
    kind = params.get("children_type")
    if not kind and not params.get("active_users"):
        return None
    allowed = not params.get("non_public") if params.get("allow_public") is None else params["allow_public"]
    readable = {
        name: [one for one in service.see(name) if allowed or one["company"]] for name in ("project", "task", "model")
    }
    of_users = {name: [one for one in some if _is_of_users(one, params)] for name, some in readable.items()}
    if kind == "report":
        tasks = [one for one in of_users["task"] if is_marked(one, "reports") and _passes_children_tags(one, params)]
        places = {one.get("project") for one in tasks}
        matches = [one for one in readable["project"] if one["_id"] in places]
    elif kind:
        matches = [one for one in of_users["project"] if _is_child(one, params)]
        asked = model.wanted(params.get("id"))
        if asked.any_of or asked.all_of or asked.none_of or asked.empty_too:
            roots = {one["_id"] for one in service.see("project") if model.passes(params["id"], [one["_id"]])}
            matches = [one for one in matches if roots & set(one.get("path") or ())]
    else:
        places = {one.get("project") for name in ("task", "model") for one in of_users[name]}
        matches = [one for one in readable["project"] if one["_id"] in places or _is_of_users(one, params)]
    return {identifier for one in matches for identifier in (one["_id"], *(one.get("path") or ()))}


def added(service: Model, project: Document, params: Mapping[str, Any], chosen: set[Any] | None) -> Document:
    """Return what the options add to a listed project."""
    found: Document = {}
    inside = {project["_id"]}
    if params.get("check_own_contents"):
        found |= _own_contents(service, project, params)
    if params.get("include_stats"):
        below = sub_projects(service, project["_id"], params, chosen)
        inside |= {one["_id"] for one in below}
        stats = _stats(service, inside, params)
        found |= {"stats": stats, "sub_projects": [{"id": one["_id"], "name": one["name"]} for one in below]}
    if params.get("include_dataset_stats"):
        found |= _dataset_stats(service, project, params)
    return found


def sub_projects(
    service: Model, project: str, params: Mapping[str, Any], chosen: set[Any] | None
) -> Sequence[Document]:
    """Return the sub-projects of a project that count, by name."""
    if params.get("stats_with_children") is False:
        return []
    kind = params.get("children_type")
    tasks_of_kind = kind in KINDS and not params.get("include_stats_filter")
    hidden_too = params.get("search_hidden") or kind == "dataset" or tasks_of_kind
    below = [one for one in service.see("project") if project in (one.get("path") or ())]
    below = [one for one in below if hidden_too or not is_marked(one, "hidden")]
    return sorted((one for one in below if chosen is None or one["_id"] in chosen), key=lambda one: str(one["name"]))


def _passes_stats_filter(document: Document, asked: Mapping[str, Any], *, archived: bool) -> bool:
    """Return whether all fields pass; `archived`: whether `archived` in `system_tags` has an effect."""
    passing = []
    for name, value in asked.items():
        stored = document.get(name)
        if isinstance(value, list):
            values = value if archived or name != "system_tags" else _unmarked(value)
            items = stored if isinstance(stored, list) else [] if stored is None else [stored]
            passing.append(model.passes(values, items))
        else:
            parts = value if archived or name != "system_tags" else _unmarked_parts(value)
            passing.append(model.passes_filter(parts, stored))
    return all(passing)


def _unmarked(values: Sequence[str]) -> list[str]:
    """Return a list without `archived` and `-archived`, and without the `__$not` in front of either."""
    kept: list[str] = []
    for value in values:
        if value.removeprefix("-") != "archived":
            kept.append(value)
        elif kept and kept[-1] in model.NEGATIONS:
            kept.pop()
    return kept


def _unmarked_parts(asked: Mapping[str, Any]) -> Document:
    return {
        name: {side: [one for one in values if one != "archived"] for side, values in part.items()}
        if isinstance(part, dict)
        else part
        for name, part in asked.items()
    }


def _names_archived(asked: Mapping[str, Any]) -> bool:
    marks = asked.get("system_tags") or []
    return bool((_unmarked(marks) if isinstance(marks, list) else _unmarked_parts(marks)) != marks)


def _counts(document: Document, params: Mapping[str, Any], *, own: bool) -> bool:
    """Return whether a task or model counts, beside its project and, for `stats`, its state."""
    asked, kind = params.get("include_stats_filter"), params.get("children_type")
    if not _is_of_users(document, params):
        return False
    if own and is_marked(document, "archived") and not _names_archived(asked or {}):
        return False
    if asked:
        return _passes_stats_filter(document, asked, archived=own)
    if kind in KINDS:
        mark, task_type = KINDS[kind]
        is_one = is_marked(document, mark) and document.get("type") == task_type
        return is_one and _passes_children_tags(document, params)
    return True


def _datasets(service: Model, parents: set[Any], params: Mapping[str, Any]) -> list[Document]:
    asked = params.get("include_stats_filter")
    some = [one for one in service.see("project") if is_marked(one, "dataset") and one.get("parent") in parents]
    some = [one for one in some if _is_of_users(one, params)]
    if asked:
        return [one for one in some if _passes_stats_filter(one, asked, archived=False)]
    return [one for one in some if not params.get("children_type") or _passes_children_tags(one, params)]


def _own_contents(service: Model, project: Document, params: Mapping[str, Any]) -> Document:
    if params.get("children_type") == "dataset":
        return {"own_datasets": len(_datasets(service, {project["_id"]}, params))}
    return {
        f"own_{name}s": sum(
            one.get("project") == project["_id"] and _counts(one, params, own=True) for one in service.see(name)
        )
        for name in ("task", "model")
    }


def _dataset_stats(service: Model, project: Document, params: Mapping[str, Any]) -> Document:
    versions = [
        (one["last_update"] if isinstance(one.get("last_update"), datetime) else datetime.min, one["_id"], runtime)  # noqa: DTZ901 - as stored
        for one in service.see("task")
        if one.get("project") == project["_id"] and _is_of_users(one, params) and not is_marked(one, "archived")
        if isinstance(runtime := one.get("runtime"), dict) and runtime
    ]
    if not versions:
        return {}
    runtime = max(versions, key=lambda version: version[:2])[2]
    names = {"file_count": "ds_file_count", "total_size": "ds_total_size"}
    sizes = {shown: runtime.get(stored) for shown, stored in names.items()}
    return {"dataset_stats": {name: size if type(size) is int else 0 for name, size in sizes.items()}}


def _stats(service: Model, inside: set[Any], params: Mapping[str, Any]) -> Document:
    if params.get("children_type") == "dataset":
        datasets = _datasets(service, inside, params)
        tags = {tag for one in datasets for tag in one.get("tags") or ()}
        return {"datasets": {"count": len(datasets), "tags": sorted(tags)}}
    tasks = [one for one in service.see("task") if one.get("project") in inside and _counts(one, params, own=False)]
    state = params.get("stats_for_state", "active")
    parts = {name: [one for one in tasks if is_marked(one, "archived") == (name == "archived")] for name in _STATES}
    return {name: _figures(part, service.now) for name, part in parts.items() if state in {name, None}}


_STATES = ("active", "archived")


def _figures(tasks: Sequence[Document], now: datetime) -> Document:
    statuses = [_status(task) for task in tasks]
    started = [task["started"] for task in tasks if isinstance(task.get("started"), datetime)]
    return {
        "status_count": {status: statuses.count(status) for status in [*model.STATUSES, *statuses]},
        "total_tasks": len(tasks),
        "total_runtime": sum(_runtime(task) for task in tasks),
        "completed_tasks_24h": sum(_is_recent(task, now) for task in tasks),
        "last_task_run": model.iso(max(started)) if started else None,
    }


def _is_recent(task: Document, now: datetime) -> bool:
    completed = task.get("completed")
    since = now.replace(tzinfo=None) - timedelta(hours=24)
    late = isinstance(completed, datetime) and completed > since
    return late and _status(task) not in {"queued", "in_progress", "failed"}


def _status(task: Document) -> str:
    status = task.get("status")
    return status if isinstance(status, str) and status else "unknown"


def _runtime(task: Document) -> int:
    started, completed = task.get("started"), task.get("completed")
    if not (isinstance(started, datetime) and isinstance(completed, datetime)):
        return 0
    return int(max(timedelta(), completed - started) / timedelta(seconds=1))


def faults(params: Mapping[str, Any]) -> Faults:
    """Return the errors of which one is expected for the parameters of this module."""
    found = set()
    if params.get("children_type") and params.get("children_tags_filter") is None:
        found |= {model.FIELDS_VALUE} if model.wanted(params.get("children_tags")).faulty else set()
    for value in (params.get("include_stats_filter") or {}).values():
        if not isinstance(value, list | dict) or not value:
            found.add((400, 12))
        elif isinstance(value, list):
            if not all(isinstance(item, str) for item in value):
                found.add((400, 12))
            elif model.wanted(value).faulty:
                found.add(model.FIELDS_VALUE)
    return found
