"""Where projects lie: the one that was asked for, those around it, and names as paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.errors import (
    AmbiguousProject,
    InvalidProjectId,
    InvalidProjectName,
    NoWritePermission,
    ValidationError,
)
from projects_cli.extended_json import argument, canonical, compact, id_text, identity, plain
from projects_cli.store import filters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    """Return a project of the company, or a public one, by the text of its id.

    Raises:
        InvalidProjectId: there is no such project.
    """
    found = store.projects.find_one({"_id": project}, fields)
    if found is None:
        for identifier in ids_of_other_types([project], store).values():
            found = store.projects.find_one({"_id": identifier}, fields)
    if found is None:
        raise InvalidProjectId(f"there is no project with the id {project!r}")
    return found


ID_TYPES = (
    *("minKey", "null", "number", "object", "binData", "objectId", "bool", "date", "timestamp"),
    *("javascript", "javascriptWithScope", "maxKey"),
)
"""The types of an id that another program wrote, as MongoDB calls them: all that it allows, but for texts."""


def ids_of_other_types(texts: Iterable[str], store: Store) -> dict[str, Any]:
    """Return the stored ids that are not texts and that these texts name, by text.

    An ObjectId is named by its digits, every id by its Extended JSON. The texts are compared with those of all such
    ids, by an index: a database that only a server wrote to has none.

    Raises:
        AmbiguousProject: a text names two of them.
    """
    wanted = {text: _parsed(text) for text in texts}
    found: dict[str, Any] = {}
    if not wanted:
        return found
    for document in store.projects.find({"_id": {"$type": ID_TYPES}}, {"_id": 1}):
        identifier = document["_id"]
        for text in [text for text, parsed in wanted.items() if _names(text, parsed, identifier)]:
            if text in found:
                raise AmbiguousProject(
                    f"{text!r} stands for several projects, whose ids are of different types",
                    hint=f"write the id as canonical Extended JSON: {argument(identifier)}",
                )
            found[text] = identifier
    return found


def _names(text: str, parsed: Any, identifier: Any) -> bool:
    """Return whether a text, or the JSON in it, is how an id is shown; `true` is not 1, though Python says so."""
    if text in (id_text(identifier), compact(identifier)):
        return True
    return isinstance(parsed, dict) and parsed in (plain(identifier), canonical(identifier))


def _parsed(text: str) -> Any:
    import json  # needed only for projects that are not named by a plain id or name

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def writable_project(project: str, store: Store) -> Document:
    """Give a project of the company itself.

    Raises:
        InvalidProjectId: there is no such project.
        NoWritePermission: it is public.
    """
    found = readable_project(project, store)
    if found["company"] != store.company:
        raise NoWritePermission(
            f"the project '{shown_name(found)}' is public and can't be changed",
            hint=f"make it private first: projects make-private {_words([found])}",
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
            hint=f"make them private first: projects make-private {_words(public)}",
        )
    return found


def shown_name(project: Document) -> str:
    """Return the name of a project, or its id if it has none, as text."""
    return compact(project.get("name") or "") or id_text(project["_id"])


def _words(projects: Sequence[Document]) -> str:
    """Return the first few ids as words of a command line."""
    import shlex

    return shlex.join(id_text(project["_id"]) for project in projects[:SHOWN])


def some_names(documents: Sequence[Document]) -> str:
    """Give the first few names, and how many more there are."""
    shown = ", ".join(f"'{shown_name(document)}'" for document in documents[:SHOWN])
    more = len(documents) - SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def ids_within(projects: Sequence[str], store: Store) -> list[Any]:
    """Return the ids of these projects and of all below them, hidden ones too; unknown ones vanish."""
    known = [found["_id"] for found in store.projects.find({"_id": {"$in": list(projects)}}, {"_id": 1})]
    known += ids_of_other_types(set(projects).difference(known), store).values()
    below = store.projects.find(filters.below(known), {"_id": 1}) if known else ()
    return distinct([*known, *(found["_id"] for found in below)])


def distinct(values: Iterable[Any]) -> list[Any]:
    """Return stored values of any type, each once."""
    return list({identity(value): value for value in values}.values())


def scope_of(request: Request, store: Store) -> Document:
    """Give the filter for the tasks that `project` means: of the project and all below it, or of everything."""
    project: Any = request.params.get("project")
    return filters.in_projects(ids_within([project], store)) if project else {}


def path_of(document: Document) -> list[Any]:
    """Return the ids of a project's ancestors; what is not a list is the top level."""
    path = document.get("path")
    return path if isinstance(path, list) else []
