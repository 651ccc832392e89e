"""The kinds of findings, and the findings of one run. `docs/doctor.md` is generated from the table of kinds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from projects_cli.extended_json import compact, id_text

if TYPE_CHECKING:
    from projects_cli.errors import ProjectsError
    from projects_cli.messages import Document

EXAMPLES = 5  # examples that are kept of each kind

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


class Kind(NamedTuple):
    """A kind of finding. `fix` describes what `--fix` does; it is empty if it does nothing.

    An error makes answers wrong or stops work, a warning may, and a note is for information.
    """

    severity: Severity
    name: str
    description: str
    advice: str
    fix: str = ""


# fmt: off
PROJECTS: tuple[Kind, ...] = (
    Kind("warning", "basename-mismatch", "basename is missing, or not the last part of the name",
         "searches by basename miss the project", "sets basename to the last part of the name"),
    Kind("error", "field-missing", "name, user or created is missing",
         "a server needs it: look at the document in MongoDB, and set it"),
    Kind("error", "field-type", "a field has a type or a value that no server writes",
         "a server may fail to read the project: look at the document in MongoDB, and set the field; an id can't be "
         "changed, so delete the project, or insert a copy with another id"),
    Kind("error", "name-duplicated", "several projects of the company have the same name",
         "rename all but one (projects update ID --name), then create the unique index on name and company"),
    Kind("warning", "name-public", "a public project has the same name",
         "rename the company's own project (projects update ID --name): the name is ambiguous"),
    Kind("error", "parent-gone", "the parent does not exist, or belongs to another company",
         "if the name does not determine the parent either, create the missing parent, and run --fix",
         "sets parent and path to the one project that has the parent's name, or to the top level, unless path ends "
         "in another project"),
    Kind("error", "parent-cycle", "following parents leads back to the project itself",
         "look at the projects in MongoDB, and set the true parent of one of them"),
    Kind("error", "parent-mismatch", "name and parent do not match",
         "if name, parent and path all differ, look at the project in MongoDB, and set two of them",
         "if two of name, parent and path agree, sets the third, and renames all sub-projects"),
    Kind("error", "path-mismatch", "path is not the list of the ancestors",
         "the project is counted in the wrong projects; if --fix cannot help, repair the ancestors first",
         "rebuilds path from the parents"),
    Kind("warning", "too-deep", "more than 10 levels",
         "neither a server nor this program creates such projects: move it further up, in the server"),
    Kind("warning", "tags-null", "tags or system_tags is null",
         "an index and a query see null where they expect a list", "sets an empty list"),
    Kind("note", "tags-unsorted", "tags or system_tags is not sorted",
         "answers are sorted anyway; two projects with the same tags look different to MongoDB", "sorts them"),
    Kind("note", "tags-duplicated", "tags or system_tags has a tag twice", "harmless, but no server writes it",
         "keeps each once, sorted"),
    Kind("error", "tags-type", "tags or system_tags is not a list of texts",
         "look at items that are not texts in MongoDB", "makes a list of a single text"),
)
"""Findings about projects."""

MEMBERS: tuple[Kind, ...] = (
    *(Kind("error", f"{kind}-project-gone", f"the project of a {kind} does not exist, or belongs to another company",
           f"no list of a project has the {kind}", f"removes the {kind} from the project, as a delete does")
      for kind in ("task", "model")),
    *(Kind("note", f"{kind}-reference-deleted", f"a {kind} refers to a deleted document (__DELETED__…)",
           "nothing to do: the server leaves this mark itself") for kind in ("task", "model")),
)
"""Findings about tasks and models."""

DEPLOYMENT: tuple[Kind, ...] = (
    Kind("warning", "index-missing", "an index that every ClearML server creates is missing",
         "lists and deletes are slow without it: projects indexes create; the server creates it again when it starts"),
    Kind("note", "index-unused",
         "an index that no server creates was not used for a week on the member that was asked",
         "every write maintains it; drop it in MongoDB if nothing else needs it, on any member: $indexStats on each"),
    Kind("error", "operation-unfinished", "a change was interrupted",
         "finish it (projects resume ID) or undo it (projects undo ID); --fix waits for that"),
    Kind("note", "lease-stale", "the lock is held by a process that has ended",
         "nothing to do: the next change takes it over"),
    Kind("error", "server-version", "this MongoDB is too old, or newer than the known versions",
         "MongoDB 4.4 to 8 are supported; only 6.0 is tested"),
    Kind("warning", "server-compatibility", "an upgrade of the server was not finished",
         "raise the feature compatibility version: db.adminCommand({setFeatureCompatibilityVersion: …}), "
         "from 7.0 on with confirm: true"),
    Kind("error", "not-writable", "the server does not accept writes: it is a secondary",
         "name all members of the replica set in the URI, without directConnection"),
    Kind("warning", "replica-set-degraded", "a member of the replica set is down or not ready, or there is no primary",
         "look at the member: rs.status()"),
    Kind("warning", "clock-skew", "this clock and the server's differ by over 5 seconds",
         "the times that this program writes into created and last_update are wrong: set the clocks (NTP)"),
    Kind("error", "right-missing", "the user lacks privileges that changes need",
         "grant readWrite on the database and on the journal's; for reading, read is enough"),
)
"""Findings about the server, its indexes, and the journal."""
# fmt: on

KINDS: dict[str, Kind] = {kind.name: kind for kind in (*PROJECTS, *MEMBERS, *DEPLOYMENT)}
"""All kinds by name, in the order in which they are reported."""


@dataclass(slots=True)
class Finding:
    """The findings of one kind: how many, how many of them `--fix` can repair, and a few examples."""

    count: int = 0
    fixable: int = 0
    examples: list[Document] = field(default_factory=list)


@dataclass(slots=True)
class Findings:
    """The findings of the `wanted` kinds, and the kinds that could not be checked."""

    wanted: frozenset[str]
    by_kind: dict[str, Finding] = field(default_factory=dict)
    skipped: dict[str, ProjectsError] = field(default_factory=dict)

    def add(self, kind: str, *examples: Document, count: int = 1, fixable: int = 0) -> None:
        """Count findings of a kind, unless it is not wanted, and keep a few examples."""
        if kind not in self.wanted:
            return
        finding = self.by_kind.setdefault(kind, Finding())
        finding.count += count
        finding.fixable += fixable
        finding.examples += examples[: EXAMPLES - len(finding.examples)]

    def records(self) -> list[dict[str, Any]]:
        """Return the findings for the response: errors first, then warnings and notes."""
        # By the table, not by the order of the checks, so that reports can be compared.
        kinds = [kind for name, kind in KINDS.items() if name in self.by_kind]
        return [
            {
                "name": kind.name,
                "severity": kind.severity,
                "count": self.by_kind[kind.name].count,
                "fixable": self.by_kind[kind.name].fixable,
                "description": kind.description,
                "advice": kind.advice,
                "fix": kind.fix or None,
                "examples": self.by_kind[kind.name].examples,
            }
            for kind in sorted(kinds, key=lambda kind: SEVERITIES.index(kind.severity))
        ]

    @property
    def by_severity(self) -> dict[Severity, int]:
        """Return the number of kinds that were found of each severity, the gravest first."""
        counted = Counter(KINDS[name].severity for name in self.by_kind)
        return {severity: counted[severity] for severity in SEVERITIES if severity in counted}


def example(identifier: object, name: object, detail: str = "") -> Document:
    """Return an example: a document's id and name as text, and a detail unless the kind is enough."""
    named = {"id": id_text(identifier), "name": None if name is None else compact(name)}
    return named | {"detail": detail} if detail else named
