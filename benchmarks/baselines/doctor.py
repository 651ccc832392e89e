"""One scan of projects and tasks that counts dangling references: `doctor.py URI DATABASE COMPANY`."""

import sys
from typing import Any

import orjson
import pymongo

uri, name, company = sys.argv[1:]
database: Any = pymongo.MongoClient(uri)[name]
fields = ["_id", "project", "parent", "path"]
mine = {"company": {"$in": [company, ""]}}
projects = {project["_id"]: project for project in database.project.find(mine, fields)}
lost = sum(1 for project in projects.values() if project.get("parent") and project["parent"] not in projects)
for task in database.task.find(mine, fields):
    lost += bool(task["project"]) and task["project"] not in projects
sys.stdout.buffer.write(orjson.dumps(lost))
sys.stdout.flush()
