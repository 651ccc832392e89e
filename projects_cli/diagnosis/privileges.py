"""The privileges of the database's user, compared with those that this program needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.store import deployment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from projects_cli.store.client import Connection

CHANGES = ("find", "insert", "remove", "update")
DOCUMENTS: Mapping[str, Sequence[str]] = {
    "project": CHANGES,
    "task": CHANGES,
    "model": CHANGES,
    "user": ("find",),
    "url_to_delete": ("insert", "remove", "update"),
}
"""Actions that changes need in the documents' database, by collection.

Tasks and models are removed by `delete --delete-contents`, which writes `url_to_delete`, and inserted by its undo.
"""

JOURNAL = ("operation", "change", "lease")  # collections of the journal, in which changes need all of these actions


def missing(
    connection: Connection, database: str, journal_database: str | None
) -> tuple[str | None, dict[str, list[str]]]:
    """Return the user's name, and the actions that changes need and the user lacks, by `DATABASE.COLLECTION`.

    The name is None if the server knows no users, or does not know this one.
    """
    user, privileges = deployment.privileges(connection)
    if user is None:
        return None, {}
    needed = [(database, collection, actions) for collection, actions in DOCUMENTS.items()]
    if journal_database is not None:
        needed += [(journal_database, collection, CHANGES) for collection in JOURNAL]
    missing_actions = {}
    for name, collection, actions in needed:
        # Several roles may each grant a part.
        granted: set[str] = set()
        for privilege in privileges:
            resource = privilege["resource"]
            is_covered = resource.get("db") in {"", name} and resource.get("collection") in {"", collection}
            if is_covered or resource.get("anyResource"):
                granted.update(privilege["actions"])
        if lacking := set(actions) - granted:
            missing_actions[f"{name}.{collection}"] = sorted(lacking)
    return user, missing_actions
