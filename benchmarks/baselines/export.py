"""All documents of a company as canonical Extended JSON: `export.py URI DATABASE COMPANY`."""

import sys
from typing import Any

import pymongo
from bson.json_util import CANONICAL_JSON_OPTIONS, dumps

uri, database, company = sys.argv[1:]
stored = pymongo.MongoClient[Any](uri)[database]
for collection in ("project", "task", "model"):
    for document in stored[collection].find({"company": company}):
        sys.stdout.write(dumps(document, json_options=CANONICAL_JSON_OPTIONS) + "\n")
sys.stdout.flush()
