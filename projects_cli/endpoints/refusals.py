"""What refuses a delete: contents that are not archived, of every kind and in every project of the tree."""

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

LISTED = 20
"""Projects that are listed for each kind of contents."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of contents that refuses a delete, and the error of the service for it."""

    name: str
    words: str
    error: type[ServiceError]
    project: str
    contents: str
    condition: Document


PIPELINES = Kind("pipelines", "pipelines with runs", ProjectHasPipelines, "pipeline", "run", {"type": "controller"})
DATASETS = Kind("datasets", "datasets with versions", ProjectHasDatasets, "dataset", "version", {})
TASKS = Kind("tasks", "tasks", ProjectHasTasks, "project", "task", {})
MODELS = Kind("models", "models", ProjectHasModels, "project", "model", {})


@dataclass(frozen=True, slots=True)
class Obstacle:
    """The contents of one kind in some projects that are not archived."""

    kind: Kind
    collection: Collection
    counts: Mapping[Hashable, int]

    @classmethod
    def of(cls, kind: Kind, ids: Sequence[Any], store: Store, chunks: Chunks) -> Obstacle:
        """Count the contents by project."""
        collection = store.models if kind is MODELS else store.tasks
        counts: dict[Hashable, int] = {}
        for chunk in chunks(ids):
            for group in collection.aggregate(_active(kind, chunk), pipelines.by_project()):
                counts[identity(group["_id"])] = group["count"]
        return cls(kind, collection, counts)

    @property
    def count(self) -> int:
        """How many there are in all projects together."""
        return sum(self.counts.values())

    def problems(self, projects: Mapping[Hashable, Document]) -> Iterator[Problem]:
        """Return a problem for each project by name; of many projects for the first ones, and one for the rest."""
        holding = sorted(self.counts, key=lambda key: _name_and_id(projects[key]))
        for key in holding[:LISTED]:
            yield self._problem(projects[key], self.counts[key])
        rest = holding[LISTED:]
        if rest:
            count = sum(self.counts[key] for key in rest)
            message = f"and {len(rest)} more projects with {_counted(count, self.kind.contents)}"
            yield Problem(self.kind.name, message, {"kind": self.kind.name, "more": len(rest), "count": count})

    def _problem(self, project: Document, count: int) -> Problem:
        kind = self.kind
        name, identifier = _name_and_id(project)
        condition = _active(kind, [project["_id"]])
        stored = self.collection.find(condition, {"name": 1}, sort=[("_id", 1)], limit=hierarchy.SHOWN)
        samples = [{"id": id_text(one["_id"]), "name": hierarchy.shown_name(one)} for one in stored]
        listed = ", ".join(f"'{sample['name']}' ({sample['id']})" for sample in samples)
        more = f" and {count - len(samples)} more" if count > len(samples) else ""
        command = f"projects delete {shlex.quote(identifier)} --force"
        return Problem(
            name,
            f"{kind.project} {identifier} has {_counted(count, kind.contents)}: {listed}{more}; to clear: {command}",
            {
                "kind": kind.name,
                "project": {"id": identifier, "name": name},
                "count": count,
                "samples": samples,
                "command": command,
            },
        )


def check(tree: Sequence[Document], contents: Mapping[Kind, Sequence[Any]], store: Store, chunks: Chunks) -> None:
    """Refuse to delete a project (the first of its tree) that has contents that are not archived.

    `contents` has the projects to look into for each kind, in the order in which the service checks them. The error
    is the one of the first kind; its problems are those of all kinds.
    """
    obstacles = [Obstacle.of(kind, ids, store, chunks) for kind, ids in contents.items()]
    first = next((obstacle for obstacle in obstacles if obstacle.count), None)
    if first is None:
        return
    projects = {identity(project["_id"]): project for project in tree}
    name, identifier = _name_and_id(tree[0])
    command = f"projects delete {shlex.quote(identifier)} --force"
    raise first.kind.error(
        f"'{name}' holds {first.kind.words} that are not archived: {first.count}",
        hint=f"archive them in the web UI, or see what --force would delete: {command} --dry-run; "
        f"then {command} deletes without asking, and keeps tasks and models without a project",
        problems=[problem for obstacle in obstacles for problem in obstacle.problems(projects)],
    )


def _name_and_id(project: Document) -> tuple[str, str]:
    return hierarchy.shown_name(project), id_text(project["_id"])


def _active(kind: Kind, ids: Sequence[Any]) -> Document:
    return filters.all_of([filters.in_projects(ids), kind.condition, filters.not_archived()])


def _counted(count: int, contents: str) -> str:
    return f"1 {contents} that is not archived" if count == 1 else f"{count} {contents}s that are not archived"
