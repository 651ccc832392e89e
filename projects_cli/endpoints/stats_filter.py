"""The parameter `include_stats_filter`: which tasks count (docs/semantics.md, Statistics)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import fields
from projects_cli.errors import ValidationError
from projects_cli.store import filters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projects_cli.messages import Document

PARAMETER = "params.include_stats_filter"
MARKS = (filters.ARCHIVED, f"-{filters.ARCHIVED}")
NEGATIONS = tuple(word for word, mode in filters.OPERATORS.items() if mode == "not")
HINT = 'example: {"type": ["training"], "tags": {"all": {"include": ["a", "b"]}}}'


def conditions(wanted: Mapping[str, Any]) -> tuple[Document, Document]:
    """Return the conditions on the tasks of statistics, and on tasks and models directly in a project.

    The first one leaves archived and active tasks to the state of the statistics, so that `archived` in `system_tags`
    has no effect. In the second one it has, and without it archived documents do not count.

    Raises:
        ValidationError: a field has neither a list of texts nor an object. FieldsValueError: a list is invalid.
    """
    own = filters.all_of(_condition(name, value) for name, value in wanted.items())
    unmarked = {name: _without_marks(value) if name == "system_tags" else value for name, value in wanted.items()}
    if unmarked == wanted:
        return own, filters.all_of([own, filters.not_archived()])
    return filters.all_of(_condition(name, value) for name, value in unmarked.items() if value), own


def _condition(name: str, value: Any) -> Document:
    path = f"{PARAMETER}.{name}"
    if name.startswith("$") or "\0" in name:
        raise ValidationError(f"{path}: {name!r} is not the name of a field")
    if not isinstance(value, list | dict) or not value:
        raise ValidationError(f"{path}: expected an array of strings or an object, not empty", hint=HINT)
    stored = fields.STORED_NAMES.get(name, name)
    if isinstance(value, dict):
        condition = filters.list_filter(stored, value, path)
        sides = [side for part in filters.FILTER_PARTS for side in (value.get(part) or {}).values()]
    else:
        sides = [value]
    if not all(type(item) is str for side in sides for item in side or ()):
        raise ValidationError(f"{path}: expected an array of strings", hint=HINT)
    return condition if isinstance(value, dict) else filters.in_list(stored, value)


def _without_marks(value: Any) -> Any:
    """Return the value of `system_tags` without `archived`, and without a `__$not` that stands before it."""
    if isinstance(value, dict):
        return {
            name: {side: [tag for tag in tags or () if tag != filters.ARCHIVED] for side, tags in (part or {}).items()}
            if name in filters.FILTER_PARTS
            else part
            for name, part in value.items()
        }
    kept: list[str] = []
    for tag in value:
        if tag not in MARKS:
            kept.append(tag)
        elif kept and kept[-1] in NEGATIONS:
            kept.pop()
    return kept
