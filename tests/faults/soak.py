"""Random faults: `make soak`, for an hour or for `PROJECTS_SOAK_SECONDS`.

Each round picks a fault and a server, injects the fault into a large delete, and checks the conditions that hold after
any fault. Between the rounds generated input is tried. It ends with figures, or at once if data was lost.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import pymongo
from pymongo.errors import PyMongoError

from projects_cli.changes import lease as leases
from projects_cli.store.driver_errors import TRANSIENT_CODES
from tests import servers
from tests.changes.processes import command, large, run
from tests.faults.ending import after_fault, failing
from tests.faults.nodes import Node, ThreeNodes, one_node, three_nodes
from tests.faults.proxy import Weather, proxy
from tests.fuzz import trial
from tests.worlds.world import DETECTOR, Content, World

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = float(os.environ.get("PROJECTS_SOAK_SECONDS", "3600"))
SEED = int(os.environ.get("PROJECTS_TEST_SEED", str(int(time.time()))))
MANY = 12_000
BEGUN = "Traceback (most recent call last):"
RUNNING = ", in status"
"""How a line of a traceback ends where the program was at work, which handles Ctrl-C as it should."""
DELETE = ("delete", DETECTOR["_id"], "--force")


@dataclass
class Soak:
    """The servers, the documents before and after, and what was seen so far."""

    random: Random
    stack: ExitStack
    before: Content = field(default_factory=lambda: large(MANY))
    after: Content = field(default_factory=dict)
    took: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    inputs: Counter[str] = field(default_factory=Counter)

    def start(self) -> None:
        """Start the servers, and learn what an undisturbed run makes of the documents, and how long it takes."""
        self.standalone = self.stack.enter_context(servers.running(replica_set=False))
        self.replica_set = self.stack.enter_context(servers.running(replica_set=True))
        self.three: ThreeNodes = self.stack.enter_context(three_nodes())
        self.lone: Node = self.stack.enter_context(one_node())
        self.stack.callback(self.close)
        self.worlds = {"standalone": World(self.standalone, "soak"), "replica set": World(self.replica_set, "soak")}
        self.worlds["three members"] = World(self.three, "soak")
        for world in self.worlds.values():
            world.load(self.before)
            began = time.monotonic()
            must(run(world, *DELETE))
            self.took = max(self.took, time.monotonic() - began)
            self.after = world.dump()
            must(run(world, "undo", "--yes"))

    def close(self) -> None:
        """Close the connections of the worlds."""
        for world in self.worlds.values():
            for connection in world.connections:
                connection.close()

    def ended(self, fault: str, world: World, status: int, said: str) -> None:
        """Check what must hold now."""
        ends = after_fault(world, status, said, self.before, self.after, self.random)
        self.faults[fault] += 1
        self.ends[ends] += 1

    def one_of_two(self) -> World:
        """Return the standalone or the replica set of one."""
        return self.worlds[self.random.choice(("standalone", "replica set"))]

    # --- faults -------------------------------------------------------------------------------------------------------

    def network(self) -> None:
        """Connections are cut, truncated or stalled at random bytes."""
        world = self.one_of_two()
        weather = Weather(Random(self.random.random()), calm=2_000_000, storms=self.random.randrange(1, 12))
        server: Any = world.server
        with proxy(server.socket, weather) as between:
            status, said = run(world, *DELETE, "--timeout", "3s", PROJECTS_MONGO_URI=between.uri)
        self.ended("network broken", world, status, said)

    def program_signalled(self) -> None:
        """SIGINT, SIGTERM or SIGKILL at a random moment."""
        world = self.one_of_two()
        number = self.random.choice((signal.SIGINT, signal.SIGTERM, signal.SIGKILL))
        with command(world, *DELETE) as process:
            time.sleep(self.random.uniform(0.3, self.took * 1.1))
            process.send_signal(number)
            shown, said = process.communicate(timeout=120)
        status = process.returncode if process.returncode >= 0 else 130
        said = "" if is_of_starting(number, said) else said
        self.ended(f"program got {number.name}", world, status, shown + said)

    def program_paused(self) -> None:
        """The program is stopped for longer than its lease; its change is undone meanwhile, and it wakes."""
        world = self.one_of_two()
        with command(world, *DELETE) as process:
            time.sleep(self.random.uniform(0.3, self.took))
            process.send_signal(signal.SIGSTOP)
            time.sleep(leases.TERM + leases.MARGIN + 1)
            undone, said = run(world, "undo", "--yes")
            found = world.dump()
            process.send_signal(signal.SIGCONT)
            shown, more = process.communicate(timeout=120)
        if undone == 0 and world.dump() != found:
            raise AssertionError(f"a paused program wrote after its change was undone: {said}{shown}{more}")
        status = process.returncode if undone else 75
        self.ended("program paused", world, status, said + shown + more)

    def server_reports(self) -> None:
        """The server reports a fault that passes, at some command."""
        world = self.one_of_two()
        name = self.random.choice(("find", "update", "delete", "insert", "findAndModify", "aggregate"))
        code, skip = self.random.choice(sorted(TRANSIENT_CODES)), self.random.randrange(1, 6)
        with failing(world, mode={"skip": skip, "times": 2}, failCommands=[name], errorCode=code):
            status, said = run(world, *DELETE, "--timeout", "3s")
        self.ended("server reported a fault", world, status, said)

    def server_stalls(self) -> None:
        """The server is stopped for some seconds."""
        world = self.one_of_two()
        server: Any = world.server
        with command(world, *DELETE, "--timeout", "2s") as process:
            time.sleep(self.random.uniform(0.3, self.took))
            os.kill(server.pid, signal.SIGSTOP)
            time.sleep(self.random.uniform(0.5, 6))
            os.kill(server.pid, signal.SIGCONT)
            shown, said = process.communicate(timeout=120)
        self.ended("server stalled", world, process.returncode, shown + said)

    def primary_lost(self) -> None:
        """The primary of three members is killed, or steps down."""
        world = self.worlds["three members"]
        kill = self.random.random() < 0.7
        primary = self.three.primary()
        with command(world, *DELETE) as process:
            time.sleep(self.random.uniform(0.3, self.took))
            if kill:
                primary.kill()
            else:
                step_down(primary)
            shown, said = process.communicate(timeout=180)
        self.three.heal()
        self.ended("primary killed" if kill else "primary stepped down", world, process.returncode, shown + said)

    def server_killed(self) -> None:
        """A standalone is killed in the middle, and started again at once or later."""
        with pymongo.MongoClient[dict[str, Any]](self.lone.uri) as client:
            world = World(_Lone(self.lone.uri, client), "soak")
            world.load(self.before)
            with command(world, *DELETE, "--timeout", "5s") as process:
                time.sleep(self.random.uniform(0.3, self.took))
                self.lone.kill()
                time.sleep(self.random.choice((0.0, 1.0, 8.0)))
                self.lone.start()
                shown, said = process.communicate(timeout=120)
            self.ended("server killed and restarted", world, process.returncode, shown + said)
            for connection in world.connections:
                connection.close()

    # --- input --------------------------------------------------------------------------------------------------------

    def hostile_input(self) -> None:
        """Some hundred generated command lines and requests."""
        self.inputs += trial.some(self.standalone, self.random, 200)


@dataclass(frozen=True)
class _Lone:
    uri: str
    client: pymongo.MongoClient[dict[str, Any]]

    def drop(self, name: str) -> None:
        """Drop a database."""
        self.client.drop_database(name)


def step_down(node: Node) -> None:
    """Let a primary become a secondary."""
    with suppress(PyMongoError), pymongo.MongoClient[dict[str, Any]](node.uri) as client:
        client.admin.command("replSetStepDown", 10, secondaryCatchUpPeriodSecs=5, force=True)


def is_of_starting(number: signal.Signals, said: str) -> bool:
    """Return whether the output is Python's own message for Ctrl-C while it was still loading the program."""
    lines = said.rstrip().splitlines()
    loading = not any(line.endswith(RUNNING) for line in lines)
    return number == signal.SIGINT and loading and lines[:1] == [BEGUN] and lines[-1] == "KeyboardInterrupt"


def must(result: tuple[int, str]) -> None:
    """Make sure that a command succeeded."""
    if result[0] != 0:
        raise AssertionError(result[1])


def table(soak: Soak, seconds: float) -> str:
    """Return the figures as they stand in docs/reliability.md."""
    rows = [("ran for", f"{seconds / 60:.0f} minutes, seed {SEED}")]
    rows += [(f"fault: {name}", f"{count}") for name, count in sorted(soak.faults.items())]
    rows += [(f"change ended: {name}", f"{count}") for name, count in sorted(soak.ends.items())]
    rows += [(f"input: {name}", f"{count}") for name, count in sorted(soak.inputs.items())]
    rows += [("documents lost, dangling or wrong", "0")]
    return "\n".join(["| what | figure |", "| --- | --- |", *(f"| {name} | {figure} |" for name, figure in rows)])


def main() -> int:
    """Run for the time given; a check that fails ends it with its own words."""
    began = time.monotonic()
    with ExitStack() as stack:
        soak = Soak(Random(SEED), stack)
        soak.start()
        rounds: list[Callable[[], None]] = [
            soak.network,
            soak.program_signalled,
            soak.program_paused,
            soak.server_reports,
            soak.server_stalls,
            soak.primary_lost,
            soak.server_killed,
            soak.hostile_input,
        ]
        while time.monotonic() - began < SECONDS:
            soak.random.choice(rounds)()
            sys.stderr.write(f"\r{sum(soak.faults.values())} faults, {sum(soak.inputs.values())} inputs ")
            sys.stderr.flush()
        sys.stdout.write("\n" + table(soak, time.monotonic() - began) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
