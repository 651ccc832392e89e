"""Documents that go from one state to another, and back: removed ones, references to them, and inserted ones.

A state is None for no document, a whole document, or some fields of one. A step back is a step forward with the states
exchanged. Each write has the state that it leaves in its own filter, so it may be repeated, and what others have
changed meanwhile is left as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from projects_cli.changes.conditions import among, by_id, shown, stored_as
from projects_cli.changes.records import LARGEST, Edits
from projects_cli.errors import CannotUndo, ChangedMeanwhile, ExpectedUniqueData
from projects_cli.messages import Edit, Skipped
from projects_cli.store import bson_codec, filters
from projects_cli.store.bson_codec import NULL, Value, fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from projects_cli.changes.writer import Tally, Writer
    from projects_cli.messages import Document, Step
    from projects_cli.store.collections import Store

BATCH = 100
"""Documents that one command removes or inserts: the server compares each with all of the batch."""

BYTES = 4_000_000
"""Bytes of the documents of a chunk, and of a batch; a document that is larger is alone in its own."""

TRIES = 10
"""How often a removal, or a change, is attempted while another writer changes the document."""

CONTENTS = frozenset({"task", "model"})

SIGNATURE = frozenset({"last_change", "last_changed_by"})
"""Fields that a server sets with every change of a task: no part of a state, and put back only if unchanged."""

WITHOUT_UNDO = "make the change without undo: --no-journal"


# --- from a plan to chunks ----------------------------------------------------------------------------------------


def edit_chunks(step: Step, store: Store, *, journaled: bool) -> Iterator[Edits]:
    """Stream the chunks of a step: the edits that it lists, or the removal of the documents that match its filter.

    Raises:
        CannotUndo: a document is too large, or has an id that a fenced insert does not take.
    """
    edits = _removals(step, store) if step.edits is None else step.edits.edits(store)
    for some in _batches(edits, BYTES):
        for edit in some if journaled else ():
            size = len(edit.before or b"") + len(edit.after or b"")
            if size > LARGEST or edit.id == NULL:
                raise CannotUndo(
                    f"the {step.collection} {shown(edit.id)} could not be restored by undo: "
                    + (f"it has {size / 1024**2:.1f} MiB" if size > LARGEST else "its id is null"),
                    hint=WITHOUT_UNDO,
                )
        yield Edits(step.collection, some)


def _removals(step: Step, store: Store) -> Iterator[Edit]:
    """Stream the removals of the documents that match a step's filter.

    Raises:
        ChangedMeanwhile: there are more than the plan counted. Neither the user nor the list of URLs includes those
            that a server has added since.
    """
    for number, raw in enumerate(store.named(step.collection).raw(step.filter), start=1):
        if number > step.count:
            raise ChangedMeanwhile(f"the project gained a {step.collection} in the meantime: nothing was changed")
        yield Edit(bson_codec.identifier(raw), raw, None)


def _batches(edits: Iterable[Edit], limit: int, most: int = 10_000) -> Iterator[list[Edit]]:
    """Yield edits in lists of at most this many bytes."""
    batch: list[Edit] = []
    size = 0
    for edit in edits:
        own = len(edit.before or b"") + len(edit.after or b"")
        if batch and (size + own > limit or len(batch) >= most):
            yield batch
            batch, size = [], 0
        batch.append(edit)
        size += own
    if batch:
        yield batch


# --- forwards and back --------------------------------------------------------------------------------------------


def make_edits(chunk: Edits, writer: Writer, tally: Tally) -> None:
    """Bring the documents of a chunk into their new state."""
    for batch in _batches(chunk.edits, BYTES, BATCH):
        if all(edit.after is None for edit in batch):
            _remove(batch, chunk, writer, tally)
        elif chunk.kind in CONTENTS and all(edit.before is None for edit in batch):
            _insert_new(chunk.kind, batch, writer, tally)
        else:
            for edit in batch:
                _change(chunk.kind, edit.id, edit.before, edit.after, writer, tally)


def unmake_edits(chunk: Edits, left: Mapping[str, Skipped], writer: Writer, tally: Tally) -> None:
    """Bring the documents of a chunk back into their former state, the last one first, except those that are `left`."""
    for batch in _batches(reversed(chunk.edits), BYTES, BATCH):
        if any(edit.after is not None for edit in batch):
            removable = chunk.kind in CONTENTS and all(edit.before is None for edit in batch)
            if removable and not tally.repeated and _remove_new(chunk.kind, batch, writer, tally):
                continue
            for edit in batch:
                _change(chunk.kind, edit.id, edit.after, edit.before, writer, tally)
            continue
        restored = [(edit.id, cast("bytes", edit.before)) for edit in batch if shown(edit.id) not in left]
        _insert_all(chunk.kind, restored, writer, tally)
        tally.skipped += [left[shown(edit.id)] for edit in batch if shown(edit.id) in left]


def _insert_new(kind: str, batch: Sequence[Edit], writer: Writer, tally: Tally) -> None:
    """Insert tasks or models, except those whose id another writer has used for something else."""
    existing = stored(kind, batch, writer.store)
    # The same document is one that the first try of a repetition has inserted.
    taken = {edit.id for edit in batch if existing.get(edit.id, edit.after) != edit.after}
    tally.skipped += [Skipped(shown(identifier), kind, "another one with its id exists") for identifier in taken]
    documents = [(edit.id, cast("bytes", edit.after)) for edit in batch if edit.id not in taken]
    _insert_all(kind, documents, writer, tally)


def _remove_new(kind: str, batch: Sequence[Edit], writer: Writer, tally: Tally) -> bool:
    """Remove inserted tasks or models that are as they were inserted. Return whether these are all of them."""
    inserted = bson_codec.array(bson_codec.document_value(cast("bytes", edit.after)) for edit in batch)
    # Whole documents are compared: one that a server has used since is not removed here.
    same = {"$expr": {"$in": ["$$ROOT", bson_codec.embedded({"$literal": inserted})]}}
    removed = writer.delete_all(kind, {**among(edit.id for edit in batch), **same})
    tally.add(kind, "delete", removed)
    return removed == len(batch)


def _insert_all(kind: str, documents: Sequence[tuple[Value, bytes]], writer: Writer, tally: Tally) -> None:
    """Insert the documents of these ids that do not exist."""
    missing = _missing(kind, documents, writer)
    count = len(documents) if tally.repeated else len(missing)
    for _ in range(TRIES):
        if not missing:
            break
        writer.insert_all(kind, [raw for _, raw in missing])
        missing = _missing(kind, missing, writer)
    tally.add(kind, "insert", count - len(missing))
    tally.skipped += [Skipped(shown(identifier), kind, "a unique index has its value") for identifier, _ in missing]


def _missing(kind: str, documents: Sequence[tuple[Value, bytes]], writer: Writer) -> list[tuple[Value, bytes]]:
    existing = writer.store.named(kind).raw(among(identifier for identifier, _ in documents), {"_id": 1})
    ids = {bson_codec.identifier(raw) for raw in existing}
    return [(identifier, raw) for identifier, raw in documents if identifier not in ids]


def _remove(batch: Sequence[Edit], chunk: Edits, writer: Writer, tally: Tally) -> None:
    """Remove documents that are as they were kept; the copy of one that has changed since is renewed first.

    A document that another writer has moved to another project stays.
    """
    left = {edit.id: edit for edit in batch}
    collection = writer.store.named(chunk.kind)
    for _ in range(TRIES):
        # Whole documents are compared, so that none is removed of which the journal has an older copy.
        kept = bson_codec.array(bson_codec.document_value(cast("bytes", edit.before)) for edit in left.values())
        same = {"$expr": {"$in": ["$$ROOT", bson_codec.embedded({"$literal": kept})]}}
        removed = writer.delete_all(chunk.kind, {**among(left), **same})
        if not tally.repeated:
            tally.add(chunk.kind, "delete", removed)
        changed = (
            {bson_codec.identifier(raw): raw for raw in collection.raw(among(left))} if removed < len(left) else {}
        )
        if not changed:
            break
        images: dict[Value, bytes] = {}
        for identifier, raw in changed.items():
            if fields(raw).get("project", NULL) != fields(left[identifier].before or b"").get("project", NULL):
                tally.skipped.append(Skipped(shown(identifier), chunk.kind, "it was moved to another project"))
                left.pop(identifier)
            else:
                images[identifier] = raw
        if not images:
            break
        left = {identifier: left[identifier]._replace(before=raw) for identifier, raw in images.items()}
        chunk.edits[:] = [left.get(edit.id, edit) for edit in chunk.edits]
        # The copy must be in the journal before the document may go.
        writer.renew(chunk)
    else:
        tally.skipped += [Skipped(shown(identifier), chunk.kind, "others keep changing it") for identifier in left]
        return
    if tally.repeated:
        skipped = {skipped.id for skipped in tally.skipped}
        tally.add(chunk.kind, "delete", sum(shown(edit.id) not in skipped for edit in batch))


def _change(
    kind: str, identifier: Value, source: bytes | None, target: bytes | None, writer: Writer, tally: Tally
) -> None:
    """Bring one document from a state into another, if it is in the first."""
    for _ in range(TRIES):
        current = writer.store.named(kind).read(by_id(identifier))
        # First the target: a repetition finds what its first try did.
        if has_state(current, target, source):
            if tally.repeated:
                tally.add(kind, _action(source, target), 1)
            return
        if not has_state(current, source, target):
            break
        # A server may change the signature of a task that runs at any moment.
        if _written(kind, current, identifier, source, target, writer):
            tally.add(kind, _action(source, target), 1)
            return
    tally.skipped.append(Skipped(shown(identifier), kind, reason(kind, current)))


def _written(
    kind: str, current: bytes | None, identifier: Value, source: bytes | None, target: bytes | None, writer: Writer
) -> bool:
    if source is None:
        try:
            writer.insert(cast("bytes", target), kind)
        except ExpectedUniqueData:  # the clean-up job has got the same URL from a server at this moment
            return False
        return True
    old = fields(source)
    # Whole documents are replaced only if nothing in them has changed. Of all others only the listed fields matter.
    if "_id" in old:
        value = bson_codec.embedded({"$literal": bson_codec.document_value(source)})
        same = filters.all_of([by_id(identifier), {"$expr": {"$eq": ["$$ROOT", value]}}])
        return bool(writer.delete(same, kind) if target is None else writer.replace(same, target, kind))
    new, now = (fields(raw) if raw else {} for raw in (target, current))
    signed = all(now.get(name) == old.get(name) for name in SIGNATURE & (old.keys() | new.keys()))
    names = sorted((old.keys() | new.keys()) - (set() if signed else SIGNATURE))
    same = filters.all_of([by_id(identifier), *(stored_as(name, old.get(name)) for name in names)])
    values = {name: new[name] for name in names if name in new}
    change: Document = {"$set": bson_codec.embedded(values)} if values else {}
    added = dict.fromkeys([name for name in names if name not in new], 1)
    return bool(writer.update(kind, same, {**change, **({"$unset": added} if added else {})}))


def _action(source: bytes | None, target: bytes | None) -> str:
    return "insert" if source is None else "delete" if target is None else "update"


def reason(kind: str, current: bytes | None) -> str:
    """Return why a document can't be changed: others have changed it."""
    if kind != "url_to_delete":
        return "it was removed in the meantime" if current is None else "it was changed in the meantime"
    if current is None:
        return "the clean-up job has done it: the file is probably deleted"
    status = bson_codec.python_value(fields(current).get("status", NULL))
    return f"the clean-up job has begun with it, or others have changed it (status: {status})"


def has_state(current: bytes | None, state: bytes | None, other: bytes | None = None) -> bool:
    """Return whether a document is in a state. Fields that only `other` has are absent in it."""
    if current is None or state is None:
        return current is state
    wanted = fields(state)
    if "_id" in wanted:
        return current == state
    now = fields(current)
    names = wanted.keys() | (fields(other).keys() if other else set())
    return all(now.get(name) == wanted.get(name) for name in (names - SIGNATURE) or names)


def stored(kind: str, edits: Sequence[Edit], store: Store) -> dict[Value, bytes]:
    """Return the documents of edits as they are now, by id."""
    return {bson_codec.identifier(raw): raw for raw in store.named(kind).raw(among(edit.id for edit in edits))}


# --- what others changed ------------------------------------------------------------------------------------------


def is_untouched(chunk: Edits, store: Store) -> bool:
    """Return whether no document of a chunk has left its former state."""
    documents = stored(chunk.kind, chunk.edits, store)
    return all(has_state(documents.get(edit.id), edit.before, edit.after) for edit in chunk.edits)
