"""Move a project with its sub-projects below another one: `move.py URI DATABASE ID DESTINATION`."""

import sys
from datetime import UTC, datetime
from typing import Any

import orjson
import pymongo

uri, name, project, destination = sys.argv[1:]
projects = pymongo.MongoClient[Any](uri)[name].project
target = next(projects.find({"_id": destination}))
now = datetime.now(UTC)
moved = {
    "name": {"$concat": [target["name"], "/", "$name"]},
    "path": {"$concatArrays": [target["path"], [destination], "$path"]},
    "last_update": now,
}
below = projects.update_many({"path": project}, [{"$set": moved}]).modified_count
projects.update_one({"_id": project}, [{"$set": {**moved, "parent": destination}}])
projects.update_one({"_id": destination}, {"$set": {"last_update": now}})
sys.stdout.buffer.write(orjson.dumps({"moved": 1 + below}) + b"\n")
sys.stdout.flush()
