"""`projects report`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.context import Context, utc_now
from projects_cli.cli.flow import expect, show, writes_files
from projects_cli.cli.options import OptionalProject, time_since
from projects_cli.errors import UsageError
from projects_cli.messages import Response
from projects_cli.render import target

if TYPE_CHECKING:
    from projects_cli.messages import Document

app = typer.Typer(**TYPER_OPTIONS)


class ChartName(StrEnum):
    """A chart of a report."""

    weeks = "weeks"
    status = "status"
    users = "users"
    projects = "projects"
    largest = "largest"


class Format(StrEnum):
    """A format that is not a file."""

    markdown = "markdown"


@app.command(cls=GroupedCommand)
def report(
    ctx: typer.Context,
    project: OptionalProject = None,
    html: Annotated[
        str | None,
        typer.Option("--html", metavar="FILE", help="Write a web page that needs no other file; - prints it."),
    ] = None,
    svg: Annotated[
        tuple[ChartName, str] | None,
        typer.Option("--svg", metavar="CHART FILE", help=f"Write a chart ({', '.join(ChartName)}); - prints it."),
    ] = None,
    format_: Annotated[
        Format | None,
        typer.Option("--format", metavar="FORMAT", help="Print the report: markdown. [default: markdown]"),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="Period: 30d, or since 2024-01-31. [default: 26w, to the last run]"
        ),
    ] = None,
    clobber: Annotated[bool, typer.Option("--clobber", help="Overwrite existing files.")] = False,
) -> None:
    """Report on a project or all projects, with charts.

    Example: projects report vision --html vision.html --clobber

    Without a file the report is printed as Markdown, or as data with -o json.
    """
    context: Context = ctx.obj
    paths = [path for path in (html, svg and svg[1]) if path is not None]
    if paths and format_ is not None:
        raise UsageError("--format can't be used with --html or --svg")
    target.check(paths, clobber=clobber)
    prints_markdown = not paths and (format_ is not None or context.output.is_plain_table)
    if not prints_markdown:
        expect(context, "report.files" if paths else "report")
    data = _data(context, project, since)
    if not paths and not prints_markdown:
        show(context, Response("report", data))
        return
    from projects_cli.render import report as document

    built = document.report(data, utc_now())
    if prints_markdown:
        from projects_cli.render.markdown import markdown

        target.write(target.STDOUT, markdown(built), context.streams)
        return
    contents: dict[str, str] = {}
    if html is not None:
        from projects_cli.render.page import page

        contents[html] = page(built)
    if svg is not None:
        from projects_cli.render.svg import file_of

        contents[svg[1]] = file_of(document.chart(built, svg[0]))
    if not writes_files(context) and target.STDOUT not in contents:
        context.console.notice("dry run: no file was written")
        return
    files = [{"file": path, "size": target.write(path, text, context.streams)} for path, text in contents.items()]
    if target.STDOUT not in contents:
        show(context, Response("report.files", {"files": files}))


def _data(context: Context, project: str | None, since: str | None) -> Document:
    """Return the figures of a report.

    Raises:
        UsageError: the time is invalid. InvalidProjectId, ProjectNotFound: the project is unknown.
    """
    now = utc_now()
    start = None if since is None else time_since("--since", since, now)
    from projects_cli.endpoints import hierarchy
    from projects_cli.endpoints.address import project_id
    from projects_cli.inspection.activity import GROUPINGS
    from projects_cli.inspection.overview import overview

    store = context.reading
    root = None
    if project is not None:
        root = hierarchy.readable_project(project_id(project, lambda: store), store, {"name": 1})
    with context.console.waiting("asking the database:"):
        return store.connection.retry(lambda: overview(root, store, now, start, GROUPINGS))
