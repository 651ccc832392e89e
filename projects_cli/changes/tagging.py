"""Changes of the tags of many documents at once: forwards, back, and what others have changed since.

The documents of a chunk that have the same tags are changed by one update. Its filter has the tags that they had, so it
may be repeated, and a document whose tags others have changed meanwhile is left as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.changes import combined
from projects_cli.changes.combined import STRING
from projects_cli.changes.conditions import by_id, shown, stored_as, within
from projects_cli.changes.records import Tagging, TagGroup
from projects_cli.messages import Skipped
from projects_cli.store import bson_codec, filters
from projects_cli.store.bson_codec import ARRAY, NULL, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projects_cli.changes.writer import Tally, Writer
    from projects_cli.messages import Document, Pipeline, Step, TagChange
    from projects_cli.store.collections import Store

FEW = 3
"""Documents with the same tags that are changed together with others: their own update would take longer."""

BYTES = 4_000_000
"""Bytes of the tags of a chunk: documents with unusual tags are few in a chunk."""

CHANGED = "its tags were changed in the meantime"


# --- from a plan to chunks ----------------------------------------------------------------------------------------


def tag_chunks(step: Step, change: TagChange, store: Store, *, limit: int) -> Iterator[Tagging]:
    """Stream the chunks of a step, each of at most `limit` documents; those that it does not change are left out."""
    remove = {bson_codec.value_of(tag) for tag in change.remove}
    add = [bson_codec.value_of(tag) for tag in change.add]
    # The driver would decode the tags; most documents have one of a few lists, which is computed once here.
    after: dict[Value | None, Value | None] = {}
    groups: dict[tuple[Value | None, Value], list[Value]] = {}
    count = size = 0
    for raw in store.named(step.collection).raw(step.filter, {"tags": 1}):
        identifier, tags = _id_and_tags(raw)
        if tags not in after:
            after[tags] = _changed(tags, remove, add)
        new = after[tags]
        if new is None or new == tags:
            continue
        if (tags, new) not in groups:
            groups[tags, new] = []
            size += len(new.data) + (0 if tags is None else len(tags.data))
        groups[tags, new].append(identifier)
        count += 1
        if count >= limit or size >= BYTES:
            yield _chunk(step.collection, groups)
            after, groups, count, size = {}, {}, 0, 0
    if groups:
        yield _chunk(step.collection, groups)


def _chunk(kind: str, groups: dict[tuple[Value | None, Value], list[Value]]) -> Tagging:
    return Tagging(kind, [TagGroup(*tags, bson_codec.array(ids), len(ids)) for tags, ids in groups.items()])


_ID_IS_TEXT = b"\x02_id\x00"


def _id_and_tags(raw: bytes) -> tuple[Value, Value | None]:
    """Return the id and the tags of a projected document; the usual one is not parsed field by field."""
    # The usual case: a text as the id, then the list of tags, which ends the document.
    if raw[4:9] == _ID_IS_TEXT:
        end = 13 + int.from_bytes(raw[9:13], "little")
        if raw[end : end + 6] == b"\x04tags\x00":
            return Value(STRING, raw[9:end]), Value(ARRAY, raw[end + 6 : -1])
    values = bson_codec.fields(raw)
    return values["_id"], values.get("tags")


def _changed(tags: Value | None, remove: set[Value], add: list[Value]) -> Value | None:
    """Return tags after a change: sorted and each once, as a server stores them, if all of them are texts.

    A value that is not a list counts as a list of it; null and the lack of tags as an empty one.
    """
    present = [] if tags is None or tags == NULL else bson_codec.items(tags) if tags.type == ARRAY else [tags]
    kept = [tag for tag in present if tag not in remove]
    missing = [tag for tag in add if tag not in kept]
    if not missing and len(kept) == len(present):
        return tags
    changed = [*kept, *missing]
    if all(tag.type == STRING for tag in changed):
        changed = sorted(set(changed), key=lambda tag: tag.data[4:])  # without its length: the order of code points
    return bson_codec.array(changed)


# --- forwards and back --------------------------------------------------------------------------------------------


def make(chunk: Tagging, writer: Writer, tally: Tally) -> None:
    """Set the new tags of the documents of a chunk."""
    _change(chunk, [(group, group.before, group.after) for group in chunk.groups], writer, tally)


def unmake(chunk: Tagging, writer: Writer, tally: Tally) -> None:
    """Restore the former tags of the documents of a chunk."""
    _change(chunk, [(group, group.after, group.before) for group in chunk.groups], writer, tally)


def _change(
    chunk: Tagging, groups: list[tuple[TagGroup, Value | None, Value | None]], writer: Writer, tally: Tally
) -> None:
    updates: list[tuple[Document, Document | Pipeline]] = []
    single: list[tuple[Value, Value, Value]] = []  # most lists of random tags are those of one document
    for group, source, target in groups:
        ids = bson_codec.items(group.ids) if group.size <= FEW else ()
        if ids and source and target and _is_combinable(source, target, ids):
            single += [(identifier, source, target) for identifier in ids]
            continue
        change: Document = (
            {"$unset": {"tags": 1}} if target is None else {"$set": bson_codec.embedded({"tags": target})}
        )
        updates.append((_with_tags(group, source), change))
    for start in range(0, len(single), combined.AT_ONCE):
        some = single[start : start + combined.AT_ONCE]
        before, after = ([{"tags": states[side]} for states in some] for side in (1, 2))
        updates.append(combined.update([states[0] for states in some], before, after))
    count = writer.update_groups(chunk.kind, updates)
    if count == chunk.size:
        tally.add(chunk.kind, "update", count)
        return
    collection = writer.store.named(chunk.kind)
    if tally.repeated:  # the first try has changed some of them
        count = sum(collection.count(_with_tags(group, target)) for group, _, target in groups)
    tally.add(chunk.kind, "update", count)
    # The command reports only how many documents matched.
    tally.skipped += conflicts(chunk, writer.store)


def _is_combinable(source: Value, target: Value, ids: Sequence[Value]) -> bool:
    """Return whether documents may be changed together with others: an expression returns lists of texts as stored."""
    for tags in (source, target):
        items = bson_codec.items(tags) if tags.type == ARRAY else []
        if bson_codec.array(items) != tags or any(item.type != STRING for item in items):
            return False
    return all(combined.is_combinable(identifier, [source], [target]) for identifier in ids)


def _with_tags(group: TagGroup, tags: Value | None) -> Document:
    """Match the documents of a group with exactly these tags."""
    # Most groups of random tags have a single document, which a plain id finds sooner than a list of one.
    ids = by_id(bson_codec.items(group.ids)[0]) if group.size == 1 else within(group.ids)
    return filters.all_of([ids, stored_as("tags", tags)])


# --- what others changed ------------------------------------------------------------------------------------------


def conflicts(chunk: Tagging, store: Store) -> Iterator[Skipped]:
    """Stream the documents whose tags are neither the former nor the new ones; removed documents are none."""
    collection = store.named(chunk.kind)
    for group in chunk.groups:
        other = {"$nor": [stored_as("tags", group.before), stored_as("tags", group.after)]}
        for raw in collection.raw(filters.all_of([within(group.ids), other]), {"_id": 1}):
            yield Skipped(shown(bson_codec.identifier(raw)), chunk.kind, CHANGED)


def is_untouched(chunk: Tagging, store: Store) -> bool:
    """Return whether no document of a chunk has got its new tags."""
    return not any(store.named(chunk.kind).count(_with_tags(group, group.after)) for group in chunk.groups)
