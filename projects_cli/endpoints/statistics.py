"""What get_all_ex adds to the projects of a listing: statistics, own counts, sizes of datasets.

docs/semantics.md, Statistics, defines what counts. `path` alone determines where a task counts, whatever `parent` is.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli.endpoints import contents, stats_filter
from projects_cli.endpoints.hierarchy import IDS_PER_QUERY, chunks, path_of
from projects_cli.endpoints.scope import natural_order_hint
from projects_cli.endpoints.tallies import DAY, STATES, Tally, selective, tallies_by_state
from projects_cli.extended_json import compact, identity
from projects_cli.store import filters, pipelines

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

    from projects_cli.messages import Document, Pipeline, Request
    from projects_cli.store.collections import Collection, Store

    TreeNode = tuple[Document, Sequence[Hashable]]
    """A project as `{id, name}`, and the keys of its listed ancestors."""

    Part = Callable[[Hashable], Document]
    """What one option adds to the project with this key (`identity`)."""

TASKS_OF = {"pipeline": ("pipeline", "controller"), "report": ("reports", "report")}
"""Children type -> the system tag and the type of its tasks."""


class Counted(NamedTuple):
    """Conditions on what counts, beside the project that it is in.

    `tasks`: on the tasks of `stats`, which are then divided by state. `own`: on tasks and models directly in a project.
    `datasets`: on projects that are datasets. `hidden`: whether hidden sub-projects count.
    """

    tasks: Document
    own: Document
    datasets: Document
    hidden: bool

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Counted:
        """Return the conditions of a request.

        Raises:
            ValidationError, FieldsValueError: the filter on statistics, or that on tags, is invalid.
        """
        kind = params.get("children_type")
        of_users = contents.by_users(params)
        by_tags = contents.by_children_tags(params)
        hidden = bool(params.get("search_hidden")) or kind == "dataset"
        if stats_fields := params.get("include_stats_filter"):
            tasks, own = stats_filter.conditions(stats_fields)
            datasets = tasks
        elif kind in TASKS_OF:
            tag, task_type = TASKS_OF[kind]
            tasks = filters.all_of([{"system_tags": tag}, {"type": task_type}, by_tags])
            own, datasets = filters.all_of([tasks, filters.not_archived()]), {}
            hidden = True
        else:
            tasks, own, datasets = {}, filters.not_archived(), by_tags
        return cls(
            tasks=filters.all_of([tasks, of_users]),
            own=filters.all_of([own, of_users]),
            datasets=filters.all_of([{"system_tags": "dataset"}, datasets, of_users]),
            hidden=hidden,
        )


@dataclass(slots=True)
class Datasets:
    """Sums over datasets: their number, and all their tags."""

    count: int = 0
    tags: set[str] = field(default_factory=set)

    def add(self, other: Datasets) -> None:
        """Add the sums of other datasets."""
        self.count += other.count
        self.tags |= other.tags

    def figures(self) -> Document:
        """Return the sums as a response has them."""
        return {"count": self.count, "tags": sorted(self.tags)}


SUMS: dict[str, type[Any]] = {"datasets": Datasets}
"""Key of `stats` -> the class of its sums; that of a state is `Tally`."""


def gather(
    request: Request, store: Store, ids: Iterable[Any], selected: Mapping[Hashable, Any] | None
) -> Callable[[Any], Document]:
    """Return the function from the id of a listed project to what the request adds to the project.

    `ids` are those of the listed projects, `selected` those that `contents.selected` returned, None for all. Everything
    is read here. Memory grows with the projects (ids, names and sums), not with the tasks. Time grows with the tasks,
    plus the projects times their depth (at most 10).

    Raises:
        ValidationError, FieldsValueError: a filter on what counts is invalid.
    """
    params = request.params
    counted = Counted.of(params)
    # A task without a project has null or "": a project with such an id has no tasks.
    listed = {identity(identifier): identifier for identifier in ids if identifier not in (None, "")}
    projects = store.projects.estimated_count()
    few = selective(len(listed), projects)
    parts: list[Part] = []
    if params.get("check_own_contents") and params.get("children_type") == "dataset":
        datasets = _datasets(store, counted, listed if few else None)
        parts.append(partial(_count, "own_datasets", {key: group.count for key, group in datasets.items()}))
    elif params.get("check_own_contents"):
        for name, collection in (("own_tasks", store.tasks), ("own_models", store.models)):
            groups = grouped(collection, counted.own, pipelines.by_project(), listed if few else None)
            counts = {key: group["count"] for key, group in groups.items()}
            parts.append(partial(_count, name, counts))
    if params.get("include_stats"):
        parts.append(_statistics(request, store, counted, listed, projects, selected))
    if params.get("include_dataset_stats"):
        parts.append(_dataset_sizes(params, store, listed if few else None))

    def added(project_id: Any) -> Document:
        key = identity(project_id) if project_id not in (None, "") else ()  # the key of no group
        return {name: value for part in parts for name, value in part(key).items()}

    return added


def _count(name: str, counts: Mapping[Hashable, int], key: Hashable) -> Document:
    return {name: counts.get(key, 0)}


# --- statistics of tasks or datasets, with sub-projects -------------------------------------------------------------


def _statistics(
    request: Request,
    store: Store,
    counted: Counted,
    listed: dict[Hashable, Any],
    projects: int,
    selected: Mapping[Hashable, Any] | None,
) -> Part:
    """Return the part with `stats` and `sub_projects`: sums over the projects themselves, rolled up."""
    params = request.params
    tree = []
    if params.get("stats_with_children", True):
        tree = _below(listed, projects, counted, selected, store)
    needed = listed | {identity(project["id"]): project["id"] for project, _ in tree}
    by_project = selective(len(needed), projects)
    own: Mapping[str, Mapping[Hashable, Any]]
    if params.get("children_type") == "dataset":
        own = {"datasets": _datasets(store, counted, needed if by_project else None)}
    else:
        state = params.get("stats_for_state")
        since = request.now.replace(tzinfo=None) - DAY  # stored dates have no zone
        states = (state,) if state else STATES
        own = tallies_by_state(store.tasks, needed, counted.tasks, states, since, by_project=by_project)
    rolled_up, sub_projects = _rolled_up(tree, own)

    def part(key: Hashable) -> Document:
        stats = {}
        for name, sums in own.items():
            total = SUMS.get(name, Tally)()
            for some in (sums.get(key), rolled_up[name].get(key)):
                if some is not None:
                    total.add(some)
            stats[name] = total.figures()
        return {"stats": stats, "sub_projects": sub_projects.get(key, [])}

    return part


def _rolled_up(
    tree: Sequence[TreeNode], own: Mapping[str, Mapping[Hashable, Any]]
) -> tuple[Mapping[str, Mapping[Hashable, Any]], Mapping[Hashable, list[Document]]]:
    """Return the sums over the sub-projects of each listed project, and the sub-projects themselves."""
    # Every pair of project and ancestor is needed for `sub_projects` anyway, so the sums go along the same pairs
    # (docs/performance.md, roll-up).
    sub_projects: dict[Hashable, list[Document]] = defaultdict(list)
    rolled_up: dict[str, dict[Hashable, Any]] = {name: defaultdict(SUMS.get(name, Tally)) for name in own}
    for project, ancestors in tree:
        key = identity(project["id"])
        for ancestor in ancestors:
            sub_projects[ancestor].append(project)
        for name, sums in own.items():
            if own_sum := sums.get(key):
                for ancestor in ancestors:
                    rolled_up[name][ancestor].add(own_sum)
    return rolled_up, sub_projects


def _below(
    listed: Mapping[Hashable, Any],
    projects: int,
    counted: Counted,
    selected: Mapping[Hashable, Any] | None,
    store: Store,
) -> list[TreeNode]:
    """Return the projects below the listed ones that count, by name; `projects` is about how many exist."""
    if not listed:
        return []
    by_path: Document = {}
    if selective(len(listed), projects) and len(listed) <= IDS_PER_QUERY:
        by_path = filters.below(list(listed.values()))
    condition = filters.all_of([by_path, {} if counted.hidden else filters.not_hidden()])
    keys = {key: key for key in listed}  # ancestors share the listed project's own key: copies would take memory
    nodes: list[TreeNode] = []
    for project in store.projects.scan(condition, {"name": 1, "path": 1}):
        own_key = identity(project["_id"])
        path = (keys.get(item if type(item) is str else identity(item)) for item in path_of(project))
        ancestors = dict.fromkeys(key for key in path if key is not None)
        ancestors.pop(own_key, None)
        if ancestors and (selected is None or own_key in selected):
            nodes.append(({"id": project["_id"], "name": project.get("name")}, tuple(ancestors)))

    def by_name(node: TreeNode) -> tuple[bool, str, str]:  # MongoDB's order: no name, then texts by bytes, then ids
        name = node[0]["name"]
        return isinstance(name, str), name if isinstance(name, str) else "", compact(node[0]["id"])

    return sorted(nodes, key=by_name)


# --- sums over single projects ----------------------------------------------------------------------------------------


def _datasets(store: Store, counted: Counted, parents: Mapping[Hashable, Any] | None) -> dict[Hashable, Datasets]:
    """Return the sums over the datasets directly below each of some projects, or of all, by the parent's key."""
    sums: dict[Hashable, Datasets] = defaultdict(Datasets)
    for scope in _scopes(filters.children, parents):
        for project in store.projects.scan(filters.all_of([scope, counted.datasets]), {"parent": 1, "tags": 1}):
            stored = project.get("tags")
            tags = {tag for tag in stored if isinstance(tag, str)} if isinstance(stored, list) else set()
            sums[identity(project.get("parent"))].add(Datasets(1, tags))
    return dict(sums)


def _dataset_sizes(params: Mapping[str, Any], store: Store, listed: Mapping[Hashable, Any] | None) -> Part:
    """Return the part with the size of the newest dataset version in a project."""
    versions = filters.all_of([filters.not_archived(), filters.filled_object("runtime"), contents.by_users(params)])
    newest = grouped(store.tasks, versions, pipelines.newest_sizes(), listed)

    def part(key: Hashable) -> Document:
        if key not in newest:
            return {}
        version = newest[key]["newest"]
        sizes = {"file_count": version.get("files"), "total_size": version.get("size")}
        # A boolean is an integer too, for Python.
        known = {name: size for name, size in sizes.items() if isinstance(size, int) and not isinstance(size, bool)}
        return {"dataset_stats": {name: known.get(name, 0) for name in sizes}}

    return part


def grouped(
    collection: Collection, condition: Document, stages: Pipeline, listed: Mapping[Hashable, Any] | None
) -> dict[Hashable, Document]:
    """Return the groups by project of the documents in these projects, or in all, by the project's key."""
    hint = natural_order_hint(collection, collection.companies) if listed is None else None
    groups: Iterator[Document] = chain.from_iterable(
        collection.aggregate(filters.all_of([scope, condition]), stages, hint=hint)
        for scope in _scopes(filters.in_projects, listed)
    )
    return {identity(group["_id"]): group for group in groups}


def _scopes(
    reference: Callable[[Sequence[Any]], Document], projects: Mapping[Hashable, Any] | None
) -> Iterable[Document]:
    """Return the conditions that together select what refers to these projects, or to any (None)."""
    return ({},) if projects is None else map(reference, chunks(projects.values()))
