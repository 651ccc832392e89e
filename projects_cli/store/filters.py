"""MongoDB filters for the values of a request. Pure; the company is added by the collections."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from projects_cli.errors import FieldsValueError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from projects_cli.messages import Document

HIDDEN = "hidden"
ARCHIVED = "archived"

_ESCAPED = {
    ascii(chr(code))[1:-1]: f"\\x{{{code:x}}}"
    for codes in ((0, 0x1F), (0x7F, 0x9F), (0x61C, 0x61C), (0x200E, 0x200F), (0x2028, 0x202E), (0x2066, 0x2069))
    for code in range(codes[0], codes[1] + 1)
}
"""How `render.escaping` shows a character that it does not print, and the same character in a pattern."""

_ESCAPE = re.compile("|".join(map(re.escape, _ESCAPED)))
MAX_PATTERN = 32_000
"""Bytes of a regular expression; MongoDB refuses longer ones."""

_ID_PREFIX = re.compile("[0-9a-f]{8,31}")

Mode = Literal["default", "any", "all", "not"]

OPERATORS: Mapping[str, Mode] = {
    "__$all": "all",
    "__$and": "all",
    "__$any": "any",
    "__$or": "any",
    "__$nop": "default",
    "__$not": "not",
    "__Snot": "not",
}
"""Items of a list that change how the items after them are read (docs/semantics.md, get_all)."""

FILTER_PARTS = ("any", "all")
FILTER_OPS: Mapping[str, Literal["$and", "$or"]] = {"and": "$and", "or": "$or"}
LIST_FILTER_EXAMPLE = 'example: {"any": {"include": ["a", "b"]}, "all": {"exclude": ["c"]}}'

EMPTY_VALUES: tuple[object, ...] = (None, "", [])  # values that count as missing when projects are ordered by a field

BEFORE_TEXTS = ["minKey", "undefined", "null", "number"]
AFTER_TEXTS = [
    *("object", "binData", "objectId", "bool", "date", "timestamp", "regex", "dbPointer"),
    *("javascript", "javascriptWithScope", "maxKey"),
]
"""The types of values that MongoDB sorts before and after texts. Lists are compared by one of their items."""


def in_list(name: str, values: Sequence[str | None] | None) -> Document:
    """Match documents by a field (a list, or one value) and a list of values with operators; `{}` for no filter.

    `__$nop` resets everything before it, a pending `__$not` too. A null matches documents without a value.

    Raises:
        FieldsValueError: the list has an unknown `__$…`, a lone `-`, or a `__$not` without a value after it.
    """
    parts: dict[str, list[str]] = {"$in": [], "$all": [], "$nin": []}
    mode: Mode = "default"
    excluding = or_none = joined_by_or = False
    for value in values or ():
        if value is None:
            or_none, excluding = True, False
        elif operator := _operator(value):
            if excluding and operator != "default":
                raise FieldsValueError(f"'__$not' must be followed by a value, not by the operator {value!r}")
            excluding = operator == "not"
            mode = mode if excluding else operator
            joined_by_or |= operator == "any" and not any(parts.values())
        else:
            # Behind an operator a `-` is a part of the value.
            is_negative = mode == "default" and value.startswith("-")
            if value == "-" and is_negative:
                raise FieldsValueError("'-' alone names nothing to exclude")
            part = parts["$nin" if excluding or is_negative else "$all" if mode == "all" else "$in"]
            part.append(value.removeprefix("-") if is_negative else value)
            excluding = False
    if excluding:
        raise FieldsValueError("'__$not' at the end of a list has no value to exclude")
    conditions: list[Document] = [{name: {operator: part}} for operator, part in parts.items() if part]
    condition = any_of(conditions) if joined_by_or else all_of(conditions)
    return any_of([condition, has_none(name)]) if or_none else condition


def _operator(value: str) -> Mode | None:
    operator = OPERATORS.get(value)
    if operator is None and value.startswith("__$"):
        raise FieldsValueError(
            f"{value!r} is not an operator of a list", hint=f"operators: {', '.join(sorted(OPERATORS))}"
        )
    return operator


def list_filter(name: str, data: Any, path: str) -> Document:
    """Match documents by a field (a list, or one value) and a filter `{any, all, op}`; `{}` for no condition.

    The values are plain texts, without operators (docs/semantics.md, Filters by list). `path` is the place of the
    filter in the request, for messages.

    Raises:
        ValidationError: the filter has another form.
    """
    parts = _object(data, path, (*FILTER_PARTS, "op"))
    op = parts.get("op") or "and"
    if op not in FILTER_OPS:
        raise ValidationError(f"{path}.op: must be 'and' or 'or', got {op!r}")
    conditions = []
    for part in FILTER_PARTS:
        values = _object(parts.get(part) or {}, f"{path}.{part}", ("include", "exclude"))
        include = _texts(values.get("include"), f"{path}.{part}.include")
        exclude = _texts(values.get("exclude"), f"{path}.{part}.exclude")
        tests: list[Document] = []
        if wanted := [value for value in include if value is not None]:
            tests.append({name: {"$in" if part == "any" else "$all": wanted}})
        if unwanted := [value for value in exclude if value is not None]:
            # `any` excludes documents that have all the values, `all` those that have one of them.
            tests.append({name: {"$not": {"$all" if part == "any" else "$in": unwanted}}})
        # Null is the empty list itself. An absent list is not empty here, unlike for `tags`.
        tests += [{name: {"$size": 0}}] * (None in include) + [{name: {"$not": {"$size": 0}}}] * (None in exclude)
        conditions.append(any_of(tests) if part == "any" else all_of(tests))
    return _joined(FILTER_OPS[op], conditions)


def _object(value: Any, path: str, keys: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValidationError(f"{path}: expected an object", hint=LIST_FILTER_EXAMPLE)
    unknown = next((key for key in value if key not in keys), None)
    if unknown is not None:
        raise ValidationError(f"{path}: unknown key {unknown!r}", hint=f"keys: {', '.join(keys)}")
    return value


def _texts(value: Any, path: str) -> Sequence[str | None]:
    if value is not None and not (isinstance(value, list) and all(item is None or type(item) is str for item in value)):
        raise ValidationError(f"{path}: expected an array of strings", hint=LIST_FILTER_EXAMPLE)
    return value or ()


def has_none(name: str) -> Document:
    """Match documents whose list is absent, null or empty."""
    return {name: {"$in": [None, []]}}


def pattern(name: str, regex: str, *, ignore_case: bool = False) -> Document:
    """Match a regular expression anywhere in a text, or in any item of a list."""
    return {name: {"$regex": regex, "$options": "i"} if ignore_case else {"$regex": regex}}


def displayed_as(name: str, text: str) -> Document:
    """Match a field whose text is displayed as this one, with escapes for unsafe characters; `{}` if it has none.

    Each escape stands for itself or for the character, so that a text with a real backslash matches too.
    """
    if not _ESCAPE.search(text):
        return {}
    pattern, end = "", 0
    for match in _ESCAPE.finditer(text):
        pattern += f"{re.escape(text[end : match.start()])}(?:{re.escape(match[0])}|{_ESCAPED[match[0]]})"
        end = match.end()
    pattern += re.escape(text[end:])
    return {name: {"$regex": rf"\A{pattern}\z"}} if len(pattern.encode()) < MAX_PATTERN else {}


def begins_with(prefixes: Iterable[str]) -> Document:
    """Return the condition on a text that begins with one of these, of letters and digits; an index serves each."""
    from bson import Regex

    return {"$in": [Regex(f"^{prefix}") for prefix in prefixes]}


def begins_an_id(text: str) -> bool:
    """Return whether a text is long enough to stand for the id that begins with it."""
    return _ID_PREFIX.fullmatch(text) is not None


def text(words: str) -> Document:
    """Match by the text index."""
    return {"$text": {"$search": words}}


def all_of(filters: Iterable[Document]) -> Document:
    """Join filters by AND, leaving out the empty ones."""
    return _joined("$and", filters)


def any_of(filters: Iterable[Document]) -> Document:
    """Join filters by OR, leaving out the empty ones."""
    return _joined("$or", filters)


def _joined(operator: str, filters: Iterable[Document]) -> Document:
    conditions = [condition for condition in filters if condition]
    return conditions[0] if len(conditions) == 1 else {operator: conditions} if conditions else {}


def stored_empty(name: str, *, is_list: bool) -> Document:
    """Match documents if the stored value itself is absent, null, "" or []; items of a list do not count."""
    if not is_list:
        return {name: {"$in": list(EMPTY_VALUES)}}  # an index can serve this
    return {"$expr": {"$in": [{"$ifNull": [f"${name}", None]}, list(EMPTY_VALUES)]}}


def stored_filled(name: str, *, is_list: bool) -> Document:
    """Match exactly the documents that `stored_empty` does not."""
    if not is_list:
        return {name: {"$nin": list(EMPTY_VALUES)}}
    return {"$expr": {"$not": stored_empty(name, is_list=True)["$expr"]}}


def behind(name: str, text: str, direction: int, *, or_equal: bool = False) -> Document:
    """Match documents that a sort by a field (1: ascending, -1: descending) puts behind a text, or also with it.

    A sort compares a list by its least, or greatest, item: no item may be before the text. MongoDB compares values of
    one type only, so the other types are listed. The negations let an index begin at the text.
    """
    if direction == 1:
        before: Document = {"$lt" if or_equal else "$lte": text}
        return all_of([{name: {"$not": before}}, {name: {"$not": {"$type": BEFORE_TEXTS}}}])
    before = {"$gt" if or_equal else "$gte": text}
    nested = {name: {"$not": {"$elemMatch": {"$type": "array"}}}}
    return all_of([{name: {"$not": before}}, {name: {"$not": {"$type": AFTER_TEXTS}}}, nested])


def not_hidden() -> Document:
    """Match projects without the system tag `hidden`."""
    return {"system_tags": {"$ne": HIDDEN}}


def not_archived() -> Document:
    """Match tasks or models without the system tag `archived`."""
    return {"system_tags": {"$ne": ARCHIVED}}


def archived() -> Document:
    """Match tasks or models with the system tag `archived`."""
    return {"system_tags": ARCHIVED}


def has_field(path: str) -> Document:
    """Match documents with a value at a dotted path of objects, without lists, through which MongoDB would look."""
    names = path.split(".")[:-1]
    lists = [{".".join(names[: end + 1]): {"$type": "array"}} for end in range(len(names))]
    return {path: {"$exists": True}, "$nor": lists}


def has_other_keys(field: str, known: Mapping[str, Iterable[str]]) -> Document:
    """Match documents in which a field is an object of objects with other keys than these, on either level.

    MongoDB checks a schema without expanding the objects: several times as fast as an expression. The time grows with
    the keys of the first level, hardly with those of the second.
    """
    objects: dict[str, Document] = {key: {"properties": {below: {} for below in keys}} for key, keys in known.items()}
    closed = {key: {**schema, "additionalProperties": False} for key, schema in objects.items()}
    return {"$nor": [{"$jsonSchema": {"properties": {field: {"properties": closed, "additionalProperties": False}}}}]}


def has_other_pairs(field: str, groups: Sequence[tuple[Sequence[str], Sequence[str]]]) -> Document:
    """Match documents in which a field is an object of objects of metrics, one of them with another pair than these.

    A pair is known if a group has its `metric` and its `variant`. MongoDB compares each metric with the names of one
    group after the other: several times as fast as expanding the objects, as long as there are few names.
    """
    known = [{"properties": {"metric": {"enum": first}, "variant": {"enum": second}}} for first, second in groups]
    variants = {"additionalProperties": {"anyOf": known} if len(known) > 1 else known[0]}
    return {"$nor": [{"$jsonSchema": {"properties": {field: {"additionalProperties": variants}}}}]}


def below(ids: Sequence[Any]) -> Document:
    """Match the sub-projects of any of these, at every level."""
    return _reference("path", ids)


def children(ids: Sequence[Any]) -> Document:
    """Match the projects directly below any of these."""
    return _reference("parent", ids)


def filled_object(name: str) -> Document:
    """Match documents whose field is an object that is not empty: not a list, in which MongoDB looks for objects."""
    return {name: {"$type": "object", "$not": {"$type": "array"}, "$ne": {}}}


def in_projects(ids: Sequence[Any]) -> Document:
    """Match tasks or models of these projects."""
    return _reference("project", ids)


def in_no_project() -> Document:
    """Match tasks or models without a project: the field is absent, null or ""."""
    return {"project": {"$in": [None, ""]}}


def _reference(name: str, ids: Sequence[Any]) -> Document:
    """Match references to any of these ids; null and "" refer to nothing, even if a document has such an id."""
    # A filter by null would also match all documents without the field.
    wanted = [identifier for identifier in ids if identifier not in (None, "")]
    return {name: wanted[0] if len(wanted) == 1 else {"$in": wanted}}
