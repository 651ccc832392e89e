"""The parents of misplaced projects, and the changes that follow from them. Nothing is guessed.

Three fields name a project's parent: its name, `parent`, and the end of `path`. If name and parent do not match, two
that agree outvote the third, and a single one is believed if both others name nothing. Everything else is left alone:
ties, cycles, ambiguous names, public projects that would have to change.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

from projects_cli.diagnosis.project_tree import AMBIGUOUS, LEVELS, NOWHERE, Parent, Project, ProjectTree

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from projects_cli.messages import Document


class TreeRepair:
    """The changes of parents, paths and names that make a tree consistent, as far as they are unambiguous."""

    def __init__(self, tree: ProjectTree, cycles: set[Hashable], wanted: frozenset[str]) -> None:
        """`cycles` are the projects that are their own ancestors, `wanted` the kinds of findings to repair."""
        self._tree = tree
        self._wanted = wanted
        self._parents: dict[Hashable, Parent] = {}
        self._undecided: set[Hashable] = set(cycles)
        self._names: dict[Hashable, str] = {}
        self._taken: set[str] = set()
        inconsistent = [project for project in tree.own() if not tree.is_consistent(project)]
        misnamed = [project for project in inconsistent if self._decide(project)]
        # Projects are left alone that would become their own ancestors by the chosen parents.
        while cycle := self._tree.cycles(self._chosen):
            self._undecided |= cycle
            moved = cycle & self._parents.keys()
            for key in moved:
                del self._parents[key]
            if not moved:
                break
        # Two projects that would get the same name: which of them is right cannot be known.
        self._targets = Counter(self._target(project) for project in misnamed)
        self._claimed = {tree.parent_by_name(project) for project in tree.own() if project.id in self._undecided}
        # Topmost first: names below follow from those above.
        for project in sorted(misnamed, key=lambda project: len(tree.ancestors(project, self.parent) or ())):
            self._rename(project)

    # --- parents --------------------------------------------------------------------------------------------------

    def _decide(self, project: Project) -> bool:
        """Choose the parent of a project whose name and parent do not match. Return whether its name is wrong."""
        tree = self._tree
        fields = (tree.parent_by_name, tree.parent_by_field, tree.parent_by_path)
        by_name, by_field, by_path = (parent(project) for parent in fields)
        kind = "parent-gone" if tree.parent(project) is NOWHERE else "parent-mismatch"
        if kind not in self._wanted or by_name is AMBIGUOUS or project.id in self._undecided:
            self._undecided.add(project.id)
        # A vote: the name wins if one of the others agrees, or if both say nothing.
        elif by_name is not NOWHERE and (by_name in (by_field, by_path) or by_field is by_path is NOWHERE):
            self._parents[project.id] = by_name
        # The name leads nowhere, and path agrees with parent or says nothing: the name is wrong.
        elif by_name is NOWHERE and by_field is not NOWHERE and by_path in (by_field, NOWHERE):
            self._parents[project.id] = by_field
            return True
        else:
            self._undecided.add(project.id)
        return False

    def _chosen(self, project: Project) -> Parent:
        return self._parents.get(project.id, self._tree.parent(project))

    def parent(self, project: Project) -> Parent:
        """Return a project's parent after the repair; `NOWHERE` if it is undecided."""
        return NOWHERE if project.id in self._undecided else self._chosen(project)

    # --- names ----------------------------------------------------------------------------------------------------

    @cached_property
    def _children(self) -> dict[Parent, list[Project]]:
        children: dict[Parent, list[Project]] = defaultdict(list)
        for project in self._tree.projects.values():
            children[self._chosen(project)].append(project)
        return children

    def _target(self, project: Project) -> tuple[Parent, str]:
        """Return the parent and last part of a misnamed project. If two have the same, both are left alone."""
        return self._chosen(project), project.last_part

    def _rename(self, project: Project) -> None:
        """Make a name follow the parent's, with all names of its sub-projects; all of them or none."""
        if project.id in self._names:
            return
        parent = self._tree.get(self._parents.get(project.id))
        names: dict[Hashable, str] = {}
        is_connected = self._tree.ancestors(project, self.parent) is not None
        if parent is not None and is_connected and self._targets[self._target(project)] == 1:
            names = self._new_names(project, self._names.get(parent.id, parent.name))
        if names:
            self._names |= names
            self._taken.update(names.values())
        else:
            self._parents.pop(project.id, None)
            self._undecided.add(project.id)

    def _new_names(self, root: Project, parent_name: str) -> dict[Hashable, str]:
        """Return the new names of a project and its sub-projects; none if one of them is not possible."""
        names: dict[Hashable, str] = {}
        pending = [(root, parent_name)]
        while pending:
            project, prefix = pending.pop()
            if not project.own or type(project.name) is not str or project.id in self._undecided:
                return {}
            name = f"{prefix}/{project.last_part}"
            if name.count("/") >= LEVELS:
                return {}
            if name != project.name:
                is_free = not self._tree.has_name(name) and name not in self._taken and not name.endswith("/")
                # If another project has the old name, an undo would be impossible. Undecided projects below the old
                # name must find it unchanged.
                is_needed = self._tree.is_ambiguous(project.name) or project.id in self._claimed
                if is_needed or not is_free:
                    return {}
            names[project.id] = name
            pending += [(child, name) for child in self._children.get(project.id, ())]
        return names if len(set(names.values())) == len(names) else {}

    # --- changes --------------------------------------------------------------------------------------------------

    def repairs_parent(self, project: Project) -> bool:
        """Return whether name and parent of an inconsistent project will match."""
        return project.id in self._parents and self._tree.ancestors(project, self.parent) is not None

    def path(self, project: Project) -> list[Any] | None:
        """Return the path that a project should have; None if it has that path, or if it cannot be determined."""
        ancestors = self._tree.ancestors(project, self.parent)
        if ancestors is None or project.has_path(ancestors):
            return None
        is_moved = not self._parents.keys().isdisjoint([project.id, *ancestors])
        if not is_moved and "path-mismatch" not in self._wanted:
            return None
        return [self._tree.projects[ancestor].stored for ancestor in ancestors]

    def changes(self) -> Iterator[tuple[Project, Document, str]]:
        """Yield each project that changes, with `$set` and `$unset`, and the reason; parents come first."""
        own = ((self._tree.ancestors(project, self.parent), project) for project in self._tree.own())
        connected = [(len(ancestors), project) for ancestors, project in own if ancestors is not None]
        for _, project in sorted(connected, key=lambda item: item[0]):
            set_: Document = {}
            unset: Document = {}
            # Only if the stored parent is another one: an unnecessary write would be in the way of an undo.
            if self.repairs_parent(project) and self._parents[project.id] != self._tree.parent(project):
                parent = self._tree.get(self._parents[project.id])
                if parent is None:
                    unset["parent"] = 1
                else:
                    set_["parent"] = parent.stored
            if project.id in self._names:  # one below a renamed project has its name set even if it is right
                set_["name"] = self._names[project.id]
            path = self.path(project)
            if path is not None:
                set_["path"] = path
            if change := {operator: fields for operator, fields in (("$set", set_), ("$unset", unset)) if fields}:
                is_moved = project.id in self._parents
                yield project, change, "place below its parent" if is_moved else "follow the parent's place"
