"""What can be wrong with a database: a table of the kinds of findings, and what was found of each.

`docs/doctor.md` is generated from the table.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from projects_cli.extended_json import compact, id_text

if TYPE_CHECKING:
    from projects_cli.errors import ProjectsError
    from projects_cli.messages import Document

EXAMPLES = 5
"""Examples that are kept of one kind."""

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding.

    `severity`: an error gives wrong answers or stops work, a warning may, a note is there to be known. `mends` says
    what `--fix` does; empty: nothing.
    """

    name: str
    severity: Severity
    meaning: str
    advice: str
    mends: str = ""


PROJECTS: tuple[Kind, ...] = (
    Kind(
        "basename-mismatch",
        "warning",
        "basename is missing, or not the last part of the name",
        "searches by basename miss the project",
        mends="sets basename to the last part of the name",
    ),
    Kind(
        "field-missing",
        "error",
        "name, user or created is missing",
        "a server needs it: look at the document in MongoDB, and set it",
    ),
    Kind(
        "field-type",
        "error",
        "a field has a type or a value that no server writes",
        "a server may fail to read the project: look at the document in MongoDB, and set the field; an id can't be "
        "changed, so delete the project, or insert a copy with another id",
    ),
    Kind(
        "name-duplicated",
        "error",
        "several projects of the company have one name",
        "rename all but one (projects update ID --name), then make the unique index on name and company",
    ),
    Kind(
        "name-public",
        "warning",
        "a public project has the same name",
        "rename the own one (projects update ID --name): a name does not say which of the two is meant",
    ),
    Kind(
        "parent-gone",
        "error",
        "the parent is gone, or another company's",
        "where the name does not tell the place either, make the project above it, and run --fix",
        mends="sets parent and path to the one project that has the parent's name, or to the top level, unless path "
        "ends in another",
    ),
    Kind(
        "parent-cycle",
        "error",
        "following parents leads back to the project itself",
        "look at the projects in MongoDB, and give one of them its true parent",
    ),
    Kind(
        "parent-mismatch",
        "error",
        "name and parent disagree about the place",
        "where name, parent and path all disagree, look at the project in MongoDB, and set two of them",
        mends="where two of name, parent and path agree, sets the third, with all names below",
    ),
    Kind(
        "path-mismatch",
        "error",
        "path is not the list of the projects above",
        "the project is counted in the wrong places; where --fix can't, mend the projects above first",
        mends="builds path anew from the parents",
    ),
    Kind(
        "too-deep",
        "warning",
        "more than 10 levels",
        "neither a server nor this program makes anything so deep: give it a place further up, in the server",
    ),
    Kind(
        "tags-null",
        "warning",
        "tags or system_tags is null",
        "an index and a query see null where they expect a list",
        mends="sets an empty list",
    ),
    Kind(
        "tags-unsorted",
        "note",
        "tags or system_tags is not sorted",
        "answers are sorted all the same; two projects with the same tags look different to MongoDB",
        mends="sorts them",
    ),
    Kind(
        "tags-duplicated",
        "note",
        "tags or system_tags has one tag twice",
        "harmless, but no server writes it",
        mends="keeps each once, sorted",
    ),
    Kind(
        "tags-no-list",
        "error",
        "tags or system_tags is no list of texts",
        "what is no text has to be looked at in MongoDB",
        mends="makes a list of a single text",
    ),
)
"""About the projects themselves."""

MEMBERS: tuple[Kind, ...] = (
    Kind(
        "task-project-gone",
        "error",
        "the project of a task is gone, or another company's",
        "nobody finds the task in a list of a project",
        mends="takes the task out of the project, as a delete does",
    ),
    Kind(
        "model-project-gone",
        "error",
        "the project of a model is gone, or another company's",
        "nobody finds the model in a list of a project",
        mends="takes the model out of the project, as a delete does",
    ),
    Kind(
        "task-reference-deleted",
        "note",
        "a task refers to what was deleted (__DELETED__…)",
        "nothing to do: the server leaves this mark by itself",
    ),
    Kind(
        "model-reference-deleted",
        "note",
        "a model refers to what was deleted (__DELETED__…)",
        "nothing to do: the server leaves this mark by itself",
    ),
)
"""About where tasks and models are."""

DEPLOYMENT: tuple[Kind, ...] = (
    Kind(
        "index-missing",
        "warning",
        "an index that every ClearML server makes is missing",
        "lists and deletes are slow without it: projects indexes create; the server makes it again when it starts",
    ),
    Kind(
        "index-unused",
        "note",
        "an index that no server makes was not used for a week on the member that was asked",
        "each write pays for it; drop it in MongoDB if nobody else needs it, nor any other member: $indexStats on each",
    ),
    Kind(
        "operation-unfinished",
        "error",
        "a change was stopped in the middle",
        "finish it (projects resume ID) or take it back (projects undo ID); --fix waits for that",
    ),
    Kind(
        "lease-stale",
        "note",
        "the lock is held by a run that has ended",
        "nothing to do: the next change takes it over",
    ),
    Kind(
        "server-version",
        "error",
        "this MongoDB is too old, or newer than what is known",
        "MongoDB 4.4 to 8 are known",
    ),
    Kind(
        "server-compatibility",
        "warning",
        "an upgrade of the server was not finished",
        "raise the feature compatibility version: db.adminCommand({setFeatureCompatibilityVersion: …})",
    ),
    Kind(
        "not-writable",
        "error",
        "the server takes no writes: it is a secondary",
        "name all members of the replica set in the URI, without directConnection",
    ),
    Kind(
        "replica-set-degraded",
        "warning",
        "a member of the replica set is not reached, or not ready, or there is no primary",
        "look at the member: rs.status()",
    ),
    Kind(
        "clock-skew",
        "warning",
        "this clock and the server's differ by over 5 seconds",
        "what this program writes into created and last_update is wrong by as much: set the clocks (NTP)",
    ),
    Kind(
        "right-missing",
        "error",
        "the user may not do what changes need",
        "grant readWrite on the database and on the journal's; to look only, read is enough",
    ),
)
"""About the server, its indexes, and the journal."""

KINDS: dict[str, Kind] = {kind.name: kind for kind in (*PROJECTS, *MEMBERS, *DEPLOYMENT)}
"""Every kind, in the order in which they are told."""


@dataclass(slots=True)
class Finding:
    """What was found of one kind: how many, how many of them `--fix` can mend, and a few examples."""

    count: int = 0
    fixable: int = 0
    examples: list[Document] = field(default_factory=list)


@dataclass(slots=True)
class Findings:
    """What was found of the kinds that are looked for, and what could not be looked at."""

    wanted: frozenset[str]
    found: dict[str, Finding] = field(default_factory=dict)
    skipped: list[Document] = field(default_factory=list)
    faults: dict[str, ProjectsError] = field(default_factory=dict)

    def add(self, kind: str, *examples: Document, count: int = 1, fixable: int = 0) -> None:
        """Count what was found, and keep a few examples; kinds that nobody asked for are left out."""
        if kind not in self.wanted:
            return
        finding = self.found.setdefault(kind, Finding())
        finding.count += count
        finding.fixable += fixable
        finding.examples += examples[: EXAMPLES - len(finding.examples)]

    def records(self) -> list[dict[str, Any]]:
        """Return the findings as the answer has them: errors first, then warnings and notes."""
        kinds = [kind for name, kind in KINDS.items() if name in self.found]
        kinds.sort(key=lambda kind: SEVERITIES.index(kind.severity))
        return [_record(kind, self.found[kind.name]) for kind in kinds]

    @property
    def by_severity(self) -> dict[Severity, int]:
        """How many kinds of findings there are of each severity, the gravest first."""
        counted = Counter(KINDS[name].severity for name in self.found)
        return {severity: counted[severity] for severity in SEVERITIES if severity in counted}


def _record(kind: Kind, finding: Finding) -> dict[str, Any]:
    return {
        "name": kind.name,
        "severity": kind.severity,
        "count": finding.count,
        "fixable": finding.fixable,
        "meaning": kind.meaning,
        "advice": kind.advice,
        "fix": kind.mends or None,
        "examples": finding.examples,
    }


def example(identifier: object, name: object, detail: str = "") -> Document:
    """Return an example: a document's id and name as text, and what is wrong with it if the kind does not say that."""
    shown = {"id": id_text(identifier), "name": None if name is None else compact(name)}
    return shown | {"detail": detail} if detail else shown
