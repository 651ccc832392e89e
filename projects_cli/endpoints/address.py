"""Projects by what users write: an id, a full name, or a prefix of an id."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from projects_cli.endpoints import CHANGES, hierarchy
from projects_cli.errors import AmbiguousProject, EmptyName, ProjectNotFound, did_you_mean, nearest
from projects_cli.extended_json import argument, compact, id_text
from projects_cli.store import filters
from projects_cli.store.bson_codec import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from projects_cli.messages import Document
    from projects_cli.store.collections import Store

_ID = re.compile("[0-9a-f]{32}")
_SHORT_PREFIX = re.compile("[0-9a-f]{1,7}")
MAX_CODE_POINTS = 12
"""Code points of a name in a message."""

MAX_CANDIDATES = 10
"""Projects that an error lists which match the same text."""

MAX_CHOICES = 100_000
"""Projects in the picker."""

MAX_COMPARED = 10_000
"""Names that are compared to find similar ones."""


def project_id(project: str, store: Callable[[], Store]) -> str:
    """Return the id of the project with this id, this name, or an id that begins with it, in this order.

    The id or name may be written as it is displayed, with escapes for unsafe characters.

    A complete id is returned without a query: its endpoint reports an unknown one.

    Raises:
        EmptyName: `project` is empty. ProjectNotFound: no project matches.
        AmbiguousProject: several projects have that name, or several ids begin with it.
    """
    if not project:
        raise EmptyName("the name of the project is empty")
    if _ID.fullmatch(project.strip()):
        return project.strip()
    opened = store()
    name = hierarchy.normalized(project)  # as `create` would have stored it
    projection = {"name": 1, "company": 1}
    texts = list(dict.fromkeys([project, name]))
    stored = list(opened.projects.find({"$or": [{"_id": {"$in": texts}}, {"name": {"$in": texts}}]}, projection))
    attempts = ([item for item in stored if item.get(key) == text] for text in texts for key in ("_id", "name"))
    matches = next(filter(None, attempts), [])
    # Also beside a match: what is displayed alike must not be mistaken for it.
    matches += _displayed_as(project, [match["_id"] for match in matches], opened)
    if not matches:
        matches = [{"_id": identifier} for identifier in hierarchy.ids_of_other_types([project], opened).values()]
    if not matches and filters.begins_an_id(name) and (whole := _whole_id(name, opened)):
        return whole
    if len(matches) > 1:
        raise _ambiguous(project, matches)
    if not matches:
        raise _not_found(project, opened)
    return argument(matches[0]["_id"])


def can_be_named(identifier: Any) -> bool:
    """Return whether a request can have this id of a project: not if it is empty, or text that is not UTF-8."""
    return identifier != "" and UNREADABLE not in compact(identifier)


def _displayed_as(text: str, known: Sequence[Any], store: Store) -> list[Document]:
    r"""Return the other projects whose name or id is displayed as this text, such as `a\nb` for two lines.

    A script reads names as tsv has them. One that another project has letter for letter is ambiguous then: a change
    must never reach the wrong one of the two.
    """
    conditions = [condition for field in ("_id", "name") if (condition := filters.displayed_as(field, text))]
    if not conditions:
        return []
    displayed = filters.all_of([filters.any_of(conditions), {"_id": {"$nin": list(known)}}])
    return list(store.projects.find(displayed, {"name": 1}, limit=MAX_CANDIDATES + 1))


def with_whole_ids(texts: Iterable[str], store: Store) -> list[str]:
    """Return the texts with the ids of projects in place of prefixes of ids; all others stay as they are.

    Raises:
        AmbiguousProject: several ids begin with one of them.
    """
    texts = list(texts)
    prefixes = {text for text in texts if filters.begins_an_id(text)}
    if not prefixes:
        return texts
    known = {project["_id"] for project in store.projects.find({"_id": {"$in": list(prefixes)}}, {"_id": 1})}
    known |= hierarchy.ids_of_other_types(prefixes, store).keys()
    whole = {text: _whole_id(text, store) for text in prefixes - known}
    return [whole.get(text) or text for text in texts]


def _whole_id(prefix: str, store: Store) -> str | None:
    """Return the id that begins with a prefix, None if there is none.

    Raises:
        AmbiguousProject: there are several.
    """
    projection = {"name": 1}
    matches = list(store.projects.find(filters.pattern("_id", f"^{prefix}"), projection, limit=MAX_CANDIDATES + 1))
    if len(matches) > 1:
        raise _ambiguous(prefix, matches)
    return matches[0]["_id"] if matches else None


def _ambiguous(text: str, matches: Sequence[Document]) -> AmbiguousProject:
    """Return the error for a text that several projects match, with these projects."""
    candidates = [f"{id_text(match['_id'])} ({compact(match.get('name', ''))})" for match in matches]
    several = ", ".join([*candidates[:MAX_CANDIDATES], *["and more"] * (len(matches) > MAX_CANDIDATES)])
    return AmbiguousProject(f"{text!r} matches several projects: {several}", hint="use a complete id")


def unknown_ids(texts: Iterable[str], store: Store) -> list[str]:
    """Return the texts that neither have the form of an id nor are the id of a project.

    Texts with the form of an id are not looked up: that no project has them is a valid answer.
    """
    odd = [text for text in dict.fromkeys(texts) if not _ID.fullmatch(text)]
    if not odd:
        return []
    known = {project["_id"] for project in store.projects.find({"_id": {"$in": odd}}, {"_id": 1})}
    known |= hierarchy.ids_of_other_types(odd, store).keys()
    return [text for text in odd if text not in known]


def choices(endpoint: str, store: Store) -> list[tuple[str, str]]:
    """Return the projects that an endpoint accepts as (id, name), by name, without hidden ones.

    A change accepts the company's own projects, or the public ones that the company can make private again.
    """
    condition: Document = {}
    if endpoint == "projects.make_private":
        condition = {"company": "", "company_origin": store.company}
    elif endpoint in CHANGES:
        condition = {"company": store.company}
    visible = filters.all_of([condition, filters.not_hidden()])
    projects = store.projects.find(visible, {"name": 1}, sort=[("name", 1), ("_id", 1)], limit=MAX_CHOICES)
    return [(id_text(project["_id"]), hierarchy.shown_name(project)) for project in projects]


def names(store: Store, limit: int) -> Iterable[Document]:
    """Return the ids, names and tags of projects, public and hidden ones included, for completion."""
    return store.projects.find({}, {"name": 1, "tags": 1, "system_tags": 1}, limit=limit)


def _not_found(project: str, store: Store) -> ProjectNotFound:
    """Return the error for an unknown project, with similar names."""
    name = hierarchy.normalized(project)
    stored = store.projects.find({}, {"name": 1, "_id": 0}, limit=MAX_COMPARED)
    names = [text for document in stored if type(text := document.get("name")) is str]
    # Names with the same letters in another Unicode form, such as a composed and a decomposed é. These may not be all
    # names, so the two usual forms are looked up as well.
    forms = [normalize(form, name) for form in ("NFC", "NFD")]
    usual = store.projects.find({"name": {"$in": forms}}, {"name": 1, "_id": 0})
    others = [text for text in (*(compact(document["name"]) for document in usual), *names) if text != name]
    twins = list(dict.fromkeys(text for text in others if normalize("NFC", text) == forms[0]))
    if twins:
        described = ", ".join(f"{twin!r} ({_code_points(twin, name)})" for twin in twins)
        return ProjectNotFound(
            f"there is no project {project!r} ({_code_points(name, twins[0])}); "
            f"a project with the same letters in another Unicode form exists: {described}",
            hint="copy its name or id from: projects list",
        )
    lowered = {name.lower(): name for name in names}
    hint = did_you_mean((lowered[near] for near in nearest(name.lower(), lowered)), "see: projects list")
    if _SHORT_PREFIX.fullmatch(name):
        hint = f"a prefix of an id needs at least 8 digits, not {len(name)}; {hint}"
    return ProjectNotFound(f"there is no project {project!r}", hint=hint)


def _code_points(name: str, other: str) -> str:
    """Return the code points in which a name differs from another, as `U+0065 U+0301`."""

    def shared(first: str, second: str) -> int:  # the length of the common prefix
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))

    start = shared(name, other)
    end = shared(name[start:][::-1], other[start:][::-1])
    characters = name[start : len(name) - end]
    more = " …" if len(characters) > MAX_CODE_POINTS else ""
    return " ".join(f"U+{ord(character):04X}" for character in characters[:MAX_CODE_POINTS]) + more
