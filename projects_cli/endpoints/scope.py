"""The tasks and models that a request chooses by projects, and aggregations of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import hierarchy
from projects_cli.errors import IndexGone
from projects_cli.store import filters, index_match
from projects_cli.store.reading import NATURAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projects_cli.messages import Document, Pipeline, Request
    from projects_cli.store.collections import Collection, Store

OF_ONE_PROJECT = frozenset(
    f"projects.{name}" for name in ("get_unique_metric_variants", "get_hyper_parameters", "get_model_metadata_keys")
)
"""Endpoints that choose by one `project`; the others choose by `projects`."""


def chosen(request: Request, store: Store) -> Document:
    """Return the filter for the tasks or models that a request chooses; `{}` for all that can be read.

    The rules are in docs/semantics.md (choosing projects). An id that is unknown or foreign chooses nothing.
    """
    params = request.params
    below = params.get("include_subprojects", True)  # versions without the parameter include sub-projects
    projects: Sequence[str | None] = params.get("projects") or []
    if request.endpoint in OF_ONE_PROJECT:
        project = params.get("project")
        projects = [project] if project else [] if below else [None]
    if not projects:
        return {}
    within = filters.in_projects(ids_of([project for project in projects if project], store, below=below))
    return filters.any_of([within, filters.in_no_project()]) if None in projects else within


def ids_of(projects: Sequence[str], store: Store, *, below: bool = True) -> list[Any]:
    """Return the ids of these projects, without unknown ones, and of all `below` them, hidden ones included."""
    known = [project["_id"] for project in store.projects.find({"_id": {"$in": list(projects)}}, {"_id": 1})]
    known += hierarchy.ids_of_other_types(set(projects).difference(known), store).values()
    if not (below and known):
        return known
    subprojects = store.projects.find(filters.below(known), {"_id": 1})
    return hierarchy.distinct([*known, *(project["_id"] for project in subprojects)])


def aggregate(
    collection: Collection,
    condition: Document,
    stages: Pipeline,
    *,
    company: str | None = None,
    also: Document | None = None,
) -> Iterator[Document]:
    """Stream what the stages return for the matching documents of a company, or for all that can be read.

    `also` is a condition that no index serves: it does not keep all documents from being read in stored order.
    """
    companies = collection.companies if company is None else [company]
    hint = None if condition else natural_order_hint(collection, companies)
    own: Document = {} if company is None else {"company": company}
    filter_ = filters.all_of([own, condition, also or {}])
    return collection.aggregate(filter_, stages, hint=hint)


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
