"""`projects list`."""

from __future__ import annotations

from typing import Annotated

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import run
from projects_cli.cli.listing import State, id_check, listing, own_defaults
from projects_cli.cli.options import FILTERS, SHOWING, STATISTICS

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def list_(
    ctx: typer.Context,
    id: Annotated[  # noqa: A002
        list[str] | None,
        typer.Option("--id", metavar="ID", help="Only these ids; hidden ones too.", rich_help_panel=FILTERS),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="REGEX", help="The name has this pattern.", rich_help_panel=FILTERS),
    ] = None,
    description: Annotated[
        str | None,
        typer.Option(
            "--description", metavar="REGEX", help="The description has this pattern.", rich_help_panel=FILTERS
        ),
    ] = None,
    tags: Annotated[
        list[str] | None,
        typer.Option(
            "--tag",
            "--tags",
            metavar="TAG",
            help="Has any of these tags; --tag __$all before: all of them.",
            rich_help_panel=FILTERS,
        ),
    ] = None,
    exclude_tag: Annotated[
        list[str] | None,
        typer.Option("--exclude-tag", metavar="TAG", help="Has none of these tags.", rich_help_panel=FILTERS),
    ] = None,
    no_tags: Annotated[
        bool, typer.Option("--no-tags", help="Has no tags; with --tag: or none.", rich_help_panel=FILTERS)
    ] = False,
    system_tags: Annotated[
        list[str] | None,
        typer.Option(
            "--system-tag",
            "--system-tags",
            metavar="TAG",
            help="Has any of these system tags.",
            rich_help_panel=FILTERS,
        ),
    ] = None,
    search_text: Annotated[
        str | None,
        typer.Option(
            "--search",
            "--search-text",
            metavar="WORDS",
            help="Words in name or description, best first.",
            rich_help_panel=FILTERS,
        ),
    ] = None,
    any_: Annotated[
        str | None,
        typer.Option(
            "--any",
            metavar="FIELDS=REGEX",
            help="Any of these fields has the pattern, in any case: name,tags=yolo",
            rich_help_panel=FILTERS,
        ),
    ] = None,
    all_: Annotated[
        str | None,
        typer.Option(
            "--all", metavar="FIELDS=REGEX", help="All of these fields have the pattern.", rich_help_panel=FILTERS
        ),
    ] = None,
    non_public: Annotated[
        bool | None, typer.Option("--non-public", help="Leave public projects out.", rich_help_panel=FILTERS)
    ] = None,
    order_by: Annotated[
        list[str] | None,
        typer.Option(
            "--order-by",
            metavar="FIELD",
            help="Order by this field, -FIELD descending; repeat. [default: name]",
            rich_help_panel=SHOWING,
        ),
    ] = None,
    page: Annotated[
        int | None, typer.Option("--page", metavar="N", help="Page number, from 0.", rich_help_panel=SHOWING)
    ] = None,
    page_size: Annotated[
        int | None, typer.Option("--page-size", metavar="N", help="Projects of a page.", rich_help_panel=SHOWING)
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-L", metavar="N", help="At most so many.", rich_help_panel=SHOWING)
    ] = None,
    only_fields: Annotated[
        list[str] | None,
        typer.Option(
            "--only-fields",
            metavar="FIELD",
            help="Only these fields, a,b or repeated; -FIELD leaves one out.",
            rich_help_panel=SHOWING,
        ),
    ] = None,
    include_stats: Annotated[
        bool | None,
        typer.Option(
            "--stats", "--include-stats", help="Tasks by status, with sub-projects.", rich_help_panel=STATISTICS
        ),
    ] = None,
    stats_for_state: Annotated[
        State | None,
        typer.Option(
            "--state",
            "--stats-for-state",
            help="Count active tasks, archived ones, or both. [default: active]",
            rich_help_panel=STATISTICS,
        ),
    ] = None,
) -> None:
    """List projects: all of them, or those that pass every filter given.

    Example: projects list --name '^vision/' --tag prod --order-by -last_update
    """
    given = {
        "id": id,
        "name": name,
        "description": description,
        "tags": tags,
        "system_tags": system_tags,
        "search_text": search_text,
        "_any_": any_,
        "_all_": all_,
        "non_public": non_public,
        "order_by": order_by,
        "page": page,
        "page_size": page_size,
        "only_fields": only_fields,
        "include_stats": include_stats,
        "stats_for_state": stats_for_state,
    }
    endpoint, params = listing(
        exclude_tags=exclude_tag,
        no_tags=no_tags,
        limit=limit,
        fields=ctx.obj.settings.fields or (),
        ids=ctx.obj.settings.output == "id",
        given=given,
    )
    run(ctx.obj, endpoint, params, prepare=id_check(ctx.obj), optional=own_defaults(params, given))
