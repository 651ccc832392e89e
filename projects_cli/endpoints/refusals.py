"""Checks that refuse a delete: contents that are not archived, of every kind and in every project of the tree."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import hierarchy
from projects_cli.errors import (
    Problem,
    ProjectHasDatasets,
    ProjectHasModels,
    ProjectHasPipelines,
    ProjectHasTasks,
)
from projects_cli.extended_json import id_text, identity
from projects_cli.store import filters, pipelines

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from projects_cli.errors import ServiceError
    from projects_cli.messages import Document
    from projects_cli.store.collections import Collection, Store

MAX_PROJECTS = 20
"""Projects that a refusal lists for each kind of contents; `projects validate-delete` lists all."""

CHUNK = 1000
"""Ids in one filter: far below MongoDB's limit of 16 MB for a command."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of contents that refuses a delete, with the service's error and the words for messages."""

    name: str
    words: str
    error: type[ServiceError]
    contents: str
    condition: Document

    def active(self, ids: Sequence[Any]) -> Document:
        """Return the filter for the contents of these projects that are not archived."""
        return filters.all_of([filters.in_projects(ids), self.condition, filters.not_archived()])

    def counted(self, count: int) -> str:
        """Return a count of contents in words."""
        return f"{count} {self.contents}{'' if count == 1 else 's'} that {'is' if count == 1 else 'are'} not archived"


PIPELINES = Kind("pipelines", "pipelines with runs", ProjectHasPipelines, "run", {"type": "controller"})
DATASETS = Kind("datasets", "datasets with versions", ProjectHasDatasets, "version", {})
TASKS = Kind("tasks", "tasks", ProjectHasTasks, "task", {})
MODELS = Kind("models", "models", ProjectHasModels, "model", {})


@dataclass(frozen=True, slots=True)
class Tree:
    """A project and its sub-projects, divided by the checks of a delete that apply to each."""

    every: Sequence[Document]
    contents: Mapping[Kind, Sequence[Any]]
    """The projects whose contents refuse by kind, in the service's order (docs/semantics.md, delete)."""

    @classmethod
    def of(cls, every: Sequence[Document]) -> Tree:
        """Divide the projects, of which the first is the root; containers are neither pipelines nor datasets."""
        pipelines = [project["_id"] for project in every if _is_special(project, "pipeline", ".pipelines")]
        datasets = [project["_id"] for project in every if _is_special(project, "dataset", ".datasets")]
        # A stored id may be of a type that cannot be in a set.
        special = {identity(project_id) for project_id in (*pipelines, *datasets)}
        rest = [project["_id"] for project in every if identity(project["_id"]) not in special]
        return cls(every, {PIPELINES: pipelines, DATASETS: datasets, TASKS: rest, MODELS: rest})

    @property
    def rest(self) -> Sequence[Any]:
        """Return the ids of the projects that are neither pipelines nor datasets."""
        return self.contents[TASKS]


def _is_special(project: Document, tag: str, container: str) -> bool:
    tags = project.get("system_tags")
    return isinstance(tags, list) and tag in tags and project.get("basename") != container


def chunks(ids: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Divide ids into as many as one filter may have."""
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


def check(tree: Tree, store: Store, *, with_contents: bool) -> None:
    """Raise if a project of a tree has contents that are not archived.

    `with_contents` is whether the contents would be deleted as well, for the hint.

    Raises:
        ServiceError: the error of the first kind, with the problems of all kinds.
    """
    # All kinds are counted, also after the first that refuses: the error lists the problems of all of them.
    by_kind = {kind: counts(kind, ids, store) for kind, ids in tree.contents.items()}
    first = next((kind for kind, by_project in by_kind.items() if by_project), None)
    if first is None:
        return
    root = shlex.quote(id_text(tree.every[0]["_id"]))
    command = f"projects delete {root}{' --delete-contents' if with_contents else ''} --force"
    total = sum(by_kind[first].values())
    raise first.error(
        f"'{hierarchy.shown_name(tree.every[0])}' holds {first.words} that are not archived: {total}",
        hint=f"archive them in the web UI, or see what --force would delete: {command} --dry-run; "
        f"then {command} deletes without asking, and "
        + ("tasks and models with it" if with_contents else "keeps tasks and models without a project"),
        problems=problems(tree, by_kind, store, MAX_PROJECTS),
    )


def problems(
    tree: Tree, by_kind: Mapping[Kind, Mapping[Hashable, int]], store: Store, most: int | None = None
) -> list[Problem]:
    """Return a problem for each project with contents that are not archived, or for the first ones of each kind."""
    projects = {identity(project["_id"]): project for project in tree.every}
    return [
        problem
        for kind, by_project in by_kind.items()
        for problem in _problems(kind, by_project, projects, _collection(kind, store), most)
    ]


def _collection(kind: Kind, store: Store) -> Collection:
    return store.models if kind is MODELS else store.tasks


def counts(kind: Kind, ids: Sequence[Any], store: Store) -> dict[Hashable, int]:
    """Return the number of contents that are not archived, by the key of their project; projects without any lack."""
    collection = _collection(kind, store)
    found: Counter[Hashable] = Counter()
    for chunk in chunks(ids):
        keys = set(map(identity, chunk))
        for group in collection.aggregate(kind.active(chunk), pipelines.by_project()):
            # MongoDB matches a list of projects, which another tool stored, by each of its items.
            projects = group["_id"] if isinstance(group["_id"], list) else [group["_id"]]
            for key in keys.intersection(map(identity, projects)):
                found[key] += group["count"]
    return found


def _problems(
    kind: Kind,
    counts: Mapping[Hashable, int],
    projects: Mapping[Hashable, Document],
    collection: Collection,
    most: int | None,
) -> Iterator[Problem]:
    """Yield a problem for each of the first projects by name, and one for all others."""
    names = {key: (hierarchy.shown_name(projects[key]), id_text(projects[key]["_id"])) for key in counts}
    by_name = sorted(counts, key=names.__getitem__)
    for key in by_name[:most]:
        (name, identifier), count = names[key], counts[key]
        condition = kind.active([projects[key]["_id"]])
        stored = collection.find(condition, {"name": 1}, sort=[("_id", 1)], limit=hierarchy.SHOWN)
        samples = [{"id": id_text(item["_id"]), "name": hierarchy.shown_name(item)} for item in stored]
        listed = ", ".join(f"'{sample['name']}'" for sample in samples)
        more = f" and {count - len(samples)} more" if count > len(samples) else ""
        command = f"projects delete {shlex.quote(identifier)} --force"
        yield Problem(
            name,
            f"{kind.counted(count)}: {listed}{more}; to clear: {command}",
            {
                "kind": kind.name,
                "project": {"id": identifier, "name": name},
                "count": count,
                "samples": samples,
                "to_clear": command,
            },
        )
    if rest := by_name[len(by_name) if most is None else most :]:
        count = sum(counts[key] for key in rest)
        message = f"and {len(rest)} more projects with {kind.counted(count)}"
        yield Problem(kind.name, message, {"kind": kind.name, "more": len(rest), "count": count})
