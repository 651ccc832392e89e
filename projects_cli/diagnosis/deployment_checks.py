"""Checks of a deployment: indexes, journal, server, clock and privileges."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from projects_cli.diagnosis import privileges
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
"""The first MongoDB with everything that this program uses: a comment on an update, `allowDiskUse` on a find."""

NEWEST = 8  # the last major version that this program was written for
SKEW = timedelta(seconds=5)  # how far two clocks may differ; NTP keeps them within a fraction of a second
UNUSED = timedelta(days=7)  # how long an index must be unused before it is reported

HEALTHY = frozenset({"PRIMARY", "SECONDARY", "ARBITER"})


def check_missing_indexes(store: Store, expected: Mapping[str, Iterable[Document]], findings: Findings) -> None:
    """Find missing indexes, whatever their names."""
    for collection, indexes in expected.items():
        # Compared by fields and options: an administrator may have chosen another name.
        present = [signature(index) for index in store.named(collection).indexes(required=True)]
        for index in indexes:
            if signature(index) not in present:
                findings.add("index-missing", {"name": f"{collection}.{index['name']}"})


def check_unused_indexes(
    connection: Connection, known: Mapping[str, Iterable[Document]], now: datetime, findings: Findings
) -> None:
    """Find indexes that neither a server nor this program creates, and that were not used for a week.

    Each shard has a part of a sharded collection's index, which is in use if any of them is.
    """
    for collection, indexes in known.items():
        signatures = [signature(index) for index in indexes]
        parts_by_name: dict[str, list[Document]] = defaultdict(list)
        for part in deployment.index_use(connection, collection):
            if part["name"] != "_id_" and signature(part["spec"]) not in signatures:
                parts_by_name[part["name"]].append(part)
        for name, parts in parts_by_name.items():
            # Counters begin anew when a member starts, so an index is known to be unused only since then.
            age = now.replace(tzinfo=None) - max(part["accesses"]["since"] for part in parts)
            if age >= UNUSED and not any(part["accesses"]["ops"] for part in parts):
                hosts = ", ".join(sorted(str(part["host"]) for part in parts))
                findings.add("index-unused", {"name": f"{collection}.{name}", "detail": f"on {hosts}"})


def check_journal(connection: Connection, operations: Operations, findings: Findings) -> None:
    """Find interrupted changes, and a lock whose holder has ended.

    Raises:
        DatabaseUnavailable: there is no primary, from which the journal is read.
    """
    if _lacks_primary(connection, deployment.hello(connection)):
        raise DatabaseUnavailable("the replica set has no primary")
    for operation in operations.interrupted():
        findings.add("operation-unfinished", example(operation.id, operation.summary, operation.state))
    if (lease := operations.stale_lease()) is not None:
        holder = f"{lease.get('by')} on {lease.get('host')}, pid {lease.get('pid')}"
        findings.add("lease-stale", example(lease["_id"], lease.get("command"), holder))


def check_server(connection: Connection, clock: Callable[[], datetime], findings: Findings) -> Document:
    """Check version, topology and clock. Return them for the response."""
    before = clock()
    hello = deployment.hello(connection)
    after = clock()
    # The server read its clock at some time between the two: half of their distance is uncertain.
    skew = hello["localTime"].replace(tzinfo=UTC) - (before + (after - before) / 2)
    if abs(skew) > SKEW + (after - before) / 2:
        findings.add("clock-skew", {"detail": f"the server's clock is {skew.total_seconds():+.1f} s from here"})
    # Otherwise the driver finds the primary by itself.
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
    """Return whether a version of MongoDB is neither too old nor newer than the known ones."""
    # Also of 8.1.0-rc0 or a fork's 7.0.5-3.
    match = re.match(r"(\d{1,4})(?:\.(\d{1,4}))?", version)
    return match is not None and OLDEST <= (int(match[1]), int(match[2] or 0)) < (NEWEST + 1, 0)


def check_compatibility(connection: Connection, findings: Findings) -> None:
    """Find a server whose upgrade was not finished. The router of a cluster does not report that."""
    if deployment.topology(deployment.hello(connection)) == "sharded":
        return
    version, level = deployment.version(connection), deployment.compatibility(connection)
    # The level stays behind until an administrator raises it after an upgrade.
    if not version.startswith(f"{level}."):
        findings.add("server-compatibility", {"name": level, "detail": f"the server is {version}"})


def check_members(connection: Connection, findings: Findings) -> None:
    """Find the unhealthy members of a replica set, and a set without a primary."""
    hello = deployment.hello(connection)
    if "setName" not in hello:
        return
    if _lacks_primary(connection, hello):
        findings.add("replica-set-degraded", {"name": str(hello["setName"]), "detail": "no primary"})
    for member in deployment.members(connection):
        if not member.get("health") or member.get("stateStr") not in HEALTHY:
            findings.add("replica-set-degraded", {"name": str(member["name"]), "detail": str(member["stateStr"])})


def _lacks_primary(connection: Connection, hello: Document) -> bool:
    """Return whether a replica set has no primary as far as this member knows, unless the URI is for one server."""
    return "setName" in hello and not hello.get("primary") and not deployment.is_direct(connection)


def check_rights(connection: Connection, database: str, journal_database: str | None, findings: Findings) -> str | None:
    """Find the privileges that changes need and the user lacks. Return the user's name; None without a login."""
    user, missing = privileges.missing(connection, database, journal_database)
    for collection, actions in missing.items():
        findings.add("right-missing", {"name": collection, "detail": ", ".join(actions)})
    return user
