"""The endpoints in plain Python, written from docs/semantics.md and docs/data-model.md alone.

Where the text leaves something open, the reading is given here: `null` in a list is not a value (it neither ends a
`__$not` nor stands before a `__$any`); a list of ids that is not empty addresses hidden projects, whatever it holds;
of several faults in one request any may be reported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Document = dict[str, Any]

DEFAULT_FIELDS = (
    "id name basename description company user parent created last_update tags system_tags "
    "default_output_destination featured logo_url"
).split()
FIELDS = [*DEFAULT_FIELDS, "path", "company_origin", "logo_blob"]
LISTS = ("tags", "system_tags", "path")
REFERENCES = {"parent": "project", "user": "user", "company": "company"}
STATUSES = "created queued in_progress stopped publishing published closed failed completed unknown".split()

INVALID, INVALID_FIELDS, FIELDS_VALUE, INVALID_REGEX = (400, 12), (400, 14), (400, 16), (400, 21)
FILTERED = {"tags", "system_tags", "id", "parent", "path"}
Faults = set[tuple[int, int]]


# --- lists of values with operators -------------------------------------------------------------------------------

JOINERS = {"__$all": "all", "__$and": "all", "__$any": "any", "__$or": "any", "__$nop": "default"}
NEGATIONS = ("__$not", "__Snot")


@dataclass
class Wanted:
    """A list of values, read."""

    any_of: set[str] = field(default_factory=set)
    all_of: set[str] = field(default_factory=set)
    none_of: set[str] = field(default_factory=set)
    empty_too: bool = False
    either: bool = False
    faulty: bool = False


def wanted(values: Iterable[str | None] | None) -> Wanted:
    """Read a list of values from left to right."""
    found, mode, negated = Wanted(), "default", False
    for value in values or ():
        if value is None:
            found.empty_too = True
        elif value in NEGATIONS or value in JOINERS or value.startswith("__$"):
            reset = JOINERS.get(value) == "default"
            found.faulty |= (negated and not reset) or (value not in JOINERS and value not in NEGATIONS)
            negated = value in NEGATIONS
            mode = JOINERS.get(value, mode)
            first = not (found.any_of or found.all_of or found.none_of)
            found.either |= mode == "any" and value in JOINERS and first
        else:
            _put(found, value, mode, negated=negated)
            negated = False
    found.faulty |= negated
    return found


def _put(found: Wanted, value: str, mode: str, *, negated: bool) -> None:
    if mode == "default" and value.startswith("-"):
        value, negated = value[1:], True
        found.faulty |= not value
    (found.none_of if negated else found.all_of if mode == "all" else found.any_of).add(value)


def ambiguous(values: Sequence[str | None] | None) -> bool:
    """Return whether docs/semantics.md leaves the meaning of a list open: `__$not` before `-x` or null."""
    pairs = zip(values or (), (values or ())[1:], strict=False)
    return any(one in NEGATIONS and (after is None or after.startswith("-")) for one, after in pairs)


def passes(values: Iterable[str | None] | None, stored: Any) -> bool:
    """Return whether a document with this list in the field matches (absent and null are None)."""
    asked, has = wanted(values), set(stored or ())
    parts = []
    if asked.any_of:
        parts.append(bool(asked.any_of & has))
    if asked.all_of:
        parts.append(asked.all_of <= has)
    if asked.none_of:
        parts.append(not asked.none_of & has)
    if asked.empty_too and not has:
        return True
    if not parts:
        return not asked.empty_too
    return any(parts) if asked.either else all(parts)


# --- which projects -----------------------------------------------------------------------------------------------


def visible(documents: Iterable[Document], company: str) -> list[Document]:
    """Return the company's own documents and the public ones."""
    return [document for document in documents if document["company"] in {company, ""}]


def matches(pattern: str, value: Any, flags: int = 0) -> bool:
    """Return whether a pattern matches a text, or any item of a list."""
    items = value if isinstance(value, list) else [value]
    return any(isinstance(item, str) and re.search(pattern, item, flags) for item in items)


def _stored(document: Document, name: str) -> Any:
    return document.get("_id" if name == "id" else name)


SEVERAL = {"_all_": all, "_any_": any, "_and_": all, "_or_": any}


def _passes_all_filters(document: Document, params: Mapping[str, Any]) -> bool:
    filters = params.get("filters", {})
    params = {name: value for name, value in params.items() if name not in filters}
    names = ("name", "basename", "description")
    texts = [matches(params[name], document.get(name)) for name in names if params.get(name)]
    lists = [passes(params.get(name), document.get(name)) for name in ("tags", "system_tags")]
    lists += [passes(params.get("id"), [document["_id"]]), _is_in_place(document, params, filters)]
    lists += [passes_filter(asked, _stored(document, name)) for name, asked in filters.items()]
    several = [
        how(matches(asked["pattern"], _stored(document, name), re.IGNORECASE) for name in asked["fields"])
        for parameter, how in SEVERAL.items()
        if (asked := params.get(parameter)) and asked.get("fields") and asked.get("pattern")
    ]
    hidden = not params.get("id") and not params.get("search_hidden") and is_hidden(document)
    allowed = params.get("allow_public")
    public = document["company"] == "" and not (not params.get("non_public") if allowed is None else allowed)
    updated = _is_updated_within(document.get("last_update"), params.get("last_update"))
    return all([*texts, *lists, *several, updated]) and not hidden and not public


def is_hidden(document: Document) -> bool:
    """Return whether a project is hidden."""
    return "hidden" in (document.get("system_tags") or ())


def _is_in_place(document: Document, params: Mapping[str, Any], filters: Mapping[str, Any]) -> bool:
    """Return whether a project is where `parent` and `shallow_search` ask for it."""
    parent = document.get("parent")
    parents = [] if parent is None else [parent]
    if "parent" in filters:
        return True
    if "parent" in params:
        return passes(params["parent"], parents if params.get("shallow_search") else document.get("path"))
    return not params.get("shallow_search") or not parents


def passes_filter(asked: Mapping[str, Any], stored: Any) -> bool:
    """Return whether a filter `{any, all, op}` holds for the value of a field: a list, one value, or none."""
    has = set(stored if isinstance(stored, list) else () if stored is None else [stored])
    parts = []
    for name in ("any", "all"):
        include, exclude = (set((asked.get(name) or {}).get(key) or ()) for key in ("include", "exclude"))
        conditions = [stored == []] * (None in include) + [stored != []] * (None in exclude)
        include, exclude = include - {None}, exclude - {None}
        if name == "any":
            conditions += [bool(include & has)] * bool(include) + [not exclude <= has] * bool(exclude)
        else:
            conditions += [include <= has] * bool(include) + [not exclude & has] * bool(exclude)
        parts += [any(conditions) if name == "any" else all(conditions)] if conditions else []
    return any(parts) if parts and asked.get("op") == "or" else all(parts)


def _is_updated_within(stored: Any, bounds: Sequence[str | None] | None) -> bool:
    if bounds is None:
        return True
    start, end = (None if bound is None else datetime.fromisoformat(bound).replace(tzinfo=None) for bound in bounds)
    if stored is None:
        return start is None
    return (start is None or stored >= start) and (end is None or stored <= end)


# --- errors of a request ------------------------------------------------------------------------------------------


def listing_faults(params: Mapping[str, Any], *, extended: bool) -> Faults:
    """Return the errors of which one is expected, none for a valid request."""
    # A field in `filters` replaces the parameter of the same name, which is then not looked at.
    read = {"id", "tags", "system_tags", "parent"} - (params.get("filters") or {}).keys()
    found = {FIELDS_VALUE for name in read if wanted(params.get(name)).faulty}
    found |= {INVALID_FIELDS for name in params.get("only_fields") or () if not _is_field(name, dotted=extended)}
    found |= {fault for key in params.get("order_by") or () if (fault := _order_fault(key, params))}
    for asked in map(params.get, SEVERAL):
        found |= _several_faults(asked) if asked is not None else set()
    found |= {INVALID} if params.get("last_update") == [None, None] else set()
    found |= (
        {INVALID}
        if params.get("filters", {}) is not None and not params.get("filters", {}).keys() <= FILTERED
        else set()
    )
    found |= {FIELDS_VALUE} if params.get("filters", {}) is None else set()
    return found | {INVALID_REGEX for name in ("name", "basename", "description") if _is_malformed(params.get(name))}


def _is_field(name: str, *, dotted: bool) -> bool:
    if name == "*":
        return dotted
    name = name.removeprefix("-")
    first, dot, rest = name.partition(".")
    return (first in REFERENCES and rest in {"name", "*"}) if dot and dotted else name in FIELDS


def _order_fault(key: str, params: Mapping[str, Any]) -> tuple[int, int] | None:
    name = key.removeprefix("-")
    if name == "@text_score":
        return None if params.get("search_text") and key == name else FIELDS_VALUE
    return None if name in FIELDS else INVALID_FIELDS


def _several_faults(asked: Mapping[str, Any]) -> Faults:
    names = asked.get("fields") or ()
    found = {INVALID_FIELDS for name in names if name not in FIELDS}
    if asked.get("fields") is None or asked.get("pattern") is None:
        found.add(FIELDS_VALUE)
    return found | ({INVALID_REGEX} if names and _is_malformed(asked.get("pattern")) else set())


def _is_malformed(pattern: str | None) -> bool:
    try:
        re.compile(pattern or "")
    except re.error:
        return True
    return False


# --- order and pages ----------------------------------------------------------------------------------------------

DateOrText = tuple[int, Any]


def _rank(value: Any, *, descending: bool) -> DateOrText:
    """Return a value's place in MongoDB's order: [] < null < numbers < texts < dates; a list is its least item."""
    if isinstance(value, list):
        return _rank((max if descending else min)(value), descending=False) if value else (0, 0)
    kinds: list[tuple[type, int]] = [(int, 2), (str, 3), (datetime, 4)]
    return next(((place, value) for kind, place in kinds if isinstance(value, kind)), (1, 0))


def in_order(documents: Sequence[Document], order_by: Sequence[str] | None) -> list[Document]:
    """Sort as MongoDB does, with the missing values of an ascending first field behind all others."""
    keys = list({key.removeprefix("-"): key.startswith("-") for key in order_by or ()}.items())
    ordered = sorted(documents, key=lambda one: str(one["_id"]))
    for name, descending in reversed(keys):
        ordered.sort(key=_by(name, descending=descending), reverse=descending)
    if keys and not keys[0][1]:
        ordered.sort(key=lambda one: _stored(one, keys[0][0]) in (None, "", []))
    return ordered


def _by(name: str, *, descending: bool) -> Callable[[Document], DateOrText]:
    return lambda one: _rank(_stored(one, name), descending=descending)


def page_of(documents: Sequence[Document], params: Mapping[str, Any]) -> Sequence[Document]:
    """Return the requested page."""
    page, size = params.get("page"), params.get("page_size")
    if page is None and size is None:
        return documents
    start = int(page or 0) * int(500 if size is None else size)
    return documents[start : start + int(500 if size is None else size)]


# --- how a project is shown ---------------------------------------------------------------------------------------


def shown(document: Document, names: Iterable[str]) -> Document:
    """Return these fields of a project as a response has them."""
    found: Document = {}
    for name in names:
        value = _stored(document, name)
        if name in LISTS:
            value = list(value or ()) if name == "path" else sorted(value or ())
        value = 9999 if name == "featured" and value is None else iso(value) if isinstance(value, datetime) else value
        if value is not None:
            found[name] = value
    return found


def iso(moment: datetime) -> str:
    """Return a stored date as responses have it."""
    return moment.replace(tzinfo=UTC).isoformat()


def fields_wanted(only_fields: Sequence[str] | None) -> list[str]:
    """Return the names to show, dotted ones too."""
    named = [name for name in only_fields or () if not name.startswith("-")]
    plain = [field for name in named for field in (FIELDS if name == "*" else [name])]
    return plain or [name for name in DEFAULT_FIELDS if f"-{name}" not in (only_fields or ())]


def _with_references(document: Document, names: Sequence[str], database: Mapping[str, Sequence[Document]]) -> Document:
    found: Document = {}
    for name in {name.partition(".")[0] for name in names if "." in name}:
        target = document.get(name)
        stored = next((one for one in database.get(REFERENCES[name], ()) if one["_id"] == target), None)
        if stored is None:
            found |= {} if target is None else {name: {"id": target} if target else target}
        elif f"{name}.*" in names:
            found[name] = _whole(stored, is_project=name == "parent")
        else:
            found[name] = {"id": target, "name": stored["name"]}
    return found


def _whole(stored: Document, *, is_project: bool) -> Document:
    """Return a referenced document with all its fields, and its own references as `{id}`."""
    names = FIELDS if is_project else ["id", *(name for name in stored if name != "_id")]
    whole = shown(stored, names)
    return whole | {name: {"id": whole[name]} if whole[name] else {} for name in REFERENCES if name in whole}


@dataclass(frozen=True)
class Model:
    """The service on a database, for one company, at one time."""

    database: Mapping[str, Sequence[Document]]
    company: str
    now: datetime

    def see(self, collection: str) -> list[Document]:
        """Return the documents of a collection that the company can read."""
        if collection == "company":
            return [one for one in self.database.get("company", ()) if one["_id"] == self.company]
        return visible(self.database.get(collection, ()), self.company)

    def listing(self, params: Mapping[str, Any], *, extended: bool) -> list[Document]:
        """Return the projects of get_all, or of get_all_ex."""
        names = fields_wanted(params.get("only_fields"))
        plain = [name for name in names if "." not in name] + (["id"] if extended else [])
        seen = {name: self.see(name) for name in ("project", "user", "company")}
        found = []
        for document in page_of(in_order(self.passing(params), params.get("order_by")), params):
            answer = shown(document, plain) | _with_references(document, names, seen)
            hidden = {"hidden": True} if extended and params.get("search_hidden") and is_hidden(document) else {}
            found.append(answer | hidden)
        return found

    def passing(self, params: Mapping[str, Any]) -> list[Document]:
        """Return the projects that pass all filters, in no order."""
        return [document for document in self.see("project") if _passes_all_filters(document, params)]

    # --- what tasks and models use ---

    def within(self, projects: Iterable[str]) -> set[str]:
        """Return the ids of the visible projects of these, with their sub-projects."""
        asked = set(projects) & {one["_id"] for one in self.see("project")}
        return {one["_id"] for one in self.see("project") if asked & {one["_id"], *(one.get("path") or ())}}

    def chosen(self, collection: str, params: Mapping[str, Any], *, single: bool = False) -> list[Document]:
        """Return the tasks or models that a request chooses by `project` (single) or by `projects`."""
        below = params.get("include_subprojects") is not False
        projects: list[str | None] = list(params.get("projects") or ())
        if single:
            project = params.get("project")
            projects = [project] if project else [] if below else [None]
        known = {one["_id"] for one in self.see("project")}
        inside = self.within(filter(None, projects)) if below else known & set(projects)
        public = params.get("allow_public") is not False
        return [
            one
            for one in self.see(collection)
            if (public or one["company"])
            and (not projects or one.get("project") in inside or (None in projects and not one.get("project")))
        ]

    def metrics(self, params: Mapping[str, Any]) -> Document:
        """Return the pairs of metric and variant with their hashes."""
        ids = params.get("ids")
        pairs = {
            (variant["metric"], variant["variant"], metric_hash, variant_hash)
            for one in self.chosen("model" if params.get("model_metrics") else "task", params, single=True)
            if not ids or one["_id"] in ids
            for metric_hash, metric in (one.get("last_metrics") or {}).items()
            for variant_hash, variant in metric.items()
        }
        names = ("metric", "variant", "metric_hash", "variant_hash")
        return {"metrics": [dict(zip(names, pair, strict=True)) for pair in sorted(pairs)]}

    def parameters(self, params: Mapping[str, Any]) -> Document:
        """Return a page of the pairs of section and name."""
        pairs = {
            (section, name): {"section": names["section"], "name": names["name"]}
            for task in self.chosen("task", params, single=True)
            for section, stored in (task.get("hyperparams") or {}).items()
            for name, names in stored.items()
        }
        page, total, remaining = _paged([pairs[pair] for pair in sorted(pairs)], params)
        return {"parameters": page, "remaining": remaining, "total": total}

    def metadata_keys(self, params: Mapping[str, Any]) -> Document:
        """Return a page of the metadata keys."""
        models = self.chosen("model", params, single=True)
        keys = {stored: entry["key"] for one in models for stored, entry in (one.get("metadata") or {}).items()}
        page, total, remaining = _paged([keys[stored] for stored in sorted(keys)], params)
        return {"keys": page, "remaining": remaining, "total": total}

    def values(self, collection: str, params: Mapping[str, Any]) -> Document:
        """Return a page of the values of a hyperparameter, or of a metadata key."""
        found = set()
        for one in self.chosen(collection, params):
            entries = [*(one.get("metadata") or {}).values()]
            entries += [entry for section in (one.get("hyperparams") or {}).values() for entry in section.values()]
            for entry in entries:
                if all(
                    entry.get(name) == params[name].strip() for name in ("section", "name", "key") if name in params
                ):
                    found.add(entry.get("value"))
        # What ignores case here is ASCII: only there do Python and PCRE agree on every letter.
        pattern = params.get("pattern")
        passing = [one for one in found - {None} if not pattern or re.search(pattern, one, re.IGNORECASE)]
        page, total, _ = _paged(sorted(passing, key=_numbers_first), params)
        return {"total": total, "values": page}

    def parents(self, params: Mapping[str, Any]) -> Document:
        """Return the parents of tasks."""
        state = params.get("tasks_state")
        wanted = {
            one.get("parent")
            for one in self.chosen("task", params)
            if not state or state == ("archived" if "archived" in (one.get("system_tags") or ()) else "active")
        }
        names = {one["_id"]: one["name"] for one in self.see("project")}
        found = []
        for task in self.see("task"):
            project = task.get("project")
            if task["_id"] in wanted and re.search(params.get("task_name") or "", task["name"]):
                place = {"id": project} | ({"name": names[project]} if project in names else {})
                found.append({"id": task["_id"], "name": task["name"]} | ({"project": place} if project else {}))
        return {"parents": sorted(found, key=lambda one: (one["name"], one["id"]))}

    def users(self, params: Mapping[str, Any]) -> Document:
        """Return the company's users who created tasks or models."""
        used = {one.get("user") for one in self.chosen(params.get("entity") or "task", params)}
        own = [one for one in self.database.get("user", ()) if one["company"] == self.company and one["_id"] in used]
        shown = [{"id": one["_id"], "name": one["name"]} for one in own]
        return {"users": sorted(shown, key=lambda one: (one["name"], one["id"]))}

    def tags(self, collection: str, params: Mapping[str, Any]) -> Document:
        """Return the tags of the company's own tasks or models."""
        asked = params.get("filter") or {}
        inside = self.within(params["projects"]) if params.get("projects") else None
        found = [
            one
            for one in self.database.get(collection, ())
            if one["company"] == self.company
            and (inside is None or one.get("_id" if collection == "project" else "project") in inside)
            and all(passes(asked.get(name), one.get(name)) for name in ("tags", "system_tags"))
        ]
        names = ["tags", "system_tags"] if params.get("include_system") else ["tags"]
        tags = {name: sorted({tag for one in found for tag in one.get(name) or ()}) for name in names}
        return tags if collection != "project" else {"system_tags": [], **tags}


def tag_faults(params: Mapping[str, Any]) -> Faults:
    """Return the errors of which one is expected for a request for tags."""
    asked = params.get("filter") or {}
    return {FIELDS_VALUE for name in ("tags", "system_tags") if wanted(asked.get(name)).faulty}


def _paged(items: list[Any], params: Mapping[str, Any]) -> tuple[list[Any], int, int]:
    """Return a page, the number of all items, and of those after the page."""
    size = max(1, _or(params.get("page_size"), 500))
    start = max(0, _or(params.get("page"), 0)) * size
    return items[start : start + size], len(items), len(items[start + size :])


def _numbers_first(value: str) -> tuple[int, float, str]:
    try:
        number = float(value)
    except ValueError:
        return 1, 0, value
    return (0, number, value) if number - number == 0 else (1, 0, value)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def escaped(key: str) -> str:
    """Return the key under which a parameter is stored, as in docs/data-model.md (`task`)."""
    key = key.replace("%", "%%").replace(".", "%2E").replace("$", "%24").replace("__", "%_%_")
    return f"%{key}" if key.startswith("_") else key
