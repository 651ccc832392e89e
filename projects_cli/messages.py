"""The values that cross from room to room: a request goes in, a plan or a response comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

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
    """One call of one endpoint: valid, its defaults filled in, and with the outside world as arguments.

    `params` has what the caller gave (and the schema's defaults); `now` is UTC with millisecond precision;
    `new_id` gives 32 hex digits at each call.
    """

    endpoint: str
    version: str
    params: Mapping[str, Any]
    company: str
    user: str
    now: datetime
    new_id: Callable[[], str]


class Response(NamedTuple):
    """What an endpoint answers, in the response's own shape.

    A list of records may be an iterator: it is read once, while it is printed. A stored date is as the driver gives
    it, in UTC without a zone; `render` writes it. `fields` are the records' fields where the request chose them;
    `view` names another view than the endpoint's own; `skipped` are the documents that a change left as they are.
    """

    endpoint: str
    data: Mapping[str, Any]
    fields: tuple[str, ...] | None = None
    view: str | None = None
    skipped: Sequence[Skipped] = ()


class Sample(NamedTuple):
    """A document that a plan touches, as people know it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Step:
    """One write of a plan: to one project, or to all tasks or models of some projects.

    `filter` holds which documents and the precondition under which each may still be changed, so that a step
    is safe to repeat. For one project it has `_id`; for tasks and models it is over their `project`. `change` is the
    document for an insert, `$set` and `$unset` for an update, and empty for a delete. `count` is how many documents
    the plan found. If an `essential` step can't be taken, the steps after it are not taken either. `expects` has fields
    of one project as the plan read them, if the change was computed from them: it is not made if they have changed.
    """

    collection: Literal["project", "task", "model"]
    action: Literal["insert", "update", "delete"]
    filter: Document
    change: Document = field(default_factory=dict)
    count: int = 1
    why: str = ""
    name: str = ""
    essential: bool = False
    expects: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Renaming:
    """A project whose full name changes; the names of all projects below it follow, new ones too."""

    project: Any
    old: str
    new: str


class Skipped(NamedTuple):
    """A document that a plan meant to change and did not, and why: somebody else was there in the meantime."""

    id: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What applying a plan did: how many documents were changed, by collection and action, and what was skipped."""

    changed: Mapping[tuple[str, str], int]
    skipped: Sequence[Skipped] = ()

    def count(self, collection: str, action: str) -> int:
        """Give how many documents of a collection were inserted, updated or deleted."""
        return self.changed.get((collection, action), 0)


NO_OUTCOME = Outcome({})
"""The outcome of a plan that has nothing to change."""

NO_COUNTS: Mapping[str, int] = MappingProxyType({})


class Plan(NamedTuple):
    """A change that was checked and not yet made.

    `steps` are in an order in which a reader never sees anything dangling. `counts` and `samples` tell people
    what it touches; `question` is how much asking it deserves: nothing, a yes, or the name typed in full.
    A `structural` plan changes which projects there are, their names, places or companies. A `computed` one has values
    that were made from stored ones, which its steps' filters name: where those have changed it is planned again.
    `answer` makes the response's data from what happened.
    """

    endpoint: str
    summary: str
    steps: Sequence[Step]
    answer: Callable[[Outcome], Mapping[str, Any]]
    counts: Mapping[str, int] = NO_COUNTS
    samples: Sequence[Sample] = ()
    irreversible: Sequence[str] = ()
    question: Literal["none", "yes", "name"] = "none"
    name: str = ""
    structural: bool = True
    computed: bool = False
    renamings: Sequence[Renaming] = ()
