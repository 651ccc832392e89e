"""Turn the arguments of a command into a valid request, before the database is asked for anything else."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from projects_cli import endpoints
from projects_cli.errors import ExitStatus, UsageError
from projects_cli.messages import Plan, Response
from projects_cli.render.escaping import check_utf8

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import BinaryIO

    from projects_cli.cli.context import Context
    from projects_cli.messages import Request
    from projects_cli.schema.model import Version

MEANINGFUL_NULLS = frozenset({"stats_for_state"})
"""Parameters for which null is a value, not the lack of one (semantics.md, Common)."""

WITHOUT_PROJECTS: dict[str, dict[str, Any]] = {
    "projects.get_by_id": {"project": {}},
    "projects.update": {"updated": 0, "fields": {}},
    "projects.delete": {"deleted": 0, "disassociated_tasks": 0},
    "projects.make_public": {"updated": 0},
    "projects.make_private": {"updated": 0},
    "projects.get_unique_metric_variants": {"metrics": []},
    "projects.get_hyper_parameters": {"parameters": [], "remaining": 0, "total": 0},
    "projects.get_task_tags": {"tags": []},
    "projects.get_model_tags": {"tags": []},
}
"""The answers of commands that are given no project at all."""

ADDRESSED = ("project", "projects", "ids")
"""Parameters that hold projects' ids; on the command line names and beginnings of ids are understood too."""


def requested(
    context: Context,
    endpoint: str,
    arguments: Mapping[str, Any],
    *,
    optional: Collection[str] = (),
    nulls: Collection[str] = (),
) -> Request:
    """Return the request of a command's arguments; their faults are reported before the database is asked.

    A loaded schema may lack what the user did not ask for: a flag that is not set, and the `optional` arguments, which
    are the command's own defaults. These are left out then. An argument that is None was not set, unless it is among
    `nulls`, the fields to clear.
    """
    version = context.version(endpoint)
    given = {
        name: value
        for name, value in arguments.items()
        if (value is not None or name in nulls or name in MEANINGFUL_NULLS)
        and (_has(version, name) or not (value is False or name in optional))
    }
    check_known(context, version, given)
    check_named(version, arguments)
    valid = {**version.validate(given)}  # before anything is asked of the database
    for name in ADDRESSED:
        if name in given:
            valid[name] = _addressed(context, endpoint, valid[name])
    return context.request(version, valid, ask=True)


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


def stdin_bytes(context: Context) -> BinaryIO:
    """Return standard input as bytes."""
    return getattr(context.streams.stdin, "buffer", sys.stdin.buffer)


def input_error(source: str, error: OSError | ValueError) -> UsageError:
    """Return the error for a file that can't be read."""
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return UsageError(f"{source}: {reason}")


def nothing_to_do(context: Context, response: Response) -> NoReturn:
    """End a command that was to read standard input, which is empty; programs get an answer of the usual shape.

    Raises:
        Exit: always.
    """
    context.console.notice("standard input is empty: nothing to do")
    if context.console.output in {"json", "yaml"}:
        context.output.show(response)
    raise typer.Exit(ExitStatus.DONE)


def without_projects(context: Context, endpoint: str) -> Response:
    """Return the answer of a command that is given no project at all."""
    answer = WITHOUT_PROJECTS[endpoint]
    if context.settings.dry_run and endpoint in endpoints.CHANGES:
        from projects_cli.changes.plan_view import described

        return described(Plan(endpoint, "nothing to do", steps=[], answer=answer, counts={"projects": 0}))
    return Response(endpoint, answer)


def named_projects(context: Context, endpoint: str, projects: Sequence[str]) -> list[str]:
    """Return the projects that are named, each once; `-` stands for the lines of standard input.

    Raises:
        UsageError: none is named. Exit: standard input is empty.
    """
    named: list[str] = []
    for project in projects:
        if project == "-":
            text = context.streams.stdin.read().removeprefix("\ufeff")
            named.extend(
                check_utf8(line.rstrip("\r"), f"line {number} of standard input")
                for number, line in enumerate(text.split("\n"), 1)
                if line.strip()
            )
        else:
            named.append(project)
    if not named and "-" in projects:
        nothing_to_do(context, without_projects(context, endpoint))
    if not named:
        raise UsageError("no project was named", hint="name it, or pick it from a list with --interactive")
    return list(dict.fromkeys(named))


def check_known(context: Context, version: Version, given: Mapping[str, Any]) -> None:
    """Refuse a parameter that the chosen version lacks, naming the version that has it.

    Raises:
        UsageError: it lacks one.
    """
    known = version.request_schema.get("properties", {})
    for name in given:
        if name not in known:
            endpoint = context.catalog.endpoint(version.endpoint)
            having = [number for number in endpoint.versions if _has(endpoint.version(number), name)]
            where = f"version {having[0]} has it" if having else "no version of the loaded schema has it"
            raise UsageError(
                f"{version.endpoint} of version {version.number} has no parameter {name!r}: {where}",
                hint="leave out --api-version, or choose another one" if having else None,
            )


def check_named(version: Version, arguments: Mapping[str, Any]) -> None:
    """Refuse a command that needs a project and names none.

    Raises:
        UsageError: it names none.
    """
    needed = {"ids", *version.request_schema.get("required", ())}
    for name in ADDRESSED:
        if name in needed and name in arguments and arguments[name] in (None, []):
            raise UsageError("no project was named", hint="name it, or pick it from a list with --interactive")


def _has(version: Version, parameter: str) -> bool:
    return parameter in version.request_schema.get("properties", {})


def _addressed(context: Context, endpoint: str, value: str | list[str]) -> str | list[str]:
    from projects_cli.endpoints.address import project_id

    if isinstance(value, str):
        named = named_projects(context, endpoint, [value])
        if len(named) > 1:
            raise UsageError(f"one project was expected, and standard input names {len(named)}")
        return project_id(named[0], lambda: context.store_for(endpoint))
    return [
        project_id(project, lambda: context.store_for(endpoint)) for project in named_projects(context, endpoint, value)
    ]
