"""How people name a project: by its id, its full name, or the beginning of its id."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from projects_cli.endpoints import CHANGES
from projects_cli.errors import AmbiguousProject, EmptyName, ProjectNotFound, did_you_mean, nearest
from projects_cli.store import filters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from projects_cli.messages import Document
    from projects_cli.store.collections import Store

_ID = re.compile("[0-9a-f]{32}")
OFFERED = 100_000
"""Projects that can be picked from."""

LOOKED_AT = 10_000
"""Names that are compared to find the nearest one."""


def project_id(project: str, store: Callable[[], Store]) -> str:
    """Give the id that a person meant; what looks like a whole id is one, without asking the database.

    Raises:
        EmptyName: it is empty. ProjectNotFound: nothing has that name.
        AmbiguousProject: several have, or several ids begin so.
    """
    if not project:
        raise EmptyName("an empty name names no project")
    if _ID.fullmatch(project):
        return project
    return _found(project, store())


def choices(endpoint: str, store: Store) -> list[tuple[str, str]]:
    """Give the projects, as (id, name) by name, that a person may want to give to an endpoint.

    A change is offered the company's own ones, or those that it can take back; the hidden ones are left out.
    """
    condition: Document = {}
    if endpoint == "projects.make_private":
        condition = {"company": "", "company_origin": store.company}
    elif endpoint in CHANGES:
        condition = {"company": store.company}
    wanted = filters.all_of([condition, filters.not_hidden()])
    found = store.projects.find(wanted, {"name": 1}, sort=[("name", 1), ("_id", 1)], limit=OFFERED)
    return [(str(one["_id"]), str(one.get("name"))) for one in found]


def names(store: Store, most: int) -> Iterable[Document]:
    """Give the projects, public and hidden ones too, with what they can be named and chosen by: names and tags."""
    return store.projects.find({}, {"name": 1, "tags": 1, "system_tags": 1}, limit=most)


def _found(project: str, store: Store) -> str:
    wanted = {"name": 1, "company": 1}
    named = list(store.projects.find({"$or": [{"_id": project}, {"name": project}]}, wanted))
    exact = [one for one in named if one["_id"] == project] or named
    if not exact and filters.begins_an_id(project):
        exact = list(store.projects.find(filters.pattern("_id", f"^{project}"), wanted, limit=3))
    if len(exact) > 1:
        several = ", ".join(f"{one['_id']} ({one.get('name', '')})" for one in exact)
        raise AmbiguousProject(f"{project!r} stands for several projects: {several}", hint="give a whole id")
    if not exact:
        raise ProjectNotFound(f"there is no project {project!r}", hint=_hint(project, store))
    return str(exact[0]["_id"])


def _hint(project: str, store: Store) -> str:
    """Give the nearest names, else how to see all."""
    names = [str(one.get("name")) for one in store.projects.find({}, {"name": 1, "_id": 0}, limit=LOOKED_AT)]
    lowered = {name.lower(): name for name in names}
    near = nearest(project.lower(), lowered)
    return did_you_mean((lowered[name] for name in near), "see: projects list")
