"""What is stored now of some projects, read by a few queries instead of some for each project."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from projects_cli.changes.chunks import BYTES
from projects_cli.changes.conditions import among, by_id, is_comparable, is_value
from projects_cli.store import bson_codec
from projects_cli.store.bson_codec import NULL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from projects_cli.changes.records import Entry
    from projects_cli.messages import Document
    from projects_cli.store.bson_codec import Value
    from projects_cli.store.collections import Store


class Stored:
    """Projects as they are when they are first asked for: those of some entries together, any other one by itself.

    It has to be made anew after a write.
    """

    def __init__(self, store: Store, entries: Sequence[Entry] = ()) -> None:
        """Read nothing yet."""
        self.store = store
        self._entries = entries if len(entries) > 1 else ()

    def project(self, identifier: Value) -> bytes | None:
        """Return a project as it is stored, None if it does not exist."""
        if identifier in self._documents:
            return self._documents[identifier]
        # Not read: another project, one too many for the memory, or an id that does not compare as bytes.
        return self.store.projects.read(by_id(identifier))

    def named(self, name: Value) -> set[Value]:
        """Return the ids of the projects with a name; a list of names that has it is another name."""
        if name in self._names:
            return self._by_name.get(name, set())
        return _grouped(self._references("name", is_value("name", name))).get(name, set())

    def children(self, identifier: Value) -> set[Value]:
        """Return the ids of the projects directly below one."""
        if self._by_parent is not None and identifier in self._ids:
            return self._by_parent.get(identifier, set())
        below = self.store.projects.raw(is_value("parent", identifier), {"_id": 1})
        return {bson_codec.identifier(raw) for raw in below}

    @cached_property
    def are_empty(self) -> bool:
        """Return whether no task or model is in any of the projects; False if that is not known."""
        if not self._ids or len(self._ids) < len(self._entries):
            return False
        inside = among(self._ids, "project")
        return all(
            collection.find_one(inside, {"_id": 1}) is None for collection in (self.store.tasks, self.store.models)
        )

    @cached_property
    def _ids(self) -> set[Value]:
        return {entry.id for entry in self._entries if is_comparable(entry.id)}

    @cached_property
    def _names(self) -> set[Value]:
        return {name for state in self._states if is_comparable(name := state.get("name"))}

    @cached_property
    def _states(self) -> list[Mapping[str, Value]]:
        """Return the fields before each change, and those that it sets."""
        befores = [entry.old for entry in self._entries if entry.before is not None]
        return [*befores, *(entry.change["$set"] for entry in self._entries if entry.action == "update")]

    @cached_property
    def _documents(self) -> Mapping[Value, bytes | None]:
        """Return the projects and their parents by id, as far as `BYTES` of them; None for one that does not exist."""
        parents = {parent for state in self._states if is_comparable(parent := state.get("parent"))}
        documents: dict[Value, bytes] = {}
        size = 0
        wanted = self._ids | parents
        for raw in self.store.projects.raw(among(wanted)) if wanted else ():
            documents[bson_codec.identifier(raw)] = raw
            size += len(raw)
            # The others are read one by one when they are asked for.
            if size > BYTES:
                return documents
        absent = {identifier: None for identifier in wanted if identifier.type == bson_codec.STRING}
        return absent | documents

    @cached_property
    def _by_name(self) -> Mapping[Value, set[Value]]:
        return _grouped(self._references("name", among(self._names, "name")))

    @cached_property
    def _by_parent(self) -> Mapping[Value, set[Value]] | None:
        """Return the projects below those of the entries; None if some refer to them by a list, or an equal value."""
        groups = _grouped(self._references("parent", among(self._ids, "parent"))) if self._ids else {}
        return groups if groups.keys() <= self._ids else None

    def _references(self, name: str, filter_: Document) -> Iterator[tuple[Value, Value]]:
        """Stream the ids of the matching projects, each with a field."""
        for values in map(bson_codec.fields, self.store.projects.raw(filter_, {name: 1})):
            yield values["_id"], values.get(name, NULL)


def _grouped(references: Iterable[tuple[Value, Value]]) -> dict[Value, set[Value]]:
    groups: dict[Value, set[Value]] = defaultdict(set)
    for identifier, value in references:
        groups[value].add(identifier)
    return dict(groups)
