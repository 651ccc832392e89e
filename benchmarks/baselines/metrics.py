"""All metrics with their variants of the visible tasks, as JSON: `metrics.py URI DATABASE COMPANY`."""

import sys
from typing import Any

import orjson
import pymongo

uri, database, company = sys.argv[1:]
stages: list[Any] = [
    {"$match": {"company": {"$in": [company, ""]}}},
    {"$project": {"metric": {"$objectToArray": "$last_metrics"}}},
    {"$unwind": "$metric"},
    {"$project": {"hash": "$metric.k", "variant": {"$objectToArray": "$metric.v"}}},
    {"$unwind": "$variant"},
    {
        "$group": {
            "_id": {"metric": "$variant.v.metric", "variant": "$variant.v.variant"},
            "metric_hash": {"$first": "$hash"},
            "variant_hash": {"$first": "$variant.k"},
        }
    },
    {"$sort": {"_id": 1}},
]
found = pymongo.MongoClient[Any](uri)[database].task.aggregate(stages)
sys.stdout.buffer.write(orjson.dumps([{**group.pop("_id"), **group} for group in found]) + b"\n")
sys.stdout.flush()
