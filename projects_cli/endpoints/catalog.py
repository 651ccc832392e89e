"""Finding and listing projects: get_by_id, get_all, get_all_ex."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import fields, hierarchy
from projects_cli.endpoints.ordering import Page, ordered
from projects_cli.errors import FieldsValueError, InvalidFields
from projects_cli.extended_json import can_be_id, identity
from projects_cli.messages import PROJECT_FIELDS, Response
from projects_cli.store import filters

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Store

REFERENCES = {
    "parent": ("projects", fields.FIELDS),
    "user": ("users", ("id", "name")),
    "company": ("companies", ("id", "name")),
}
"""The fields that hold another document's id, where it is, and which of its fields can be asked for."""

CHUNK = 500
"""Projects whose referenced documents are read together."""

References = dict[str, list[str]]


def get_by_id(request: Request, store: Store) -> Response:
    """One project, with all its fields.

    Raises:
        InvalidProjectId: no such project.
    """
    found = hierarchy.readable_project(request.params["project"], store, fields.projection(fields.FIELDS))
    return Response(request.endpoint, {"project": fields.presenter(fields.FIELDS)(found)})


def get_all(request: Request, store: Store) -> Response:
    """The projects that pass the filters, streamed in the order asked for."""
    names = wanted_fields(request.params.get("only_fields"), dotted=False)
    documents = ordered(store, _condition(request, store), request.params, fields.projection(names))
    return Response(request.endpoint, {"projects": map(fields.presenter(names), documents)}, _chosen(request, names))


def get_all_ex(request: Request, store: Store) -> Response:
    """The same, with referenced documents and statistics where asked for."""
    names, references = split_references(wanted_fields(request.params.get("only_fields"), dotted=True))
    names = ["id", *(name for name in names if name != "id")]
    condition = _condition(request, store)
    if request.params.get("non_public"):
        condition = filters.all_of([{"company": store.company}, condition])
    stored = {*names, *references}
    if request.params.get("include_stats"):
        rows = _with_statistics(request, store, condition, names, references)
        chosen = _chosen(request, [*names, *references, "stats", "sub_projects"])
        return Response(request.endpoint, {"projects": rows}, chosen, view=f"{request.endpoint} statistics")
    documents = ordered(store, condition, request.params, fields.projection(stored))
    shown = _shown(documents, names, references, store)
    return Response(request.endpoint, {"projects": shown}, _chosen(request, [*names, *references]))


def _chosen(request: Request, names: Sequence[str]) -> tuple[str, ...] | None:
    """Give the records' fields, where the request chose them."""
    return tuple(names) if request.params.get("only_fields") else None


def _with_statistics(
    request: Request, store: Store, condition: Document, names: Sequence[str], references: References
) -> Iterator[Document]:
    """Stream the listing, each project with `stats` and `sub_projects`."""
    from projects_cli.endpoints.statistics import Statistics  # loaded where it is asked for

    wanted = fields.projection({*names, *references, "id"})
    paged = Page.of(request.params).limit > 0
    page = list(ordered(store, condition, request.params, wanted)) if paged else None
    rows = store.projects.scan(condition, {"_id": 1}) if page is None else page
    statistics = Statistics.gather(request, store, [row["_id"] for row in rows])
    documents = ordered(store, condition, request.params, wanted) if page is None else page
    shown = _shown(documents, names, references, store)
    return (project | statistics.of(project.get("id")) for project in shown)


def _shown(
    documents: Iterable[Document], names: Sequence[str], references: References, store: Store
) -> Iterator[Document]:
    """Stream the response's projects, with the documents that they refer to; these are read a chunk at a time."""
    present = fields.presenter(names)
    if not references:
        yield from map(present, documents)
        return
    looked_up = {field: Referenced(field, wanted, store) for field, wanted in references.items()}
    rows = iter(documents)
    while chunk := list(islice(rows, CHUNK)):
        for field, referenced in looked_up.items():
            referenced.learn(stored.get(field) for stored in chunk)
        for stored in chunk:
            found = {field: referenced.of(stored.get(field)) for field, referenced in looked_up.items()}
            yield present(stored) | {field: value for field, value in found.items() if value is not None}


class Referenced:
    """The documents that one field refers to: `{id, name}`, other fields that were requested, or the whole document."""

    def __init__(self, field: str, wanted: Sequence[str], store: Store) -> None:
        """Prepare to read the documents of a field (`parent`, `user`, `company`) with the requested fields."""
        collection, known = REFERENCES[field]
        self._collection = getattr(store, collection)
        names: Sequence[str] = fields.FIELDS if field == "parent" else ()
        if "*" not in wanted:
            names = ["id", *(name for name in known if name in wanted and name != "id")]
        # Users and companies have fields that data-model.md does not list: `*` is the stored document then.
        self._projection = fields.projection(names) if names else None
        self._present = fields.presenter(names) if names else _as_stored
        self._documents: dict[Hashable, Document] = {}

    def learn(self, identifiers: Iterable[Any]) -> None:
        """Read the documents of these ids, except those that were read before."""
        missing = {identity(value): value for value in identifiers if value is not None and value != ""}
        missing = {key: value for key, value in missing.items() if key not in self._documents}
        self._documents |= {key: {"id": value} for key, value in missing.items()}
        wanted = [value for value in missing.values() if can_be_id(value)]
        if wanted:
            for stored in self._collection.find({"_id": {"$in": wanted}}, self._projection):
                self._documents[identity(stored["_id"])] = _with_ids(self._present(stored))

    def of(self, identifier: Any) -> Any:
        """Return the referenced document; only its id if it is deleted or belongs to another company."""
        return identifier if identifier is None else self._documents.get(identity(identifier), identifier)


def _as_stored(stored: Document) -> Document:
    """Return a whole document as a response has it, without nulls."""
    rest = {name: value for name, value in stored.items() if name != "_id" and value is not None}
    return {"id": stored["_id"], **rest}


def _with_ids(document: Document) -> Document:
    """Return a referenced document with its own references as `{id}`; `{}` is the company of a public document."""
    own = {name: {"id": document[name]} if document[name] else {} for name in REFERENCES if name in document}
    return document | own


# --- filters ------------------------------------------------------------------------------------------------------


def _condition(request: Request, store: Store) -> Document:
    """Return the filter of a listing; ids that are not texts are looked up by the text that names them."""
    named = [value.removeprefix("-") for value in request.params.get("id") or () if value]
    stored = hierarchy.ids_of_other_types(named, store)
    condition = listing_filter(request.params)
    return _with_stored_ids(condition, stored) if stored else condition


def _with_stored_ids(condition: Document, stored: Mapping[str, Any]) -> Document:
    """Return a filter with the stored ids in the place of the texts that name them."""
    found: Document = {}
    for name, value in condition.items():
        if name in ("$and", "$or"):
            found[name] = [_with_stored_ids(part, stored) for part in value]
        else:
            found[name] = _among(value, stored) if name == "_id" else value
    return found


def _among(value: Mapping[str, Any], stored: Mapping[str, Any]) -> Document:
    """Return the condition on an id, `$in` or the like, with the stored ids."""
    return {
        operator: [stored.get(one, one) for one in values] if isinstance(values, list) else values
        for operator, values in value.items()
    }


def listing_filter(params: Mapping[str, Any]) -> Document:
    """Join the filters of a listing; hidden projects are left out unless ids are given."""
    parts = [filters.in_list(fields.stored_name(name), params.get(name)) for name in ("id", "tags", "system_tags")]
    parts += [filters.pattern(name, params[name]) for name in ("name", "description") if params.get(name)]
    parts += [_multi_field(params.get("_all_"), "_all_"), _multi_field(params.get("_any_"), "_any_")]
    if params.get("search_text"):
        parts.append(filters.text(params["search_text"]))
    if not params.get("id"):
        parts.append(filters.not_hidden())
    return filters.all_of(parts)


def _multi_field(data: Mapping[str, Any] | None, parameter: str) -> Document:
    """Return the filter for a pattern, ignoring case, in every field (`_all_`) or in any field (`_any_`).

    An empty list of fields or an empty pattern is no filter.

    Raises:
        FieldsValueError: `fields` or `pattern` is missing. Without this check the filter would be dropped silently.
        InvalidFields: projects do not have one of the fields.
    """
    if data is None:
        return {}
    missing = [key for key in ("fields", "pattern") if key not in data]
    if missing:
        raise FieldsValueError(
            f"{parameter}: {' and '.join(missing)} missing",
            hint=f'both are required: "{parameter}": {{"fields": ["name"], "pattern": "rocket"}}',
        )
    names = [fields.stored_name(fields.known_field(name, parameter)) for name in data["fields"]]
    if not data["pattern"]:
        return {}
    matches = [filters.pattern(name, data["pattern"], ignore_case=True) for name in names]
    return filters.all_of(matches) if parameter == "_all_" else filters.any_of(matches)


# --- fields -------------------------------------------------------------------------------------------------------


def wanted_fields(only_fields: Sequence[str] | None, *, dotted: bool) -> list[str]:
    """Return the fields to show: those that are named, else those of a listing without the ones after a `-`.

    `dotted` allows `*` and the fields of referenced documents.

    Raises:
        InvalidFields: projects do not have one of the fields.
    """
    named: list[str] = []
    for name in only_fields or ():
        if not name.startswith("-"):
            named += fields.FIELDS if dotted and name == "*" else [_checked(name, dotted=dotted)]
    omitted = {_checked(name[1:], dotted=dotted) for name in only_fields or () if name.startswith("-")}
    return list(dict.fromkeys(named)) or [name for name in PROJECT_FIELDS if name not in omitted]


def _checked(name: str, *, dotted: bool) -> str:
    field, dot, rest = name.partition(".")
    if not (dotted and dot):
        return fields.known_field(name, "only_fields")
    if field not in REFERENCES or rest not in {"*", *REFERENCES[field][1]}:
        allowed = ", ".join(f"{reference}.name" for reference in REFERENCES)
        raise InvalidFields(f"only_fields: invalid field {name!r}", hint=f"fields of referenced documents: {allowed}")
    return name


def split_references(names: Sequence[str]) -> tuple[list[str], References]:
    """Separate plain fields from those of referenced documents; a field that is requested as both is a reference."""
    references: References = {}
    for name in names:
        field, dot, rest = name.partition(".")
        if dot:
            references.setdefault(field, []).append(rest)
    return [name for name in names if "." not in name and name not in references], references
