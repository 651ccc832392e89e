"""Every fault that this program reports, each with its exit status and, where it has one, the service's code.

An error class owns its message, its hint (what to do next) and its status; nothing else decides them.
The names, codes and subcodes of `ServiceError`'s children are those that users of the service know.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


LONGEST_WORD = 200
"""Characters of a word that are compared with others: more would take long, and be like nothing."""


class ExitStatus(IntEnum):
    """What the process ends with; a test holds the README's table to the meanings below."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    PARTIAL = 5
    FINDINGS = 6
    UNAVAILABLE = 69
    LOCKED = 75
    DENIED = 77
    INTERRUPTED = 130
    TERMINATED = 143


STATUS_MEANINGS: dict[ExitStatus, str] = {
    ExitStatus.DONE: "done",
    ExitStatus.FAILED: "unexpected failure, or the person said no",
    ExitStatus.USAGE: "wrong usage, a request that the schema refuses, a bad expression or field, "
    "an ambiguous name, a prompt without a terminal",
    ExitStatus.NOT_FOUND: "not found",
    ExitStatus.REFUSED: "refused: has tasks, name taken, public, circular, too deep, read-only, over `--max-delete`, "
    "unknown company",
    ExitStatus.PARTIAL: "a part of several did not succeed",
    ExitStatus.FINDINGS: "errors or warnings of `doctor`, or nothing matched with `--fail-if-empty`",
    ExitStatus.UNAVAILABLE: "the database can't be reached, timed out, or there is no `mongod` for a private one",
    ExitStatus.LOCKED: "another run holds the lock; try again later",
    ExitStatus.DENIED: "the database refused the credentials or the right",
    ExitStatus.INTERRUPTED: "interrupted (Ctrl-C)",
    ExitStatus.TERMINATED: "terminated",
}


def nearest(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Give the known words that are most like a word, the nearest first; of a long one the beginning counts."""
    import difflib  # only where something is wrong

    return difflib.get_close_matches(word[:LONGEST_WORD], list(known), most)


def did_you_mean(near: Iterable[str], otherwise: str) -> str:
    """Give the hint for a word that is none of those known: the nearest of them, or `otherwise` where none is near."""
    quoted = ", ".join(map(repr, near))
    return f"did you mean {quoted}?" if quoted else otherwise


class Problem(NamedTuple):
    """One reason for an error: the path (`params.filter.tags[2]`, or the name of a project) and what is wrong there.

    `details` are further keys of the problem in JSON.
    """

    path: str
    message: str
    details: Mapping[str, Any] | None = None


class ProjectsError(Exception):
    """A fault that a person can understand: a message, and mostly a hint what to do next.

    `code` and `subcode` are null where the fault is not the service's.
    """

    code: ClassVar[int | None] = None
    subcode: ClassVar[int | None] = None
    status: ClassVar[ExitStatus] = ExitStatus.FAILED
    default_hint: ClassVar[str | None] = None

    def __init__(self, message: str, *, hint: str | None = None, problems: Sequence[Problem] = ()) -> None:
        """Keep the message, the hint (the class's own when none is given) and the list of problems."""
        super().__init__(message)
        self.message = message
        self.hint = hint if hint is not None else self.default_hint
        self.problems = tuple(problems)

    @property
    def name(self) -> str:
        """The fault's name, as it stands in JSON: `InvalidProjectId`."""
        return type(self).__name__


# --- the service's own faults -------------------------------------------------------------------------------------


class ServiceError(ProjectsError):
    """A fault that the service defines, with its code and subcode."""

    code: ClassVar[int | None] = 400
    status: ClassVar[ExitStatus] = ExitStatus.REFUSED


class ValidationError(ServiceError):
    """The request is not one that the schema allows; `problems` has every reason."""

    subcode = 12
    status = ExitStatus.USAGE


class InvalidFields(ServiceError):
    """A field that projects do not have, in `order_by`, `only_fields`, `_any_` or `_all_`."""

    subcode = 14
    status = ExitStatus.USAGE


class FieldsValueError(ServiceError):
    """A value with a meaning of its own in the wrong place: an unknown `__$…` operator, a tag that starts with it."""

    subcode = 16
    status = ExitStatus.USAGE


class InvalidRegexError(ServiceError):
    """MongoDB refused the regular expression."""

    subcode = 21
    status = ExitStatus.USAGE
    default_hint = "patterns are PCRE: escape [ ( { * + ? | ^ $ . \\ with a backslash to mean the character itself"


class InvalidProjectId(ServiceError):
    """No such project in this company (nor among the public ones)."""

    subcode = 401
    status = ExitStatus.NOT_FOUND
    default_hint = "see what there is: projects list"


class ProjectHasTasks(ServiceError):
    """The project, or one below it, holds tasks that are not archived."""

    subcode = 402


class ProjectHasModels(ServiceError):
    """The project, or one below it, holds models that are not archived."""

    subcode = 405


class ProjectHasDatasets(ServiceError):
    """A dataset at or below the project still has versions that are not archived."""

    subcode = 406


class InvalidProjectName(ServiceError):
    """The name has no segment at all."""

    subcode = 407
    status = ExitStatus.USAGE


class CannotUpdateProjectLocation(ServiceError):
    """An update may change the last part of the name only."""

    subcode = 408
    default_hint = "give a name with the same parent path"


class ProjectPathExceedsMax(ServiceError):
    """More than 10 levels."""

    subcode = 409


class ProjectHasPipelines(ServiceError):
    """A pipeline at or below the project still has runs that are not archived."""

    subcode = 413


class PublicProjectExists(ServiceError):
    """A public project has that name."""

    subcode = 414
    default_hint = "choose another name: a name is not shared between own and public projects"


class ExpectedUniqueData(ServiceError):
    """The name is taken."""

    subcode = 801
    default_hint = "choose another name, or look at the one that has it: projects get NAME"


class NoWritePermission(ServiceError):
    """The project is public: it can be read, not changed."""

    code = 403
    subcode = 21
    default_hint = "make it private first: projects make-private …"


# --- this program's faults ----------------------------------------------------------------------------------------


class UsageError(ProjectsError):
    """Wrong words on the command line, or a line of a batch that is no request."""

    status = ExitStatus.USAGE


class EmptyName(UsageError):
    """What was given as the name of a project is empty."""


class SchemaError(ProjectsError):
    """A schema file that can't be used: which file, which line, what is wrong."""

    status = ExitStatus.USAGE


class UnknownEndpoint(ProjectsError):
    """The loaded schema has no such endpoint, or not in the chosen version."""

    status = ExitStatus.USAGE


class EndpointNotImplemented(ProjectsError):
    """The loaded schema has the endpoint; this program does not."""

    status = ExitStatus.USAGE


class ParameterNotImplemented(ProjectsError):
    """The loaded schema has the parameter, or allows the value; this program does not implement it."""

    status = ExitStatus.USAGE


class ConfigError(ProjectsError):
    """A setting, or a file of settings, that can't be used."""

    status = ExitStatus.USAGE


class AmbiguousProject(ProjectsError):
    """What was given stands for several projects."""

    status = ExitStatus.USAGE


class ProjectNotFound(ProjectsError):
    """No project has that id, name or beginning of an id."""

    status = ExitStatus.NOT_FOUND


class ConfirmationNeeded(ProjectsError):
    """There is a question to answer and nobody to ask: standard input is no terminal."""

    status = ExitStatus.USAGE


class Declined(ProjectsError):
    """The person said no."""


class ReadOnly(ProjectsError):
    """Changes are switched off."""

    status = ExitStatus.REFUSED


class UnknownCompany(ProjectsError):
    """A change is for a company that the database does not know."""

    status = ExitStatus.REFUSED


class OverMaxDelete(ProjectsError):
    """More projects would be removed than `--max-delete` allows."""

    status = ExitStatus.REFUSED
    default_hint = "look at what would go with --dry-run --max-delete N; raise N if that is what you want"


class PartialFailure(ProjectsError):
    """Some of several did not succeed; `failures` has each, with the project it is about."""

    status = ExitStatus.PARTIAL

    def __init__(
        self,
        message: str,
        *,
        failures: Sequence[tuple[str, ProjectsError]] = (),
        hint: str | None = None,
        problems: Sequence[Problem] = (),
    ) -> None:
        """Keep the message and the faults."""
        super().__init__(message, hint=hint, problems=problems)
        self.failures = tuple(failures)


class NothingFound(ProjectsError):
    """Nothing matched, and `--fail-if-empty` was given."""

    status = ExitStatus.FINDINGS


class DatabaseUnavailable(ProjectsError):
    """The database can't be reached, or went away."""

    status = ExitStatus.UNAVAILABLE


class ConnectionLost(DatabaseUnavailable):
    """A connection broke, or the primary changed: the same may work in a moment."""

    default_hint = "try again"


class MalformedReply(DatabaseUnavailable):
    """A reply that no MongoDB server sends: it cannot be read, or lacks what it has to have."""

    default_hint = "check that a MongoDB server is at that address, and which proxies or routers lie between"


class DatabaseTimeout(ProjectsError):
    """The database did not answer in time."""

    status = ExitStatus.UNAVAILABLE
    default_hint = "allow more with --timeout SECONDS, or ask for less"


class DatabaseRefused(ProjectsError):
    """The database refused the credentials or the right."""

    status = ExitStatus.DENIED


class DatabaseError(ProjectsError):
    """The database reported a fault that this program has no better name for."""


class CollectionMissing(DatabaseError):
    """The database has no such collection."""


class ListsInSeveralKeys(DatabaseError):
    """A document has lists in several of the fields to sort by, which MongoDB refuses."""


class IndexGone(DatabaseError):
    """An index that a query was to use is not there, or was dropped while it was used."""


class TextIndexMissing(ProjectsError):
    """`search_text` needs a text index, and the collection has none."""


class NoPrivateServer(ProjectsError):
    """No database is named, and a private `mongod` can't be started."""

    status = ExitStatus.UNAVAILABLE


class LockHeld(ProjectsError):
    """Another run holds the lock."""

    status = ExitStatus.LOCKED


class LeaseLost(ProjectsError):
    """Another run took the lock over, since this one did not keep it: a machine that slept, a network that was cut."""

    status = ExitStatus.LOCKED


class Interrupted(ProjectsError):
    """Ctrl-C came in the middle of a change, which can be resumed or undone."""

    status = ExitStatus.INTERRUPTED


class TerminatedMidway(Interrupted):
    """SIGTERM came in the middle of a change, which can be resumed or undone."""

    status = ExitStatus.TERMINATED


class OperationNotFound(ProjectsError):
    """The journal has no such operation."""

    status = ExitStatus.NOT_FOUND
    default_hint = "see what there is: projects history"


class UnreadableRecord(ProjectsError):
    """A record of the journal lacks a field, or another version of this program wrote it."""

    status = ExitStatus.REFUSED


class CannotUndo(ProjectsError):
    """Later changes are in the way, or the operation's state or size does not allow it; `problems` has every reason."""

    status = ExitStatus.REFUSED


class OperationUnfinished(ProjectsError):
    """A change was stopped in the middle: what looks wrong may be the half of it that is not done yet."""

    status = ExitStatus.REFUSED


class ChangedMeanwhile(ProjectsError):
    """What a change is about was changed while the person was asked."""

    status = ExitStatus.REFUSED
    default_hint = "run the command again"
