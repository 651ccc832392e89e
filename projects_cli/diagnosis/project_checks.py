"""Looking through a company's projects, tasks and models: what is wrong with each, and whether it can be mended.

One pass over the projects, one grouping of the tasks and one of the models; nothing is asked for each project.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from projects_cli.diagnosis.findings import EXAMPLES, example
from projects_cli.diagnosis.project_tree import FIELDS, LEVELS, SILENT, Forest, Project, is_at
from projects_cli.diagnosis.repair import Mending
from projects_cli.extended_json import compact, id_text, identity
from projects_cli.store import filters, pipelines
from projects_cli.store.bson_codec import AFTER_THE_LAST_DATE, UNREADABLE, is_beyond_dates

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from projects_cli.diagnosis.findings import Findings
    from projects_cli.messages import Document, Pipeline
    from projects_cli.store.collections import Store

TAGS = ("tags", "system_tags")
NEEDED = ("name", "user", "created")
"""Fields without which a server does not read a project."""

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
"""The types of fields that servers write, as MongoDB calls them; tags and paths are judged by themselves."""

ABSENT = ("missing", "null", "undefined")
NOT_UTF8 = {"$type": "string", "$not": {"$regex": "^"}}
FIRST, BEHIND_LAST = datetime(1, 1, 1), AFTER_THE_LAST_DATE  # noqa: DTZ001 - as they are stored
"""The dates that a server, which is written in Python too, can read: of the years 1 to 9999."""

REFERENCES = {"task": ("parent", "models.input.model"), "model": ("parent", "task")}
"""Fields in which a server marks what it deleted; an index serves each."""

DELETED = "^__DELETED__"
CHUNK = 1000
"""Ids in one filter: far below MongoDB's 16 MB for a command."""

Member = Literal["task", "model"]


# --- projects -----------------------------------------------------------------------------------------------------


class Projects:
    """What one pass over the projects found: the forest, where it is to be mended, and the tags as they should be."""

    def __init__(self, company: str) -> None:
        """Start empty."""
        self.forest = Forest(company)
        self.mending = Mending(self.forest, set(), frozenset())
        self.tags: dict[Hashable, Document] = {}

    def read(self, store: Store, findings: Findings) -> None:
        """Read all projects that the company can see, and judge its own."""
        own: Document = {"company": store.company}
        for document in store.projects.find({}, dict.fromkeys((*FIELDS, *TAGS), 1)):
            project = self.forest.add(document)
            if project.own:
                self._judge_tags(project.id, document, findings)
        cycles = self.forest.cycles(self.forest.parent)
        self.mending = Mending(self.forest, cycles, findings.wanted)
        _judge_types(own, store, findings)
        self._judge_names(findings)
        self._judge_places(cycles, findings)

    # --- names and places ---------------------------------------------------------------------------------------------

    def _judge_names(self, findings: Findings) -> None:
        first: dict[str, Project] = {}
        public = {one.name for one in self.forest.projects.values() if not one.own and type(one.name) is str}
        for project in self.forest.own():
            holder = first.setdefault(project.name, project)
            if holder is not project:
                findings.add("name-duplicated", example(project.stored, project.name, f"as {id_text(holder.stored)}"))
            if project.name in public:
                findings.add("name-public", example(project.stored, project.name))
            if project.name.count("/") >= LEVELS:
                findings.add("too-deep", example(project.stored, project.name))
            if project.basename != last_part(project.name):
                fixable = int(self.new_basename(project) is not None)
                shown = example(project.stored, project.name, f"basename is {_quoted(project.basename)}")
                findings.add("basename-mismatch", shown, fixable=fixable)

    def new_basename(self, project: Project) -> str | None:
        """Give the basename that a project should have and has not; a name that ends with a slash tells none."""
        basename = last_part(project.name)
        return basename if basename and basename != project.basename else None

    def _judge_places(self, cycles: set[Hashable], findings: Findings) -> None:
        forest = self.forest
        for project in forest.own():
            if project.id in cycles:
                findings.add("parent-cycle", example(project.stored, project.name))
            elif not forest.is_placed(project):
                self._misplaced(project, findings)
            above = forest.above(project, forest.parent)
            if above is not None and not is_at(project, above):
                fixable = int(self.mending.path(project) is not None)
                findings.add("path-mismatch", example(project.stored, project.name), fixable=fixable)

    def _misplaced(self, project: Project, findings: Findings) -> None:
        fixable = int(self.mending.is_mended(project))
        if self.forest.parent(project) is SILENT:
            findings.add("parent-gone", example(project.stored, project.name), fixable=fixable)
            return
        above = self.forest.get(self.forest.parent(project))
        detail = f"the parent is {_quoted(above.name)}" if above is not None else "no parent"
        findings.add("parent-mismatch", example(project.stored, project.name, detail), fixable=fixable)

    # --- tags ---------------------------------------------------------------------------------------------------------

    def _judge_tags(self, key: Hashable, document: Document, findings: Findings) -> None:
        """Judge the tags of one project, which counts once for each kind."""
        judged = {field: judged_tags(document[field]) for field in TAGS if field in document}
        wrong: dict[str, list[str]] = {}
        for field, (kinds, _) in judged.items():
            for kind in kinds:
                wrong.setdefault(kind, []).append(field)
        mended = {kind for kind, fields in wrong.items() if all(judged[field][1] is not None for field in fields)}
        for field, (kinds, right) in judged.items():
            if right is not None and mended.issuperset(kinds) and not findings.wanted.isdisjoint(kinds):
                self.tags.setdefault(key, {})[field] = right
        for kind, fields in wrong.items():
            shown = example(document["_id"], document.get("name"), " and ".join(fields))
            findings.add(kind, shown, fixable=int(kind in mended))


def judged_tags(stored: Any) -> tuple[Sequence[str], list[str] | None]:
    """Give the kinds of what is wrong with stored tags, and the tags as they should be: None where nobody can tell."""
    if stored == []:
        return (), None
    if stored is None:
        return ("tags-null",), []
    if type(stored) is str:
        return ("tags-no-list",), [stored] if stored else []
    if not isinstance(stored, list) or not all(type(tag) is str for tag in stored):
        return ("tags-no-list",), None
    right = sorted(set(stored))
    if stored == right:
        return (), None
    kinds = {"tags-duplicated": len(right) < len(stored), "tags-unsorted": sorted(stored) != stored}
    return [kind for kind, holds in kinds.items() if holds], right


def last_part(name: str) -> str:
    """Give the last part of a name."""
    return name.rpartition("/")[2]


def _quoted(value: Any) -> str:
    """Return a stored value as part of a sentence."""
    return "missing" if value is None else repr(value) if type(value) is str else compact(value)


def _judge_types(own: Document, store: Store, findings: Findings) -> None:
    """Find the projects that lack a field that a server needs, or have a value that it can't read."""
    wanted = dict.fromkeys((*TYPES, *TAGS), 1)
    types = {field: {"$type": f"${field}"} for field in TYPES}
    stages: Pipeline = [{"$match": _doubtful()}, {"$project": {**wanted, "types": types}}]
    for document in store.projects.aggregate(own, stages):
        missing = [field for field in NEEDED if document["types"][field] in ABSENT]
        wrong = [f"{field}: {fault}" for field in (*TYPES, *TAGS) if (fault := _fault(document, field))]
        for kind, faults in (("field-missing", missing), ("field-type", wrong)):
            if faults:
                findings.add(kind, example(document["_id"], document.get("name"), ", ".join(faults)))


def _doubtful() -> Document:
    """Match the projects that have a fault; MongoDB looks, so that no other is sent.

    A text that is not UTF-8 matches no regular expression, not even an empty one.
    """
    types = [
        {"$in": [{"$type": f"${field}"}, [*allowed, *(() if field in ("_id", *NEEDED) else ABSENT)]]}
        for field, allowed in TYPES.items()
    ]
    return filters.any_of(
        [
            {"$expr": {"$not": [{"$and": types}]}},
            *({field: {bound: date}} for field in TIMES for bound, date in (("$lt", FIRST), ("$gte", BEHIND_LAST))),
            *({field: {"$elemMatch": NOT_UTF8} if field in TAGS else NOT_UTF8} for field in (*TEXTS, *TAGS)),
        ]
    )


def _fault(document: Document, field: str) -> str:
    """Return what is wrong with a field, in words; nothing if a server can read it, or finds it absent."""
    kind, value = document["types"].get(field), document.get(field)
    if field in TYPES and kind not in (*TYPES[field], *(ABSENT if field != "_id" else ())):
        return str(kind)
    if is_beyond_dates(value):
        return "a year outside 1 to 9999"
    texts = [value] if type(value) is str else value if isinstance(value, list) else ()
    return "not UTF-8" if any(type(text) is str and UNREADABLE in text for text in texts) else ""


# --- tasks and models ---------------------------------------------------------------------------------------------


def lost_members(kind: Member, projects: Projects, store: Store, findings: Findings) -> dict[str, int]:
    """Find the company's tasks or models in projects that are not among those it can see; gives how many by project.

    Whether such a project is another company's is never asked. One that was made since the projects were read is
    looked up again.
    """
    own: Document = {"company": store.company}
    groups = store.named(kind).aggregate(own, pipelines.by_project())
    known = projects.forest.projects
    lost: dict[str, int] = {}
    others: list[Any] = []
    odd = 0
    for group in groups:
        project = group.get("_id")
        if project in (None, "") or (project if type(project) is str else identity(project)) in known:
            continue
        if type(project) is str:
            lost[project] = group["count"]
        else:
            others.append(project)
            odd += group["count"]
    for made in _made_since(list(lost), store):
        del lost[made]
    count = sum(lost.values())
    examples: list[Document] = []
    if count:
        examples += _some({**own, **filters.in_projects(list(lost)[:EXAMPLES])}, kind, store)
    if odd:
        one_of_these = {"$expr": {"$in": ["$project", {"$literal": others[:EXAMPLES]}]}}
        examples += _some({**own, **one_of_these}, kind, store, "project is not a text")
    if count or odd:
        findings.add(f"{kind}-project-gone", *examples, count=count + odd, fixable=count)
    return lost


def _made_since(ids: Sequence[str], store: Store) -> Iterator[str]:
    for start in range(0, len(ids), CHUNK):
        found = store.projects.find({"_id": {"$in": list(ids[start : start + CHUNK])}}, {"_id": 1})
        yield from [document["_id"] for document in found]


def _some(filter_: Document, kind: Member, store: Store, detail: str = "") -> Iterator[Document]:
    for document in store.named(kind).find(filter_, {"name": 1}, limit=EXAMPLES):
        yield example(document["_id"], document.get("name"), detail)


def deleted_references(kind: Member, store: Store, findings: Findings) -> None:
    """Find the tasks or models that refer to what the server has deleted."""
    for field in REFERENCES[kind]:
        marked = {"company": store.company, field: {"$regex": DELETED}}
        count = store.named(kind).count(marked)
        if count:
            findings.add(f"{kind}-reference-deleted", *_some(marked, kind, store, field), count=count)
