"""Any sequence of changes and undos has the effect that a few lines of plain Python predict."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from projects_cli.errors import ServiceError
from tests.worlds.world import COMPANY, NOW, Change, Document, World, crooked, dangling, identifier, member, undo

if TYPE_CHECKING:
    from tests.servers import Server

Content = dict[str, dict[str, Document]]

NAMES = st.lists(st.sampled_from(["one", "two", "three"]), min_size=1, max_size=4).map("/".join)
LONG_AGO = datetime(2024, 1, 9, 8)  # noqa: DTZ001 - as the driver reads it
PICK = st.integers(0, 1000)


class Refused(Exception):
    """The model says that the change is refused."""


class Model:
    """The documents by collection and id, and a copy of them for each change that can be undone."""

    def __init__(self) -> None:
        self.content: Content = {"project": {}, "task": {}, "model": {}}
        self.former: list[Content] = []

    @property
    def projects(self) -> dict[str, Document]:
        return self.content["project"]

    def holder(self, name: str, company: str) -> Document | None:
        return next((one for one in self.projects.values() if (one["name"], one["company"]) == (name, company)), None)

    def below(self, project: Document) -> list[Document]:
        return [one for one in self.projects.values() if project["_id"] in one["path"]]

    def own(self, identifier: str) -> Document:
        """Return a project that may be renamed and deleted: it and its sub-projects are the company's own."""
        found = self.projects[identifier]
        if any(one["company"] == "" for one in [found, *self.below(found)]):
            raise Refused
        return found

    def check_free(self, name: str, besides: Document | None = None) -> None:
        holder = self.holder(name, COMPANY)
        if (holder is not None and holder is not besides) or self.holder(name, ""):
            raise Refused

    def create(self, name: str, now: datetime, ids: list[str]) -> None:
        self.check_free(name)
        parts = name.split("/")
        names = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
        start = len(names) - 1
        while start and not self.holder(names[start - 1], COMPANY):
            self.check_free(names[start - 1])
            start -= 1
        parent = self.holder(names[start - 1], COMPANY) if start else None
        if parent:
            parent["last_update"] = now
        for one, new in zip(names[start:], ids, strict=False):
            parent = self.made(one, new, parent, now)

    def made(self, name: str, new: str, parent: Document | None, now: datetime) -> Document:
        document: Document = {"_id": new, "company": COMPANY, "user": "the-caller", "name": name}
        document |= {"basename": name.rpartition("/")[2], "description": "", "created": now, "tags": []}
        document |= {"system_tags": [], "last_update": now, "featured": 9999, "path": []}
        if parent:
            document |= {"parent": parent["_id"], "path": [*parent["path"], parent["_id"]]}
        self.projects[new] = document
        return document

    def describe(self, project: str, words: str, now: datetime) -> None:
        found = self.projects[project]
        if found["company"] == "":
            raise Refused
        found |= {"description": words, "last_update": now}

    def rename(self, project: str, basename: str, now: datetime) -> None:
        found = self.own(project)
        old = found["name"]
        new = "/".join([*old.split("/")[:-1], basename])
        self.check_free(new, besides=found)
        for one in self.below(found):
            one |= {"name": new + one["name"][len(old) :], "last_update": now}
        found |= {"name": new, "basename": basename, "last_update": now}

    def delete(self, project: str) -> None:
        found = self.own(project)
        removed = {one["_id"] for one in [found, *self.below(found)]}
        for kind in ("task", "model"):
            for one in self.content[kind].values():
                one["project"] = None if one["project"] in removed else one["project"]
        for one in removed:
            del self.projects[one]

    def relocate(self, root: Document, parent: Document | None) -> None:
        """Move a project below another parent: its name and path, and those of everything below, follow."""
        path = [*parent["path"], parent["_id"]] if parent else []
        for one in self.below(root):
            rest = one["name"][len(root["name"]) + 1 :]
            one["name"] = "/".join([*([parent["name"]] if parent else []), root["basename"], rest])
            one["path"] = [*path, *one["path"][one["path"].index(root["_id"]) :]]
        root |= {"name": f"{parent['name']}/{root['basename']}" if parent else root["basename"], "path": path}
        root.pop("parent", None)
        if parent:
            root["parent"] = parent["_id"]

    def move(self, project: str, location: str, now: datetime, ids: list[str]) -> None:
        found = self.own(project)
        old = self.projects.get(found.get("parent", ""))
        if old and old["company"] == "":
            raise Refused
        parts = location.split("/") if location else []
        names = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
        start = len(names)
        while start and not self.holder(names[start - 1], COMPANY):
            self.check_free(names[start - 1])
            start -= 1
        parent = self.holder(names[start - 1], COMPANY) if start else None
        tree = [found, *self.below(found)]
        levels = max(len(one["path"]) for one in tree) - len(found["path"]) + 1 + len(parts)
        if levels > 10 or (start == len(names) and parent is old) or parent in tree:
            raise Refused
        self.check_free("/".join([*parts, found["basename"]]))
        for one in filter(None, (old, parent)):
            one["last_update"] = now
        for name, new in zip(names[start:], ids, strict=False):
            parent = self.made(name, new, parent, now)
        for one in tree:
            one["last_update"] = now
        self.relocate(found, parent)

    def merge(self, project: str, destination: str | None, now: datetime) -> None:
        if project == destination:
            raise Refused
        found = self.own(project)
        parent = self.projects[destination] if destination else None
        below = self.below(found)
        if parent and (parent["company"] == "" or parent in below):
            raise Refused
        depth = len(parent["path"]) + 1 if parent else 0
        if any(len(one["path"]) - len(found["path"]) + depth > 10 for one in below):
            raise Refused
        for one in below:
            rest = one["name"][len(found["name"]) + 1 :]
            self.check_free(f"{parent['name']}/{rest}" if parent else rest)
        for one in [*below, *([parent] if parent else [])]:
            one["last_update"] = now
        for one in below:
            if one.get("parent") == project:
                self.relocate(one, parent)
        for kind in ("task", "model"):
            for one in self.content[kind].values():
                one["project"] = destination if one["project"] == project else one["project"]
        del self.projects[project]

    def turn(self, project: str, there: str, here: str) -> None:
        """Make public or private: from one side to the other."""
        found = self.projects[project]
        if found["company"] != here or self.holder(found["name"], there):
            raise Refused
        found["company"] = there
        if there:
            del found["company_origin"]
        else:
            found["company_origin"] = COMPANY


class Changes(RuleBasedStateMachine):
    """Makes each change on the database and in the model, and compares the two after every step."""

    server: Server

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.server, "test_state_machine")
        self.model = Model()
        self.ticks = 0

    @initialize(count=st.integers(1, 4))
    def begin(self, count: int) -> None:
        self.world.load({})
        for kind, first in (("task", 1), ("model", 50)):
            documents = [member(first + number, None, last_update=LONG_AGO) for number in range(count)]
            self.model.content[kind] = {one["_id"]: one for one in documents}
            self.world.documents[kind].insert_many(deepcopy(documents))
        self.make("create", {"name": "one/two"}, lambda now, ids: self.model.create("one/two", now, ids))

    def teardown(self) -> None:
        self.world.close()

    def make(self, endpoint: str, params: Document, in_model: Any) -> None:
        """Make one change on both sides: both do it, or both refuse it."""
        self.ticks += 1
        first = 0xA000 + 100 * self.ticks
        now = NOW + timedelta(seconds=self.ticks)
        former = deepcopy(self.model.content)
        try:
            in_model(now.replace(tzinfo=None), [identifier(first + number) for number in range(10)])
        except Refused:
            self.model.content = former
            with pytest.raises(ServiceError):
                Change(endpoint, params, now, first)(self.world.runner())
            return
        Change(endpoint, params, now, first)(self.world.runner())
        self.model.former.append(former)

    def picked(self, number: int) -> str | None:
        ids = sorted(self.model.projects)
        return ids[number % len(ids)] if ids else None

    @rule(name=NAMES)
    def create(self, name: str) -> None:
        self.make("create", {"name": name}, lambda now, ids: self.model.create(name, now, ids))

    @rule(pick=PICK, words=st.sampled_from(["", "some", "other words"]))
    def describe(self, pick: int, words: str) -> None:
        if one := self.picked(pick):
            params = {"project": one, "description": words}
            self.make("update", params, lambda now, _: self.model.describe(one, words, now))

    @rule(pick=PICK, basename=st.sampled_from(["one", "two", "three", "four"]))
    def rename(self, pick: int, basename: str) -> None:
        if one := self.picked(pick):
            name = "/".join([*self.model.projects[one]["name"].split("/")[:-1], basename])
            params = {"project": one, "name": name}
            self.make("update", params, lambda now, _: self.model.rename(one, basename, now))

    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        if one := self.picked(pick):
            self.make("delete", {"project": one, "force": True}, lambda _now, _ids: self.model.delete(one))

    @rule(pick=PICK, location=st.one_of(NAMES, st.just("")))
    def move(self, pick: int, location: str) -> None:
        if one := self.picked(pick):
            params = {"project": one, "new_location": location}
            self.make("move", params, lambda now, ids: self.model.move(one, location, now, ids))

    @rule(pick=PICK, other=st.one_of(PICK, st.none()))
    def merge(self, pick: int, other: int | None) -> None:
        if one := self.picked(pick):
            to = None if other is None else self.picked(other)
            params = {"project": one, "destination_project": to}
            self.make("merge", params, lambda now, _: self.model.merge(one, to, now))

    @rule(pick=PICK)
    def make_public(self, pick: int) -> None:
        if one := self.picked(pick):
            self.make("make_public", {"ids": [one]}, lambda _now, _ids: self.model.turn(one, "", COMPANY))

    @rule(pick=PICK)
    def make_private(self, pick: int) -> None:
        if one := self.picked(pick):
            self.make("make_private", {"ids": [one]}, lambda _now, _ids: self.model.turn(one, COMPANY, ""))

    @rule(pick=PICK, kind=st.sampled_from(["task", "model"]), which=PICK)
    def put(self, pick: int, kind: str, which: int) -> None:
        """A server puts a task or model into a project; what was before can't be undone past that."""
        one = self.picked(pick)
        member = sorted(self.model.content[kind])[which % len(self.model.content[kind])]
        self.model.content[kind][member]["project"] = one
        self.world.documents[kind].update_one({"_id": member}, {"$set": {"project": one}})
        self.model.former.clear()
        self.world.journal["operation"].delete_many({})

    @rule()
    def undo(self) -> None:
        if self.model.former:
            undo(self.world.runner())
            self.model.content = self.model.former.pop()

    @invariant()
    def same(self) -> None:
        for kind, wanted in self.model.content.items():
            found = {one["_id"]: one for one in self.world.documents[kind].find({})}
            assert found == wanted
        content = self.world.dump()
        assert not dangling(content)
        assert not crooked(content)


def test_any_sequence_of_changes(standalone: Server) -> None:
    class OnServer(Changes):
        server = standalone

    run_state_machine_as_test(
        OnServer,
        settings=settings(
            max_examples=30,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
