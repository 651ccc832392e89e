"""A page of projects by last update, with the same sums: `statistics_page.py URI DATABASE COMPANY SIZE`."""

import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pymongo

uri, name, company, size = sys.argv[1:]
database: Any = pymongo.MongoClient(uri)[name]
mine = {"company": {"$in": [company, ""]}}
seen = {**mine, "system_tags": {"$ne": "hidden"}}
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
page = list(database.project.find(seen, ["name"]).sort([("last_update", -1), ("_id", 1)]).limit(int(size)))
ids = [project["_id"] for project in page]
under = list(database.project.find({**seen, "path": {"$in": ids}}, ["name", "path"]).sort("name", 1))
scope = [*ids, *(project["_id"] for project in under)]
active = {**mine, "project": {"$in": scope}, "system_tags": {"$ne": "archived"}}
groups = defaultdict(list)
for found in database.task.aggregate([{"$match": active}, {"$group": group}]):
    groups[found["_id"]["project"]].append(found)
within = {identifier: {identifier} for identifier in ids}
below = defaultdict(list)
for project in under:
    for ancestor in within.keys() & project["path"]:
        within[ancestor].add(project["_id"])
        below[ancestor].append({"id": project["_id"], "name": project["name"]})
for project in page:
    found_groups = [found for identifier in within[project["_id"]] for found in groups[identifier]]
    status: dict[str, int] = defaultdict(int)
    for found in found_groups:
        status[found["_id"]["status"]] += found["tasks"]
    sums = {field: sum(found[field] for found in found_groups) for field in ("tasks", "runtime", "recent")}
    last = max((found["last"] for found in found_groups if found["last"]), default=None)
    record = {"id": project["_id"], "name": project["name"], "active": {"status": status, **sums, "last": last}}
    sys.stdout.buffer.write(orjson.dumps({**record, "sub_projects": below[project["_id"]]}) + b"\n")
sys.stdout.flush()
