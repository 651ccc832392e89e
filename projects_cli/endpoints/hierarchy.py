"""Where projects lie: the one that was asked for, those around it, and names as paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.errors import InvalidProjectId, InvalidProjectName, NoWritePermission, ValidationError
from projects_cli.store import filters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Store

MAX_DEPTH = 10
MIN_BASENAME = 3
SHOWN = 5
"""How many names a message lists before it says "and N more"."""


def normalized(name: str) -> str:
    """Return a name as `create` stores it: no blanks around a segment, and no empty segments."""
    return "/".join(filter(None, map(str.strip, name.split("/"))))


def segments(name: str) -> list[str]:
    """Split a name into the segments of its path: empty ones are dropped, then each is stripped.

    Raises:
        InvalidProjectName: the name has no segment.
    """
    parts = [part.strip() for part in name.split("/") if part]
    if not parts:
        raise InvalidProjectName("the name has no part that names a project")
    return parts


def check_basename(basename: str) -> None:
    """Refuse a last part of a name that is too short.

    Raises:
        ValidationError: it is.
    """
    if len(basename) < MIN_BASENAME:
        raise ValidationError(f"each part of a name needs at least {MIN_BASENAME} characters, not {basename!r}")


def readable_project(project: str, store: Store, fields: Document | None = None) -> Document:
    """Give a project of the company, or a public one.

    Raises:
        InvalidProjectId: there is no such project.
    """
    found = store.projects.find_one({"_id": project}, fields)
    if found is None:
        raise InvalidProjectId(f"there is no project with the id {project!r}")
    return found


def writable_project(project: str, store: Store) -> Document:
    """Give a project of the company itself.

    Raises:
        InvalidProjectId: there is no such project.
        NoWritePermission: it is public.
    """
    found = readable_project(project, store)
    if found["company"] != store.company:
        raise NoWritePermission(
            f"the project {found.get('name')!r} is public and can't be changed",
            hint=f"make it private first: projects make-private {project}",
        )
    return found


def own_tree_below(root: Document, store: Store) -> list[Document]:
    """Give the projects below one, as `{_id, name, basename, system_tags, path}`, all of them the company's own.

    Raises:
        NoWritePermission: some are public; the message names them (semantics.md, differs on purpose, 5).
    """
    wanted = {"name": 1, "basename": 1, "system_tags": 1, "path": 1, "company": 1}
    found = list(store.projects.find(filters.below([root["_id"]]), wanted))
    public = [document for document in found if document["company"] != store.company]
    if public:
        raise NoWritePermission(
            f"below '{shown_name(root)}' there are public projects: {some_names(public)}",
            hint=f"make them private first: projects make-private {' '.join(p['_id'] for p in public[:SHOWN])}",
        )
    return found


def shown_name(project: Document) -> str:
    """Give what people are told a project is called: its name, or its id where it has none."""
    return str(project.get("name") or project["_id"])


def some_names(documents: Sequence[Document]) -> str:
    """Give the first few names, and how many more there are."""
    shown = ", ".join(f"'{shown_name(document)}'" for document in documents[:SHOWN])
    more = len(documents) - SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def ids_within(projects: Sequence[str], store: Store) -> list[str]:
    """Give the ids of these projects and of all below them, hidden ones too; unknown ones vanish."""
    known = [found["_id"] for found in store.projects.find({"_id": {"$in": list(projects)}}, {"_id": 1})]
    below = store.projects.find(filters.below(known), {"_id": 1}) if known else ()
    return list(dict.fromkeys([*known, *(found["_id"] for found in below)]))


def scope_of(request: Request, store: Store) -> Document:
    """Give the filter for the tasks that `project` means: of the project and all below it, or of everything."""
    project: Any = request.params.get("project")
    return filters.in_projects(ids_within([project], store)) if project else {}


def path_of(document: Document) -> list[str]:
    """Give the ids of a project's ancestors; absent and null are the top level."""
    path = document.get("path")
    return path if isinstance(path, list) else []
