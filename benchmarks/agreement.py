"""Comparison of the output of the program with that of its baseline."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Agreement = Callable[[bytes, bytes], bool]

Document = dict[str, Any]


def offered(program: bytes, _: bytes) -> bool:
    """Return whether the program printed anything; its baseline does nothing."""
    return bool(program.strip())


def project(program: bytes, baseline: bytes) -> bool:
    """Compare one project's id and name."""
    shown, stored = orjson.loads(program)["project"], orjson.loads(baseline)
    return bool(shown["id"] == stored["_id"] and shown["name"] == stored["name"])


def listing(program: bytes, baseline: bytes) -> bool:
    """Compare ids, names, descriptions and tags, in their order."""
    fields = ("id", "name", "description", "parent", "tags")
    return _picked(program, fields) == _picked(baseline, fields)


def _picked(text: bytes, fields: tuple[str, ...]) -> list[tuple[Any, ...]]:
    return [tuple(record.get(field) for field in fields) for record in _lines(text)]


def _lines(text: bytes) -> list[Document]:
    return [orjson.loads(line) for line in text.splitlines()]


def lines(program: bytes, baseline: bytes) -> bool:
    """Compare the numbers of records."""
    return program.count(b"\n") == baseline.count(b"\n") > 0


def unchanged(program: bytes, listed: bytes) -> bool:
    """Check that nothing was changed."""
    return orjson.loads(program) == {"created": 0, "updated": 0, "deleted": 0} and bool(listed)


def exported(program: bytes, baseline: bytes) -> bool:
    """Compare every document of an export, which has a first and a last line of its own."""
    ours = (next(iter(orjson.loads(line).values())) for line in program.splitlines()[1:-1])
    theirs = (orjson.loads(line) for line in baseline.splitlines())
    return _digests(ours) == _digests(theirs)


def _digests(documents: Iterable[Document]) -> list[bytes]:
    """Return the sorted digests: the documents themselves would need ten times the memory of their text."""
    return sorted(hashlib.blake2b(orjson.dumps(document)).digest() for document in documents)


def statistics(program: bytes, baseline: bytes) -> bool:
    """Compare every sum of every project, and its sub-projects."""
    ours = [_program_record(record) for record in _lines(program)]
    theirs = [_baseline_record(record) for record in _lines(baseline)]
    return ours == theirs and len(ours) > 0


def _program_record(record: Document) -> tuple[Any, ...]:
    sums = record["stats"]["active"]
    counts = Counter({status: count for status, count in sums["status_count"].items() if count})
    last = (sums["last_task_run"] or "").removesuffix("+00:00")
    numbers = sums["total_tasks"], sums["total_runtime"], sums["completed_tasks_24h"], last
    return record["id"], record["name"], counts, numbers, _ids(record)


def _baseline_record(record: Document) -> tuple[Any, ...]:
    sums = record["active"]
    numbers = sums["tasks"], int(sums["runtime"]), sums["recent"], sums["last"] or ""
    return record["id"], record["name"], Counter(sums["status"]), numbers, _ids(record)


def _ids(record: Document) -> list[str]:
    return [below["id"] for below in record["sub_projects"]]


def sizes(program: bytes, baseline: bytes) -> bool:
    """Compare every project's size of its newest dataset version; some have one."""
    fields = ("id", "name", "dataset_stats")
    ours = _picked(program, fields)
    return ours == _picked(baseline, fields) and any(record[-1] for record in ours)


def tags(program: bytes, baseline: bytes) -> bool:
    """Compare the tags."""
    found: list[str] = orjson.loads(program)["tags"]
    return bool(found == orjson.loads(baseline))


def parameters(program: bytes, baseline: bytes) -> bool:
    """Compare a page, unescaped, with the start of the full list, and the total with its length."""
    answer, everything = orjson.loads(program), orjson.loads(baseline)
    page = answer["parameters"]
    unescaped = [{key: text.replace("%2E", ".") for key, text in pair.items()} for pair in everything]
    return bool(answer["total"] == len(everything) and page == unescaped[: len(page)])


def values(program: bytes, baseline: bytes) -> bool:
    """Compare every value, and the total with their number; the baseline has another order."""
    answer, everything = orjson.loads(program), orjson.loads(baseline)
    return bool(answer["total"] == len(everything) and sorted(answer["values"]) == sorted(everything))


def metrics(program: bytes, baseline: bytes) -> bool:
    """Compare every metric and variant, with their hashes."""
    return bool(orjson.loads(program)["metrics"] == orjson.loads(baseline))


def change(program: bytes, baseline: bytes) -> bool:
    """Compare the numbers of documents that were deleted, unassigned or moved."""
    return bool(orjson.loads(program) == orjson.loads(baseline))


def doctor(program: bytes, baseline: bytes) -> bool:
    """Compare the numbers of documents that refer to a project that does not exist."""
    findings = orjson.loads(program)["findings"]
    found = sum(one["count"] for one in findings if one["name"].endswith("-gone"))
    return bool(found == orjson.loads(baseline))
