"""How an undo brings the documents of a chunk back, except those that others have changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.changes import conditions, conflicts, edits, effects, tagging
from projects_cli.changes.records import Edits, Members, Tagging
from projects_cli.changes.stored import Stored
from projects_cli.extended_json import id_text
from projects_cli.messages import Skipped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projects_cli.changes.records import Entry
    from projects_cli.changes.writer import Tally, Writer

URLS = "url_to_delete"

NAMED = 100
"""Documents of a chunk that are named when they are left as they are."""


def comes_first(chunk: Members | Edits | Tagging) -> bool:
    """Return whether documents go back before projects: URLs, of which the clean-up job takes more, and inserted ones.

    A project that the operation created can be removed only when its inserted tasks and models are gone.
    """
    return isinstance(chunk, Edits) and (chunk.kind == URLS or chunk.inserts)


def unmake(
    entries: Sequence[Entry], context: conflicts.Context, writer: Writer, tally: Tally
) -> list[tuple[Entry, str]]:
    """Put projects back unless others changed them since. Return what was left as it is, each with the reason."""
    stored = Stored(writer.store, entries)
    reasons = [(entry, conflicts.conflict_of_entry(entry, stored, context)) for entry in entries]
    left = [(entry, why) for entry, why in reasons if why is not None]
    free = [entry for entry, why in reasons if why is None]
    if len(entries) == 1:
        return left or [(entry, why) for entry in free if (why := effects.unmake(entry, writer, tally)) is not None]
    if not tally.repeated and (late := effects.UNMAKE_ALL[entries[0].action](free, stored, writer, tally)) is not None:
        return left + late
    return [*left, *(found for entry in free for found in unmake([entry], context, writer, tally))]


def restore(chunk: Members | Edits | Tagging, context: conflicts.Context, writer: Writer, tally: Tally) -> None:
    """Bring the documents of a chunk back into their former state, except those that others changed."""
    if isinstance(chunk, Members):
        _move_back(chunk, context, writer, tally)
    elif isinstance(chunk, Tagging):
        tagging.unmake(chunk, writer, tally)
    else:
        # What others changed, or has no project any more, stays.
        left = {skipped.id: skipped for skipped in conflicts.conflicts_of_edits(chunk, writer.store, context)}
        edits.unmake_edits(chunk, left, writer, tally)


def _move_back(chunk: Members, context: conflicts.Context, writer: Writer, tally: Tally) -> None:
    """Move tasks or models back into their project; what others moved stays, and is named."""
    listed = 0
    for document, why in conflicts.conflicts_of_members(chunk, writer.store, context):
        if document is None:
            tally.skipped.append(Skipped(conditions.shown(chunk.source), f"{chunk.size} {chunk.kind}s", why))
            return
        listed += 1
        if listed <= NAMED:
            tally.skipped.append(Skipped(id_text(document["_id"]), f"{chunk.kind} {document.get('name')!r}", why))
    if listed > NAMED:
        more = listed - NAMED
        tally.skipped.append(
            Skipped(conditions.shown(chunk.source), f"{more} more {chunk.kind}s", "they were moved as well")
        )
    effects.move(chunk, chunk.target, chunk.source, writer, tally)
