"""What has to change so that the stored projects are as the manifests want them: one plan for the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli.endpoints import deletion, hierarchy, naming
from projects_cli.errors import EditedMeanwhile, ManifestError, ServiceError
from projects_cli.extended_json import argument, id_text
from projects_cli.messages import Count, Plan, Sample, Step
from projects_cli.store.bson_codec import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from projects_cli.manifests.wanted import Wanted
    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Store

READ = dict.fromkeys(
    ("name", "company", "company_origin", "path", "parent", "description", "tags", "default_output_destination"), 1
)

NAMES = 10_000
"""Names in one query."""

EMPTY: Mapping[str, Any] = {"description": "", "tags": [], "default_output_destination": ""}
"""The values of fields that a project does not have."""


class Difference(NamedTuple):
    """What differs: a project that is created or deleted, or a field of one, with both values."""

    action: str
    name: str
    field: str = ""
    old: Any = None
    new: Any = None


@dataclass(slots=True)
class Manifest:
    """The wanted projects by their full names, as a change.

    With a `label`, a tag, every wanted project gets it, and those that have it and are not wanted are deleted.
    `request` has company, owner and time. `differences` are those of the last plan. `edited` is the only wanted project
    as it was when its user began to edit it: nothing is written if others have changed the same since.
    """

    wanted: Mapping[str, Wanted]
    request: Request
    label: str | None = None
    edited: Document | None = None
    differences: list[Difference] = field(default_factory=list)
    _new_ids: dict[str, str] = field(default_factory=dict)

    def plan(self, store: Store) -> Plan[Step]:
        """Return the plan: creations from the top down, changes, then deletions.

        Raises:
            ManifestError: a project can't be as it is wanted; or one to delete is not empty, or has others below it.
            EditedMeanwhile: others have changed what was edited.
        """
        self.differences = []
        stored = self._stored(store)
        if self.edited is not None:
            for name, wanted in self.wanted.items():
                _check_edited(wanted, self.edited, stored.get(name))
        created: list[Step] = []
        updated: list[Step] = []
        for name, wanted in self.wanted.items():
            if name in stored:
                updated += self._updates(wanted, stored[name], store)
            else:
                created += self._creations(wanted, stored, store)
        deleted = list(self._deletions(store)) if self.label else []
        removed = [step for plan in deleted for step in plan.steps]
        changed = len({id_text(step.filter["_id"]) for step in updated})
        numbers = {"create": len(created), "update": changed, "delete": sum(plan.removes for plan in deleted)}
        steps = [*created, *updated, *removed]
        summary = ", ".join(f"{verb} {count} project{'s' * (count > 1)}" for verb, count in numbers.items() if count)
        return Plan(
            endpoint="apply",
            summary=summary or "nothing to change: all projects are as the files have them",
            steps=steps,
            answer={
                "created": Count("project", "insert"),
                "updated": Count("project", "update", changed),
                "deleted": Count("project", "delete"),
            },
            counts={"projects": sum(numbers.values())} if steps else {},
            samples=[Sample(id_text(step.filter["_id"]), step.name) for step in steps if step.collection == "project"],
            question="yes",
            removes=numbers["delete"],
        )

    def _stored(self, store: Store) -> dict[str, Document]:
        """Return the stored projects with the wanted names, by name."""
        names = iter(self.wanted)
        stored: dict[str, Document] = {}
        while some := list(islice(names, NAMES)):
            for project in store.projects.find({"name": {"$in": some}}, READ):
                # Of an own and a public project of the same name the own one is meant.
                if type(project["name"]) is str and (project["name"] not in stored or project["company"]):
                    stored[project["name"]] = project
        return stored

    # --- creations ------------------------------------------------------------------------------------------------

    def _creations(self, wanted: Wanted, stored: dict[str, Document], store: Store) -> Iterator[Step]:
        """Yield the creation of a project and of its missing parents, which are added to the stored ones."""
        parts = wanted.name.split("/")
        above = "/".join(parts[:-1])
        # Known from the look-up of all names: large files would need a query for each project otherwise.
        if not above or above in stored:
            missing, parent = list[list[str]](), stored.get(above)
        else:
            try:
                missing, parent = naming.missing_projects(parts[:-1], store)
            except ServiceError as error:
                raise wanted.file.error(wanted.location, error.message) from error
        for path in [*missing, parts]:
            name = "/".join(path)
            if name in stored:
                parent = stored[name]
                continue
            self._check_name(path[-1], wanted)
            fields = dict(wanted.fields) if path is parts else {}
            if self.label and path is parts:
                fields["tags"] = [*fields.get("tags", ()), self.label]
            # A server stores no empty destination.
            if not fields.get("default_output_destination"):
                fields.pop("default_output_destination", None)
            document = naming.new_project(path, parent, fields, self.request)
            # The plan is made again under the lease, and has to be about the same projects.
            document["_id"] = self._new_ids.setdefault(name, document["_id"])
            if fields.get("visibility") == "public":
                document |= {"company": "", "company_origin": store.company}
            parent = stored[name] = document
            self.differences.append(Difference("create", name))
            yield Step("project", "insert", {"_id": document["_id"]}, document, why="create", name=name)

    @staticmethod
    def _check_name(basename: str, wanted: Wanted) -> None:
        try:
            hierarchy.check_basename(basename)
        except ServiceError as error:
            raise wanted.file.error((*wanted.location, "name"), error.message) from error

    # --- updates --------------------------------------------------------------------------------------------------

    def _updates(self, wanted: Wanted, project: Document, store: Store) -> Iterator[Step]:
        """Yield the changes of a stored project: of its fields, then of its visibility."""
        fields = dict(wanted.fields)
        visibility = fields.pop("visibility", None)
        if self.label:
            tags = project.get("tags")
            kept: list[Any] = tags if isinstance(tags, list) else []
            fields["tags"] = naming.stored_tags([*fields.get("tags", kept), self.label])
        changes = {}
        for name, value in fields.items():
            old = _plain(name, project.get(name))
            if old != value:
                changes[name] = value
                self.differences.append(Difference("update", wanted.name, name, old, value))
        is_public = project["company"] == ""
        turns = visibility is not None and (visibility == "public") is not is_public
        if not changes and not turns:
            return
        if is_public and (changes or project.get("company_origin") != store.company):
            owned = project.get("company_origin") == store.company
            raise wanted.file.error(
                wanted.location,
                f"'{wanted.name}' is public and can't be changed"
                + (f" (make it private first: projects make-private {argument(project['_id'])})" if owned else ""),
            )
        own = {"_id": project["_id"], "company": project["company"]}
        change = _turned(store, public=not is_public) if turns else {"$set": {}}
        if turns:
            now = "public" if is_public else "private"
            self.differences.append(Difference("update", wanted.name, "visibility", now, visibility))
        if changes:
            change["$set"] |= {**changes, "last_update": self.request.now}
        yield Step("project", "update", own, change, why="update", name=wanted.name)

    # --- deletions ------------------------------------------------------------------------------------------------

    def _deletions(self, store: Store) -> Iterator[Plan[Step]]:
        """Yield the deletions of the projects that have the label and are not wanted, each with all below it."""
        labelled = [
            project
            for project in store.projects.find({"tags": self.label, "company": store.company}, {"name": 1, "path": 1})
            if project.get("name") not in self.wanted
        ]
        gone = {id_text(project["_id"]): project for project in labelled}
        for project in labelled:
            if any(id_text(item) in gone for item in hierarchy.path_of(project)):
                continue  # it goes with its parent
            name = hierarchy.shown_name(project)
            # A delete takes everything below: what has to stay there forbids it.
            kept = [below for below in hierarchy.tree_below(project, store) if id_text(below["_id"]) not in gone]
            if kept:
                raise ManifestError(
                    f"'{name}' is not in the files, but '{hierarchy.shown_name(kept[0])}' below it has to stay",
                    hint=f"add '{name}' to the files, or remove its tag: projects update {argument(project['_id'])} "
                    f"--remove-tag {self.label}",
                )
            request = self.request._replace(params={"project": argument(project["_id"])})
            try:
                plan = deletion.delete(request, store)
            except ServiceError as error:
                raise ManifestError(
                    f"'{name}' is not in the files, and can't be deleted: {error.message}", hint=error.hint
                ) from error
            self.differences += [Difference("delete", sample.name) for sample in plan.samples]
            yield plan


def _turned(store: Store, *, public: bool) -> Document:
    if public:
        return {"$set": {"company": "", "company_origin": store.company}}
    return {"$set": {"company": store.company}, "$unset": {"company_origin": 1}}


def _check_edited(wanted: Wanted, before: Document, now: Document | None) -> None:
    """Refuse to write what others have changed since it was shown to the user.

    Raises:
        EditedMeanwhile: they have, or have renamed or deleted the project.
    """
    if now is None or now["_id"] != before["_id"]:
        raise EditedMeanwhile(f"'{wanted.name}' was renamed or deleted while it was edited; nothing was changed")
    theirs = [
        name
        for name in wanted.fields
        if (
            now["company"] != before["company"]
            if name == "visibility"
            else _plain(name, now.get(name)) != _plain(name, before.get(name))
        )
    ]
    if theirs:
        raise EditedMeanwhile(
            f"'{wanted.name}' was changed by others while it was edited: {', '.join(theirs)}; nothing was changed"
        )


def _plain(name: str, value: Any) -> Any:
    """Return a stored value as a manifest has it; what has another type than usual stays, and differs."""
    if value is None:
        return EMPTY[name]
    if name == "tags" and isinstance(value, list) and all(isinstance(tag, str) for tag in value):
        return sorted(set(value))
    return value


def is_describable(project: Document) -> bool:
    """Return whether a manifest can have a project: it is not hidden, and its name is one that a file can have."""
    name, hidden = project.get("name"), project.get("system_tags")
    if type(name) is not str or UNREADABLE in name or hierarchy.normalized(name) != name or not name:
        return False
    return not (isinstance(hidden, list) and "hidden" in hidden)


def as_manifest(projects: Iterable[Document], *, complete: bool = False) -> Document:
    """Return stored projects as a manifest, nested by their names; fields that are empty only if it is `complete`."""
    roots: list[Document] = []
    by_name: dict[str, Document] = {}
    for project in sorted(projects, key=lambda project: str(project["name"]).split("/")):
        name = project["name"]
        above = name.rpartition("/")[0]
        while above and above not in by_name:
            above = above.rpartition("/")[0]
        entry: Document = {"name": name[len(above) + 1 :] if above else name}
        for key in EMPTY:
            value = _plain(key, project.get(key))
            if (complete or value != EMPTY[key]) and isinstance(value, str | list):
                entry[key] = value
        if project.get("company") == "":
            entry["visibility"] = "public"
        by_name[name] = entry
        (by_name[above].setdefault("projects", []) if above else roots).append(entry)
    return {"projects": roots}
