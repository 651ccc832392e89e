"""Ids cut to the shortest prefix that still names the project, for a terminal (docs/architecture.md, Packages)."""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import islice
from typing import TYPE_CHECKING

from projects_cli.endpoints.hierarchy import ID_TYPES
from projects_cli.extended_json import id_text
from projects_cli.store import filters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from projects_cli.messages import Document
    from projects_cli.store.collections import Store

CHUNK = 500
"""Projects whose ids are cut with one query; a table measures as many before its first line."""

LEAST = 8
"""Least number of digits, which `endpoints.address` accepts as a prefix."""

_FULL = re.compile("[0-9a-f]{32}")


def shortened(projects: Iterable[Document], store: Store) -> Iterator[Document]:
    """Stream listed projects, each with its id cut; ids of other forms than a server's stay whole."""
    rows = iter(projects)
    prefixes = Prefixes(store)
    while chunk := list(islice(rows, CHUNK)):
        of = prefixes.of(row["id"] for row in chunk)
        yield from (row | {"id": of[row["id"]]} if type(row["id"]) is str and row["id"] in of else row for row in chunk)


class Prefixes:
    """Finds the shortest prefixes of ids that name no other project that the company can see."""

    def __init__(self, store: Store) -> None:
        """Read the ids of other types than text that are shown like a prefix: there are none, as a rule."""
        self._projects = store.projects
        stored = store.projects.find({"_id": {"$type": ID_TYPES}}, {"_id": 1})
        self._taken = {text for project in stored if filters.begins_an_id(text := id_text(project["_id"]))}
        # The ids that begin alike, in order, by what they begin with: kept if they are several.
        self._alike: dict[str, list[str]] = {}

    def of(self, ids: Iterable[object]) -> dict[str, str]:
        """Return the shortest prefix, of at least 8 digits, by id; other ids than 32 hexadecimal digits have none.

        The cost is that of the given ids, not that of all: an index finds those that begin alike. A prefix that is the
        name or the id of a project would name that project first, so it is too short.
        """
        full = [text for text in ids if type(text) is str and _FULL.fullmatch(text)]
        alike = self._read({text[:LEAST] for text in full})
        lengths = dict.fromkeys(full, LEAST)
        for text in full:
            # Of the sorted ids that begin alike, the closest are its neighbours.
            at = bisect_left(alike[text[:LEAST]], text)
            beside = [other for other in alike[text[:LEAST]][max(at - 1, 0) : at + 2] if other != text]
            while any(other.startswith(text[: lengths[text]]) for other in beside):
                lengths[text] += 1
        pending = full
        while pending:
            prefixes = [text[: lengths[text]] for text in pending]
            stored = self._projects.find({"name": {"$in": prefixes}}, {"name": 1, "_id": 0})
            taken = self._taken | {project["name"] for project in stored}
            pending = [text for text in pending if text[: lengths[text]] in taken]
            lengths |= {text: lengths[text] + 1 for text in pending}
        return {text: text[: lengths[text]] for text in full}

    def _read(self, starts: set[str]) -> dict[str, list[str]]:
        """Return the stored ids that begin with each of these, in order."""
        alike: dict[str, list[str]] = {start: [] for start in starts - self._alike.keys()}
        if alike:
            # Without the hint MongoDB tries other indexes again and again, which takes longer than the answer.
            for project in self._projects.scan({"_id": filters.begins_with(alike)}, {"_id": 1}, hint="_id_"):
                alike[project["_id"][:LEAST]].append(project["_id"])
        for start, ids in alike.items():
            ids.sort()
            if len(ids) > 1:
                self._alike[start] = ids
        return alike | self._alike
