"""Move the contents of a top-level project to another one, and delete it: `merge.py URI DATABASE ID DESTINATION`."""

import sys
from datetime import UTC, datetime
from typing import Any

import orjson
import pymongo

uri, name, project, destination = sys.argv[1:]
database = pymongo.MongoClient[Any](uri)[name]
source = next(database.project.find({"_id": project}))
target = next(database.project.find({"_id": destination}))
now = datetime.now(UTC)
rest = {"$substrBytes": ["$name", len(source["name"].encode()), -1]}
moved = {
    "name": {"$concat": [target["name"], rest]},
    "path": {"$concatArrays": [target["path"], [destination], {"$slice": ["$path", 1, 100]}]},
    "last_update": now,
}
entities = sum(
    database[kind].update_many({"project": project}, {"$set": {"project": destination}}).modified_count
    for kind in ("task", "model")
)
deeper = {"path": project, "parent": {"$ne": project}}
database.project.update_many(deeper, [{"$set": moved}])
direct = database.project.update_many({"parent": project}, [{"$set": {**moved, "parent": destination}}]).modified_count
database.project.update_one({"_id": destination}, {"$set": {"last_update": now}})
database.project.delete_one({"_id": project})
sys.stdout.buffer.write(orjson.dumps({"moved_entities": entities, "moved_projects": direct}) + b"\n")
sys.stdout.flush()
