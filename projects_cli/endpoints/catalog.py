"""Finding and listing projects: get_by_id, get_all, get_all_ex."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import fields, hierarchy
from projects_cli.endpoints.ordering import Page, ordered
from projects_cli.errors import FieldsValueError, InvalidFields
from projects_cli.messages import Response
from projects_cli.store import filters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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
    documents = ordered(store, listing_filter(request.params), request.params, fields.projection(names))
    return Response(request.endpoint, {"projects": map(fields.presenter(names), documents)}, _chosen(request, names))


def get_all_ex(request: Request, store: Store) -> Response:
    """The same, with referenced documents and statistics where asked for."""
    names, references = split_references(wanted_fields(request.params.get("only_fields"), dotted=True))
    names = ["id", *(name for name in names if name != "id")]
    condition = listing_filter(request.params)
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
    return (project | statistics.of(project["id"]) for project in shown)


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
    """The documents that a field refers to, as `{id, name}` or with what else was asked for."""

    def __init__(self, field: str, wanted: Sequence[str], store: Store) -> None:
        """Take the field (`parent`, `user`, `company`), the fields to show, and where its documents are."""
        names = ["id", *(name for name in wanted if name != "id")]
        self._collection = getattr(store, REFERENCES[field][0])
        self._projection = fields.projection(names)
        self._present = fields.presenter(names)
        self._known: dict[str, Document] = {}

    def learn(self, identifiers: Iterable[Any]) -> None:
        """Read the documents of these ids that are not known yet."""
        missing = {one for one in identifiers if isinstance(one, str) and one} - self._known.keys()
        self._known |= {one: {"id": one} for one in missing}
        if missing:
            for found in self._collection.find({"_id": {"$in": sorted(missing)}}, self._projection):
                self._known[found["_id"]] = self._present(found)

    def of(self, identifier: Any) -> Any:
        """Give the referenced document; of one that is gone, or another company's, the id only."""
        return self._known.get(identifier, identifier)


# --- filters ------------------------------------------------------------------------------------------------------


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
    """Match a pattern, ignoring case, in every field (`_all_`) or in any (`_any_`)."""
    names = [fields.stored_name(fields.known_field(name, parameter)) for name in (data or {}).get("fields") or ()]
    if not names:
        return {}
    regex = (data or {}).get("pattern")
    if not regex:
        raise FieldsValueError(f"{parameter}: there is no pattern to look for")
    found = [filters.pattern(name, regex, ignore_case=True) for name in names]
    return filters.all_of(found) if parameter == "_all_" else filters.any_of(found)


# --- fields -------------------------------------------------------------------------------------------------------


def wanted_fields(only_fields: Sequence[str] | None, *, dotted: bool) -> list[str]:
    """Give the fields to show: the ones named, or all that a listing has less the ones named with `-`.

    Raises:
        InvalidFields: projects have no such field.
    """
    plain = [_checked(name, dotted=dotted) for name in only_fields or () if not name.startswith("-")]
    left_out = {_checked(name[1:], dotted=dotted) for name in only_fields or () if name.startswith("-")}
    return list(dict.fromkeys(plain)) or [name for name in fields.LISTED if name not in left_out]


def _checked(name: str, *, dotted: bool) -> str:
    field, dot, rest = name.partition(".")
    if not (dotted and dot):
        return fields.known_field(name, "only_fields")
    if field not in REFERENCES or rest not in {"*", *REFERENCES[field][1]}:
        allowed = ", ".join(f"{reference}.name" for reference in REFERENCES)
        raise InvalidFields(f"only_fields: {name!r} can't be given", hint=f"of referenced documents: {allowed}")
    return name


def split_references(names: Sequence[str]) -> tuple[list[str], References]:
    """Part plain fields from those of referenced documents; a field asked for both ways is a reference."""
    references: References = {}
    for name in names:
        field, dot, rest = name.partition(".")
        if dot:
            references.setdefault(field, []).append("name" if rest == "*" else rest)
    return [name for name in names if "." not in name and name not in references], references
