"""The order and the pages of a listing of projects."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import fields
from projects_cli.errors import FieldsValueError, ListsInSeveralKeys
from projects_cli.store import filters, index_match
from projects_cli.store.bson_codec import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from projects_cli.messages import Document, Pipeline
    from projects_cli.store.collections import Sort, Store

TEXT_SCORE = "@text_score"
DEFAULT_PAGE_SIZE = 500
MOST = 2**31 - 1
"""Documents that MongoDB can be asked for at once."""

FARTHEST = 2**62
"""Documents that it can be asked to pass over; there are never so many."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a listing: how many to pass over, how many to give (0: all)."""

    skip: int
    limit: int

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Page:
        """Read `page` and `page_size`: a size alone is page 0, a page alone has 500."""
        page, size = params.get("page"), params.get("page_size")
        if page is None and size is None:
            return cls(0, 0)
        size = DEFAULT_PAGE_SIZE if size is None else size
        return cls(min((page or 0) * size, FARTHEST), min(size, MOST))


def sort_of(order_by: Sequence[str] | None, *, searching: bool) -> Sort:
    """Return MongoDB's sort; `id` is always the last key.

    Raises:
        InvalidFields: projects do not have one of the fields.
        FieldsValueError: `@text_score` without a search or descending, or two lists.
    """
    # A repeated field keeps its first place and takes its last direction: the server builds a sort document, and
    # writing a key a second time replaces its value only.
    sort: dict[str, Any] = dict(_sort_key(item, searching=searching) for item in order_by or ())
    lists = [key for key in sort if key in fields.LIST_FIELDS]
    if len(lists) > 1:
        raise FieldsValueError(f"order_by: MongoDB can't order by several lists at once: {', '.join(lists)}")
    sort.setdefault("_id", 1)
    return list(sort.items())


def _sort_key(item: str, *, searching: bool) -> tuple[str, Any]:
    descending = item.startswith("-")
    name = item.removeprefix("-")
    if name != TEXT_SCORE:
        return fields.stored_name(fields.known_field(name, "order_by")), -1 if descending else 1
    if descending:
        raise FieldsValueError("order_by: '@text_score' has the best first already; leave out the '-'")
    if not searching:
        raise FieldsValueError("order_by: '@text_score' needs search_text", hint="add --search WORDS")
    return "score", {"$meta": "textScore"}


def ordered(store: Store, condition: Document, params: Mapping[str, Any], projection: Document) -> Iterator[Document]:
    """Stream a listing: in its order, only its page, and with missing values of an ascending first field last.

    Documents may have more fields than the projection asks for.
    """
    sort = sort_of(params.get("order_by"), searching=bool(params.get("search_text")))
    page = Page.of(params)
    part = Part(store, projection, sort)
    first, direction = sort[0]
    if direction != 1 or first == "_id":
        return part.of(condition, page.skip, page.limit)
    is_list = first in fields.LIST_FIELDS
    filled = filters.all_of([condition, filters.stored_filled(first, is_list=is_list)])
    empty = filters.all_of([condition, filters.stored_empty(first, is_list=is_list)])
    return _one_after_the_other(part, filled, empty, page)


def _one_after_the_other(part: Part, filled: Document, empty: Document, page: Page) -> Iterator[Document]:
    """Stream a page of two listings, the second behind the first."""
    given = 0
    for document in part.of(filled, page.skip, page.limit):
        given += 1
        yield document
    if page.limit and given == page.limit:
        return
    skip = 0 if given or not page.skip else max(0, page.skip - part.store.projects.count(filled))
    rest = page.limit - given if page.limit else 0
    yield from part.of(empty, skip, rest)


@dataclass(frozen=True, slots=True)
class Part:
    """Listings of some fields in one order."""

    store: Store
    projection: Document
    sort: Sort

    def of(self, condition: Document, skip: int, limit: int) -> Iterator[Document]:
        """Stream the projects that match, less the first `skip`; at most `limit`, or all where that is 0."""
        if [key for key, _ in self.sort] == ["name", "_id"]:
            return self._by_name(condition, skip, limit)
        return self._sorted(condition, skip, limit)

    def _sorted(self, condition: Document, skip: int, limit: int) -> Iterator[Document]:
        """Stream the projects as MongoDB sorts them.

        It refuses a document that has lists in two of the fields, before it returns any; then it sorts by values that
        this program takes from the lists in the way in which MongoDB compares them.
        """
        try:
            yield from self.store.projects.find(condition, self.projection, sort=self.sort, skip=skip, limit=limit)
        except ListsInSeveralKeys:
            yield from self._sorted_by_items(condition, skip, limit)

    def _sorted_by_items(self, condition: Document, skip: int, limit: int) -> Iterator[Document]:
        keys: Document = {}
        sort: Document = {}
        for name, direction in self.sort:
            if isinstance(direction, int):
                item = {"$min" if direction == 1 else "$max": f"${name}"}  # of a list, the least or the greatest item
                keys[name] = {"$cond": [{"$isArray": f"${name}"}, item, f"${name}"]}
            sort[f"order.{name}" if name in keys else name] = direction
        pages: Pipeline = [{"$skip": skip}] if skip else []
        pages += [{"$limit": limit}] if limit else []
        stages: Pipeline = [{"$addFields": {"order": keys}}, {"$sort": sort}, *pages, {"$project": self.projection}]
        yield from self.store.projects.aggregate(condition, stages)

    def _by_name(self, condition: Document, skip: int, limit: int) -> Iterator[Document]:
        """Stream by name and id, in the order of the unique index of name and company where that is there.

        MongoDB has no index for (name, id), and would sort everything before it gives the first. The order of the
        unique index differs only where an own and a public project, no more, share a name: these two are put right
        here. A page is read with its two neighbours, so that its border never parts a pair.
        """
        if not index_match.has_unique(self.store.projects.indexes(), ("name", "company")):
            yield from self._sorted(condition, skip, limit)
            return
        before = min(skip, 1)
        direction = self.sort[0][1]
        found = self.store.projects.find(
            condition,
            {**self.projection, "_id": 1, "name": 1, "company": 1},
            sort=[("name", direction), ("company", direction)],
            skip=skip - before,
            limit=min(before + limit + 1, MOST) if limit else 0,
        )
        yield from islice(pairs_put_right(found, self._is_behind), before, before + limit if limit else None)

    def _is_behind(self, one: Document, other: Document) -> bool:
        """Tell whether of two neighbours by name and company the first is the second by name and id."""
        texts = one.get("name"), other.get("name"), one["_id"], other["_id"]
        if all(isinstance(text, str) and UNREADABLE not in text for text in texts):
            return texts[0] == texts[1] and (one["_id"] > other["_id"]) == (self.sort[1][1] == 1)
        both = {"_id": {"$in": [one["_id"], other["_id"]]}}  # what is no text only MongoDB itself can compare
        first = next(self.store.projects.find(both, {"_id": 1}, sort=self.sort, limit=1), one)
        return bool(first["_id"] != one["_id"])


def pairs_put_right(rows: Iterable[Document], is_behind: Callable[[Document, Document], bool]) -> Iterator[Document]:
    """Stream projects, two neighbours of different companies exchanged where the first belongs behind the second."""
    rows = iter(rows)
    held = next(rows, None)
    if held is None:
        return
    for row in rows:
        if row["company"] != held["company"] and is_behind(held, row):
            yield row
        else:
            yield held
            held = row
    yield held
