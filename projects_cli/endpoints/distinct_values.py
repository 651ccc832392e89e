"""Distinct values of tasks and models: metrics, hyper-parameters and tags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import hierarchy
from projects_cli.errors import IndexGone
from projects_cli.messages import Response
from projects_cli.store import deployment, filters, index_match, pipelines
from projects_cli.store.collections import NATURAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projects_cli.messages import Document, Pipeline, Request
    from projects_cli.store.collections import Collection, Store

DOCUMENTS_PER_STEP = 500
"""Index steps are limited to one per this many documents: a step takes as long as reading about a hundred of them."""

_ESCAPED = re.compile("%(%|2E|24|_)")
_CHARACTERS = {"%": "%", "2E": ".", "24": "$", "_": "_"}


def get_unique_metric_variants(request: Request, store: Store) -> Response:
    """Return every (metric, variant) pair of the tasks in scope once, with its hashes, by metric, then variant."""
    pairs = _of_tasks(request, store, pipelines.metric_variants())
    metrics = (
        {
            "metric": pair["_id"]["metric"],
            "metric_hash": pair["metric_hash"],
            "variant": pair["_id"]["variant"],
            "variant_hash": pair["variant_hash"],
        }
        for pair in pairs
    )
    return Response(request.endpoint, {"metrics": metrics})


def get_hyper_parameters(request: Request, store: Store) -> Response:
    """Return a page of the (section, name) pairs of the tasks in scope, in stored order, unescaped.

    `total` counts all pairs, `remaining` those after the page.
    """
    pairs = [pair["_id"] for pair in _of_tasks(request, store, pipelines.distinct_parameters())]
    size = max(1, request.params["page_size"])
    start = max(0, request.params["page"]) * size
    page = pairs[start : start + size]
    parameters = [{key: unescaped(pair[key]) for key in ("section", "name")} for pair in page]
    remaining = max(0, len(pairs) - start - size)
    return Response(request.endpoint, {"parameters": parameters, "remaining": remaining, "total": len(pairs)})


def unescaped(key: str) -> str:
    """Return a key as users wrote it: `%%`, `%2E`, `%24`, `%_` stand for `% . $ _` (docs/data-model.md, `task`)."""
    return _ESCAPED.sub(lambda match: _CHARACTERS[match.group(1)], key)


def _of_tasks(request: Request, store: Store, stages: Pipeline) -> Iterator[Document]:
    """Aggregate the tasks of a project and of all below it; without a project all tasks, own and public."""
    project = request.params.get("project")
    condition = filters.in_projects(_ids_within([project], store)) if project else {}
    return _aggregate(store.tasks, condition, stages)


# --- tags ---------------------------------------------------------------------------------------------------------


def get_task_tags(request: Request, store: Store) -> Response:
    """Return the distinct tags of the company's own tasks, archived ones included, sorted."""
    return _tags(request, store, store.tasks)


def get_model_tags(request: Request, store: Store) -> Response:
    """Return the distinct tags of the company's own models, archived ones included, sorted."""
    return _tags(request, store, store.models)


def _tags(request: Request, store: Store, collection: Collection) -> Response:
    projects = request.params.get("projects")
    tag_filter = request.params.get("filter") or {}
    condition = filters.all_of(
        [
            filters.in_projects(_ids_within(projects, store)) if projects else {},
            *(filters.in_list(name, tag_filter.get(name)) for name in ("tags", "system_tags")),
        ]
    )
    names = ["tags", "system_tags"] if request.params.get("include_system") else ["tags"]
    return Response(request.endpoint, {name: _distinct(store, collection, condition, name) for name in names})


def _distinct(store: Store, collection: Collection, condition: Document, name: str) -> list[str]:
    """Return each text of a list once, sorted. An index alone answers if there is no filter and a suitable index."""
    try:
        texts = None if condition else _distinct_from_index(store, collection, name)
    except IndexGone:  # it was dropped after it was chosen
        texts = None
    if texts is None:
        groups = _aggregate(collection, condition, pipelines.distinct_items(name), company=store.company)
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


# --- both ---------------------------------------------------------------------------------------------------------


def _ids_within(projects: Sequence[str], store: Store) -> list[Any]:
    """Return the ids of these projects and of all below them, hidden ones included, without unknown ones."""
    known = [project["_id"] for project in store.projects.find({"_id": {"$in": list(projects)}}, {"_id": 1})]
    known += hierarchy.ids_of_other_types(set(projects).difference(known), store).values()
    below = store.projects.find(filters.below(known), {"_id": 1}) if known else ()
    return hierarchy.distinct([*known, *(project["_id"] for project in below)])


def _aggregate(
    collection: Collection, condition: Document, stages: Pipeline, *, company: str | None = None
) -> Iterator[Document]:
    """Stream what the stages return for the matching documents of a company, or for all that can be read."""
    companies = collection.companies if company is None else [company]
    hint = None if condition else natural_order_hint(collection, companies)
    own: Document = {} if company is None else {"company": company}
    return collection.aggregate(filters.all_of([own, filters.not_a_list(), condition]), stages, hint=hint)


def natural_order_hint(collection: Collection, companies: Sequence[str]) -> str | None:
    """Return the hint to read documents in stored order if all of them are of these companies, else None.

    MongoDB itself would choose an index of the company, and fetch every document at random (docs/performance.md).
    """
    by_company = index_match.led_by(collection.indexes(), "company")
    try:
        alone = by_company is not None and not collection.has_others(companies, by_company)
    except IndexGone:
        return None
    return NATURAL if alone else None
