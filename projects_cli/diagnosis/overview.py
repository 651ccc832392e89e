"""The overview of `projects status`: the server, the documents, the user's privileges, and interrupted changes.

It only reads. A value that the user may not see, or that takes too long, is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from projects_cli.changes.lease import describe_holder
from projects_cli.diagnosis import privileges
from projects_cli.diagnosis.deployment_checks import is_known
from projects_cli.errors import DatabaseRefused, DatabaseTimeout, DatabaseUnavailable, MalformedReply
from projects_cli.process_identity import is_dead
from projects_cli.store import deployment
from projects_cli.store.client import DEFAULT_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects_cli.changes.history import Operations
    from projects_cli.messages import Document
    from projects_cli.store.collections import Store

COUNTED = ("project", "task", "model")


@dataclass(slots=True)
class Overview:
    """Reads the overview of one company's part of a deployment.

    `operations` are those of the journal, and `journal_database` is its name; both are None without a journal.
    """

    store: Store
    database: str
    operations: Operations | None
    journal_database: str | None
    unknown: list[Document] = field(default_factory=list)

    def read(self) -> Document:
        """Return the overview; `unknown` has the values that could not be read, with the reasons."""
        connection = self.store.connection
        # Needs no privilege, so the overview has at least this.
        hello = deployment.hello(connection)
        topology = deployment.topology(hello)
        with connection.within(DEFAULT_TIMEOUT):  # all counts together
            counts = {
                f"{name}s": {
                    "own": self._count(name, "own", self.store.company),
                    "public": self._count(name, "public", ""),
                }
                for name in COUNTED
            }
        # Decided here: later entries of `unknown` are about other privileges.
        can_count = not any(entry["refused"] for entry in self.unknown)
        version = self._try("the server's version", lambda: deployment.version(connection))
        server = {
            "version": version,
            "supported": None if version is None else is_known(version),
            "topology": topology,
            "transactions": topology != "standalone",
            "hosted_by": deployment.hosted_by(connection),
            "replica_set": hello.get("setName"),
            "primary": hello.get("primary"),
            "members": [name for kind in deployment.MEMBERS for name in hello.get(kind, ())],
        }
        company = self._try("the company's name", lambda: self.store.companies.find_one({}, {"name": 1})) or {}
        overview: Document = {
            "server": server,
            "company": {"id": self.store.company, "name": company.get("name")},
            "counts": counts,
            "rights": self._rights(can_count=can_count),
        }
        with connection.within(DEFAULT_TIMEOUT):  # the journal is read from the primary, which may be away
            overview |= self._journal()
        return overview | {"unknown": [{"name": entry["name"], "reason": entry["reason"]} for entry in self.unknown]}

    def _try(self, name: str, work: Callable[[], Any]) -> Any:
        """Return the result of `work`, or None with a reason.

        Raises:
            MalformedReply: the server is broken, so none of its replies can be relied on.
        """
        try:
            return work()
        except MalformedReply:
            raise
        except (DatabaseRefused, DatabaseTimeout, DatabaseUnavailable) as error:
            # The rest is the command in MongoDB's own words.
            reason = error.message.partition(" to execute command")[0]
            self.unknown.append({"name": name, "reason": reason, "refused": isinstance(error, DatabaseRefused)})
            return None

    def _count(self, kind: str, owner: str, company: str) -> Any:
        name = f"the number of {owner} {kind}s"
        return self._try(name, lambda: self.store.named(kind).count({"company": company}))

    def _rights(self, *, can_count: bool) -> Document:
        """Return the user's privileges. If the server knows no users, the counts show whether it requires a login."""
        connection, journal = self.store.connection, self.journal_database
        privileges_read = self._try(
            "the user's privileges", lambda: privileges.missing(connection, self.database, journal)
        )
        user, missing = privileges_read or (None, {})

        def lacks(database: str, *actions: str) -> bool:
            lacking = {action for name in missing if name.startswith(f"{database}.") for action in missing[name]}
            return not lacking.isdisjoint(actions) if actions else bool(lacking)

        can_read = can_count if user is None else not lacks(self.database, "find")
        can_write_journal = can_read if user is None else not lacks(str(journal))
        return {
            "user": user,
            "can_read": can_read,
            "can_write": can_read and not lacks(self.database),
            # Null: without a journal the question does not arise.
            "can_write_journal": None if journal is None else can_write_journal,
            "missing": [f"{action} on {collection}" for collection, actions in missing.items() for action in actions],
        }

    def _journal(self) -> Document:
        """Return the interrupted changes, and the holder of the lock on the company's structure.

        The next change takes over a `stale` lock.
        """
        interrupted = lock = None
        if self.operations is not None:
            operations = self._try("the interrupted changes", self.operations.interrupted)
            if operations is not None:
                fields = ("id", "state", "started", "by", "host", "summary")
                records = [{name: getattr(operation, name) for name in fields} for operation in operations]
                interrupted = {"count": len(records), "operations": records}
            lease = self._try("the lock", self.operations.lease)
            if lease is not None:
                holder = {name: lease.get(name) for name in ("by", "host", "pid", "command")}
                stale = bool(lease["expired"]) or is_dead(lease)
                lock = {"holder": describe_holder(lease), **holder, "stale": stale}
        return {"interrupted": interrupted, "lock": lock}
