"""`--fields`: which fields an answer has, whether the ones asked for are among them, and the answer with only those."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.errors import UsageError, did_you_mean, nearest
from projects_cli.messages import Response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from projects_cli.messages import Document
    from projects_cli.render.views import View

HELP = ("help",)
"""What asks for the list of fields."""


def check(view: View, fields: Sequence[str]) -> None:
    """Refuse a field that the answer does not have.

    Raises:
        UsageError: it has no such field; the nearest is named.
    """
    known = view.choosable
    for field in fields:
        head, dot, _ = field.partition(".")
        if field not in known and not (dot and f"{head}." in view.more):
            hint = did_you_mean(nearest(field, known, 1), "--fields help lists them")
            raise UsageError(f"--fields: the answer has no field {field!r}", hint=hint)


def listed(view: View) -> Response:
    """Give the fields that can be chosen, each with its heading where the table has it."""
    columns = dict(view.columns)
    rows: list[Document] = [{"field": field, "column": columns.get(field)} for field in view.choosable]
    rows += [{"field": f"{name}…", "column": None} for name in view.more if name.endswith(".")]
    return Response("fields", {"fields": rows})


def select_fields(response: Response, view: View, fields: tuple[str, ...]) -> Response:
    """Give the answer with these fields only; lists of plain values, which have no fields, stay as they are."""
    data: Mapping[str, Any] = response.data
    if view.rows:
        if tuple(response.fields or ()) != fields:
            data = {**data, view.rows: (picked(record, fields) for record in data[view.rows])}
    elif view.record:
        data = {**data, view.record: picked(data[view.record], fields)}
    elif not view.values:
        data = picked(data, fields)
    return Response(response.endpoint, data, fields, response.view)


def picked(record: Mapping[str, Any], paths: Sequence[str]) -> Document:
    """Give a record with only what lies at these dotted paths, in their order; `*` is every name of its level."""
    found: Document = {}
    for path in paths:
        _pick(record, path.split("."), found)
    return found


def _pick(record: Mapping[str, Any], path: Sequence[str], into: Document) -> None:
    name, *rest = path
    for key in record if name == "*" else (name,):
        if key not in record:
            continue
        value = record[key]
        if not rest:
            into[key] = value
        elif into.get(key) is not value:  # not chosen as a whole before
            _pick_below(value, rest, key, into)


def _pick_below(value: Any, path: Sequence[str], key: str, into: Document) -> None:
    if isinstance(value, dict):
        _pick(value, path, into.setdefault(key, {}))
    elif isinstance(value, list):
        items = [item for item in value if isinstance(item, dict)]
        for item, below in zip(items, into.setdefault(key, [{} for _ in items]), strict=True):
            _pick(item, path, below)
