"""The journal's records as typed values, and how they are stored: operations, their workers, chunks and entries.

Documents that are kept to be put back travel as bytes and are never decoded (see `store.raw_bson`). docs/safety.md
describes the journal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from projects_cli.errors import CannotUndo, UnreadableRecord
from projects_cli.messages import Edit, Prefixes
from projects_cli.store import bson_codec
from projects_cli.store.bson_codec import Value, decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from projects_cli.messages import Document

FORMAT = 1
"""The version of the journal's format; a record of another one is reported and left alone."""

State = Literal["applying", "applied", "done", "undoing", "undone", "void"]
UNFINISHED: tuple[State, ...] = ("applying", "applied", "undoing")
FINISHED: tuple[State, ...] = ("done", "undone", "void")

LARGEST_CHUNK = 16 * 1024 * 1024 - 16 * 1024
"""Bytes that one chunk may have: MongoDB's limit for a document, less what the command around it takes."""

LARGEST = 15_500_000
"""Bytes of a document that can be removed and restored: each takes one command, with little else in it."""

Action = Literal["insert", "update", "delete"]
Kind = Literal["task", "model"]


@dataclass(frozen=True, slots=True)
class Worker:
    """The process that works on an operation, and the lease that it holds for that."""

    host: str
    machine: str
    pid: int
    born: str | None
    key: str
    owner: str

    def as_document(self) -> Document:
        """Return the worker as it is stored."""
        return {name: getattr(self, name) for name in ("host", "machine", "pid", "born", "key", "owner")}


@dataclass(slots=True)
class Operation:
    """One change in the journal; `run` is the id that all operations of one invocation share.

    `left` are the ids of the documents that an undo has left as they were. Empty if it left none, or very many.
    """

    id: str
    state: State
    endpoint: str
    summary: str
    by: str
    host: str
    mode: Literal["transaction", "steps"]
    counts: Mapping[str, int]
    documents: int
    chunks: int
    worker: Worker
    started: datetime
    run: str
    session: bytes | None = None
    prefixes: Prefixes | None = None
    successor: Any = None
    undone_by: Mapping[str, Any] | None = None
    left: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, record: Document) -> Operation:
        """Return a stored record as an operation.

        Raises:
            UnreadableRecord: a field is missing, or the record has another format.
        """
        if record.get("format") != FORMAT:
            raise UnreadableRecord(f"operation {record.get('_id')} was written by another version of this program")
        try:
            return cls(
                id=record["_id"],
                state=record["state"],
                endpoint=record["endpoint"],
                summary=record["summary"],
                by=record["by"],
                host=record["host"],
                mode=record["mode"],
                counts=record["counts"],
                documents=int(record["documents"]),
                chunks=int(record["chunks"]),
                worker=Worker(**record["worker"]),
                started=record["started"],
                run=record.get("run") or record["_id"],
                session=record.get("session"),
                prefixes=Prefixes(**record["prefixes"]) if record.get("prefixes") else None,
                successor=record.get("successor"),
                undone_by=record.get("undone_by"),
                left=frozenset(record.get("left") or ()),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UnreadableRecord(f"operation {record.get('_id')} in the journal is damaged: {error!r}") from None

    @property
    def is_unfinished(self) -> bool:
        """Return whether the operation has not ended."""
        return self.state in UNFINISHED

    @property
    def can_be_undone(self) -> bool:
        """Return whether there may be something to undo; an undo that left documents as they were can be repeated."""
        return bool(self.left) if self.state == "undone" else self.state != "void"


@dataclass(slots=True)
class Entry:
    """What an operation does to one project, and what is needed to undo that.

    `after` is the whole document for an insert, `{$set, $unset}` for an update, empty for a delete. `before` is the
    document before the change, None if there was none. `condition` is the plan's own precondition besides the id.
    `parent` is the name of the project above before the change, None if there was none to be seen. `twins` are other
    projects that had the same name before the change. They distinguish later changes from what was so before.
    """

    id: Value
    name: str
    action: Action
    after: bytes
    before: bytes | None
    condition: Document = field(default_factory=dict)
    essential: bool = False
    stale: bool = False
    parent: Value | None = None
    twins: frozenset[Value] = frozenset()
    _old: tuple[bytes, dict[str, Value]] = field(default=(b"", {}), init=False, repr=False, compare=False)
    _change: dict[str, dict[str, Value]] | None = field(default=None, init=False, repr=False, compare=False)

    def encode(self) -> bytes:
        """Return the entry as it is stored."""
        plain = {
            "name": self.name,
            "action": self.action,
            "condition": self.condition,
            "essential": self.essential,
            "stale": self.stale,
            "after": self.after,
            "before": self.before,
        }
        surroundings = {} if self.parent is None else {"parent": self.parent}
        surroundings["twins"] = bson_codec.array(sorted(self.twins))
        return bson_codec.joined(bson_codec.document({"id": self.id}), encode(plain), bson_codec.document(surroundings))

    @classmethod
    def decode(cls, raw: bytes) -> Entry:
        """Return a stored entry."""
        values = bson_codec.fields(raw)
        plain = decode(bson_codec.document({name: value for name, value in values.items() if name in _PLAIN}))
        return cls(
            id=values["id"], parent=values.get("parent"), twins=frozenset(bson_codec.items(values["twins"])), **plain
        )

    @property
    def old(self) -> dict[str, Value]:
        """Return the fields of the document before the change; none if there was no document."""
        if self.before is None:
            return {}
        if self._old[0] is not self.before:  # asked for several times too; the before-image may be renewed
            self._old = self.before, bson_codec.fields(self.before)
        return self._old[1]

    @property
    def change(self) -> dict[str, dict[str, Value]]:
        """Return the fields that an update sets and those that it removes: `{"$set": {…}, "$unset": {…}}`."""
        if self._change is None:  # it is asked for several times, and parsed in Python
            parts = bson_codec.fields(self.after)
            words = ("$set", "$unset")
            self._change = {word: bson_codec.fields(parts[word].data) if word in parts else {} for word in words}
        return self._change

    @property
    def changed_fields(self) -> set[str]:
        """Return the names of the fields that an update sets or removes."""
        change = self.change
        return {*change["$set"], *change["$unset"]}


_PLAIN = frozenset({"name", "action", "condition", "essential", "stale", "after", "before"})


@dataclass(slots=True)
class Projects:
    """A chunk with what happens to projects, in order."""

    entries: list[Entry]
    number: int = 0

    @property
    def size(self) -> int:
        """Return how many documents the chunk is about."""
        return len(self.entries)


@dataclass(frozen=True, slots=True)
class Members:
    """A chunk of tasks or models that leave one project, for another one or for none.

    `ids` is a BSON array. `source` is the stored value of their field `project`, `target` the value that it gets.
    `existed` is whether that project existed at that time.
    """

    kind: Kind
    source: Value
    target: Value
    ids: Value
    size: int
    existed: bool
    number: int = 0


@dataclass(slots=True)
class Edits:
    """A chunk of single documents that are not projects, each with its states before and after."""

    kind: str
    edits: list[Edit]
    number: int = 0

    @property
    def size(self) -> int:
        """Return how many documents the chunk is about."""
        return len(self.edits)

    @property
    def inserts(self) -> bool:
        """Return whether none of the documents existed before."""
        return all(edit.before is None for edit in self.edits)


class TagGroup(NamedTuple):
    """Documents of which the tags go from one value to another; None is a document without the field.

    `ids` is a BSON array.
    """

    before: Value | None
    after: Value
    ids: Value
    size: int


@dataclass(slots=True)
class Tagging:
    """A chunk of documents of one kind whose tags change, those with the same tags together."""

    kind: str
    groups: list[TagGroup]
    number: int = 0

    @property
    def size(self) -> int:
        """Return how many documents the chunk is about."""
        return sum(group.size for group in self.groups)


Chunk = Projects | Members | Edits | Tagging


def chunk_id(operation: str, number: int) -> str:
    """Return the id of a chunk: chunks sort by operation, then by number."""
    return f"{operation}/{number:08}"


def encode_chunk(operation: str, chunk: Chunk, *, limit: int = LARGEST_CHUNK) -> bytes:
    """Return a chunk as it is stored, in at most `limit` bytes.

    Raises:
        CannotUndo: a before-image is too large for the journal, so the change could not be undone.
    """
    head = {"_id": chunk_id(operation, chunk.number), "operation": operation}
    if isinstance(chunk, Projects):
        entries = bson_codec.array(bson_codec.document_value(entry.encode()) for entry in chunk.entries)
        body = {"kind": bson_codec.value_of("project"), "entries": entries}
    elif isinstance(chunk, Edits):
        states = bson_codec.array(_edit_value(edit) for edit in chunk.edits)
        body = {"kind": bson_codec.value_of(chunk.kind), "edits": states}
    elif isinstance(chunk, Tagging):
        groups = bson_codec.array(_group_value(group) for group in chunk.groups)
        body = {"kind": bson_codec.value_of(chunk.kind), "groups": groups}
    else:
        plain = {"kind": chunk.kind, "size": chunk.size, "existed": chunk.existed}
        body = {**bson_codec.fields(encode(plain)), "project": chunk.source, "to": chunk.target, "ids": chunk.ids}
    raw = bson_codec.document({**bson_codec.fields(encode(head)), **body})
    if len(raw) > limit:
        names = [entry.name for entry in chunk.entries] if isinstance(chunk, Projects) else []
        raise CannotUndo(
            f"the document of {names[0]!r} is too large to be kept for undo: {len(raw) / 1024**2:.1f} MiB"
            if names
            else "the ids of the documents are too large to be kept for undo",
            hint="make it smaller first, or change it without undo: --no-journal",
        )
    return raw


def decode_chunk(raw: bytes) -> Chunk:
    """Return a stored chunk."""
    values = bson_codec.fields(raw)
    kind = bson_codec.python_value(values["kind"])
    number = int(str(bson_codec.python_value(values["_id"])).rpartition("/")[2])
    if "edits" in values:
        return Edits(kind, [_edit(item.data) for item in bson_codec.items(values["edits"])], number)
    if "groups" in values:
        return Tagging(kind, [_group(item.data) for item in bson_codec.items(values["groups"])], number)
    if kind == "project":
        return Projects([Entry.decode(entry.data) for entry in bson_codec.items(values["entries"])], number)
    return Members(
        kind=kind,
        source=values["project"],
        target=values["to"],
        ids=values["ids"],
        size=int(bson_codec.python_value(values["size"])),
        existed=bool(bson_codec.python_value(values["existed"])),
        number=number,
    )


def _edit_value(edit: Edit) -> Value:
    states = {"id": edit.id}
    if edit.before is not None:
        states["before"] = bson_codec.document_value(edit.before)
    if edit.after is not None:
        states["after"] = bson_codec.document_value(edit.after)
    return bson_codec.document_value(bson_codec.document(states))


def _edit(raw: bytes) -> Edit:
    states = bson_codec.fields(raw)
    before, after = (states[name].data if name in states else None for name in ("before", "after"))
    return Edit(states["id"], before, after)


def _group_value(group: TagGroup) -> Value:
    states = {} if group.before is None else {"before": group.before}
    size = bson_codec.value_of(group.size)
    return bson_codec.document_value(
        bson_codec.document(states | {"after": group.after, "ids": group.ids, "size": size})
    )


def _group(raw: bytes) -> TagGroup:
    values = bson_codec.fields(raw)
    size = int(bson_codec.python_value(values["size"]))
    return TagGroup(values.get("before"), values["after"], values["ids"], size)


def removed_and_renamed(chunks: Iterable[Chunk]) -> tuple[list[Value], list[Value]]:
    """Return the ids of the projects that chunks remove, and of those that they rename or move themselves.

    A rename changes the `basename`, a move the `parent`. What only follows a project above keeps both.
    """
    removed: list[Value] = []
    renamed: list[Value] = []
    for chunk in chunks:
        for entry in chunk.entries if isinstance(chunk, Projects) else ():
            if entry.action == "delete":
                removed.append(entry.id)
            elif entry.action == "update" and entry.changed_fields & {"basename", "parent"}:
                renamed.append(entry.id)
    return removed, renamed
