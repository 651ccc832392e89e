"""`--read-preference`: responses come from the chosen members, the data of a plan never does."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pymongo
import pytest

from tests.worlds.site import Site, empty_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from tests.conftest import Cli
    from tests.faults.nodes import Node, ThreeNodes

pytestmark = pytest.mark.xdist_group("three members")

READS = {"find", "aggregate", "count", "distinct", "getMore"}
SECONDARY = "secondary"
ATTEMPTS = 5
WAITED_FOR_A_PRIMARY = 30
"""Seconds after which the driver gives up to look for one: longer than the doctor takes that does not ask it."""

ANSWERS = [
    ("list",),
    ("list", "--stats"),
    ("get", "vision"),
    ("metrics", "vision"),
    ("hyperparams",),
    ("task-tags", "--project", "vision"),
    ("model-tags",),
    ("task-tags",),
    ("call", "get_all", "--data", "{}"),
]


@pytest.fixture
def site(cluster: ThreeNodes, cli: Cli) -> Iterator[Site]:
    """Provide a site whose documents have reached every member, with a profiler on each that notes every command."""
    with empty_site(cluster, cli) as site:
        site.task(site.project("vision"), tags=["a"])
        cluster.heal()  # waits for all members
        for node in cluster.nodes:
            with _direct(node) as client:
                client[site.name].command("profile", 2)
        yield site
        for node in cluster.nodes:
            with _direct(node) as client:
                client[site.name].command("profile", 0)


def _direct(node: Node) -> pymongo.MongoClient[dict[str, Any]]:
    return pymongo.MongoClient(node.uri)


def serving(site: Site, cluster: ThreeNodes, work: Callable[[], object]) -> set[str]:
    """Return which kinds of members serve the program's reads while something is done: by each member's profiler.

    A busy machine may elect another primary in the middle: then nothing can be said, and it is done again.
    """
    for _ in range(ATTEMPTS):
        begin = [_clock(node) for node in cluster.nodes]
        primary = cluster.primary()
        work()
        pairs = zip(cluster.nodes, begin, strict=True)
        kinds = {"primary" if node is primary else SECONDARY for node, since in pairs if _has_served(site, node, since)}
        if cluster.primary() is primary:
            return kinds
    raise AssertionError("the members elect one primary after the other")


def _has_served(site: Site, node: Node, since: datetime) -> bool:
    ours = {"appName": {"$regex": "^projects-cli"}, "ts": {"$gt": since}}
    with _direct(node) as client:
        noted = list(client[site.name]["system.profile"].find(ours))
    return any(next(iter(one["command"]), "") in READS for one in noted)


def _clock(node: Node) -> datetime:
    with _direct(node) as client:
        now: datetime = client.admin.command("hello")["localTime"]
    return now


@contextmanager
def slow_to_answer(nodes: Iterable[Node]) -> Iterator[None]:
    """Let members introduce themselves later than the others, as on a machine that is busy."""
    slow = {"failCommands": ["hello", "isMaster", "ismaster"], "blockConnection": True, "blockTimeMS": 300}
    nodes = list(nodes)
    for node in nodes:
        with _direct(node) as client:
            client.admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=slow)
    try:
        yield
    finally:
        for node in nodes:
            with _direct(node) as client:
                client.admin.command("configureFailPoint", "failCommand", mode="off")


@pytest.mark.parametrize("arguments", ANSWERS, ids=" ".join)
def test_a_secondary_serves_answers(site: Site, cluster: ThreeNodes, arguments: tuple[str, ...]) -> None:
    expected = site.text(*arguments)

    def work() -> None:
        assert site.text(*arguments, "--read-preference", "secondary") == expected

    assert serving(site, cluster, work) == {SECONDARY}


def test_only_a_secondary_serves_them(site: Site, cluster: ThreeNodes) -> None:
    def work() -> None:
        for arguments in ANSWERS:
            site.text(*arguments, "--read-preference", "secondaryPreferred")

    assert serving(site, cluster, work) == {SECONDARY}


@pytest.mark.parametrize(("preference", "kind"), [("secondaryPreferred", SECONDARY), ("primaryPreferred", "primary")])
def test_the_preferred_member_is_waited_for(site: Site, cluster: ThreeNodes, preference: str, kind: str) -> None:
    """The driver takes the first member that has answered, and the preferred one may be slower."""

    def work() -> None:
        slow = cluster.secondaries() if kind == SECONDARY else [cluster.primary()]
        with slow_to_answer(slow):
            site.text("list", "--read-preference", preference)

    assert serving(site, cluster, work) == {kind}


def test_the_primary_serves_them_unless_told(site: Site, cluster: ThreeNodes) -> None:
    def work() -> None:
        site.text("list")
        site.text("list", "--stats", "--read-preference", "primaryPreferred")

    assert serving(site, cluster, work) == {"primary"}


def test_the_variable_a_profile_and_the_uri_say_it_too(site: Site, cluster: ThreeNodes, tmp_path: Path) -> None:
    config = tmp_path / "home" / ".config" / "projects" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[profiles.far]\nread-preference = "secondary"\n')

    def work() -> None:
        site.text("list", PROJECTS_READ_PREFERENCE="secondary")
        site.text("list", "--profile", "far")
        site.text("list", "--uri", f"{cluster.uri}&readPreference=secondary")

    assert serving(site, cluster, work) == {SECONDARY}


@pytest.mark.parametrize("way", ["flag", "uri"])
def test_a_change_is_planned_from_the_primary(site: Site, cluster: ThreeNodes, way: str) -> None:
    """Names, plans, the lease and the journal too, whatever the URI prefers."""
    preferring = ("--uri", f"{cluster.uri}&readPreference=secondary")
    flags = preferring if way == "uri" else ("--read-preference", "secondary")

    def work() -> None:
        for arguments in [
            ("create", "vision/new", "-d", "x"),
            ("update", "vision/new", "--add-tag", "b"),
            ("delete", "vision", "--force", "--dry-run"),
            ("delete", "vision", "--force"),
            ("undo", "--yes"),
            ("history",),
        ]:
            site.text(*arguments, *flags, PROJECTS_JOURNAL_DB=site.name)  # where the profiler sees it

    assert serving(site, cluster, work) == {"primary"}


def test_a_word_that_is_no_read_preference_is_refused(site: Site) -> None:
    found = site("list", "--read-preference", "fastest")
    assert (found.exit_code, found.stdout) == (2, "")
    assert "primary, primaryPreferred, secondary, secondaryPreferred, nearest" in found.stderr


def test_without_a_primary_answers_still_come(site: Site, cluster: ThreeNodes) -> None:
    """One member of three is left: it can't be primary, and what it has can be read."""
    expected = {arguments: site.text(*arguments) for arguments in ANSWERS}
    survivor = cluster.secondaries()[0]
    for node in cluster.nodes:
        if node is not survivor:
            node.kill()
    preferring = ("--read-preference", "secondaryPreferred")
    assert site.text("list", *preferring) == expected["list",]
    for arguments in ANSWERS:
        assert site.text(*arguments, *preferring, "--timeout", "5s") == expected[arguments]
    _the_doctor_tells_it(site, preferring)
    refused = site("delete", "vision", "--force", "--read-preference", "secondaryPreferred", "--timeout", "1s")
    assert (refused.exit_code, "the replica set has no primary" in refused.stderr) == (69, True)
    cluster.heal()  # before the site is taken down


def _the_doctor_tells_it(site: Site, preferring: tuple[str, str]) -> None:
    started = time.monotonic()
    result = site("--json", "doctor", *preferring)
    assert result.exit_code == 6, result.stderr
    answer = json.loads(result.stdout)
    (degraded,) = [one for one in answer["findings"] if one["name"] == "replica-set-degraded"]
    told = [(one["name"], one["detail"]) for one in degraded["examples"]]
    assert ("three", "no primary") in told
    assert len(told) == 3  # and the two members that are not reached
    assert "not-writable" not in [one["name"] for one in answer["findings"]]
    reason = "the replica set has no primary"
    skipped = [{"name": name, "reason": reason} for name in ("lease-stale", "operation-unfinished")]
    assert answer["skipped"] == skipped
    assert time.monotonic() - started < WAITED_FOR_A_PRIMARY
    alone = site("--json", "doctor", "--only", "lease-stale", *preferring)
    assert (alone.exit_code, reason in alone.stderr) == (69, True)
