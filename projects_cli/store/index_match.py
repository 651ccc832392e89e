"""Properties of a collection's indexes, as the server describes them, that a plan can rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from projects_cli.messages import Document

PARTIAL = ("collation", "sparse", "partialFilterExpression", "hidden", "prepareUnique")
"""Options of an index that lacks some documents, compares in another way than queries do, or is not used."""


def has_unique(indexes: Iterable[Document], fields: Sequence[str]) -> bool:
    """Return whether a unique index is ascending by exactly these fields, without any of the `PARTIAL` options.

    In a collection with a collation no index counts: a unique index would not compare texts byte by byte.
    """
    wanted = [(field, 1) for field in fields]
    return any(index.get("unique") and list(index["key"].items()) == wanted for index in _complete(indexes))


def led_by(indexes: Iterable[Document], field: str) -> str | None:
    """Return the name of an index that has all documents in the order of a field, or None."""
    return next((index["name"] for index in _complete(indexes) if next(iter(index["key"])) == field), None)


def exactly(indexes: Iterable[Document], fields: Sequence[str]) -> str | None:
    """Return the name of an index of all documents, ascending by exactly these fields, or None."""
    wanted = [(field, 1) for field in fields]
    return next((index["name"] for index in _complete(indexes) if list(index["key"].items()) == wanted), None)


def covering(indexes: Iterable[Document], fields: Iterable[str]) -> list[Document]:
    """Return the indexes of all documents that hold all these fields, so that a query need not read the documents."""
    return [index for index in _complete(indexes) if set(fields) <= index["key"].keys()]


def _complete(indexes: Iterable[Document]) -> list[Document]:
    """Leave out indexes that lack documents, compare texts in another way, or are of a special kind."""
    described = list(indexes)
    # The collection's own collation, if any, is that of _id_, and of every query that names no other.
    if any(index["name"] == "_id_" and "collation" in index for index in described):
        return []
    return [
        index
        for index in described
        if not any(index.get(option) for option in PARTIAL)
        and all(direction in {1, -1} for direction in index["key"].values())
    ]


def signature(index: Document) -> tuple[Any, ...]:
    """Return what distinguishes an index for queries: fields, uniqueness, collation, and the `PARTIAL` options."""
    locale = (index.get("collation") or {}).get("locale") if "weights" not in index else None
    options = tuple(str(index.get(option) or "") for option in PARTIAL if option != "collation")
    return fields_of(index), bool(index.get("unique")), locale, *options


def fields_of(index: Document) -> Any:
    """Return an index's fields in order; for a text index the fields that it searches, in any order."""
    return frozenset(index["weights"]) if "weights" in index else tuple(index["key"].items())
