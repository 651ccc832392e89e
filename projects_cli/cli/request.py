"""Turn the arguments of a command into a valid request, before the database is asked for anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import typer

from projects_cli import endpoints
from projects_cli.errors import ExitStatus, UsageError
from projects_cli.messages import Plan, Response
from projects_cli.render.escaping import check_utf8

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from projects_cli.cli.context import Context
    from projects_cli.messages import Request
    from projects_cli.schema.model import Version

    Prepare = Callable[[dict[str, Any]], dict[str, Any]]

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
    prepare: Prepare | None = None,
    optional: Collection[str] = (),
) -> Request:
    """Return the request of a command's arguments; their faults are reported before the database is asked.

    A loaded schema may lack what the user did not ask for: a flag that is not set, and the `optional` arguments, which
    are the command's own defaults. These are left out then.
    """
    version = context.version(endpoint)
    given = {
        name: value
        for name, value in arguments.items()
        if (value is not None or name in MEANINGFUL_NULLS)
        and (_has(version, name) or not (value is False or name in optional))
    }
    check_known(context, version, given)
    check_named(version, arguments)
    version.validate(given)  # before anything is asked of the database
    for name in ADDRESSED:
        if name in given:
            given[name] = _addressed(context, endpoint, given[name])
    if prepare is not None:
        given = prepare(given)
    return context.request(version, given, ask=True)


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
        counts = {"projects": 0}
        from projects_cli.changes.plan_view import described

        return described(Plan(endpoint, "nothing to do", steps=[], answer=lambda _: answer, counts=counts))
    return Response(endpoint, answer)


def given_projects(context: Context, endpoint: str, projects: Sequence[str]) -> list[str]:
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
        named = given_projects(context, endpoint, [value])
        if len(named) > 1:
            raise UsageError(f"one project was expected, and standard input names {len(named)}")
        return project_id(named[0], lambda: context.store_for(endpoint))
    return [
        project_id(project, lambda: context.store_for(endpoint)) for project in given_projects(context, endpoint, value)
    ]
