"""Positions in a listing, and the ids in which callers hold them (docs/semantics.md, Scrolling)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli.errors import ValidationError
from projects_cli.store import filters
from projects_cli.store.bson_codec import UNREADABLE

if TYPE_CHECKING:
    from projects_cli.messages import Document
    from projects_cli.store.reading import Sort


class Position(NamedTuple):
    """A position in a listing: how many projects were returned, and the last one of these if the order allows it.

    In an order by name or id, the next projects are those behind `name` and `id`, and an index begins there. In other
    orders `returned` projects are skipped. They are also skipped if the last one has no name, or if its name or id is
    not a string: only MongoDB itself compares values of all types.
    """

    returned: int = 0
    name: str = ""
    id: str = ""

    @classmethod
    def behind(cls, document: Document, returned: int, sort: Sort) -> Position:
        """Return the position behind the last of the returned projects."""
        keys = [key for key, _ in sort]
        by_name = keys[:2] == ["name", "_id"]
        values = [document.get("name") if by_name else "", document["_id"]]
        readable = all(type(value) is str and UNREADABLE not in value for value in values)
        if not readable or (by_name and not values[0]) or not (by_name or keys[0] == "_id"):
            return cls(returned)
        return cls(returned, *values)

    def condition(self, sort: Sort) -> Document:
        """Return the filter for the projects behind the last one."""
        directions: dict[str, Any] = dict(sort)
        by_id = filters.behind("_id", self.id, directions["_id"])
        if not self.name:
            return by_id
        direction = directions["name"]
        same_or_behind = filters.behind("name", self.name, direction, or_equal=True)
        return filters.all_of([same_or_behind, filters.any_of([filters.behind("name", self.name, direction), by_id])])


def scroll_id(position: Position, sort: Sort) -> str:
    """Return the id of a position in a listing of this order: opaque to callers, and with a digest."""
    data = json.dumps(position, separators=(",", ":")).encode()
    digest = blake2b(repr(sort).encode() + data, digest_size=8).digest()
    return urlsafe_b64encode(digest + data).decode().rstrip("=")


def position_of(text: str, sort: Sort) -> Position:
    """Return the position of an id.

    Raises:
        ValidationError: the id was damaged, or is from a listing of another order.
    """
    try:
        data = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4))[8:])
        position = Position(*data)
        typed = [type(value) for value in position] == [int, str, str] and position.returned >= 0
        # Writing it again checks the digest, and the characters that decoding ignores.
        if typed and scroll_id(position, sort) == text:
            return position
    except (TypeError, ValueError, RecursionError):
        pass
    raise ValidationError(
        "scroll_id: not an id from a listing of this order",
        hint="send the last response's scroll_id with the same order_by, or null to begin a new scroll",
    )
