"""How people name a project: by its id, its full name, or the beginning of its id."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING
from unicodedata import normalize

from projects_cli.endpoints import CHANGES, hierarchy
from projects_cli.errors import AmbiguousProject, EmptyName, ProjectNotFound, did_you_mean, nearest
from projects_cli.extended_json import argument, compact, id_text
from projects_cli.store import filters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from projects_cli.messages import Document
    from projects_cli.store.collections import Store

_ID = re.compile("[0-9a-f]{32}")
_SHORT_BEGINNING = re.compile("[0-9a-f]{1,7}")
CODE_POINTS = 12
"""Code points of a name that a message lists."""

OFFERED = 100_000
"""Projects that can be picked from."""

LOOKED_AT = 10_000
"""Names that are compared to find the nearest one."""


def project_id(project: str, store: Callable[[], Store]) -> str:
    """Return the id of the project that an id, a name or the beginning of an id stands for.

    A whole id is returned without a query: its endpoint reports an unknown one.

    Raises:
        EmptyName: `project` is empty. ProjectNotFound: no project has that name or id.
        AmbiguousProject: several projects have that name, or several ids begin with it.
    """
    if not project:
        raise EmptyName("an empty name names no project")
    if _ID.fullmatch(project.strip()):
        return project.strip()
    return _found(project, store())


def unknown_ids(texts: Iterable[str], store: Store) -> list[str]:
    """Return the texts that are not an id: neither of its usual form, nor that of a project.

    Ids of the usual form are not looked up: to find none of them is the answer.
    """
    odd = [text for text in dict.fromkeys(texts) if not _ID.fullmatch(text)]
    if not odd:
        return []
    known = {one["_id"] for one in store.projects.find({"_id": {"$in": odd}}, {"_id": 1})}
    known |= hierarchy.ids_of_other_types(odd, store).keys()
    return [text for text in odd if text not in known]


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
    return [(id_text(one["_id"]), hierarchy.shown_name(one)) for one in found]


def names(store: Store, most: int) -> Iterable[Document]:
    """Give the projects, public and hidden ones too, with what they can be named and chosen by: names and tags."""
    return store.projects.find({}, {"name": 1, "tags": 1, "system_tags": 1}, limit=most)


def _found(project: str, store: Store) -> str:
    """Return the id of the project with this id or name, else with the name that `create` would have stored."""
    name = hierarchy.normalized(project)
    wanted = {"name": 1, "company": 1}
    texts = list(dict.fromkeys([project, name]))
    stored = list(store.projects.find({"$or": [{"_id": {"$in": texts}}, {"name": {"$in": texts}}]}, wanted))
    matches = next(filter(None, (_matching(stored, key, text) for text in texts for key in ("_id", "name"))), [])
    if not matches:
        matches = [{"_id": one} for one in hierarchy.ids_of_other_types([project], store).values()]
    if not matches and filters.begins_an_id(name):
        matches = list(store.projects.find(filters.pattern("_id", f"^{name}"), wanted, limit=3))
    if len(matches) > 1:
        several = ", ".join(f"{id_text(match['_id'])} ({compact(match.get('name', ''))})" for match in matches)
        raise AmbiguousProject(f"{project!r} stands for several projects: {several}", hint="give a whole id")
    if not matches:
        raise _not_found(project, store)
    return argument(matches[0]["_id"])


def _matching(stored: Iterable[Document], key: str, text: str) -> list[Document]:
    return [document for document in stored if document.get(key) == text]


def _not_found(project: str, store: Store) -> ProjectNotFound:
    """Return the error for an unknown project, with what may have been meant."""
    name = hierarchy.normalized(project)
    stored = store.projects.find({}, {"name": 1, "_id": 0}, limit=LOOKED_AT)
    names = [text for document in stored if type(text := document.get("name")) is str]
    twins = _twins(name, names, store)
    if twins:
        described = ", ".join(f"{twin!r} ({_code_points(twin, name)})" for twin in twins)
        return ProjectNotFound(
            f"there is no project {project!r} ({_code_points(name, twins[0])}); "
            f"a project with the same letters in another Unicode form exists: {described}",
            hint="copy its name or id from: projects list",
        )
    lowered = {name.lower(): name for name in names}
    hint = did_you_mean((lowered[near] for near in nearest(name.lower(), lowered)), "see: projects list")
    if _SHORT_BEGINNING.fullmatch(name):
        hint = f"the beginning of an id needs 8 digits or more, this has {len(name)}; {hint}"
    return ProjectNotFound(f"there is no project {project!r}", hint=hint)


def _twins(name: str, names: Iterable[str], store: Store) -> list[str]:
    """Return the names with the same letters in another Unicode form, such as a composed and a decomposed é.

    The names that were read may not be all: the two usual forms are looked up as well.
    """
    forms = [normalize(form, name) for form in ("NFC", "NFD")]
    stored = store.projects.find({"name": {"$in": forms}}, {"name": 1, "_id": 0})
    candidates = [*(compact(document["name"]) for document in stored), *names]
    return list(dict.fromkeys(twin for twin in candidates if twin != name and normalize("NFC", twin) == forms[0]))


def _code_points(name: str, other: str) -> str:
    """Return the code points in which a name differs from another one: `U+0065 U+0301`."""
    start = _shared(name, other)
    end = _shared(name[start:][::-1], other[start:][::-1])
    characters = name[start : len(name) - end]
    more = " …" if len(characters) > CODE_POINTS else ""
    return " ".join(f"U+{ord(character):04X}" for character in characters[:CODE_POINTS]) + more


def _shared(one: str, other: str) -> int:
    """Return the length of the beginning that two texts share."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
