"""The projects below those that an operation renamed or moved: which do not follow, and how they do.

A server that creates or renames a project below at that moment uses the name and the path that the projects above had.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from projects_cli.changes.chunks import IDS
from projects_cli.changes.conditions import among
from projects_cli.extended_json import id_text, identity
from projects_cli.messages import Renaming, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projects_cli.messages import Document, Prefixes
    from projects_cli.store.bson_codec import Value
    from projects_cli.store.collections import Store

WANTED = {"name": 1, "path": 1}


def stale(renamed: Sequence[Value], prefixes: Prefixes, store: Store) -> list[tuple[Document, Renaming]]:
    """Return the own projects below renamed ones that do not follow, each with the renaming that it missed.

    They have the old name of the renamed project in theirs. Where that one is now is read only if there are any.
    """
    name = _begins(prefixes.old) if prefixes.old else {"$not": _begins(prefixes.new)}
    found: list[tuple[Document, Renaming]] = []
    for some in _portions(renamed):
        late = _read({"company": store.company, **among(some, "path"), "name": name}, store)
        roots = {identity(root["_id"]): root for root in _read(among(some), store)} if late else {}
        for project in late:
            ids = project["path"] if isinstance(project["path"], list) else [project["path"]]
            root = next((roots[identity(item)] for item in ids if identity(item) in roots), None)
            renaming = None if root is None else _missed(root, prefixes)
            # A list of names may have an item that matches.
            if renaming and type(project["name"]) is str and project["name"].startswith(f"{renaming.old}/"):
                found.append((project, renaming))
    return found


def _missed(root: Document, prefixes: Prefixes) -> Renaming | None:
    """Return the renaming of a project to the name and the place that it has now; None if it has its old ones."""
    name, new = root.get("name"), prefixes.new
    if type(name) is not str or not (name == new or not new or name.startswith(f"{new}/")):
        return None
    old = "/".join(filter(None, (prefixes.old, name[len(new) :].removeprefix("/"))))
    above = root["path"] if isinstance(root.get("path"), list) else []
    return Renaming(root["_id"], old, name, [*above, root["_id"]]) if old != name else None


def step(project: Document, renaming: Renaming, company: str) -> Step:
    """Return the step that lets a project's name and path follow those of the renamed one above it."""
    return Step(
        "project",
        "update",
        {"_id": project["_id"], "company": company},
        {"$set": renaming.follow(project)},
        why="name follows",
        name=project["name"],
        expects={"name": project["name"], "path": project["path"]},
    )


def correct(renamed: Sequence[Value], prefixes: Prefixes, store: Store) -> set[str]:
    """Return the ids of the projects below renamed ones that have the right name now, as text."""
    name = _begins(prefixes.new) if prefixes.new else {"$not": _begins(prefixes.old)}
    below = ({**among(some, "path"), "name": name} for some in _portions(renamed))
    return {id_text(project["_id"]) for filter_ in below for project in store.projects.find(filter_, {"_id": 1})}


def _portions(projects: Sequence[Value]) -> Iterator[Sequence[Value]]:
    return (projects[start : start + IDS] for start in range(0, len(projects), IDS))


def _begins(name: str) -> Document:
    # MongoDB refuses a NUL in a pattern, and `re.escape` leaves it as it is.
    escaped = re.escape(name).replace("\0", r"\x00")
    return {"$regex": f"^{escaped}/"}


def _read(filter_: Document, store: Store) -> list[Document]:
    return store.connection.retry(lambda: list(store.projects.find(filter_, WANTED, sort=[("name", 1)])))
