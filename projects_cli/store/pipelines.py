"""Stages of aggregations. Pure; the first `$match` is added by the collection.

Types are checked after a group, when few documents are left; by `$expr`, since a `$type` in a filter looks into lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from projects_cli.messages import Document, Pipeline


def by_project() -> Pipeline:
    """Count tasks or models by the project that they are in: `{_id: project, count}`; an index can serve it alone."""
    return [{"$group": {"_id": "$project", "count": {"$sum": 1}}}]


def last_activity() -> Pipeline:
    """Return the latest `last_update` or `last_change` of each project's tasks or models: `{_id: project, latest}`.

    Only dates count; MongoDB sorts them above texts and numbers, and `$max` ignores null.
    """
    times = [{"$cond": [_is(f"${name}", "date"), f"${name}", None]} for name in ("last_update", "last_change")]
    return [{"$group": {"_id": "$project", "latest": {"$max": {"$max": times}}}}]


def newest_sizes() -> Pipeline:
    """Return the dataset sizes of each project's task with the latest update, as `{_id: project, newest}`.

    `newest` is `{time, id, files, size}`; documents compare by their fields in this order, and ids are unique.
    """
    time = {"$cond": [_is("$last_update", "date"), "$last_update", None]}
    sizes = {"files": "$runtime.ds_file_count", "size": "$runtime.ds_total_size"}
    return [{"$group": {"_id": "$project", "newest": {"$max": {"time": time, "id": "$_id", **sizes}}}}]


def distinct_items(name: str) -> Pipeline:
    """Return each item of a list once, as `{_id: item}`; only texts."""
    return [
        {"$project": {"_id": 0, "item": f"${name}"}},
        {"$unwind": "$item"},
        {"$group": {"_id": "$item"}},
        {"$match": {"$expr": _is("$_id", "string")}},
    ]


def counted_items(name: str) -> Pipeline:
    """Return how many documents have each item of a list, as `{_id: item, count}`; only texts, and each once."""
    single = {"$cond": [{"$isArray": f"${name}"}, f"${name}", [f"${name}"]]}
    return [
        {"$project": {"_id": 0, "item": {"$setUnion": [single]}}},
        {"$unwind": "$item"},
        {"$group": {"_id": "$item", "count": {"$sum": 1}}},
        {"$match": {"$expr": _is("$_id", "string")}},
    ]


def metric_variants() -> Pipeline:
    """Return each (metric, variant) pair of `last_metrics` once, with the hashes under which it is stored."""
    return [
        {"$project": {"_id": 0, "metric": _pairs("$last_metrics")}},
        {"$unwind": "$metric"},
        {"$project": {"hash": "$metric.k", "variant": _pairs("$metric.v")}},
        {"$unwind": "$variant"},
        {
            "$group": {
                "_id": {"metric": "$variant.v.metric", "variant": "$variant.v.variant"},
                "metric_hash": {"$min": "$hash"},
                "variant_hash": {"$min": "$variant.k"},
            }
        },
        {"$match": {"$expr": {"$and": [_is("$_id.metric", "string"), _is("$_id.variant", "string")]}}},
        {"$sort": {"_id.metric": 1, "_id.variant": 1}},
    ]


def one_of_each_set() -> Pipeline:
    """Keep one document for each list of (metric, variant) pairs, as `{last_metrics, count}`.

    `metric_variants` can follow. A missing name is null in the list, so that it stays certain which metric belongs to
    which variant, whatever is stored.
    """
    names = {
        "$map": {
            "input": _pairs("$last_metrics"),
            "as": "metric",
            "in": {
                "$map": {
                    "input": _pairs("$$metric.v"),
                    "as": "variant",
                    "in": ["$$variant.v.metric", "$$variant.v.variant"],
                }
            },
        }
    }
    return [{"$group": {"_id": names, "last_metrics": {"$first": "$last_metrics"}, "count": {"$sum": 1}}}]


def distinct_parameters() -> Pipeline:
    """Return each (section, name) pair of `hyperparams` once, as stored, in stored order."""
    return [
        {"$project": {"_id": 0, "section": _pairs("$hyperparams")}},
        {"$unwind": "$section"},
        {"$project": {"section": "$section.k", "name": _pairs("$section.v")}},
        {"$unwind": "$name"},
        {"$group": {"_id": {"section": "$section", "name": "$name.k"}}},
        {"$sort": {"_id.section": 1, "_id.name": 1}},
    ]


def distinct_keys(field: str) -> Pipeline:
    """Return each key of an object once, as stored, in stored order: `{_id: key}`."""
    return [
        {"$project": {"_id": 0, "key": _pairs(f"${field}")}},
        {"$unwind": "$key"},
        {"$group": {"_id": "$key.k"}},
        {"$sort": {"_id": 1}},
    ]


def distinct_field(field: str, pattern: str | None = None) -> Pipeline:
    """Return each value of a field once, as `{_id: value}`; with a pattern only the texts that match, ignoring case."""
    stages: Pipeline = [{"$group": {"_id": f"${field}"}}]
    if pattern:
        # A pattern would also match the items of a list.
        stages.append({"$match": {"_id": {"$regex": pattern, "$options": "i"}, "$expr": _is("$_id", "string")}})
    return stages


def _is(field: str, kind: str) -> Document:
    return {"$eq": [{"$type": field}, kind]}


def _pairs(field: str) -> Any:
    """Return an object's keys and values; nothing for other types."""
    return {"$cond": [_is(field, "object"), {"$objectToArray": field}, []]}
