"""The owner of new projects: a user by id or name, or the default owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.errors import UsageError
from projects_cli.extended_json import compact, id_text

if TYPE_CHECKING:
    from projects_cli.messages import Document
    from projects_cli.store.collections import Store

SHOWN = 5
"""Users in a message."""

MAX_CHOICES = 10_000
"""Users in the picker."""


def named_owner(user: str, source: str, store: Store) -> str:
    """Return the id of the user with this id or this name. `source` is the option or variable that has it.

    A company without users accepts every text: the database is new, or another tool filled it.

    Raises:
        UsageError: the user does not exist, or several users have this name.
    """
    matches = _matching(user, store)
    if len(matches) > 1:
        ids = ", ".join(id_text(match["_id"]) for match in matches[:SHOWN])
        raise UsageError(f"{source}: several users are named {user!r}", hint=f"use an id: {ids}")
    if matches:
        return id_text(matches[0]["_id"])
    if _first_users(store, 1):
        raise UsageError(f"{source}: there is no user {user!r} in the company", hint=f"users: {some_users(store)}")
    return user


def default_owner(login: str | None, store: Store) -> str | None:
    """Return the id of the owner if no user is named, None if that is uncertain.

    It is the company's only user, else the one whose id or name is the OS login. In a company without users it is the
    OS login itself.
    """
    users = _first_users(store, 2)
    if not users:
        return login
    if len(users) > 1:
        users = _matching(login, store) if login else []
    return id_text(users[0]["_id"]) if len(users) == 1 else None


def choices(store: Store) -> list[tuple[str, str]]:
    """Return the users of the company as (id, name), by name."""
    users = _first_users(store, MAX_CHOICES)
    return [(id_text(user["_id"]), str(user.get("name") or user["_id"])) for user in users]


def some_users(store: Store) -> str:
    """Return the names and ids of the first users, for a message."""
    users = _first_users(store, SHOWN + 1)
    names = [f"{compact(user.get('name') or '?')} ({id_text(user['_id'])})" for user in users[:SHOWN]]
    return ", ".join(names) + (", …" if len(users) > SHOWN else "")


def _first_users(store: Store, limit: int) -> list[Document]:
    return list(store.users.find({"company": store.company}, {"name": 1}, sort=[("name", 1), ("_id", 1)], limit=limit))


def _matching(user: str, store: Store) -> list[Document]:
    """Return the user with this id, else all with this name."""
    either = {"$or": [{"_id": user}, {"name": user}]}
    users = list(store.users.find({"company": store.company, **either}, {"name": 1}))
    return [stored for stored in users if stored["_id"] == user] or users
