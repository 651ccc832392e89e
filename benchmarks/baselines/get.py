"""One project by its id, as JSON: `get.py URI DATABASE COMPANY ID`."""

import sys

import orjson
import pymongo

uri, database, company, project = sys.argv[1:]
found = pymongo.MongoClient(uri)[database].project.find_one({"_id": project, "company": {"$in": [company, ""]}})
sys.stdout.buffer.write(orjson.dumps(found) + b"\n")
sys.stdout.flush()
