"""`--fields`: the fields that a response has, and the response with only some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.errors import UsageError, did_you_mean, nearest
from projects_cli.messages import Response
from projects_cli.render.project_columns import normalized

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from projects_cli.messages import Document
    from projects_cli.render.views import View

HELP = ("help",)
"""The value of `--fields` that lists them."""


def check(view: View, fields: Sequence[str]) -> None:
    """Check that a response with this view has the fields.

    Raises:
        UsageError: it lacks one; the hint is the name that is most similar.
    """
    known = view.selectable
    for field in fields:
        head, dot, _ = field.partition(".")
        # `stats.active.total_tasks`: of some fields the parts can be selected, whose names are not known here.
        if field not in known and not (dot and f"{head}." in view.more):
            hint = did_you_mean(nearest(field, known, 1), "--fields help lists them")
            raise UsageError(f"--fields: the response has no field {field!r}", hint=hint)


def resolved(view: View, fields: Sequence[str]) -> tuple[str, ...]:
    """Return the fields, with those in place of headings that are named instead (`LAST RUN` or `last-run`)."""
    by_heading = {normalized(heading): field for field, heading in view.headings.items()}
    known = view.selectable
    return tuple(
        field if field in known or "." in field else by_heading.get(normalized(field), field) for field in fields
    )


def list_fields(view: View) -> Response:
    """Return the fields that can be selected, each with its heading if it is a column of the table."""
    # The heading helps to find the field of a column that the user sees.
    columns = view.headings
    rows: list[Document] = [{"field": field, "column": columns.get(field)} for field in view.selectable]
    rows += [{"field": f"{name}…", "column": None} for name in view.more if name.endswith(".")]
    return Response("fields", {"fields": rows})


def select_fields(response: Response, view: View, fields: tuple[str, ...]) -> Response:
    """Return the response with these fields only; lists of plain values, which have no fields, stay as they are."""
    data: Mapping[str, Any] = response.data
    if view.rows:
        # Otherwise the database has selected the fields already.
        if tuple(response.fields or ()) != fields:
            data = {**data, view.rows: (project(record, fields) for record in data[view.rows])}
    elif view.record:
        data = {**data, view.record: project(data[view.record], fields)}
    elif not view.values:
        data = project(data, fields)
    return Response(response.endpoint, data, fields, response.view)


def project(record: Mapping[str, Any], paths: Sequence[str]) -> Document:
    """Return a record with only the values at these dotted paths, in their order; `*` stands for every name."""
    projection: Document = {}
    for path in paths:
        _copy(record, path.split("."), projection)
    return projection


def _copy(record: Mapping[str, Any], path: Sequence[str], into: Document) -> None:
    """Copy the value at a path; in a list, from each of its objects to the one at the same position."""
    name, *rest = path
    for key in record if name == "*" else (name,):
        if key not in record:
            continue
        value = record[key]
        if not rest:
            into[key] = value
        elif into.get(key) is value:  # selected as a whole already
            continue
        elif isinstance(value, dict):
            _copy(value, rest, into.setdefault(key, {}))
        elif isinstance(value, list):
            # Two paths into one list (`steps.name`, `steps.id`) must fill the same copies.
            items = [item for item in value if isinstance(item, dict)]
            for item, copied in zip(items, into.setdefault(key, [{} for _ in items]), strict=True):
                _copy(item, rest, copied)
