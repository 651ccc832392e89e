"""The documents to which tasks and models refer: parent tasks and users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.endpoints import fields, scope
from projects_cli.endpoints.catalog import Lookup
from projects_cli.endpoints.hierarchy import chunks
from projects_cli.extended_json import can_be_id, compact
from projects_cli.messages import Response
from projects_cli.store import filters, pipelines

if TYPE_CHECKING:
    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Collection, Store

STATES = {"active": filters.not_archived(), "archived": filters.archived()}


def get_task_parents(request: Request, store: Store) -> Response:
    """Return the tasks that are the parent of a task in scope, by name, each with its project.

    Raises:
        InvalidRegexError: `task_name` is malformed.
    """
    params = request.params
    state = STATES.get(params.get("tasks_state", ""), {})
    condition = filters.all_of([scope.chosen(request, store), state])
    named = filters.pattern("name", params["task_name"]) if params.get("task_name") else {}
    parents = _referenced(store.tasks, condition, "parent", store.tasks, named, {"name": 1, "project": 1})
    projects = Lookup("parent", ["name"], store)
    projects.read(parent.get("project") for parent in parents)
    for parent in parents:
        project = parent.pop("project", None)
        if project is not None and project != "":
            parent["project"] = projects.of(project)
    return Response(request.endpoint, {"parents": parents})


def get_user_names(request: Request, store: Store) -> Response:
    """Return the company's own users who created tasks or models in scope, by name."""
    collection = store.models if request.params.get("entity") == "model" else store.tasks
    own = {"company": store.company}
    users = _referenced(collection, scope.chosen(request, store), "user", store.users, own, {"name": 1})
    return Response(request.endpoint, {"users": users})


def _referenced(
    collection: Collection, condition: Document, field: str, target: Collection, matching: Document, wanted: Document
) -> list[Document]:
    """Return the fields `wanted` of the matching documents to which a field of others refers, by name, then id.

    `condition` selects the documents of `collection` that refer to others by `field`; these are in `target`.
    """
    groups = scope.aggregate(collection, condition, pipelines.distinct_field(field))
    ids = [group["_id"] for group in groups if group["_id"] != "" and can_be_id(group["_id"])]
    # One query at least: MongoDB has to see a malformed pattern.
    documents = [
        fields.as_stored(stored)
        for chunk in list(chunks(ids)) or [[]]
        for stored in target.find(filters.all_of([{"_id": {"$in": chunk}}, matching]), wanted)
    ]
    return sorted(documents, key=lambda document: (compact(document.get("name", "")), compact(document["id"])))
