"""The thin layer over pymongo; nothing outside this room imports pymongo or bson."""
