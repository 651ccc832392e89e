"""`projects profile`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from projects_cli.cli.app import GroupedCommand, command_group
from projects_cli.cli.commands.config import change_file, printable, user_file
from projects_cli.cli.flow import expect, show
from projects_cli.config.settings import BY_NAME
from projects_cli.errors import UsageError
from projects_cli.messages import Response

if TYPE_CHECKING:
    from projects_cli.cli.context import Context

app = command_group("List, show and choose profiles: named settings for a database.\n\nExample: projects profile list")


@app.command("list", cls=GroupedCommand)
def list_(ctx: typer.Context) -> None:
    """List the profiles of your configuration, and which one is in use.

    Example: projects profile list
    """
    context: Context = ctx.obj
    expect(context, "profile.list")
    file = user_file(context)
    rows = []
    for name in sorted(file.tables):
        values = file.profile(name)
        rows.append(
            {
                "name": name,
                "in_use": name == context.settings.profile,
                "production": values.get("production", False),
                "uri": printable(values.get("uri")),
                "uri_file": printable(values.get("uri_file")),
                "database": values.get("database"),
                "company": values.get("company"),
            }
        )
    show(context, Response("profile.list", {"profiles": rows}))


@app.command(cls=GroupedCommand)
def use(
    ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="A name from projects profile list.")]
) -> None:
    """Make a profile the default.

    Example: projects profile use work
    """
    context: Context = ctx.obj
    from projects_cli.config.editor import Key

    user_file(context).profile(name)  # raises if there is no such profile
    change_file(context, Key(None, "profile"), name)
    # A variable or `.projects.toml` wins over the file that was just changed.
    if context.settings.profile != name and context.settings.origins["profile"] not in {"user file", "default"}:
        source = context.settings.sources["profile"]
        context.console.warn(f"{source} chooses {context.settings.profile!r} here and takes precedence")


@app.command("show", cls=GroupedCommand)
def show_(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="[default: the profile in use]")] = None,
) -> None:
    """Show the settings of a profile, without secrets.

    Example: projects profile show work
    """
    context: Context = ctx.obj
    expect(context, "profile.show")
    name = name or context.settings.profile
    if name is None:
        raise UsageError("no profile is in use", hint="name a profile from: projects profile list")
    values = user_file(context).profile(name)
    rows = [{"key": BY_NAME[setting].key, "value": printable(value)} for setting, value in values.items()]
    show(context, Response("profile.show", {"profile": name, "settings": rows}))
