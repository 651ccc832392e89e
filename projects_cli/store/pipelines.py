"""Aggregations: values in, MongoDB stages out. Pure; the first `$match` is the collection's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.store.filters import ARCHIVED

if TYPE_CHECKING:
    from datetime import datetime

    from projects_cli.messages import Document, Pipeline

NOT_COMPLETED = ("queued", "in_progress", "failed")
"""Statuses that do not count as completed, whatever the task's `completed` says (semantics.md, get_all_ex)."""


def task_statistics(since: datetime) -> Pipeline:
    """Group tasks by project, status and whether they are archived.

    Gives `{_id: {project, status, archived}, tasks, runtime, completed, last}`: runtime in whole seconds,
    `completed` the number of tasks completed after `since`, `last` the latest start or null.
    """
    archived = {"$and": [{"$isArray": "$system_tags"}, {"$in": [ARCHIVED, _list("$system_tags")]}]}
    dates = {"$and": [_is("$started", "date"), _is("$completed", "date"), {"$gt": ["$completed", "$started"]}]}
    seconds = {"$floor": {"$divide": [{"$subtract": ["$completed", "$started"]}, 1000]}}
    recent = {
        "$and": [
            _is("$completed", "date"),
            {"$gt": ["$completed", since]},
            {"$not": {"$in": ["$status", list(NOT_COMPLETED)]}},
        ]
    }
    return [
        {
            "$group": {
                "_id": {
                    "project": "$project",
                    "status": {"$ifNull": ["$status", "unknown"]},
                    "archived": archived,
                },
                "tasks": {"$sum": 1},
                "runtime": {"$sum": {"$cond": [dates, seconds, 0]}},
                "completed": {"$sum": {"$cond": [recent, 1, 0]}},
                "last": {"$max": {"$cond": [_is("$started", "date"), "$started", None]}},
            }
        }
    ]


def by_project() -> Pipeline:
    """Count tasks or models by the project that they are in: `{_id: project, count}`; an index can serve it alone."""
    return [{"$group": {"_id": "$project", "count": {"$sum": 1}}}]


def distinct_items(name: str) -> Pipeline:
    """Give each item of a list once, as `{_id: item}`; items that are no text are left out."""
    return [
        {"$project": {"_id": 0, "item": f"${name}"}},
        {"$unwind": "$item"},
        {"$match": {"item": {"$type": "string"}}},
        {"$group": {"_id": "$item"}},
    ]


def metric_variants() -> Pipeline:
    """Give each (metric, variant) pair of `last_metrics` once, with the hashes under which it is stored."""
    return [
        {"$project": {"_id": 0, "metric": _pairs("$last_metrics")}},
        {"$unwind": "$metric"},
        {"$project": {"hash": "$metric.k", "variant": _pairs("$metric.v")}},
        {"$unwind": "$variant"},
        {"$match": {"variant.v.metric": {"$type": "string"}, "variant.v.variant": {"$type": "string"}}},
        {
            "$group": {
                "_id": {"metric": "$variant.v.metric", "variant": "$variant.v.variant"},
                "metric_hash": {"$min": "$hash"},
                "variant_hash": {"$min": "$variant.k"},
            }
        },
        {"$sort": {"_id.metric": 1, "_id.variant": 1}},
    ]


def distinct_parameters() -> Pipeline:
    """Give each (section, name) pair of `hyperparams` once, as stored, in stored order."""
    return [
        {"$project": {"_id": 0, "section": _pairs("$hyperparams")}},
        {"$unwind": "$section"},
        {"$project": {"section": "$section.k", "name": _pairs("$section.v")}},
        {"$unwind": "$name"},
        {"$group": {"_id": {"section": "$section", "name": "$name.k"}}},
        {"$sort": {"_id.section": 1, "_id.name": 1}},
    ]


def _is(field: str, kind: str) -> Document:
    return {"$eq": [{"$type": field}, kind]}


def _list(field: str) -> Document:
    return {"$cond": [{"$isArray": field}, field, []]}


def _pairs(field: str) -> Any:
    """Give an object's keys and values, and nothing for what is no object."""
    return {"$cond": [_is(field, "object"), {"$objectToArray": field}, []]}
