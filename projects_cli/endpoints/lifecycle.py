"""The endpoints create, update and delete. Each performs all checks of docs/semantics.md, then returns a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import hierarchy, naming, refusals
from projects_cli.errors import CannotUpdateProjectLocation, FieldsValueError, ProjectPathExceedsMax
from projects_cli.extended_json import id_text, identity
from projects_cli.messages import Count, Plan, Prefixes, Renaming, Sample, Step
from projects_cli.store import filters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Store

CHUNK = 1000
"""Ids in one filter: far below MongoDB's limit of 16 MB for a command."""


# --- create -------------------------------------------------------------------------------------------------------


def create(request: Request, store: Store) -> Plan[Step]:
    """Plan the creation of a project and its missing parents. The response is `{id}`.

    Raises:
        ServiceError: the first of the checks of docs/semantics.md (create) that fails.
    """
    params = request.params
    check_tags(params)
    parts = hierarchy.segments(params["name"])
    if len(parts) > hierarchy.MAX_DEPTH:
        raise ProjectPathExceedsMax(f"{len(parts)} levels: at most {hierarchy.MAX_DEPTH} are allowed")
    name = "/".join(parts)
    taken = naming.by_name([name], store)
    naming.check_free(name, taken, store)
    hierarchy.check_basename(parts[-1])
    missing, nearest = naming.missing_projects(parts[:-1], store)
    documents: list[Document] = []
    parent = nearest
    for path in [*missing, parts]:
        # Only the last one is what the request describes; missing parents have a name and nothing else.
        parent = naming.new_project(path, parent, request.params if path is parts else {}, request)
        documents.append(parent)
    steps = [
        Step("project", "insert", {"_id": document["_id"]}, document, why="create", name=document["name"])
        for document in documents
    ]
    if nearest:
        steps.append(
            Step(
                "project",
                "update",
                {"_id": nearest["_id"], "company": request.company},
                {"$set": {"last_update": request.now}},
                why="last_update of the parent",
                name=hierarchy.shown_name(nearest),
            )
        )
    return Plan(
        endpoint=request.endpoint,
        summary=f"create the project '{name}'",
        steps=steps,
        answer={"id": documents[-1]["_id"]},
        counts={"projects": len(documents)},
        samples=[Sample(document["_id"], document["name"]) for document in documents],
        name=name,
    )


# --- update -------------------------------------------------------------------------------------------------------

UPDATABLE = ("name", "description", "tags", "system_tags", "default_output_destination")


def update(request: Request, store: Store, *, skip_unchanged: bool = False) -> Plan[Step]:
    """Plan the change of a project's fields. A new name renames its sub-projects. The response is `{updated, fields}`.

    Raises:
        ServiceError: the first of the checks of docs/semantics.md (update) that fails.
    """
    check_tags(request.params)
    return plan_update(request, store, skip_unchanged=skip_unchanged)


def plan_update(request: Request, store: Store, *, skip_unchanged: bool) -> Plan[Step]:
    """Plan an update whose tags were checked before, or are stored already.

    With `skip_unchanged` the plan has no steps if all values are stored already. The service itself sets `last_update`
    in any case.
    """
    params = request.params
    project = hierarchy.writable_project(params["project"], store)
    sent = {name: params[name] for name in UPDATABLE if name in params}
    sent |= {name: naming.stored_tags(sent[name]) for name in ("tags", "system_tags") if name in sent}
    changes = {name: value for name, value in sent.items() if name != "name"}
    if changes.get("default_output_destination") is not None:
        changes["default_output_destination"] = changes["default_output_destination"].strip()
    below: list[Step] = []
    if sent.get("name"):
        renamed, below = _rename(project, sent["name"], request, store)
        changes = renamed | changes
    if skip_unchanged and all(_is_stored(value, project.get(name)) for name, value in changes.items()):
        return _no_update(request, project, sent)
    own = Step(
        "project",
        "update",
        {"_id": project["_id"], "company": store.company},
        {"$set": changes | {"last_update": request.now}},
        why="update",
        name=hierarchy.shown_name(project),
        essential=True,
    )
    return Plan(
        endpoint=request.endpoint,
        summary=f"update {', '.join(changes) or 'nothing but last_update'} of '{hierarchy.shown_name(project)}'",
        steps=[own, *below],
        answer={"updated": Count("project", "update", limit=1), "fields": sent},
        counts={"projects": 1 + len(below)},
        samples=[
            Sample(id_text(project["_id"]), hierarchy.shown_name(project)),
            *(Sample(id_text(step.filter["_id"]), step.name) for step in below),
        ],
        name=hierarchy.shown_name(project),
        structural="name" in changes,
        prefixes=_prefixes(project, changes),
    )


def _is_stored(value: object, stored: object) -> bool:
    """Return whether an update to a value would change nothing that a reader sees; tags have no order."""
    if isinstance(value, list):
        tags = [] if stored is None else stored
        return isinstance(tags, list) and all(isinstance(tag, str) for tag in tags) and sorted(tags) == value
    return type(stored) is type(value) and stored == value


def _no_update(request: Request, project: Document, sent: Document) -> Plan[Step]:
    """Return the plan of an update that has nothing to change."""
    name = hierarchy.shown_name(project)
    return Plan(
        endpoint=request.endpoint,
        summary=f"nothing to change in '{name}': " + ("it has these values" if sent else "no values were given"),
        steps=[],
        answer={"updated": 0, "fields": sent},
        counts={"projects": 0},
        name=name,
        structural=False,
    )


def _prefixes(project: Document, changes: Document) -> Prefixes | None:
    """Return the old and the new full name, which sub-projects follow; None unless it changes."""
    old, new = project.get("name"), changes.get("name")
    return Prefixes(old, new) if type(old) is str and new not in (None, old) else None


def _rename(project: Document, new_name: str, request: Request, store: Store) -> tuple[Document, list[Step]]:
    """Check a new name. Return the changed fields of the project, and a step for each sub-project."""
    below = hierarchy.own_tree_below(project, store)
    parts = hierarchy.segments(new_name)
    name = "/".join(parts)
    if parts[:-1] != str(project.get("name", "")).split("/")[:-1]:
        raise CannotUpdateProjectLocation(f"'{name}' is in another place than '{hierarchy.shown_name(project)}'")
    hierarchy.check_basename(parts[-1])
    naming.check_free(name, naming.by_name([name], store), store, except_id=project["_id"])
    renamed: Document = {"name": name, "basename": parts[-1]}
    old = project.get("name")
    renaming = Renaming(project["_id"], old, name) if type(old) is str else None
    return renamed, [naming.following_step(child, renaming, request) for child in below]


# --- delete -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tree:
    """A project and its sub-projects, divided by the checks of a delete that apply to each."""

    every: Sequence[Document]
    pipelines: Sequence[Any]
    datasets: Sequence[Any]
    others: Sequence[Any]

    @classmethod
    def of(cls, every: Sequence[Document]) -> Tree:
        """Divide the projects; containers are neither (docs/data-model.md, `project`)."""
        pipelines = [project["_id"] for project in every if _is_special(project, "pipeline", ".pipelines")]
        datasets = [project["_id"] for project in every if _is_special(project, "dataset", ".datasets")]
        special = {identity(project_id) for project_id in (*pipelines, *datasets)}
        others = [project["_id"] for project in every if identity(project["_id"]) not in special]
        return cls(every, pipelines, datasets, others)

    def refusing(self) -> dict[refusals.Kind, Sequence[Any]]:
        """Return the projects whose contents refuse a delete by kind, in the order of docs/semantics.md (delete)."""
        return {
            refusals.PIPELINES: self.pipelines,
            refusals.DATASETS: self.datasets,
            refusals.TASKS: self.others,
            refusals.MODELS: self.others,
        }


def delete(request: Request, store: Store) -> Plan[Step]:
    """Plan the removal of a project and its sub-projects. Tasks and models are kept, without a project.

    The response is `{deleted, disassociated_tasks}`.

    Raises:
        ServiceError: the first of the checks of docs/semantics.md (delete) that fails.
    """
    project = hierarchy.writable_project(request.params["project"], store)
    tree = Tree.of([project, *hierarchy.own_tree_below(project, store)])
    if not request.params.get("force"):
        refusals.check(tree.every, tree.refusing(), store, _chunks)
    ids = [each["_id"] for each in tree.every]
    tasks, models = (_leave("task", ids, store), _leave("model", ids, store))
    removed = [
        Step(
            "project",
            "delete",
            {"_id": each["_id"], "company": store.company},
            why="delete",
            name=hierarchy.shown_name(each),
        )
        # The deepest first: a reader never sees a project whose parent is gone.
        for each in sorted(tree.every, key=lambda each: -len(hierarchy.path_of(each)))
    ]
    counts = {
        "projects": len(ids),
        "tasks": sum(step.count for step in tasks),
        "models": sum(step.count for step in models),
    }
    return Plan(
        endpoint=request.endpoint,
        summary=f"delete the project '{hierarchy.shown_name(project)}'",
        steps=[*tasks, *models, *removed],
        answer={"deleted": Count("project", "delete"), "disassociated_tasks": Count("task", "update")},
        counts=counts,
        samples=[Sample(id_text(each["_id"]), hierarchy.shown_name(each)) for each in tree.every],
        question="yes" if counts == {"projects": 1, "tasks": 0, "models": 0} else "name",
        name=hierarchy.shown_name(project),
        removes=len(ids),
    )


def _leave(collection: Any, ids: Sequence[Any], store: Store) -> list[Step]:
    """Return the steps that remove tasks or models from these projects. No other field of them changes."""
    steps = []
    for chunk in _chunks(ids):
        condition = filters.in_projects(chunk)
        count = store.named(collection).count(condition)
        if count:
            steps.append(Step(collection, "update", condition, {"$set": {"project": None}}, count, "leave the project"))
    return steps


def _is_special(project: Document, tag: str, container: str) -> bool:
    tags = project.get("system_tags")
    return isinstance(tags, list) and tag in tags and project.get("basename") != container


def _chunks(ids: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


# --- tags ---------------------------------------------------------------------------------------------------------


def check_tags(params: Mapping[str, Any]) -> None:
    """Refuse tags that must not be stored.

    Raises:
        FieldsValueError: a tag is empty, or begins with `__$`, which filters interpret as an operator.
    """
    for parameter in ("tags", "system_tags"):
        for tag in params.get(parameter) or ():
            if tag == "":
                raise FieldsValueError(f"{parameter}: a tag must not be empty")
            if tag.startswith("__$"):
                raise FieldsValueError(f"{parameter}: a tag can't start with '__$': {tag!r}")
