"""`--interactive`: the user selects projects from a list instead of naming them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from projects_cli.errors import ConfirmationNeeded, ProjectNotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projects_cli.cli.context import Context


def with_picked(context: Context, endpoint: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with the ids of the projects that the user selects.

    Raises:
        UsageError: a project is named too. ConfirmationNeeded: there is no terminal.
        ProjectNotFound: there is no project to select. Declined: the user cancelled.
    """
    name = next(name for name in ("project", "ids") if name in arguments)
    several = name == "ids"
    if arguments[name]:
        raise UsageError("--interactive can't be used with a project's name or id")
    if not context.prompts.can_pick:
        raise ConfirmationNeeded("--interactive needs a terminal", hint="name the project")
    from projects_cli.endpoints.address import choices

    options = choices(endpoint, context.store_for(endpoint))
    if not options:
        raise ProjectNotFound("there is no project to select")
    selected = context.prompts.pick(options, title="Projects" if several else "Project", several=several)
    # The list is erased from the screen, so the choice is repeated.
    for label in selected.values():
        context.console.notice(f"selected: {label}")
    return {**arguments, name: list(selected) if several else next(iter(selected))}


def pick_owner(context: Context, role: str) -> str:
    """Return the user that is selected at the terminal for a role such as "the owner", and print how to keep it.

    Raises:
        Declined: the user cancelled.
    """
    from projects_cli.endpoints.owner import choices

    profile = context.settings.profile
    selected = context.prompts.pick(choices(context.store), title=role.removeprefix("the ").capitalize(), several=False)
    [(owner, name)] = selected.items()
    key = f"profiles.{profile}.user" if profile else "user"
    context.console.notice(f"user: {name}; to keep this choice: projects config set {key} {shlex.quote(owner)}")
    return owner
