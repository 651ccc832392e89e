"""Rename a tag of all tasks of a company: `retag.py URI DATABASE COMPANY OLD NEW`."""

import sys
from typing import Any

import orjson
import pymongo

uri, name, company, old, new = sys.argv[1:]
tasks = pymongo.MongoClient[Any](uri)[name].task
change = {"$set": {"tags.$[tag]": new}}
renamed = tasks.update_many({"company": company, "tags": old}, change, array_filters=[{"tag": old}]).modified_count
sys.stdout.buffer.write(orjson.dumps({"projects": 0, "tasks": renamed, "models": 0}) + b"\n")
sys.stdout.flush()
