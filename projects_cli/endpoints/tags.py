"""The tags that tasks and models use: get_task_tags, get_model_tags; and the tags of a project, edited one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import hierarchy, lifecycle, scanning
from projects_cli.errors import FieldsValueError, IndexGone
from projects_cli.messages import Response
from projects_cli.store import deployment, filters, index_match, pipelines
from projects_cli.store.bson_codec import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projects_cli.messages import Document, Plan, Request
    from projects_cli.store.collections import Collection, Store

DOCUMENTS_A_STEP = 500
"""A step into an index takes the time in which a hundred documents are read: so many steps are worth trying."""


def get_task_tags(request: Request, store: Store) -> Response:
    """The distinct tags of the company's own tasks, archived ones too, sorted."""
    return _tags(request, store, store.tasks)


def get_model_tags(request: Request, store: Store) -> Response:
    """The distinct tags of the company's own models, archived ones too, sorted."""
    return _tags(request, store, store.models)


def _tags(request: Request, store: Store, collection: Collection) -> Response:
    names = ["tags", "system_tags"] if request.params.get("include_system") else ["tags"]
    condition = _entities(request, store)
    found = {name: _distinct(store, collection, condition, name) for name in names}
    return Response(request.endpoint, found)


def _distinct(store: Store, collection: Collection, condition: Document, name: str) -> list[str]:
    """Give each text of a list once, sorted; by the indexes that are there, where everything is asked for."""
    try:
        found = None if condition else _from_an_index(store, collection, name)
    except IndexGone:  # since it was looked for
        found = None
    if found is None:
        own = filters.all_of([{"company": store.company}, filters.not_a_list(), condition])
        hint = None if condition else scanning.hint(collection, [store.company])
        found = [group["_id"] for group in collection.aggregate(own, pipelines.distinct_items(name), hint=hint)]
    return sorted(found)


def _from_an_index(store: Store, collection: Collection, name: str) -> list[str] | None:
    """Give each text of a list once, of all the company's documents; None where no index says it soon and rightly.

    A cluster keeps documents for a while that have moved on to another of its parts, and indexes do not tell them.
    """
    described = collection.indexes()
    by_company, alone = index_match.led_by(described, "company"), index_match.exactly(described, [name])
    if deployment.topology(deployment.hello(store.connection)) == "sharded":
        return None
    if by_company and alone:
        items = collection.items_of_all(store.company, name, index=alone, by_company=by_company)
        if items is not None:
            return [item for item in items if isinstance(item, str)]
    if index := index_match.exactly(described, ["company", name]):
        return collection.texts(store.company, name, index, collection.estimated_count() // DOCUMENTS_A_STEP)
    return None


def _entities(request: Request, store: Store) -> Document:
    """Match the tasks or models of the given projects and those below that pass `filter`; `{}` for all."""
    asked = request.params.get("filter") or {}
    projects = request.params.get("projects")
    return filters.all_of(
        [
            filters.in_projects(hierarchy.ids_within(projects, store)) if projects else {},
            *(filters.in_list(name, asked.get(name)) for name in ("tags", "system_tags")),
        ]
    )


def edit_tags(request: Request, store: Store, *, add: Sequence[str], remove: Sequence[str]) -> Plan:
    """Plan the update of a project whose stored tags are kept, but for those that are added and removed.

    The change is made only if the tags are still as they were read; else it is planned again. Stored tags are not
    checked: another tool may have stored what this one refuses.

    Raises:
        ServiceError: see `lifecycle.update`.
    """
    lifecycle.check_tags(request.params)
    stored = hierarchy.readable_project(request.params["project"], store, {"tags": 1})
    kept = [tag for tag in _as_tags(stored.get("tags")) if tag not in remove]
    if any(isinstance(tag, str) and UNREADABLE in tag for tag in kept):
        raise FieldsValueError(
            "tags: a stored tag is not UTF-8 text, and would be lost", hint="set them all: --tag TAG"
        )
    tags = [*kept, *add]
    edited = request._replace(params={**request.params, "tags": tags})
    plan = lifecycle.plan_update(edited, store, skip_unchanged=True)
    if not plan.steps:
        return plan
    own = replace(plan.steps[0], expects={"tags": stored.get("tags")})
    return plan._replace(steps=[own, *plan.steps[1:]], computed=True)


def _as_tags(value: object) -> list[Any]:
    """Return stored tags as a list; a value that was stored without its list is its only item."""
    if isinstance(value, list):
        return value
    return [] if value is None or value == "" else [value]
