"""The endpoints create, update and delete. Each performs all checks of docs/semantics.md, then returns a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import hierarchy, refusals
from projects_cli.endpoints.fields import sorted_tags
from projects_cli.errors import (
    CannotUpdateProjectLocation,
    ExpectedUniqueData,
    FieldsValueError,
    ProjectPathExceedsMax,
    PublicProjectExists,
)
from projects_cli.extended_json import id_text, identity
from projects_cli.messages import Count, Plan, Renaming, Sample, Step
from projects_cli.store import filters
from projects_cli.store.bson_codec import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Store

FEATURED = 9999
"""The rank of a project that is not featured, as the server stores it (docs/data-model.md, `project`)."""

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
    taken = _by_name([name], store)
    _check_free(name, taken, store)
    hierarchy.check_basename(parts[-1])
    missing, nearest = _missing_ancestors(parts, store)
    documents: list[Document] = []
    parent = nearest
    for path in [*missing, parts]:
        # Only the last one is what the request describes; missing parents have a name and nothing else.
        parent = _new_project(path, parent, request.params if path is parts else {}, request)
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


def _missing_ancestors(parts: Sequence[str], store: Store) -> tuple[list[list[str]], Document | None]:
    """Return the missing ancestors, topmost first, and the nearest ancestor that exists.

    They are checked from the lowest up, as the server does: the first fault on the way is the one that is reported.
    """
    ancestors = [list(parts[:depth]) for depth in range(len(parts) - 1, 0, -1)]
    projects = _by_name(["/".join(ancestor) for ancestor in ancestors], store)
    missing: list[list[str]] = []
    for ancestor in ancestors:
        name = "/".join(ancestor)
        if (name, store.company) in projects:
            return missing[::-1], projects[name, store.company]
        hierarchy.check_basename(ancestor[-1])
        _check_not_public(name, projects)
        missing.append(ancestor)
    return missing[::-1], None


def _new_project(
    parts: Sequence[str], parent: Document | None, values: Mapping[str, Any], request: Request
) -> Document:
    """Return the document of a new project as a server stores it (docs/semantics.md, create)."""
    document: Document = {
        "_id": request.new_id(),
        "company": request.company,
        "user": request.user,
        "name": "/".join(parts),
        "basename": parts[-1],
        "description": values.get("description") or "",
        "created": request.now,
        "tags": _tags(values.get("tags")),
        "system_tags": _tags(values.get("system_tags")),
    }
    if values.get("default_output_destination") is not None:
        document["default_output_destination"] = values["default_output_destination"].strip()
    document |= {"last_update": request.now, "featured": FEATURED}
    if parent:
        document["parent"] = parent["_id"]
    document["path"] = [*hierarchy.path_of(parent), parent["_id"]] if parent else []
    return document


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
    sent |= {name: _tags(sent[name]) for name in ("tags", "system_tags") if name in sent}
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
        renamings=_renamings(project, changes),
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


def _renamings(project: Document, changes: Document) -> list[Renaming]:
    """Return the renaming that sub-projects follow."""
    old = project.get("name")
    return (
        [Renaming(project["_id"], old, changes["name"])] if type(old) is str and changes.get("name", old) != old else []
    )


def _rename(project: Document, new_name: str, request: Request, store: Store) -> tuple[Document, list[Step]]:
    """Check a new name. Return the changed fields of the project, and a step for each sub-project."""
    below = hierarchy.own_tree_below(project, store)
    parts = hierarchy.segments(new_name)
    name = "/".join(parts)
    if parts[:-1] != str(project.get("name", "")).split("/")[:-1]:
        raise CannotUpdateProjectLocation(f"'{name}' is in another place than '{hierarchy.shown_name(project)}'")
    hierarchy.check_basename(parts[-1])
    _check_free(name, _by_name([name], store), store, except_id=project["_id"])
    renamed: Document = {"name": name, "basename": parts[-1]}
    return renamed, [_rename_step(child, project.get("name"), name, request) for child in below]


def _rename_step(project: Document, old: object, new: str, request: Request) -> Step:
    """Return the step that renames a sub-project. A name that does not begin with the old name is kept.

    Raises:
        FieldsValueError: the name is not UTF-8 text, so the driver would write back another one.
    """
    change: Document = {"last_update": request.now}
    name = project.get("name")
    if type(name) is str and type(old) is str and name.startswith(f"{old}/"):
        if UNREADABLE in name[len(old) :]:
            raise FieldsValueError(
                f"the name of the project {id_text(project['_id'])} below is not UTF-8 text, and would be lost",
                hint="rename it first, by its id: projects update ID --name NAME",
            )
        change["name"] = new + name[len(old) :]
    return Step(
        "project",
        "update",
        {"_id": project["_id"], "company": request.company},
        {"$set": change},
        why="name follows",
        name=hierarchy.shown_name(project),
    )


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


# --- names and tags -----------------------------------------------------------------------------------------------


def _by_name(names: Iterable[str], store: Store) -> dict[tuple[str, str], Document]:
    """Return the own and public projects with these names, by (name, company)."""
    projects = store.projects.find({"name": {"$in": list(names)}}, {"name": 1, "company": 1, "path": 1})
    # `type` and not `isinstance`: bson.Code is a subclass of str, and its name is not text.
    return {(project["name"], project["company"]): project for project in projects if type(project["name"]) is str}


def _check_free(
    name: str, projects: Mapping[tuple[str, str], Document], store: Store, *, except_id: str | None = None
) -> None:
    """Refuse a name that another project of the company has, then a name that a public project has."""
    holder = projects.get((name, store.company))
    if holder is not None and holder["_id"] != except_id:
        raise ExpectedUniqueData(f"there is a project named '{name}' already")
    _check_not_public(name, projects)


def _check_not_public(name: str, projects: Mapping[tuple[str, str], Document]) -> None:
    if (name, "") in projects:
        raise PublicProjectExists(f"there is a public project named '{name}'")


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


def _tags(tags: Sequence[str] | None) -> list[str]:
    """Return tags as stored: sorted, without duplicates; null is none (docs/semantics.md, differs on purpose, 7)."""
    return sorted_tags(hierarchy.distinct(tags or ()))
