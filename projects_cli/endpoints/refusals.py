"""Checks that refuse a delete: contents that are not archived, of every kind and in every project of the tree."""

from __future__ import annotations

import shlex
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
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

    from projects_cli.errors import ServiceError
    from projects_cli.messages import Document
    from projects_cli.store.collections import Collection, Store

    Chunks = Callable[[Sequence[Any]], Iterable[Sequence[Any]]]

MAX_PROJECTS = 20
"""Projects that are listed for each kind of contents."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of contents that refuses a delete, with the service's error and the words for messages."""

    name: str
    words: str
    error: type[ServiceError]
    project: str
    contents: str
    condition: Document

    def active(self, ids: Sequence[Any]) -> Document:
        """Return the filter for the contents of these projects that are not archived."""
        return filters.all_of([filters.in_projects(ids), self.condition, filters.not_archived()])

    def counted(self, count: int) -> str:
        """Return a count of contents in words."""
        return f"{count} {self.contents}{'' if count == 1 else 's'} that {'is' if count == 1 else 'are'} not archived"


PIPELINES = Kind("pipelines", "pipelines with runs", ProjectHasPipelines, "pipeline", "run", {"type": "controller"})
DATASETS = Kind("datasets", "datasets with versions", ProjectHasDatasets, "dataset", "version", {})
TASKS = Kind("tasks", "tasks", ProjectHasTasks, "project", "task", {})
MODELS = Kind("models", "models", ProjectHasModels, "project", "model", {})


def check(tree: Sequence[Document], contents: Mapping[Kind, Sequence[Any]], store: Store, chunks: Chunks) -> None:
    """Raise if a project (the first of its tree) has contents that are not archived.

    `contents` has the ids of the projects to check for each kind, in the service's order (docs/semantics.md, delete).

    Raises:
        ServiceError: the error of the first kind, with the problems of all kinds.
    """
    counts = {kind: _counts(kind, ids, store, chunks) for kind, ids in contents.items()}
    first = next((kind for kind, by_project in counts.items() if by_project), None)
    if first is None:
        return
    projects = {identity(project["_id"]): project for project in tree}
    command = f"projects delete {shlex.quote(id_text(tree[0]['_id']))} --force"
    total = sum(counts[first].values())
    raise first.error(
        f"'{hierarchy.shown_name(tree[0])}' holds {first.words} that are not archived: {total}",
        hint=f"archive them in the web UI, or see what --force would delete: {command} --dry-run; "
        f"then {command} deletes without asking, and keeps tasks and models without a project",
        problems=[
            problem
            for kind, by_project in counts.items()
            for problem in _problems(kind, by_project, projects, _collection(kind, store))
        ],
    )


def _collection(kind: Kind, store: Store) -> Collection:
    return store.models if kind is MODELS else store.tasks


def _counts(kind: Kind, ids: Sequence[Any], store: Store, chunks: Chunks) -> dict[Hashable, int]:
    """Return the number of contents by the key of their project."""
    collection = _collection(kind, store)
    groups = (
        group for chunk in chunks(ids) for group in collection.aggregate(kind.active(chunk), pipelines.by_project())
    )
    return {identity(group["_id"]): group["count"] for group in groups}


def _problems(
    kind: Kind, counts: Mapping[Hashable, int], projects: Mapping[Hashable, Document], collection: Collection
) -> Iterator[Problem]:
    """Yield a problem for each of the first projects by name, and one for all others."""
    names = {key: (hierarchy.shown_name(projects[key]), id_text(projects[key]["_id"])) for key in counts}
    by_name = sorted(counts, key=names.__getitem__)
    for key in by_name[:MAX_PROJECTS]:
        (name, identifier), count = names[key], counts[key]
        condition = kind.active([projects[key]["_id"]])
        stored = collection.find(condition, {"name": 1}, sort=[("_id", 1)], limit=hierarchy.SHOWN)
        samples = [{"id": id_text(item["_id"]), "name": hierarchy.shown_name(item)} for item in stored]
        listed = ", ".join(f"'{sample['name']}' ({sample['id']})" for sample in samples)
        more = f" and {count - len(samples)} more" if count > len(samples) else ""
        command = f"projects delete {shlex.quote(identifier)} --force"
        yield Problem(
            name,
            f"{kind.project} {identifier} has {kind.counted(count)}: {listed}{more}; to clear: {command}",
            {
                "kind": kind.name,
                "project": {"id": identifier, "name": name},
                "count": count,
                "samples": samples,
                "command": command,
            },
        )
    if rest := by_name[MAX_PROJECTS:]:
        count = sum(counts[key] for key in rest)
        message = f"and {len(rest)} more projects with {kind.counted(count)}"
        yield Problem(kind.name, message, {"kind": kind.name, "more": len(rest), "count": count})
