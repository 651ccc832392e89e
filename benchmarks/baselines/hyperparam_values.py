"""All values of a hyper-parameter, as JSON: `hyperparam_values.py URI DATABASE COMPANY SECTION NAME`."""

import sys
from typing import Any

import orjson
import pymongo

uri, database, company, section, name = sys.argv[1:]
field = f"hyperparams.{section}.{name}.value"
stages: list[Any] = [
    {"$match": {"company": {"$in": [company, ""]}, field: {"$exists": True}}},
    {"$group": {"_id": f"${field}"}},
    {"$sort": {"_id": 1}},
]
found = pymongo.MongoClient[Any](uri)[database].task.aggregate(stages)
sys.stdout.buffer.write(orjson.dumps([group["_id"] for group in found]) + b"\n")
sys.stdout.flush()
