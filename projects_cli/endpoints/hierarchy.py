"""Projects by id, the projects below them, and names as paths."""

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
    from collections.abc import Iterable, Iterator, Sequence

    from projects_cli.messages import Document
    from projects_cli.store.collections import Collection, Store

MAX_DEPTH = 10
MIN_BASENAME = 3
TREE = dict.fromkeys(("name", "basename", "system_tags", "path", "parent", "company"), 1)
"""The fields by which the projects of a tree are changed."""

SHOWN = 5
"""Names in a message before "and N more"."""

IDS_PER_QUERY = 20_000
"""Ids in one query: MongoDB refuses commands above 16 MB."""


def normalized(name: str) -> str:
    """Return a name as `create` stores it: without empty segments, each segment stripped."""
    return "/".join(filter(None, map(str.strip, name.split("/"))))


def segments(name: str) -> list[str]:
    """Split a name into segments. Empty ones are dropped first, then each is stripped (docs/semantics.md, create).

    Raises:
        InvalidProjectName: the name has no segment.
    """
    parts = [part.strip() for part in name.split("/") if part]
    if not parts:
        raise InvalidProjectName("the name has no segment")
    return parts


def check_basename(basename: str) -> None:
    """Raise if the last segment of a name is too short.

    Raises:
        ValidationError: it is.
    """
    if len(basename) < MIN_BASENAME:
        raise ValidationError(f"each segment of a name needs at least {MIN_BASENAME} characters, not {basename!r}")


def readable_project(project: str, store: Store, fields: Document | None = None) -> Document:
    """Return a project of the company, or a public one, by the text of its id.

    Raises:
        InvalidProjectId: the project does not exist.
    """
    stored = store.projects.find_one({"_id": project}, fields)
    if stored is None:
        for identifier in ids_of_other_types([project], store).values():
            stored = store.projects.find_one({"_id": identifier}, fields)
    if stored is None:
        raise InvalidProjectId(f"there is no project with the id {project!r}")
    return stored


ID_TYPES = (
    *("minKey", "null", "number", "object", "binData", "objectId", "bool", "date", "timestamp"),
    *("javascript", "javascriptWithScope", "maxKey"),
)
"""Every type that MongoDB allows for an id except string: other programs than a server may have written them."""


def ids_of_other_types(texts: Iterable[str], store: Store, collection: Collection | None = None) -> dict[str, Any]:
    """Return the stored ids of projects, or of a collection, that are not strings and that these texts denote, by text.

    The text of an ObjectId is its digits, that of every id its Extended JSON. An index finds all such ids: a database
    that only a server wrote to has none.

    Raises:
        AmbiguousProject: a text denotes two of them.
    """
    parsed = {text: _parsed(text) for text in texts}
    ids: dict[str, Any] = {}
    if not parsed:
        return ids
    for document in (collection or store.projects).find({"_id": {"$type": ID_TYPES}}, {"_id": 1}):
        identifier = document["_id"]
        for text, value in parsed.items():
            shown = text in (id_text(identifier), compact(identifier))
            # Only objects are compared as values: for Python, true equals 1.
            if not shown and not (isinstance(value, dict) and value in (plain(identifier), canonical(identifier))):
                continue
            if text in ids:
                raise AmbiguousProject(
                    f"{text!r} matches several ids of different types",
                    hint=f"write the id as canonical Extended JSON: {argument(identifier)}",
                )
            ids[text] = identifier
    return ids


def _parsed(text: str) -> Any:
    import json  # most commands do not need it

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def writable_project(project: str, store: Store, fields: Document | None = None) -> Document:
    """Return a project of the company itself.

    Raises:
        InvalidProjectId: the project does not exist. NoWritePermission: it is public.
    """
    stored = readable_project(project, store, fields)
    if stored["company"] != store.company:
        raise NoWritePermission(
            f"the project '{shown_name(stored)}' is public and can't be changed",
            hint=private_hint([stored], store),
        )
    return stored


def tree_below(root: Document, store: Store) -> list[Document]:
    """Return the own and public projects below the root, as `{_id, company}` and the fields of `TREE`.

    A project in whose path another tool put the project itself is not below itself.
    """
    below = store.projects.find(filters.below([root["_id"]]), TREE)
    return [project for project in below if identity(project["_id"]) != identity(root["_id"])]


def own_tree_below(root: Document, store: Store) -> list[Document]:
    """Return the projects below the root if all of them are the company's own.

    Raises:
        NoWritePermission: some are public. The message names them (docs/semantics.md, differs on purpose, 5).
    """
    projects = tree_below(root, store)
    check_own(root, projects, store)
    return projects


def check_own(root: Document, projects: Sequence[Document], store: Store) -> None:
    """Refuse a change of a tree of which some projects are public.

    Raises:
        NoWritePermission: some are. The message names them (docs/semantics.md, differs on purpose, 5).
    """
    public = [project for project in projects if project["company"] != store.company]
    if public:
        names = ", ".join(f"'{shown_name(project)}'" for project in public[:SHOWN])
        more = f" and {len(public) - SHOWN} more" if len(public) > SHOWN else ""
        raise NoWritePermission(
            f"'{shown_name(root)}' has public projects below it: {names}{more}",
            hint=private_hint(public, store),
        )


def shown_name(project: Document) -> str:
    """Return the name of a project, or its id if it has none, as text."""
    return compact(project.get("name") or "") or id_text(project["_id"])


def private_hint(projects: Sequence[Document], store: Store) -> str:
    """Return how the first few of some public projects are made private, if this company made them public."""
    import shlex

    ids = [project["_id"] for project in projects[:SHOWN]]
    if store.projects.count({"_id": {"$in": ids}, "company_origin": store.company}) < len(ids):
        return "only the company that made a project public can make it private"
    command = shlex.join(["projects", "make-private", *map(id_text, ids)])
    return f"make {'it' if len(ids) == 1 else 'them'} private first: {command}"


def distinct(values: Iterable[Any]) -> list[Any]:
    """Return stored values of any type without duplicates."""
    return list({identity(value): value for value in values}.values())


def path_of(document: Document) -> list[Any]:
    """Return the ids of a project's ancestors. A stored value that is not a list counts as the top level."""
    path = document.get("path")
    return path if isinstance(path, list) else []


def chunks(ids: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield ids of any type for one query after the other, in the order of an index; the few odd types come last.

    Neighbouring ids are then read together.
    """
    ordered = sorted(ids, key=lambda identifier: (type(identifier) is not str, compact(identifier)))
    for start in range(0, len(ordered), IDS_PER_QUERY):
        yield ordered[start : start + IDS_PER_QUERY]
