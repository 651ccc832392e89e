"""The endpoints move and merge. Each performs all checks of docs/semantics.md, then returns a plan.

Both rewrite the names and the paths of everything below what moves. The plan changes the deepest projects first, and
the moved ones last: an undo then restores a project before those below it, and leaves them if it can't.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.endpoints import hierarchy, naming
from projects_cli.errors import (
    ChangedMeanwhile,
    ExpectedUniqueData,
    FieldsValueError,
    NoWritePermission,
    ProjectCannotBeMergedIntoItsChild,
    ProjectCannotBeMovedUnderItself,
    ProjectPathExceedsMax,
    ProjectSourceAndDestinationAreTheSame,
)
from projects_cli.extended_json import id_text, identity
from projects_cli.messages import Count, Plan, Prefixes, Renaming, Sample, Step
from projects_cli.store import filters
from projects_cli.store.bson_codec import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from projects_cli.messages import Collection, Document, Request
    from projects_cli.store.collections import Store

CHUNK = 4000
"""Names in one filter."""

KINDS: tuple[Collection, ...] = ("task", "model")
NO_PROJECT = (None, "")
"""Stored values of `parent` at the top level."""


# --- move ---------------------------------------------------------------------------------------------------------


def move(request: Request, store: Store) -> Plan[Step]:
    """Plan the move of a project and its sub-projects below another project. The response is `{moved}`.

    Raises:
        ServiceError: the first of the checks of docs/semantics.md (move) that fails.
    """
    project = hierarchy.writable_project(request.params["project"], store)
    below = hierarchy.own_tree_below(project, store)
    parent = _parent(project, store)
    text = request.params.get("new_location") or ""
    location = hierarchy.segments(text) if text.strip() and text.strip("/") else []
    _check_depth(project, [project, *below], len(location), include=1)
    missing, nearest = naming.missing_projects(location, store)
    _check_location(project, below, parent, missing, nearest)
    if missing and not request.user:  # it was there when the owner of missing projects would have been looked up
        raise ChangedMeanwhile(f"the project '{'/'.join(location)}' was removed in the meantime")
    old, new = _names(project, location)
    documents: list[Document] = []
    for parts in missing:
        documents.append(naming.new_project(parts, documents[-1] if documents else nearest, {}, request))
    above = documents[-1] if documents else nearest
    path = [*hierarchy.path_of(above), above["_id"]] if above else []
    renaming = Renaming(project["_id"], old, new, [*path, project["_id"]])
    following = _following(below, renaming, request)
    _check_names([new], store)
    _check_names([step.change["$set"]["name"] for step in following if "name" in step.change["$set"]], store)
    steps = [
        *(_touch(nearest, request, essential=True) for _ in range(1) if nearest),
        *(Step("project", "insert", {"_id": new["_id"]}, new, why="create", name=new["name"]) for new in documents),
        *following,
        _moved(project, {"name": new, "path": path}, above, request),
        *(_touch(parent, request) for _ in range(1) if parent and not _is_same(parent, nearest)),
    ]
    shown = hierarchy.shown_name(project)
    return Plan(
        endpoint=request.endpoint,
        summary=f"move the project '{shown}' to " + (f"'{'/'.join(location)}'" if location else "the top level"),
        steps=steps,
        answer={"moved": 1 + len(below)},
        counts={"projects": 1 + len(below)},
        samples=[_sample(each) for each in (project, *below)],
        name=shown,
        computed=True,
        prefixes=Prefixes(old, new),
    )


def _parent(project: Document, store: Store) -> Document | None:
    """Return the present parent, which gets a new `last_update`; None if there is none, or it does not exist.

    Raises:
        NoWritePermission: it is public.
    """
    parent = project.get("parent")
    if parent in NO_PROJECT:
        return None
    stored = store.projects.find_one({"_id": {"$in": [parent]}}, hierarchy.TREE)
    if stored is not None and stored["company"] != store.company:
        name = hierarchy.shown_name(stored)
        raise NoWritePermission(
            f"'{hierarchy.shown_name(project)}' is below the public project '{name}', which can't be changed",
            hint=hierarchy.private_hint([stored], store),
        )
    return stored


def _check_location(
    project: Document,
    below: Sequence[Document],
    parent: Document | None,
    missing: Sequence[Sequence[str]],
    nearest: Document | None,
) -> None:
    """Refuse a location where the project is already, or that is the project itself or below it.

    `nearest` is the lowest project of the location that exists.
    """
    stays = _is_same(nearest, parent) if nearest else project.get("parent") in NO_PROJECT
    if stays and not missing:
        raise ProjectSourceAndDestinationAreTheSame(
            f"'{hierarchy.shown_name(project)}' is "
            + (f"below '{hierarchy.shown_name(nearest)}' already" if nearest else "at the top level already")
        )
    if nearest is None:
        return
    tree = {identity(each["_id"]) for each in (project, *below)}
    if any(identity(item) in tree for item in (nearest["_id"], nearest.get("parent"), *hierarchy.path_of(nearest))):
        raise ProjectCannotBeMovedUnderItself(
            f"'{hierarchy.shown_name(project)}' can't be moved below itself, to '{hierarchy.shown_name(nearest)}'"
        )


def _names(project: Document, location: Sequence[str]) -> tuple[str, str]:
    """Return the present and the new full name of a project that moves.

    Raises:
        FieldsValueError: it has no name, or one that would be lost.
    """
    name = project.get("name")
    if type(name) is not str or UNREADABLE in (last := name.rpartition("/")[2]):
        raise FieldsValueError(
            f"the name of the project {id_text(project['_id'])} is not UTF-8 text, and would be lost",
            hint="rename it first, by its id: projects update ID --name NAME",
        )
    return name, "/".join([*location, last])


# --- merge --------------------------------------------------------------------------------------------------------


def merge(request: Request, store: Store) -> Plan[Step]:
    """Plan the move of a project's contents into another project, and its removal.

    The response is `{moved_entities, moved_projects}`.

    Raises:
        ServiceError: the first of the checks of docs/semantics.md (merge) that fails.
    """
    wanted = request.params.get("destination_project")
    if wanted == request.params["project"]:
        raise ProjectSourceAndDestinationAreTheSame("a project can't be merged into itself")
    source = hierarchy.writable_project(request.params["project"], store)
    destination = hierarchy.writable_project(wanted, store) if wanted else None
    if _is_same(source, destination):  # two texts of an id that is not text
        raise ProjectSourceAndDestinationAreTheSame("a project can't be merged into itself")
    below = _all_below(source, store)
    direct = [each for each in below if identity(each.get("parent")) == identity(source["_id"])]
    if destination and identity(destination["_id"]) in {identity(each["_id"]) for each in below}:
        raise ProjectCannotBeMergedIntoItsChild(
            f"'{hierarchy.shown_name(source)}' can't be merged into '{hierarchy.shown_name(destination)}' below it"
        )
    path = [*hierarchy.path_of(destination), destination["_id"]] if destination else []
    _check_depth(source, below, len(path))
    old, new = _prefixes(source, destination)
    renaming = Renaming(source["_id"], old, new, path)
    roots = {identity(each["_id"]): renaming.follow(each) for each in direct}
    # Those directly below get another parent; all others only another name and path.
    others = [each for each in below if identity(each["_id"]) not in roots]
    following = _following(others, renaming, request)
    for changes in (roots.values(), (step.change["$set"] for step in following)):
        _check_names([change["name"] for change in changes if "name" in change], store)
    contents = filters.in_projects([source["_id"]])
    own = {"task": store.tasks.count(contents), "model": store.models.count(contents)}
    counts = {"projects": 1 + len(below), **{f"{kind}s": count for kind, count in own.items() if count}}
    target = destination["_id"] if destination else None
    shown = hierarchy.shown_name(source)
    steps = [
        *(_touch(destination, request, essential=True) for _ in range(1) if destination),
        *following,
        *(_moved(each, roots[identity(each["_id"])], destination, request) for each in direct),
        *(
            Step(kind, "update", contents, {"$set": {"project": target}}, own[kind], "move the contents")
            for kind in KINDS
            if own[kind]
        ),
        Step("project", "delete", {"_id": source["_id"], "company": store.company}, why="merge", name=shown),
    ]
    return Plan(
        endpoint=request.endpoint,
        summary=f"merge the project '{shown}' into "
        + (f"'{hierarchy.shown_name(destination)}'" if destination else "the top level"),
        steps=steps,
        answer={
            "moved_entities": [Count("task", "update"), Count("model", "update")],
            "moved_projects": len(direct),
        },
        counts=counts,
        # All of them: the engine compares them under the lease with those that the user agreed to.
        samples=[_sample(each) for each in (source, *below)],
        notes=[f"its sub-projects move with their tasks and models: {len(below)}"] if below else [],
        question="yes" if counts == {"projects": 1} else "name",
        name=shown,
        removes=1,
        computed=True,
        prefixes=Prefixes(old, new),
        successor=target,
    )


def _all_below(source: Document, store: Store) -> list[Document]:
    """Return all projects that refer to a project that will be removed, or to one of these, in `path` or `parent`.

    Usually these are those below it. A sub-project whose path does not say so is found by its `parent`.
    """
    below = {identity(each["_id"]): each for each in hierarchy.own_tree_below(source, store)}
    children = list(store.projects.find({"parent": {"$in": [source["_id"]]}}, hierarchy.TREE))
    lost = [each for each in children if identity(each["_id"]) not in below]
    # A path may be out of date. Projects that are below by their parent alone would keep a name below one that is gone.
    if lost:
        lost += store.projects.find(filters.below([each["_id"] for each in lost]), hierarchy.TREE)
        hierarchy.check_own(source, lost, store)
        below = {identity(each["_id"]): each for each in lost} | below
        below.pop(identity(source["_id"]), None)  # another tool may have made it its own parent
    return list(below.values())


def _prefixes(source: Document, destination: Document | None) -> tuple[str, str]:
    """Return the leading part of the names of everything below the source, before and after a merge.

    Raises:
        FieldsValueError: one of the two projects has no name.
    """
    for project in filter(None, (source, destination)):
        if type(project.get("name")) is not str or (project is destination and UNREADABLE in project["name"]):
            raise FieldsValueError(
                f"the name of the project {id_text(project['_id'])} is not UTF-8 text, and would be lost",
                hint="rename it first, by its id: projects update ID --name NAME",
            )
    return source["name"], destination["name"] if destination else ""


# --- both ---------------------------------------------------------------------------------------------------------


def _check_depth(root: Document, projects: Iterable[Document], depth: int, *, include: int = 0) -> None:
    """Refuse places that are too deep. `depth` is that of the new parent; `include` is 1 if the root moves itself.

    Raises:
        ProjectPathExceedsMax: a project would have too many levels.
    """
    above = len(hierarchy.path_of(root))
    deepest = max((len(hierarchy.path_of(each)) - above for each in projects), default=0)
    if depth + deepest + include > hierarchy.MAX_DEPTH:
        levels = depth + deepest + include
        raise ProjectPathExceedsMax(f"{levels} levels: at most {hierarchy.MAX_DEPTH} are allowed")


def _check_names(names: Sequence[str], store: Store) -> None:
    """Refuse new names that other projects have: of the company, then public ones."""
    holders: dict[tuple[str, str], Document] = {}
    for start in range(0, len(names), CHUNK):
        holders |= naming.by_name(names[start : start + CHUNK], store)
    taken = next((name for name in names if (name, store.company) in holders), None)
    if taken is not None:
        raise ExpectedUniqueData(f"there is a project named '{taken}' already")
    for name in names:
        naming.check_not_public(name, holders)


def _following(below: Iterable[Document], renaming: Renaming, request: Request) -> list[Step]:
    """Return the steps by which projects below follow, the deepest first."""
    deepest_first = sorted(below, key=lambda each: -len(hierarchy.path_of(each)))
    return [naming.following_step(each, renaming, request) for each in deepest_first]


def _moved(project: Document, place: Document, parent: Document | None, request: Request) -> Step:
    """Return the step that gives a project a new parent, with its name and path if they change."""
    change: Document = {"$set": place | {"last_update": request.now}}
    if parent:
        change["$set"]["parent"] = parent["_id"]
    else:
        change["$unset"] = {"parent": 1}
    return Step(
        "project",
        "update",
        {"_id": project["_id"], "company": request.company},
        change,
        why="move",
        name=hierarchy.shown_name(project),
        essential=True,
        expects={name: project.get(name) for name in ("name", "path", "parent")},
    )


def _touch(project: Document, request: Request, *, essential: bool = False) -> Step:
    """Return the step that sets `last_update`; an essential one only while the project is where it was.

    Without that a server could move the destination away, even below the moved project, between plan and write.
    """
    name = {"name": project["name"]} if type(project.get("name")) is str else {}
    return Step(
        "project",
        "update",
        {"_id": project["_id"], "company": request.company, **(name if essential else {})},
        {"$set": {"last_update": request.now}},
        why="last_update",
        name=hierarchy.shown_name(project),
        essential=essential,
        expects={name: project.get(name) for name in ("name", "path")} if essential else {},
    )


def _is_same(project: Document | None, other: Document | None) -> bool:
    return bool(project and other and _key(project) == _key(other))


def _key(project: Document) -> Hashable:
    return identity(project["_id"])


def _sample(project: Document) -> Sample:
    return Sample(id_text(project["_id"]), hierarchy.shown_name(project))
