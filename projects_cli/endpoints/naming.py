"""Names of projects: which are taken, which are missing on the way down to one, and how those below one follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import hierarchy
from projects_cli.endpoints.fields import sorted_tags
from projects_cli.errors import ExpectedUniqueData, FieldsValueError, PublicProjectExists
from projects_cli.extended_json import id_text
from projects_cli.messages import Step
from projects_cli.store.bson_codec import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from projects_cli.messages import Document, Renaming, Request
    from projects_cli.store.collections import Store

FEATURED = 9999
"""The rank of a project that is not featured, as the server stores it (docs/data-model.md, `project`)."""


def by_name(names: Iterable[str], store: Store) -> dict[tuple[str, str], Document]:
    """Return the own and public projects with these names, by (name, company)."""
    projects = store.projects.find({"name": {"$in": list(names)}}, {"name": 1, "company": 1, "path": 1, "parent": 1})
    # `type` and not `isinstance`: bson.Code is a subclass of str, and its name is not text.
    return {(project["name"], project["company"]): project for project in projects if type(project["name"]) is str}


def check_free(
    name: str, projects: Mapping[tuple[str, str], Document], store: Store, *, except_id: str | None = None
) -> None:
    """Refuse a name that another project of the company has, then a name that a public project has."""
    holder = projects.get((name, store.company))
    if holder is not None and holder["_id"] != except_id:
        raise ExpectedUniqueData(f"there is a project named '{name}' already")
    check_not_public(name, projects)


def check_not_public(name: str, projects: Mapping[tuple[str, str], Document]) -> None:
    """Refuse a name that a public project has."""
    if (name, "") in projects:
        raise PublicProjectExists(f"there is a public project named '{name}'")


def is_missing(location: str, store: Store) -> bool:
    """Return whether the company has no project of this name; the top level is never missing."""
    name = hierarchy.normalized(location)
    return bool(name) and (name, store.company) not in by_name([name], store)


def missing_projects(parts: Sequence[str], store: Store) -> tuple[list[list[str]], Document | None]:
    """Return which of the projects on the way down to a name are missing, topmost first, and the lowest that exists.

    They are checked from the lowest up, as the server does: the first fault on the way is the one that is reported.
    """
    paths = [list(parts[:depth]) for depth in range(len(parts), 0, -1)]
    projects = by_name(["/".join(path) for path in paths], store)
    missing: list[list[str]] = []
    for path in paths:
        name = "/".join(path)
        if (name, store.company) in projects:
            return missing[::-1], projects[name, store.company]
        hierarchy.check_basename(path[-1])
        check_not_public(name, projects)
        missing.append(path)
    return missing[::-1], None


def new_project(parts: Sequence[str], parent: Document | None, values: Mapping[str, Any], request: Request) -> Document:
    """Return the document of a new project as a server stores it (docs/semantics.md, create)."""
    document: Document = {
        "_id": request.new_id(),
        "company": request.company,
        "user": request.user,
        "name": "/".join(parts),
        "basename": parts[-1],
        "description": values.get("description") or "",
        "created": request.now,
        "tags": stored_tags(values.get("tags")),
        "system_tags": stored_tags(values.get("system_tags")),
    }
    if values.get("default_output_destination") is not None:
        document["default_output_destination"] = values["default_output_destination"].strip()
    document |= {"last_update": request.now, "featured": FEATURED}
    if parent:
        document["parent"] = parent["_id"]
    document["path"] = [*hierarchy.path_of(parent), parent["_id"]] if parent else []
    return document


def stored_tags(tags: Sequence[str] | None) -> list[str]:
    """Return tags as stored: sorted, without duplicates; null is none (docs/semantics.md, differs on purpose, 7)."""
    return sorted_tags(hierarchy.distinct(tags or ()))


def following_step(project: Document, renaming: Renaming | None, request: Request) -> Step:
    """Return the step by which a project below follows a renaming; without one only its `last_update` changes.

    Raises:
        FieldsValueError: its name or its path is not UTF-8 text, so the driver would write back another one.
    """
    change = {} if renaming is None else renaming.follow(project)
    if renaming and "name" in change and UNREADABLE in project["name"][len(renaming.old) :]:
        raise FieldsValueError(
            f"the name of the project {id_text(project['_id'])} below is not UTF-8 text, and would be lost",
            hint="rename it first, by its id: projects update ID --name NAME",
        )
    if UNREADABLE in "".join(map(str, change.get("path", ()))):
        raise FieldsValueError(f"the path of the project {id_text(project['_id'])} has an id that is not UTF-8 text")
    return Step(
        "project",
        "update",
        {"_id": project["_id"], "company": request.company},
        {"$set": change | {"last_update": request.now}},
        why="name and path follow" if "path" in change else "name follows",
        name=hierarchy.shown_name(project),
        expects={name: project.get(name) for name in change},
    )
