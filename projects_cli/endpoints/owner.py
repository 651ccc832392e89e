"""The owner of new projects: the user that a caller names, or the one that is meant without a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.errors import UsageError
from projects_cli.extended_json import id_text

if TYPE_CHECKING:
    from projects_cli.messages import Document
    from projects_cli.store.collections import Store

SHOWN = 5
"""Users that a message names."""

OFFERED = 10_000
"""Users that can be picked from."""


def named_owner(user: str, source: str, store: Store) -> str:
    """Return the id of the user with this id, or this name.

    A company without any users takes every text: it is a new database, or one that another tool filled.

    Raises:
        UsageError: there is no such user, or there are several; `source` is the option or variable to blame.
    """
    found = _matching(user, store)
    if len(found) > 1:
        ids = ", ".join(id_text(one["_id"]) for one in found[:SHOWN])
        raise UsageError(f"{source}: several users are named {user!r}", hint=f"use an id: {ids}")
    if found:
        return id_text(found[0]["_id"])
    if _some(store, 1):
        raise UsageError(f"{source}: there is no user {user!r} in the company", hint=f"users: {some_users(store)}")
    return user


def default_owner(login: str | None, store: Store) -> str | None:
    """Return the id of the owner if no user is named; None if that is uncertain.

    It is the company's only user, else the one whose id or name is the OS login. In a company without users it is the
    OS login itself.
    """
    users = _some(store, 2)
    if not users:
        return login
    found = users if len(users) == 1 else _matching(login, store) if login else []
    return id_text(found[0]["_id"]) if len(found) == 1 else None


def choices(store: Store) -> list[tuple[str, str]]:
    """Return the users of the company as (id, name), by name."""
    return [(id_text(one["_id"]), str(one.get("name") or one["_id"])) for one in _some(store, OFFERED)]


def some_users(store: Store) -> str:
    """Return the names and ids of the first users, for a message."""
    users = _some(store, SHOWN + 1)
    words = [f"{one.get('name') or '?'} ({id_text(one['_id'])})" for one in users[:SHOWN]]
    return ", ".join(words) + (", …" if len(users) > SHOWN else "")


def _some(store: Store, most: int) -> list[Document]:
    return list(store.users.find({"company": store.company}, {"name": 1}, sort=[("name", 1), ("_id", 1)], limit=most))


def _matching(user: str, store: Store) -> list[Document]:
    """Return the user with this id, else all with this name."""
    either = {"$or": [{"_id": user}, {"name": user}]}
    found = list(store.users.find({"company": store.company, **either}, {"name": 1}))
    return [one for one in found if one["_id"] == user] or found
