"""All visible projects with the size of their newest dataset version: `dataset_sizes.py URI DATABASE COMPANY`."""

import sys
from typing import Any

import orjson
import pymongo

uri, name, company = sys.argv[1:]
database: Any = pymongo.MongoClient(uri)[name]
mine = {"company": {"$in": [company, ""]}}
versions = {**mine, "system_tags": {"$ne": "archived"}, "runtime": {"$nin": [None, {}]}}
newest = {"$group": {"_id": "$project", "runtime": {"$last": "$runtime"}}}
fields = {"project": 1, "last_update": 1, "runtime.ds_file_count": 1, "runtime.ds_total_size": 1}
stages = [{"$match": versions}, {"$project": fields}, {"$sort": {"last_update": 1, "_id": 1}}, newest]
sizes = {found["_id"]: found["runtime"] for found in database.task.aggregate(stages, allowDiskUse=True)}
for project in database.project.find({**mine, "system_tags": {"$ne": "hidden"}}, ["name"]).sort("name", 1):
    record = {"id": project["_id"], "name": project["name"]}
    if runtime := sizes.get(project["_id"]):
        record["dataset_stats"] = {"file_count": runtime["ds_file_count"], "total_size": runtime["ds_total_size"]}
    sys.stdout.buffer.write(orjson.dumps(record) + b"\n")
sys.stdout.flush()
