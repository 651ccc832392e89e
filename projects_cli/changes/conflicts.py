"""What others changed after an operation, so that it can't be undone, or finished, without destroying their work.

Only what differs from the state at the time of the operation is a conflict: a parent that was missing then, or a second
project of the same name, is not a conflict.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from projects_cli.changes import conditions, edits, effects
from projects_cli.changes.records import Edits, Projects
from projects_cli.changes.stored import Stored
from projects_cli.messages import Skipped
from projects_cli.store import bson_codec
from projects_cli.store.bson_codec import NULL, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from projects_cli.changes.records import Chunk, Entry, Members
    from projects_cli.messages import Document
    from projects_cli.store.collections import Store


GONE = "the project that they were in does not exist any more"
NOT_RESTORED = "its parent project was not restored"


@dataclass(slots=True)
class Context:
    """The projects of one operation, which do not conflict with each other; `skipped` stay as they are in an undo.

    `created` are those that it inserts. `returning` are those that an undo restores by name: they were removed, renamed
    or moved. `contents` are the tasks and models that it inserts.
    """

    ids: frozenset[Value]
    created: frozenset[Value]
    removed: frozenset[Value]
    returning: frozenset[Value]
    contents: frozenset[Value] = frozenset()
    skipped: set[Value] = field(default_factory=set)

    @classmethod
    def of(cls, operation: Iterable[Chunk]) -> Context:
        """Return the context of an operation's chunks."""
        ids, created, removed, renamed, contents = set(), set(), set(), set(), set()
        for chunk in operation:
            if isinstance(chunk, Edits):
                contents |= {edit.id for edit in chunk.edits if edit.before is None}
            for entry in chunk.entries if isinstance(chunk, Projects) else ():
                ids.add(entry.id)
                if entry.action == "insert":
                    created.add(entry.id)
                elif entry.action == "delete":
                    removed.add(entry.id)
                elif "name" in entry.changed_fields:
                    renamed.add(entry.id)
        return cls(
            frozenset(ids),
            frozenset(created),
            frozenset(removed),
            frozenset(removed | renamed),
            frozenset(contents),
        )

    def including(self, other: Context) -> Context:
        """Return the context of both operations, which belong to one run; what is skipped is shared with this one."""
        return Context(
            ids=self.ids | other.ids,
            created=self.created | other.created,
            removed=self.removed | other.removed,
            returning=self.returning | other.returning,
            contents=self.contents | other.contents,
            skipped=self.skipped,
        )


# --- undo ---------------------------------------------------------------------------------------------------------


def conflict_of_entry(entry: Entry, stored: Stored, context: Context) -> str | None:
    """Return why a project can't be put back as it was before the operation, or None."""
    return next(_CONFLICTS[entry.action](entry, stored, context), None)


def skip_roots(
    chunks: Iterable[Chunk], store: Store, context: Context, restored: frozenset[Value] = frozenset()
) -> None:
    """Note which projects that were renamed or moved themselves can't go back, except those that will be `restored`.

    What is below such a project stays as well, and an undo may come to it first.
    """
    for chunk in chunks:
        entries = chunk.entries if isinstance(chunk, Projects) else ()
        updates = [entry for entry in entries if entry.action == "update" and entry.id not in restored]
        roots = [entry for entry in updates if entry.changed_fields & {"basename", "parent"}]
        stored = Stored(store, roots)
        context.skipped.update(root.id for root in roots if conflict_of_entry(root, stored, context) is not None)


def conflicts_of_members(chunk: Members, store: Store, context: Context) -> Iterator[tuple[Document | None, str]]:
    """Stream why tasks or models can't return to their project: each with its reason, or None and one for all."""
    if chunk.existed and not _will_exist(chunk.source, Stored(store), context):
        yield None, GONE
        return
    elsewhere = {
        **conditions.within(chunk.ids),
        "$nor": [conditions.is_value("project", chunk.target), conditions.is_value("project", chunk.source)],
    }
    for document in store.named(chunk.kind).find(elsewhere, {"name": 1}):
        yield document, "it was moved to another project in the meantime"


def conflicts_of_edits(chunk: Edits, store: Store, context: Context) -> Iterator[Skipped]:
    """Stream what an undo would leave as it is: what others changed, and what has no project to return to."""
    stored = edits.stored(chunk.kind, chunk.edits, store)
    for edit in chunk.edits:
        current = stored.get(edit.id)
        if edit.after is not None:
            if not edits.has_state(current, edit.after, edit.before) and not edits.has_state(
                current, edit.before, edit.after
            ):
                yield Skipped(conditions.shown(edit.id), chunk.kind, edits.reason(chunk.kind, current))
            continue
        # Removed tasks and models were in projects of the same operation, which are restored before them.
        project = bson_codec.fields(edit.before or b"").get("project")
        if current is None and project in context.skipped:
            yield Skipped(conditions.shown(edit.id), chunk.kind, GONE)


def _will_exist(project: Value, stored: Stored, context: Context) -> bool:
    if project in context.removed:
        return project not in context.skipped
    return stored.project(project) is not None


def _conflicts_of_insert(entry: Entry, stored: Stored, context: Context) -> Iterator[str]:
    current = stored.project(entry.id)
    if current is None:
        return
    if not effects.is_as_created(current, entry):
        yield "it was changed in the meantime"
    # Projects are below: `_new_below` knows which of them the operation itself has created.
    if not stored.are_empty:
        for contents in effects.contents_of(entry.id, stored.store, context.contents):
            if contents != "projects":
                yield f"it holds {contents} now"
    yield from _new_below(entry, stored, context)


def _conflicts_of_update(entry: Entry, stored: Stored, context: Context) -> Iterator[str]:
    if entry.before is None or entry.stale:  # nothing was changed
        return
    current = stored.project(entry.id)
    if current is None:
        yield "it was removed in the meantime"
        return
    now = bson_codec.fields(current)
    if effects.is_unchanged(now, entry):
        return
    if not effects.has_change(now, entry):
        names = sorted(entry.changed_fields - {"last_update"})
        yield f"it was changed in the meantime: {', '.join(names)}"
    if entry.changed_fields & {"name", "company"}:
        yield from _name_taken(entry, stored, context)
    follows = "name" in entry.changed_fields and "parent" not in entry.changed_fields
    if follows and now.get("parent", NULL) != entry.old.get("parent", NULL):
        yield "it was moved to another place in the meantime"
    if entry.changed_fields & {"parent", "path", "name"}:
        yield from _misplaced(entry.old, entry.parent, stored, context)
    if entry.changed_fields & {"name", "path"}:
        above = entry.old.get("path", NULL)
        stuck = context.skipped & context.returning
        if stuck and not stuck.isdisjoint(bson_codec.items(above) if above.type == bson_codec.ARRAY else ()):
            yield NOT_RESTORED


def _new_below(entry: Entry, stored: Stored, context: Context) -> Iterator[str]:
    if not stored.children(entry.id) <= context.ids - context.skipped:
        yield "projects were created below it in the meantime"


def _conflicts_of_delete(entry: Entry, stored: Stored, context: Context) -> Iterator[str]:
    if entry.before is None or stored.project(entry.id) is not None:
        return
    yield from _name_taken(entry, stored, context)
    yield from _misplaced(entry.old, entry.parent, stored, context)


def _misplaced(project: dict[str, Value], then: Value | None, stored: Stored, context: Context) -> Iterator[str]:
    """Yield why a project can't return below its parent, which had this name (None: it was not there)."""
    parent = project.get("parent", NULL)
    # Its own name changes with this undo too, so that its present one means nothing.
    if parent in context.returning:
        if parent in context.skipped:
            yield NOT_RESTORED
        return
    current = stored.project(parent)
    now = None if current is None else bson_codec.fields(current).get("name", NULL)
    if now == then or then is None:
        return
    if now is None:
        yield "its parent project was removed in the meantime"
    else:
        yield f"its parent project was renamed in the meantime: '{bson_codec.python_value(now)}'"


def _name_taken(entry: Entry, stored: Stored, context: Context) -> Iterator[str]:
    name = entry.old.get("name")
    if name is None or name == bson_codec.UNDEFINED:
        return
    if stored.named(name) - entry.twins - context.ids:
        yield f"its name '{bson_codec.python_value(name)}' is taken by another project"


_CONFLICTS: dict[str, Callable[[Entry, Stored, Context], Iterator[str]]] = {
    "insert": _conflicts_of_insert,
    "update": _conflicts_of_update,
    "delete": _conflicts_of_delete,
}


# --- resume -------------------------------------------------------------------------------------------------------


def hindrances(chunk: Chunk, store: Store, context: Context) -> Iterator[str]:
    """Stream why the rest of an interrupted chunk can't be made any more.

    Others may have worked in the same tree since. Then its names and places would contradict each other.
    """
    if not isinstance(chunk, Projects):
        return
    stored = Stored(store, chunk.entries)
    for entry in chunk.entries:
        current = stored.project(entry.id)
        if entry.action == "insert" and current is None:
            yield from _hindrances_of_insert(entry, stored, context)
        elif entry.action == "update" and current is not None and entry.before is not None:
            yield from _hindrances_of_update(entry, bson_codec.fields(current), stored, context)


def _hindrances_of_insert(entry: Entry, stored: Stored, context: Context) -> Iterator[str]:
    project = bson_codec.fields(entry.after)
    parent = project.get("parent", NULL)
    is_created = parent in context.ids and stored.project(parent) is None
    if parent != NULL and not is_created:  # a parent that this operation still has to create has the right name
        above = bson_codec.value_of(entry.name.rpartition("/")[0])
        yield from (f"'{entry.name}': {why}" for why in _misplaced(project, above, stored, context))
    if stored.store.projects.find_one(conditions.is_value("name", project.get("name", NULL)), {"_id": 1}):
        yield f"'{entry.name}': its name is taken by another project"


def _hindrances_of_update(entry: Entry, now: dict[str, Value], stored: Stored, context: Context) -> Iterator[str]:
    parent = entry.change["$set"].get("parent")
    # The operation may still have to create the parent.
    known = {None, now.get("parent")} | context.created
    if parent not in known and not _will_exist(parent or NULL, stored, context):
        yield f"'{entry.name}': the project that it belongs below was removed in the meantime"
    place = entry.changed_fields & {"name", "company"}
    after = {name: entry.change["$set"].get(name) for name in place}
    if not place or all(now.get(name) == value for name, value in after.items()):
        return
    if not effects.is_unchanged(now, entry):
        yield f"'{entry.name}': it was changed in the meantime: {', '.join(sorted(place))}"
    new = stored.children(entry.id) - (context.ids - context.skipped) if "name" in place else set()
    # One whose path does not say that it is below was not renamed with it before, either.
    if new and stored.store.projects.find_one(
        {**conditions.among(new), **conditions.is_value("path", entry.id)}, {"_id": 1}
    ):
        yield f"'{entry.name}': projects were created below it in the meantime"
    name = after.get("name") or now.get("name", NULL)
    if stored.named(name) - entry.twins - context.ids:
        yield f"'{entry.name}': the name '{bson_codec.python_value(name)}' is taken by another project"
