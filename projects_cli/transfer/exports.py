"""What an export holds: projects with their sub-projects and missing parents, and on request tasks and models."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Literal

from projects_cli.endpoints import hierarchy
from projects_cli.errors import NoWritePermission
from projects_cli.store import bson_codec, filters
from projects_cli.store.bson_codec import NULL, Value, python_value, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projects_cli.messages import Document
    from projects_cli.store.collections import Store

Kind = Literal["parent", "project", "task", "model"]
"""What a document of a file is; a `parent` is a project that is there only for the place of those below it."""

CONTENTS: tuple[Kind, ...] = ("task", "model")

IDS = 10_000
"""Projects whose contents are asked for in one query, about half a megabyte of ids."""

# The name of a project begins with that of its parent, which is therefore first.
PARENTS_FIRST = [("name", 1), ("_id", 1)]


@dataclass(frozen=True, slots=True)
class Export:
    """The documents of an export: of the projects `roots`, or without any of the whole company.

    These are the company's own documents, and the public ones that it made. Without roots, tasks and models that are in
    no project are exported as well.
    """

    store: Store
    roots: Sequence[Document] = ()
    kinds: Sequence[Kind] = ()
    _ids: list[Value] = field(default_factory=list)

    @classmethod
    def of(cls, store: Store, projects: Sequence[str], kinds: Sequence[Kind]) -> Export:
        """Return the export of projects by their ids, each with everything below it.

        Raises:
            InvalidProjectId: a project does not exist. NoWritePermission: it is public and belongs to another company.
        """
        wanted = {"name": 1, "path": 1, "company": 1, "company_origin": 1}
        roots = [hierarchy.readable_project(project, store, wanted) for project in projects]
        for root in roots:
            if store.company not in (root["company"], root.get("company_origin")):
                raise NoWritePermission(
                    f"the project '{hierarchy.shown_name(root)}' is public and belongs to another company", hint=""
                )
        return cls(store, roots, kinds)

    def counts(self) -> dict[str, int]:
        """Return how many documents of each kind there are now."""
        counts = {"projects": self.store.projects.count(self._own(self._tree()))}
        for kind in self.kinds:
            counts[f"{kind}s"] = sum(self.store.named(kind).count(some) for some in self._contents())
        return counts

    def documents(self) -> Iterator[tuple[Kind, bytes]]:
        """Stream the documents: first the parents, then the projects in the order of their names, then the contents."""
        # The projects above the roots that are not below another root.
        roots = hierarchy.distinct(root["_id"] for root in self.roots)
        tops = [root for root in self.roots if not any(item in roots for item in hierarchy.path_of(root))]
        if above := hierarchy.distinct(item for root in tops for item in hierarchy.path_of(root)):
            for raw in self.store.projects.raw(self._own({"_id": {"$in": above}}), sort=PARENTS_FIRST):
                yield "parent", raw
        for raw in self.store.projects.raw(self._own(self._tree()), sort=PARENTS_FIRST):
            yield "project", raw
        for kind in self.kinds:
            for some in self._contents():
                for raw in self.store.named(kind).raw(some):
                    yield kind, raw

    def projects(self) -> Iterator[Document]:
        """Stream the projects without their parents, decoded."""
        return self.store.projects.find(self._own(self._tree()), sort=PARENTS_FIRST)

    def _own(self, condition: Document) -> Document:
        company = self.store.company
        own: Document = {"$or": [{"company": company}, {"company": "", "company_origin": company}]}
        return filters.all_of([own, condition])

    def _tree(self) -> Document:
        """Match the projects of the export; all of them without roots."""
        if not self.roots:
            return {}
        ids = [root["_id"] for root in self.roots]
        return {"$or": [{"_id": {"$in": ids}}, filters.below(ids)]}

    def _contents(self) -> Iterator[Document]:
        """Stream filters for the tasks or models of the export."""
        if not self.roots:
            yield self._own({})
            return
        # Read once: tasks and models are of the same projects, though others may be created meanwhile.
        if not self._ids:
            self._ids.extend(
                bson_codec.fields(raw).get("_id", NULL)
                for raw in self.store.projects.raw(self._own(self._tree()), {"_id": 1})
            )
        ids = iter(self._ids)
        while some := list(islice(ids, IDS)):
            yield self._own({"project": bson_codec.embedded({"$in": bson_codec.array(some)})})


def is_importable(kind: Kind, raw: bytes) -> bool:
    """Return whether `import` takes a document: not if its id is null, nor a project whose id is not UTF-8 text."""
    identifier = bson_codec.identifier(raw)
    return identifier != NULL and (kind in CONTENTS or value_of(python_value(identifier)) == identifier)
