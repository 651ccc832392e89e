"""Reading projects: get_by_id, get_all, get_all_ex (docs/semantics.md, get_all and get_all_ex)."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import fields, hierarchy
from projects_cli.endpoints.ordering import Page, listed
from projects_cli.endpoints.selection import by_id, condition_of
from projects_cli.errors import InvalidFields
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
"""Field with another document's id -> the attribute of the store that has it, and its fields that can be requested."""

ADDED = {
    "check_own_contents": ("own_tasks", "own_models"),
    "include_stats": ("stats", "sub_projects"),
    "include_dataset_stats": ("dataset_stats",),
}
"""Parameter of get_all_ex -> the fields that it adds to a project; `own_datasets` if the children are datasets."""

TABLES = {
    "include_stats": "statistics",
    "check_own_contents": "own contents",
    "include_dataset_stats": "dataset sizes",
    "search_hidden": "hidden",
}
"""Parameter of get_all_ex -> the view of its response, of the first one that is set."""

CHUNK = 500
"""Projects whose referenced documents are read with one query."""


def get_by_id(request: Request, store: Store) -> Response:
    """Return a project with all its fields.

    Raises:
        InvalidProjectId: the project does not exist.
    """
    project = hierarchy.readable_project(request.params["project"], store, fields.projection(fields.FIELDS))
    return Response(request.endpoint, {"project": fields.presenter(fields.FIELDS)(project)})


def get_all(request: Request, store: Store) -> Response:
    """Return the projects that match the filters, streamed in the requested order.

    Raises:
        FieldsValueError: a filter or the order is invalid. InvalidFields: an unknown field is named.
    """
    params = request.params
    names = requested_fields(params.get("only_fields"), dotted=False)
    documents, scroll = listed(store, condition_of(request, store), params, fields.projection(names))
    columns = tuple(names) if params.get("only_fields") else None
    return Response(request.endpoint, {"projects": map(fields.presenter(names), documents), **scroll}, columns)


def get_all_ex(request: Request, store: Store) -> Response:
    """Return the same with referenced documents and statistics on request.

    Raises:
        FieldsValueError: a filter or the order is invalid. InvalidFields: an unknown field is named.
    """
    params = request.params
    references: dict[str, list[str]] = {}
    names = ["id"]
    for name in requested_fields(params.get("only_fields"), dotted=True):
        field, dot, rest = name.partition(".")
        if dot:
            references.setdefault(field, []).append(rest)
        elif name != "id":
            names.append(name)
    names = [name for name in names if name not in references]  # requested as both: the document includes the id
    if params.get("search_hidden"):
        names.append(fields.HIDDEN)
    columns = [*names, *references]
    condition, selected = matching(request, store)
    documents, scroll = listed(store, condition, params, fields.projection(columns))
    projects: Iterator[Document]
    added = [name for parameter, names in ADDED.items() if params.get(parameter) for name in names]
    if added or params.get("include_stats_filter"):  # which is checked in any case
        from projects_cli.endpoints.statistics import gather

        # A page is small enough to be held. A whole listing is streamed, and its ids are read separately.
        page = list(documents) if scroll or Page.of(params).limit else None
        rows = store.projects.scan(condition, {"_id": 1}) if page is None else page
        of = gather(request, store, (stored["_id"] for stored in rows), selected)
        presented = _presented(documents if page is None else page, names, references, store)
        projects = (project | of(project.get("id")) for project in presented)
        if params.get("children_type") == "dataset":
            added = ["own_datasets" if name == "own_tasks" else name for name in added if name != "own_models"]
        columns += added
    else:
        projects = _presented(documents, names, references, store)
    chosen = tuple(columns) if params.get("only_fields") else None
    view = next((name for parameter, name in TABLES.items() if params.get(parameter)), None)
    if view == "own contents" and "own_datasets" in added:
        view = "own datasets"
    view = view and f"{request.endpoint} {view}"
    return Response(request.endpoint, {"projects": projects, **scroll}, chosen, view=view)


def matching(request: Request, store: Store) -> tuple[Document, Mapping[Any, Any] | None]:
    """Return the condition on the projects of get_all_ex, and the projects that were selected by their contents."""
    condition = condition_of(request, store)
    if not (request.params.get("active_users") or request.params.get("children_type")):
        return condition, None
    from projects_cli.endpoints import contents  # not needed by most requests

    selected = contents.selected(request.params, store, by_id(request.params, store))
    return filters.all_of([condition, {"_id": {"$in": list(selected.values())}}]), selected


def count_matching(request: Request, store: Store) -> int:
    """Return how many projects get_all_ex lists, without reading them."""
    return store.projects.count(matching(request, store)[0])


# --- fields -------------------------------------------------------------------------------------------------------


def requested_fields(only_fields: Sequence[str] | None, *, dotted: bool) -> list[str]:
    """Return the fields to return: the named ones, else those of a listing without the ones after a `-`.

    `dotted` allows `*` and the fields of referenced documents.

    Raises:
        InvalidFields: a field is unknown.
    """
    named: list[str] = []
    omitted: set[str] = set()
    for item in only_fields or ():
        name = item.removeprefix("-")
        field, dot, rest = name.partition(".")
        if dotted and item == "*":
            named += fields.FIELDS
            continue
        if not (dotted and dot):
            fields.stored_name(name, "only_fields")
        elif field not in REFERENCES or rest not in {"*", *REFERENCES[field][1]}:
            allowed = ", ".join(f"{reference}.name" for reference in REFERENCES)
            raise InvalidFields(
                f"only_fields: unknown field {name!r}", hint=f"fields of referenced documents: {allowed}"
            )
        if item == name:
            named.append(name)
        else:
            omitted.add(name)
    return list(dict.fromkeys(named)) or [name for name in PROJECT_FIELDS if name not in omitted]


def _presented(
    documents: Iterable[Document], names: Sequence[str], references: Mapping[str, Sequence[str]], store: Store
) -> Iterator[Document]:
    """Stream the projects of a response with the documents that they refer to, which are read a chunk at a time."""
    present = fields.presenter(names)
    if not references:
        yield from map(present, documents)
        return
    lookups = {field: Lookup(field, requested, store) for field, requested in references.items()}
    rows = iter(documents)
    while chunk := list(islice(rows, CHUNK)):
        for field, lookup in lookups.items():
            lookup.read(stored.get(field) for stored in chunk)
        for stored in chunk:
            referenced = {field: lookup.of(stored.get(field)) for field, lookup in lookups.items()}
            yield present(stored) | {field: value for field, value in referenced.items() if value is not None}


class Lookup:
    """The documents that a field refers to, each as `{id, name}`, with other requested fields, or whole."""

    def __init__(self, field: str, requested: Sequence[str], store: Store) -> None:
        """Prepare to read the documents of a field (`parent`, `user`, `company`) with the requested fields."""
        collection, known = REFERENCES[field]
        self._collection = getattr(store, collection)
        names: Sequence[str] = fields.FIELDS if field == "parent" else ()
        if "*" not in requested:
            names = ["id", *(name for name in known if name in requested and name != "id")]
        # docs/data-model.md does not list all fields of users and companies: `*` returns the stored document.
        self._projection = fields.projection(names) if names else None
        self._present = fields.presenter(names) if names else fields.as_stored
        self._documents: dict[Hashable, Document] = {}

    def read(self, identifiers: Iterable[Any]) -> None:
        """Read the documents with these ids, except those that were read before."""
        missing = {identity(value): value for value in identifiers if value is not None and value != ""}
        missing = {key: value for key, value in missing.items() if key not in self._documents}
        self._documents |= {key: {"id": value} for key, value in missing.items()}
        queried = [value for value in missing.values() if can_be_id(value)]
        if queried:
            for stored in self._collection.find({"_id": {"$in": queried}}, self._projection):
                document = self._present(stored)
                # Its own references become `{id}`. The company of a public document is `{}`.
                own = {
                    name: {"id": document[name]} if document[name] else {} for name in REFERENCES if name in document
                }
                self._documents[identity(stored["_id"])] = document | own

    def of(self, identifier: Any) -> Any:
        """Return the referenced document, or `{id}` if it was deleted or belongs to another company."""
        return identifier if identifier is None else self._documents.get(identity(identifier), identifier)
