"""All visible projects with sums over their own active tasks: `statistics_own.py URI DATABASE COMPANY`."""

import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pymongo

uri, name, company = sys.argv[1:]
database: Any = pymongo.MongoClient(uri)[name]
mine = {"company": {"$in": [company, ""]}}
since = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=24)
finished = {"$and": [{"$gt": ["$started", None]}, {"$gt": ["$completed", "$started"]}]}
seconds = {"$floor": {"$divide": [{"$subtract": ["$completed", "$started"]}, 1000]}}
recent = {"$and": [{"$gt": ["$completed", since]}, {"$not": {"$in": ["$status", ["queued", "in_progress", "failed"]]}}]}
group = {
    "_id": {"project": "$project", "status": "$status"},
    "tasks": {"$sum": 1},
    "runtime": {"$sum": {"$cond": [finished, seconds, 0]}},
    "recent": {"$sum": {"$cond": [recent, 1, 0]}},
    "last": {"$max": "$started"},
}
sums: Any = defaultdict(lambda: {"status": {}, "tasks": 0, "runtime": 0, "recent": 0, "last": None})
for found in database.task.aggregate([{"$match": {**mine, "system_tags": {"$ne": "archived"}}}, {"$group": group}]):
    total = sums[found["_id"]["project"]]
    total["status"][found["_id"]["status"]] = found["tasks"]
    for field in ("tasks", "runtime", "recent"):
        total[field] += found[field]
    if found["last"] and (total["last"] is None or found["last"] > total["last"]):
        total["last"] = found["last"]
for project in database.project.find({**mine, "system_tags": {"$ne": "hidden"}}, ["name"]).sort("name", 1):
    record = {"id": project["_id"], "name": project["name"], "active": sums[project["_id"]], "sub_projects": []}
    sys.stdout.buffer.write(orjson.dumps(record) + b"\n")
sys.stdout.flush()
