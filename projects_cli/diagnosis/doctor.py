"""The diagnosis of a company's part of a database and of its deployment, and the plan of a repair."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from projects_cli import errors
from projects_cli.diagnosis import deployment_checks, project_checks
from projects_cli.diagnosis.findings import MEMBERS, PROJECTS, Findings
from projects_cli.diagnosis.project_checks import CHUNK, Projects
from projects_cli.extended_json import compact, id_text
from projects_cli.messages import Count, Plan, Response, Sample, Step
from projects_cli.store.index_definitions import INDEXES, SERVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from projects_cli.changes.runner import Runner
    from projects_cli.diagnosis.project_checks import Member
    from projects_cli.messages import Collection, Document
    from projects_cli.store.collections import Store

MEMBER_KINDS: tuple[Member, ...] = ("task", "model")
COLLECTIONS: tuple[Collection, ...] = ("project", *MEMBER_KINDS)
PROJECT_FINDINGS = frozenset(kind.name for kind in PROJECTS)
DOCUMENT_FINDINGS = PROJECT_FINDINGS | {kind.name for kind in MEMBERS}
"""Findings about documents, which alone can be repaired."""

MINOR = frozenset(kind.name for kind in PROJECTS if kind.name.startswith(("tags-", "basename-")))
"""Findings whose repair is confirmed by a plain yes: it changes no parent and no name."""


FAILURES = (errors.DatabaseRefused, errors.DatabaseError, errors.DatabaseTimeout, errors.DatabaseUnavailable)


@dataclass(slots=True)
class Report:
    """The findings of a diagnosis, and the data that a repair needs."""

    findings: Findings
    server: Document = field(default_factory=dict)
    projects: Projects | None = None
    lost: dict[Member, dict[str, int]] = field(default_factory=dict)

    def response(self, **more: Any) -> Response:
        """Return the response of the command."""
        skipped = [{"name": kind, "reason": error.message} for kind, error in sorted(self.findings.skipped.items())]
        data = {"server": self.server, "skipped": skipped, **more, "findings": self.findings.records()}
        return Response("doctor", data)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Checks a store, which a repair reads from the primary. `journal_database` is None without a journal."""

    runner: Runner
    store: Store
    journal_database: str | None

    def report(self, wanted: frozenset[str]) -> Report:
        """Check for these kinds of findings.

        Raises:
            DatabaseRefused: the user may not read the documents. Other refused checks are skipped, and reported so.
        """
        return self.store.connection.retry(lambda: self._report(wanted))

    def _report(self, wanted: frozenset[str]) -> Report:
        store, findings = self.store, Findings(wanted)
        report = Report(findings)
        with store.connection.unlimited():
            # A check that is not wanted is not made: it could be slow, or refused.
            for kinds, check in self._deployment_checks(report):
                if kinds.isdisjoint(wanted):
                    continue
                try:
                    check()
                except (errors.ConnectionLost, errors.MalformedReply):  # the server is broken: all is retried
                    raise
                except FAILURES as error:
                    findings.skipped |= dict.fromkeys(kinds & wanted, error)
            # Lost tasks and models are those whose project is not in the tree.
            if not wanted.isdisjoint(PROJECT_FINDINGS | {f"{kind}-project-gone" for kind in MEMBER_KINDS}):
                report.projects = Projects(store, findings)
            for kind in MEMBER_KINDS:
                if f"{kind}-project-gone" in wanted and report.projects is not None:
                    report.lost[kind] = project_checks.check_members(kind, report.projects.tree, store, findings)
                if f"{kind}-reference-deleted" in wanted:
                    project_checks.check_references(kind, store, findings)
        return report

    def _deployment_checks(self, report: Report) -> Iterator[tuple[set[str], Callable[[], None]]]:
        """Yield the checks of the deployment, each with the kinds that it may find."""
        store, findings, clock = self.store, report.findings, self.runner.clock
        connection, databases = store.connection, (self.runner.database, self.journal_database)
        checks = deployment_checks
        yield (
            {"server-version", "not-writable", "clock-skew"},
            lambda: report.server.update(checks.check_server(connection, clock, findings)),
        )
        yield {"server-compatibility"}, lambda: checks.check_compatibility(connection, findings)
        yield {"replica-set-degraded"}, lambda: checks.check_members(connection, findings)
        yield (
            {"right-missing"},
            lambda: report.server.update(user=checks.check_rights(connection, *databases, findings)),
        )
        yield {"index-missing"}, lambda: checks.check_missing_indexes(store, SERVER, findings)
        yield {"index-unused"}, lambda: checks.check_unused_indexes(connection, INDEXES, clock(), findings)
        if self.journal_database is not None:
            yield (
                {"operation-unfinished", "lease-stale"},
                lambda: checks.check_journal(connection, self.runner.operations, findings),
            )

    def plan(self, report: Report) -> Plan[Step]:
        """Plan the repair of the unambiguous findings of a report; the plan may have no steps."""
        company = self.store.company
        members = [step for kind, projects in report.lost.items() for step in _member_steps(kind, projects, company)]
        projects = []
        if report.projects is not None:
            projects = list(_project_steps(report.projects, report.findings.wanted, company))
        # For the prompt: what would be changed, by kind.
        counts = {"projects": len(projects)}
        for kind in MEMBER_KINDS:
            counts[f"{kind}s"] = sum(step.count for step in members if step.collection == kind)
        summary = f"repair the findings of the doctor in {self.runner.database!r}"
        repaired = {kind for kind, finding in report.findings.by_kind.items() if finding.fixable}
        return Plan(
            endpoint="doctor",
            summary=summary if members or projects else "nothing can be fixed by --fix",
            steps=[*members, *projects],
            answer={f"{kind}s": Count(kind, "update") for kind in COLLECTIONS},
            counts={name: count for name, count in counts.items() if count},
            samples=[Sample(id_text(step.filter["_id"]), step.name) for step in projects],
            # A new place or name of a project is visible to every user: its repair takes more than a yes.
            question="yes" if repaired <= MINOR else "name",
            name=self.runner.database,
            refuses_interrupted=True,
        )


@dataclass(frozen=True, slots=True)
class Repair:
    """The repair of these kinds of findings, as a change."""

    diagnosis: Diagnosis
    wanted: frozenset[str]

    def plan(self, store: Store) -> Plan[Step]:
        """Return the plan of the repair, from a new report."""
        diagnosis = replace(self.diagnosis, store=store)
        return diagnosis.plan(diagnosis.report(self.wanted & DOCUMENT_FINDINGS))


def _member_steps(kind: Member, lost: dict[str, int], company: str) -> Iterator[Step]:
    """Yield the steps that remove tasks or models from projects that do not exist, as a delete does."""
    ids = list(lost)
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        condition: Document = {"company": company, "project": {"$in": chunk}}
        count = sum(lost[identifier] for identifier in chunk)
        yield Step(kind, "update", condition, {"$set": {"project": None}}, count, "the project does not exist")


def _project_steps(projects: Projects, wanted: frozenset[str], company: str) -> Iterator[Step]:
    """Yield a step for each project that changes, parents first.

    `last_update` is not set: it records work in the project, and a repair is not work.
    """
    moved = {project.id: (change, reason) for project, change, reason in projects.repair.changes()}
    known = projects.tree.projects
    others = [project for project in known.values() if project.own and project.id not in moved]
    # Parents first, so that a name never has a path that does not exist yet.
    for project in [*(known[identifier] for identifier in moved), *others]:
        change, reason = moved.get(project.id, ({}, ""))
        fields = dict(projects.tags.get(project.id, {}))
        if "basename-mismatch" in wanted and type(project.name) is str:
            basename = projects.new_basename(project)
            fields |= {} if basename is None else {"basename": basename}
        if fields:
            change = {**change, "$set": {**fields, **change.get("$set", {})}}
        if change:
            why = ", ".join([*sorted(fields), *([reason] if reason else [])])
            condition: Document = {"_id": project.stored, "company": company}
            name = compact(project.name or "") or id_text(project.stored)
            yield Step("project", "update", condition, change, why=why, name=name)
