"""The endpoints delete and validate_delete (docs/semantics.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import deleted_contents as contents
from projects_cli.endpoints import hierarchy, refusals
from projects_cli.extended_json import id_text, identity
from projects_cli.messages import Count, Plan, Response, Sample, Step
from projects_cli.store import filters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Collection, Store

REPORT = {"system_tags": "reports"}
NOT_REPORT = {"system_tags": {"$ne": "reports"}}
MEGABYTE = 1_000_000


# --- validate_delete ----------------------------------------------------------------------------------------------


def validate_delete(request: Request, store: Store) -> Response:
    """Count what a project and its sub-projects hold. Before 2.26 pipelines, datasets and reports are not reported.

    Raises:
        InvalidProjectId, NoWritePermission: see `hierarchy.writable_project`.
    """
    tree = _readable_tree(request.params["project"], store)
    data = {
        "tasks": _count(store.tasks, tree.rest, NOT_REPORT),
        "non_archived_tasks": _count(store.tasks, tree.rest, NOT_REPORT, filters.not_archived()),
        "models": _count(store.models, tree.rest),
        "non_archived_models": _count(store.models, tree.rest, filters.not_archived()),
    }
    if request.is_at_least("2.26"):
        data |= {
            "pipelines": len(refusals.counts(refusals.PIPELINES, tree.contents[refusals.PIPELINES], store)),
            "datasets": len(refusals.counts(refusals.DATASETS, tree.contents[refusals.DATASETS], store)),
            "reports": _count(store.tasks, tree.rest, REPORT),
            "non_archived_reports": _count(store.tasks, tree.rest, REPORT, filters.not_archived()),
        }
    return Response(request.endpoint, data)


def blockers(project: str, store: Store) -> list[Document]:
    """Return all contents that refuse a delete without `force`, by kind and project, each with a command to clear it.

    Raises:
        InvalidProjectId, NoWritePermission: see `hierarchy.writable_project`.
    """
    tree = _readable_tree(project, store)
    by_kind = {kind: refusals.counts(kind, ids, store) for kind, ids in tree.contents.items()}
    return [dict(problem.details or {}) for problem in refusals.problems(tree, by_kind, store)]


def _readable_tree(project: str, store: Store) -> refusals.Tree:
    """Return an own project with all projects below it. Public ones count here, although `delete` refuses them."""
    root = hierarchy.writable_project(project, store)
    return refusals.Tree.of([root, *hierarchy.tree_below(root, store)])


def _count(collection: Collection, ids: Sequence[Any], *conditions: Document) -> int:
    return sum(
        collection.count(filters.all_of([filters.in_projects(chunk), *conditions])) for chunk in refusals.chunks(ids)
    )


# --- delete -------------------------------------------------------------------------------------------------------


def delete(request: Request, store: Store, *, only_archived: bool = False) -> Plan[Step]:
    """Plan the removal of a project and its sub-projects. Tasks and models lose their project, or are removed as well.

    The response is `{deleted, disassociated_tasks}`, from 2.13 on with `{deleted_models, deleted_tasks}`, and with
    `{urls}` if the contents are deleted. With `only_archived` only archived ones are: others that a server puts into a
    project meanwhile lose their project.

    Raises:
        ServiceError: the first of the checks of docs/semantics.md (delete) that fails.
    """
    project = hierarchy.writable_project(request.params["project"], store)
    every = [project, *hierarchy.own_tree_below(project, store)]
    if not request.params.get("force"):
        with_contents = bool(request.params.get("delete_contents"))
        refusals.check(refusals.Tree.of(every), store, with_contents=with_contents)
    ids = [each["_id"] for each in every]
    named = [(each, hierarchy.shown_name(each)) for each in every]
    name = named[0][1]
    removed = [
        Step("project", "delete", {"_id": each["_id"], "company": store.company}, why="delete", name=each_name)
        # The deepest first: a reader never sees a project whose parent is gone.
        for each, each_name in sorted(named, key=lambda pair: -len(hierarchy.path_of(pair[0])))
    ]
    answer: Document = {"deleted": Count("project", "delete")}
    notes = _places(project, every, store)
    if request.params.get("delete_contents"):
        files = contents.Files.of(ids, store, hand_over=request.params.get("delete_external_artifacts", True))
        before = _references(ids, request, store)
        tasks, models = (_remove(kind, ids, store, only_archived=only_archived) for kind in ("task", "model"))
        after = _hand_over(files.external, project, request)
        answer |= {"disassociated_tasks": 0, "urls": files.answer}
        answer |= {"deleted_models": Count("model", "delete"), "deleted_tasks": Count("task", "delete")}
        notes += _notes(sum(step.size for step in (*tasks, *models)), files)
    else:
        # Contents that stay keep their references.
        before, after = [], []
        tasks, models = (_leave("task", ids, store), _leave("model", ids, store))
        answer |= {"disassociated_tasks": Count("task", "update")}
        if request.is_at_least("2.13"):
            answer |= {"deleted_models": 0, "deleted_tasks": 0}
    counts = {
        "projects": len(ids),
        "tasks": sum(step.count for step in tasks),
        "models": sum(step.count for step in models),
    }
    return Plan(
        endpoint=request.endpoint,
        summary=f"delete the project '{name}'"
        + (f" with its {'archived ' * only_archived}tasks and models" if request.params.get("delete_contents") else ""),
        steps=[*before, *tasks, *models, *removed, *after],
        answer=answer,
        counts=counts | {"references": sum(step.count for step in before)} if before else counts,
        samples=[Sample(id_text(each["_id"]), each_name) for each, each_name in named],
        question="yes" if counts == {"projects": 1, "tasks": 0, "models": 0} else "name",
        name=name,
        notes=notes,
        removes=len(ids),
    )


def _places(root: Document, every: Sequence[Document], store: Store) -> list[str]:
    """Return notes on what stays, because a project is not removed while one is below it by its `parent`.

    Another tool may have stored a `path` that does not say so, or made a project its own descendant.
    """
    keys = {identity(each["_id"]): each["_id"] for each in every}
    if identity(root.get("parent")) in keys.keys() - {identity(root["_id"])}:
        return [f"'{hierarchy.shown_name(root)}' is below itself, and stays: see projects doctor"]
    return [
        f"'{hierarchy.shown_name(child)}' ({id_text(child['_id'])}) is below one of the projects, but its path does "
        "not say so: it stays, with all above it; see projects doctor"
        for chunk in refusals.chunks(list(keys.values()))
        for child in store.projects.find(filters.children(chunk), {"name": 1})
        if identity(child["_id"]) not in keys
    ][: hierarchy.SHOWN]


def _references(ids: Sequence[Any], request: Request, store: Store) -> list[Step]:
    """Return the steps that clear references to the contents of these projects from elsewhere."""
    steps = []
    for kind in ("task", "model"):
        references = contents.References(kind, ids, request.user, request.now)
        count = sum(1 for _ in references.edits(store))
        if count:
            steps.append(Step(kind, "update", {}, {}, count, "clear references", edits=references))
    return steps


def _remove(kind: Any, ids: Sequence[Any], store: Store, *, only_archived: bool) -> list[Step]:
    """Return the steps that remove the tasks or models of these projects, or only the archived ones."""
    steps = []
    total: Document = {"_id": None, "count": {"$sum": 1}, "size": {"$sum": {"$bsonSize": "$$ROOT"}}}
    for chunk in refusals.chunks(ids):
        condition = filters.all_of([filters.in_projects(chunk), filters.archived() if only_archived else {}])
        steps += [
            Step(kind, "delete", condition, {}, sums["count"], "delete", size=sums["size"])
            for sums in store.named(kind).aggregate(condition, [{"$group": total}])
        ]
    return steps


def _hand_over(urls: Sequence[str], project: Document, request: Request) -> list[Step]:
    """Return the step that hands URLs over to the server's clean-up job.

    It comes last: the job must not delete files of tasks that are still there.
    """
    if not urls:
        return []
    handed_over = contents.HandedOver(urls, project["_id"], request.user, request.now, request.new_id)
    return [Step("url_to_delete", "insert", {}, {}, len(urls), "hand over to the clean-up job", edits=handed_over)]


def _notes(size: int, files: contents.Files) -> list[str]:
    """Return what a user has to know before contents are deleted."""
    remaining = len({*files.model_urls, *files.artifact_urls})
    needed = f"{size / MEGABYTE:.1f} MB" if size >= MEGABYTE else f"{-(-size // 1000)} kB"
    notes = [f"the journal needs {needed} for the tasks and models, so that undo can restore them"] if size else []
    notes.append(
        f"events in Elasticsearch and stored files are not touched; URLs that remain: {remaining} (--urls-file)"
    )
    if files.external:
        notes.append(
            f"URLs of external storage that the server's clean-up job gets: {len(files.external)}; "
            "undo can't restore the files that it has deleted"
        )
    return notes


def _leave(collection: Any, ids: Sequence[Any], store: Store) -> list[Step]:
    """Return the steps that remove tasks or models from these projects. No other field of them changes."""
    steps = []
    for chunk in refusals.chunks(ids):
        condition = filters.in_projects(chunk)
        count = store.named(collection).count(condition)
        if count:
            steps.append(Step(collection, "update", condition, {"$set": {"project": None}}, count, "leave the project"))
    return steps
