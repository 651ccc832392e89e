"""The order and the pages of a listing of projects (docs/semantics.md, Order and pages)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli.endpoints import fields
from projects_cli.errors import FieldsValueError, ListsInSeveralKeys, ValidationError
from projects_cli.store import filters, index_match
from projects_cli.store.bson_codec import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from projects_cli.messages import Document, Pipeline
    from projects_cli.store.collections import Store
    from projects_cli.store.reading import Sort

TEXT_SCORE = "@text_score"
DEFAULT_PAGE_SIZE = 500
MAX_LIMIT = 2**31 - 1
"""The greatest limit that MongoDB accepts."""

MAX_SKIP = 2**62
"""A skip that MongoDB accepts and that is beyond the end of every collection."""


class Page(NamedTuple):
    """A part of a listing: how many projects to skip, and how many to return (0: all)."""

    skip: int
    limit: int

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Page:
        """Return the page of `page` and `page_size`: a size alone is page 0, a page alone has 500 projects."""
        page, size = params.get("page"), params.get("page_size")
        if page is None and size is None:
            return cls(0, 0)
        size = DEFAULT_PAGE_SIZE if size is None else size
        return cls(min((page or 0) * size, MAX_SKIP), min(size, MAX_LIMIT))


def listed(
    store: Store, condition: Document, params: Mapping[str, Any], projection: Document
) -> tuple[Iterable[Document], Document]:
    """Return the documents of a page, streamed in their order, and `{}`; or those of a scroll, and `{scroll_id}`.

    Documents may have more fields than the projection selects.

    Raises:
        InvalidFields: a field is unknown.
        FieldsValueError: `@text_score` without a search or descending, or two lists.
        ValidationError: a scroll has no size, or an id that can't be read.
    """
    sort = _sort(params.get("order_by"), searching=bool(params.get("search_text")))
    if "scroll_id" not in params and "size" not in params:
        return _ordered(Listing(store, projection, sort), condition, Page.of(params)), {}
    if params.get("size") is None:
        raise ValidationError("size: required in a scroll", hint="set size to the number of projects of each response")
    from projects_cli.endpoints.scrolling import Position, position_of, scroll_id  # few requests scroll

    size, previous = params["size"], params.get("scroll_id")
    position = Position() if previous is None else position_of(previous, sort)
    behind: Document = {}
    if params.get("refresh_scroll"):
        page, returned = Page(0, max(size, position.returned)), 0
    elif position.id:
        page, returned, behind = Page(0, size), position.returned, position.condition(sort)
    else:
        page, returned = Page(position.returned, size), position.returned
    page = Page(min(page.skip, MAX_SKIP), min(page.limit, MAX_LIMIT))
    listing = Listing(store, {**projection, "_id": 1, "name": 1}, sort)
    documents = list(_ordered(listing, condition, page, behind))
    if documents:
        position = Position.behind(documents[-1], returned + len(documents), sort)
    return documents, {"scroll_id": scroll_id(position, sort)}


def _ordered(listing: Listing, condition: Document, page: Page, behind: Document | None = None) -> Iterator[Document]:
    """Stream a page of a listing, with missing values of an ascending first field last.

    `behind` matches the projects behind a position that has a value in the first field.
    """
    projects = listing.store.projects
    by_name = [key for key, _ in listing.sort] == ["name", "_id"]
    read = listing.sorted
    if by_name and index_match.has_unique(projects.indexes(), ("name", "company")):
        read = listing.by_index
    first, direction = listing.sort[0]
    if direction != 1 or first == "_id":
        yield from read(filters.all_of([condition, behind or {}]), page.skip, page.limit)
        return
    # MongoDB sorts missing values first, so the listing is read in two parts.
    is_list = first in fields.LIST_FIELDS
    filled = filters.all_of([condition, filters.stored_filled(first, is_list=is_list), behind or {}])
    count = 0
    for document in read(filled, page.skip, page.limit):
        count += 1
        yield document
    if page.limit and count == page.limit:
        return
    # Only a page that begins in the second part needs to know how long the first one is.
    skip = 0 if count or not page.skip else max(0, page.skip - projects.count(filled))
    empty = filters.all_of([condition, filters.stored_empty(first, is_list=is_list)])
    yield from read(empty, skip, page.limit - count if page.limit else 0)


def _sort(order_by: Sequence[str] | None, *, searching: bool) -> Sort:
    """Return MongoDB's sort, with `id` as the last key."""
    # A repeated field keeps its first place and takes its last direction, as on the server.
    sort: dict[str, Any] = {}
    for item in order_by or ():
        name = item.removeprefix("-")
        if name != TEXT_SCORE:
            sort[fields.stored_name(name, "order_by")] = 1 if item == name else -1
        elif item != name:
            raise FieldsValueError("order_by: '@text_score' is always descending", hint="leave out the '-'")
        elif not searching:
            raise FieldsValueError("order_by: '@text_score' needs search_text", hint="add --search WORDS")
        else:
            sort["score"] = {"$meta": "textScore"}
    lists = [key for key in sort if key in fields.LIST_FIELDS]
    if len(lists) > 1:
        raise FieldsValueError(f"order_by: MongoDB can't order by several lists at once: {', '.join(lists)}")
    sort.setdefault("_id", 1)
    return list(sort.items())


@dataclass(frozen=True)
class Listing:
    """Projects with some fields in one order."""

    store: Store
    projection: Document
    sort: Sort

    def sorted(self, condition: Document, skip: int, limit: int) -> Iterator[Document]:
        """Stream the matching projects without the first `skip`, at most `limit`, or all if that is 0."""
        try:
            hint = self._natural_order(condition)
            yield from self.store.projects.find(
                condition, self.projection, sort=self.sort, skip=skip, limit=limit, hint=hint
            )
        except ListsInSeveralKeys:
            # Some document has lists in two of the fields. MongoDB refuses that before the first result. Compare by the
            # item of each list that its own sort compares: the least in ascending, the greatest in descending order.
            keys: Document = {}
            sort: Document = {}
            for name, direction in self.sort:
                if isinstance(direction, int):
                    item = {"$min" if direction == 1 else "$max": f"${name}"}
                    keys[name] = {"$cond": [{"$isArray": f"${name}"}, item, f"${name}"]}
                sort[f"order.{name}" if name in keys else name] = direction
            stages: Pipeline = [{"$addFields": {"order": keys}}, {"$sort": sort}]
            stages += [{"$skip": skip}] if skip else []
            stages += [{"$limit": limit}] if limit else []
            yield from self.store.projects.aggregate(condition, [*stages, {"$project": self.projection}])

    def _natural_order(self, condition: Document) -> str | None:
        """Return the hint to read all projects in stored order, if no index has the order of the listing, else None.

        MongoDB itself would fetch each one by an index of the company (docs/performance.md, `stats-page`).
        """
        projects = self.store.projects
        if condition not in ({}, filters.not_hidden()):
            return None
        if any(self.sort[0][0] in list(index["key"])[:2] for index in projects.indexes()):
            return None
        from projects_cli.endpoints.scope import natural_order_hint  # few lists get here

        return natural_order_hint(projects, projects.companies)

    def by_index(self, condition: Document, skip: int, limit: int) -> Iterator[Document]:
        """Stream the same by name and id, in the order of the unique index on name and company.

        MongoDB has no index on (name, id), and would sort everything before it returns the first project
        (docs/performance.md, `list`). The order of the unique index differs only if an own and a public project, never
        more, share a name: such neighbours are swapped here. A page is read with the project before and after it, so
        that its limits never separate two neighbours.
        """
        before = min(skip, 1)
        direction = self.sort[0][1]
        rows = self.store.projects.find(
            condition,
            {**self.projection, "_id": 1, "name": 1, "company": 1},
            sort=[("name", direction), ("company", direction)],
            skip=skip - before,
            limit=min(before + limit + 1, MAX_LIMIT) if limit else 0,
        )
        yield from islice(self._swapped(rows), before, before + limit if limit else None)

    def _swapped(self, rows: Iterable[Document]) -> Iterator[Document]:
        """Stream projects, swapping two neighbours of different companies if the order by id requires it."""
        rows = iter(rows)
        held = next(rows, None)
        if held is None:
            return
        for row in rows:
            if row["company"] != held["company"] and self._is_after(held, row):
                yield row
            else:
                yield held
                held = row
        yield held

    def _is_after(self, first: Document, second: Document) -> bool:
        """Return whether the first of two neighbours by name and company is the second one by name and id."""
        values = first.get("name"), second.get("name"), first["_id"], second["_id"]
        if all(isinstance(value, str) and UNREADABLE not in value for value in values):
            return values[0] == values[1] and (values[2] > values[3]) == (self.sort[1][1] == 1)
        # Only MongoDB itself can compare other types, and text that is not UTF-8.
        both = {"_id": {"$in": [first["_id"], second["_id"]]}}
        least = next(self.store.projects.find(both, {"_id": 1}, sort=self.sort, limit=1), first)
        return bool(least["_id"] != first["_id"])
