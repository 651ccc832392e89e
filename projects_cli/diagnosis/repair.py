"""Where misplaced projects belong, and what has to change for that; nothing is guessed.

Three fields say where a project lies: its name, its parent, and the end of its path. Where name and parent disagree,
two that agree outvote the third; one that speaks alone, the others pointing nowhere, is believed. Everything else is
left to a person: ties, cycles, names that several projects have, public projects in the way.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

from projects_cli.diagnosis.project_tree import AMBIGUOUS, LEVELS, SILENT, Forest, Place, Project, is_at

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from projects_cli.messages import Document


class Mending:
    """The changes of places, paths and names that put a forest right, as far as that is certain."""

    def __init__(self, forest: Forest, cycles: set[Hashable], wanted: frozenset[str]) -> None:
        """`cycles` are the projects that lie above themselves, `wanted` the kinds of findings to mend."""
        self._forest = forest
        self._wanted = wanted
        self._places: dict[Hashable, Place] = {}
        self._open: set[Hashable] = set(cycles)
        self._renamed: dict[Hashable, str] = {}
        self._given: set[str] = set()
        stale = [project for project in forest.own() if not forest.is_placed(project) and self._decide(project)]
        self._break_cycles()
        self._alike = Counter(self._wish(project) for project in stale)
        self._claimed = {forest.said_by_name(project) for project in forest.own() if project.id in self._open}
        for project in sorted(stale, key=lambda one: len(forest.above(one, self.place) or ())):
            self._rename(project)

    # --- deciding -------------------------------------------------------------------------------------------------

    def _decide(self, project: Project) -> bool:
        """Choose the place of a project whose name and parent disagree; tells whether its name is what is wrong."""
        forest = self._forest
        name, parent, path = forest.said_by_name(project), forest.said_by_parent(project), forest.said_by_path(project)
        kind = "parent-gone" if forest.parent(project) is SILENT else "parent-mismatch"
        if kind not in self._wanted or name is AMBIGUOUS or project.id in self._open:
            self._open.add(project.id)
        elif name is not SILENT and (name in (parent, path) or parent is path is SILENT):
            self._places[project.id] = name
        elif name is SILENT and parent is not SILENT and path in (parent, SILENT):
            self._places[project.id] = parent
            return True
        else:
            self._open.add(project.id)
        return False

    def _break_cycles(self) -> None:
        """Leave to a person what would lie above itself with the places that were chosen."""
        while cycle := self._forest.cycles(self._chosen):
            moved = {place for place in cycle if place in self._places}
            self._open |= cycle
            for place in moved:
                del self._places[place]
            if not moved:
                return

    def _chosen(self, project: Project) -> Place:
        return self._places.get(project.id, self._forest.parent(project))

    def place(self, project: Project) -> Place:
        """Give where a project belongs; what is left to a person lies nowhere."""
        return SILENT if project.id in self._open else self._chosen(project)

    # --- names ----------------------------------------------------------------------------------------------------

    @cached_property
    def _below(self) -> dict[Place, list[Project]]:
        below: dict[Place, list[Project]] = defaultdict(list)
        for project in self._forest.projects.values():
            below[self._chosen(project)].append(project)
        return below

    def _wish(self, project: Project) -> tuple[Place, str]:
        """Give where a project belongs, and what it is called there; two that want the same both stay."""
        return self._chosen(project), project.name.rpartition("/")[2]

    def _rename(self, project: Project) -> None:
        """Let a name follow the parent's, and the names below follow it; all of them or none."""
        if project.id in self._renamed:
            return
        above = self._forest.get(self._places.get(project.id))
        names: dict[Hashable, str] = {}
        reached = self._forest.above(project, self.place) is not None
        if above is not None and reached and self._alike[self._wish(project)] == 1:
            names = self._new_names(project, self._renamed.get(above.id, above.name))
        if names:
            self._renamed |= names
            self._given.update(names.values())
        else:
            self._places.pop(project.id, None)
            self._open.add(project.id)

    def _new_names(self, root: Project, above: str) -> dict[Hashable, str]:
        """Give the names of a project and all below it; none where one can't be had."""
        names: dict[Hashable, str] = {}
        waiting = [(root, above)]
        while waiting:
            project, prefix = waiting.pop()
            if not project.own or type(project.name) is not str or project.id in self._open:
                return {}
            name = f"{prefix}/{project.name.rpartition('/')[2]}"
            if name.count("/") >= LEVELS or (name != project.name and not self._may_become(project, name)):
                return {}
            names[project.id] = name
            waiting.extend((below, name) for below in self._below.get(project.id, ()))
        return names if len(set(names.values())) == len(names) else {}

    def _may_become(self, project: Project, name: str) -> bool:
        """Tell whether a project may get a name: it is free, and nobody else has the old one, or lies below it by name.

        Where another has the old name nothing could be undone; what is left to a person should find things unchanged.
        """
        free = not self._forest.is_named(name) and name not in self._given and not name.endswith("/")
        return free and not self._forest.is_shared(project.name) and project.id not in self._claimed

    # --- what changes ---------------------------------------------------------------------------------------------

    def is_mended(self, project: Project) -> bool:
        """Tell whether name and parent of a misplaced project will agree."""
        return project.id in self._places and self._forest.above(project, self.place) is not None

    def path(self, project: Project) -> list[Any] | None:
        """Give the path that a project should have and has not; None where it has, or where nobody can tell."""
        above = self._forest.above(project, self.place)
        if above is None or is_at(project, above):
            return None
        moved = not self._places.keys().isdisjoint([project.id, *above])
        if not moved and "path-mismatch" not in self._wanted:
            return None
        return [self._forest.projects[one].stored for one in above]

    def changes(self) -> Iterator[tuple[Project, Document, str]]:
        """Give each project that changes, with `$set` and `$unset`, and why; those above come first."""
        own = [(self._forest.above(project, self.place), project) for project in self._forest.own()]
        for _, project in sorted(((len(above), one) for above, one in own if above is not None), key=_by_depth):
            change = self._change(project)
            if change:
                yield project, change, "put in its place" if project.id in self._places else "follow the place above"

    def _change(self, project: Project) -> Document:
        """Give what changes of one project; a name below a renamed one is named even where it is right already."""
        set_: Document = {}
        unset: Document = {}
        if self.is_mended(project) and self._places[project.id] != self._forest.parent(project):
            above = self._forest.get(self._places[project.id])
            if above is None:
                unset["parent"] = 1
            else:
                set_["parent"] = above.stored
        if project.id in self._renamed:
            set_["name"] = self._renamed[project.id]
        path = self.path(project)
        if path is not None:
            set_["path"] = path
        return {word: part for word, part in (("$set", set_), ("$unset", unset)) if part}


def _by_depth(item: tuple[int, Project]) -> int:
    return item[0]
