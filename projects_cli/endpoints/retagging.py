"""The tags of projects, tasks and models everywhere: which there are, and how a change of them is planned.

The service has no such endpoints. The documents keep their times, because a new tag is not activity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projects_cli.endpoints import lifecycle, refusals
from projects_cli.endpoints.distinct_tags import distinct
from projects_cli.messages import Count, Plan, Step
from projects_cli.store import filters, pipelines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from projects_cli.messages import Collection, Document, TagChange
    from projects_cli.store.collections import Store

KINDS: tuple[Collection, ...] = ("project", "task", "model")


@dataclass(frozen=True, slots=True)
class Where:
    """Whose tags: of the company's own documents of these kinds, in these projects, None for all and in none."""

    kinds: Sequence[Collection]
    projects: Sequence[Any] | None = None

    def conditions(self, kind: Collection) -> Iterator[Document]:
        """Stream filters which together match the documents of a kind; no two match the same document."""
        if self.projects is None:
            yield {}
            return
        for chunk in refusals.chunks(self.projects):
            yield {"_id": {"$in": list(chunk)}} if kind == "project" else filters.in_projects(chunk)


def tags_of(where: Where, store: Store, *, counts: bool) -> list[Document]:
    """Return each tag once, sorted: with the kinds of the documents that have it, or with `counts` their numbers."""
    found: dict[str, dict[str, int]] = {}
    for kind in where.kinds:
        collection = store.named(kind)
        for condition in where.conditions(kind):
            if counts:
                own = filters.all_of([condition, {"company": store.company}])
                for group in collection.aggregate(own, pipelines.counted_items("tags")):
                    numbers = found.setdefault(group["_id"], {})
                    numbers[kind] = numbers.get(kind, 0) + group["count"]
            else:
                for tag in distinct(store, collection, condition, "tags"):
                    found.setdefault(tag, {})[kind] = 1
    if counts:
        return [{"tag": tag, **{f"{kind}s": found[tag].get(kind, 0) for kind in where.kinds}} for tag in sorted(found)]
    return [{"tag": tag, "of": [f"{kind}s" for kind in where.kinds if kind in found[tag]]} for tag in sorted(found)]


def retag(change: TagChange, summary: str, where: Where, store: Store) -> Plan[Step]:
    """Plan a change of tags; no steps if no document has a tag to remove, or lacks one to add.

    Raises:
        FieldsValueError: a tag to add is empty, or begins with `__$`.
    """
    lifecycle.check_tags({"tags": change.add})
    steps = [
        step
        for kind in where.kinds
        for condition in where.conditions(kind)
        for step in _steps(kind, condition, change, store)
    ]
    public = sum(
        store.named(kind).count(filters.all_of([condition, _concerned(change), {"company": {"$ne": store.company}}]))
        for kind in where.kinds
        for condition in (where.conditions(kind) if where.projects is not None else ())
    )
    counts = {f"{kind}s": sum(step.count for step in steps if step.collection == kind) for kind in where.kinds}
    number = sum(counts.values())
    return Plan(
        endpoint="tags",
        summary=summary if steps else f"{summary}: nothing to change, no document has such tags",
        steps=steps,
        answer={f"{kind}s": Count(kind, "update") for kind in KINDS},
        counts=counts,
        notes=[f"public documents that stay as they are: {public}"] if public else [],
        question="yes",
        name="1 document" if number == 1 else f"{number} documents",
        prompt=f"{summary[:1].upper()}{summary[1:]}: "
        + ", ".join(f"{count} {name if count > 1 else name[:-1]}" for name, count in counts.items() if count)
        + "?",
        structural=False,
    )


def _concerned(change: TagChange) -> Document:
    """Return the filter of what a change concerns: a document with an old tag, or one that lacks a tag to add."""
    if change.remove:
        return {"tags": {"$in": sorted(change.remove)}}
    return {"$or": [{"tags": {"$ne": tag}} for tag in change.add]}


def _steps(kind: Collection, condition: Document, change: TagChange, store: Store) -> list[Step]:
    """Return the step that changes the matching documents, if there are any that it changes."""
    own = filters.all_of([condition, _concerned(change), {"company": store.company}])
    count = store.named(kind).count(own)
    return [Step(kind, "update", own, {}, count, "tags", tags=change)] if count else []
