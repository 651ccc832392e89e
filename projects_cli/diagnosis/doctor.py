"""The doctor: says what is wrong with a company's part of a database and with what surrounds it, and plans the cure."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from projects_cli.diagnosis import deployment_checks, project_checks
from projects_cli.diagnosis.findings import MEMBERS, PROJECTS, Findings
from projects_cli.diagnosis.project_checks import Projects
from projects_cli.errors import (
    ConnectionLost,
    DatabaseError,
    DatabaseRefused,
    DatabaseTimeout,
    DatabaseUnavailable,
    MalformedReply,
)
from projects_cli.extended_json import compact, id_text
from projects_cli.messages import Plan, Response, Sample, Step
from projects_cli.store.index_definitions import INDEXES, SERVER

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from projects_cli.changes.runner import Runner
    from projects_cli.diagnosis.project_checks import Member
    from projects_cli.diagnosis.project_tree import Project
    from projects_cli.messages import Document, Outcome
    from projects_cli.store.collections import Store

OF_PROJECTS = frozenset(kind.name for kind in PROJECTS)
CONTENTS = OF_PROJECTS | {kind.name for kind in MEMBERS}
OF_SERVER = frozenset({"server-version", "not-writable", "clock-skew"})
OF_JOURNAL = frozenset({"operation-unfinished", "lease-stale"})
MILD = frozenset(kind.name for kind in PROJECTS if kind.name.startswith(("tags-", "basename-")))
"""Kinds whose cure is asked about with a plain yes: nothing gets another place or name."""

MEMBER_KINDS: tuple[Member, ...] = ("task", "model")

WHY = "the project is gone"


@dataclass(slots=True)
class Examination:
    """What was found, and what a cure needs of it."""

    findings: Findings
    server: Document = field(default_factory=dict)
    projects: Projects | None = None
    lost: dict[Member, dict[str, int]] = field(default_factory=dict)

    def response(self, **more: Any) -> Response:
        """Give the answer of the command."""
        data = {"server": self.server, "skipped": self.findings.skipped, **more, "findings": self.findings.records()}
        return Response("doctor", data)


@dataclass(frozen=True, slots=True)
class Doctor:
    """What an examination needs.

    `store` has the documents, read from where the run reads; a cure reads them where it writes. `journal_database` is
    None where there is no journal.
    """

    safety: Runner
    store: Store
    journal_database: str | None

    # --- looking --------------------------------------------------------------------------------------------------

    def examine(self, wanted: frozenset[str]) -> Examination:
        """Look for these kinds of findings; nothing is written.

        Raises:
            DatabaseRefused: the user may not read the documents. What else may not be looked at is left out and told.
        """
        found = Examination(Findings(wanted))
        checks: list[Callable[[], None]] = [
            partial(self._try, kinds & wanted, check, found.findings)
            for kinds, check in self._surroundings(found)
            if not kinds.isdisjoint(wanted)
        ]
        checks += self._contents(found)
        with self.store.connection.unlimited():
            for check in checks:
                check()
        return found

    def _surroundings(self, found: Examination) -> Iterator[tuple[frozenset[str], Callable[[], None]]]:
        """Give the checks of what surrounds the documents, each with the kinds that it finds."""
        connection, clock, findings = self.store.connection, self.safety.clock, found.findings
        yield OF_SERVER, lambda: found.server.update(deployment_checks.server(connection, clock, findings))
        yield frozenset({"server-compatibility"}), lambda: deployment_checks.compatibility(connection, findings)
        yield frozenset({"replica-set-degraded"}), lambda: deployment_checks.members(connection, findings)
        yield frozenset({"right-missing"}), lambda: found.server.update(user=self._rights(findings))
        yield frozenset({"index-missing"}), lambda: deployment_checks.missing_indexes(self.store, SERVER, findings)
        yield (
            frozenset({"index-unused"}),
            lambda: deployment_checks.unused_indexes(connection, INDEXES, clock(), findings),
        )
        if self.journal_database is not None:
            yield OF_JOURNAL, lambda: deployment_checks.journal(connection, self.safety.operations, findings)

    def _rights(self, findings: Findings) -> str | None:
        return deployment_checks.rights(self.store.connection, self.safety.database, self.journal_database, findings)

    def _try(self, kinds: frozenset[str], check: Callable[[], None], findings: Findings) -> None:
        try:
            check()
        except (ConnectionLost, MalformedReply):  # the whole is done again; the server is broken
            raise
        except (DatabaseRefused, DatabaseError, DatabaseTimeout, DatabaseUnavailable) as error:
            findings.skipped += [{"name": kind, "why": error.message} for kind in sorted(kinds)]
            findings.faults |= dict.fromkeys(kinds, error)

    def _contents(self, found: Examination) -> Iterator[Callable[[], None]]:
        """Give the checks of the documents; those of tasks and models need the projects, which come first."""
        findings = found.findings
        projects = Projects(self.store.company)
        places = {f"{kind}-project-gone" for kind in MEMBER_KINDS}
        if not findings.wanted.isdisjoint(OF_PROJECTS | places):
            found.projects = projects
            yield lambda: projects.read(self.store, findings)
        for kind in MEMBER_KINDS:
            if f"{kind}-project-gone" in findings.wanted:
                yield partial(self._lost, kind, projects, found)
            if f"{kind}-reference-deleted" in findings.wanted:
                yield partial(project_checks.deleted_references, kind, self.store, findings)

    def _lost(self, kind: Member, projects: Projects, found: Examination) -> None:
        found.lost[kind] = project_checks.lost_members(kind, projects, self.store, found.findings)

    # --- mending --------------------------------------------------------------------------------------------------

    def plan(self, wanted: frozenset[str]) -> Plan:
        """Plan the cure of these kinds, as far as it is certain; a plan without steps where there is nothing to do."""
        found = self.examine(wanted & CONTENTS)
        members = list(_leave(found.lost, self.store.company))
        projects = [] if found.projects is None else list(_changed(found.projects, wanted, self.store.company))
        counts = {
            "projects": len(projects),
            **{
                f"{kind}s": sum(step.count for step in members if step.collection == kind) for kind in ("task", "model")
            },
        }
        mended = {name for name, finding in found.findings.found.items() if finding.fixable}
        return Plan(
            endpoint="doctor",
            summary=f"mend what the doctor found in {self.safety.database!r}",
            steps=[*members, *projects],
            answer=_answer,
            counts={name: count for name, count in counts.items() if count},
            samples=[Sample(id_text(step.filter["_id"]), step.name) for step in projects],
            question="yes" if mended <= MILD else "name",
            name=self.safety.database,
        )


def _answer(outcome: Outcome) -> Document:
    return {f"{kind}s": outcome.count(kind, "update") for kind in ("project", "task", "model")}


def _leave(lost: Mapping[Member, Mapping[str, int]], company: str) -> Iterator[Step]:
    """Give the steps that take the company's tasks and models out of projects that are gone, as a delete does."""
    for kind, projects in lost.items():
        ids = list(projects)
        for start in range(0, len(ids), project_checks.CHUNK):
            chunk = ids[start : start + project_checks.CHUNK]
            condition: Document = {"company": company, "project": {"$in": chunk}}
            count = sum(projects[one] for one in chunk)
            yield Step(kind, "update", condition, {"$set": {"project": None}}, count, WHY)


def _changed(projects: Projects, wanted: frozenset[str], company: str) -> Iterator[Step]:
    """Give a step for each project that changes, those above first; `last_update` stays, since nobody worked on it."""
    placed = {one.id: (change, why) for one, change, why in projects.mending.changes()}
    for project in _in_order(projects, placed):
        change, why = placed.get(project.id, ({}, ""))
        own = dict(projects.tags.get(project.id, {}))
        if "basename-mismatch" in wanted and type(project.name) is str:
            basename = projects.new_basename(project)
            own |= {} if basename is None else {"basename": basename}
        if own:
            change = {**change, "$set": {**own, **change.get("$set", {})}}
        if change:
            words = ", ".join(dict.fromkeys([*sorted(own), *([why] if why else [])]))
            condition: Document = {"_id": project.stored, "company": company}
            name = compact(project.name or "") or id_text(project.stored)
            yield Step("project", "update", condition, change, why=words, name=name)


def _in_order(projects: Projects, placed: Mapping[Hashable, Any]) -> Iterator[Project]:
    """Give the projects that get another place, those above first, then all others of the company."""
    known = projects.forest.projects
    yield from (known[identifier] for identifier in placed)
    yield from (one for one in known.values() if one.own and one.id not in placed)
