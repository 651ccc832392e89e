"""What `projects status` does: the settings and the database, on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.cli.dispatch import expect, show, tell_of_interrupted
from projects_cli.config.connection import shown_uri
from projects_cli.messages import Response

if TYPE_CHECKING:
    from projects_cli.cli.runtime import Runtime
    from projects_cli.config.connection import Target
    from projects_cli.config.settings import Settings
    from projects_cli.messages import Document


def status(runtime: Runtime) -> None:
    """Show where this program works, and what it finds there."""
    expect(runtime, "status")
    settings = runtime.settings
    journal = None if settings["no_journal"] else settings["journal_db"]
    store = runtime.reading
    from projects_cli.safety.overview import Overview

    runtime.only_reads_journal = True
    operations = None if journal is None else runtime.safety.operations
    found = Overview(store, runtime.target.name, operations, journal).look()
    found["rights"]["read_only"] = settings["read_only"]
    data = {"profile": _profile(settings), "database": {**_database(runtime.target), "journal": journal}, **found}
    tell_of_interrupted(
        runtime, [(one["id"], one["summary"]) for one in (found["unfinished"] or {}).get("operations", ())]
    )
    for unknown in found["unknown"]:
        runtime.console.warn(f"{unknown['what']} is not known: {unknown['why']}")
    show(runtime, Response("status", data))


def _profile(settings: Settings) -> Document | None:
    if settings["profile"] is None:
        return None
    return {"name": settings["profile"], "production": settings["production"], "source": settings.sources["profile"]}


def _database(target: Target) -> Document:
    return {
        "uri": None if target.uri is None else shown_uri(target.uri),
        "source": target.source or None,
        "private": target.uri is None,
        "name": target.name,
        "name_source": target.name_source or None,
    }
