"""What only a database of one's own is asked: its replica set, its indexes, its sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.store.client import translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pymongo.database import Database

    from projects_cli.messages import Document


def create_indexes(database: Database[dict[str, Any]], indexes: Mapping[str, Iterable[Document]]) -> None:
    """Make the indexes of each collection that are not there yet."""
    with translated():
        for collection, wanted in indexes.items():
            database.command("createIndexes", collection, indexes=list(wanted))
