"""Whether a database knows a company. A change for an unknown company is probably meant for another database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.errors import DatabaseRefused

if TYPE_CHECKING:
    from projects_cli.messages import Document
    from projects_cli.store.collections import Collection, Store


def is_known(store: Store) -> bool:
    """Return whether the company has a document of its own, or a project, user or task.

    A collection that the user may not read decides nothing; then the company counts as known.
    """
    own: Document = {"company": store.company}
    own_documents: tuple[tuple[Collection, Document], ...] = (
        (store.companies, {}),
        (store.projects, own),
        (store.users, own),
        (store.tasks, own),
    )
    is_unreadable = False
    for collection, filter_ in own_documents:
        try:
            if collection.find_one(filter_, {"_id": 1}) is not None:
                return True
        except DatabaseRefused:
            is_unreadable = True
    return is_unreadable


def is_empty(store: Store) -> bool:
    """Return whether the database has no company, project, user or task at all."""
    return not any(
        collection.estimated_count() for collection in (store.companies, store.projects, store.users, store.tasks)
    )
