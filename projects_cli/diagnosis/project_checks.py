"""Checks of a company's projects, tasks and models.

The projects are read in one pass, and tasks and models are grouped by the server: no query is made for each project.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from projects_cli.diagnosis.findings import EXAMPLES, example
from projects_cli.diagnosis.project_tree import FIELDS, LEVELS, NOWHERE, Project, ProjectTree
from projects_cli.diagnosis.repair import TreeRepair
from projects_cli.extended_json import compact, id_text, identity
from projects_cli.store import filters, pipelines
from projects_cli.store.bson_codec import AFTER_THE_LAST_DATE, UNREADABLE, is_beyond_dates

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from projects_cli.diagnosis.findings import Findings
    from projects_cli.messages import Document, Pipeline
    from projects_cli.store.collections import Store

TAGS = ("tags", "system_tags")
REQUIRED = ("name", "user", "created")  # fields without which a server does not read a project

TEXTS = (
    *("_id", "name", "basename", "user", "parent", "description", "default_output_destination"),
    *("company_origin", "logo_url", "logo_blob"),
)
TIMES = ("created", "last_update")
TYPES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(TEXTS, ("string",)),
    **dict.fromkeys(TIMES, ("date",)),
    "featured": ("int", "long", "double"),
}
"""The types of fields that servers write, in MongoDB's words; tags and paths have checks of their own."""

ABSENT = ("missing", "null", "undefined")
NOT_UTF8 = {"$type": "string", "$not": {"$regex": "^"}}
"""A text that is not UTF-8 matches no regular expression, not even an empty one."""

FIRST_DATE, AFTER_LAST_DATE = datetime(1, 1, 1), AFTER_THE_LAST_DATE  # noqa: DTZ001 - as they are stored
"""A server, which is written in Python too, can read the dates of the years 1 to 9999."""

REFERENCES = {"task": ("parent", "models.input.model"), "model": ("parent", "task")}
"""Fields in which a server marks a reference to a deleted document; an index serves each."""

DELETED = "^__DELETED__"
CHUNK = 1000  # ids in one filter: far below MongoDB's 16 MB for a command

Member = Literal["task", "model"]


# --- projects -----------------------------------------------------------------------------------------------------


class Projects:
    """The projects of one pass: their tree, its repair, and the right tags of those with wrong ones."""

    def __init__(self, store: Store, findings: Findings) -> None:
        """Read all projects that the company can see, and check its own."""
        self._findings = findings
        self.tree = ProjectTree(store.company)
        self.tags: dict[Hashable, Document] = {}
        # Only the fields of the checks: descriptions can be long.
        for document in store.projects.find({}, dict.fromkeys((*FIELDS, *TAGS), 1)):
            project = self.tree.add(document)
            if project.own:
                self._check_tags(project.id, document)
        # Once for the findings and for the repair.
        cycles = self.tree.cycles(self.tree.parent)
        self.repair = TreeRepair(self.tree, cycles, findings.wanted)
        _check_types(store, findings)
        self._check_names()
        self._check_parents(cycles)

    def _add(self, kind: str, project: Project, detail: str = "", *, fixable: bool = False) -> None:
        self._findings.add(kind, example(project.stored, project.name, detail), fixable=int(fixable))

    def _check_names(self) -> None:
        first: dict[str, Project] = {}
        public = {project.name for project in self.tree.projects.values() if not project.own and _is_text(project.name)}
        for project in self.tree.own():
            # The first keeps the name; each further one is a finding.
            holder = first.setdefault(project.name, project)
            if holder is not project:
                self._add("name-duplicated", project, f"as {id_text(holder.stored)}")
            if project.name in public:
                self._add("name-public", project)
            if project.name.count("/") >= LEVELS:
                self._add("too-deep", project)
            if project.basename != project.last_part:
                detail = f"basename is {_quoted(project.basename)}"
                self._add("basename-mismatch", project, detail, fixable=self.new_basename(project) is not None)

    def new_basename(self, project: Project) -> str | None:
        """Return the right basename of a project with a wrong one; None if the name ends with a slash."""
        basename = project.last_part
        return basename if basename and basename != project.basename else None

    def _check_parents(self, cycles: set[Hashable]) -> None:
        tree = self.tree
        for project in tree.own():
            if project.id in cycles:
                self._add("parent-cycle", project)
            elif not tree.is_consistent(project):
                fixable = self.repair.repairs_parent(project)
                if tree.parent(project) is NOWHERE:
                    self._add("parent-gone", project, fixable=fixable)
                else:
                    parent = tree.get(tree.parent(project))
                    detail = f"the parent is {_quoted(parent.name)}" if parent is not None else "no parent"
                    self._add("parent-mismatch", project, detail, fixable=fixable)
            ancestors = tree.ancestors(project, tree.parent)
            if ancestors is not None and not project.has_path(ancestors):
                self._add("path-mismatch", project, fixable=self.repair.path(project) is not None)

    def _check_tags(self, key: Hashable, document: Document) -> None:
        """Check the tags of one project, which counts once for each kind, however many of its fields are wrong."""
        checked = {field: check_tags(document[field]) for field in TAGS if field in document}
        fields_by_kind: dict[str, list[str]] = {}
        for field, (kinds, _) in checked.items():
            for kind in kinds:
                fields_by_kind.setdefault(kind, []).append(field)
        fixable = {
            kind for kind, fields in fields_by_kind.items() if all(checked[field][1] is not None for field in fields)
        }
        for field, (kinds, tags) in checked.items():
            if tags is not None and fixable.issuperset(kinds) and not self._findings.wanted.isdisjoint(kinds):
                self.tags.setdefault(key, {})[field] = tags
        for kind, fields in fields_by_kind.items():
            shown = example(document["_id"], document.get("name"), " and ".join(fields))
            self._findings.add(kind, shown, fixable=int(kind in fixable))


def check_tags(stored: Any) -> tuple[Sequence[str], list[str] | None]:
    """Return the kinds of findings about stored tags, and the right tags, or None if they are right or unknown."""
    if stored == []:
        return (), None
    if stored is None:
        return ("tags-null",), []
    if _is_text(stored):
        return ("tags-type",), [stored] if stored else []
    if not isinstance(stored, list) or not all(_is_text(tag) for tag in stored):
        return ("tags-type",), None
    tags = sorted(set(stored))
    if stored == tags:
        return (), None
    kinds = {"tags-duplicated": len(tags) < len(stored), "tags-unsorted": sorted(stored) != stored}
    return [kind for kind, holds in kinds.items() if holds], tags


def _is_text(value: Any) -> bool:
    return type(value) is str


def _quoted(value: Any) -> str:
    """Return a stored value as part of a sentence."""
    return "missing" if value is None else repr(value) if _is_text(value) else compact(value)


def _check_types(store: Store, findings: Findings) -> None:
    """Find the projects without a required field, or with a value that a server can't read.

    MongoDB filters the projects by their types, so that only those with a fault are sent.
    """
    types = {field: {"$type": f"${field}"} for field in TYPES}
    are_right = [
        {"$in": [types[field], [*allowed, *(() if field in ("_id", *REQUIRED) else ABSENT)]]}
        for field, allowed in TYPES.items()
    ]
    suspect = filters.any_of(
        [
            {"$expr": {"$not": [{"$and": are_right}]}},
            *({field: {"$lt": FIRST_DATE}} for field in TIMES),
            *({field: {"$gte": AFTER_LAST_DATE}} for field in TIMES),
            *({field: {"$elemMatch": NOT_UTF8} if field in TAGS else NOT_UTF8} for field in (*TEXTS, *TAGS)),
        ]
    )
    fields = (*TYPES, *TAGS)
    stages: Pipeline = [{"$match": suspect}, {"$project": {**dict.fromkeys(fields, 1), "types": types}}]
    for document in store.projects.aggregate({"company": store.company}, stages):
        missing = [field for field in REQUIRED if document["types"][field] in ABSENT]
        wrong = [f"{field}: {fault}" for field in fields if (fault := _fault(document, field))]
        for kind, faults in (("field-missing", missing), ("field-type", wrong)):
            if faults:
                findings.add(kind, example(document["_id"], document.get("name"), ", ".join(faults)))


def _fault(document: Document, field: str) -> str:
    """Return the fault of a field in words; an empty text if a server can read it, or if it is absent."""
    type_, value = document["types"].get(field), document.get(field)
    if field in TYPES and type_ not in (*TYPES[field], *(ABSENT if field != "_id" else ())):
        return str(type_)
    if is_beyond_dates(value):
        return "a year outside 1 to 9999"
    items: list[Any] = value if isinstance(value, list) else [value]
    return "not UTF-8" if any(_is_text(item) and UNREADABLE in item for item in items) else ""


# --- tasks and models ---------------------------------------------------------------------------------------------


def check_members(kind: Member, tree: ProjectTree, store: Store, findings: Findings) -> dict[str, int]:
    """Find the company's tasks or models in projects that it cannot see. Return how many, by project.

    Whether such a project is another company's is never queried. A project that was created since the tree was read
    is looked up again.
    """
    own: Document = {"company": store.company}
    lost: dict[str, int] = {}
    others: list[Any] = []  # projects whose id is not a text: `--fix` cannot name them in a filter
    count_of_others = 0
    for group in store.named(kind).aggregate(own, pipelines.by_project()):
        project = group.get("_id")
        # Without a project is valid; servers have written both.
        if project in (None, "") or identity(project) in tree.projects:
            continue
        if _is_text(project):
            lost[project] = group["count"]
        else:
            others.append(project)
            count_of_others += group["count"]
    # Created since the tree was read: not lost.
    ids = list(lost)
    # In chunks: one filter must stay below the limit of a command.
    for start in range(0, len(ids), CHUNK):
        for document in store.projects.find({"_id": {"$in": ids[start : start + CHUNK]}}, {"_id": 1}):
            del lost[document["_id"]]
    count = sum(lost.values())
    examples: list[Document] = []
    if count:
        examples += _examples({**own, **filters.in_projects(sorted(lost)[:EXAMPLES])}, kind, store)
    if others:
        in_others = {"$expr": {"$in": ["$project", {"$literal": others[:EXAMPLES]}]}}
        examples += _examples({**own, **in_others}, kind, store, "project is not a text")
    if count or others:
        findings.add(f"{kind}-project-gone", *examples, count=count + count_of_others, fixable=count)
    return lost


def _examples(filter_: Document, kind: Member, store: Store, detail: str = "") -> list[Document]:
    found = store.named(kind).find(filter_, {"name": 1}, limit=EXAMPLES)
    # The server's order depends on the index that it happens to choose.
    return sorted((example(one["_id"], one.get("name"), detail) for one in found), key=lambda one: str(one["id"]))


def check_references(kind: Member, store: Store, findings: Findings) -> None:
    """Find the tasks or models that refer to documents that the server has deleted."""
    for field in REFERENCES[kind]:
        marked = {"company": store.company, field: {"$regex": DELETED}}
        if count := store.named(kind).count(marked):
            findings.add(f"{kind}-reference-deleted", *_examples(marked, kind, store, field), count=count)
