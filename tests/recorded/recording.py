"""The recorded cases: loading the seed, running a case through `batch`, comparing what came with what was recorded."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymongo
from bson import json_util

SHARED = Path(__file__).parents[3] / "shared" / "cases"
COMPANY = "d1bd92a3b039400cbafc60a7a5b1e52b"
COLLECTIONS = ("project", "task", "model", "user", "company")
EFFECTS = (*COLLECTIONS, "url_to_delete")
"""The collections that a request may change."""

Case = dict[str, Any]


def load_cases() -> list[Case]:
    """Return every recorded case, or none if the recordings are not present."""
    file = SHARED / "cases.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def seed() -> dict[str, list[Case]]:
    """Return the documents of the start state, by collection."""
    read = {}
    for name in COLLECTIONS:
        lines = (SHARED / "seed" / f"backend.{name}.jsonl").read_text(encoding="utf-8").splitlines()
        read[name] = [json_util.loads(line, json_options=json_util.CANONICAL_JSON_OPTIONS) for line in lines]
    return read


def restore(database: Any, documents: dict[str, list[Case]]) -> None:
    """Restore the start state."""
    for name in EFFECTS:
        database[name].delete_many({})
        if name in documents:
            database[name].insert_many(documents[name])


def make_indexes(database: Any) -> None:
    """Create those of the recorded server's indexes that a query needs: text and uniqueness."""
    recorded = json.loads((SHARED / "seed" / "indexes.json").read_text(encoding="utf-8"))
    for name, indexes in recorded.items():
        place, _, collection = name.partition(".")
        for index in indexes if place == "backend" else ():
            _make_index(database[collection], index)


def _make_index(collection: Any, index: Case) -> None:
    if index.get("unique"):
        collection.create_index(list(index["key"].items()), name=index["name"], unique=True)
    elif "textIndexVersion" in index:
        keys = [(field, pymongo.TEXT) for field in index["weights"]]
        collection.create_index(keys, name=index["name"], weights=index["weights"], default_language="english")


def line_of(case: Case, part: Case | None = None) -> str:
    """Return the line of a batch for a case (or for a call made before it)."""
    part = part or case
    line = {"id": case["id"], "endpoint": part["endpoint"], "version": case["version"], "params": part["request"]}
    return json.dumps({**line, "user": case.get("user")})


def snapshot(database: Any) -> dict[str, dict[str, Case]]:
    """Return every document by collection and id, as canonical extended JSON."""
    return {name: {document["_id"]: _canonical(document) for document in database[name].find()} for name in EFFECTS}


def _canonical(document: Any) -> Case:
    text = json_util.dumps(document, json_options=json_util.CANONICAL_JSON_OPTIONS)
    canonical: Case = json.loads(text)
    return canonical


def effects(before: dict[str, dict[str, Case]], after: dict[str, dict[str, Case]]) -> Case:
    """Return the changes in the form of the recordings."""
    found: Case = {}
    for name, old in before.items():
        new = after[name]
        changed = {
            key: {
                field: [old[key].get(field, "<absent>"), new[key].get(field, "<absent>")]
                for field in {*old[key], *new[key]}
                if old[key].get(field, "<absent>") != new[key].get(field, "<absent>")
            }
            for key in old.keys() & new.keys()
            if old[key] != new[key]
        }
        inserted = [new[key] for key in new.keys() - old.keys()]
        deleted = sorted(old.keys() - new.keys())
        if inserted or deleted or changed:
            found[name] = {"inserted": inserted, "deleted": deleted, "changed": changed}
    return found


class Matcher:
    """Compares values, with the placeholders of the recordings."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}

    def same(self, expected: Any, found: Any) -> bool:
        """Return whether a value is the recorded one."""
        if expected == "<now>":
            return _is_now(found)
        if isinstance(expected, str) and (name := re.fullmatch("<id(:.*)?>", expected)):
            known = self.ids.setdefault(expected, found)
            return bool(name) and known == found and bool(re.fullmatch("[0-9a-f]{32}", str(found)))
        if isinstance(expected, dict) and isinstance(found, dict):
            return expected.keys() == found.keys() and all(self.same(expected[key], found[key]) for key in expected)
        if isinstance(expected, list) and isinstance(found, list):
            return len(expected) == len(found) and all(map(self.same, expected, found))
        return bool(expected == found) and isinstance(expected, bool) == isinstance(found, bool)


def _is_now(value: Any) -> bool:
    if isinstance(value, dict):
        value = datetime.fromtimestamp(int(value["$date"]["$numberLong"]) / 1000, UTC)
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return isinstance(moment, datetime) and abs(datetime.now(UTC) - moment) < timedelta(minutes=5)


def plain(case: Case, response: Any) -> Any:
    """Return a response without fields that are not compared, and with lists sorted whose order is not defined."""
    response = json.loads(json.dumps(response))
    for path in case.get("volatile") or ():
        _remove(response, path.split(".")[1:])
    if case["endpoint"] == "projects.get_all_ex":
        for project in response["projects"]:
            _flatten_references(project)
            _drop_null(project, "dataset_stats")
    if case["endpoint"] == "projects.delete":
        _drop_null(response, "urls")
    for path in case.get("unordered") or ():
        _sort(response, path.split(".")[1:])
    return response


def _flatten_references(project: Case) -> None:
    for name in ("company", "user", "parent"):
        value = project.get(name)
        if isinstance(value, dict) and not value.keys() - {"id"}:
            project[name] = value.get("id", "")


def _drop_null(answer: Case, field: str) -> None:
    """Remove a field that the server answers as null; the schema has no null there, and this tool omits the field."""
    if answer.get(field, 0) is None:
        del answer[field]


def _remove(value: Any, path: list[str]) -> None:
    if isinstance(value, dict) and len(path) == 1:
        value.pop(path[0], None)
    elif isinstance(value, dict) and path[0] in value:
        _remove(value[path[0]], path[1:])


def _sort(value: Any, path: list[str]) -> None:
    *way, last = path
    for name in way:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, dict) and isinstance(value.get(last), list):
        value[last].sort(key=lambda item: json.dumps(item, sort_keys=True))


def same_effects(expected: Case, found: Case, matcher: Matcher) -> bool:
    """Return whether the changes are the recorded ones; inserted documents are matched by name or URL."""
    for side in (expected, found):
        for change in side.values():
            change["inserted"].sort(key=lambda document: document.get("name", document.get("url", "")))
    return matcher.same(expected, found)
