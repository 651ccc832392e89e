"""The options that choose projects by what they are: a command that takes them declares one parameter for all."""

from __future__ import annotations

import inspect
import re
from copy import copy
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial, wraps
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, get_args, get_type_hints

import typer

from projects_cli.cli.request import check_filter_tags, json_option, requested
from projects_cli.config.settings import parse_duration
from projects_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects_cli.cli.context import Context
    from projects_cli.messages import Document

_filter = partial(typer.Option, rich_help_panel="Filters")
_tree = partial(typer.Option, rich_help_panel="Place and contents")


class ChildrenType(StrEnum):
    """What a project must contain, at any level."""

    pipeline = "pipeline"
    report = "report"
    dataset = "dataset"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFilters:
    """The values of the options, each None or false if it was not given."""

    prefix: ClassVar[str] = ""
    """What the names of the options begin with, if the command has others of the same names."""

    id: Annotated[
        list[str] | None, _filter("--id", metavar="ID", help="Only these ids, or ids that begin so; hidden ones too.")
    ] = None
    name: Annotated[str | None, _filter("--name", metavar="REGEX", help="Name matches this pattern.")] = None
    basename: Annotated[
        str | None, _filter("--basename", metavar="REGEX", help="The last part of the name matches this pattern.")
    ] = None
    description: Annotated[
        str | None, _filter("--description", metavar="REGEX", help="Description matches this pattern.")
    ] = None
    tags: Annotated[
        list[str] | None,
        _filter("--tag", "--tags", metavar="TAG", help="Has any of these tags; all of them after --tag __$all."),
    ] = None
    exclude_tag: Annotated[
        list[str] | None, _filter("--exclude-tag", metavar="TAG", help="Has none of these tags.")
    ] = None
    no_tags: Annotated[bool, _filter("--no-tags", help="Has no tags; with --tag: has those tags or none.")] = False
    system_tags: Annotated[
        list[str] | None,
        _filter("--system-tag", "--system-tags", metavar="TAG", help="Has any of these system tags."),
    ] = None
    search_text: Annotated[
        str | None,
        _filter("--search", "--search-text", metavar="WORDS", help="Words in name or description, best first."),
    ] = None
    any_: Annotated[
        str | None,
        _filter("--any", metavar="FIELDS=REGEX", help="Any of these fields matches, ignoring case: name,tags=yolo"),
    ] = None
    all_: Annotated[
        str | None, _filter("--all", metavar="FIELDS=REGEX", help="All of these fields match, ignoring case.")
    ] = None
    filters: Annotated[
        str | None,
        _filter("--filters", metavar="JSON", help='Filters by list: {"tags": {"any": {"include": ["prod"]}}}'),
    ] = None
    last_update: Annotated[
        str | None,
        _filter("--last-update", metavar="FROM,TO", help="Last updated from FROM to TO; either may be empty."),
    ] = None
    hidden: Annotated[
        bool | None, _filter("--hidden", "--search-hidden", help="Hidden projects too; a list marks them.")
    ] = None
    owner: Annotated[
        list[str] | None, _filter("--owner", metavar="USER", help="Owned by this user, by name or id; repeat.")
    ] = None
    empty: Annotated[bool, _filter("--empty", help="Without tasks and models at any level, archived ones too.")] = False
    older_than: Annotated[
        str | None, _filter("--older-than", metavar="TIME", help="No activity at any level for this time: 90d.")
    ] = None
    newer_than: Annotated[
        str | None, _filter("--newer-than", metavar="TIME", help="Activity at some level within this time: 12h.")
    ] = None
    non_public: Annotated[bool | None, _filter("--non-public", help="Leave out public projects.")] = None
    under: Annotated[str | None, _tree("--under", metavar="PROJECT", help="This project and all below it.")] = None
    depth: Annotated[
        int | None, _tree("--depth", min=0, metavar="N", help="At most N levels below the top, or below --under.")
    ] = None
    children_of: Annotated[
        list[str] | None, _tree("--children-of", metavar="PROJECT", help="Directly below this project; repeat.")
    ] = None
    parent: Annotated[
        list[str] | None, _tree("--parent", metavar="PROJECT", help="Below this project, at any level; repeat.")
    ] = None
    shallow_search: Annotated[
        bool | None, _tree("--shallow-search", help="At the top level; with --parent: directly below it.")
    ] = None
    active_users: Annotated[
        list[str] | None,
        _tree(
            "--active-user",
            "--active-users",
            metavar="USER",
            help="With work of this user (id or name) at any level; repeat.",
        ),
    ] = None
    children_type: Annotated[
        ChildrenType | None,
        _tree("--children-type", metavar="TYPE", help="With a pipeline, a report or a dataset at any level."),
    ] = None
    children_tags: Annotated[
        list[str] | None,
        _tree("--children-tag", "--children-tags", metavar="TAG", help="Only if that has any of these tags."),
    ] = None
    children_tags_filter: Annotated[
        str | None,
        _tree("--children-tags-filter", metavar="JSON", help='The same as a filter: {"all": {"include": ["prod"]}}'),
    ] = None

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of get_all_ex for the options that were given.

        Raises:
            UsageError, FieldsValueError: an option's value is invalid, or two options contradict each other.
        """
        dashes = f"--{self.prefix}"
        check_filter_tags(self.tags, self.system_tags, self.exclude_tag, self.children_tags, without=f"{dashes}no-tags")
        if self.children_of and (self.parent or self.shallow_search):
            others = f"{dashes}parent or {dashes}shallow-search"
            raise UsageError(f"{dashes}children-of can't be used with {others}, which it stands for")
        # Excluded tags and "no tags" are values of the tags parameter too, with the service's list operators.
        excluded = [word for tag in self.exclude_tag or () for word in ("__$not", tag)]
        parameters: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "basename": self.basename,
            "description": self.description,
            "tags": [*(self.tags or ()), *excluded, *[None] * self.no_tags] or None,
            "system_tags": self.system_tags,
            "search_text": self.search_text,
            "search_hidden": self.hidden,
            "non_public": self.non_public,
            "parent": self.children_of or self.parent,
            "shallow_search": True if self.children_of else self.shallow_search,
            "active_users": self.active_users,
            "children_type": self.children_type and self.children_type.value,
            "children_tags": self.children_tags,
        }
        for name, text, option, parse in (
            ("_any_", self.any_, "any", _multi_field),
            ("_all_", self.all_, "all", _multi_field),
            ("filters", self.filters, "filters", json_option),
            ("last_update", self.last_update, "last-update", _bounds),
            ("children_tags_filter", self.children_tags_filter, "children-tags-filter", json_option),
        ):
            if text is not None:
                parameters[name] = parse(f"{dashes}{option}", text)
        return {name: value for name, value in parameters.items() if value is not None}

    @property
    def is_empty(self) -> bool:
        """Return whether no option was given."""
        return self == type(self)()

    def ids(self, context: Context) -> list[str]:
        """Return the ids of the company's own projects that pass every filter, by name.

        Raises:
            UsageError, FieldsValueError: see `parameters` and `narrowed`.
        """
        from projects_cli.endpoints import handler
        from projects_cli.endpoints.address import can_be_named
        from projects_cli.extended_json import argument

        params = {"order_by": ["name"], "non_public": True, "only_fields": ["id"], **self.parameters()}
        request = requested(context, "projects.get_all_ex", params, optional={"non_public"})
        request = request._replace(narrowed=self.narrowed(context, request.now))
        store = context.store  # the primary: what is changed must be what is stored now
        with context.console.waiting("asking the database:"):
            response = store.connection.retry(lambda: handler(request.endpoint)(request, store))
            ids = [project["id"] for project in response.data["projects"]]
        # Another tool's: a request can't name them, and they must not keep the others from being changed.
        named = [argument(identifier) for identifier in ids if can_be_named(identifier)]
        if odd := len(ids) - len(named):
            context.console.warn(f"projects left as they are, because their ids are empty or not UTF-8: {odd}")
        return named

    def narrowed(self, context: Context, now: datetime) -> Document | None:
        """Return the condition of the filters that the service does not have, None without any.

        Raises:
            UsageError: a duration is invalid, or a user is unknown.
            InvalidProjectId, ProjectNotFound: the project of `under` is unknown.
        """
        values = (self.depth, self.newer_than, self.older_than)
        if not (self.owner or self.under or self.empty or any(value is not None for value in values)):
            return None
        since = time_before(now, f"--{self.prefix}newer-than", self.newer_than)
        until = time_before(now, f"--{self.prefix}older-than", self.older_than)
        from projects_cli.endpoints import hierarchy
        from projects_cli.endpoints.address import project_id
        from projects_cli.endpoints.owner import named_owner
        from projects_cli.inspection.narrowing import Narrowing, condition

        store = context.reading
        root = None
        if self.under is not None:
            root = hierarchy.readable_project(project_id(self.under, lambda: store), store, {"path": 1})
        owners = [named_owner(user, f"--{self.prefix}owner", store) for user in self.owner or ()]
        wanted = Narrowing(owners, root, self.depth, self.empty, since, until)
        with context.console.waiting("asking the database:"):
            return store.connection.retry(lambda: condition(wanted, store))


class WhereFilters(ProjectFilters):
    """The same for a command that has options of these names for something else: `--where-tag` for `--tag`."""

    __slots__ = ()
    prefix = "where-"


def with_filters(command: Callable[..., None], *, kind: type[ProjectFilters] = ProjectFilters) -> Callable[..., None]:
    """Return a command that has an option for each filter instead of its parameter `filters`.

    Typer makes the options of a command from its signature, so the fields of `ProjectFilters` take the place of that
    parameter.
    """
    prefix = kind.prefix
    hints = get_type_hints(ProjectFilters, include_extras=True)
    options = [
        inspect.Parameter(
            f"{prefix.replace('-', '_')}{field.name}",
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=field.default,
            annotation=_prefixed(hints[field.name], prefix) if prefix else hints[field.name],
        )
        for field in fields(ProjectFilters)
    ]
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        parameters += options if parameter.name == "filters" else [parameter]

    @wraps(command)
    def filtered(**given: Any) -> None:
        values = zip(fields(ProjectFilters), options, strict=True)
        filters = kind(**{field.name: given.pop(option.name) for field, option in values})
        command(**given, filters=filters)

    filtered.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # functions have it
    filtered.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return filtered


with_where = partial(with_filters, kind=WhereFilters)


def _prefixed(hint: Any, prefix: str) -> Any:
    """Return the annotation of an option whose long names begin with a prefix: `--where-tag` for `--tag`."""
    value, option = get_args(hint)
    renamed = copy(option)
    # Typer has the first name of an annotation in the place of the default.
    renamed.default, *others = (f"--{prefix}{name[2:]}" for name in (option.default, *option.param_decls))
    renamed.param_decls = tuple(others)
    renamed.help = re.sub("--(?=[a-z])", f"--{prefix}", option.help)
    renamed.rich_help_panel = "Filters of projects, as list has them"
    return Annotated[value, renamed]


def time_before(now: datetime, option: str, text: str | None) -> datetime | None:
    """Return the time that is a duration before now, without a zone, as stored times are."""
    if text is None:
        return None
    try:
        return now.replace(tzinfo=None) - timedelta(seconds=parse_duration(text))
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error
    except OverflowError as error:
        raise UsageError(f"{option} {text!r}: longer than the calendar") from error


def _multi_field(option: str, text: str) -> dict[str, Any]:
    """Parse `name,tags=REGEX`."""
    fields, equals, regex = text.partition("=")
    if not equals or not fields:
        raise UsageError(f"{option} {text!r}: write FIELDS=REGEX, as in {option} name,description=rocket")
    return {"fields": fields.split(","), "pattern": regex}


def _bounds(option: str, text: str) -> list[str | None]:
    """Parse `FROM,TO`; an empty one is an open end."""
    start, comma, end = text.partition(",")
    if not comma:
        raise UsageError(f"{option} {text!r}: write FROM,TO with a comma, as in '2024-02-01,' for an open end")
    return [start.strip() or None, end.strip() or None]
