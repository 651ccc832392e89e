"""All visible projects by name, one line of JSON each: `listing.py URI DATABASE COMPANY`."""

import sys
from typing import Any

import orjson
import pymongo

uri, database, company = sys.argv[1:]
fields = "name basename description company user parent created last_update tags system_tags"
fields += " default_output_destination featured logo_url"
condition = {"company": {"$in": [company, ""]}, "system_tags": {"$ne": "hidden"}}
collection = pymongo.MongoClient[Any](uri)[database].project
for project in collection.find(condition, fields.split()).sort("name", 1):
    sys.stdout.buffer.write(orjson.dumps({"id": project.pop("_id"), **project}) + b"\n")
sys.stdout.flush()
