"""Delete a project and its sub-projects, keep their tasks and models: `delete.py URI DATABASE ID`."""

import sys
from typing import Any

import orjson
import pymongo

uri, name, project = sys.argv[1:]
database = pymongo.MongoClient[Any](uri)[name]
ids = [project, *(found["_id"] for found in database.project.find({"path": project}, ["_id"]))]
tasks = database.task.update_many({"project": {"$in": ids}}, {"$set": {"project": None}}).modified_count
database.model.update_many({"project": {"$in": ids}}, {"$set": {"project": None}})
deleted = database.project.delete_many({"_id": {"$in": ids}}).deleted_count
answer = {"deleted": deleted, "disassociated_tasks": tasks, "deleted_models": 0, "deleted_tasks": 0}
sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
sys.stdout.flush()
