"""The distinct tags of tasks, models and projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.endpoints import scope
from projects_cli.errors import IndexGone
from projects_cli.messages import Response
from projects_cli.store import deployment, filters, index_match, pipelines

if TYPE_CHECKING:
    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Collection, Store

DOCUMENTS_PER_STEP = 500
"""Index steps are limited to one per this many documents: a step takes as long as reading about a hundred of them."""


def get_task_tags(request: Request, store: Store) -> Response:
    """Return the distinct tags of the company's own tasks, archived ones included, sorted."""
    return Response(request.endpoint, _tags(request, store, store.tasks))


def get_model_tags(request: Request, store: Store) -> Response:
    """Return the distinct tags of the company's own models, archived ones included, sorted."""
    return Response(request.endpoint, _tags(request, store, store.models))


def get_project_tags(request: Request, store: Store) -> Response:
    """Return the distinct tags of the company's own projects, hidden ones included; always with `system_tags`."""
    tags = _tags(request, store, store.projects)
    return Response(request.endpoint, {"tags": tags["tags"], "system_tags": tags.get("system_tags", [])})


def _tags(request: Request, store: Store, collection: Collection) -> dict[str, list[str]]:
    projects: Document = {}
    if request.params.get("projects"):
        ids = scope.ids_of(request.params["projects"], store)
        projects = {"_id": {"$in": ids}} if collection is store.projects else filters.in_projects(ids)
    tag_filter = request.params.get("filter") or {}
    condition = filters.all_of(
        [
            projects,
            *(filters.in_list(name, tag_filter.get(name)) for name in ("tags", "system_tags")),
        ]
    )
    names = ["tags", "system_tags"] if request.params.get("include_system") else ["tags"]
    return {name: distinct(store, collection, condition, name) for name in names}


def distinct(store: Store, collection: Collection, condition: Document, name: str) -> list[str]:
    """Return each text of a list once, sorted. An index alone answers if there is no filter and a suitable index."""
    try:
        texts = None if condition else _distinct_from_index(store, collection, name)
    except IndexGone:  # it was dropped after it was chosen
        texts = None
    if texts is None:
        groups = scope.aggregate(collection, condition, pipelines.distinct_items(name), company=store.company)
        texts = [group["_id"] for group in groups]
    return sorted(texts)


def _distinct_from_index(store: Store, collection: Collection, name: str) -> list[str] | None:
    """Return each text of a list once, of all the company's documents; None if no index is fast and correct for it."""
    indexes = collection.indexes()
    by_company, by_name = index_match.led_by(indexes, "company"), index_match.exactly(indexes, [name])
    # A shard keeps documents for a while that have moved to another one, and its indexes still hold them.
    if deployment.topology(deployment.hello(store.connection)) == "sharded":
        return None
    if by_company and by_name:
        items = collection.items_of_all(store.company, name, index=by_name, by_company=by_company)
        if items is not None:
            return [item for item in items if isinstance(item, str)]
    if index := index_match.exactly(indexes, ["company", name]):
        return collection.texts(store.company, name, index, collection.estimated_count() // DOCUMENTS_PER_STEP)
    return None
