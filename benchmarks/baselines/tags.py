"""The distinct tags of a company's tasks, as JSON: `tags.py URI DATABASE COMPANY`."""

import sys
from typing import Any

import orjson
import pymongo

uri, database, company = sys.argv[1:]
stages: list[Any] = [{"$match": {"company": company}}, {"$unwind": "$tags"}, {"$group": {"_id": "$tags"}}]
found = pymongo.MongoClient[Any](uri)[database].task.aggregate(stages)
sys.stdout.buffer.write(orjson.dumps(sorted(group["_id"] for group in found)) + b"\n")
sys.stdout.flush()
