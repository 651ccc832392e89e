"""What the database's user may do, measured by what this program needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.store import deployment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from projects_cli.messages import Document
    from projects_cli.store.client import Connection

CHANGES = ("find", "insert", "remove", "update")
DOCUMENTS: Mapping[str, Sequence[str]] = {
    "project": CHANGES,
    "task": ("find", "update"),
    "model": ("find", "update"),
    "user": ("find",),
}
"""What changes need in the documents' database."""

JOURNAL = ("operation", "change", "lease")
"""Collections of the journal, where changes need everything."""


def missing(
    connection: Connection, database: str, journal_database: str | None
) -> tuple[str | None, dict[str, list[str]]]:
    """Give the user's name, and the actions that changes need and that it lacks, by `DATABASE.COLLECTION`.

    The name is None where the server asks for none, or knows none.
    """
    user, privileges = deployment.privileges(connection)
    if user is None:
        return None, {}
    needed = [(database, collection, actions) for collection, actions in DOCUMENTS.items()]
    if journal_database is not None:
        needed += [(journal_database, collection, CHANGES) for collection in JOURNAL]
    found = {}
    for name, collection, actions in needed:
        lacking = set(actions) - set(_granted(privileges, name, collection))
        if lacking:
            found[f"{name}.{collection}"] = sorted(lacking)
    return user, found


def _granted(privileges: Iterable[Document], database: str, collection: str) -> Iterator[str]:
    for privilege in privileges:
        resource = privilege["resource"]
        place = resource.get("db") in {"", database} and resource.get("collection") in {"", collection}
        if place or resource.get("anyResource"):
            yield from privilege["actions"]
