"""What `projects status` does: the settings and the database, on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.cli.flow import expect, show, tell_of_interrupted
from projects_cli.config.connection import shown_uri
from projects_cli.messages import Response

if TYPE_CHECKING:
    from projects_cli.cli.context import Context
    from projects_cli.config.connection import Target
    from projects_cli.config.settings import Settings
    from projects_cli.messages import Document


def status(context: Context) -> None:
    """Show where this program works, and what it finds there."""
    expect(context, "status")
    settings = context.settings
    journal = None if settings.no_journal else settings.journal_db
    store = context.reading
    from projects_cli.diagnosis.overview import Overview

    context.only_reads_journal = True
    operations = None if journal is None else context.runner.operations
    found = Overview(store, context.target.name, operations, journal).look()
    found["rights"]["read_only"] = settings.read_only
    data = {"profile": _profile(settings), "database": {**_database(context.target), "journal": journal}, **found}
    tell_of_interrupted(
        context, [(one["id"], one["summary"]) for one in (found["unfinished"] or {}).get("operations", ())]
    )
    for unknown in found["unknown"]:
        context.console.warn(f"{unknown['what']} is not known: {unknown['why']}")
    show(context, Response("status", data))


def _profile(settings: Settings) -> Document | None:
    if settings.profile is None:
        return None
    return {"name": settings.profile, "production": settings.production, "source": settings.sources["profile"]}


def _database(target: Target) -> Document:
    return {
        "uri": None if target.uri is None else shown_uri(target.uri),
        "source": target.source or None,
        "private": target.uri is None,
        "name": target.name,
        "name_source": target.name_source or None,
    }
