"""Distinct values of tasks and models: metrics, hyper-parameters, metadata."""

from __future__ import annotations

import re
from contextlib import suppress
from math import isfinite
from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import hierarchy, scope
from projects_cli.errors import IndexGone, Problem, ValidationError
from projects_cli.extended_json import compact
from projects_cli.messages import Response
from projects_cli.store import filters, pipelines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from projects_cli.messages import Document, Pipeline, Request
    from projects_cli.store.collections import Collection, Store

LARGE = 20_000
"""Tasks of a collection of which some are read first, to pass over others."""

SAMPLE = 1_000
"""Tasks that are read first."""

MOST_SECTIONS = 16
"""Sections of hyper-parameters up to which it is faster to look for other keys than to group all of them."""

MOST_NAMES = 24
MOST_GROUPS = 2
"""Names of metrics and variants, and groups of them, up to which it is faster to look for other pairs than to group all
of them."""

_KEY = re.compile(r"[^.$][^.]*\Z")
"""Keys that a schema can name; no server stores another one."""

_ESCAPED = re.compile("%(%|2E|24|_)")
_CHARACTERS = {"%": "%", "2E": ".", "24": "$", "_": "_"}


# --- pairs and keys -----------------------------------------------------------------------------------------------


def get_unique_metric_variants(request: Request, store: Store) -> Response:
    """Return every (metric, variant) pair of the tasks or models in scope once, with its hashes, in order."""
    collection = store.models if request.params.get("model_metrics") else store.tasks
    condition = scope.chosen(request, store)
    if ids := request.params.get("ids"):
        others = hierarchy.ids_of_other_types(ids, store, collection)
        condition = filters.all_of([condition, {"_id": {"$in": [*ids, *others.values()]}}])
    pairs = _metrics(collection, condition)
    metrics = (
        {"metric": metric, "metric_hash": hashes[0], "variant": variant, "variant_hash": hashes[1]}
        for (metric, variant), hashes in sorted(pairs.items())
    )
    return Response(request.endpoint, {"metrics": metrics})


def _metrics(collection: Collection, condition: Document) -> dict[tuple[str, str], tuple[str, str]]:
    """Return each (metric, variant) pair of the matching documents, with its hashes.

    Most tasks have metrics that many others have. Of a large collection that this company alone uses, the pairs of some
    tasks are read first. Then the server passes over the tasks that have no other pairs, if the names are few enough
    for that; otherwise it groups tasks by all of their metrics first, if many have the same (docs/performance.md).
    """
    stages = pipelines.metric_variants()
    also: Document = {}
    pairs: dict[tuple[str, str], tuple[str, str]] = {}
    if not condition and _is_large(collection):
        with suppress(IndexGone):
            pairs = dict(map(_metric, _of_sample(collection, stages)))
            groups = _alike(pairs)
            names = sum(len(metrics) + len(variants) for metrics, variants in groups)
            if 0 < len(groups) <= MOST_GROUPS and names <= MOST_NAMES:
                also = filters.has_other_pairs("last_metrics", groups)
            elif _have_common_metrics(collection):
                stages = [*pipelines.one_of_each_set(), *stages]
    return dict(map(_metric, scope.aggregate(collection, condition, stages, also=also))) | pairs


def _metric(group: Document) -> tuple[tuple[str, str], tuple[str, str]]:
    return (group["_id"]["metric"], group["_id"]["variant"]), (group["metric_hash"], group["variant_hash"])


def _alike(pairs: Iterable[tuple[str, str]]) -> list[tuple[list[str], list[str]]]:
    """Return groups of metrics that have the same variants, with these: together exactly the pairs."""
    variants: dict[str, set[str]] = {}
    for metric, variant in pairs:
        variants.setdefault(metric, set()).add(variant)
    groups: dict[frozenset[str], list[str]] = {}
    for metric, own in variants.items():
        groups.setdefault(frozenset(own), []).append(metric)
    return [(sorted(metrics), sorted(own)) for own, metrics in groups.items()]


def _have_common_metrics(collection: Collection) -> bool:
    """Return whether it is faster to group documents by all of their metrics first.

    At most one in a hundred may have metrics that no other one has. The first group would become too large otherwise.

    Raises:
        IndexGone: the collection has no index of the ids.
    """
    alone: Pipeline = [{"$match": {"count": 1}}, {"$group": {"_id": None, "count": {"$sum": 1}}}]
    groups = _of_sample(collection, [*pipelines.one_of_each_set(), *alone])
    return bool(sum(group["count"] for group in groups) <= SAMPLE // 100)


def get_hyper_parameters(request: Request, store: Store) -> Response:
    """Return a page of the (section, name) pairs of the tasks in scope, in stored order, unescaped.

    `total` counts all pairs, `remaining` those after the page.
    """
    pairs = sorted(_parameters(store, scope.chosen(request, store)))
    page = _page(pairs, request.params)
    parameters = [{"section": unescaped(section), "name": unescaped(name)} for section, name in page]
    return Response(
        request.endpoint,
        {"parameters": parameters, "remaining": _remaining(pairs, request.params), "total": len(pairs)},
    )


def _parameters(store: Store, condition: Document) -> set[tuple[str, str]]:
    """Return each (section, name) pair of the matching tasks, as stored.

    Most tasks have parameters that many others have. Of a large collection that this company alone uses, the pairs of
    some tasks are read first. Then the server passes over the tasks that have no other pairs (docs/performance.md).
    """
    stages, tasks = pipelines.distinct_parameters(), store.tasks
    pairs: set[tuple[str, str]] = set()
    known: dict[str, list[str]] = {}
    if not condition and _is_large(tasks):
        with suppress(IndexGone):
            pairs = set(map(_pair, _of_sample(tasks, stages)))
        for section, name in pairs:
            if _KEY.match(section) and _KEY.match(name):
                known.setdefault(section, []).append(name)
    also = filters.has_other_keys("hyperparams", known) if len(known) <= MOST_SECTIONS else {}
    return pairs.union(map(_pair, scope.aggregate(tasks, condition, stages, also=also if known else {})))


def _is_large(collection: Collection) -> bool:
    """Return whether a collection has so many documents, all of this company, that reading some first is worth it."""
    return collection.estimated_count() >= LARGE and bool(scope.natural_order_hint(collection, collection.companies))


def _of_sample(collection: Collection, stages: Pipeline) -> Iterator[Document]:
    """Stream what the stages return for the first documents by id: ids are random, so they are of all ages.

    Raises:
        IndexGone: the collection has no index of the ids, as a clustered one.
    """
    first: Pipeline = [{"$sort": {"_id": 1}}, {"$limit": SAMPLE}]
    return collection.aggregate({}, [*first, *stages], hint="_id_")


def _pair(group: Document) -> tuple[str, str]:
    return group["_id"]["section"], group["_id"]["name"]


def get_model_metadata_keys(request: Request, store: Store) -> Response:
    """Return a page of the distinct metadata keys of the models in scope, in stored order, unescaped."""
    stages = pipelines.distinct_keys("metadata")
    keys = [group["_id"] for group in scope.aggregate(store.models, scope.chosen(request, store), stages)]
    page = [unescaped(key) for key in _page(keys, request.params)]
    return Response(request.endpoint, {"total": len(keys), "remaining": _remaining(keys, request.params), "keys": page})


# --- values -------------------------------------------------------------------------------------------------------


def get_hyperparam_values(request: Request, store: Store) -> Response:
    """Return a page of the distinct values of a hyper-parameter of the tasks in scope, numbers first.

    Raises:
        ValidationError: the section or the name is blank. InvalidRegexError: the pattern is malformed.
    """
    keys = [_stored_key(request, parameter) for parameter in ("section", "name")]
    return _values(request, store, store.tasks, ["hyperparams", *keys])


def get_model_metadata_values(request: Request, store: Store) -> Response:
    """Return a page of the distinct values of a metadata key of the models in scope, numbers first.

    Raises:
        ValidationError: the key is blank.
    """
    return _values(request, store, store.models, ["metadata", _stored_key(request, "key")])


def _stored_key(request: Request, parameter: str) -> str:
    """Return the key under which a section, a name or a metadata key is stored."""
    key = request.params[parameter].strip()
    if not key:
        path = f"params.{parameter}"
        raise ValidationError(f"{path}: is blank", problems=[Problem(path, "is blank")])
    return escaped(key)


def _values(request: Request, store: Store, collection: Collection, path: Sequence[str]) -> Response:
    params = request.params
    company = store.company if params.get("allow_public") is False else None
    field = ".".join([*path, "value"])
    if "\0" in field:  # no document has such a key, and no query can name it
        return Response(request.endpoint, {"total": 0, "values": []})
    stages = pipelines.distinct_field(field, params.get("pattern"))
    condition = scope.chosen(request, store)
    # Most documents lack the parameter: they are passed over before they are grouped.
    groups = scope.aggregate(collection, condition, stages, company=company, also=filters.has_field(field))
    values = sorted((group["_id"] for group in groups if group["_id"] is not None), key=_by_value)
    page = _page(values, params) if "page" in params else values  # versions without pages return everything
    return Response(request.endpoint, {"total": len(values), "values": page})


def _by_value(value: Any) -> tuple[bool, float, str, bool]:
    """Return the place of a value: finite numbers first, by value, then the others by code point."""
    text = compact(value)
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    place = (False, number, text) if isfinite(number) else (True, 0.0, text)
    return (*place, type(value) is str)


# --- pages and keys -----------------------------------------------------------------------------------------------


def _page(items: Sequence[Any], params: Mapping[str, Any]) -> Sequence[Any]:
    start, size = _bounds(params)
    return items[start : start + size]


def _remaining(items: Sequence[Any], params: Mapping[str, Any]) -> int:
    return max(0, len(items) - sum(_bounds(params)))


def _bounds(params: Mapping[str, Any]) -> tuple[int, int]:
    """Return start and size of a page. A page below 0 counts as 0, a size below 1 as 1."""
    size = max(1, params["page_size"])
    return max(0, params["page"]) * size, size


def escaped(key: str) -> str:
    """Return a key as it is stored (docs/data-model.md, `task`)."""
    key = key.replace("%", "%%").replace(".", "%2E").replace("$", "%24").replace("__", "%_%_")
    return f"%{key}" if key.startswith("_") else key


def unescaped(key: str) -> str:
    """Return a key as users wrote it: `%%`, `%2E`, `%24`, `%_` stand for `% . $ _` (docs/data-model.md, `task`)."""
    return _ESCAPED.sub(lambda match: _CHARACTERS[match.group(1)], key)
