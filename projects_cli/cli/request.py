"""Requests: from the arguments of a command, or from JSON, to a valid request with its company and owner."""

from __future__ import annotations

import sys
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from projects_cli import endpoints
from projects_cli.cli.context import utc_now
from projects_cli.config.settings import login_name
from projects_cli.errors import ExitStatus, FieldsValueError, NothingFound, UnknownCompany, UsageError
from projects_cli.messages import Plan, Request, Response
from projects_cli.render.escaping import check_utf8

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import BinaryIO

    from projects_cli.cli.context import Context
    from projects_cli.schema.model import Version

LARGEST = 64 * 1024**2
"""Bytes of a request; MongoDB accepts 48 MB."""

MEANINGFUL_NULLS = frozenset({"stats_for_state"})
"""Parameters for which null is a value, not the lack of one (docs/semantics.md, Common)."""

WITHOUT_PROJECTS: dict[str, dict[str, Any]] = {
    "projects.get_by_id": {"project": {}},
    "projects.get_all": {"projects": []},
    "projects.get_all_ex": {"projects": []},
    "projects.update": {"updated": 0, "fields": {}},
    "projects.delete": {"deleted": 0, "disassociated_tasks": 0, "deleted_models": 0, "deleted_tasks": 0},
    "projects.validate_delete": {"blockers": []},
    "projects.move": {"moved": 0},
    "projects.merge": {"moved_entities": 0, "moved_projects": 0},
    "projects.make_public": {"updated": 0},
    "projects.make_private": {"updated": 0},
    "projects.get_unique_metric_variants": {"metrics": []},
    "projects.get_hyper_parameters": {"parameters": [], "remaining": 0, "total": 0},
    "projects.get_task_tags": {"tags": []},
    "projects.get_model_tags": {"tags": []},
    "projects.get_project_tags": {"tags": [], "system_tags": []},
    "projects.get_task_parents": {"parents": []},
    "projects.get_hyperparam_values": {"total": 0, "values": []},
    "projects.get_model_metadata_keys": {"total": 0, "remaining": 0, "keys": []},
    "projects.get_model_metadata_values": {"total": 0, "values": []},
    "projects.get_user_names": {"users": []},
    "tags.list": {"tags": []},
    "tags.counts": {"tags": []},
    "tags.change": {"projects": 0, "tasks": 0, "models": 0},
}
"""The responses of commands if standard input names no project."""

ADDRESSED = ("project", "projects", "ids", "parent", "destination_project")
"""Parameters that hold ids of projects. On the command line they may be names or the beginnings of ids."""

LISTS = frozenset({"projects.get_all", "projects.get_all_ex"})
"""Endpoints whose parameter `id` filters projects: its values may be the beginnings of ids, but not names."""

OTHER_IDS = {"projects.get_unique_metric_variants": ("ids",)}
"""Those that hold ids of tasks or models instead."""

DEFAULT_TRUE = frozenset({"include_subprojects", "allow_public"})
"""Switches that are on by default: of these, false is a value that the user set."""

OWNER, DELETER = "the owner of new projects", "the user who deletes tasks and models"
"""What a user is needed for, in messages."""

WITH_OWNER = frozenset({"projects.create", "projects.move"})
"""Endpoints that store the owner: of a new project, or of the missing parents of one that moves."""


def build_request(
    context: Context, version: Version, params: Mapping[str, Any], user: str | None = None, *, ask: bool = False
) -> Request:
    """Return the request with valid parameters.

    `user` is the owner of a new project, by name or id, and defaults to the setting. With `ask`, a user at a terminal
    selects the owner if it is ambiguous.

    Raises:
        UnknownCompany, UsageError: see `_check_company` and `_owner`.
    """
    if user:
        _check_unicode(user)
    creates = version.endpoint in WITH_OWNER
    if creates and "project" in params:  # a move, which looks up no owner unless its location is missing
        store = context.store
        from projects_cli.endpoints import naming

        creates = naming.is_missing(params.get("new_location") or "", store)
    if creates:
        _check_company(context)
        user = _owner(context, user, ask=ask)
    elif params.get("delete_contents"):  # tasks and models elsewhere get the user as `last_changed_by`
        user = _owner(context, user, ask=ask, role=DELETER)
    company, number = context.settings.company, version.number
    return Request(version.endpoint, number, params, company, user or "", utc_now(), lambda: uuid.uuid4().hex)


def file_request(context: Context, name: str, *, creates: bool, restores: bool = False) -> Request:
    """Return a request that is not one of the service: the documents of a file for this company.

    The owner is looked up if a project `creates` that the file does not have. A file that `restores` documents with
    their company may go to an empty database.

    Raises:
        UnknownCompany, UsageError: see `_check_company` and `_owner`.
    """
    _check_company(context, empty_is_fine=restores)
    user = _owner(context, None, ask=True) if creates else ""
    version = context.version("projects.delete").number
    return Request(name, version, {}, context.settings.company, user, utc_now(), lambda: uuid.uuid4().hex)


def _check_company(context: Context, *, empty_is_fine: bool = False) -> None:
    """Refuse to create a project for an unknown company, unless `--new-company` is set.

    All other changes are about documents that the company has.

    Raises:
        UnknownCompany: the company has no document of its own, and no project, user or task.
    """
    settings = context.settings
    if context.company_is_known or settings.new_company:
        return
    store = context.store
    from projects_cli.endpoints import company

    # A typing error in the company would create a project that no user sees.
    context.company_is_known = company.is_known(store)
    if context.company_is_known:
        return
    database = f"the database {context.target.name!r}"
    message = f"the company {settings.company!r} is unknown in {database}: no company document, project, user or task"
    if company.is_empty(store):
        if empty_is_fine:
            return
        message = f"{database} has no company, project, user or task"
    sources = {"the database": context.target.name_source, "the company": settings.sources["company"]}
    origins = [f"{what} was chosen by {source}" for what, source in sources.items() if source]
    hint = "; ".join(["see projects status", *origins, "to go on anyway: --new-company"])
    raise UnknownCompany(message, hint=hint)


def _owner(context: Context, user: str | None, *, ask: bool, role: str = OWNER) -> str:
    """Return the id of the owner of new projects, or of the user in whose name other documents are changed.

    Raises:
        UsageError: the user is unknown, ambiguous, or not Unicode text.
    """
    # For the message: the request itself, or the setting's origin.
    source = "user" if user else context.settings.sources["user"]
    user = user or context.settings.user or ""
    _check_unicode(user)
    # One look-up for each name, however many lines a batch has.
    if user not in context.users:
        store = context.store
        from projects_cli.endpoints.owner import named_owner

        context.users[user] = named_owner(user, source, store) if user else _default_owner(context, role, ask=ask)
    return context.users[user]


def _default_owner(context: Context, role: str, *, ask: bool) -> str:
    login, store = login_name(), context.store
    from projects_cli.endpoints.owner import default_owner, some_users

    owner = default_owner(login, store)
    if owner is not None:
        return owner
    # Only a user at a terminal can choose; a script gets an error with the users.
    if ask and context.prompts.can_pick:
        from projects_cli.cli.project_picker import pick_owner

        return pick_owner(context, role)
    if users := some_users(store):
        hint = f"name one with --user NAME, or in the request of a batch; users: {users}"
        raise UsageError(f"{role} is ambiguous: no user has the OS login {login!r} as its id or name", hint=hint)
    raise UsageError(f"{role} is unknown: the OS login has no name", hint="name one with --user NAME")


def _check_unicode(user: str) -> None:
    """Refuse a user that MongoDB could not store.

    Raises:
        UsageError: it is not Unicode text.
    """
    from projects_cli.schema.validate import has_surrogate

    if has_surrogate(user):
        raise UsageError(f"the user {user!r} is not Unicode text: it has a lone surrogate")


# --- from arguments -----------------------------------------------------------------------------------------------


def requested(
    context: Context,
    endpoint: str,
    arguments: Mapping[str, Any],
    *,
    optional: Collection[str] = (),
    nulls: Collection[str] = (),
) -> Request:
    """Return the request of a command's arguments. It is validated before the database is used.

    A loaded schema may lack parameters that the user did not set: switches, and the `optional` ones, which are the
    command's own defaults. They are left out then. An argument that is None was not set, unless it is among `nulls`,
    the fields to clear.

    Raises:
        UsageError: no project is named, or the version lacks a parameter.
    """
    version = context.version(endpoint)
    known = version.request_schema.get("properties", {})
    params = {
        name: value
        for name, value in arguments.items()
        if (value is not None or name in nulls or name in MEANINGFUL_NULLS)
        and (name in known or not ((value is False and name not in DEFAULT_TRUE) or name in optional))
    }
    # Refused here, not by the schema, which would not know which version has the parameter.
    unknown = next((name for name in params if name not in known), None)
    if unknown is not None:
        raise _unknown_parameter(version, unknown)
    addressed = [name for name in ADDRESSED if name not in OTHER_IDS.get(endpoint, ())]
    # The schema would name a parameter; the user has to name a project.
    needed = {"ids", *version.request_schema.get("required", ())} & set(addressed)
    if any(arguments[name] in (None, []) for name in needed & arguments.keys()):
        raise _no_project()
    valid = {**version.validate(params)}
    for name in addressed:
        if name in params:
            valid[name] = _project_ids(context, endpoint, valid[name])
    if endpoint in LISTS and params.get("id"):
        valid["id"] = _whole_ids(context, valid["id"])
    if params.get("active_users"):
        from projects_cli.endpoints.owner import named_owner

        users = [named_owner(user, "--active-user", context.reading) for user in valid["active_users"]]
        valid["active_users"] = users
    return build_request(context, version, valid, ask=True)


def _unknown_parameter(version: Version, name: str) -> UsageError:
    """Return the error for a parameter that the version lacks, with the version that has it."""
    where, hint = "no version of the loaded schema has it", None
    if name in version.elsewhere:
        where, hint = f"version {version.elsewhere[name]} has it", "leave out --api-version, or choose another version"
    message = f"{version.endpoint} of version {version.number} has no parameter {name!r}: {where}"
    return UsageError(message, hint=hint)


def _no_project() -> UsageError:
    return UsageError("no project was named", hint="name it, or select it from a list with --interactive")


def _whole_ids(context: Context, values: Sequence[str]) -> list[str]:
    """Return the values of the parameter `id` with whole ids in place of the beginnings of ids.

    A value may be an operator of the service's list filters, and an id may have a `-` before it.
    """
    from projects_cli.endpoints.address import with_whole_ids

    ids = [value.removeprefix("-") for value in values]
    whole = dict(zip(ids, with_whole_ids(ids, context.reading), strict=True))
    return [f"-{whole[value[1:]]}" if value.startswith("-") else whole[value] for value in values]


def _project_ids(context: Context, endpoint: str, value: str | list[str | None]) -> str | list[str | None]:
    """Return the ids of projects that may be named by their names, or by the beginnings of ids; null stays null."""
    from projects_cli.endpoints.address import project_id

    named = [value] if isinstance(value, str) else [item for item in value if item is not None]
    # In a list, null stands for documents without a project.
    has_null = not isinstance(value, str) and None in value
    names = named_projects(context, endpoint, named) if named or not has_null else []
    if isinstance(value, str) and len(names) > 1:
        raise UsageError(f"a single project was expected, but standard input names {len(names)}")
    ids = [project_id(name, lambda: context.store_for(endpoint)) for name in names]
    return ids[0] if isinstance(value, str) else [*ids, *[None] * has_null]


def named_projects(context: Context, endpoint: str, projects: Sequence[str]) -> list[str]:
    """Return the projects that are named, without duplicates. `-` stands for the lines of standard input.

    Raises:
        UsageError: no project is named. Exit: standard input is empty.
    """
    names: list[str] = []
    for project in projects:
        if project == "-":
            # Lines, not words: a name may contain spaces.
            text = context.streams.stdin.read().removeprefix("\ufeff")
            names.extend(
                check_utf8(line.rstrip("\r"), f"line {number} of standard input")
                for number, line in enumerate(text.split("\n"), 1)
                if line.strip()
            )
        else:
            names.append(project)
    if not names and "-" in projects:
        nothing_to_do(context, without_projects(context, endpoint))
    if not names:
        raise _no_project()
    return list(dict.fromkeys(names))


def without_projects(context: Context, endpoint: str) -> Response:
    """Return the response of an endpoint, or the plan of a dry run, if there is no project to ask it about."""
    answer = WITHOUT_PROJECTS[endpoint]
    if not context.settings.dry_run or endpoint not in endpoints.CHANGES:
        return Response(endpoint, answer)
    from projects_cli.changes.plan_view import described

    return described(Plan(endpoint, "nothing to do", steps=[], answer=answer, counts={"projects": 0}))


# --- from JSON and standard input ---------------------------------------------------------------------------------


def parse_json(text: bytes) -> Any:
    """Parse JSON, without the extensions of Python's parser.

    Raises:
        UsageError: it is not UTF-8, or invalid.
    """
    import json  # few commands need it

    decoded = check_utf8(text.decode("utf-8", "surrogateescape"), "the JSON")

    def refuse_constant(word: str) -> Any:
        raise ValueError(f"{word} is not JSON")

    def unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):  # Python's parser would silently keep the last value
            repeated, _ = Counter(key for key, _ in pairs).most_common(1)[0]
            raise ValueError(f"the key {repeated!r} occurs twice in an object")
        return members

    try:
        return json.loads(
            decoded.removeprefix("\ufeff"), parse_constant=refuse_constant, object_pairs_hook=unique_members
        )
    except RecursionError as error:
        raise UsageError("the JSON is nested too deeply") from error
    except ValueError as error:
        raise UsageError(f"invalid JSON: {error}"[:200]) from error


def check_filter_tags(*options: Sequence[str] | None, without: str = "--no-tags") -> None:
    """Refuse an empty tag in a filter, which comes from an unset variable rather than from a tag.

    `without` is the option for projects without tags.

    Raises:
        FieldsValueError: there is an empty tag.
    """
    if any("" in (tags or ()) for tags in options):
        raise FieldsValueError("a tag to filter by must not be empty", hint=f"projects without tags: {without}")


def json_option(option: str, text: str) -> dict[str, Any]:
    """Parse the value of an option that is a JSON object.

    Raises:
        UsageError: it is not.
    """
    try:
        value = parse_json(text.encode("utf-8", "surrogatepass"))
    except UsageError as error:
        raise UsageError(f"{option}: {error.message}", hint="see: projects help filters") from error
    if not isinstance(value, dict):
        raise UsageError(f"{option} {text!r}: expected a JSON object")
    return value


def stdin_bytes(context: Context) -> BinaryIO:
    """Return standard input as bytes."""
    return getattr(context.streams.stdin, "buffer", sys.stdin.buffer)


def read_within(read: Callable[[int], bytes], source: str) -> bytes:
    """Return what `read(size)` returns, which may be from a device without an end.

    Raises:
        UsageError: it is too large for a request.
    """
    content = read(LARGEST + 1)
    if len(content) > LARGEST:
        raise UsageError(f"{source}: a request may have at most {LARGEST // 1024**2} MiB")
    return content


def input_error(source: str, error: OSError | ValueError) -> UsageError:
    """Return the error for a file that can't be read."""
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return UsageError(f"{source}: {reason}")


def nothing_to_do(context: Context, response: Response, why: str = "standard input is empty") -> NoReturn:
    """End a command because standard input is empty, or for another reason. Programs get a response of the usual shape.

    Raises:
        Exit: always, or NothingFound: `--fail-if-empty` is set.
    """
    if context.console.output in {"json", "yaml"}:
        context.output.show(response)
    if context.readable.fail_if_empty:
        raise NothingFound(f"{why}: nothing to do")
    context.console.notice(f"{why}: nothing to do")
    raise typer.Exit(ExitStatus.DONE)
