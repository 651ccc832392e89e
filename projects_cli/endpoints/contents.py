"""Projects selected by their contents: the parameters `active_users` and `children_type` (docs/semantics.md)."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from projects_cli.endpoints.hierarchy import chunks, path_of
from projects_cli.extended_json import can_be_id, identity
from projects_cli.store import filters, pipelines

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from projects_cli.messages import Document
    from projects_cli.store.collections import Collection, Store

REPORTS = "reports"


def by_users(params: Mapping[str, Any]) -> Document:
    """Return the condition on documents that one of the active users created, `{}` if none are named."""
    return {"user": {"$in": users}} if (users := params.get("active_users")) else {}


def by_children_tags(params: Mapping[str, Any]) -> Document:
    """Return the condition on the tags of children, `{}` without a children type.

    Raises:
        FieldsValueError: the list has an invalid operator.
    """
    if not params.get("children_type"):
        return {}
    if (wanted := params.get("children_tags_filter")) is not None:
        return filters.list_filter("tags", wanted, "params.children_tags_filter")
    return filters.in_list("tags", params.get("children_tags"))


def selected(params: Mapping[str, Any], store: Store, by_id: Document) -> dict[Hashable, Any]:
    """Return the ids of the matching projects and of all their ancestors, by their keys.

    `by_id` is the filter of the parameter `id`, `{}` without: matches are then looked for below these projects only.

    Raises:
        FieldsValueError: `children_tags` has an invalid operator.
    """
    kind = params.get("children_type")
    public = params.get("allow_public", not params.get("non_public"))
    own: Document = {} if public else {"company": store.company}
    condition = filters.all_of([own, by_users(params)])
    roots = None
    if by_id:
        roots = [project["_id"] for project in store.projects.scan(by_id, {"_id": 1})]
    if kind in ("pipeline", "dataset"):
        # The containers of pipelines and datasets have the tag too, and are neither.
        entity = {"system_tags": kind, "basename": {"$ne": f".{kind}s"}}
        rows = _below(roots, filters.all_of([condition, entity, by_children_tags(params)]), store)
    elif kind:
        reports = filters.all_of([condition, {"system_tags": REPORTS}, by_children_tags(params)])
        rows = _with_contents([store.tasks], reports, own, roots, store)
    else:
        of_project = store.projects.scan(condition, {"path": 1})
        rows = chain(of_project, _with_contents([store.tasks, store.models], condition, own, roots, store))
    ids: dict[Hashable, Any] = {}
    for project in rows:
        for identifier in (project["_id"], *path_of(project)):
            ids[identity(identifier)] = identifier
    return ids


def _below(roots: list[Any] | None, condition: Document, store: Store) -> Iterator[Document]:
    """Stream the matching projects below some projects, or everywhere, as `{_id, path}`."""
    scopes = ({},) if roots is None else map(filters.below, chunks(roots))
    return chain.from_iterable(store.projects.scan(filters.all_of([scope, condition]), {"path": 1}) for scope in scopes)


def _with_contents(
    collections: list[Collection], condition: Document, own: Document, roots: list[Any] | None, store: Store
) -> Iterator[Document]:
    """Stream the projects with matching tasks or models, of the trees of some projects or of all."""
    scopes: list[Document] = [{}]
    if roots is not None:
        tree = {identity(identifier): identifier for identifier in roots}
        tree |= {identity(project["_id"]): project["_id"] for project in _below(roots, {}, store)}
        scopes = list(map(filters.in_projects, chunks(tree.values())))
    groups = chain.from_iterable(
        collection.aggregate(filters.all_of([scope, condition]), pipelines.by_project())
        for collection in collections
        for scope in scopes
    )
    # Tasks may refer to a project by something that can be no id.
    places = {identity(group["_id"]): group["_id"] for group in groups if can_be_id(group["_id"])}
    return chain.from_iterable(
        store.projects.scan(filters.all_of([{"_id": {"$in": chunk}}, own]), {"path": 1})
        for chunk in chunks(places.values())
    )
