"""What a person wants to know at first: the server, how much there is, what they may do, and what is unfinished.

Only looked at, never written to; what the user may not see, or takes too long, is told as unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from projects_cli.changes.lease import describe_holder
from projects_cli.diagnosis import privileges
from projects_cli.errors import DatabaseRefused, DatabaseTimeout, DatabaseUnavailable, MalformedReply
from projects_cli.process_identity import is_dead
from projects_cli.store import deployment
from projects_cli.store.client import DEFAULT_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from projects_cli.changes.history import Operations
    from projects_cli.messages import Document
    from projects_cli.store.collections import Store

COUNTED = ("project", "task", "model")


@dataclass(slots=True)
class Overview:
    """A look at one company's part of a deployment.

    `operations` are those of the journal, and `journal_database` is its name; None: there is no journal.
    """

    store: Store
    database: str
    operations: Operations | None
    journal_database: str | None
    unknown: list[Document] = field(default_factory=list)
    refused: bool = False

    def look(self) -> Document:
        """Give all of it; `unknown` says what could not be found out, and why."""
        counts = self._counts()
        may_count = not self.refused
        return {
            "server": self._server(),
            "company": self._company(),
            "counts": counts,
            "rights": self._rights(may_count),
            **self._journal(),
            "unknown": self.unknown,
        }

    def _journal(self) -> Document:
        """Give what the journal tells, all of it within the time of one command; it is asked of the primary."""
        with self.store.connection.within(DEFAULT_TIMEOUT):
            return {"unfinished": self._unfinished(), "lock": self._lock()}

    def _tried(self, what: str, work: Callable[[], Any]) -> Any:
        """Return the result of `work`, or None with a reason.

        Raises:
            MalformedReply: the server is broken, so nothing that it reports can be relied on.
        """
        try:
            return work()
        except MalformedReply:
            raise
        except (DatabaseRefused, DatabaseTimeout, DatabaseUnavailable) as error:
            self.refused = self.refused or isinstance(error, DatabaseRefused)
            self.unknown.append({"what": what, "why": error.message.partition(" to execute command")[0]})
            return None

    def _server(self) -> Document:
        hello = deployment.hello(self.store.connection)
        topology = deployment.topology(hello)
        return {
            "version": self._tried("the server's version", lambda: deployment.version(self.store.connection)),
            "topology": topology,
            "transactions": topology != "standalone",
            "hosted_by": deployment.hosted_by(self.store.connection),
            "set": hello.get("setName"),
            "primary": hello.get("primary"),
            "members": [name for kind in deployment.MEMBERS for name in hello.get(kind, ())],
        }

    def _company(self) -> Document:
        found = self._tried("the company's name", lambda: self.store.companies.find_one({}, {"name": 1}))
        return {"id": self.store.company, "name": (found or {}).get("name")}

    def _counts(self) -> Document:
        """Count the company's documents and the public ones, all of it within the time of one command."""
        with self.store.connection.within(DEFAULT_TIMEOUT):
            return {
                f"{name}s": {
                    "own": self._count(name, "own", {"company": self.store.company}),
                    "public": self._count(name, "public", {"company": ""}),
                }
                for name in COUNTED
            }

    def _count(self, name: str, which: str, filter_: Document) -> Any:
        return self._tried(f"the number of {which} {name}s", lambda: self.store.named(name).count(filter_))

    def _rights(self, may_count: bool) -> Document:
        """Give what the user may do; where the server knows no user, its answers tell whether it asks for one."""
        connection, journal = self.store.connection, self.journal_database
        found = self._tried("the user's rights", lambda: privileges.missing(connection, self.database, journal))
        user, missing = found or (None, {})
        reads = may_count if user is None else "find" not in _actions(missing, self.database)
        may_journal = reads if user is None else not _actions(missing, str(journal))
        return {
            "user": user,
            "read": reads,
            "write": reads and not _actions(missing, self.database),
            "journal": None if journal is None else may_journal,
            "missing": [f"{action} on {place}" for place, actions in missing.items() for action in actions],
        }

    def _unfinished(self) -> Document | None:
        """Give the changes that were stopped in the middle, as the journal has them."""
        if self.operations is None:
            return None
        found = self._tried("what is unfinished", self.operations.interrupted)
        if found is None:
            return None
        shown = ("id", "state", "started", "by", "host", "summary")
        operations = [{name: getattr(operation, name) for name in shown} for operation in found]
        return {"count": len(operations), "operations": operations}

    def _lock(self) -> Document | None:
        """Give who holds the lock on the company's structure; `stale`: the next change takes it over."""
        if self.operations is None:
            return None
        held = self._tried("the lock", self.operations.lease)
        if held is None:
            return None
        shown = {name: held.get(name) for name in ("by", "host", "pid", "command")}
        return {"holder": describe_holder(held), **shown, "stale": bool(held["expired"]) or is_dead(held)}


def _actions(missing: Mapping[str, list[str]], database: str) -> set[str]:
    """Give the actions that are missing anywhere in a database."""
    return {action for place, actions in missing.items() if place.startswith(f"{database}.") for action in actions}
