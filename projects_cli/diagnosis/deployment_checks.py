"""Looking at what surrounds a company's documents: indexes, journal, server, clock and rights."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from projects_cli.diagnosis import privileges as needed
from projects_cli.diagnosis.findings import example
from projects_cli.errors import DatabaseUnavailable
from projects_cli.store import deployment
from projects_cli.store.index_match import signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from projects_cli.changes.history import Operations
    from projects_cli.diagnosis.findings import Findings
    from projects_cli.messages import Document
    from projects_cli.store.client import Connection
    from projects_cli.store.collections import Store

OLDEST = (4, 4)
"""The first MongoDB that has all that this program asks for: a comment on an update, `allowDiskUse` on a find."""

NEWEST = 8
"""The last major version that it was written for."""

SKEW = timedelta(seconds=5)
"""How far two clocks may differ; NTP keeps them within a fraction of a second."""

UNUSED = timedelta(days=7)
"""How long an index has to be without use before that is told."""

HEALTHY = frozenset({"PRIMARY", "SECONDARY", "ARBITER"})


# --- indexes ------------------------------------------------------------------------------------------------------


def missing_indexes(store: Store, wanted: Mapping[str, Iterable[Document]], findings: Findings) -> None:
    """Find the indexes that every server makes and that are not there; their names do not matter."""
    for collection, indexes in wanted.items():
        there = [signature(index) for index in store.named(collection).indexes(required=True)]
        for index in indexes:
            if signature(index) not in there:
                findings.add("index-missing", {"name": f"{collection}.{index['name']}"})


def unused_indexes(
    connection: Connection, wanted: Mapping[str, Iterable[Document]], now: datetime, findings: Findings
) -> None:
    """Find the indexes that neither a server nor this program makes, and that nobody used for a week.

    Of a sharded collection each shard has its part of an index, which is used where one of them is.
    """
    for collection, indexes in wanted.items():
        made = [signature(index) for index in indexes]
        parts: dict[str, list[Document]] = defaultdict(list)
        for index in deployment.index_use(connection, collection):
            if index["name"] != "_id_" and signature(index["spec"]) not in made:
                parts[index["name"]].append(index)
        for name, found in parts.items():
            since = now.replace(tzinfo=None) - max(index["accesses"]["since"] for index in found)
            if not any(index["accesses"]["ops"] for index in found) and since >= UNUSED:
                hosts = ", ".join(sorted(str(index["host"]) for index in found))
                findings.add("index-unused", {"name": f"{collection}.{name}", "detail": f"on {hosts}"})


# --- journal ------------------------------------------------------------------------------------------------------


def journal(connection: Connection, operations: Operations, findings: Findings) -> None:
    """Find the changes that were stopped in the middle, and a lock whose holder has ended.

    Raises:
        DatabaseUnavailable: there is no primary, which alone is asked for the journal.
    """
    if _lacks_primary(connection, deployment.hello(connection)):
        raise DatabaseUnavailable("the replica set has no primary")
    for operation in operations.interrupted():
        findings.add("operation-unfinished", example(operation.id, operation.summary, operation.state))
    lease = operations.stale_lease()
    if lease is not None:
        holder = f"{lease.get('by')} on {lease.get('host')}, pid {lease.get('pid')}"
        findings.add("lease-stale", example(lease["_id"], lease.get("command"), holder))


# --- server -------------------------------------------------------------------------------------------------------


def server(connection: Connection, clock: Callable[[], datetime], findings: Findings) -> Document:
    """Judge version, topology and clock; gives them as facts."""
    before = clock()
    hello = deployment.hello(connection)
    after = clock()
    skew = hello["localTime"].replace(tzinfo=UTC) - (before + (after - before) / 2)
    if abs(skew) > SKEW + (after - before) / 2:
        findings.add("clock-skew", {"detail": f"the server's clock is {skew.total_seconds():+.1f} s from here"})
    if deployment.is_direct(connection) and not hello.get("isWritablePrimary"):
        findings.add("not-writable", {"name": str(hello.get("me", ""))})
    version = deployment.version(connection)
    if not is_known(version):
        findings.add("server-version", {"name": version})
    topology = deployment.topology(hello)
    return {
        "version": version,
        "topology": topology,
        "transactions": topology != "standalone",
        "clock_skew": round(skew.total_seconds(), 3),
    }


def is_known(version: str) -> bool:
    """Tell whether a version of MongoDB is neither too old nor newer than what is known."""
    major, minor = (int(part) for part in re.findall(r"\d+", f"{version}.0")[:2])
    return (major, minor) >= OLDEST and major <= NEWEST


def compatibility(connection: Connection, findings: Findings) -> None:
    """Find a server whose upgrade was not finished; the router of a cluster does not tell."""
    if deployment.topology(deployment.hello(connection)) == "sharded":
        return
    version, level = deployment.version(connection), deployment.compatibility(connection)
    if not version.startswith(f"{level}."):
        findings.add("server-compatibility", {"name": level, "detail": f"the server is {version}"})


def members(connection: Connection, findings: Findings) -> None:
    """Find the members of a replica set that are not as they should be, and a set without a primary."""
    hello = deployment.hello(connection)
    if "setName" not in hello:
        return
    if _lacks_primary(connection, hello):
        findings.add("replica-set-degraded", {"name": str(hello["setName"]), "detail": "no primary"})
    for member in deployment.members(connection):
        if not member.get("health") or member.get("stateStr") not in HEALTHY:
            findings.add("replica-set-degraded", {"name": str(member["name"]), "detail": str(member["stateStr"])})


def _lacks_primary(connection: Connection, hello: Document) -> bool:
    """Tell whether a replica set that is meant as a whole has no primary, as far as one of its members knows."""
    return "setName" in hello and not hello.get("primary") and not deployment.is_direct(connection)


def rights(connection: Connection, database: str, journal_database: str | None, findings: Findings) -> str | None:
    """Find what the user may not do and changes need; gives the user's name, None where nobody is asked for one."""
    user, missing = needed.missing(connection, database, journal_database)
    for place, actions in missing.items():
        findings.add("right-missing", {"name": place, "detail": ", ".join(actions)})
    return user
