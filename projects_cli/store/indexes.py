"""What can be relied on for the indexes that a collection has. Pure: the server's descriptions in, answers out."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
