"""`projects import`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.context import Context
from projects_cli.cli.flow import DocumentChange, expect, perform, show, warn_of_interrupted
from projects_cli.cli.request import file_request, stdin_bytes
from projects_cli.errors import ExpectedUniqueData, ImportConflict, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projects_cli.messages import Response
    from projects_cli.transfer.archive import Archive
    from projects_cli.transfer.imports import Options

app = typer.Typer(**TYPER_OPTIONS)


class OnConflict(StrEnum):
    """What happens to documents that exist already."""

    fail = "fail"
    skip = "skip"
    update = "update"
    rename = "rename"


ConflictOption = Annotated[
    OnConflict, typer.Option("--on-conflict", metavar="WHAT", help="If something exists: fail, skip, update or rename.")
]
Into = Annotated[
    str | None, typer.Option("--into", metavar="LOCATION", help="Project to import below; created if it is missing.")
]
MapCompany = Annotated[
    list[str] | None,
    typer.Option("--map-company", metavar="OLD=NEW", help="Import documents of company OLD for company NEW."),
]
MapUser = Annotated[
    list[str] | None,
    typer.Option("--map-user", metavar="OLD=NEW", help="Replace the user id OLD by NEW; repeat for more."),
]


@app.command(cls=GroupedCommand)
def import_(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file that export wrote; - reads standard input.")],
    on_conflict: ConflictOption = OnConflict.fail,
    into: Into = None,
    map_company: MapCompany = None,
    map_user: MapUser = None,
) -> None:
    """Create the projects, tasks and models of a file that export wrote (asks first; can be undone).

    The whole file is checked before anything is changed, and a damaged or incomplete one is refused. Everything is
    imported or nothing: by default nothing, if something of it exists already.

    Example: projects export vision | projects import - --into restored --on-conflict rename --dry-run
    """
    context: Context = ctx.obj
    expect(context, "import")
    options = options_of(on_conflict, into, map_company, map_user)
    from projects_cli.transfer.archive import Archive

    with Archive.opened(file, stdin_bytes(context)) as archive:
        show(context, import_archive(context, archive, options))


def options_of(
    on_conflict: OnConflict, into: str | None, map_company: Sequence[str] | None, map_user: Sequence[str] | None
) -> Options:
    """Return the options of an import.

    Raises:
        UsageError: a mapping has no `=`, or nothing on a side of it.
    """
    companies, users = _mapping("--map-company", map_company), _mapping("--map-user", map_user)
    from projects_cli.transfer.imports import Options

    return Options(on_conflict.value, into, companies, users)


def _mapping(option: str, pairs: Sequence[str] | None) -> dict[str, str]:
    mapping = {}
    for pair in pairs or ():
        old, _, new = pair.partition("=")
        if not old or not new:
            raise UsageError(f"{option} {pair!r} is not OLD=NEW")
        mapping[old] = new
    return mapping


def import_archive(context: Context, archive: Archive, options: Options) -> Response:
    """Check a file, and import it.

    Raises:
        DamagedFile: the file is damaged. UsageError: it is of another company.
    """
    header = archive.check(context.console.progress)
    company = options.companies.get(header.company, header.company)
    if company != context.settings.company:
        raise UsageError(
            f"{archive.name} is of the company {company!r}, and the company here is {context.settings.company!r}",
            hint=f"import it for this company: --map-company {header.company}={context.settings.company}",
        )
    store = context.store
    from projects_cli.endpoints import naming
    from projects_cli.transfer.imports import Import

    creates = options.location is not None and naming.is_missing(options.location, store)
    request = file_request(context, "import", creates=creates, restores=True)
    try:
        with context.connection.unlimited():
            return perform(context, DocumentChange(Import(archive, header, options, request)))
    except ImportConflict:
        warn_of_interrupted(context)  # what is in the way may come from an import that was killed
        raise
    except ExpectedUniqueData as error:
        raise ImportConflict(
            f"{archive.name} can't be imported: an id or name of it was taken meanwhile, or is another company's",
            hint="give all documents of another company new ids: --on-conflict rename",
        ) from error
