"""The projects of a company as a tree, with counts on request (docs/architecture.md, Packages)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli.endpoints.hierarchy import path_of, shown_name
from projects_cli.endpoints.statistics import grouped
from projects_cli.endpoints.tallies import DAY, Tally, selective, tallies_by_state
from projects_cli.extended_json import compact, identity
from projects_cli.store import filters, pipelines

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from datetime import datetime

    from projects_cli.messages import Document
    from projects_cli.store.collections import Store


class Shape(NamedTuple):
    """What a tree shows: `depth` levels below its top (None: all), hidden projects, and counts."""

    depth: int | None = None
    hidden: bool = False
    stats: bool = False


MAX_LEVELS = 100
"""Levels of a tree; MongoDB and JSON encoders have similar limits. A server allows 10 (docs/data-model.md)."""


class Node:
    """A project, its parent and children, its level, and sums over its tasks and models, sub-projects included."""

    __slots__ = ("children", "level", "models", "parent", "stored", "tally")

    def __init__(self, stored: Document) -> None:
        """Take the stored project."""
        self.stored = stored
        self.parent: Node | None = None
        self.children: list[Node] = []
        self.level = 0
        self.tally = Tally()
        self.models = 0


class Forest(NamedTuple):
    """Projects as nodes by their keys (`identity`), and in an order in which each comes after its parent."""

    nodes: dict[Hashable, Node]
    parents_first: list[Node]


def tree(root: Document | None, shape: Shape, store: Store, now: datetime) -> list[Document]:
    """Return the tree below a stored project, the project included, or the trees of all top-level projects.

    A record has `id`, `name`, with `stats` also `tasks`, `running`, `failed` and `models` (those that are not archived,
    sub-projects included, hidden ones too), and `children`. Memory grows with the projects only.
    """
    forest = read_forest(root, store)
    if shape.stats:
        count_tasks(forest, store, now)
        count_models(forest, store)
        add_up(forest)
    return _records(forest.parents_first, shape, None if root is None else identity(root["_id"]))


def read_forest(root: Document | None, store: Store, fields: Sequence[str] = ()) -> Forest:
    """Return a stored project with all below it, or all projects, hidden ones too, with further stored fields."""
    of_tree = {} if root is None else filters.any_of([filters.below([root["_id"]]), {"_id": root["_id"]}])
    names = ("name", "parent", "path", "system_tags", *fields)
    nodes = {identity(stored["_id"]): Node(stored) for stored in store.projects.scan(of_tree, dict.fromkeys(names, 1))}
    return Forest(nodes, list(_walk(_linked(nodes, None if root is None else identity(root["_id"])))))


def count_tasks(forest: Forest, store: Store, now: datetime) -> None:
    """Sum up the tasks that are directly in each project and not archived."""
    nodes = forest.nodes
    needed = ids_of(forest)
    by_project = selective(len(needed), store.projects.estimated_count())
    since = now.replace(tzinfo=None) - DAY
    tallies = tallies_by_state(store.tasks, needed, {}, ("active",), since, by_project=by_project)["active"]
    for key, tally in tallies.items():
        nodes[key].tally = tally


def count_models(forest: Forest, store: Store) -> None:
    """Count the models that are directly in each project and not archived."""
    groups = grouped(store.models, filters.not_archived(), pipelines.by_project(), selection(forest, store))
    for key, group in groups.items():
        if key in forest.nodes:
            forest.nodes[key].models = group["count"]


def ids_of(forest: Forest) -> dict[Hashable, Any]:
    """Return the ids of the projects by their keys."""
    return {key: node.stored["_id"] for key, node in forest.nodes.items()}


def selection(forest: Forest, store: Store) -> dict[Hashable, Any] | None:
    """Return the ids by which to select tasks and models; None if most projects of the database are in the tree."""
    return ids_of(forest) if selective(len(forest.nodes), store.projects.estimated_count()) else None


def add_up(forest: Forest) -> None:
    """Add the sums of each project to those of its parents, at every level."""
    for node in reversed(forest.parents_first):  # each sum is complete before it is added to the parent's
        if node.parent is not None:
            node.parent.tally.add(node.tally)
            node.parent.models += node.models


def _linked(nodes: dict[Hashable, Node], root: Hashable | None) -> list[Node]:
    """Link each node to its parent, and return the top of the tree, by name.

    The last item of `path` names the parent, as it does for statistics, else `parent`. A project whose parent cannot be
    seen is shown at the top, and so is one of those whose parents form a circle: nothing is left out.
    """
    tops: list[Node] = []
    by_name = sorted(nodes, key=lambda key: (shown_name(nodes[key].stored), compact(nodes[key].stored["_id"])))
    for key in by_name:
        node = nodes[key]
        path = path_of(node.stored)
        parent = nodes.get(identity(path[-1] if path else node.stored.get("parent")))
        if parent is None or parent is node or key == root:
            tops.append(node)
        else:
            node.parent = parent
            parent.children.append(node)
    # What cannot be reached from the top has a parent that is below it.
    reached = set(map(id, _walk(tops)))
    for node in nodes.values():
        if id(node) not in reached and node.parent is not None:  # it is in a circle, or below one: cut here
            _cut(node)
            tops.append(node)
            reached.update(map(id, _walk([node])))
    for node in tops:  # which grows meanwhile
        for other in list(_walk([node])):
            other.level = 0 if other.parent is None else other.parent.level + 1
            if other.level > MAX_LEVELS:
                _cut(other)
                other.level = 0
                tops.append(other)
    return tops


def _cut(node: Node) -> None:
    if node.parent is not None:
        node.parent.children.remove(node)
        node.parent = None


def _walk(nodes: Sequence[Node]) -> Iterator[Node]:
    """Yield the nodes and all below them, each after its parent and in order."""
    pending = list(reversed(nodes))
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.children))


def _records(parents_first: Sequence[Node], shape: Shape, root: Hashable | None) -> list[Document]:
    """Return the records of the top. The children of a hidden project that is not shown take its place."""
    shown: dict[int, list[Document]] = {}  # the records that stand for each node, by its identity in memory
    for node in reversed(parents_first):
        children = [record for child in node.children for record in shown.pop(id(child))]
        if not shape.hidden and identity(node.stored["_id"]) != root and is_hidden(node.stored):
            shown[id(node)] = children
            continue
        record: Document = {"id": node.stored["_id"], "name": shown_name(node.stored)}
        if shape.stats:
            statuses = node.tally.statuses
            record["tasks"] = sum(statuses.values())
            record["running"] = statuses.get("in_progress", 0)
            record["failed"] = statuses.get("failed", 0)
            record["models"] = node.models
        shown[id(node)] = [record | {"children": children}]
    records = [record for node in parents_first if node.parent is None for record in shown[id(node)]]
    return records if shape.depth is None else [_cut_below(record, shape.depth) for record in records]


def _cut_below(record: Document, depth: int) -> Document:
    """Return a record with at most this many levels of children."""
    children = [_cut_below(child, depth - 1) for child in record["children"]] if depth else []
    return record | {"children": children}


def is_hidden(stored: Document) -> bool:
    """Return whether a stored project has the system tag `hidden`."""
    tags = stored.get("system_tags")
    return filters.HIDDEN in tags if isinstance(tags, list) else tags == filters.HIDDEN
