"""The tags that tasks and models use: get_task_tags, get_model_tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.endpoints import hierarchy
from projects_cli.endpoints.fields import as_list
from projects_cli.messages import Response
from projects_cli.store import filters, pipelines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Collection, Store


def get_task_tags(request: Request, store: Store) -> Response:
    """The distinct tags of the company's own tasks, archived ones too, sorted."""
    return _tags(request, store, store.tasks)


def get_model_tags(request: Request, store: Store) -> Response:
    """The distinct tags of the company's own models, archived ones too, sorted."""
    return _tags(request, store, store.models)


def _tags(request: Request, store: Store, collection: Collection) -> Response:
    names = ["tags", "system_tags"] if request.params.get("include_system") else ["tags"]
    condition = _entities(request, store)
    found = {name: _distinct(collection, condition, name) for name in names}
    return Response(request.endpoint, found)


def _distinct(collection: Collection, condition: Document, name: str) -> list[str]:
    return sorted(group["_id"] for group in collection.aggregate(condition, pipelines.distinct_items(name)))


def _entities(request: Request, store: Store) -> Document:
    """Match the company's own tasks or models, of the given projects and those below, that pass `filter`."""
    asked = request.params.get("filter") or {}
    projects = request.params.get("projects")
    return filters.all_of(
        [
            {"company": store.company},
            filters.in_projects(hierarchy.ids_within(projects, store)) if projects else {},
            *(filters.in_list(name, asked.get(name)) for name in ("tags", "system_tags")),
        ]
    )


def edited_tags(project: str, add: Sequence[str], remove: Sequence[str], store: Store) -> list[str]:
    """Give a project's tags with some added and some removed.

    Raises:
        InvalidProjectId: no such project.
    """
    stored = as_list(hierarchy.readable_project(project, store, {"tags": 1}).get("tags"))
    return [*(tag for tag in stored if tag not in remove), *add]
