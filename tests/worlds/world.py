"""A database with a journal beside it, the changes made to it, and processes that die in the middle of one."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import bson
from bson.codec_options import CodecOptions
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument
from pymongo import monitoring

from projects_cli import endpoints
from projects_cli.changes.engine import SMALL
from projects_cli.changes.journal import Author
from projects_cli.changes.runner import Runner
from projects_cli.config.settings import COMMUNITY_COMPANY
from projects_cli.messages import Plan, Request, Step
from projects_cli.store.client import Connection, connect
from projects_cli.store.collections import Store, open_store
from projects_cli.store.journal import JournalStore
from tests import servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pymongo
    from pymongo.collection import Collection
    from pymongo.database import Database

    from projects_cli.changes.records import Operation

Document = dict[str, Any]
Content = dict[str, list[bytes]]
When = Literal["started", "succeeded"]

WHEN: tuple[When, ...] = ("started", "succeeded")
COMPANY = COMMUNITY_COMPANY
OTHER = "another-company"
EARLIER = datetime(2024, 1, 9, 8, tzinfo=UTC)
NOW = datetime(2024, 6, 1, 12, 30, 15, 123000, tzinfo=UTC)
WRITES = frozenset({"insert", "update", "delete", "findAndModify", "commitTransaction", "bulkWrite"})
RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)


# --- changes --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """A call of a changing endpoint whose clock and ids are always the same, so that its result is one."""

    endpoint: str
    params: Mapping[str, Any]
    now: datetime = NOW
    first_id: int = 0xA000

    def plan(self, store: Store, handler: endpoints.Handler | None = None) -> Plan[Step]:
        """Return the endpoint's plan, or that of another function in its place."""
        numbers = count(self.first_id)
        request = Request(
            endpoint=f"projects.{self.endpoint}",
            version="2.13",
            params=self.params,
            company=store.company,
            user="the-caller",
            now=self.now,
            new_id=lambda: f"{next(numbers):032x}",
        )
        plan = (handler or endpoints.handler(request.endpoint))(request, store)
        assert isinstance(plan, Plan)
        return plan

    def __call__(self, runner: Runner) -> Any:
        """Make the change; gives the response and the outcome."""
        return runner.apply(self, self.plan(runner.store))


class Planning(NamedTuple):
    """A change that is planned by a function, again whenever the engine asks."""

    plan: Callable[[Store], Plan[Step]]

    @classmethod
    def always(cls, plan: Plan[Step]) -> Planning:
        """Return a change with the same plan each time."""
        return cls(lambda _: plan)


def change(endpoint: str, **params: Any) -> Change:
    """Return a change with the schema's defaults for what it needs."""
    return Change(endpoint, {"force": True, **params} if endpoint == "delete" else params)


def resume(runner: Runner) -> Any:
    """Finish the interrupted operation."""
    return runner.resume(None)


def undo(runner: Runner) -> Any:
    """Take the interrupted or the newest operation back."""
    return runner.undo(None)


# --- the documents ----------------------------------------------------------------------------------------------------


class Deployment(Protocol):
    """What a world needs of the server, or of the replica set, that it is on."""

    @property
    def uri(self) -> str:
        """Its URI."""

    @property
    def client(self) -> pymongo.MongoClient[Document]:
        """A client of it."""

    def drop(self, name: str) -> None:
        """Drop a database."""


@dataclass
class World:
    """One database of a server, its journal, and what is in them."""

    server: Deployment
    name: str
    connections: list[Connection] = field(default_factory=list)

    @property
    def documents(self) -> Database[Document]:
        """The database, for pymongo."""
        return self.server.client[self.name]

    @property
    def journal_name(self) -> str:
        """The database of the journal."""
        return f"{self.name}_journal"

    @property
    def journal(self) -> Database[Document]:
        """The journal, for pymongo."""
        return self.server.client[self.journal_name]

    @cached_property
    def here(self) -> Connection:
        """A connection of this process."""
        return self.connect()

    def connect(self) -> Connection:
        """Return a new connection, closed with this world."""
        connection = connect(self.server.uri, self.name, shown="the test's database")
        self.connections.append(connection)
        return connection

    def runner(
        self,
        connection: Connection | None = None,
        *,
        small: int = SMALL,
        wait: float = 5.0,
        company: str = COMPANY,
        journal: bool = True,
    ) -> Runner:
        """Return the entry point of the change engine."""
        connection = connection or self.here
        return Runner(
            store=open_store(connection, company),
            stored=JournalStore(connection, self.journal_name) if journal else None,
            author=Author(by="ann", command="projects test"),
            database=self.name,
            clock=lambda: datetime.now(UTC),
            lock_wait=wait,
            progress=lambda _done, _all: None,
            small=small,
        )

    def load(self, content: Content, journal: Content | None = None) -> None:
        """Make the database and the journal hold exactly this."""
        _fill(self.documents, content)
        _fill(self.journal, journal or {})

    def dump(self) -> Content:
        """Return all documents of the database, byte for byte."""
        return _dump(self.documents)

    def dump_journal(self) -> Content:
        """Return all documents of the journal, the lease too."""
        return _dump(self.journal)

    def interrupted(self) -> list[Operation]:
        """Return what the next changing command would report."""
        return self.runner().operations.interrupted()

    def states(self) -> list[str]:
        """Return the states of all records, the oldest first."""
        return [record["state"] for record in self.journal["operation"].find({}, sort=[("_id", 1)])]

    def close(self) -> None:
        """Drop both databases."""
        for connection in self.connections:
            connection.close()
        self.server.drop(self.name)
        self.server.drop(self.journal_name)


@contextmanager
def world_on(server: Deployment, content: Content | None = None) -> Iterator[World]:
    """Yield a world for as long as the block lasts."""
    world = World(server, servers.new_name())
    try:
        if content:
            world.load(content)
        yield world
    finally:
        world.close()


def _fill(database: Database[Document], content: Content) -> None:
    for name in {*database.list_collection_names(), *content}:
        database[name].delete_many({})
        if content.get(name):
            raw = database.get_collection(name, codec_options=RAW)
            raw.insert_many([RawBSONDocument(one) for one in content[name]])


def _dump(database: Database[Document]) -> Content:
    content = {}
    for name in sorted(database.list_collection_names()):
        raw: Collection[RawBSONDocument] = database[name].with_options(codec_options=RAW)
        if found := [bytes(one.raw) for one in raw.find({}, sort=[("_id", 1)])]:
            content[name] = found
    return content


# --- what is wrong with them ------------------------------------------------------------------------------------------


def dangling(content: Content) -> list[str]:
    """Return the dangling references: projects of tasks and models, parents and paths."""
    projects = by_id(content)
    wrong = [
        f"{kind} {one['_id']} is in {one['project']}"
        for kind in ("task", "model")
        for one in map(bson.decode, content.get(kind, ()))
        if one.get("project") and one["project"] not in projects and one["company"] in {COMPANY, ""}
    ]
    for one in projects.values():
        above = [*(one.get("path") or ()), *([one["parent"]] if one.get("parent") else ())]
        wrong += [f"{one['name']} lacks {identifier} above it" for identifier in above if identifier not in projects]
    return wrong


def crooked(content: Content) -> list[str]:
    """Return the projects whose name or path does not fit their parent's, and names that are there twice."""
    projects = by_id(content)
    wrong = []
    for one in projects.values():
        parent = projects.get(one["parent"]) if one.get("parent") else None
        name = f"{parent['name']}/{one['basename']}" if parent else one["basename"]
        path = [*(parent.get("path") or ()), parent["_id"]] if parent else []
        if one["name"] != name or (one.get("path") or []) != path:
            wrong.append(f"{one['name']} at {one.get('path')}, should be {name} at {path}")
    names = [(one["name"], one["company"]) for one in projects.values()]
    return wrong + [f"{name} is there twice" for name in sorted(set(names)) if names.count(name) > 1]


def by_id(content: Content, kind: str = "project") -> dict[str, Document]:
    """Return the documents of a collection by their id."""
    return {one["_id"]: one for one in map(bson.decode, content.get(kind, ()))}


# --- a small site with everything odd in it ---------------------------------------------------------------------------


def identifier(number: int) -> str:
    """Return an id as a server makes them."""
    return f"{number:032x}"


def project(number: int, name: str, above: Sequence[Document] = (), **fields: Any) -> Document:
    """Return a project as a server stores it, with fields of an unusual order and kind."""
    document: Document = {
        "_id": identifier(number),
        "name": name,
        "x_unknown": {"b": Int64(1), "a": 1, "ratio": 1.0, "missing": None, "list": [Int64(2), 2, 2.0]},
        "company": COMPANY,
        "last_update": EARLIER,
        "basename": name.rpartition("/")[2],
        "user": "owner",
        "description": f"about {name}",
        "created": EARLIER,
        "tags": ["zoo", "alpha"],
        "featured": Int64(9999),
        "system_tags": [],
        "path": [one["_id"] for one in above],
    }
    if above:
        document["parent"] = above[-1]["_id"]
    return document | {"x_last": float("nan")} | fields


def member(number: int, home: Document | None, **fields: Any) -> Document:
    """Return a task or a model of a project."""
    place = home["_id"] if home else None
    document = {"_id": identifier(number), "company": COMPANY, "project": place, "name": "run", "tags": ["kept"]}
    return document | {"iterations": Int64(number), "last_update": EARLIER, "system_tags": []} | fields


VISION = project(1, "vision", featured=3)
DETECTOR = project(2, "vision/detector", [VISION])
YOLO = project(3, "vision/detector/yolo", [VISION, DETECTOR])
DOTTED = project(4, "vision/detector/.reports", [VISION, DETECTOR], system_tags=["hidden"])
ALONE = project(5, "alone")
FELLOW = project(6, "fellow", tags=None)
SHOWN_A = project(7, "shown one", company="", company_origin=COMPANY)
SHOWN_B = project(8, "shown two", company="", company_origin=COMPANY)
FOREIGN = project(9, "vision", company=OTHER)

SITE: dict[str, list[Document]] = {
    "project": [VISION, DETECTOR, YOLO, DOTTED, ALONE, FELLOW, SHOWN_A, SHOWN_B, FOREIGN],
    "task": [
        member(20, DETECTOR),
        member(21, DETECTOR, system_tags=["archived"]),
        member(22, YOLO),
        member(23, YOLO, company=""),
        member(24, VISION),
        member(25, ALONE),
        member(26, FOREIGN, company=OTHER),
        member(27, None),
    ],
    "model": [member(40, YOLO), member(41, YOLO, system_tags=["archived"]), member(42, ALONE)],
    "user": [{"_id": name, "name": name.title(), "company": COMPANY} for name in ("owner", "the-caller")],
}

CHANGES: dict[str, Change] = {
    "create": change("create", name="vision/new/deep/leaf", description="made", tags=["b", "a"]),
    "update": change(
        "update", project=ALONE["_id"], description=None, tags=["new"], default_output_destination="s3://b"
    ),
    "rename": change("update", project=DETECTOR["_id"], name="vision/finder"),
    "move": Change("move", {"project": DETECTOR["_id"], "new_location": "fellow/new place"}, first_id=0xB000),
    "delete": change("delete", project=DETECTOR["_id"]),
    "make_public": change("make_public", ids=[ALONE["_id"], FELLOW["_id"]]),
    "make_private": change("make_private", ids=[SHOWN_A["_id"], SHOWN_B["_id"]]),
    "merge": change("merge", project=DETECTOR["_id"], destination_project=FELLOW["_id"]),
}


def content_of(site: Mapping[str, Sequence[Document]]) -> Content:
    """Return documents as bytes, as `World.dump` gives them."""
    return {name: [bson.encode(one) for one in sorted(site[name], key=lambda one: one["_id"])] for name in sorted(site)}


BEFORE: Content = content_of(SITE)


# --- processes that die -----------------------------------------------------------------------------------------------


class Writes(monitoring.CommandListener):
    """Does something at the n-th write, before it is sent or after it was answered.

    The renewal of a lease in the background is not counted: it comes at any time.
    """

    def __init__(self, number: int, when: When, work: Callable[[], object]) -> None:
        self._number = number
        self._when = when
        self._work = work
        self._seen = {"started": 0, "succeeded": 0}
        self._writes: set[int] = set()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        merges = event.command_name == "aggregate" and any("$merge" in stage for stage in event.command["pipeline"])
        if (event.command_name in WRITES or merges) and threading.current_thread() is threading.main_thread():
            self._writes.add(event.request_id)
            self._count("started")

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if event.request_id in self._writes:
            self._count("succeeded")

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """A write that failed changed nothing."""

    @property
    def succeeded_so_far(self) -> int:
        """Return how many writes were answered."""
        return self._seen["succeeded"]

    def _count(self, when: When) -> None:
        self._seen[when] += 1
        if when == self._when and self._seen[when] == self._number:
            self._work()


def signals_itself(number: int, when: When, signal_: signal.Signals) -> Writes:
    """Return a listener with which a process sends itself a signal at its n-th write."""
    return Writes(number, when, lambda: os.kill(os.getpid(), signal_))


def forked(work: Callable[[], object], patience: int = 60) -> int:
    """Do something in a forked process, for some seconds at most. Return its id."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.alarm(patience)
        work()
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it is, this process must not go on as a second pytest
        traceback.print_exc()
    finally:
        os._exit(status)


def in_child(work: Callable[[], object], patience: int = 60) -> int:
    """Do something in a forked process, for some seconds at most. Return its wait status."""
    return os.waitpid(forked(work, patience), 0)[1]


def dies(world: World, command: Callable[[Runner], object], number: int, when: When, *, small: int = SMALL) -> bool:
    """Run a command in a process that dies at its n-th write. Return whether it got that far."""

    def work() -> None:
        monitoring.register(signals_itself(number, when, signal.SIGKILL))
        command(world.runner(world.connect(), small=small))

    status = in_child(work)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, f"killed by signal {os.WTERMSIG(status)}"
        return True
    assert status == 0, "the command failed by itself"
    return False


class Point(NamedTuple):
    """Where a process died."""

    number: int
    when: When


def points(
    world: World, command: Callable[[Runner], object], restore: Callable[[], None], small: int
) -> Iterator[Point]:
    """Restore, and kill a command, at every one of its writes in turn, until it gets through unharmed.

    What a write leaves is also what the next one finds, so a process is killed once for both, and the documents are
    loaded again for the second. A transaction that a dead process left open can not be loaded: it is killed twice.
    """
    transactions = small and "setName" in world.server.client.admin.command("hello")
    restore()
    if not dies(world, command, 1, "started", small=small):
        return
    yield Point(1, "started")
    for number in count(1):
        restore()
        if not dies(world, command, number, "succeeded", small=small):
            return
        left = world.dump(), world.dump_journal()
        yield Point(number, "succeeded")
        if not transactions:
            world.load(*left)
        else:
            restore()
            if not dies(world, command, number + 1, "started", small=small):
                return
        yield Point(number + 1, "started")


ENDINGS: Mapping[str, Callable[[Runner], object]] = {"started": resume, "succeeded": undo}
"""How each kind of point ends."""


def check_point(
    world: World,
    command: Callable[[Runner], object],
    after: Content,
    ending: Callable[[Runner], object],
    point: Point,
    before: Content = BEFORE,
) -> None:
    """Check the documents as a crash left them, end what was interrupted, and check them again."""
    crashed = world.dump()
    assert not dangling(crashed), point
    if world.interrupted():
        ending(world.runner())
        assert world.dump() == (after if ending is resume else before), point
    elif crashed == before:
        command(world.runner())  # neither is needed, and nothing of the dead one is in the way
        assert world.dump() == after, point
    else:
        assert crashed == after, point
        undo(world.runner())
        assert world.dump() == before, point
    assert not world.interrupted(), point
