"""The values that cross between packages: requests, plans and responses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, Protocol, TypeVar

from projects_cli.errors import OverMaxDelete
from projects_cli.extended_json import identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from projects_cli.store.bson_codec import Value
    from projects_cli.store.collections import Store

Document = dict[str, Any]
"""A MongoDB document, or a part of a MongoDB command, as plain Python."""

Pipeline = list[Document]
"""The stages of an aggregation."""

PROJECT_FIELDS = (
    "id",
    "name",
    "basename",
    "description",
    "company",
    "user",
    "parent",
    "created",
    "last_update",
    "tags",
    "system_tags",
    "default_output_destination",
    "featured",
    "logo_url",
)
"""The fields of a project that a response has by default, in order (docs/data-model.md)."""

UNLISTED_FIELDS = ("path", "company_origin", "logo_blob")
"""Fields of a project that a response has only if the request names them."""


class Request(NamedTuple):
    """One call of one endpoint: valid, with its defaults filled in, and with the outside world as arguments.

    `params` has what the caller set (and the schema's defaults). `now` is UTC with millisecond precision. `new_id`
    returns 32 hex digits at each call. `narrowed` is a further condition on the projects of a listing, from filters
    that the service does not have.
    """

    endpoint: str
    version: str
    params: Mapping[str, Any]
    company: str
    user: str
    now: datetime
    new_id: Callable[[], str]
    narrowed: Document | None = None

    def is_at_least(self, version: str) -> bool:
        """Return whether the request has this version of its endpoint, or a newer one; versions compare as numbers."""
        own, other = ([int(part) for part in text.split(".")] for text in (self.version, version))
        return own >= other


class Response(NamedTuple):
    """An endpoint's answer, in the response's own shape.

    A list of records may be an iterator: it is read once, while it is printed. A stored date is as the driver returns
    it, in UTC without a zone; `render` formats it. `fields` are the records' fields if the request chose them. `view`
    names another view than the endpoint's own. `skipped` are the documents that a change left as they are. `notice` is
    printed instead of a table; other formats have the data.
    """

    endpoint: str
    data: Mapping[str, Any]
    fields: tuple[str, ...] | None = None
    view: str | None = None
    skipped: Sequence[Skipped] = ()
    notice: str | None = None


class Sample(NamedTuple):
    """A document that a plan touches, by its id and its name."""

    id: str
    name: str


class Edit(NamedTuple):
    """What happens to one document: its id, and its states before and after, as BSON.

    A state is None (no document), a whole document, or some of its fields without the id; a field that only the other
    state has is absent.
    """

    id: Value
    before: bytes | None
    after: bytes | None


class Edits(Protocol):
    """Edits of a step as a value: they are computed when the change is journaled."""

    def edits(self, store: Store) -> Iterator[Edit]:
        """Stream the edits, from what is stored now."""


class TagChange(NamedTuple):
    """How the tags of documents change: some are removed, and others added, if a document lacks them."""

    remove: frozenset[str]
    add: Sequence[str]


Action = Literal["insert", "update", "delete"]
Collection = Literal["project", "task", "model", "url_to_delete"]


@dataclass(frozen=True, slots=True)
class Step:
    """One write of a plan: to one project, or to all tasks or models of some projects.

    `filter` holds which documents and the precondition under which each may still be changed, so that a step is safe to
    repeat. For one project it has `_id`; for tasks and models it is over their `project`. `edits` are changes of single
    documents that are not projects; the filter then only describes them. `tags` is a change of the tags of all
    documents that match the filter. `change` is the document for an insert, `$set` and `$unset` for an update, and
    empty for a delete. `count` is how many documents matched when the plan was made, `size` how many bytes of them are
    kept for undo, if they can be many. If an `essential` step can't be taken, those after it are not taken either, and
    those before it are put back. `expects` has fields of one project as the plan read them, if the change was computed
    from them: it is not made if they have changed. `old` are the values that the dry run shows beside the new ones.
    """

    collection: Collection
    action: Action
    filter: Document
    change: Document = field(default_factory=dict)
    count: int = 1
    why: str = ""
    name: str = ""
    essential: bool = False
    expects: Mapping[str, Any] = field(default_factory=dict)
    edits: Edits | None = None
    size: int = 0
    old: Document = field(default_factory=dict)
    tags: TagChange | None = None


class Renaming(NamedTuple):
    """How the projects below one follow a change of its full name, and of its place.

    `path`, if paths change, has the ids that take the place of everything up to and including `project` in them.
    """

    project: Any
    old: str
    new: str
    path: Sequence[Any] | None = None

    def follow(self, below: Document) -> Document:
        """Return the changed `name` and `path` of a project below; a name that does not begin with the old one stays.

        A path that does not hold the project's id, or is not a list, ends with it.
        """
        change: Document = {}
        name = below.get("name")
        # `type` and not `isinstance`: bson.Code is a subclass of str, and its name is not text.
        if type(name) is str and name.startswith(f"{self.old}/"):
            rest = name[len(self.old) + 1 :]
            change["name"] = f"{self.new}/{rest}" if self.new else rest
        if self.path is not None:
            ids = below["path"] if isinstance(below.get("path"), list) else []
            keys, above = ids, self.project
            if {*map(type, ids), type(above)} != {str}:  # texts need no detour, and nearly all ids are texts
                keys, above = [identity(item) for item in ids], identity(self.project)
            change["path"] = [*self.path, *(ids[keys.index(above) + 1 :] if above in keys else ())]
        return change


class Prefixes(NamedTuple):
    """The leading part of the full names of all projects that a change renames, before and after it.

    It is empty for the top level. Projects that a server creates below the renamed ones meanwhile follow them.
    """

    old: str
    new: str


class Skipped(NamedTuple):
    """A document that a plan meant to change and did not, and why: another process had changed it."""

    id: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What applying a plan did: how many documents were changed, by collection and action, and what was skipped."""

    changed: Mapping[tuple[str, str], int]
    skipped: Sequence[Skipped] = ()

    def count(self, collection: str, action: str) -> int:
        """Return how many documents of a collection were inserted, updated or deleted."""
        return self.changed.get((collection, action), 0)


NO_OUTCOME = Outcome({})
"""The outcome of a plan that has nothing to change."""


class Count(NamedTuple):
    """A figure of a response: how many documents were inserted, updated or deleted, reported as at most `limit`."""

    collection: Collection
    action: Action
    limit: int | None = None

    def of(self, outcome: Outcome) -> int:
        """Return the figure after an outcome."""
        count = outcome.count(self.collection, self.action)
        return count if self.limit is None else min(self.limit, count)


StepT = TypeVar("StepT")


@dataclass(frozen=True, slots=True)
class Plan(Generic[StepT]):
    """A change that was checked and not yet made; nothing to do if it has no `steps`. It is plain data.

    The steps of a change of documents are in an order in which a reader never sees a dangling reference. `answer` is
    the response's data, with a `Count`, or a list of them to be added, for each figure that is known only afterwards.

    For the policy: `counts` and `samples` describe what is touched, `notes` what the user has to know before.
    `question` is the confirmation that the impact asks for: none, a yes, or `name` typed in full. If there is a `name`,
    it is also the only value of `--confirm` that is accepted. `prompt` replaces the question made from the summary;
    `hint` is for a prompt without a terminal.
    `removes` is how many projects are removed. With `refuses_interrupted` the change is refused until no interrupted
    operation is left. `agreed` is set once the user was asked about this very plan.

    For the engine: a `structural` plan changes which projects there are, their names, places or companies. A `computed`
    one has values made from stored ones, named by its steps; if those have changed it is planned again. `prefixes` are
    those of its renamed projects. Tasks and models of removed projects go to the project `successor`, or to none.
    """

    endpoint: str
    summary: str
    steps: Sequence[StepT]
    answer: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    samples: Sequence[Sample] = ()
    notes: Sequence[str] = ()
    question: Literal["none", "yes", "name"] = "none"
    name: str = ""
    prompt: str = ""
    hint: str = ""
    removes: int = 0
    refuses_interrupted: bool = False
    agreed: bool = False
    structural: bool = True
    computed: bool = False
    prefixes: Prefixes | None = None
    successor: Any = None

    def data(self, outcome: Outcome) -> dict[str, Any]:
        """Return the response's data after an outcome."""
        data = dict(self.answer)
        for key, value in self.answer.items():
            counts = value if isinstance(value, list) else [value]
            if counts and all(isinstance(count, Count) for count in counts):
                data[key] = sum(count.of(outcome) for count in counts)
        return data

    def check_max_delete(self, limit: int | None, already: int = 0) -> None:
        """Refuse to remove more projects than `limit`, with those that were removed `already`.

        Raises:
            OverMaxDelete: there are more.
        """
        total = already + self.removes
        if limit is not None and total > limit and self.removes:
            raise OverMaxDelete(f"{self.summary}: would delete {total} projects, but --max-delete is {limit}")
