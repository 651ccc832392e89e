"""`projects status`."""

from __future__ import annotations

import typer

from projects_cli.cli.app import TYPER_OPTIONS
from projects_cli.cli.context import Context
from projects_cli.cli.flow import expect, report_interrupted, show
from projects_cli.cli.watch import WatchedCommand
from projects_cli.config.redaction import shown_uri
from projects_cli.messages import Response

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=WatchedCommand)
def status(ctx: typer.Context) -> None:
    """Show the database in use, its contents, your privileges and unfinished work.

    Example: projects status

    Only documents of your company and public ones are counted. What you may not read is shown as unknown.
    """
    context: Context = ctx.obj
    expect(context, "status")
    settings, target = context.settings, context.target
    journal = None if settings.no_journal else settings.journal_db
    store = context.reading
    from projects_cli.diagnosis.overview import Overview

    # The privilege to write the journal is not needed here, and must not be asked for.
    context.only_reads_journal = True
    operations = None if journal is None else context.runner.operations
    overview = Overview(store, target.name, operations, journal).read()
    overview["rights"]["read_only"] = settings.read_only
    profile = None
    if settings.profile is not None:
        source = settings.sources["profile"]
        profile = {"name": settings.profile, "production": settings.production, "source": source}
    database = {
        "uri": None if target.uri is None else shown_uri(target.uri),
        "source": target.source or None,
        "private": target.uri is None,
        "name": target.name,
        "name_source": target.name_source or None,
        "journal": journal,
    }
    interrupted = (overview["interrupted"] or {}).get("operations", ())
    report_interrupted(context, [(operation["id"], operation["summary"]) for operation in interrupted])
    # Every format has the reasons in the response; a user sees them as warnings too.
    for unknown in overview["unknown"]:
        context.console.warn(f"{unknown['name']} is unknown: {unknown['reason']}")
    if overview["server"]["supported"] is False:
        context.console.warn(f"MongoDB {overview['server']['version']} is not supported: projects doctor has details")
    show(context, Response("status", {"profile": profile, "database": database, **overview}))
