"""Kills in a large tree: `make soak-kills`, for an hour or for `PROJECTS_SOAK_SECONDS`.

A move and a merge of a tree of 5,000 projects with 500,000 tasks are killed at random writes, or at random moments, and
then completed or undone; some undos are killed too. Afterwards all documents have to be exactly the new or the old
ones, which the server's `dbHash` compares. It ends with figures, or at once if they are not.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import monitoring

from projects_cli.store.index_definitions import SERVER
from tests import servers
from tests.worlds.world import (
    ALONE,
    RAW,
    VISION,
    Change,
    World,
    Writes,
    change,
    forked,
    in_child,
    member,
    project,
    resume,
    signals_itself,
    undo,
    world_on,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from projects_cli.changes.runner import Runner
    from tests.worlds.world import When

    Document = dict[str, Any]
    Digest = dict[str, str]
    """Collection -> MD5 of all its documents, in the order of their ids."""

SECONDS = float(os.environ.get("PROJECTS_SOAK_SECONDS", "3600"))
SEED = int(os.environ.get("PROJECTS_TEST_SEED", str(int(time.time()))))
PROJECTS = 5_000
TASKS = 500_000
MODELS = 5_000
IN_ROOT = 5
"""One task of this many is in the topmost project itself, from which a merge takes it."""

BRANCHES = 8
BATCH = 2_000
TIMEOUT = 600  # seconds for one command

CHANGES: dict[str, Change] = {
    "move": change("move", project=VISION["_id"], new_location=ALONE["name"]),
    "merge": change("merge", project=VISION["_id"], destination_project=ALONE["_id"]),
}


def tree() -> list[Document]:
    """Return a tree of projects, each with eight below it, and the project that it is moved or merged into."""
    below = [VISION]
    for number in range(PROJECTS - 1):
        above = below[number // BRANCHES]
        path = [*above["path"], above["_id"]]
        name = f"{above['name']}/part {number}"
        below.append(project(1000 + number, name) | {"path": path, "parent": above["_id"]})
    return [ALONE, *below]


def members(count: int, projects: list[Document]) -> Iterator[Document]:
    """Yield tasks or models: some of the topmost project, the others of all."""
    for number in range(count):
        home = VISION if number % IN_ROOT == 0 else projects[1 + number % PROJECTS]
        yield member(100_000 + number, home)


@dataclass
class Kills:
    """The documents before and after each change, and what was seen so far."""

    world: World
    random: Random
    old: Digest = field(default_factory=dict)
    new: dict[str, Digest] = field(default_factory=dict)
    writes: dict[str, int] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)

    def load(self) -> None:
        """Store the documents, and learn what undisturbed runs make of them, and with how many writes."""
        projects = tree()
        content = {"project": projects, "task": members(TASKS, projects), "model": members(MODELS, projects)}
        for name, documents in content.items():
            self._insert(name, iter(documents))
            self.world.documents.command("createIndexes", name, indexes=list(SERVER[name]))
        self.old = self.digest()
        for name, made in CHANGES.items():
            began = time.monotonic()
            self.writes[name] = self._counted(made)
            self.took[name] = time.monotonic() - began
            self.new[name] = self.digest()
            self.writes["undo"] = max(self.writes.get("undo", 0), self._counted(undo))
            self._expect(self.old, f"the undo of an undisturbed {name}")
        sys.stderr.write(f"writes: {self.writes}; seconds: {self.took}\n")

    def _insert(self, name: str, documents: Iterator[Document]) -> None:
        collection = self.world.documents.get_collection(name, codec_options=RAW)
        while batch := [RawBSONDocument(bson.encode(one)) for _, one in zip(range(BATCH), documents, strict=False)]:
            collection.insert_many(batch, ordered=False)

    def _counted(self, command: Callable[[Runner], object]) -> int:
        """Run a command in a process. Return how many writes it makes."""
        with TemporaryDirectory() as folder:
            file = Path(folder, "writes")

            def work() -> None:
                writes = Writes(0, "succeeded", lambda: None)
                monitoring.register(writes)
                command(self.world.runner(self.world.connect()))
                file.write_text(str(writes.succeeded_so_far))

            if in_child(work, TIMEOUT) != 0:
                raise AssertionError("an undisturbed command failed")
            return int(file.read_text())

    def digest(self) -> Digest:
        """Return the digests of all documents."""
        found: Digest = self.world.documents.command("dbHash", collections=["project", "task", "model"])["collections"]
        return found

    def _expect(self, digest: Digest, after: str) -> None:
        found = self.digest()
        if found != digest:
            raise AssertionError(f"after {after}: {found} instead of {digest} (old {self.old}, new {self.new})")

    # --- rounds ---------------------------------------------------------------------------------------------------

    def killed(self, name: str, command: Callable[[Runner], object]) -> str:
        """Run a command that is killed at a random write or moment. Return where."""
        if self.random.random() < 1 / 4:
            moment = self.random.uniform(0.0, self.took.get(name, max(self.took.values())))
            pid = forked(lambda: command(self.world.runner(self.world.connect())), TIMEOUT)
            time.sleep(moment)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return f"{name} after {moment:.1f} s"
        number = self.random.randint(1, self.writes[name])
        when: When = self.random.choice(("started", "succeeded"))

        def work() -> None:
            monitoring.register(signals_itself(number, when, signal.SIGKILL))
            command(self.world.runner(self.world.connect()))

        in_child(work, TIMEOUT)
        return f"{name} at write {number} {when}"

    def round(self) -> None:
        """Kill a change, end it, and bring everything back."""
        name = self.random.choice(list(CHANGES))
        at = self.killed(name, CHANGES[name])
        self.seen[f"{name} killed"] += 1
        if self.world.interrupted():
            if self.random.random() < 1 / 2:
                resume(self.world.runner())
                self._expect(self.new[name], f"{at}, resumed")
                self.seen["resumed"] += 1
            else:
                self._undone(at)
                return
        if self.digest() == self.old:  # killed before its record, or its first write
            self.seen["not begun"] += 1
            return
        self._expect(self.new[name], at)
        self._undone(at)

    def _undone(self, at: str) -> None:
        """Undo the interrupted or newest change; one of three undos is killed and then completed."""
        if self.random.random() < 1 / 3:
            at = f"{at}, {self.killed('undo', undo)}"
            self.seen["undo killed"] += 1
            if self.world.interrupted() or self.digest() != self.old:  # the latter: killed before its first write
                undo(self.world.runner())
        else:
            undo(self.world.runner())
        self._expect(self.old, f"{at}, undone")
        self.seen["undone"] += 1


def main() -> None:
    """Kill for some time, then print the figures."""
    sys.stderr.write(f"seed {SEED}\n")
    with servers.running(replica_set=False) as server, world_on(server) as world:
        kills = Kills(world, Random(SEED))
        kills.load()
        end = time.monotonic() + SECONDS
        try:
            while time.monotonic() < end:
                kills.round()
                sys.stderr.write(f"\r{dict(kills.seen)} ")
                sys.stderr.flush()
        finally:
            figures = ", ".join(f"{count} {what}" for what, count in sorted(kills.seen.items()))
            sys.stdout.write(f"\n{figures}\n")


if __name__ == "__main__":
    main()
