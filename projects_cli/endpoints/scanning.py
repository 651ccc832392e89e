"""Reading all that a company sees: in the order in which it lies, where there is little else in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.errors import IndexGone
from projects_cli.store import filters, index_match
from projects_cli.store.collections import NATURAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projects_cli.messages import Document, Pipeline
    from projects_cli.store.collections import Collection


def hint(collection: Collection, companies: Sequence[str]) -> str | None:
    """Give the hint to read the documents as they lie, where all are of these companies; else None.

    MongoDB itself would go by an index of the company, and fetch every document at random.
    """
    by_company = index_match.led_by(collection.indexes(), "company")
    try:
        alone = by_company is not None and not collection.has_others(companies, by_company)
    except IndexGone:
        return None
    return NATURAL if alone else None


def everything(collection: Collection, condition: Document, stages: Pipeline) -> Iterator[Document]:
    """Stream what the stages make of the matching documents; of all that can be seen where there is no condition."""
    index = None if condition else hint(collection, collection.companies)
    return collection.aggregate(filters.all_of([condition, filters.not_a_list()]), stages, hint=index)
