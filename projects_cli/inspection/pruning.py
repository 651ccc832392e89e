"""Which projects a policy removes: those that match it together with everything below them."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli.endpoints.hierarchy import path_of, shown_name
from projects_cli.endpoints.refusals import chunks
from projects_cli.errors import ChangedMeanwhile
from projects_cli.extended_json import id_text, identity
from projects_cli.inspection.narrowing import last_activities
from projects_cli.store import filters, pipelines
from projects_cli.store.bson_codec import milliseconds

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence

    from projects_cli.endpoints import Call
    from projects_cli.messages import Document, Plan, Step
    from projects_cli.store.collections import Store


class Chosen(NamedTuple):
    """A project that may be removed with all its sub-projects: its id as text, its name, and the ids above it."""

    id: str
    name: str
    above: frozenset[str]


def choose(
    condition: Document, store: Store, *, keep_last: int | None = None, only_archived: bool = False
) -> list[Chosen]:
    """Return the projects that may be removed, parents before their sub-projects, else by name.

    A project may be removed if it is the company's own, matches the condition, and so do all its sub-projects. Hidden
    sub-projects, which a server makes for its own purposes, go with the project that they are in. With `keep_last` as
    many of the matching projects as that stay, those with the latest activity. With `only_archived` a project stays if
    a task or model in it, or below it, is not archived. Memory grows with the number of projects only.
    """
    own = {"company": store.company}
    projects = {identity(each["_id"]): each for each in store.projects.scan({}, {"name": 1, "path": 1})}
    chosen = {identity(each["_id"]) for each in store.projects.scan(filters.all_of([condition, own]), {"_id": 1})}
    if keep_last:
        chosen -= set(_latest(chosen, keep_last, store))
    visible = {identity(each["_id"]) for each in store.projects.scan(filters.not_hidden(), {"_id": 1})}
    # Each project that stays keeps those above it: their sub-tree would lose it.
    foreign = store.projects.scan({"company": {"$ne": store.company}}, {"_id": 1})
    staying = (visible - chosen) | {identity(each["_id"]) for each in foreign}
    if only_archived:
        staying |= set(_with_active_contents(store))
    for key in staying & projects.keys():
        chosen.difference_update((key, *map(identity, path_of(projects[key]))))
    ordered = sorted((projects[key] for key in chosen), key=lambda each: (len(path_of(each)), shown_name(each)))
    return [Chosen(id_text(each["_id"]), shown_name(each), frozenset(map(id_text, path_of(each)))) for each in ordered]


def _latest(chosen: Collection[Hashable], count: int, store: Store) -> list[Hashable]:
    """Return the keys of those of the projects that had the latest activity; without any activity it is the oldest."""
    times = last_activities(store)
    beginning = datetime.min  # noqa: DTZ901 - stored dates have no zone
    return sorted(chosen, key=lambda key: milliseconds(times.get(key, beginning)))[-count:]


def _with_active_contents(store: Store) -> Iterator[Hashable]:
    """Yield the keys of the projects that have a task or model that is not archived."""
    for collection in (store.tasks, store.models):
        for group in collection.aggregate(filters.not_archived(), pipelines.by_project()):
            yield identity(group["_id"])


@dataclass(frozen=True, slots=True)
class Removal:
    """The delete of a chosen project, which is refused once the policy would not have chosen it any more.

    The engine plans it again under the lease, when `known` has what the first plan was about. The project must match
    `condition` still, and nothing in its tree may have changed after `until`.
    """

    call: Call
    condition: Document
    until: datetime | None
    known: Mapping[str, array[int]] | None = None

    def plan(self, store: Store) -> Plan[Step]:
        """Return the plan of the delete.

        Raises:
            ServiceError: the delete is refused. ChangedMeanwhile: the project was changed since it was chosen.
        """
        plan = self.call.plan(store)
        if self.known is None:
            return plan
        gained = [name for name, keys in contents(plan, store).items() if not set(keys) <= set(self.known[name])]
        if gained:
            raise ChangedMeanwhile(f"'{plan.name}' gained {' and '.join(gained)} in the meantime")
        ids = _projects(plan)
        root = {"_id": ids[-1]}  # the deepest come first
        if store.projects.find_one(filters.all_of([self.condition, root]), {"_id": 1}) is None:
            raise ChangedMeanwhile(f"'{plan.name}' does not match the policy any more")
        if self.until is not None and any(_changed_after(self.until, some, store) for some in chunks(ids)):
            raise ChangedMeanwhile(f"'{plan.name}' had activity in the meantime")
        return plan


def contents(plan: Plan[Step], store: Store) -> dict[str, array[int]]:
    """Return hashes of the ids of the projects that a delete removes, and of the tasks and models in them.

    A count would not show that one task left and another one arrived. A hash takes 8 bytes of memory.
    """
    ids = _projects(plan)
    hashes = {"projects": array("q", (hash(identity(each)) for each in ids))}
    for name, collection in (("tasks", store.tasks), ("models", store.models)):
        inside = (each for some in chunks(ids) for each in collection.scan(filters.in_projects(some), {"_id": 1}))
        hashes[name] = array("q", (hash(identity(each["_id"])) for each in inside))
    return hashes


def _projects(plan: Plan[Step]) -> list[Any]:
    return [step.filter["_id"] for step in plan.steps if step.collection == "project"]


def _changed_after(until: datetime, ids: Sequence[Any], store: Store) -> bool:
    later = {"$gt": until}
    changed = filters.any_of([{"last_update": later}, {"last_change": later}])
    inside = filters.all_of([filters.in_projects(ids), changed])
    return (
        store.projects.find_one({"_id": {"$in": list(ids)}, "last_update": later}, {"_id": 1}) is not None
        or store.tasks.find_one(inside, {"_id": 1}) is not None
        or store.models.find_one(inside, {"_id": 1}) is not None
    )
