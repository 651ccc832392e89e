"""One update for several documents, each of which goes from values of its own to new ones of its own.

A statement for each document costs the server a parse and a query plan, half as much as the update itself
(docs/performance.md, `move`). The values are looked up by the document's id, in lists that the statement has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.changes.conditions import within
from projects_cli.store.bson_codec import NULL, UNDEFINED, array, embedded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from projects_cli.messages import Document, Pipeline
    from projects_cli.store.bson_codec import Value

    Values = Mapping[str, Value]

AT_ONCE = 50
"""Documents in one statement: the server searches its lists from the start, so longer ones are slower."""

STRING = 0x02
"""The BSON type of a text."""

LARGE = 100_000
"""Bytes of values with which a document is changed by itself: MongoDB's limit for a statement is 16 MiB."""


def is_combinable(identifier: Value, before: Sequence[Value | None], after: Iterable[Value]) -> bool:
    """Return whether a document may be changed together with others.

    The server finds a text in a list by its bytes, and takes an absent field in a list for null.
    """
    present = [value for value in before if value is not None and value not in (NULL, UNDEFINED)]
    size = sum(len(value.data) for value in (*present, *after))
    return identifier.type == STRING and len(present) == len(before) and size <= LARGE


def update(ids: Sequence[Value], before: Sequence[Values], after: Sequence[Values]) -> tuple[Document, Pipeline]:
    """Return a filter and a change that set fields of each document, while others of its fields are as before.

    `before` and `after` have the fields of the documents in the order of `ids`, all the same ones.
    """
    position = {"$indexOfArray": [_literal(ids), "$_id"]}

    def own(values: Iterable[Value]) -> Document:
        return {"$arrayElemAt": [_literal(values), position]}

    present = [f"${name}" for name in before[0]]
    as_before = {"$expr": {"$eq": [present, own(array(values.values()) for values in before)]}}
    change = {name: own(values[name] for values in after) for name in after[0]}
    return {**within(array(ids)), **as_before}, [{"$set": change}]


def _literal(values: Iterable[Value]) -> Any:
    return embedded({"$literal": array(values)})
