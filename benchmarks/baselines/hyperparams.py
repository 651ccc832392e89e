"""All hyper-parameters of the visible tasks, as JSON: `hyperparams.py URI DATABASE COMPANY`."""

import sys
from typing import Any

import orjson
import pymongo

uri, database, company = sys.argv[1:]
stages: list[Any] = [
    {"$match": {"company": {"$in": [company, ""]}}},
    {"$project": {"section": {"$objectToArray": "$hyperparams"}}},
    {"$unwind": "$section"},
    {"$project": {"section": "$section.k", "name": {"$objectToArray": "$section.v"}}},
    {"$unwind": "$name"},
    {"$group": {"_id": {"section": "$section", "name": "$name.k"}}},
    {"$sort": {"_id": 1}},
]
found = pymongo.MongoClient[Any](uri)[database].task.aggregate(stages)
sys.stdout.buffer.write(orjson.dumps([group["_id"] for group in found]) + b"\n")
sys.stdout.flush()
