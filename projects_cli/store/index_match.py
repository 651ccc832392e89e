"""What can be relied on for the indexes that a collection has. Pure: the server's descriptions in, answers out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from projects_cli.messages import Document

PARTIAL = ("collation", "sparse", "partialFilterExpression", "hidden", "prepareUnique")
"""Options with which an index does not hold all documents, compares otherwise than queries do, or is not used."""


def has_unique(described: Iterable[Document], names: Sequence[str]) -> bool:
    """Tell whether an index, ascending by exactly these fields, lets no two documents have the same values in them.

    It is relied on only where the collection compares texts byte by byte, as a query without a collation does.
    """
    found = {index["name"]: index for index in described}
    if "collation" in found.get("_id_", {}):  # the collection's own: every query without one takes it
        return False
    return any(
        list(index["key"].items()) == [(name, 1) for name in names]
        and bool(index.get("unique"))
        and not any(index.get(option) for option in PARTIAL)
        for index in found.values()
    )


def led_by(described: Iterable[Document], field: str) -> str | None:
    """Give the name of an index that has all documents in the order of a field, or None."""
    return next((index["name"] for index in _whole(described) if next(iter(index["key"])) == field), None)


def exactly(described: Iterable[Document], fields: Sequence[str]) -> str | None:
    """Give the name of an index of all documents, ascending by exactly these fields, or None."""
    wanted = [(field, 1) for field in fields]
    return next((index["name"] for index in _whole(described) if list(index["key"].items()) == wanted), None)


def holding(described: Iterable[Document], fields: Iterable[str]) -> list[Document]:
    """Give the indexes of all documents that hold all these fields, so that no document needs to be read for them."""
    return [index for index in _whole(described) if set(fields) <= index["key"].keys()]


def _whole(described: Iterable[Document]) -> list[Document]:
    """Leave out indexes that lack documents, compare texts in another way, or are of a special kind."""
    known = list(described)
    if any(index["name"] == "_id_" and "collation" in index for index in known):
        return []
    return [
        index
        for index in known
        if not any(index.get(option) for option in PARTIAL)
        and all(direction in {1, -1} for direction in index["key"].values())
    ]


def essence(index: Document) -> tuple[Any, ...]:
    """Give what makes an index that index: its fields in order, then all by which queries could not do with another.

    That is whether it is unique, its order of texts, and whether it lacks documents or is not used: see `PARTIAL`.
    """
    locale = (index.get("collation") or {}).get("locale") if "weights" not in index else None
    options = tuple(str(index.get(option) or "") for option in PARTIAL if option != "collation")
    return keyed_by(index), bool(index.get("unique")), locale, *options


def keyed_by(index: Document) -> Any:
    """Give an index's fields in order; of a text index those that it searches, in any order."""
    return frozenset(index["weights"]) if "weights" in index else tuple(index["key"].items())
