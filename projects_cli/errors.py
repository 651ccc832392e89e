"""Every error that this program reports, with its exit status and, if the service has one, its code.

An error class has the status and the hint that apply unless one is given; the message is written where it is raised.
The names, codes and subcodes of `ServiceError`'s subclasses are those that users of the service know.
"""

from __future__ import annotations

from enum import IntEnum
from errno import EDQUOT, EFBIG, EIO, ENOSPC
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


MAX_COMPARED = 200
"""Characters of a word that are compared with others, which takes quadratic time."""


class ExitStatus(IntEnum):
    """The exit status of the process; docs/scripting.md has a table of the meanings below."""

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
    ExitStatus.FAILED: "unexpected failure, declined by the user, or `diff` found differences",
    ExitStatus.USAGE: "wrong usage, an invalid request, expression, field or file, an ambiguous name, "
    "or a prompt without a terminal",
    ExitStatus.NOT_FOUND: "not found",
    ExitStatus.REFUSED: "refused: has tasks, name taken, public, circular, too deep, read-only, over `--max-delete`, "
    "unknown company",
    ExitStatus.PARTIAL: "some items failed",
    ExitStatus.FINDINGS: "`doctor` or `lint` found something, or nothing matched with `--fail-if-empty`",
    ExitStatus.UNAVAILABLE: "the database can't be reached, timed out, or there is no `mongod` for a private one",
    ExitStatus.LOCKED: "another process holds the lock; try again later",
    ExitStatus.DENIED: "the database rejected the credentials, or the user lacks a privilege",
    ExitStatus.INTERRUPTED: "interrupted (Ctrl-C)",
    ExitStatus.TERMINATED: "terminated",
}


def nearest(word: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Return the known words that are most similar to a word, the most similar first."""
    import difflib  # only for an error

    return difflib.get_close_matches(word[:MAX_COMPARED], list(known), limit)


def did_you_mean(near: Iterable[str], otherwise: str) -> str:
    """Return the hint for an unknown word: the similar words, or `otherwise` if there are none."""
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
    """An error that a user can understand: a message, and usually a hint what to do next.

    A subclass sets its status, hint, code and subcode as class arguments; without them it has those of its base class.
    Only errors of the service have codes.
    """

    code: ClassVar[int | None] = None
    subcode: ClassVar[int | None] = None
    status: ClassVar[ExitStatus] = ExitStatus.FAILED
    default_hint: ClassVar[str | None] = None

    def __init_subclass__(
        cls,
        *,
        status: ExitStatus | None = None,
        hint: str | None = None,
        code: int | None = None,
        subcode: int | None = None,
    ) -> None:
        """Set the class attributes."""
        super().__init_subclass__()
        cls.status = status if status is not None else cls.status
        cls.default_hint = hint if hint is not None else cls.default_hint
        cls.code = code if code is not None else cls.code
        cls.subcode = subcode if subcode is not None else cls.subcode

    def __init__(self, message: str, *, hint: str | None = None, problems: Sequence[Problem] = ()) -> None:
        """Keep the message, the hint (by default that of the class) and the problems."""
        super().__init__(message)
        self.message = message
        self.hint = hint if hint is not None else self.default_hint
        self.problems = tuple(problems)

    @property
    def name(self) -> str:
        """The name of the error in JSON: `InvalidProjectId`."""
        return type(self).__name__


# --- errors of the service --------------------------------------------------------------------------------------------


class ServiceError(ProjectsError, status=ExitStatus.REFUSED, code=400):
    """An error that the service defines, with its code and subcode."""


class ValidationError(ServiceError, subcode=12, status=ExitStatus.USAGE):
    """The request is invalid by the schema; `problems` has every reason."""


class InvalidFields(ServiceError, subcode=14, status=ExitStatus.USAGE):
    """A field that projects do not have, in `order_by`, `only_fields`, `_any_` or `_all_`."""


class FieldsValueError(ServiceError, subcode=16, status=ExitStatus.USAGE):
    """A misplaced special value: an unknown `__$…` operator, or a tag that begins with it."""


class InvalidRegexError(
    ServiceError,
    subcode=21,
    status=ExitStatus.USAGE,
    hint="patterns are PCRE: escape [ ( { * + ? | ^ $ . \\ with a backslash to mean the character itself",
):
    """MongoDB rejected the regular expression."""


class InvalidProjectId(ServiceError, subcode=401, status=ExitStatus.NOT_FOUND, hint="list the projects: projects list"):
    """Neither the company nor the public projects have a project with that id."""


class ProjectHasTasks(ServiceError, subcode=402):
    """The project or one of its sub-projects has tasks that are not archived."""


class ProjectHasModels(ServiceError, subcode=405):
    """The project or one of its sub-projects has models that are not archived."""


class ProjectHasDatasets(ServiceError, subcode=406):
    """A dataset at or below the project has versions that are not archived."""


class InvalidProjectName(ServiceError, subcode=407, status=ExitStatus.USAGE):
    """The name has no segments."""


class CannotUpdateProjectLocation(
    ServiceError, subcode=408, hint="a rename keeps the parent; to change it: projects move PROJECT LOCATION"
):
    """An update may only change the last part of the name."""


class ProjectPathExceedsMax(ServiceError, subcode=409):
    """The path has more than 10 levels."""


class ProjectSourceAndDestinationAreTheSame(ServiceError, subcode=410):
    """The project is at the destination already, or is to be merged into itself."""


class ProjectCannotBeMovedUnderItself(ServiceError, subcode=411):
    """The new parent is the project itself, or below it."""


class ProjectCannotBeMergedIntoItsChild(ServiceError, subcode=412, hint="merge the sub-project into this one instead"):
    """The destination is below the project."""


class ProjectHasPipelines(ServiceError, subcode=413):
    """A pipeline at or below the project has runs that are not archived."""


class PublicProjectExists(
    ServiceError, subcode=414, hint="choose another name: own and public projects cannot have the same one"
):
    """A public project has that name."""


class ExpectedUniqueData(
    ServiceError, subcode=801, hint="choose another name, or look at the project that has it: projects get NAME"
):
    """The name is taken."""


class NoWritePermission(ServiceError, code=403, subcode=21):
    """The project is public, so it can only be read."""


# --- errors of this program -------------------------------------------------------------------------------------------


class UsageError(ProjectsError, status=ExitStatus.USAGE):
    """An invalid command line, or a line of a batch that is not a request."""


class EmptyName(UsageError):
    """The name of a project is empty."""


class SchemaError(ProjectsError, status=ExitStatus.USAGE):
    """An invalid schema file: which file, which line, what is wrong."""


class DamagedFile(ProjectsError, status=ExitStatus.USAGE):
    """A file that an export wrote is damaged, not complete, or something else."""


class ManifestError(ProjectsError, status=ExitStatus.USAGE):
    """A manifest is invalid (`FILE:LINE:COLUMN: message`), or what it wants can't be done."""


class ImportConflict(
    ProjectsError,
    status=ExitStatus.REFUSED,
    hint="choose --on-conflict skip, update or rename; rename with --into LOCATION makes a copy below that project",
):
    """What a file would create exists already; `problems` has the first of them."""


class UnknownEndpoint(ProjectsError, status=ExitStatus.USAGE):
    """The loaded schema does not have the endpoint, or not in the chosen version."""


class EndpointNotImplemented(ProjectsError, status=ExitStatus.USAGE):
    """The loaded schema has the endpoint, but this program does not implement it."""


class ParameterNotImplemented(ProjectsError, status=ExitStatus.USAGE):
    """The loaded schema allows the parameter or the value, but this program does not implement it."""


class ConfigError(ProjectsError, status=ExitStatus.USAGE):
    """An invalid setting, or a settings file that can't be used."""


class AmbiguousProject(ProjectsError, status=ExitStatus.USAGE):
    """The name or the beginning of an id matches several projects."""


class ProjectNotFound(ProjectsError, status=ExitStatus.NOT_FOUND):
    """No project has that id, name or beginning of an id."""


class ConfirmationNeeded(ProjectsError, status=ExitStatus.USAGE):
    """A question cannot be asked: standard input is not a terminal."""


class Declined(ProjectsError):
    """The user declined."""


class ReadOnly(ProjectsError, status=ExitStatus.REFUSED):
    """Read-only mode is on."""


class UnknownCompany(ProjectsError, status=ExitStatus.REFUSED):
    """A change is for a company that the database does not have."""


class OverMaxDelete(
    ProjectsError,
    status=ExitStatus.REFUSED,
    hint="see what would be deleted with --dry-run --max-delete N, and raise N if that is intended",
):
    """More projects would be deleted than `--max-delete` allows."""


class PartialFailure(ProjectsError, status=ExitStatus.PARTIAL):
    """Some items failed; `failures` has the error of each, with its project."""

    def __init__(
        self,
        message: str,
        *,
        failures: Sequence[tuple[str, ProjectsError]] = (),
        hint: str | None = None,
        problems: Sequence[Problem] = (),
    ) -> None:
        """Keep the message and the failures."""
        super().__init__(message, hint=hint, problems=problems)
        self.failures = tuple(failures)


class NothingFound(ProjectsError, status=ExitStatus.FINDINGS):
    """Nothing matched, and `--fail-if-empty` is set."""


class DatabaseUnavailable(ProjectsError, status=ExitStatus.UNAVAILABLE):
    """The database can't be reached, or is not available any more."""


class ConnectionLost(DatabaseUnavailable, hint="try again"):
    """A connection broke, or the primary changed: a retry may succeed."""


class MalformedReply(
    DatabaseUnavailable,
    hint="check that a MongoDB server has this address, and which proxies or routers are in between",
):
    """A reply that is not one of a MongoDB server: it can't be decoded, or a required field is missing."""


class DatabaseTimeout(
    ProjectsError, status=ExitStatus.UNAVAILABLE, hint="allow more time with --timeout SECONDS, or request less"
):
    """The database did not respond in time."""


class DatabaseRefused(ProjectsError, status=ExitStatus.DENIED):
    """The database rejected the credentials, or the user lacks a privilege."""


class DatabaseError(ProjectsError):
    """The database reported an error for which there is no other class."""


class CollectionMissing(DatabaseError):
    """The database does not have the collection."""


class ListsInSeveralKeys(DatabaseError):
    """A document has lists in several sort keys, which MongoDB does not support."""


class SnapshotGone(
    DatabaseError,
    hint="read without a snapshot: --no-snapshot; or raise minSnapshotHistoryWindowInSeconds on the server",
):
    """The server does not keep the state any longer that a snapshot reads: five minutes by default."""


class IndexGone(DatabaseError):
    """An index that a query names does not exist, or was dropped during the query."""


class TextIndexMissing(ProjectsError):
    """`search_text` needs a text index, and the collection has none."""


class NoPrivateServer(ProjectsError, status=ExitStatus.UNAVAILABLE):
    """No database is configured, and a private `mongod` can't be started."""


class LockHeld(ProjectsError, status=ExitStatus.LOCKED):
    """Another process holds the lock."""


class LeaseLost(ProjectsError, status=ExitStatus.LOCKED):
    """Another process took the lock over because this one did not renew it: the machine slept, or lost its network."""


class Interrupted(ProjectsError, status=ExitStatus.INTERRUPTED):
    """Ctrl-C interrupted a change, which can be resumed or undone."""


class TerminatedMidway(Interrupted, status=ExitStatus.TERMINATED):
    """SIGTERM interrupted a change, which can be resumed or undone."""


class OperationNotFound(ProjectsError, status=ExitStatus.NOT_FOUND, hint="list the operations: projects history"):
    """The journal does not have the operation."""


class UnreadableRecord(ProjectsError, status=ExitStatus.REFUSED):
    """A record of the journal lacks a field, or is of another version of this program."""


class CannotUndo(ProjectsError, status=ExitStatus.REFUSED):
    """Later changes conflict, or the operation's state or size does not allow it; `problems` has every reason."""


class OperationUnfinished(ProjectsError, status=ExitStatus.REFUSED):
    """A change was interrupted, so that apparent problems may be its unfinished part."""


class EditedMeanwhile(ProjectsError, status=ExitStatus.REFUSED):
    """A project was changed by others while its user edited it."""


class ChangedMeanwhile(ProjectsError, status=ExitStatus.REFUSED, hint="run the command again"):
    """The projects of a change were changed while the user was asked."""


_OF_THE_DISK = frozenset({ENOSPC, EDQUOT, EFBIG, EIO})


def unwritable(path: str, error: OSError, consequence: str = "") -> ProjectsError:
    """Return the error for a file that can't be written: a wrong path, or a disk that is full or fails."""
    kind = ProjectsError if error.errno in _OF_THE_DISK else UsageError
    return kind(f"cannot write '{path}': {error.strerror or error}{consequence}")
