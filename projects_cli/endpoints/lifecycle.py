"""The endpoints create and update. Each performs all checks of docs/semantics.md, then returns a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import hierarchy, naming
from projects_cli.errors import CannotUpdateProjectLocation, FieldsValueError, ProjectPathExceedsMax
from projects_cli.extended_json import id_text
from projects_cli.messages import Count, Plan, Prefixes, Renaming, Sample, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Store


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
    # Each new project needs the id of the one above it.
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


def create_if_missing(request: Request, store: Store) -> Plan[Step]:
    """Plan the creation likewise; no steps if the company has a project of that name, whose id is the response.

    Raises:
        ServiceError: see `create`.
    """
    name = "/".join(hierarchy.segments(request.params["name"]))
    present = naming.by_name([name], store).get((name, store.company))
    if present is None:
        return create(request, store)
    return Plan(
        endpoint=request.endpoint,
        summary=f"the project '{name}' exists already",
        steps=[],
        answer={"id": present["_id"]},
        counts={"projects": 0},
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
    project = hierarchy.writable_project(request.params["project"], store)
    return plan_for(project, request, store, skip_unchanged=skip_unchanged)


def plan_for(project: Document, request: Request, store: Store, *, skip_unchanged: bool) -> Plan[Step]:
    """Plan an update likewise, of a project that was read already."""
    params = request.params
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
    old, new = project.get("name"), changes.get("name")
    own = Step(
        "project",
        "update",
        {"_id": project["_id"], "company": store.company},
        {"$set": changes | {"last_update": request.now}},
        why="update",
        name=hierarchy.shown_name(project),
        essential=True,
        old={
            name: project.get(name)
            for name, value in changes.items()
            if name != "basename" and not _is_stored(value, project.get(name))
        },
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
        # Only a name needs the company's lease: other fields are changed beside other changes.
        structural="name" in changes,
        # The sub-projects follow the full name.
        prefixes=Prefixes(old, new) if type(old) is str and new not in (None, old) else None,
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


def _rename(project: Document, new_name: str, request: Request, store: Store) -> tuple[Document, list[Step]]:
    """Check a new name. Return the changed fields of the project, and a step for each sub-project."""
    below = hierarchy.own_tree_below(project, store)
    parts = hierarchy.segments(new_name)
    name = "/".join(parts)
    if parts[:-1] != str(project.get("name", "")).split("/")[:-1]:
        raise CannotUpdateProjectLocation(f"'{name}' has another parent than '{hierarchy.shown_name(project)}'")
    hierarchy.check_basename(parts[-1])
    naming.check_free(name, naming.by_name([name], store), store, except_id=project["_id"])
    renamed: Document = {"name": name, "basename": parts[-1]}
    old = project.get("name")
    renaming = Renaming(project["_id"], old, name) if type(old) is str else None
    return renamed, [naming.following_step(child, renaming, request) for child in below]


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
